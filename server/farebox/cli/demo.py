"""``farebox demo``: the server at work, as an editor sees it: completions, a chat, what they cost.

First what anybody gets who has nothing set up: ghost text from a server without a model. Then it uses what is
set up, else a model server that runs on this machine, else the simulated one, and says which. Money is
only spent where the user has set a key up; what the demo does with a local server that it found, or with
the simulated provider, goes into a ledger of its own. A part that fails says why, and the next ones follow:
what it cost is shown in any case.
"""

import asyncio
import contextlib
import genericpath
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.panel import Panel
from rich.status import Status
from rich.syntax import Syntax
from rich.text import Text

from farebox.app import App, Client
from farebox.chat import conversation as chats
from farebox.chat.prompts import Attachment
from farebox.cli.stage import Stage, choose, without_a_model
from farebox.cli.stdio_client import Json, ServerDied, ServerError, StdioClient
from farebox.cli.terminal import harmless, show
from farebox.completion import engine
from farebox.messages import Route
from farebox.report.table import to_table
from farebox.router.door import Door

QUESTION = "What does this function do? Answer in one sentence."
FUNCTION = "def getsize"
REPEATED = "exc.__traceback__ = traceback"
"""A line that contextlib has several times."""
LINES_AROUND = 4
MAX_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Scene:
    """A real source file with a line that is being typed."""

    path: Path
    before: str
    typed: str
    after: str

    @property
    def text(self) -> str:
        """The file as it is opened."""
        return self.before + self.after

    @property
    def line(self) -> int:
        """The line that is being typed, from 0."""
        return self.before.count("\n")

    @property
    def function(self) -> Json:
        """The range of the function that the line is in."""
        first = self.before[: self.before.index(FUNCTION)].count("\n")
        end = {"line": self.line + 1, "character": 0}
        return {"start": {"line": first, "character": 0}, "end": end}

    @property
    def attachment(self) -> Attachment:
        """The function, as the server will read it."""
        end_of_line = self.after.index("\n") + 1
        text = self.before[self.before.index(FUNCTION) :] + self.typed + self.after[:end_of_line]
        return Attachment(self.path.name, text, str(self.path))


def demo(*, simulated: bool) -> int:
    """Run the demo."""
    return asyncio.run(_demo(simulated=simulated))


async def _demo(*, simulated: bool) -> int:
    console = Console(
        width=min(shutil.get_terminal_size((MAX_WIDTH, 24)).columns, MAX_WIDTH), highlight=False
    )
    screen = _Screen(console)
    async with AsyncExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="farebox-demo-", ignore_cleanup_errors=True)
        home = Path(stack.enter_context(folder))
        scene = _scene(home)
        with screen.waiting("looking for what is set up"):
            stage = await choose(stack, home, lambda door: _plan(door, scene), simulated=simulated)
        console.print(Text.assemble("\n", ("farebox demo", "bold"), f"  {harmless(stage.words)}\n"))
        started = datetime.now(UTC)
        has_played = await _play(screen, without_a_model(home), (_Part(_suggest, _repetition(home)),))
        has_played &= await _play(screen, stage, (_Part(_complete, scene), _Part(_chat, scene)))
        await _report(console, stage, started)
    if not has_played:
        console.print("[dim]Next: farebox doctor says what is set up and what is missing.[/dim]")
        return 1
    console.print("[dim]Next: the README says how to add a key or a local model, and your editor.[/dim]")
    return 0


async def _plan(door: Door, scene: Scene) -> tuple[Route, ...]:
    """Plan the two requests that the demo is about to make."""
    hole = engine.Hole(str(scene.path), "python", scene.before + scene.typed, scene.after)
    asked = chats.Question(QUESTION, attachments=(scene.attachment,))
    return await engine.route(door, hole), await chats.route(door, chats.Conversation(""), asked)


def _scene(home: Path) -> Scene:
    """Take a real file of Python's library, with a function's last line not written yet."""
    source = Path(genericpath.__file__).read_text("utf-8")
    start = source.index("return ", source.index(FUNCTION))
    end = source.index("\n", start)
    return Scene(home / "genericpath.py", source[:start], "return ", source[end:])


