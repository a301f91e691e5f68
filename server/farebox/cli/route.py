"""``farebox route``: where a question would go and why; nothing is sent."""

from typing import cast, get_args

from farebox.app import App
from farebox.chat import conversation as chats
from farebox.cli.running import with_app
from farebox.cli.terminal import show, show_json
from farebox.completion import engine
from farebox.errors import InvalidParams
from farebox.messages import Route, Task, usd_text
from farebox.report import clean
from farebox.shapes import route_shape


def read_task(name: str) -> Task:
    """Return a task by its name. Raises InvalidParams."""
    if name not in get_args(Task):
        raise InvalidParams(f"there is no task {name}", hint=f"Tasks: {', '.join(get_args(Task))}.")
    return cast("Task", name)


def route(text: str, *, model: str | None, task: str, as_json: bool) -> int:
    """Print the route that such a request would take."""
    wanted = read_task(task)

    async def ask(app: App) -> Route:
        if wanted == "complete":
            hole = engine.Hole("example.py", "python", text, "", model=model, origin=app.client.origin)
            return await engine.route(app.door(), hole)
        question = chats.Question(text or "example", task=wanted, model=model, origin=app.client.origin)
        return await chats.route(app.door(), chats.Conversation(""), question)

    found = with_app(ask)
    if as_json:
        show_json(route_shape(found).json_value())
        return 0
    for line in _describe(found):
        show(clean(line))
    return 0


def _describe(found: Route) -> list[str]:
    lines = [f"{found.target.name}: {found.reason}"]
    estimate = found.estimate
    if estimate.nanodollars is not None:
        lines.append(f"at most ${usd_text(estimate.nanodollars)}")
    if estimate.baseline_nanodollars is not None and estimate.baseline_model != found.target.name:
        lines[-1] += f" ({estimate.baseline_model}: ${usd_text(estimate.baseline_nanodollars)})"
    width = max(len(clean(candidate.target.name)) for candidate in found.candidates)
    lines += [
        f"  {candidate.verdict:8}  {clean(candidate.target.name):{width}}  {candidate.why}"
        for candidate in found.candidates
    ]
    return lines
