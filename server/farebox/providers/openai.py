"""The OpenAI dialect: chat completions and text completions of every compatible server.

Posts what ``openai_request`` writes and reads the answer with ``openai_reply``; holds no wire fact itself.
Vendors differ by data in the Endpoint alone.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace

from farebox.errors import ProviderError
from farebox.messages import Begun, Call, Delta, Finish
from farebox.providers import failures, generation, reading
from farebox.providers.base import Endpoint
from farebox.providers.http import Body, Http
from farebox.providers.json_value import JsonObject
from farebox.providers.openai_reply import Reply
from farebox.providers.openai_request import request


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
            aclosing(self._deltas(call, answer)) as deltas,
        ):
            async for delta in deltas:
                if isinstance(delta, Finish) and delta.reason != "error" and self._is_unbilled(delta):
                    unbilled = delta
                else:
                    yield delta
        if unbilled is not None:
            yield await self._billed(unbilled)

    async def _deltas(self, call: Call, answer: Body) -> AsyncGenerator[Delta, None]:
        """Read a streamed answer, or one whole JSON body where a server does not stream.

        What the provider said that an answer cost comes before the error that ends it: it is charged anyway.
        """
        name = generation.begun_in(self._endpoint, answer.headers)
        if name is not None:
            yield Begun(name)
        head = await reading.head(answer)
        reply = self._reply(call, name, is_whole=reading.is_whole(head, answer.content_type))
        try:
            async with aclosing(reading.tables(self._endpoint, answer, head)) as tables:
                async for table in tables:
                    for delta in self._read(call, answer, reply, table):
                        yield delta
            if reply.ended_early:
                raise reading.broken(self._endpoint, "ended its answer before it was whole")
            for delta in reply.end():
                yield delta
        except ProviderError:
            if (finish := reply.broken_off()) is not None:
                yield finish
            raise

    def _reply(self, call: Call, generation_id: str | None, *, is_whole: bool) -> Reply:
        routing = self._endpoint.routing
        fallbacks = routing.models if routing is not None else ()
        return Reply(
            self._endpoint.quirks,
            asked=call.model,
            fallbacks=fallbacks,
            is_whole=is_whole,
            generation_id=generation_id,
        )

    def _read(self, call: Call, answer: Body, reply: Reply, table: JsonObject) -> Iterator[Delta]:
        """Yield what one object of an answer adds; then raise the error that it may hold."""
        pieces = reply.pieces
        yield from reply.read(table)
        if reply.too_long is not None:
            raise reading.broken(self._endpoint, f"sent too much: {reply.too_long}", transient=False)
        if reply.error is not None:
            raise failures.from_event(self._endpoint, model=call.model, table=reply.error)
        if reply.pieces > pieces:
            answer.clock.progress()

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
