"""A provider for a fuzz: it bills what it sends, tells of it, fails on demand, and keeps what it was shown.

How a request is answered is said by words in it: those of ``billing.Script``, and ``fault=NAME``. It speaks
as much of OpenRouter as that takes, and shares no code with farebox.
"""

import asyncio
import json
import re
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from support.bare_http import serving
from support.billing import NANO, Script, script_in
from support.canary import FILE_CANARY

Fault: TypeAlias = Literal["429", "500", "html", "cut", "silent", "junk"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

_WORDS = re.compile(r"\b(marker|fault)=([\w.]+)")
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"


@dataclass(slots=True)
class Item:
    """One request, and what it is charged; ``whole``: its cost was told to the end."""

    generation: str
    nanodollars: int = 0
    pieces: int = 0
    whole: bool = False
    ended: bool = False


@dataclass(slots=True)
class Provider:
    """The server. ``shown`` is what each question carried, by its marker."""

    items: dict[str, Item] = field(default_factory=dict[str, Item])
    shown: dict[str, str] = field(default_factory=dict[str, str])
    asked: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _port: int = 0
    _serving: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def base_url(self) -> str:
        """The address that a provider is configured with."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> "Provider":
        self._port = await self._serving.enter_async_context(serving(self._request))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._serving.aclose()

    async def _request(
        self, path: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        if path.startswith("/v1/generation?id="):
            self._told(writer, path.partition("=")[2])
            return True
        if path != "/v1/chat/completions":
            _write(writer, 404, {"error": {"code": 404, "message": "nothing here"}})
            return True
        prompt = prompt_of(json.loads(body))
        if FILE_CANARY.encode() in body:
            self.faults.append("a model was shown a file that may not leave")
        words = dict(_WORDS.findall(prompt))
        marker = words.get("marker", "")
        self.asked[marker] += 1
        if marker:
            self.shown[marker] = prompt
        self.changed.set()
        return await self._answer(script_in(prompt), words.get("fault", ""), reader, writer)

    def _told(self, writer: asyncio.StreamWriter, generation: str) -> None:
        item = self.items.get(generation)
        if item is None or not item.ended:
            _write(writer, 404, {"error": {"code": 404, "message": "no such generation"}})
            return
        tokens = {"native_tokens_prompt": 10, "native_tokens_completion": item.pieces}
        told = {"id": generation, "total_cost": item.nanodollars / NANO, "model": "billed/m", **tokens}
        _write(writer, 200, {"data": told})

    async def _answer(
        self, script: Script, fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        match fault:
            case "429":
                _write(writer, 429, {"error": {"code": 429, "message": "slow down"}}, "Retry-After: 1\r\n")
                return True
            case "500":
                _write(writer, 500, {"error": {"code": 500, "message": "oh"}})
                return True
            case "html":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>no</html>")
                return True
            case _:
                pass
        item = Item(f"gen-{len(self.items)}")
        self.items[item.generation] = item
        gone = asyncio.ensure_future(reader.read(1))
        try:
            return await self._stream(item, script, fault, gone, writer)
        finally:
            item.ended = True
            gone.cancel()
            await asyncio.wait([gone])

    async def _stream(
        self,
        item: Item,
        script: Script,
        fault: str,
        gone: "asyncio.Future[bytes]",
        writer: asyncio.StreamWriter,
    ) -> bool:
        if fault == "silent":
            await asyncio.wait([gone])
            return False
        if await _closes(gone, script.head_ms):
            return False
        item.nanodollars = script.base
        head = _HEAD
        for number in range(script.pieces):
            if number and await _closes(gone, script.pause_ms):
                return False
            item.pieces += 1
            item.nanodollars += script.each
            writer.write(head + _event(item, content=f"word{number} "))
            head = b""
            if fault == "cut":
                await writer.drain()
                writer.transport.abort()
                return False
            if fault == "junk":
                writer.write(_chunk(b"data: {\xff\n\n"))
        if await _closes(gone, 0):
            return False
        item.whole = True
        writer.write(head + _event(item, finish="stop") + _event(item) + _chunk(b"data: [DONE]\n\n") + _END)
        return True


async def _closes(gone: "asyncio.Future[bytes]", wait_ms: int) -> bool:
    """Wait, but no longer than the client does; say whether it has closed."""
    if wait_ms:
        await asyncio.wait([gone], timeout=wait_ms / 1000)
    return gone.done()


def prompt_of(body: object) -> str:
    """Return the text of a request's last message."""
    match body:
        case {"messages": [*_, {"content": str() as content}]}:
            return content
        case {"messages": [*_, {"content": [*parts]}]}:
            return "".join(part["text"] for part in parts if "text" in part)
        case _:
            return ""


def _event(item: Item, *, content: str | None = None, finish: str | None = None) -> bytes:
    """Return a piece of text, the finish, or, with neither, the usage."""
    table: dict[str, object] = {"id": item.generation, "object": "chat.completion.chunk", "model": "billed/m"}
    if content is None and finish is None:
        usage = {"prompt_tokens": 10, "completion_tokens": item.pieces, "total_tokens": 10 + item.pieces}
        table |= {"choices": [], "usage": {**usage, "cost": item.nanodollars / NANO}}
    else:
        delta = {} if content is None else {"role": "assistant", "content": content}
        table["choices"] = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return _chunk(f"data: {json.dumps(table)}\n\n".encode())


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _write(writer: asyncio.StreamWriter, status: int, table: object, more: str = "") -> None:
    body = json.dumps(table).encode()
    head = f"HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\n{more}"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
