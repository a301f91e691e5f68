"""``farebox route``: where a question would go and why; nothing is sent."""

from farebox.app import App
from farebox.chat import conversation as chats
from farebox.cli.running import with_app
from farebox.cli.terminal import show, show_json
from farebox.completion import engine
from farebox.messages import Estimate, Route, Task, usd_text
from farebox.report import clean
from farebox.shapes import route_shape


def route(text: str, *, model: str | None, task: Task, as_json: bool) -> int:
    """Print the route that such a request would take."""

    async def ask(app: App) -> Route:
        if task == "complete":
            hole = engine.Hole("example.py", "python", text, "", model=model, origin=app.client.origin)
            return await engine.route(app.door(), hole)
        question = chats.Question(text.strip() or "example", task=task, model=model, origin=app.client.origin)
        return await chats.route(app.door(), chats.Conversation(""), question)

    found = with_app(ask)
    if as_json:
        show_json(route_shape(found).json_value())
        return 0
    for line in describe(found):
        show(clean(line))
    return 0


def describe(found: Route) -> list[str]:
    """Say in lines where it would go, why, at what price, and what else there is."""
    lines = [f"{found.target.name}: {found.reason}", _price(found.target.name, found.estimate)]
    width = max(len(clean(candidate.target.name)) for candidate in found.candidates)
    lines += [
        f"  {candidate.verdict:8}  {clean(candidate.target.name):{width}}  {candidate.why}"
        for candidate in found.candidates
    ]
    return lines


def _price(name: str, estimate: Estimate) -> str:
    """Say what it may cost at most, and what the strongest model would; an unknown price is said to be so."""
    price = _at_most(estimate.nanodollars)
    if estimate.baseline_model is None:
        return price
    if estimate.baseline_model == name:
        return f"{price} (the strongest model that you could use)"
    return (
        f"{price} (the strongest model, {estimate.baseline_model}: {_at_most(estimate.baseline_nanodollars)})"
    )


def _at_most(nanodollars: int | None) -> str:
    return "price unknown" if nanodollars is None else f"at most ${usd_text(nanodollars)}"
