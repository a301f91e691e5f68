"""A language server as a child process, and the messages to and from it, for the drivers in real time."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from support.metamodel import Json

START_S, STOP_S = 60.0, 5.0
MAX_LINE_BYTES = 16 * 1024 * 1024

Heard = Callable[[Json], None]


class Wire:
    """One server process. Answers go to whoever asked; what the server asks is answered with null."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        self._stdin, self._stdout = process.stdin, process.stdout
        self._ids = itertools.count(1)
        self._waiting: dict[object, Heard] = {}

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object, heard: Heard) -> int:
        """Send a request; ``heard`` gets the whole answer, result or error."""
        number = next(self._ids)
        self._waiting[number] = heard
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    async def request(self, method: str, params: object, timeout_s: float = START_S) -> Json:
        """Send a request and wait for its answer."""
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self.ask(method, params, lambda message: None if answer.done() else answer.set_result(message))
        return await asyncio.wait_for(answer, timeout_s)

    async def read(self) -> None:
        """Read messages until the server ends."""
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await self._stdout.readuntil(b"\r\n\r\n")
                sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                self._heard(json.loads(await self._stdout.readexactly(int(sizes[0].partition(b":")[2]))))

    def _heard(self, message: Json) -> None:
        if "method" not in message:
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is not None:
                waiting(message)
        elif "id" in message:
            result: object = None
            if message["method"] == "workspace/configuration":
                result = [None]
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def _send(self, message: Json) -> None:
        body = json.dumps(message).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


@asynccontextmanager
async def server(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, initialize: Json
) -> AsyncGenerator[Wire]:
    """Run a server, initialized, and end it and nothing else."""
    pipe = asyncio.subprocess.PIPE
    with (folder / "stderr.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe,
            stdout=pipe,
            stderr=log,
            env=dict(environment),
            cwd=folder,
            limit=MAX_LINE_BYTES,
        )
    wire = Wire(process)
    reading = asyncio.create_task(wire.read())
    try:
        await wire.request("initialize", initialize)
        wire.notify("initialized", {})
        yield wire
    finally:
        with suppress(OSError, TimeoutError):
            await wire.request("shutdown", None, STOP_S)
            wire.notify("exit", None)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_S)
        if process.returncode is None:
            process.kill()
            await process.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
