"""A completer at work, with a real App and a model that is scripted: what tests of completion share."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path

from farebox.app import App, Client
from farebox.completion.completer import Completer
from farebox.completion.engine import Hole
from farebox.completion.outcome import Asking, Outcome
from support.patience import WAIT_S
from support.upstream import Answer, sse, sse_answer

BEFORE, AFTER = "import os\n\n\ndef main():\n    x = ", "\n"
HOLE = Hole("/ws/add.py", "python", BEFORE, AFTER, document="file:///ws/add.py")
LLAMA = """
[tasks]
complete = "llama/x"
[providers.llama]
dialect = "llamacpp"
free = true
base_url = "{}"
[completion]
debounce_ms = 0
look_ahead = false
"""
LAST = {"content": "", "stop": True, "stop_type": "word", "tokens_evaluated": 90, "tokens_predicted": 8}


def whole(text: str, **options: object) -> Answer:
    return sse_answer({"content": text, "stop": False}, LAST, done=False, **options)


def begun(text: str) -> Answer:
    """Send so much of an answer, and no more until the client closes."""
    body = sse({"content": text, "stop": False}, done=False)
    return Answer(body=body, content_type="text/event-stream", hang=True)


def after(typed: str) -> Hole:
    return replace(HOLE, prefix=BEFORE + typed)


@dataclass
class Desk:
    """A completer of one App, and the tasks that it has begun."""

    app: App
    config_file: Path
    completer: Completer = field(init=False)
    done: list[Asking] = field(default_factory=list[Asking])
    errors: list[BaseException] = field(default_factory=list[BaseException])
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set["asyncio.Task[None]"])

    def __post_init__(self) -> None:
        app = self.app
        self.completer = Completer(app.door, app.config, app.library, self.spawn, note_done=self.done.append)

    def spawn(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.errors.append(error)

    def ask(self, typed: str = "") -> "asyncio.Task[Outcome]":
        return asyncio.create_task(self.completer.ghost(after(typed)))

    async def ghost(self, typed: str = "") -> Outcome:
        return await asyncio.wait_for(self.ask(typed), WAIT_S)

    async def settle(self) -> None:
        """Wait until no model call is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=WAIT_S)

    async def close(self) -> None:
        self.completer.close()
        await self.settle()
        await self.app.close()

    @classmethod
    def at(cls, folder: Path, base_url: str, more: str = "") -> "Desk":
        """Begin in a folder, with a model at an address; ``more`` is appended to [completion]."""
        file = folder / "config.toml"
        file.write_text(LLAMA.format(base_url) + more, "utf-8")
        environment = {"FAREBOX_HOME": str(folder / "home"), "FAREBOX_CONFIG": str(file)}
        return cls(App(Client(name="test"), environment=environment), file)


OpenDesk = Callable[..., Desk]
