"""The OpenAI dialect: chat completions and text completions of every compatible server.

Posts what ``openai_request`` writes and reads the answer with ``openai_reply``; holds no wire fact itself.
Vendors differ by data in the Endpoint alone.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace

from farebox.errors import ProviderError
from farebox.messages import Call, Delta, Finish
from farebox.providers import failures, generation, reading
from farebox.providers.base import Endpoint
from farebox.providers.http import Body, Http
from farebox.providers.json_value import JsonObject
from farebox.providers.openai_reply import Reply, error_in
from farebox.providers.openai_request import request
from farebox.providers.sse import TooLong


class OpenAI:
    """One endpoint that speaks the OpenAI dialect."""

    def __init__(self, http: Http, endpoint: Endpoint) -> None:
        self._http = http
        self._endpoint = endpoint

    async def stream(self, call: Call) -> AsyncGenerator[Delta, None]:
        """Yield the answer's events. See providers.base.Provider."""
        path, body = request(self._endpoint, call)
        unbilled: Finish | None = None
        async with (
            self._http.post(self._endpoint, path, body, model=call.model) as answer,
            aclosing(_deltas(self._endpoint, call, answer)) as deltas,
        ):
            async for delta in deltas:
                if isinstance(delta, Finish) and delta.reason != "error" and self._is_unbilled(delta):
                    unbilled = delta
                else:
                    yield delta
        if unbilled is not None:
            yield await self._billed(unbilled)

    def _is_unbilled(self, finish: Finish) -> bool:
        return finish.usage is None and self._endpoint.quirks.generation_path is not None

    async def _billed(self, finish: Finish) -> Finish:
        """Ask the provider what an answer came to that ended without usage; its own words win."""
        billed = await generation.lookup(self._http, self._endpoint, finish.generation_id or "")
        if billed is None:
            return finish
        reported = finish.reported_nanodollars
        return replace(
            finish,
            usage=billed.usage,
            reported_nanodollars=billed.reported_nanodollars if reported is None else reported,
            served_model=finish.served_model or billed.served_model,
        )


async def _deltas(endpoint: Endpoint, call: Call, answer: Body) -> AsyncGenerator[Delta, None]:
    """Read a streamed answer, or one whole JSON body where a server does not stream.

    What the provider said that an answer cost comes before the error that ends it: it is charged anyway.
    """
    head = await reading.head(answer)
    is_whole = reading.is_whole(head, answer.content_type)
    fallbacks = endpoint.routing.models if endpoint.routing is not None else ()
    reply = Reply(endpoint.quirks, asked=call.model, fallbacks=fallbacks, is_whole=is_whole)
    try:
        async with aclosing(reading.tables(endpoint, answer, head)) as tables:
            async for table in tables:
                for delta in _read(endpoint, call, answer, reply, table):
                    yield delta
        for delta in _ended(endpoint, reply):
            yield delta
        return
    except TooLong as exc:
        error: ProviderError = reading.broken(endpoint, f"sent too much: {exc}", transient=False)
    except ProviderError as exc:
        error = exc
    if (finish := reply.broken_off()) is not None:
        yield finish
    raise error


def _read(endpoint: Endpoint, call: Call, answer: Body, reply: Reply, table: JsonObject) -> Iterator[Delta]:
    """Yield what one object of an answer adds; then raise the error that it may hold."""
    pieces = reply.pieces
    yield from reply.read(table)
    if (failed := error_in(table)) is not None:
        raise failures.from_event(endpoint, model=call.model, table=failed)
    if reply.pieces > pieces:
        answer.clock.progress()


def _ended(endpoint: Endpoint, reply: Reply) -> Iterator[Delta]:
    """Yield what an answer's end adds. Raises BrokenReply if it has none."""
    if reply.ended_early:
        raise reading.broken(endpoint, "ended its answer before it was whole")
    yield from reply.end()
