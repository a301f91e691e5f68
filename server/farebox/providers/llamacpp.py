"""llama.cpp's own server: ``/infill`` for holes, the OpenAI dialect for everything else.

Wire facts: llama.cpp ``tools/server/README.md``. The server knows the model's fill-in-the-middle
tokens itself; ``/v1/completions`` ignores a suffix silently, so holes always go to ``/infill``.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from farebox.messages import Call, Delta, Finish, Infill, Text, Usage
from farebox.providers import failures, reading
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.providers.json_value import JsonObject, count, obj, text
from farebox.providers.openai import OpenAI


class LlamaCpp:
    """One llama.cpp server."""

    def __init__(self, http: Http, endpoint: Endpoint) -> None:
        root = endpoint.base_url.removesuffix("/v1")
        self._http = http
        self._root = replace(endpoint, base_url=root)
        self._chat = OpenAI(http, replace(endpoint, base_url=f"{root}/v1"))

    async def stream(self, call: Call) -> AsyncGenerator[Delta, None]:
        """Yield the answer's events. See providers.base.Provider."""
        source = (
            self._infill(call, call.prompt) if isinstance(call.prompt, Infill) else self._chat.stream(call)
        )
        async with aclosing(source) as deltas:
            async for delta in deltas:
                yield delta

    async def _infill(self, call: Call, hole: Infill) -> AsyncGenerator[Delta, None]:
        body: dict[str, object] = {
            "input_prefix": hole.prefix,
            "input_suffix": hole.suffix,
            "n_predict": call.max_output_tokens if call.max_output_tokens is not None else -1,
            "cache_prompt": True,
            "stream": True,
        }
        if hole.extra:
            body["input_extra"] = [{"filename": name, "text": piece} for name, piece in hole.extra]
        if call.temperature is not None:
            body["temperature"] = call.temperature
        if call.stop:
            body["stop"] = list(call.stop)
        async with (
            self._http.post(self._root, "/infill", body, model=call.model) as answer,
            aclosing(reading.events(self._root, answer)) as tables,
        ):
            async for table in tables:
                if table.get("error"):
                    raise failures.from_event(self._root, model=call.model, table=table)
                if words := text(table, "content"):
                    answer.clock.progress()
                    yield Text(words)
                if table.get("stop") is True:
                    yield _finish(table)
                    return
        raise reading.broken(self._root, "ended its answer before it was whole")


def _finish(last: JsonObject) -> Finish:
    """Read the closing event. ``timings.cache_n`` are prompt tokens that were still in the cache."""
    timings = obj(last, "timings")
    cached = count(timings, "cache_n") or 0
    evaluated = count(last, "tokens_evaluated") or (count(timings, "prompt_n") or 0) + cached
    usage = Usage(
        input_tokens=evaluated,
        cached_input_tokens=min(cached, evaluated),
        output_tokens=count(last, "tokens_predicted") or 0,
    )
    limited = text(last, "stop_type") == "limit" or last.get("stopped_limit") is True
    return Finish(
        reason="length" if limited else "stop", usage=usage, served_model=text(last, "model") or None
    )
