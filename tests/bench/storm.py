"""Edits faster than anybody types: ``python tests/bench/storm.py``. A ping is answered, the text stays right.

README.md here says what each number means.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.canary import KEY  # noqa: E402
from support.client import AUTOMATIC  # noqa: E402
from support.environment import clean_environment, openrouter_config  # noqa: E402
from support.fuzz.model import attached  # noqa: E402
from support.fuzz.provider import Provider  # noqa: E402
from support.metamodel import Json  # noqa: E402
from support.traffic import frame  # noqa: E402

SIZES = (1_000, 100_000)
EDITS_PER_S, STORM_S = 10_000, 5
EDITS_A_BURST = 100
EDITS_A_GHOST = 10
EDITS_A_LINE = 100
PING_EACH_S = 0.05
MAX_PING_P95_MS = 50.0
DEBOUNCE_MS = 75
BOUND_S = 60.0
PIPE_BYTES = 64 * 1024
URI = "untitled:storm"
SHOWN_LINES = 1_000


@dataclass(slots=True)
class Editor:
    """One server process, whose client writes as fast as the pipe takes it."""

    process: asyncio.subprocess.Process
    answered: Counter[str] = field(default_factory=Counter[str])
    _waiting: dict[str, "asyncio.Future[None]"] = field(default_factory=dict[str, "asyncio.Future[None]"])

    @property
    def stdin(self) -> asyncio.StreamWriter:
        """The server's stdin."""
        assert self.process.stdin is not None
        return self.process.stdin

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self.stdin.write(frame({"jsonrpc": "2.0", "method": method, "params": params}))

    def ask(self, name: str, method: str, params: object) -> "asyncio.Future[None]":
        """Send a request."""
        self._waiting[name] = asyncio.get_running_loop().create_future()
        self.stdin.write(frame({"jsonrpc": "2.0", "id": name, "method": method, "params": params}))
        return self._waiting[name]

    async def request(self, name: str, method: str, params: object) -> None:
        """Send a request and wait for its answer."""
        await asyncio.wait_for(self.ask(name, method, params), BOUND_S)

    async def read(self) -> None:
        """Note every answer."""
        assert self.process.stdout is not None
        while head := await self.process.stdout.readline():
            await self.process.stdout.readline()
            message = json.loads(await self.process.stdout.readexactly(int(head.partition(b":")[2])))
            if "method" not in message:
                self.answered[message["id"]] += 1
                if not (waiting := self._waiting.pop(message["id"])).done():
                    waiting.set_result(None)


@dataclass(slots=True)
class Cursor:
    """Where is typed, and what has been."""

    line: int
    character: int = 4
    version: int = 1
    typed: str = ""

    def type(self, editor: Editor, text: str) -> None:
        """Put text in."""
        self.version += 1
        here = {"line": self.line, "character": self.character}
        document = {"uri": URI, "version": self.version}
        change = {"range": {"start": here, "end": here}, "text": text}
        editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        self.typed += text
        self.line += text.count("\n")
        self.character = len(text) - 1 - text.rfind("\n") + (0 if "\n" in text else self.character)


async def type_storm(editor: Editor, cursor: Cursor) -> tuple[int, float]:
    """Type; return how many requests were sent, and how long that took."""
    asked, began = 0, time.perf_counter()
    for number in range(EDITS_PER_S * STORM_S):
        cursor.type(editor, "\n    " if number % EDITS_A_LINE == EDITS_A_LINE - 1 else "ab"[number % 2])
        if number % EDITS_A_GHOST == 0:
            asked += 1
            params = {
                "textDocument": {"uri": URI},
                "position": {"line": cursor.line, "character": cursor.character},
                "context": {"triggerKind": AUTOMATIC},
            }
            editor.ask(f"ghost {number}", "textDocument/inlineCompletion", params)
        if number % EDITS_A_BURST == 0:
            await editor.stdin.drain()
            ahead_s = number / EDITS_PER_S - (time.perf_counter() - began)
            await asyncio.sleep(max(0.0, ahead_s))
    await editor.stdin.drain()
    return asked, time.perf_counter() - began


