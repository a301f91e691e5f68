"""Reading stdin without blocking the event loop: a thread waits for bytes, once for all that are there.

pygls waits in a thread for each line of a header and for each body: some eight times at a key, with a change
and a request, and each time two threads have to wake up. Knows no messages.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, Protocol

CHUNK_BYTES: Final = 64 * 1024
"""As much as a pipe holds. No more than that is read ahead: a client that is too fast has to wait."""


class Source(Protocol):
    """What is read: a buffered stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, less at the end."""
        ...

    def read1(self, size: int, /) -> bytes:
        """Return what is there, as soon as there is something; nothing at the end."""
        ...


class Stdin:
    """An asynchronous reader, as pygls wants one."""

    def __init__(self, source: Source, threads: Executor | None = None) -> None:
        self._source = source
        self._threads = threads
        self._read = bytearray()

    async def readline(self) -> bytes:
        """Return a line with its end, or what there is at the end."""
        searched = 0
        while (end := self._read.find(b"\n", searched)) < 0:
            searched = len(self._read)
            if not await self._more(self._source.read1, CHUNK_BYTES):
                return self._taken(len(self._read))
        return self._taken(end + 1)

    async def readexactly(self, n: int) -> bytes:
        """Return so many bytes, less at the end. Others get their turn before: each body is a message."""
        await asyncio.sleep(0)
        missing = n - len(self._read)
        if missing >= CHUNK_BYTES:
            await self._more(self._source.read, missing)
        while len(self._read) < n and await self._more(self._source.read1, CHUNK_BYTES):
            pass
        return self._taken(min(n, len(self._read)))

    async def _more(self, read: Callable[[int], bytes], size: int) -> bool:
        """Wait in a thread for more bytes; False at the end."""
        more = await asyncio.get_running_loop().run_in_executor(self._threads, read, size)
        self._read += more
        return bool(more)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._read[:size])
        del self._read[:size]
        return taken
