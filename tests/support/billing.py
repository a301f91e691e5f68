"""A provider that keeps its own bill, in a process of its own: whoever is killed, it knows what it charges.

It speaks as much of OpenRouter as a streamed answer needs, and tells by ``GET /generation`` what one came to.
A request is known by its conversation (``session_id``), which is in the ledger's row as well: the two books
are compared by it. How it is answered, and what it costs, is said by words in its prompt such as
``pieces=3``: see ``Script``. ``GET /bill`` is the whole bill.

It shares no code with farebox. ``provider`` runs it.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Literal

if __name__ == "__main__":  # started as a file, not as part of a package
    sys.path.insert(0, str(Path(__file__).parent.parent))

from support.guard.sitecustomize import watched
from support.patience import WAIT_S

NANO = 10**9
Bills = Literal["accept", "headers"]
Tells = Literal["cost", "tokens", "nothing"]


@dataclass(frozen=True, slots=True)
class Script:
    """How one request is answered: written as ``name=value`` words into its prompt.

    ``base`` nano-dollars are charged once it is billed at all, as soon as it was read or with the answer's
    headers, and ``each`` more for every piece that was sent. ``tells`` is what the answer's last event says
    of that.
    """

    pieces: int = 3
    head_ms: int = 0
    pause_ms: int = 0
    base: int = 1_000
    each: int = 100
    bills: Bills = "accept"
    tells: Tells = "cost"

    @property
    def words(self) -> str:
        """The words for a prompt."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())

    @property
    def most_nanodollars(self) -> int:
        """What it costs if it is answered to its end."""
        return self.base + self.pieces * self.each


def script_in(prompt: str) -> Script:
    """Read the words of a prompt; the others mean nothing."""
    named = dict(word.split("=", 1) for word in prompt.split() if "=" in word)
    known = ((field.name, named[field.name]) for field in fields(Script) if field.name in named)
    values: dict[str, Any] = {name: int(value) if value.isdecimal() else value for name, value in known}
    return Script(**values)


@dataclass(slots=True)
class Item:
    """What one request is charged; ``nanodollars`` is None while it is not billed at all."""

    marker: str
    generation: str
    pieces: int = 0
    nanodollars: int | None = None
    ended: bool = False


# --- the process ---------------------------------------------------------------------------------


class _Provider:
    """Answers requests, and writes down what each one is charged."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection's requests, until it closes."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while await self._request(reader, writer):
                pass
        writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        _, path, _ = head.partition("\r\n")[0].split(" ")
        length = head.lower().partition("content-length:")[2].partition("\r\n")[0]
        body = await reader.readexactly(int(length or 0))
        if path == "/bill":
            _write(writer, 200, [asdict(item) for item in self.items.values()])
        elif path.startswith("/v1/generation?id="):
            self._generation(writer, path.partition("=")[2])
        else:
            return await self._answer(json.loads(body), reader, writer)
        return True

    def _generation(self, writer: asyncio.StreamWriter, generation: str) -> None:
        item = self.items.get(generation)
        if item is None or item.nanodollars is None or not item.ended:
            _write(writer, 404, {"error": {"code": 404, "message": "no such generation"}})
            return
        tokens = {"native_tokens_prompt": 10, "native_tokens_completion": item.pieces}
        _write(
            writer, 200, {"data": {"id": generation, "total_cost": _usd(item), "model": "billed/m", **tokens}}
        )

    async def _answer(
        self, body: Mapping[str, object], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Stream an answer; say whether the connection may serve another request."""
        item = Item(str(body.get("session_id")), f"gen-{len(self.items)}")
        self.items[item.generation] = item
        script = script_in(json.dumps(body.get("messages")).replace('"', " "))
        if script.bills == "accept":
            item.nanodollars = script.base
        gone = asyncio.ensure_future(reader.read(1))
        try:
            return await self._stream(item, script, gone, writer)
        finally:
            item.ended = True
            gone.cancel()
            await asyncio.wait([gone])

    async def _stream(
        self, item: Item, script: Script, gone: "asyncio.Future[bytes]", writer: asyncio.StreamWriter
    ) -> bool:
        if await _closes(gone, script.head_ms):
            return False
        item.nanodollars = script.base
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        for number in range(script.pieces):
            if number and await _closes(gone, script.pause_ms):
                return False
            item.pieces += 1
            item.nanodollars += script.each
            writer.write(head + _event(item, content=f"word{number} "))
            head = b""
        if await _closes(gone, 0):
            return False
        writer.write(head + _event(item, finish="stop"))
        if script.tells != "nothing":
            writer.write(_event(item, cost=script.tells == "cost"))
        writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()
        return True


async def _closes(gone: "asyncio.Future[bytes]", wait_ms: int) -> bool:
    """Wait, but no longer than the client does; say whether it has closed."""
    await asyncio.wait([gone], timeout=wait_ms / 1000)
    return gone.done()


def _event(item: Item, *, content: str | None = None, finish: str | None = None, cost: bool = False) -> bytes:
    """Return a piece of text, the finish, or, with neither, the usage."""
    table: dict[str, object] = {"id": item.generation, "object": "chat.completion.chunk", "model": "billed/m"}
    if content is None and finish is None:
        usage = {"prompt_tokens": 10, "completion_tokens": item.pieces, "total_tokens": 10 + item.pieces}
        table |= {"choices": [], "usage": usage | ({"cost": _usd(item)} if cost else {})}
    else:
        delta = {} if content is None else {"role": "assistant", "content": content}
        table["choices"] = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return _chunk(f"data: {json.dumps(table)}\n\n".encode())


def _usd(item: Item) -> float:
    assert item.nanodollars is not None
    return item.nanodollars / NANO  # its shortest form has all nine digits


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _write(writer: asyncio.StreamWriter, status: int, table: object) -> None:
    body = json.dumps(table).encode()
    head = f"HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


async def _serve() -> None:
    provider = _Provider()
    server = await asyncio.start_server(provider.connected, "127.0.0.1", 0, limit=1024 * 1024, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started this has gone


# --- its user -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Billing:
    """The provider, seen from a test."""

    port: int

    @property
    def base_url(self) -> str:
        """The address that a provider is configured with."""
        return f"http://127.0.0.1:{self.port}/v1"

    def bill(self) -> dict[str, Item]:
        """Return what was asked for so far, by the request's marker. Two requests with one are a mistake."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request("GET", "/bill")
            items = [Item(**table) for table in json.loads(connection.getresponse().read())]
        finally:
            connection.close()
        by_marker = {item.marker: item for item in items}
        assert len(by_marker) == len(items), "a request was sent twice"
        return by_marker

    def billed(self) -> dict[str, int]:
        """Return what is charged, in nano-dollars, by the request's marker."""
        found = self.bill().items()
        return {marker: item.nanodollars for marker, item in found if item.nanodollars is not None}


@contextmanager
def provider(environment: Mapping[str, str]) -> Generator[Billing]:
    """Run the provider."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=watched(environment),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Billing(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(_serve())
