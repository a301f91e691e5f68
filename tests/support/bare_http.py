"""The least of an HTTP server on loopback: each request is handed on as a path, a body and its connection.

For upstreams that answer wrongly, or very often; ``support/upstream.py`` is what tests use else.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

LINE_BYTES = 1024 * 1024

Answer: TypeAlias = Callable[[str, bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""Answers a request for a path, with a body; says whether the connection may serve another."""


@asynccontextmanager
async def serving(answer: Answer) -> AsyncGenerator[int]:
    """Serve on a port of loopback, which is yielded, as long as the block runs."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(reader, writer, answer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=LINE_BYTES)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    with suppress(asyncio.IncompleteReadError, OSError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            _, path, _ = head.partition("\r\n")[0].split(" ")
            length = head.lower().partition("content-length:")[2].partition("\r\n")[0]
            body = await reader.readexactly(int(length or 0))
            if not await answer(path, body, reader, writer):
                break
            await writer.drain()
    writer.close()
