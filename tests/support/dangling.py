"""A provider that never finishes: it stops at a phase of the answer, and notes when its client has gone.

The path says where it stops, and what begins with a TLS handshake is never answered at all. It runs on
the test's own event loop without a task of its own, so that every task that is left is the client's.
"""

import asyncio
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, get_args

from farebox.app import App
from farebox.messages import Call, Chat, Message, Text
from farebox.router.door import Reply
from farebox.router.request import Request, Serving
from support.upstream import chunk, sse

Phase = Literal["connecting", "handshake", "waiting", "thinking", "streaming"]
"""Where a request is when it is cancelled: no connection yet, no TLS yet, no byte of the answer yet, headers
and a comment but no token yet, or in the middle of an event."""

PHASES: tuple[Phase, ...] = get_args(Phase)
PIECE_BYTES = 37
PIECE_EACH_S = 0.001
_TLS_HANDSHAKE = 0x16
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_EVENTS = sse(*[chunk({"content": f"word{number} "}) for number in range(20)], done=False)
_WHOLE = sse(chunk({"content": "whole"}), chunk({}, "stop"))


class Visit(asyncio.Protocol):
    """One connection; ``gone`` is set when its client has closed it, ``gone_s`` is when (perf_counter)."""

    def __init__(self, upstream: "Dangling") -> None:
        self._stopped = False
        self.gone = asyncio.Event()
        self.gone_s = 0.0
        self._upstream = upstream
        self._received = b""
        self._sent = 0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._upstream.open.add(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received[0] == _TLS_HANDSHAKE:
            self._stop_here("handshake")
        elif _is_whole(self._received):
            path = self._received.split(b" ", 2)[1].decode()
            self._received = b""
            self._answer(path.split("/")[1])

    def eof_received(self) -> None:
        self._note_gone()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._note_gone()
        self._upstream.open.discard(self)
        self._upstream.changed.set()

    def _answer(self, phase: str) -> None:
        if phase == "waiting":
            self._stop_here(phase)
        elif phase == "thinking":
            self._write(_HEAD + _chunked(b": still thinking\n\n"))
            self._stop_here(phase)
        elif phase == "streaming":
            self._write(_HEAD)
            self._stop_here(phase)
            self._stream_on()
        else:
            self._write(_HEAD + _chunked(_WHOLE) + b"0\r\n\r\n")

    def _stream_on(self) -> None:
        if self.gone.is_set():
            return
        piece = (_EVENTS * 2)[self._sent : self._sent + PIECE_BYTES]
        self._sent = (self._sent + PIECE_BYTES) % len(_EVENTS)
        self._write(_chunked(piece))
        asyncio.get_running_loop().call_later(PIECE_EACH_S, self._stream_on)

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def _stop_here(self, phase: Phase) -> None:
        if not self._stopped:
            self._stopped = True
            self._upstream.stopped[phase].put_nowait(self)

    def _note_gone(self) -> None:
        if not self.gone.is_set():
            self.gone_s = time.perf_counter()
            self.gone.set()


class Dangling:
    """The server. ``stopped`` holds the visits of each phase, as soon as they are where they stop."""

    def __init__(self) -> None:
        self.open: set[Visit] = set()
        self.stopped: dict[Phase, asyncio.Queue[Visit]] = {phase: asyncio.Queue() for phase in PHASES}
        self.changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._full: socket.socket | None = None
        self._fillers: list[socket.socket] = []

    async def __aenter__(self) -> "Dangling":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Visit(self), "127.0.0.1", 0)
        self._full = _full_backlog(self._fillers)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None and self._full is not None  # noqa: PT018
        self._server.close()
        await self._server.wait_closed()
        for one in (self._full, *self._fillers):
            one.close()

    def base_url(self, phase: Phase | Literal["whole"]) -> str:
        """Return the address of a provider that stops at a phase, or answers as a whole."""
        assert self._server is not None and self._full is not None  # noqa: PT018
        if phase == "connecting":
            return f"http://127.0.0.1:{self._full.getsockname()[1]}/v1"
        port = self._server.sockets[0].getsockname()[1]
        return f"{'https' if phase == 'handshake' else 'http'}://127.0.0.1:{port}/{phase}/v1"

    def config(self) -> str:
        """Return a farebox config with a provider for each phase, and one that answers."""
        tables = (f'[providers.{name}]\nbase_url = "{self.base_url(name)}"\n' for name in (*PHASES, "whole"))
        return "".join(tables)

    async def emptied(self) -> None:
        """Wait until no connection is left."""
        while self.open:
            self.changed.clear()
            await self.changed.wait()


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _full_backlog(fillers: list[socket.socket]) -> socket.socket:
    """Return a listening socket that takes no more connections: the next one waits to be made, for ever."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listening.getsockname())
        fillers.append(filler)
    return listening


@contextmanager
def no_socket_is_left() -> Generator[None]:
    """Fail if this process has more sockets at the end than at the beginning; Linux only, else no check."""
    before = sockets()
    yield
    assert sockets() <= before, "sockets are left open"


def sockets() -> set[str]:
    """Return the sockets that this process holds; none where the system does not tell."""
    from pathlib import Path

    folder = Path("/proc/self/fd")
    found: set[str] = set()
    for entry in folder.iterdir() if folder.exists() else ():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def ask(app: App, provider: str) -> Reply:
    """Start a request to one of the upstream's providers."""

    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)

    return app.door().send(Request("chat", render, 40, 100, requested=f"{provider}/m"))


async def listen(reply: Reply, heard: asyncio.Event) -> None:
    """Read an answer; tell of its first text."""
    async for event in reply.events():
        if isinstance(event, Text):
            heard.set()
