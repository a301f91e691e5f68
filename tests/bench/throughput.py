"""Messages a second, farebox with all its checks beside a bare pygls server, in one run.

Run it as ``python tests/bench/throughput.py``; README.md here says what each number means.
"""

import argparse
import itertools
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import IO, Final

HERE = Path(__file__).parent
sys.path[0] = str(HERE.parent)  # not this folder: its names hide others

from support.environment import clean_environment  # noqa: E402
from support.metamodel import Json  # noqa: E402
from support.traffic import frame, read_message  # noqa: E402

HANG_S: Final = 300.0
URI: Final = "file:///ws/area.py"
LINES: Final = 300
TARGET: Final = 1.0
FLOOD: Final = 20_000
NOTHING, DONE = "$/nothing", "$/done"
FAREBOX, BARE = "farebox", "bare pygls"
Messages = Callable[[int, "itertools.count[int]"], list[Json]]


def main() -> int:
    """Measure, print the table and the verdicts; 1 only if a request was not answered exactly once."""
    parser = argparse.ArgumentParser(description="Measure messages a second, interleaved.")
    parser.add_argument("--rounds", type=int, default=7, help="rounds after the warm-up round (7)")
    parser.add_argument("--messages", type=int, default=2_000, help="messages of a mix in a round (2000)")
    parser.add_argument("--serve-bare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_bare:
        serve_bare()
        return 0
    if options.rounds < 1 or options.messages < 1:
        parser.error("--rounds and --messages must be at least 1")

    commands = {
        BARE: [sys.executable, "-P", str(Path(__file__)), "--serve-bare"],
        FAREBOX: [sys.executable, "-m", "farebox", "lsp"],
    }
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(Server(command, stack.enter_context(tempfile.TemporaryDirectory())))
            for name, command in commands.items()
        }
        for server in servers.values():
            server.begin()
        print(f"Messages a second, median of {options.rounds} interleaved rounds of {options.messages}")
        print(f"{'':34}{BARE:>12}{FAREBOX:>12}{'ratio':>8}{'min-max':>14}")
        for mix, messages in MIXES.items():
            compare(mix, messages, servers, options.rounds, options.messages)
        print()
        return flood(servers[FAREBOX])


def compare(mix: str, messages: Messages, servers: "dict[str, Server]", rounds: int, count: int) -> None:
    """Measure one mix and print its line and its verdict."""
    rates: dict[str, list[float]] = {name: [] for name in servers}
    for server in servers.values():
        server.run(messages(count, server.ids))
    for number in range(rounds):
        # Who comes first has the warmer machine, or the colder: by turns.
        for name in sorted(servers, reverse=bool(number % 2)):
            began_s = time.perf_counter()
            sent = messages(count, servers[name].ids)
            servers[name].run(sent)
            rates[name].append(len(sent) / (time.perf_counter() - began_s))
    ratios = [ours / theirs for ours, theirs in zip(rates[FAREBOX], rates[BARE], strict=True)]
    spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
    ratio = median(ratios)
    print(
        f"{mix:34}{median(rates[BARE]):12,.0f}{median(rates[FAREBOX]):12,.0f}{ratio:8.2f}{spread:>14}"
        f"  {'PASS' if ratio >= TARGET else 'FAIL'}"
    )


def flood(server: "Server") -> int:
    """Send many requests at once, which nothing reads ahead of, and count the answers to each."""
    before_mb = server.peak_mb()
    sent = [ask(NOTHING, next(server.ids)) for _ in range(FLOOD)]
    began_s = time.perf_counter()
    server.run(sent)
    took_s = time.perf_counter() - began_s
    counts = Counter(server.answers[one["id"]] for one in sent)
    print(f"{FLOOD:,} requests at once: {took_s:.1f} s; peak memory {before_mb} -> {server.peak_mb()} MB")
    is_right = counts == {1: FLOOD} and not server.strays
    print(f"{'PASS' if is_right else 'FAIL'}: answered exactly once: {counts[1]:,} of {FLOOD:,}")
    return 0 if is_right else 1


# --- what is sent ------------------------------------------------------------------------------