def _repetition(home: Path) -> Scene:
    """Take a real file of Python's library, with a line not written yet that stands further up already."""
    source = Path(contextlib.__file__).read_text("utf-8")
    start = source.rindex(REPEATED)
    typed = REPEATED.partition(".")[0] + "."
    return Scene(home / "contextlib.py", source[:start], typed, source[start + len(REPEATED) :])


# --- the play ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the play, and what it is played with."""

    show: "Callable[[StdioClient, _Screen, Scene], Awaitable[None]]"
    scene: Scene


async def _play(screen: "_Screen", stage: Stage, parts: Sequence[_Part]) -> bool:
    """Show parts with a server; say whether all went well. Raises ServerDied if it does not even start."""
    async with StdioClient(stage.environment, screen.listen) as client:
        with screen.waiting("starting the server"):
            await _start(client, stage)
        return await _show_all(client, screen, parts)


async def _show_all(client: StdioClient, screen: "_Screen", parts: Sequence[_Part]) -> bool:
    all_well = True
    for part in parts:
        try:
            await part.show(client, screen, part.scene)
        except ServerDied as error:
            screen.fail(error.message, error.hint)
            return False
        except ServerError as error:
            screen.fail(". ".join(filter(None, (error.message.rstrip("."), error.hint))))
            all_well = False
    with suppress(ServerDied):  # it has done all that it was here for
        await client.request("shutdown", None)
        await client.notify("exit")
    return all_well


async def _start(client: StdioClient, stage: Stage) -> None:
    options = {"settings": stage.settings}
    await client.request(
        "initialize",
        {
            "processId": None,
            "rootUri": None,
            "capabilities": {},
            "clientInfo": {"name": "farebox demo"},
            "initializationOptions": options,
        },
    )
    await client.notify("initialized", {})
    await client.request("farebox/models", {})  # as a client's model picker does; the server is warm then


async def _chat(client: StdioClient, screen: "_Screen", scene: Scene) -> None:
    screen.title("Chat")
    screen.say(f"[bold]you[/bold]  {QUESTION}  [dim](with {FUNCTION[4:]} attached)[/dim]\n")
    attachment = {"uri": scene.path.as_uri(), "range": scene.function}
    question = {"text": QUESTION, "attachments": [attachment]}
    with screen.waiting("waiting for the answer"):
        result = cast("Json", await client.request("farebox/chat", question))
    screen.end_answer(result)


async def _suggest(client: StdioClient, screen: "_Screen", scene: Scene) -> None:
    screen.title(f"Ghost text in {scene.path.name}, without any model or key")
    ghost, ms = await _ghost(client, screen, scene)
    screen.show_code(scene, ghost)
    entry = await _last_entry(client)
    what = f"grey is the suggestion, {entry}: $0" if ghost else f"no suggestion: {entry}"
    screen.remark(f"{what}, {ms} ms\n")


async def _complete(client: StdioClient, screen: "_Screen", scene: Scene) -> None:
    screen.title(f"Ghost text in {scene.path.name}, a file of Python's own library")
    ghost, ms = await _ghost(client, screen, scene)
    screen.show_code(scene, ghost)
    what = "the grey text is the suggestion" if ghost else f"no suggestion: {await _last_entry(client)}"
    screen.remark(f"{what}, {ms} ms\n")


async def _ghost(client: StdioClient, screen: "_Screen", scene: Scene) -> tuple[str, int]:
    """Type a scene's line as an editor does; return the suggestion that comes, and after how many ms."""
    uri = scene.path.as_uri()
    document = {"uri": uri, "languageId": "python", "version": 1, "text": scene.text}
    await client.notify("textDocument/didOpen", {"textDocument": document})
    column = len(scene.before) - scene.before.rfind("\n") - 1
    for version, character in enumerate(scene.typed, start=2):
        place = {"line": scene.line, "character": column}
        change = {"range": {"start": place, "end": place}, "text": character}
        await client.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]},
        )
        column += 1
    params = {
        "textDocument": {"uri": uri},
        "position": {"line": scene.line, "character": column},
        "context": {"triggerKind": 2},
    }
    started = asyncio.get_running_loop().time()
    with screen.waiting("waiting for the suggestion"):
        answer = cast("Json", await client.request("textDocument/inlineCompletion", params))
    ms = round((asyncio.get_running_loop().time() - started) * 1000)
    items = cast("list[Json]", answer.get("items") or [])
    return str(items[0]["insertText"]) if items else "", ms


