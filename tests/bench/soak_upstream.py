"""The upstream of ``soak.py``: most answers are good, each of the others is bad in its own way."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeAlias

from support.bare_http import serving

GOOD_SHARE = 0.7
DRIP_S = 0.1
DRIPS = 40
HUGE_BYTES = 2 * 1024 * 1024
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

Way: TypeAlias = Callable[["Upstream", bytes, asyncio.StreamWriter], Awaitable[bool]]
"""Answers a request; says whether the connection may serve another."""


@dataclass(slots=True)
class Upstream:
    """The server."""

    dice: random.Random
    played: Counter[str] = field(default_factory=Counter[str])
    _port: int = 0
    _serving: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def base_url(self) -> str:
        """The address that a provider is configured with."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> "Upstream":
        self._port = await self._serving.enter_async_context(serving(self._answer))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._serving.aclose()

    async def _answer(
        self, _path: str, body: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        way = _good if self.dice.random() < GOOD_SHARE else self.dice.choice(_WAYS)
        self.played[way.__name__.strip("_")] += 1
        return await way(self, body, writer)


async def _good(_upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    pieces = [_text("value = "), _text("measure(first)"), _finish()]
    writer.write(_HEAD + b"".join(map(_chunk, pieces)) + b"0\r\n\r\n")
    return True


async def _dripping(_upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(_HEAD)
    for byte in _text("x" * DRIPS)[:DRIPS]:
        writer.write(_chunk(bytes((byte,))))
        await writer.drain()
        await asyncio.sleep(DRIP_S)
    return False


async def _slow(upstream: Upstream, body: bytes, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(2)
    return await _good(upstream, body, writer)


async def _reset(_upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(_HEAD + _chunk(_text("value")))
    await writer.drain()
    writer.transport.abort()
    return False


async def _refused(_upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    return _json(writer, 429, {"error": {"code": 429, "message": "slow down"}}, "Retry-After: 1\r\n")


async def _broken(_upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    return _json(writer, 500, {"error": {"code": 500, "message": "oh"}})


async def _garbage(upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(upstream.dice.randbytes(3_000))
    return False


async def _junk(upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    noise = upstream.dice.randbytes(2_000).replace(b"\n", b"")
    writer.write(_HEAD + _chunk(b"data: " + noise + b"\n\n") + _chunk(_finish()) + b"0\r\n\r\n")
    return True


async def _huge(_upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(_HEAD + _chunk(b"data: " + b"x" * HUGE_BYTES))
    await writer.drain()
    return False


async def _hanging(_upstream: Upstream, _body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(_HEAD)
    await writer.drain()
    await asyncio.sleep(45)
    return False


async def _echo(_upstream: Upstream, body: bytes, writer: asyncio.StreamWriter) -> bool:
    return _json(writer, 400, {"error": {"code": 400, "message": body[:50_000].decode("utf-8", "replace")}})


_WAYS: tuple[Way, ...] = (
    _dripping,
    _slow,
    _reset,
    _refused,
    _broken,
    _garbage,
    _junk,
    _huge,
    _hanging,
    _echo,
)


def _text(text: str) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return _event(choices=[choice])


def _finish() -> bytes:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14, "cost": 0.00001}
    return _event(choices=[choice]) + _event(choices=[], usage=usage) + b"data: [DONE]\n\n"


def _event(**fields: object) -> bytes:
    table = {"id": "gen-soak", "object": "chat.completion.chunk", "model": "soak/m", **fields}
    return f"data: {json.dumps(table)}\n\n".encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _json(writer: asyncio.StreamWriter, status: int, table: object, more: str = "") -> bool:
    body = json.dumps(table).encode()
    head = f"HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\n{more}"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return True
