"""``farebox models``: what could be asked for, whether it can be asked now, and what it costs."""

from collections.abc import Sequence
from functools import partial

from farebox.app import App
from farebox.cli.running import with_app
from farebox.cli.terminal import show, show_json
from farebox.lsp.methods import ModelShape, ModelsResult
from farebox.lsp.results import model_shape
from farebox.router import inventory
from farebox.router.inventory import LineState
from farebox.unseen import clean

HEADERS = ("model", "context", "$/M in", "$/M out", "state", "capabilities")
NUMBERS = ("context", "$/M in", "$/M out")
UNKNOWN = "–"  # noqa: RUF001  a dash, as in the cost report

_STATES: dict[LineState, str] = {
    "ready": "ready",
    "missingKey": "no key",
    "badKey": "malformed key",
    "noAddress": "no address",
    "notLocal": "not local",
    "unreachable": "no answer",
    "noModel": "no model",
    "keyRejected": "key rejected",
}
_NOTES = {
    UNKNOWN: "not known",
    "no key": "farebox auth login PROVIDER, or its variable; prices are looked up once there is one",
    "malformed key": "farebox auth list says where the key is from",
    "no address": "set base_url in [providers.NAME]",
    "not local": "[privacy] local_only is on, and this is elsewhere",
    "no answer": "no server tells its models at this address; farebox doctor says more",
    "no model": "the server names none",
    "key rejected": "the server refuses the key",
}


def models(*, every: bool, as_json: bool) -> int:
    """Print the models of every provider that is set up; ``every`` with all that OpenRouter lists."""
    shapes = [model_shape(line) for line in with_app(partial(_lines, every=every))]
    if as_json:
        show_json(ModelsResult(models=shapes).json_value())
    elif shapes:
        _show_table([_cells(shape) for shape in shapes])
    else:
        show("No provider is set up. farebox doctor says what to do.")
    return 0


async def _lines(app: App, *, every: bool) -> Sequence[inventory.ModelLine]:
    await app.refresh_listing(asked=True)
    return await inventory.models(app.door().planner, every=every)


def _cells(shape: ModelShape) -> tuple[str, ...]:
    return (
        clean(shape.id),
        f"{shape.context_window:,}" if shape.context_window is not None else UNKNOWN,
        shape.input_usd_per_mtok or UNKNOWN,
        shape.output_usd_per_mtok or UNKNOWN,
        _STATES[shape.state],
        " ".join(shape.capabilities) or UNKNOWN,
    )


def _show_table(rows: Sequence[tuple[str, ...]]) -> None:
    table = (HEADERS, *rows)
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADERS))]
    for row in table:
        cells = zip(HEADERS, row, widths, strict=True)
        aligned = (cell.rjust(width) if name in NUMBERS else cell.ljust(width) for name, cell, width in cells)
        show("  ".join(aligned).rstrip())
    shown = {cell for row in rows for cell in row}
    notes = [f"{word}: {meaning}" for word, meaning in _NOTES.items() if word in shown]
    if notes:
        show("\n" + "\n".join(notes))
