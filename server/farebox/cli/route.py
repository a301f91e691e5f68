"""``farebox route``: where a question would go and why; nothing is sent. It is read as ``chat`` reads it."""

from collections.abc import Sequence

from farebox.app import App
from farebox.chat import conversation as chats
from farebox.cli.chat import said
from farebox.cli.running import with_app
from farebox.cli.terminal import show, show_json
from farebox.completion import engine
from farebox.errors import InvalidParams
from farebox.messages import Estimate, Ground, Route, Task, usd_text
from farebox.shapes import route_shape
from farebox.unseen import clean

_GROUNDS: dict[Ground, str] = {
    "asked": "as asked for",
    "facts": "by what comes with it",
    "words": "by its words",
    "nothing": "nothing tells another",
}


ANY_QUESTION = "?"
"""Where none is given: its words tell nothing."""


def route(words: Sequence[str], *, model: str | None, agent: str | None, task: Task, as_json: bool) -> int:
    """Print the route that such a request would take."""
    if task == "complete" and agent is not None:
        raise InvalidParams(
            "tab completion has no agent: it stays as [tasks] says",
            hint="Leave out --agent, or name another task.",
        )
    text, attachments = (" ".join(words), ()) if task == "complete" and words else said(words)

    async def ask(app: App) -> Route:
        if task == "complete":
            hole = engine.Hole("example.py", "python", text, "", model=model, origin=app.client.origin)
            return await engine.route(app.door(), hole)
        door = app.door(agent)
        question = chats.Question(
            text if text.strip() else ANY_QUESTION,
            task=task,
            model=model,
            attachments=attachments,
            system=door.planner.config.agent.system,
            origin=app.client.origin,
        )
        return await chats.route(door, chats.Conversation(""), question)

    found = with_app(ask)
    if as_json:
        show_json(route_shape(found).json_value())
        return 0
    for line in describe(found):
        show(clean(line))
    return 0


def describe(found: Route) -> list[str]:
    """Say in lines where it would go, why, at what price, and what else there is."""
    lines = [f"{found.target.name}: {found.reason}", _work(found), _price(found.target.name, found.estimate)]
    width = max(len(clean(candidate.target.name)) for candidate in found.candidates)
    lines += [
        f"  {candidate.verdict:8}  {clean(candidate.target.name):{width}}  {candidate.why}"
        for candidate in found.candidates
    ]
    return lines


def _work(found: Route) -> str:
    """Say what the request was taken for, and by what."""
    return f"task {found.task} ({_GROUNDS[found.ground]}), phase {found.phase}, {found.complexity} complexity"


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
