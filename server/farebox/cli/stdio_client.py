"""A language server as a child process, and the few lines of JSON-RPC that it takes to speak to one.

What the server writes to stderr is kept from the screen; its last lines are told if it dies.
"""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import FileIO
from tempfile import TemporaryFile
from typing import TypeAlias, cast

from farebox.errors import BrokenReply, FareboxError

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
EXIT_S = 10.0
LAST_WORDS_S = 2.0
"""How long the server may take to end after its stdout has."""
MAX_LAST_LINES = 8
MAX_LINE_CHARS = 200
MAX_LAST_BYTES = 4 * MAX_LAST_LINES * MAX_LINE_CHARS

Json: TypeAlias = dict[str, object]
Listener: TypeAlias = Callable[[str, Json], None]


class ServerError(FareboxError):
    """The server answered a request with an error."""

    kind = "brokenReply"


class ServerDied(ServerError):
    """The server has ended, and nobody had asked it to. ``hint`` holds its last words."""


class StdioClient:
    """farebox's own server, started as an editor starts it. Use as an async context manager."""

    def __init__(self, environment: Mapping[str, str], listen: Listener) -> None:
        self._environment = {**os.environ, **environment}
        self._listen = listen
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[object]] = {}
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._last_words = ""

    async def __aenter__(self) -> "StdioClient":
        # Ctrl-C is for the demo alone: the server ends with its stdin.
        apart = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        errors = TemporaryFile(buffering=0)  # noqa: SIM115  `_read` closes it
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "farebox", "lsp"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            env=self._environment,
            start_new_session=os.name == "posix",
            creationflags=apart,
        )
        self._reader = asyncio.create_task(self._read(errors))
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._running()
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), EXIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader

    async def request(self, method: str, params: object) -> object:
        """Send a request; return its result. Raises ServerError."""
        if self._reader is None or self._reader.done():
            raise self._died()
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._send({"id": number, "method": method, "params": params})
        return await answer

    async def notify(self, method: str, params: object = None) -> None:
        """Send a notification."""
        await self._send({"method": method, "params": params})

    def _running(self) -> Process:
        if self._process is None:
            raise BrokenReply("the server is not running", hint="Use async with.", provider="farebox")
        return self._process

    async def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stdin = self._running().stdin
        assert stdin is not None  # noqa: S101  it is a pipe
        stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        with suppress(OSError):  # the server has gone: the reader says so to all who wait
            await stdin.drain()

    async def _read(self, errors: FileIO) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ValueError):  # cut off, or no message at all
                await self._read_messages()
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._running().wait(), LAST_WORDS_S)
            with errors:
                self._last_words = _last_words(errors)
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(self._died())

    def _died(self) -> "ServerDied":
        return ServerDied("the server has ended", hint=self._last_words)

    async def _read_messages(self) -> None:
        stdout = self._running().stdout
        assert stdout is not None  # noqa: S101  it is a pipe
        while (header := await stdout.readline()).strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else 0
            while (await stdout.readline()).strip():
                pass
            if not 0 < length <= MAX_MESSAGE_BYTES:
                return
            self._handle(cast("Json", json.loads(await stdout.readexactly(length))))

    def _handle(self, message: Json) -> None:
        number = message.get("id")
        if not isinstance(number, int) or "method" in message:
            self._listen(str(message.get("method")), cast("Json", message.get("params") or {}))
            return
        future = self._waiting.pop(number, None)
        if future is None or future.done():  # nobody waits any more
            return
        error = message.get("error")
        if isinstance(error, dict):
            table = cast("Json", error)
            data = cast("Json", table.get("data") or {})
            future.set_exception(ServerError(str(table.get("message")), hint=str(data.get("hint", ""))))
        else:
            future.set_result(message.get("result"))


def _last_words(errors: FileIO) -> str:
    end = errors.seek(0, os.SEEK_END)
    errors.seek(max(end - MAX_LAST_BYTES, 0))
    words = errors.read(MAX_LAST_BYTES).decode("utf-8", errors="replace")
    lines = [line.strip()[-MAX_LINE_CHARS:] for line in words.split("\n") if line.strip()]
    return "\n  ".join(("Its last lines:", *lines[-MAX_LAST_LINES:])) if lines else "It said nothing."
