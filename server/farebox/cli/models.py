"""``farebox models``: what could be asked for now, and what it costs."""

from collections.abc import Sequence

from farebox.app import App
from farebox.cli.running import with_app
from farebox.cli.terminal import show, show_json
from farebox.lsp.methods import ModelShape, ModelsResult, model_shape
from farebox.report import clean
from farebox.router import inventory


def models(*, as_json: bool) -> int:
    """Print the models of every provider that is set up."""

    async def ask(app: App) -> Sequence[inventory.ModelLine]:
        return await inventory.models(app.door().planner)

    shapes = [model_shape(line) for line in with_app(ask)]
    if as_json:
        show_json(ModelsResult(models=shapes).json_value())
        return 0
    if not shapes:
        show("No provider is set up. farebox doctor says what to do.")
        return 0
    width = max(len(clean(shape.id)) for shape in shapes)
    show(f"{'model':{width}}  {'context':>9}  {'$/M in':>9}  {'$/M out':>9}  capabilities")
    for shape in shapes:
        show(_line(shape, width))
    return 0


def _line(shape: ModelShape, width: int) -> str:
    context = f"{shape.context_window:,}" if shape.context_window is not None else "?"
    price_in, price_out = shape.input_usd_per_mtok or "?", shape.output_usd_per_mtok or "?"
    state = "" if shape.state == "ready" else f"  [{shape.state}]"
    capabilities = " ".join(shape.capabilities)
    return f"{clean(shape.id):{width}}  {context:>9}  {price_in:>9}  {price_out:>9}  {capabilities}{state}"
