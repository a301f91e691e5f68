"""The editor of ``soak.py``: it types, asks, takes back, and looks at its server's process from outside."""

import asyncio
import itertools
import json
import os
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from support.canary import KEY
from support.client import AUTOMATIC, INVOKED
from support.environment import clean_environment, openrouter_config
from support.metamodel import Json
from support.traffic import frame

START_S = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process has at a moment, as far as it shows from outside."""

    at_s: float
    rss_mb: float
    peak_mb: float
    descriptors: int
    threads: int
    ledger_kb: int

    def __str__(self) -> str:
        """Write it as one line."""
        return (
            f"{self.rss_mb:.1f} MB (most {self.peak_mb:.1f}), {self.descriptors} descriptors,"
            f" {self.threads} threads, ledger {self.ledger_kb} kB"
        )


@dataclass(slots=True)
class Client:
    """One server process, and one document in it."""

    process: asyncio.subprocess.Process
    folder: Path
    answers: Counter[str] = field(default_factory=Counter[str])
    lines: list[str] = field(default_factory=lambda: ["import os", "", "", "def main():", "    "])
    chars: int = 0
    _version: int = 0
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _waiting: dict[int, "asyncio.Future[None]"] = field(default_factory=dict[int, "asyncio.Future[None]"])
    _reader: "asyncio.Task[None] | None" = None

    @classmethod
    async def start(cls, folder: Path, base_url: str) -> "Client":
        """Start the server and wait until it has loaded all that the first request needs."""
        config = openrouter_config(base_url).replace("debounce_ms = 0", "debounce_ms = 75")
        (folder / "config.toml").write_text(config, "utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "farebox", "lsp"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**clean_environment(folder), "OPENROUTER_API_KEY": KEY, "FAREBOX_DEBUG": "1"},
        )
        client = cls(process, folder)
        client._reader = asyncio.create_task(client._read())
        start: Json = {"processId": os.getpid(), "rootUri": None, "capabilities": {}}
        await asyncio.wait_for(client.answered(client.ask("initialize", start)), START_S)
        client.notify("initialized", {})
        await asyncio.wait_for(client.answered(client.ask("farebox/costReport", {})), START_S)
        return client

    # --- messages ------------------------------------------------------------------------------

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._stdin.write(frame({"jsonrpc": "2.0", "method": method, "params": params}))

    def ask(self, method: str, params: object) -> int:
        """Send a request."""
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._stdin.write(frame({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        return number

    def cancel(self, request: int) -> None:
        """Take a request back."""
        self.notify("$/cancelRequest", {"id": request})

    def cancel_all(self) -> None:
        """Take back all that has not been answered."""
        for request in list(self._waiting):
            self.cancel(request)

    async def answered(self, request: int) -> None:
        """Wait for an answer."""
        if request in self._waiting:
            await asyncio.shield(self._waiting[request])

    async def drain(self) -> None:
        """Wait until there is room in the pipe."""
        await self._stdin.drain()

    async def rest(self, timeout_s: float) -> int:
        """Wait until all is answered; return how much is not."""
        if self._waiting:
            await asyncio.wait(list(self._waiting.values()), timeout=timeout_s)
        return len(self._waiting)

    async def end(self) -> int:
        """End the session; return the exit code."""
        await self.answered(self.ask("shutdown", None))
        self.notify("exit", None)
        return await self.process.wait()

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self.process.stdin is not None
        return self.process.stdin

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while head := await self.process.stdout.readline():
            if not head.startswith(b"Content-Length: "):
                continue
            while await self.process.stdout.readline() != b"\r\n":
                pass
            message = json.loads(await self.process.stdout.readexactly(int(head[16:])))
            if "method" in message:
                continue
            error = message.get("error")
            self.answers["ok" if error is None else str(error["code"])] += 1
            if (future := self._waiting.pop(message["id"], None)) is not None:
                future.set_result(None)
        for future in self._waiting.values():
            future.cancel()

    # --- the document --------------------------------------------------------------------------

    @property
    def _uri(self) -> str:
        return (self.folder / "typed.py").as_uri()

    def open(self) -> None:
        """Open the document, with all that has been typed."""
        text = "\n".join(self.lines)
        self._version, self.chars = 1, len(text)
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def close(self) -> None:
        """Close the document."""
        self.notify("textDocument/didClose", {"textDocument": {"uri": self._uri}})

    def type(self, text: str) -> None:
        """Put text in at the cursor, which is at the end."""
        self._change(self._cursor, self._cursor, text)
        self.lines[-1:] = (self.lines[-1] + text).split("\n")
        self.chars += len(text)

    def forget_a_line(self) -> None:
        """Take the first line away."""
        self._change({"line": 0, "character": 0}, {"line": 1, "character": 0}, "")
        self.chars -= len(self.lines.pop(0)) + 1

    def _change(self, start: Json, end: Json, text: str) -> None:
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        change = {"range": {"start": start, "end": end}, "text": text}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    @property
    def _cursor(self) -> Json:
        return {"line": len(self.lines) - 1, "character": len(self.lines[-1].encode("utf-16-le")) // 2}

    def ask_ghost(self, *, invoked: bool) -> int:
        """Ask for ghost text at the cursor."""
        context = {"triggerKind": INVOKED if invoked else AUTOMATIC}
        params = {"textDocument": {"uri": self._uri}, "position": self._cursor, "context": context}
        return self.ask("textDocument/inlineCompletion", params)

    def ask_chat(self) -> int:
        """Ask about the document."""
        return self.ask("farebox/chat", {"text": "What is this?", "attachments": [{"uri": self._uri}]})

    # --- the process ---------------------------------------------------------------------------

    def sample(self, at_s: float) -> Sample:
        """Look at the process."""
        folder = Path(f"/proc/{self.process.pid}")
        status = (folder / "status").read_text()

        def of(name: str) -> int:
            return int(status.partition(f"\n{name}:")[2].split()[0])

        ledger = 0
        for file in (self.folder / "farebox").glob("ledger*"):
            with suppress(FileNotFoundError):
                ledger += file.stat().st_size
        return Sample(
            at_s,
            of("VmRSS") / 1024,
            of("VmHWM") / 1024,
            len(list((folder / "fd").iterdir())),
            of("Threads"),
            ledger // 1024,
        )

    def tasks(self) -> list[int]:
        """Return how many tasks the server has told of having, in its log, each time that it did."""
        files = sorted((self.folder / "farebox" / "logs").glob("*.jsonl"))
        entries = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
        return [entry["tasks"] for entry in entries if entry.get("event") == "standing"]
