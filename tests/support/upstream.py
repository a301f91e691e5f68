"""A provider for tests: a real HTTP server on loopback that replays scripted bytes and records what it got.

It shares no code with farebox. Bodies can be split anywhere, sent slowly, cut off or held back for ever, so
that a reader meets what real networks do; or sent without end, or as no HTTP at all. ``Upstream`` lives on
the test's event loop; ``Upstream.in_thread`` runs one on a thread of its own, for tests that start processes.
"""

import asyncio
import contextlib
import itertools
import json
import random
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from support.patience import WAIT_S
from support.sweep import SWEEP

MAX_BODY_BYTES = 16 * 1024 * 1024

JsonTable = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One scripted answer.

    At most one of ``chunk_sizes`` (the last one repeats) and ``seed`` (random sizes) splits the body; each
    piece is an HTTP chunk of its own, so no kernel puts them together again. ``cut_after`` bytes of the body
    the connection is aborted. ``hang`` sends the body, if there is one, and then nothing, until the client
    closes; without a body not even a status line is sent. The body is sent ``repeat`` times, for ever if 0; a
    ``raw`` one is all that is sent, with neither head nor HTTP chunks, and then the connection closes.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = "application/json"
    chunk_sizes: Sequence[int] | None = None
    seed: int | None = None
    delay_s: float = 0.0
    cut_after: int | None = None
    hang: bool = False
    repeat: int = 1
    raw: bool = False

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it is to be split."""
        for _ in range(self.repeat) if self.repeat else itertools.count():
            yield from self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        body = self.body if self.cut_after is None else self.body[: self.cut_after]
        sizes = self._sizes(len(body))
        at = 0
        while at < len(body):
            size = next(sizes)
            yield body[at : at + size]
            at += size

    def _sizes(self, whole: int) -> Iterator[int]:
        if self.seed is not None:
            dice = random.Random(self.seed)
            while True:
                yield dice.randint(1, max(1, min(40, whole)))
        yield from self.chunk_sizes or ()
        while True:
            yield self.chunk_sizes[-1] if self.chunk_sizes else max(1, whole)


def json_answer(table: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with a JSON body."""
    return Answer(status=status, headers=headers or {}, body=json.dumps(table).encode())


def sse_answer(*objects: object, done: bool = True, **options: object) -> Answer:
    """Answer with an event stream; see ``sse`` and ``Answer``."""
    return Answer(body=sse(*objects, done=done), content_type="text/event-stream", **options)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived; ``closed`` is set when its client closed before the answer was whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    connection: int
    closed: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    @property
    def json(self) -> JsonTable:
        """The JSON object that was sent."""
        table = json.loads(self.raw)
        assert isinstance(table, dict)
        return table


