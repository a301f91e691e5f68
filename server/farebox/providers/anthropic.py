"""The Anthropic dialect: the Messages API of Anthropic, and of servers and gateways that speak it too.

Wire facts: Anthropic's API reference. What is sent is written by ``anthropic_request``, what comes back is
read by ``anthropic_reply``; this module joins them to a connection.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from farebox.errors import ProviderError
from farebox.messages import Call, Delta
from farebox.providers import failures, reading
from farebox.providers.anthropic_reply import Reply
from farebox.providers.anthropic_request import BINDING_BETA, request
from farebox.providers.base import Endpoint
from farebox.providers.http import Body, Http
from farebox.providers.json_value import JsonObject, obj
from farebox.providers.sse import TooLong

VERSION: Final = "2023-06-01"
"""What ``anthropic-version`` says where the endpoint's own headers do not."""


class Anthropic:
    """One endpoint that speaks the Anthropic dialect."""

    def __init__(self, http: Http, endpoint: Endpoint) -> None:
        self._http = http
        self._endpoint = endpoint

    async def stream(self, call: Call) -> AsyncGenerator[Delta, None]:
        """Yield the answer's events. See providers.base.Provider."""
        path, body = request(self._endpoint, call)
        endpoint = replace(self._endpoint, headers=_headers(self._endpoint, body))
        async with (
            self._http.post(endpoint, path, body, model=call.model) as answer,
            aclosing(_deltas(endpoint, call, answer)) as deltas,
        ):
            async for delta in deltas:
                yield delta


def _headers(endpoint: Endpoint, body: JsonObject) -> tuple[tuple[str, str], ...]:
    """Return the endpoint's headers, with the version, and with the beta that a body makes use of."""
    headers = {name.lower(): value for name, value in endpoint.headers}
    headers.setdefault("anthropic-version", VERSION)
    if obj(body, "thinking").get("block_binding"):
        betas = (headers.get("anthropic-beta"), BINDING_BETA)
        headers["anthropic-beta"] = ",".join(beta for beta in betas if beta)
    return tuple(headers.items())


async def _deltas(endpoint: Endpoint, call: Call, answer: Body) -> AsyncGenerator[Delta, None]:
    """Read a streamed answer, or one whole JSON body where a server does not stream."""
    reply = Reply(call.model)
    try:
        async with aclosing(_read(endpoint, call, answer, reply)) as deltas:
            async for delta in deltas:
                yield delta
        for delta in reply.end():
            yield delta
    except (ProviderError, TooLong) as error:
        if (known := reply.broken_off()) is not None:
            yield known
        if isinstance(error, ProviderError):
            raise
        raise reading.broken(endpoint, f"sent too much: {error}", transient=False) from None


async def _read(endpoint: Endpoint, call: Call, answer: Body, reply: Reply) -> AsyncGenerator[Delta, None]:
    """Yield what comes, up to the end. Raises a ProviderError for an error in it, or for no end."""
    head = await reading.head(answer)
    async with aclosing(reading.tables(endpoint, answer, head)) as tables:
        async for table in tables:
            if table.get("error"):
                raise failures.from_event(endpoint, model=call.model, table=table)
            pieces = reply.pieces
            for delta in reply.read(table):
                yield delta
            if reply.pieces > pieces:
                answer.clock.progress()
    if reply.ended_early:
        raise reading.broken(endpoint, "ended its answer before it was whole")
