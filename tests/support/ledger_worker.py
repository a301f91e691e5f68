"""A process that uses farebox's door and ledger as an editor's does, on the word of a test.

It reads commands from stdin, a line of JSON each, does them at once and side by side, and answers each with a
line of JSON. ``Worker`` is the test's end of that: one method a command. Nothing of farebox is replaced in
it; the system around it is what a test makes of it: the clock that it believes in, how large its files grow.

``ask`` is one request through the door, for whoever runs an App by itself.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":  # started as a file, not as part of a package
    sys.path.insert(0, str(Path(__file__).parent.parent))

from support.billing import Script
from support.environment import clean_environment
from support.guard.sitecustomize import watched

if TYPE_CHECKING:
    from farebox.app import App

MODEL = "openrouter/openai/gpt-5-mini"
MAX_OUTPUT_TOKENS = 100
PROMPT_BYTES = 400
HOLD_NANODOLLARS = 136 * 250 + MAX_OUTPUT_TOKENS * 2_000
"""What is held for one request of ``ask``: 400 bytes may be 134 tokens, which are rounded up."""

ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one request, as its caller saw it. ``kind`` is "ok", "cancelled" or the error's."""

    marker: str
    kind: str
    text: str = ""
    words: str = ""
    first_ms: float | None = None
    nanodollars: int | None = None
    call_id: str | None = None


async def ask(app: "App", marker: str, script: Script, *, stop_after: int | None = None) -> Asked:
    """Send one request through the door, and cancel it after so many pieces of text."""
    task = asyncio.create_task(_read(app, marker, script, stop_after))
    try:
        return await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
        return Asked(marker, "cancelled")


async def _read(app: "App", marker: str, script: Script, stop_after: int | None) -> Asked:
    from farebox.errors import FareboxError
    from farebox.messages import Call, Chat, Done, Message, Text
    from farebox.router.request import Origin, Request, Serving

    def render(serving: Serving) -> Call:
        prompt = f"{script.words} ".ljust(PROMPT_BYTES, ".")
        return Call(serving.model, Chat((Message("user", prompt),)), max_output_tokens=MAX_OUTPUT_TOKENS)

    origin = Origin(workspace=None, client="test", conversation=marker)
    request = Request("chat", render, PROMPT_BYTES, MAX_OUTPUT_TOKENS, requested=MODEL, origin=origin)
    began, first_s, pieces, done = time.perf_counter(), None, list[str](), None
    task = asyncio.current_task()
    assert task is not None
    if stop_after == 0:
        asyncio.get_running_loop().call_later(script.head_ms / 1000 / 4, task.cancel)
    try:
        async with aclosing(app.door().send(request).events()) as events:
            async for event in events:
                if isinstance(event, Text):
                    first_s = first_s or time.perf_counter()
                    pieces.append(event.text)
                    if len(pieces) == stop_after:
                        task.cancel()
                elif isinstance(event, Done):
                    done = event
    except FareboxError as error:
        return Asked(marker, error.kind, "".join(pieces), f"{error.message} | {error.hint}")
    first_ms = None if first_s is None else (first_s - began) * 1000
    cost, call_id = (None, None) if done is None else (done.cost.nanodollars, done.call_id)
    return Asked(marker, "ok", "".join(pieces), first_ms=first_ms, nanodollars=cost, call_id=call_id)


# --- the test's end --------------------------------------------------------------------------------


def write_config(folder: Path, base_url: str, budgets: str = "") -> None:
    """Write the settings of ``clean_environment`` so that the provider of a test stands for OpenRouter."""
    folder.mkdir(exist_ok=True)
    text = f'{budgets}\n[providers.openrouter]\nbase_url = "{base_url}"\n'
    scratch = folder / "config.new"
    scratch.write_text(text, "utf-8")
    scratch.replace(folder / "config.toml")


def daily(nanodollars: int) -> str:
    """Return settings with a hard budget for a day."""
    return f"[budgets]\ndaily_usd = {nanodollars / 10**9:.9f}\n"