async def _last_entry(client: StdioClient) -> str:
    """Ask the server where its last completion came from, or why it was empty."""
    try:
        entry = cast("Json", await client.request("farebox/explain", {}))
    except ServerDied:
        raise
    except ServerError as error:  # it remembers nothing
        return error.message
    return str(entry["reason"])


async def _report(console: Console, stage: Stage, started: datetime) -> None:
    """Print the report of the ledger that the server has just written."""
    app = App(Client(name="demo"), environment={**os.environ, **stage.environment})
    try:
        report = await app.cost_report(since=started.isoformat(), by=("task", "model"))
    finally:
        await app.close()
    console.rule("[bold]What it cost[/bold]", align="left")
    show(to_table(report, width=console.width))


class _Screen:
    """What the user sees while the server speaks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._answering = False
        self._status: Status | None = None

    def title(self, text: str) -> None:
        """Begin a part."""
        self._console.rule(f"[bold]{text}[/bold]", align="left")

    def say(self, text: str) -> None:
        """Print a line; it may hold rich's markup."""
        self._console.print(text)

    def remark(self, text: str) -> None:
        """Print, dimly, what is no part of the play itself."""
        self._console.print(Text(harmless(text), style="dim"))

    def fail(self, text: str, details: str = "") -> None:
        """Say in one line what failed; what a dead server said is below it."""
        self._end_line()
        self._console.print(Text.assemble(("failed", "bold red"), f"  {harmless(text)}"))
        if details:
            self.remark(f"  {details}")
        self._console.print()

    @contextmanager
    def waiting(self, text: str) -> Generator[None]:
        """Show one line until there is something else to show; a pipe or a file gets none."""
        if sys.stdout.isatty():
            self._status = self._console.status(Text(f"{text} …", style="dim"), spinner_style="dim")
            self._status.start()
        try:
            yield
        finally:
            self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _end_line(self) -> None:
        if self._answering:
            self._answering = False
            self._console.print("\n")

    def listen(self, method: str, params: Json) -> None:
        """Show an answer as it streams."""
        event = cast("Json", params.get("event") or {})
        if method != "farebox/chatEvent" or event.get("type") != "text":
            return
        self._stop_waiting()
        if not self._answering:
            self._answering = True
            self._console.print("[bold]farebox[/bold]  ", end="")
        self._console.print(Text(harmless(str(event["text"]))), end="", soft_wrap=True)

    def end_answer(self, result: Json) -> None:
        """Say who answered, and what it cost."""
        route, cost = cast("Json", result["route"]), cast("Json", result["cost"])
        price = f"${cost['usd']} ({cost['basis']})" if cost["usd"] is not None else "cost unknown"
        self._end_line()
        self.remark(f"{route['model']} | {price} | {route['reason']}\n")

    def show_code(self, scene: Scene, ghost: str) -> None:
        """Show the lines around the cursor, with the ghost text in grey."""
        above = "\n".join((scene.before + scene.typed).split("\n")[-LINES_AROUND - 1 :]).lstrip("\n")
        below = "\n".join(scene.after.split("\n")[1 : LINES_AROUND + 1])
        code = Syntax("", "python", background_color="default")
        shown = code.highlight(above)
        shown.rstrip()
        if above.endswith(" "):
            shown.append(" ")
        shown.append(harmless(ghost), style="bright_black italic")
        shown.append("\n")
        shown.append_text(code.highlight(below))
        shown.rstrip()
        self._console.print(Panel(shown, border_style="dim"))