async def ping(editor: Editor, walls_ms: list[float]) -> None:
    """Ask for nothing again and again, from the moment when the pipe takes the question."""
    for number in range(10**6):
        await editor.stdin.drain()
        began = time.perf_counter()
        await editor.request(f"ping {number}", "bench/nothing", None)
        walls_ms.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(PING_EACH_S)


async def storm(editor: Editor, provider: Provider, lines: int) -> bool:
    """Storm a document of so many lines, and print what came of it."""
    cursor, walls_ms = Cursor(lines // 2), list[float]()
    above, below = "x = 1\n" * (lines // 2), "\n" + "y = 2\n" * (lines // 2)
    document: Json = {"uri": URI, "languageId": "python", "version": 1, "text": f"{above}    {below}"}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    await editor.request("opened", "bench/nothing", None)
    asked_before = sum(provider.asked.values())
    began = time.perf_counter()
    pinging = asyncio.create_task(ping(editor, walls_ms))
    asked, written_s = await type_storm(editor, cursor)
    pinging.cancel()
    await asyncio.gather(pinging, return_exceptions=True)
    await editor.request("last", "bench/nothing", None)
    taken_s = time.perf_counter() - began
    windows = 1 + int(1000 * taken_s / DEBOUNCE_MS)
    upstream = sum(provider.asked.values()) - asked_before
    right = await _is_right(editor, provider, cursor, lines)
    await asyncio.wait_for(_all_answered(editor, asked), BOUND_S)
    p95_ms = sorted(walls_ms)[len(walls_ms) * 95 // 100]
    edits = EDITS_PER_S * STORM_S
    print(
        f"{lines} lines: {edits} edits and {asked} requests written in {written_s:.1f} s,"
        f" all taken after {taken_s:.1f} s: {edits / taken_s:.0f} edits a second"
    )
    verdicts = {
        f"a ping takes {p95_ms:.1f} ms (p95 of {len(walls_ms)}), at most {MAX_PING_P95_MS:.0f}": p95_ms
        <= MAX_PING_P95_MS,
        "the text is what was typed": right,
        f"{upstream} requests to the model in {windows} windows of {DEBOUNCE_MS} ms": upstream <= windows,
        "each request was answered once": all(count == 1 for count in editor.answered.values()),
    }
    for what, met in verdicts.items():
        print(f"{'PASS' if met else 'FAIL'}: {what}", flush=True)
    return all(verdicts.values())


async def _all_answered(editor: Editor, asked: int) -> None:
    while sum(name.startswith("ghost") for name in editor.answered) < asked:  # noqa: ASYNC110  BOUND_S ends it
        await asyncio.sleep(0.01)


async def _is_right(editor: Editor, provider: Provider, cursor: Cursor, lines: int) -> bool:
    """Show a model the lines that were typed, with some around them, and compare."""
    first, last = lines // 2 - SHOWN_LINES // 4, cursor.line + SHOWN_LINES // 4
    span = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
    params = {"text": "marker=storm", "attachments": [{"uri": URI, "range": span}]}
    await editor.request("shown", "farebox/chat", params)
    around = SHOWN_LINES // 4
    expected = "x = 1\n" * around + "    " + cursor.typed + "\n" + "y = 2\n" * (around - 1)
    return attached(provider.shown["storm"]) == expected


async def run(lines: int) -> bool:
    """Storm a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="farebox-storm-"))
    try:
        async with Provider() as provider:
            config = openrouter_config(provider.base_url).replace("= 0", f"= {DEBOUNCE_MS}")
            (folder / "config.toml").write_text(config, "utf-8")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "farebox", "lsp"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**clean_environment(folder), "OPENROUTER_API_KEY": KEY},
            )
            editor = Editor(process)
            editor.stdin.transport.set_write_buffer_limits(PIPE_BYTES)
            reading = asyncio.create_task(editor.read())
            await editor.request(
                "begin", "initialize", {"processId": None, "rootUri": None, "capabilities": {}}
            )
            editor.notify("initialized", {})
            await editor.request("loaded", "farebox/costReport", {})
            try:
                return await storm(editor, provider, lines)
            finally:
                process.kill()
                await process.wait()
                await reading
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Storm documents of each size."""
    parser = argparse.ArgumentParser(description="Edit faster than anybody types.")
    parser.add_argument("--lines", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    verdicts = [asyncio.run(run(lines)) for lines in options.lines]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    raise SystemExit(main())
