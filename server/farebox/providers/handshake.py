"""Closes a connection whose TLS handshake is cancelled: the HTTP library does so for an Exception alone."""

from collections.abc import AsyncGenerator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Protocol, cast


class _Stream(Protocol):
    """What the library calls a connection to a server."""

    async def aclose(self) -> None: ...


@asynccontextmanager
async def closing_unfinished(extensions: MutableMapping[str, object]) -> AsyncGenerator[None]:
    """Follow one request, by its extensions, until its connection stands."""
    unfinished: list[_Stream] = []

    async def note(event: str, info: Mapping[str, object]) -> None:
        if event == "connection.connect_tcp.complete":
            unfinished.append(cast("_Stream", info["return_value"]))
        elif event == "connection.start_tls.complete":
            unfinished.clear()

    extensions["trace"] = note
    try:
        yield
    except BaseException:
        for stream in unfinished:
            await stream.aclose()
        raise
