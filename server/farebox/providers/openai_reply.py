"""What the chunks of one OpenAI-dialect answer add up to, whoever sent them and however.

Pure: JSON objects in, events out. Tolerates what compatible servers really send: content as a list,
reasoning under two names, tool calls keyed by index or by id, usage in three places, no ``[DONE]``.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from farebox.messages import (
    Delta,
    Finish,
    FinishReason,
    Reasoning,
    Text,
    ToolCall,
    Usage,
    nanodollars_from_usd,
)
from farebox.providers.json_value import JsonObject, array, count, decimal, obj, text

MAX_TOOL_CALLS = 128

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "toolCalls",
    "function_call": "toolCalls",
    "content_filter": "contentFilter",
    "error": "error",
}


@dataclass(slots=True)
class _PartialToolCall:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


class Reply:
    """The state of one answer while its chunks arrive."""

    def __init__(self) -> None:
        self._finish: FinishReason | None = None
        self._done = False
        self._usage: JsonObject | None = None
        self._model = ""
        self._id = ""
        self._tool_calls: dict[int | str, _PartialToolCall] = {}

    @property
    def ended_early(self) -> bool:
        """True if the stream stopped with neither a finish reason nor its end mark."""
        return self._finish is None and not self._done

    def read(self, chunk: JsonObject) -> Iterator[Delta]:
        """Take one chunk (or one whole body) in; yield what it adds."""
        if "[DONE]" in chunk:
            self._done = True
            return
        self._model = text(chunk, "model") or self._model
        self._id = text(chunk, "id") or self._id
        self._usage = obj(chunk, "usage") or obj(chunk, "x_groq", "usage") or self._usage
        for choice in array(chunk, "choices")[:1]:
            yield from self._read_choice(obj(choice))

    def end(self) -> Iterator[Delta]:
        """Yield the whole tool calls and the finish."""
        for call in self._tool_calls.values():
            yield ToolCall(id=call.id, name=call.name, arguments="".join(call.arguments) or "{}")
        yield Finish(
            reason=self._finish or "stop",
            usage=usage_of(self._usage) if self._usage is not None else None,
            reported_nanodollars=reported_nanodollars(self._usage) if self._usage is not None else None,
            served_model=self._model or None,
            generation_id=self._id or None,
        )

    def _read_choice(self, choice: JsonObject) -> Iterator[Delta]:
        delta = obj(choice, "delta") or obj(choice, "message")
        if self._usage is None:
            self._usage = obj(choice, "usage") or None
        reasoning = text(delta, "reasoning") or text(delta, "reasoning_content")
        if reasoning:
            yield Reasoning(reasoning)
        yield from _content(delta.get("content"))
        if legacy := text(choice, "text"):
            yield Text(legacy)
        for call in array(delta, "tool_calls"):
            self._read_tool_call(obj(call))
        if reason := text(choice, "finish_reason"):
            self._finish = _FINISH.get(reason, "stop")

    def _read_tool_call(self, call: JsonObject) -> None:
        index = call.get("index")
        key: int | str = index if isinstance(index, int) else text(call, "id")
        if not isinstance(index, int) and not key and self._tool_calls:
            key = next(reversed(self._tool_calls))
        if key not in self._tool_calls and len(self._tool_calls) >= MAX_TOOL_CALLS:
            return
        partial = self._tool_calls.setdefault(key, _PartialToolCall())
        function = obj(call, "function")
        partial.id = partial.id or text(call, "id")
        partial.name = partial.name or text(function, "name")
        partial.arguments.append(_arguments(function))


def _arguments(function: JsonObject) -> str:
    """Return arguments as JSON text, also where a server sends an object instead of a string."""
    value = function.get("arguments")
    if isinstance(value, dict):
        return json.dumps(value, default=float, ensure_ascii=False)
    return text(function, "arguments")


def _content(content: object) -> Iterator[Delta]:
    """Read content that is a string or, at Mistral, a list of typed parts."""
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for part in array({"content": content}, "content"):
        table = obj(part)
        if table.get("type") == "thinking":
            yield from (Reasoning(text(obj(inner), "text")) for inner in array(table, "thinking"))
        elif words := text(table, "text"):
            yield Text(words)


def usage_of(table: JsonObject) -> Usage:
    """Read a usage object. OpenAI's counts are inclusive; DeepSeek names its cache hits apart."""
    details = obj(table, "prompt_tokens_details")
    input_tokens = count(table, "prompt_tokens") or 0
    output_tokens = count(table, "completion_tokens") or 0
    cached = count(details, "cached_tokens") or count(table, "prompt_cache_hit_tokens") or 0
    written = count(details, "cache_write_tokens") or 0
    reasoning = count(obj(table, "completion_tokens_details"), "reasoning_tokens") or 0
    return Usage(
        input_tokens=input_tokens,
        cached_input_tokens=min(cached, input_tokens),
        cache_write_tokens=min(written, input_tokens),
        output_tokens=output_tokens,
        reasoning_tokens=min(reasoning, output_tokens),
    )


def reported_nanodollars(table: JsonObject) -> int | None:
    """Read what the provider says the request cost.

    OpenRouter's ``cost`` is what it charged. Where the user's own upstream key paid (``is_byok`` is
    true), the upstream's charge comes on top; otherwise ``upstream_inference_cost`` is only a part of
    ``cost``, and adding it would double the bill.
    """
    cost = decimal(table, "cost")
    if cost is None:
        return None
    if table.get("is_byok") is True:
        cost += decimal(obj(table, "cost_details"), "upstream_inference_cost") or 0
    return nanodollars_from_usd(cost)
