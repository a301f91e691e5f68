"""One server process under fuzz: case after case over its pipes, everything that it says judged as it comes.

``Life.run`` raises Broken with the case that something was wrong in; ``Life.end`` ends the process in one of
the ways in which editors do, and compares its ledger with the provider's bill.
"""

import asyncio
import itertools
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from support.canary import KEY, keys_in
from support.environment import clean_environment, openrouter_config
from support.fuzz import bill, verdict
from support.fuzz.model import Model, attached
from support.fuzz.provider import Provider
from support.fuzz.steps import Await, Case, Raw, Reached, Read, Send
from support.metamodel import Json
from support.patience import WAIT_S
from support.traffic import frame, key_of
from support.units import Encoding

START_S = 60.0
MAX_PENDING = 40
"""Requests under way at once: fewer than the server admits."""
MAX_ATTEMPTS = 3
MAX_RSS_MB = 300
MAX_KEPT_CHARS = 2_000

Ending: TypeAlias = Literal["exit", "abrupt", "end of input", "busy", "terminated"]
_CODES: dict[Ending, tuple[int, ...]] = {
    "exit": (0,),
    "abrupt": (1,),
    "end of input": (0, 1),
    "busy": (0, 1),
    "terminated": (-signal.SIGTERM,),
}
_HALF = re.compile("[\ud800-\udfff]")
_LENGTH = re.compile(rb"Content-Length: ([0-9]+)\r\n(?:Content-Type: [^\r\n]*\r\n)?\r\n")


class Broken(Exception):
    """Something was wrong; ``case`` is the name of the one in which, if that can be told."""

    def __init__(self, what: str, case: str | None = None) -> None:
        super().__init__(what[:MAX_KEPT_CHARS])
        self.case = case


@dataclass(slots=True)
class _Asked:
    request: Json
    case: str
    answered: "asyncio.Future[None]"


