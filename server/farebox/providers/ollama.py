"""Ollama's own dialect: ``/api/chat`` for conversations, ``/api/generate`` for holes and raw text.

Its OpenAI dialect has no field for the size of the context and cuts a longer prompt silently. This one has
``num_ctx``, and with ``truncate: false`` Ollama refuses instead (0.12.6 and later; older ones ignore it, so a
prompt that surely does not fit is refused here). Wire facts: Ollama's API reference (streaming, errors).
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from farebox.messages import Call, Delta
from farebox.providers import failures, reading
from farebox.providers.base import Endpoint
from farebox.providers.http import Body, Http
from farebox.providers.json_value import JsonObject, count, obj
from farebox.providers.local_model import UNKNOWN_MODEL, LocalModel
from farebox.providers.ollama_reply import Reply
from farebox.providers.ollama_request import request
from farebox.providers.sse import TooLong


class Ollama:
    """One Ollama server. ``known`` is what it says of its models; their ``num_ctx`` is noted there."""

    def __init__(self, http: Http, endpoint: Endpoint, known: dict[str, LocalModel] | None = None) -> None:
        root = endpoint.base_url.removesuffix("/v1").removesuffix("/api")
        self._http = http
        self._endpoint = replace(endpoint, base_url=f"{root}/api")
        self._known = known if known is not None else {}

    async def stream(self, call: Call) -> AsyncGenerator[Delta, None]:
        """Yield the answer's events. See providers.base.Provider."""
        model = self._known.get(call.model, UNKNOWN_MODEL)
        path, body = request(self._endpoint, call, model)
        self._note_context(call.model, model, body)
        async with (
            self._http.post(self._endpoint, path, body, model=call.model) as answer,
            aclosing(_deltas(self._endpoint, call, answer)) as deltas,
        ):
            async for delta in deltas:
                yield delta

    def _note_context(self, name: str, model: LocalModel, body: JsonObject) -> None:
        num_ctx = count(obj(body, "options"), "num_ctx")
        if name in self._known and num_ctx is not None:
            self._known[name] = replace(model, num_ctx=num_ctx)


async def _deltas(endpoint: Endpoint, call: Call, answer: Body) -> AsyncGenerator[Delta, None]:
    """Read a streamed answer, or one whole JSON body where a server does not stream."""
    reply = Reply()
    async with aclosing(reading.lines(endpoint, answer)) as tables:
        async for table in tables:
            if table.get("error"):
                raise failures.from_event(endpoint, model=call.model, table=table)
            try:
                for delta in reply.read(table):
                    answer.clock.progress()
                    yield delta
            except TooLong as exc:
                raise reading.broken(endpoint, f"sent too much: {exc}", transient=False) from None
            if reply.done:
                break
    if not reply.done:
        raise reading.broken(endpoint, "ended its answer before it was whole")
    for delta in reply.end():
        yield delta