class Upstream:
    """The server. Answers come from the queue first, then by path; a path without any gets a 404."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.requests: list[Recorded] = []
        self.connections = 0
        self.sent_bytes = 0
        self.arrived = asyncio.Event()
        self.closed = asyncio.Event()
        self._queue: list[Answer] = []
        self._by_path: dict[str, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._changed = threading.Condition()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """The address that a provider is configured with."""
        return f"{self.origin}/v1"

    def queue(self, *answers: Answer) -> None:
        """Script the next answers, whatever is asked."""
        self._queue.extend(answers)

    def answer(self, path: str, answer: Answer) -> None:
        """Script the answer to every request of a path, such as ``/v1/models``."""
        self._by_path[path] = answer

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = WAIT_S) -> bool:
        """Block until a condition on this object holds. For ``in_thread``, never on the loop itself."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            return self._changed.wait_for(condition, timeout=max(0.0, deadline - time.monotonic()))

    async def __aenter__(self) -> "Upstream":
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=1024 * 1024, ssl=self._tls
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @staticmethod
    @contextlib.contextmanager
    def in_thread(tls: ssl.SSLContext | None = None) -> "Generator[Upstream]":
        """Run an Upstream on a thread of its own. Wait with ``wait_for``; don't await its events."""
        ready: list[Upstream] = []
        started, stop = threading.Event(), asyncio.Event()
        loop = asyncio.new_event_loop()

        async def run() -> None:
            async with Upstream(tls) as upstream:
                ready.append(upstream)
                started.set()
                await stop.wait()

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="upstream")
        thread.start()
        try:
            assert started.wait(WAIT_S), "the upstream did not start"
            yield ready[0]
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(WAIT_S)
            loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(self.connections, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async for request in _requests(connection, reader):
                SWEEP.body(f"{request.method} {request.path}", request.raw)
                self.requests.append(request)
                self.arrived.set()
                self._notify()
                if not await self._replay(self._next(request), request, reader, writer):
                    return
        except OSError:
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _next(self, request: Recorded) -> Answer:
        if self._queue:
            return self._queue.pop(0)
        missing = json_answer({"error": {"code": 404, "message": "nothing here"}}, status=404)
        return self._by_path.get(request.path.partition("?")[0], missing)

    async def _replay(
        self, answer: Answer, request: Recorded, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Send an answer; say whether the connection may serve another."""
        gone = asyncio.create_task(reader.read(1))
        try:
            if (answer.body or not answer.hang) and not answer.raw:
                _write_head(answer, writer)
            for piece in answer.pieces():
                if answer.delay_s:
                    await asyncio.wait([gone], timeout=answer.delay_s)
                if gone.done():
                    break
                writer.write(piece if answer.raw else b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
                self.sent_bytes += len(piece)
            if answer.hang:
                await asyncio.wait([gone])
            if gone.done():
                self._client_closed(request)
                return False
            if answer.cut_after is not None:
                writer.transport.abort()
            if answer.cut_after is not None or answer.raw:
                return False
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            return True
        except OSError:
            self._client_closed(request)
            return False
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    def _client_closed(self, request: Recorded) -> None:
        request.closed.set()
        self.closed.set()
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


async def _requests(connection: int, reader: asyncio.StreamReader) -> AsyncIterator[Recorded]:
    """Yield one connection's requests until the client closes."""
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            pairs = (line.partition(":") for line in lines if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            length = int(headers.get("content-length", "0"))
            assert length <= MAX_BODY_BYTES
            raw = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            return
        method, path, _ = first.split(" ")
        yield Recorded(method, path, headers, raw, connection)


def _write_head(answer: Answer, writer: asyncio.StreamWriter) -> None:
    fields = {"Content-Type": answer.content_type, "Transfer-Encoding": "chunked", **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{name}: {value}" for name, value in fields.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


# --- bodies ------------------------------------------------------------------------------------


def sse(*objects: object, done: bool = True) -> bytes:
    """Write objects as an event stream; a string is sent as it stands."""
    data = [one if isinstance(one, str) else json.dumps(one) for one in objects]
    return "".join(f"data: {one}\n\n" for one in [*data, *(["[DONE]"] if done else [])]).encode()


def chunk(
    delta: JsonTable | None = None, finish_reason: str | None = None, **fields: object
) -> dict[str, object]:
    """Return one chunk of a chat stream; with neither delta nor finish reason its choices are empty."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    choices = [choice] if delta is not None or finish_reason is not None else []
    return {"id": "gen-1", "model": "m", "object": "chat.completion.chunk", "choices": choices, **fields}


def openrouter_stream(text: str, usage: JsonTable | None = None) -> bytes:
    """Return what OpenRouter streams for a text: comments, chunks, a finish, the usage, the end mark."""
    pieces = [chunk({"role": "assistant", "content": piece}, provider="Upstream") for piece in _words(text)]
    objects = [*pieces, chunk({"content": ""}, "stop")]
    if usage is not None:
        objects.append(chunk(usage=usage))
    return b": OPENROUTER PROCESSING\n\n" * 2 + sse(*objects)


def stream_of(body: JsonTable) -> list[dict[str, object]]:
    """Return the chunks that would have carried a whole body of the OpenAI dialect."""
    shared = {key: body[key] for key in ("id", "model", "provider", "created") if key in body}
    objects: list[dict[str, object]] = []

    def add(delta: JsonTable, **ending: object) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": None, **ending}
        objects.append({**shared, "object": "chat.completion.chunk", "choices": [choice]})

    choices = body["choices"]
    assert isinstance(choices, list)
    message = choices[0]["message"]
    add({"role": "assistant", "content": ""})
    for name in ("reasoning", "reasoning_content"):
        for piece in _words(message.get(name) or ""):
            add({name: piece})
    content = message.get("content") or ""
    for piece in _words(content) if isinstance(content, str) else [[part] for part in content]:
        add({"content": piece})
    for index, call in enumerate(message.get("tool_calls") or []):
        arguments = call["function"]["arguments"]
        add({"tool_calls": [{**call, "index": index, "function": {**call["function"], "arguments": ""}}]})
        for at in range(0, len(arguments), 7):
            add({"tool_calls": [{"index": index, "function": {"arguments": arguments[at : at + 7]}}]})
    native = choices[0].get("native_finish_reason")
    add({}, finish_reason=choices[0]["finish_reason"], native_finish_reason=native)
    if "usage" in body:
        objects.append({**shared, "object": "chat.completion.chunk", "choices": [], "usage": body["usage"]})
    return objects


def _words(text: str) -> list[str]:
    """Split a text after every space; put together it is the same."""
    return [word for word in text.replace(" ", " \0").split("\0") if word]
