"""What is on its way to the client: a thread writes it, so nobody else waits for a client that reads slowly.

Answers go first. What a stream says keeps its order behind them, and once more waits than a pipe holds, its
pieces of one kind are joined. What waits is bounded: streams wait for ``room``, of news only the last counts,
and a client that lets too much pile up is given up. Knows bytes and text, not what a message means.
"""

import asyncio
import contextlib
import os
import select
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from typing import Final, TypeAlias

from farebox import crash
from farebox.lsp import descriptors

MAX_APART_BYTES: Final = 64 * 1024
"""As much as a pipe holds. While no more than that waits, each piece of text is a message of its own."""
MAX_WAITING_BYTES: Final = 1024 * 1024
"""While more than that waits, no stream goes on."""
MAX_HELD_BYTES: Final = 16 * 1024 * 1024
"""Who lets more than that wait does not read any more."""
MAX_WRITE_BYTES: Final = 64 * 1024
"""More is not handed to the pipe at once, unless it is a single message."""
ENVELOPE_BYTES: Final = 256
"""What a message of text is, about, beside its text."""

_CLOSED: Final = "the client has closed our output"

Render: TypeAlias = Callable[[str], bytes]
"""Writes text as the body of one message; called in the thread that sends it."""


@dataclass(slots=True)
class _Text:
    """Pieces of text that become one message."""

    kind: str
    render: Render
    said: StringIO = field(default_factory=StringIO)
    size: int = ENVELOPE_BYTES


