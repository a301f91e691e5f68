"""The oracle as real servers on loopback, in real time: llama.cpp's ``/infill``, and Tabby's completions.

One server for each text that is typed. It counts the requests, and the tokens that it wrote before the answer
was whole or the client closed; a closed connection frees the slot.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress

from bench.typing.oracle import TOKEN_MS, Oracle, Reply
from bench.typing.tally import Tally

Body = Mapping[str, object]
MODEL = "oracle"
CONTEXT_TOKENS = 32_768
MANY_SLOTS = 4
TABBY_TOKENS = 64
POLL_S = 0.003
_JSON, _SSE = "application/json", "text/event-stream"


class Upstream:
    """One server. ``slots`` of 0 are as many as it takes."""

    def __init__(self, oracle: Oracle, tally: Tally, *, slots: int) -> None:
        self._oracle = oracle
        self._tally = tally
        self._slots = slots
        self._free = asyncio.Semaphore(slots) if slots else None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Upstream"]:
        """Serve as long as the block runs."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            async for path, body in _requests(reader):
                answer = self._answer_to(path, body)
                if not await _unless_closed(answer(writer), reader):
                    break
        writer.close()

    def _answer_to(
        self, path: str, body: Body
    ) -> Callable[[asyncio.StreamWriter], Coroutine[None, None, None]]:
        match path:
            case "/infill":
                return lambda writer: self._infill(writer, body)
            case "/v1/completions":
                return lambda writer: self._tabby(writer, body)
            case _:
                return lambda writer: _write_json(writer, self._facts(path))

    def _facts(self, path: str) -> Body:
        match path:
            case "/v1/models":
                return {"object": "list", "data": [{"id": MODEL, "object": "model"}]}
            case "/props":
                settings = {"n_ctx": CONTEXT_TOKENS}
                return {"default_generation_settings": settings, "total_slots": self._slots or MANY_SLOTS}
            case "/v1/health":
                version = {"build_date": "", "build_timestamp": "", "git_sha": "", "git_describe": "v0.30.0"}
                return {"model": MODEL, "device": "cpu", "arch": "", "cpu_info": "", "version": version}
            case _:
                return {"status": "ok"}

    async def _infill(self, writer: asyncio.StreamWriter, body: Body) -> None:
        stop = body.get("stop")
        wanted = body.get("n_predict")
        reply = self._oracle.reply(
            str(body.get("input_prefix", "")) + str(body.get("prompt", "")),
            str(body.get("input_suffix", "")),
            max_tokens=wanted if isinstance(wanted, int) and wanted > 0 else CONTEXT_TOKENS,
            stop=[str(one) for one in stop] if isinstance(stop, list) else (),
        )
        async with self._slot():
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {_SSE}\r\nTransfer-Encoding: chunked\r\n\r\n"
            writer.write(head.encode())
            await self._write_tokens(reply, lambda token: _event(writer, {"content": token, "stop": False}))
            last = {
                "content": "",
                "stop": True,
                "stop_type": "limit" if reply.limited else "eos",
                "tokens_predicted": len(reply.tokens),
                "tokens_evaluated": len(str(body.get("input_prefix", ""))) // 4,
            }
            _event(writer, last)
            writer.write(b"0\r\n\r\n")
            await writer.drain()

    async def _tabby(self, writer: asyncio.StreamWriter, body: Body) -> None:
        segments = body.get("segments")
        parts: Mapping[str, object] = segments if isinstance(segments, dict) else {}
        reply = self._oracle.reply(
            str(parts.get("prefix", "")), str(parts.get("suffix", "")), max_tokens=TABBY_TOKENS
        )
        async with self._slot():
            await self._write_tokens(reply, lambda _: None)
        await _write_json(writer, {"id": "cmpl-1", "choices": [{"index": 0, "text": reply.text}]})

    async def _write_tokens(self, reply: Reply, write: Callable[[str], None]) -> None:
        """Write each token at its time, so that a slow machine adds nothing from token to token."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, token in enumerate(reply.tokens or ("",)):
            due = began + (reply.first_ms + TOKEN_MS * number) / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))
            if token:
                self._tally.tokens += 1
                write(token)

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        self._tally.requests += 1
        if self._free is None:
            yield
            return
        async with self._free:
            yield


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[tuple[str, Body]]:
    """Yield path and body of each request of a connection."""
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            sizes = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
            raw = await reader.readexactly(int(sizes[0])) if sizes else b""
        except (asyncio.IncompleteReadError, OSError):
            return
        body = json.loads(raw) if raw else {}
        yield lines[0].split(" ")[1].partition("?")[0], body


async def _unless_closed(answer: Coroutine[None, None, None], reader: asyncio.StreamReader) -> bool:
    """Write an answer; stop at once if the client closes. False if it did."""
    writing = asyncio.create_task(answer)
    closing = asyncio.create_task(_end(reader))
    try:
        await asyncio.wait([writing, closing], return_when=asyncio.FIRST_COMPLETED)
        return writing.done() and writing.exception() is None
    finally:
        for task in (writing, closing):
            task.cancel()
        await asyncio.gather(writing, closing, return_exceptions=True)


async def _end(reader: asyncio.StreamReader) -> None:
    """Wait for the end of what a client sends; it has sent all of its request."""
    while not reader.at_eof() and reader.exception() is None:  # noqa: ASYNC110  reading could eat the next one
        await asyncio.sleep(POLL_S)


def _event(writer: asyncio.StreamWriter, table: Body) -> None:
    data = b"data: " + json.dumps(table).encode() + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


async def _write_json(writer: asyncio.StreamWriter, table: Body) -> None:
    body = json.dumps(table).encode()
    writer.write(
        f"HTTP/1.1 200 OK\r\nContent-Type: {_JSON}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
    await writer.drain()
