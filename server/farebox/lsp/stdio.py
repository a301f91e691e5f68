"""Messages from stdin without blocking the event loop: a thread of its own waits for bytes.

The thread is a daemon on the bare descriptor: pygls reads in a pool whose threads Python waits for at its
end, and wakes it some eight times at a key. Knows where a message ends, not what it says.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from typing import Final, Protocol

from farebox import crash
from farebox.lsp import descriptors, strict_json
from farebox.lsp.framing import Decoder, Fault
from farebox.lsp.strict_json import NotJson

CHUNK_BYTES: Final = 16 * 1024
MAX_CHUNKS_AHEAD: Final = 2
"""No more than that is read ahead: who is too fast has to wait, and no request waits long behind edits."""
TURN_S: Final = 0.002
"""So long may messages that begin nothing be taken in a row before others get their turn."""
AGAIN_S: Final = 0.05
"""Where memory is out, what has to be said is tried again so often."""
STALL_S: Final = 0.5
"""A message whose rest does not come within that time may be whole already: its length may be wrong."""


class Receiver(Protocol):
    """Who the messages are for."""

    @property
    def has_ended(self) -> bool:
        """Say whether the session is over: nothing more is to be read."""
        ...

    def receive(self, value: object) -> bool:
        """Take a JSON value, which ought to be a message; say whether it has begun work."""
        ...

    def malformed(self, reason: str) -> None:
        """Hear that something came that can't be read."""
        ...


class Stdin:
    """A descriptor that is read ahead, a little."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._chunks: deque[bytes] = deque()
        self._has_come = asyncio.Event()
        self._room = threading.Semaphore(MAX_CHUNKS_AHEAD)
        self._loop = asyncio.get_running_loop()
        descriptors.let_wait(descriptor)
        threading.Thread(target=self._read_all, name="farebox-stdin", daemon=True).start()

    async def read(self, timeout_s: float | None = None) -> bytes | None:
        """Return what has come, nothing at the end; None if nothing comes in time."""
        if not self._chunks:
            self._has_come.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._has_come.wait()
        if not self._chunks:
            return None
        if not self._chunks[0]:
            return b""  # it stays: the end is the end
        self._room.release()
        return self._chunks.popleft()

    def _read_all(self) -> None:
        try:
            while self._room.acquire() and (chunk := self._read()):
                self._hand_over(chunk)
        except Exception as error:  # noqa: BLE001  the edge: nobody else reads, and memory may be out
            crash.note(error, "thread")
        finally:
            self._end()

    def _read(self) -> bytes:
        try:
            return descriptors.read(self._descriptor, CHUNK_BYTES)
        except OSError:  # whoever held the other end is gone
            return b""

    def _end(self) -> None:
        """Say that no more comes, however long memory is out: nobody else notices."""
        while True:
            with contextlib.suppress(MemoryError):
                return self._hand_over(b"")
            time.sleep(AGAIN_S)

    def _hand_over(self, chunk: bytes) -> None:
        with contextlib.suppress(RuntimeError):  # there is no loop any more
            self._loop.call_soon_threadsafe(self._take, chunk)

    def _take(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._has_come.set()


async def listen(source: Stdin, receiver: Receiver) -> None:
    """Hand on each message until the input ends or the session does. Others get their turn in between.

    What a request has begun gets it at once: it reads the document as it was when it was asked.
    """
    decoder = Decoder()
    has_stalled = False
    turn_began_s = time.monotonic()
    while not receiver.has_ended:
        may_stall = decoder.is_within_body and not has_stalled
        chunk = await source.read(STALL_S if may_stall else None)
        if chunk == b"":
            return
        has_stalled = chunk is None
        if chunk is None:
            body = decoder.stalled(strict_json.is_json)
            if body is not None and _hand_on(body, decoder, receiver):
                await asyncio.sleep(0)
        else:
            decoder.feed(chunk)
        while not receiver.has_ended and (piece := decoder.next()) is not None:
            has_begun = False
            if isinstance(piece, Fault):
                receiver.malformed(piece.reason)
            else:
                has_begun = _hand_on(piece, decoder, receiver)
            if has_begun or time.monotonic() - turn_began_s > TURN_S:
                await asyncio.sleep(0)
                turn_began_s = time.monotonic()


def _hand_on(body: bytes, decoder: Decoder, receiver: Receiver) -> bool:
    try:
        value = strict_json.parse(body)
    except NotJson as error:
        rest = decoder.reject(body)
        if not strict_json.is_json(rest):
            receiver.malformed(str(error))
            return False
        value = strict_json.parse(rest)
    else:
        decoder.accept()
    return receiver.receive(value)