class Worker:
    """The process, seen from a test."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ask(self, marker: str, script: Script | None = None, *, stop_after: int | None = None) -> Asked:
        """Have one request sent."""
        asked = {"marker": marker, "script": asdict(script or Script()), "stop_after": stop_after}
        return Asked(**await self._do("ask", **asked))

    async def spent(self) -> int:
        """Ask its cost report what was spent at all, in nano-dollars, with what is not yet written."""
        return await self._do("spent")

    async def report(self, *, since: str, by: list[str]) -> dict[str, Any]:
        """Ask its cost report for the rows of a time, and for what is spent of each budget."""
        return await self._do("report", since=since, by=by)

    async def unwritten(self) -> list[int]:
        """Ask for the count and the nano-dollars of what its ledger could not write yet."""
        return await self._do("unwritten")

    async def look(self) -> str:
        """Have the ledger opened and written; return "ok" or the error's words."""
        return await self._do("look")

    async def accept_damage(self) -> int:
        """Let what was saved from a damaged ledger count as all."""
        return await self._do("accept_damage")

    async def shift_clock(self, seconds: float) -> None:
        """Let its wall clock be that much later than now."""
        await self._do("shift_clock", seconds=seconds)

    async def limit_files(self, size_bytes: int) -> None:
        """Let none of its files grow beyond that; -1 is no limit."""
        await self._do("limit_files", size_bytes=size_bytes)

    async def die(self) -> None:
        """Kill it."""
        self._process.kill()
        await self._process.wait()

    async def end(self) -> None:
        """Let it end as a server does whose editor has closed; it writes what is still to be written."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._reader
        await self._process.wait()

    async def _do(self, command: str, **arguments: object) -> Any:
        number = len(self._answers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, "number": number, **arguments}).encode() + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(ANSWER_S):
            return await self._answers[number]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            answer = json.loads(line)
            waiting = self._answers[answer["number"]]
            if "failed" in answer:
                waiting.set_exception(RuntimeError(answer["failed"]))
            else:
                waiting.set_result(answer["result"])
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(RuntimeError("the worker has ended"))
                waiting.exception()  # that is how some are meant to end


@asynccontextmanager
async def worker(folder: Path, **variables: str) -> AsyncGenerator[Worker]:
    """Run a worker whose home and settings are in a folder; ``variables`` are more of its environment."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**environment(folder), **variables},
    )
    one = Worker(process)
    try:
        yield one
        if process.returncode is None:
            await one.end()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Wait for what only looking can tell, as a file that another process writes. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  there is no event to wait for
            await asyncio.sleep(0.05)


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a worker."""
    return watched({**clean_environment(folder), "OPENROUTER_API_KEY": "sk-or-worker"})


# --- the process ---------------------------------------------------------------------------------


class _Clock:
    """The wall clock of this process, some seconds ahead; what measures how much time has passed stays right.

    Made before farebox is imported, which takes its functions from these modules.
    """

    def __init__(self) -> None:
        import datetime

        self.ahead_s = 0.0
        time_ns, localtime, clock = time.time_ns, time.localtime, self

        def shifted_ns() -> int:
            return time_ns() + round(clock.ahead_s * 10**9)

        class Shifted(datetime.datetime):
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> "Shifted":
                return cls.fromtimestamp(time.time(), tz)

        time.time_ns = shifted_ns
        time.time = lambda: shifted_ns() / 10**9
        time.localtime = lambda seconds=None: localtime(time.time() if seconds is None else seconds)
        datetime.datetime = Shifted


async def _serve() -> None:
    clock = _Clock()
    from farebox.app import App, Client

    app = App(Client("test"))
    app.warm_up()
    running = {asyncio.create_task(app.correct_estimates())}

    async def do(line: bytes) -> None:
        table = json.loads(line)
        try:
            answer = {"result": await result(table)}
        except Exception as error:  # noqa: BLE001  it is raised where it is waited for
            answer = {"failed": repr(error)}
        print(json.dumps({"number": table["number"], **answer}), flush=True)

    async def result(table: Mapping[str, Any]) -> object:
        match table["do"]:
            case "ask":
                script, stop_after = Script(**table["script"]), table["stop_after"]
                return asdict(await ask(app, table["marker"], script, stop_after=stop_after))
            case "spent":
                return await _spent(app)
            case "report":
                return await _report(app, table["since"], tuple(table["by"]))
            case "unwritten":
                return app.ledger.unwritten()
            case "look":
                return await _look(app)
            case "accept_damage":
                return await app.ledger.accept_damage()
            case "shift_clock":
                clock.ahead_s = table["seconds"]
                return None
            case "limit_files":
                return _limit_files(table["size_bytes"])
            case unknown:
                raise AssertionError(unknown)

    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        task = asyncio.create_task(do(line))
        running.add(task)
        task.add_done_callback(running.discard)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await app.close()


async def _spent(app: "App") -> int:
    report = await app.cost_report(since="2000-01-01")
    return (report.total.cost_nanodollars or 0) + report.unwritten_nanodollars


async def _report(app: "App", since: str, by: tuple[str, ...]) -> dict[str, object]:
    report = await app.cost_report(since=since, by=by)
    rows = [
        {**dict(row.keys), "requests": row.requests, "nanodollars": row.cost_nanodollars}
        for row in report.rows
    ]
    return {"rows": rows, "budgets": {line.name: line.spent_nanodollars for line in report.budgets}}


async def _look(app: "App") -> str:
    from farebox.ledger.schema import LedgerUnusable

    try:
        await app.ledger.check()
    except LedgerUnusable as error:
        return f"{error.message} | {error.hint}"
    return "ok"


def _limit_files(size_bytes: int) -> None:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write fails, as on a full disk
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if size_bytes < 0 else size_bytes, most))


def _drop_powers() -> None:
    """Give up what root may do beyond others, so that files and folders can be closed to this process."""
    import ctypes

    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return
    version_3, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(version_3, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    _drop_powers()
    asyncio.run(_serve())