class Outbox:
    """Where messages for one descriptor wait. Made and used on the event loop; only ``async`` methods wait.

    ``on_lost`` is called there, once, with the reason in words, when nothing can be sent any more.
    """

    def __init__(self, descriptor: int, on_lost: Callable[[str], None]) -> None:
        self._descriptor = descriptor
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._answers: deque[bytes] = deque()
        self._news: dict[str, bytes] = {}
        self._streams: dict[str, deque[bytes | _Text]] = {}
        self._waiting = 0
        self._is_writing = False
        self._is_lost = False
        self._waiters: list[asyncio.Future[None]] = []
        descriptors.let_wait(descriptor)
        self._watch_for_a_hang_up()
        threading.Thread(target=self._write_all, name="farebox-outbox", daemon=True).start()

    # --- what is to be sent ----------------------------------------------------------------------

    def put(self, body: bytes) -> None:
        """Send a message, before all that streams have still to say."""
        with self._changed:
            if self._admits(len(body)):
                self._answers.append(body)

    def put_newest(self, name: str, body: bytes) -> None:
        """Send a message of which only the last counts: where much waits it takes the place of its like."""
        with self._changed:
            before = self._news.get(name)
            if before is None and self._waiting <= MAX_APART_BYTES:
                self.put(body)
            elif self._admits(len(body) - len(before or b"")):
                self._news[name] = body

    def put_part(self, stream: str, body: bytes) -> None:
        """Send a message that is part of a stream."""
        with self._changed:
            if self._admits(len(body)):
                self._streams.setdefault(stream, deque()).append(body)

    def put_text(self, key: tuple[str, str], text: str, render: Render) -> None:
        """Send text of a stream; ``key`` is the stream, and what kind of text it is."""
        stream, kind = key
        size = len(text.encode("utf-8", errors="replace"))
        with self._changed:
            lane = self._streams.get(stream)
            last = lane[-1] if lane and self._waiting > MAX_APART_BYTES else None
            if not isinstance(last, _Text) or last.kind != kind:
                last = _Text(kind, render)
                if not self._admits(last.size):
                    return
                self._streams.setdefault(stream, deque()).append(last)
            if self._admits(size):
                last.said.write(text)
                last.size += size

    def cut(self, stream: str) -> None:
        """Forget what a stream has still to say."""
        with self._changed:
            self._waiting -= sum(map(_size, self._streams.pop(stream, ())))
        self._wake()

    def _admits(self, size: int) -> bool:
        """Count what is to be added, and have it written; False if nothing can be sent any more."""
        if self._is_lost:
            return False
        if self._waiting > MAX_HELD_BYTES:
            self._lose(f"the client reads no more: over {MAX_HELD_BYTES // 1024**2} MiB wait for it")
            return False
        self._waiting += size
        self._changed.notify()
        return True

    # --- who waits -------------------------------------------------------------------------------

    async def room(self) -> None:
        """Wait while too much waits for a stream to go on."""
        await self._until(lambda: self._waiting <= MAX_WAITING_BYTES)

    async def said(self, stream: str) -> None:
        """Wait until a stream has nothing to say any more: what is put then comes after it."""
        await self._until(lambda: stream not in self._streams)

    async def close(self, timeout_s: float) -> None:
        """Wait until everything has been written, but no longer than that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._until(
                    lambda: not (self._answers or self._news or self._streams or self._is_writing)
                )

    async def _until(self, condition: Callable[[], bool]) -> None:
        while True:
            with self._changed:
                if self._is_lost or condition():
                    return
                waiter = self._loop.create_future()
                self._waiters.append(waiter)
            await waiter

    def _wake(self) -> None:
        with self._changed:
            waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # --- the thread ------------------------------------------------------------------------------

    def _write_all(self) -> None:
        try:
            while True:
                self._write(b"".join(_framed(body) for body in self._taken()))
        except OSError:
            self._lose_from_thread(_CLOSED)
        except Exception as error:  # noqa: BLE001  the edge: nobody else writes
            crash.note(error, "thread")
            self._lose_from_thread("a message could not be written")

    def _taken(self) -> list[bytes]:
        """Wait for something, and take what is to be written next."""
        with self._changed:
            self._is_writing = False
            self._wake_from_thread()
            while not (taken := self._next()):
                self._changed.wait()
            self._is_writing = True
            self._waiting -= sum(map(_size, taken))
        return [part if isinstance(part, bytes) else part.render(part.said.getvalue()) for part in taken]

    def _next(self) -> list[bytes | _Text]:
        if self._answers or self._news:
            taken: list[bytes | _Text] = []
            size = 0
            while self._answers and size <= MAX_WRITE_BYTES:
                size += len(self._answers[0])
                taken.append(self._answers.popleft())
            if not self._answers:  # news that are older may be among them
                taken += self._news.values()
                self._news.clear()
            return taken
        if not self._streams:
            return []
        stream, lane = next(iter(self._streams.items()))
        part = lane.popleft()
        del self._streams[stream]
        if lane:  # its next turn comes after the others'
            self._streams[stream] = lane
        return [part]

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[descriptors.write(self._descriptor, left[:MAX_WRITE_BYTES]) :]

    def _wake_from_thread(self) -> None:
        if self._waiters:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    # --- the end ---------------------------------------------------------------------------------

    def _watch_for_a_hang_up(self) -> None:
        """Hear of a reader that goes while nothing is to be written; sockets tell of that by writing."""
        if sys.platform != "win32" and stat.S_ISFIFO(os.fstat(self._descriptor).st_mode):
            self._loop.add_reader(self._descriptor, self._heard)

    def _heard(self) -> None:
        if sys.platform == "win32":
            return
        self._loop.remove_reader(self._descriptor)
        poll = select.poll()
        poll.register(self._descriptor, 0)
        if poll.poll(0):
            self._lose(_CLOSED)

    def _lose_from_thread(self, reason: str) -> None:
        with contextlib.suppress(RuntimeError):  # there is no loop any more
            self._loop.call_soon_threadsafe(self._lose, reason)

    def _lose(self, reason: str) -> None:
        with self._changed:
            if self._is_lost:
                return
            self._is_lost = True
            self._waiting = 0
            for waiting in (self._answers, self._news, self._streams):
                waiting.clear()
        self._wake()
        self._on_lost(reason)


def _size(part: bytes | _Text) -> int:
    return len(part) if isinstance(part, bytes) else part.size


def _framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