def ask(method: str, request_id: int, params: object = None) -> Json:
    """Return a request."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def requests(count: int, ids: "itertools.count[int]") -> list[Json]:
    """Requests that both answer at once: there is no such method."""
    return [ask(NOTHING, next(ids)) for _ in range(count)]


def edit(number: int) -> Json:
    """One key in the document, in the middle of it."""
    here = {"line": LINES // 2, "character": number % 40}
    change = {"range": {"start": here, "end": here}, "text": "a"}
    if number % 40 == 39:  # the line stays short
        change = {"range": {"start": {**here, "character": 0}, "end": here}, "text": ""}
    params = {"textDocument": {"uri": URI, "version": 2 + number}, "contentChanges": [change]}
    return {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": params}


def edits(count: int, _ids: "itertools.count[int]") -> list[Json]:
    """Typing: edits alone."""
    return [edit(next(EDITS)) for _ in range(count)]


def keys(count: int, ids: "itertools.count[int]") -> list[Json]:
    """Typing: an edit and a request for ghost text at each key."""
    sent: list[Json] = []
    for _ in range(count // 2):
        number = next(EDITS)
        params = {
            "textDocument": {"uri": URI},
            "position": {"line": LINES // 2, "character": number % 40},
            "context": {"triggerKind": 2},
        }
        sent += [edit(number), ask("textDocument/inlineCompletion", next(ids), params)]
    return sent


EDITS: Final = itertools.count()
MIXES: Final[dict[str, Messages]] = {
    "requests (no such method)": requests,
    f"edits of {LINES} lines": edits,
    "edit + ghost text, none given": keys,
}


# --- the servers -------------------------------------------------------------------------------


def serve_bare() -> None:
    """Be the smallest ghost-text server: it has none to give."""
    from lsprotocol import types
    from pygls.lsp.server import LanguageServer

    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)  # as farebox does: a log costs much
    server = LanguageServer("bare", "0")

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(_params: types.InlineCompletionParams) -> types.InlineCompletionList:  # pyright: ignore[reportUnusedFunction]  registered
        return types.InlineCompletionList(items=[])

    server.start_io()


class Server:
    """A server's process, and how often each request has been answered."""

    def __init__(self, command: list[str], folder: str) -> None:
        self.ids = itertools.count(1)
        self.answers: Counter[int] = Counter()
        self.strays = 0
        self._has_ended = False
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(Path(folder)),
            cwd=folder,
        )
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Server":
        self._reader.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def begin(self) -> None:
        """Begin a session with one document, and with completion that has nothing to give."""
        initialize = {"processId": None, "rootUri": None, "capabilities": {}}
        text = "".join(f"value_{number} = {number}\n" for number in range(LINES))
        document = {"uri": URI, "languageId": "python", "version": 1, "text": text}
        self.run([ask("initialize", next(self.ids), initialize)])
        self.run(
            [
                {"jsonrpc": "2.0", "method": "initialized", "params": {}},
                {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}},
                ask("farebox/pause", next(self.ids), {"paused": True}),  # all is loaded then
            ]
        )

    def run(self, messages: list[Json]) -> None:
        """Send messages at once, and one more request: wait until all is answered."""
        last = next(self.ids)
        asked = [one["id"] for one in messages if "id" in one]
        stdin = self._stream(self._process.stdin)
        stdin.write(b"".join(map(frame, [*messages, ask(DONE, last)])))
        stdin.flush()
        deadline_s = time.monotonic() + HANG_S
        with self._changed:
            while not (self.answers[last] and all(self.answers[one] for one in asked)):
                if self._has_ended or not self._changed.wait(deadline_s - time.monotonic()):
                    missing = sum(not self.answers[one] for one in [*asked, last])
                    raise SystemExit(f"FAIL: {missing} requests were not answered")

    def peak_mb(self) -> int:
        """Return the most memory that it has had, in MB; 0 where this system does not tell."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        except OSError:
            return 0
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024

    def _read(self) -> None:
        stdout = self._stream(self._process.stdout)
        while (message := read_message(stdout)) is not None:
            if "method" in message:
                continue
            with self._changed:
                if isinstance(message["id"], int):
                    self.answers[message["id"]] += 1
                else:
                    self.strays += 1
                self._changed.notify()
        with self._changed:
            self._has_ended = True
            self._changed.notify()

    @staticmethod
    def _stream(stream: IO[bytes] | None) -> IO[bytes]:
        assert stream is not None
        return stream


if __name__ == "__main__":
    sys.exit(main())
