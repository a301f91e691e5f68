"""A provider that runs inside farebox: OpenRouter's wire on a loopback port, and nobody behind it.

``farebox demo`` and the tests speak to it as to any other provider, through real HTTP, so that routing,
budgets, costs and cancelling can be tried without a key. It says in every answer that it is simulated.
What it says and what that costs stands in ``simulated_answer``.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from farebox.providers.json_value import array, parse_object
from farebox.providers.simulated_answer import Answer, key, model

WORD_DELAY_S = 0.015

MAX_HEAD_BYTES = 32 * 1024
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_CONNECTIONS = 64
IDLE_S = 120.0
READ_BODY_S = 10.0

_API = "/api/v1"
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 411: "Length Required", 413: "Too Large"}


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: bytes


class _BadRequest(Exception):
    """The request can't be served: an HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class SimulatedServer:
    """An HTTP server on 127.0.0.1 that lives from ``start`` to ``close``."""

    def __init__(self, *, word_delay_s: float = WORD_DELAY_S, port: int = 0) -> None:
        self._word_delay_s = word_delay_s
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._streams = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> None:
        """Listen; port 0 takes any free one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=MAX_HEAD_BYTES)
        self._port = int(self._server.sockets[0].getsockname()[1])

    @property
    def base_url(self) -> str:
        """The address to configure as a provider's ``base_url``."""
        if self._server is None:
            raise RuntimeError("the simulated server has not been started")
        return f"http://127.0.0.1:{self._port}{_API}"

    async def wait_idle(self) -> None:
        """Wait until no answer is being streamed."""
        await self._idle.wait()

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> "SimulatedServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after the other."""
        try:
            while True:
                try:
                    request = await _read_request(reader)
                    if request is None or not await self._answer(request, reader, writer):
                        return
                except _BadRequest as error:
                    await _send(writer, error.status, _error(error.status, error.message), close=True)
                    return
        except (OSError, TimeoutError):
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(
        self, request: _Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; say whether the connection can serve another."""
        match request.method, request.path:
            case "GET", "/models":
                await _send(writer, 200, json.dumps({"data": [model()]}))
            case "GET", "/key":
                await _send(writer, 200, json.dumps({"data": key()}))
            case "POST", "/chat/completions":
                return await self._complete(request, reader, writer)
            case _:
                raise _BadRequest(404, f"[simulated] nothing answers {request.method} at this path")
        return True

    async def _complete(
        self, request: _Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        body = parse_object(request.body.decode("utf-8", errors="replace"))
        if body is None or not array(body, "messages"):
            raise _BadRequest(400, "[simulated] the body must be a JSON object with messages")
        answer = Answer.to(body, number=next(self._numbers))
        if body.get("stream") is not True:
            await _send(writer, 200, answer.whole(), generation=answer.id)
            return True
        self._streams += 1
        self._idle.clear()
        try:
            return await self._stream(answer, reader, writer)
        finally:
            self._streams -= 1
            if self._streams == 0:
                self._idle.set()

    async def _stream(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Send an answer word by word; a client that closes, or speaks out of turn, ends it at once."""
        writer.write(_head(200, "text/event-stream", {"Transfer-Encoding": "chunked"}, answer.id))
        interrupted = asyncio.create_task(reader.read(1))
        try:
            for event in answer.events():
                # Also with no delay: the task that watches the client gets its turn here.
                await asyncio.wait([interrupted], timeout=self._word_delay_s)
                if interrupted.done():
                    return False
                data = event.encode()
                writer.write(b"%x\r\n%b\r\n" % (len(data), data))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return True
        finally:
            interrupted.cancel()
            await asyncio.gather(interrupted, return_exceptions=True)


def _error(status: int, message: str) -> str:
    return json.dumps({"error": {"code": status, "message": message}})


async def _read_request(reader: asyncio.StreamReader) -> _Request | None:
    """Read one request within its bounds; None if the client has gone."""
    try:
        async with asyncio.timeout(IDLE_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise _BadRequest(413, "[simulated] the request's head is too large") from None
    first, *lines = head.split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
    }
    method, _, rest = first.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if "transfer-encoding" in headers:
        raise _BadRequest(411, "[simulated] send a Content-Length")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise _BadRequest(400, "[simulated] the Content-Length is no number")
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise _BadRequest(413, f"[simulated] the body is larger than {MAX_BODY_BYTES} bytes")
    try:
        async with asyncio.timeout(READ_BODY_S):
            body = await reader.readexactly(int(length))
    except asyncio.IncompleteReadError:
        return None
    return _Request(method, path.removeprefix(_API) if path.startswith(f"{_API}/") else "", body)


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    body: str,
    *,
    generation: str | None = None,
    close: bool = False,
) -> None:
    data = body.encode()
    headers = {"Content-Length": str(len(data))} | ({"Connection": "close"} if close else {})
    writer.write(_head(status, "application/json", headers, generation) + data)
    await writer.drain()


def _head(status: int, content_type: str, headers: Mapping[str, str], generation: str | None) -> bytes:
    fields = {"Content-Type": content_type, "Cache-Control": "no-store", **headers}
    if generation is not None:
        fields["X-Generation-Id"] = generation
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