@dataclass(slots=True)
class Life:
    """A process, from its start to its end."""

    folder: Path
    provider: Provider
    process: asyncio.subprocess.Process
    encoding: Encoding
    hang_s: float = WAIT_S
    lenient: bool = False
    """Broken bytes may hold ids that nobody can know."""
    tally: Counter[str] = field(default_factory=Counter[str])
    _pending: dict[str, deque[_Asked]] = field(default_factory=dict[str, "deque[_Asked]"])
    _under_way: int = 0
    _maybe: set[str] = field(default_factory=set[str])
    _reading: asyncio.Event = field(default_factory=asyncio.Event)
    _broken: list[Broken] = field(default_factory=list[Broken])
    _ended: bool = False
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _model: Model = field(init=False)
    _reader: "asyncio.Task[None]" = field(init=False)

    def __post_init__(self) -> None:
        """Begin to read."""
        self._model = Model(self.encoding)
        self._reading.set()
        self._reader = asyncio.create_task(self._read())

    # --- cases ---------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Initialize the server; a request before that is refused."""
        early = self._ask("the beginning", "farebox/models", {})
        general = {"positionEncodings": [self.encoding]}
        start: Json = {"processId": os.getpid(), "rootUri": None, "capabilities": {"general": general}}
        self._ask("the beginning", "initialize", start)
        hang_s, self.hang_s = self.hang_s, START_S
        await self._wait(early.answered, "an answer before initialize", "the beginning")
        self._write({"jsonrpc": "2.0", "method": "initialized", "params": {}})
        await self.ping()
        self.hang_s = hang_s

    async def ping(self) -> None:
        """Wait until all that was asked is answered, and one request more."""
        self._reading.set()
        asked = self._ask("the ping", "fuzz/ping", None)
        await self._wait(asked.answered, "an answer to the ping", "the ping")
        while left := [one for queue in self._pending.values() for one in queue]:
            await self._wait(left[0].answered, f"an answer to {left[0].request['method']}", left[0].case)

    async def run(self, case: Case) -> None:
        """Do what a case says. Raises Broken."""
        waiting: dict[str, asyncio.Future[None]] = {}
        markers = set(self._model.expected)
        for step in case.steps:
            self._check()
            match step:
                case Send():
                    await self._room()
                    asked = self._send(step, case.name)
                    if asked is not None:
                        waiting[key_of(asked.request["id"])] = asked.answered
                case Raw(data):
                    self._stdin.write(data)
                case Await(request_id) if key_of(request_id) in waiting:
                    await self._wait(waiting[key_of(request_id)], f"an answer to {request_id}", case.name)
                case Reached(marker) if key_of(marker) in waiting:
                    await self._reach(marker, waiting, case.name)
                case Read(on):
                    (self._reading.set if on else self._reading.clear)()
                case Await() | Reached():
                    pass  # of a request that has been left out
            if self._reading.is_set():
                await self._unless_hung(self._stdin.drain(), "room in the pipe", case.name)
        self._compare(case.name, set(self._model.expected) - markers)
        self.tally[case.layer] += 1

    def _send(self, step: Send, case: str) -> _Asked | None:
        self._model.hear(step)
        self._stdin.write(step.raw)
        message = step.message
        if isinstance(message, dict) and verdict.request_key(message) is not None:
            return self._expect(message, case)
        if isinstance(message, dict):
            with suppress(TypeError, ValueError):
                self._maybe.add(key_of(message.get("id")))
                self._maybe.add(key_of(_HALF.sub("\ufffd", str(message.get("id")))))
        self.tally["messages"] += 1
        return None

    def _ask(self, case: str, method: str, params: object) -> _Asked:
        request: Json = {
            "jsonrpc": "2.0",
            "id": f"own {next(self._numbers)}",
            "method": method,
            "params": params,
        }
        self._write(request)
        return self._expect(request, case)

    def _write(self, message: Json) -> None:
        self._stdin.write(frame(message))

    def _expect(self, request: Json, case: str) -> _Asked:
        asked = _Asked(request, case, asyncio.get_running_loop().create_future())
        self._pending.setdefault(key_of(request["id"]), deque()).append(asked)
        self._under_way += 1
        self.tally["messages"] += 1
        self.tally["requests"] += 1
        return asked

    def _compare(self, case: str, markers: Iterable[str]) -> None:
        """Compare what models were shown with what the documents were."""
        for marker in [one for one in markers if one.startswith(f"{case}.")]:
            expected = self._model.take(marker)
            prompt = self.provider.shown.pop(marker, None)
            attempts = self.provider.asked.pop(marker, 0)
            if attempts > MAX_ATTEMPTS:
                raise Broken(f"{attempts} requests were sent for one question", case)
            if prompt is None:
                continue
            self.tally["texts compared"] += 1
            if (text := attached(prompt)) != expected:
                raise Broken(f"a model was shown {text!r}, not {expected!r}", case)

    # --- waiting -------------------------------------------------------------------------------

    async def _room(self) -> None:
        while self._under_way >= MAX_PENDING:
            oldest = next(queue[0] for queue in self._pending.values())
            await self._wait(oldest.answered, f"an answer to {oldest.request['method']}", oldest.case)

    async def _reach(self, marker: str, waiting: dict[str, "asyncio.Future[None]"], case: str) -> None:
        async def reached() -> None:
            while marker not in self.provider.shown and not waiting[key_of(marker)].done():
                self.provider.changed.clear()
                news = asyncio.ensure_future(self.provider.changed.wait())
                await asyncio.wait([news, waiting[key_of(marker)]], return_when=asyncio.FIRST_COMPLETED)
                news.cancel()

        self._reading.set()
        await self._unless_hung(reached(), f"the question {marker} at its model", case)
        self._check()

    async def _wait(self, future: "asyncio.Future[None]", what: str, case: str) -> None:
        self._reading.set()
        await self._unless_hung(asyncio.shield(future), what, case)
        self._check()

    async def _unless_hung(self, awaited: Awaitable[None], what: str, case: str) -> None:
        try:
            async with asyncio.timeout(self.hang_s):
                await awaited
        except TimeoutError:
            self._check()
            raise Broken(f"{what} did not come within {self.hang_s:.0f} s", case) from None
        except OSError:
            self._check()
            raise Broken("the server has closed its stdin", case) from None

    def _check(self) -> None:
        if self._broken:
            raise self._broken[0]

    # --- what the server says ------------------------------------------------------------------

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self.process.stdin is not None
        return self.process.stdin

    async def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            while True:
                head = await self.process.stdout.readuntil(b"\r\n\r\n")
                match = _LENGTH.fullmatch(head)
                if match is None:
                    raise Broken(f"no header on stdout: {head!r}")  # noqa: TRY301
                self._hear(await self.process.stdout.readexactly(int(match[1])))
                await self._reading.wait()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            left = error.partial if isinstance(error, asyncio.IncompleteReadError) else b""
            if left or not self._ended:
                self._broken.append(Broken(f"the server has ended: {error}: {left!r}\n{self.log[-1500:]}"))
        except Broken as error:
            self._broken.append(error)
        for asked in [one for queue in self._pending.values() for one in queue]:
            if not asked.answered.done():
                asked.answered.set_result(None)

    def _hear(self, body: bytes) -> None:
        message = json.loads(body.decode("utf-8"))
        self.tally["received"] += 1
        if verdict.keys_shown(body):
            raise Broken(f"a key in {body[:300]!r}")
        if "method" in message:
            faults: Sequence[str] = verdict.faults_of_call(message)
        elif message.get("id") is None:
            faults = verdict.faults_of_unreadable(message)
        elif (key := key_of(message["id"])) in self._pending:
            self._hear_answer(key, message)
            return
        else:
            known = self.lenient or key in self._maybe
            faults = [] if known else [f"an answer to no request, or a second one: {body[:300]!r}"]
        if faults:
            raise Broken(f"{'; '.join(faults)} in {body[:300]!r}", _case_of(message.get("id")))

    def _hear_answer(self, key: str, answer: Json) -> None:
        queue = self._pending[key]
        asked = queue.popleft()
        if not queue:
            del self._pending[key]
        self._under_way -= 1
        asked.answered.set_result(None)
        faults = verdict.faults_of_answer(asked.request, answer)
        if faults and not (queue and "error" in answer):
            self._broken.append(Broken(f"{'; '.join(faults)} in {str(answer)[:600]}", asked.case))

    # --- the end -------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """What the server wrote to stderr."""
        return (self.folder / "stderr.log").read_text("utf-8", "replace")

    def rss_peak_mb(self) -> int:
        """Return the most memory that the process has had; 0 where the system does not tell."""
        with suppress(OSError):
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            return int(status.partition("VmHWM:")[2].split()[0]) // 1024
        return 0

    async def end(self, ending: Ending) -> bill.Audit:
        """End the process, and return how its ledger compares. Raises Broken."""
        await self.ping()
        peak_mb = self.rss_peak_mb()
        await bill.settled(self.folder)
        if ending == "busy":
            words = [f"marker=busy.{number} pieces=20 pause_ms=50" for number in range(8)]
            asked = [self._ask("the end", "farebox/chat", {"text": text}) for text in words]
            await self._unless_hung(self._busy(asked), "a question at its model", "the end")
        if ending == "exit":
            asked = self._ask("the end", "shutdown", None)
            await self._wait(asked.answered, "an answer to shutdown", "the end")
            late = self._ask("the end", "farebox/models", None)
            await self._wait(late.answered, "an answer after shutdown", "the end")
        self._ended = True
        self._leave(ending)
        await self._unless_hung(self._gone(), f"the process's end ({ending})", "the end")
        code = self.process.returncode
        if code not in _CODES[ending]:
            raise Broken(f"the exit code is {code} ({ending})\n{self.log[-1500:]}", "the end")
        if peak_mb > MAX_RSS_MB:
            raise Broken(f"{peak_mb} MB of memory")
        self.tally["most MB"] = peak_mb
        log = self.log
        faults = self.provider.faults + ["a traceback"] * ("Traceback" in log) + keys_in(log)
        if faults:
            raise Broken(f"{'; '.join(faults)}\n{log[-1500:]}")
        audit = bill.audit(self.folder, self.provider)
        if audit.faults:
            raise Broken(f"the ledger is not the bill: {audit}", "the end")
        return audit

    async def _busy(self, asked: Sequence[_Asked]) -> None:
        """Wait until a question is at its model, or all have been refused."""
        refused = asyncio.gather(*(one.answered for one in asked))
        while not any(marker.startswith("busy.") for marker in self.provider.asked) and not refused.done():
            self.provider.changed.clear()
            news = asyncio.ensure_future(self.provider.changed.wait())
            await asyncio.wait([news, refused], return_when=asyncio.FIRST_COMPLETED)
            news.cancel()

    def _leave(self, ending: Ending) -> None:
        match ending:
            case "exit" | "abrupt":
                self._write({"jsonrpc": "2.0", "method": "exit"})
            case "end of input" | "busy":
                self._stdin.close()
            case "terminated":
                self.process.terminate()

    async def _gone(self) -> None:
        await self.process.wait()
        await self._reader

    async def kill(self) -> None:
        """End what is left."""
        self._ended = True
        with suppress(ProcessLookupError):
            self.process.kill()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self.process.wait()


def _case_of(request_id: object) -> str | None:
    return request_id.rpartition(".")[0] if isinstance(request_id, str) else None


@asynccontextmanager
async def a_life(
    encoding: Encoding, *, lenient: bool = False, hang_s: float = WAIT_S
) -> AsyncGenerator[Life]:
    """Run a server with a home and a provider of its own."""
    folder = Path(tempfile.mkdtemp(prefix="farebox-fuzz-"))
    async with Provider() as provider:
        (folder / "config.toml").write_text(openrouter_config(provider.base_url), "utf-8")
        with (folder / "stderr.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "farebox", "lsp"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**clean_environment(folder), "OPENROUTER_API_KEY": KEY, "FAREBOX_DEBUG": "1"},
                cwd=folder,
            )
        life = Life(folder, provider, process, encoding, hang_s, lenient)
        try:
            await life.begin()
            yield life
        finally:
            await life.kill()
            shutil.rmtree(folder, ignore_errors=True)


def an_ending(dice: random.Random) -> Ending:
    """Return a way to end."""
    endings: tuple[Ending, ...] = ("exit", "abrupt", "end of input", "busy", "terminated")
    return dice.choice(endings if os.name == "posix" else endings[:4])
