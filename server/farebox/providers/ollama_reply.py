"""What the lines of one answer of Ollama add up to, from ``/api/chat`` and ``/api/generate`` alike.

Pure: JSON objects in, events out. Wire facts: Ollama's API reference and ``api/types.go``.
"""

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from farebox.messages import Delta, Finish, FinishReason, Reasoning, Text, ToolCall, Trace, Usage
from farebox.providers.json_value import JsonObject, array, count, obj, text
from farebox.providers.sse import TooLong
from farebox.providers.words import Words

MAX_TOOL_CALLS: Final = 128
MAX_KEPT_CHARS: Final = 2 * 1024 * 1024
"""Of tool calls, and as many of thoughts to be sent back: what is kept until the end."""

_FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
"""``load`` and ``unload`` answer an empty prompt: nothing was said, and it is whole."""


class Reply:
    """The state of one answer while its lines arrive."""

    def __init__(self) -> None:
        self.done = False
        self._last: JsonObject = {}
        self._model = ""
        self._kept_chars = 0
        self._thoughts = Words(MAX_KEPT_CHARS, "its thoughts are")
        self._tool_calls: list[ToolCall] = []

    def read(self, line: JsonObject) -> Iterator[Delta]:
        """Take one line (or one whole body) in; yield what it adds. Raises TooLong."""
        self._model = text(line, "model") or self._model
        message = obj(line, "message")
        if thought := text(message, "thinking") or text(line, "thinking"):
            self._thoughts.add(thought)
            yield Reasoning(thought)
        if words := text(message, "content") or text(line, "response"):
            yield Text(words)
        for call in array(message, "tool_calls"):
            self._read_tool_call(obj(call))
        if line.get("done") is True:
            self.done = True
            self._last = line

    def end(self) -> Iterator[Delta]:
        """Yield the tool calls and the finish."""
        yield from self._tool_calls
        reason = _FINISH.get(text(self._last, "done_reason"), "stop")
        yield Finish(
            reason="toolCalls" if self._tool_calls else reason,
            usage=usage_of(self._last),
            served_model=self._model or None,
            trace=self._trace(),
        )

    def _read_tool_call(self, call: JsonObject) -> None:
        """Take a whole call. Old versions give it no id: its place in the answer is one."""
        function = obj(call, "function")
        if len(self._tool_calls) >= MAX_TOOL_CALLS or not text(function, "name"):
            return
        arguments = _arguments(function)
        self._keep(arguments)
        call_id = text(call, "id") or f"call_{len(self._tool_calls)}"
        self._tool_calls.append(ToolCall(id=call_id, name=text(function, "name"), arguments=arguments))

    def _keep(self, words: str) -> None:
        self._kept_chars += len(words)
        if self._kept_chars > MAX_KEPT_CHARS:
            raise TooLong(f"its tool calls are longer than {MAX_KEPT_CHARS} characters")

    def _trace(self) -> Trace | None:
        """Keep the thoughts before a tool call: models such as gpt-oss need them to know why they called."""
        if not self._thoughts or not self._tool_calls:
            return None
        whole = json.dumps(self._thoughts.whole(), ensure_ascii=False)
        return Trace("reasoning_content", self._model, (whole,))


def usage_of(last: JsonObject) -> Usage | None:
    """Read the last line's counts; None without ``prompt_eval_count``: a cached prompt may not be counted."""
    read = count(last, "prompt_eval_count")
    if not read:
        return None
    return Usage(input_tokens=read, output_tokens=count(last, "eval_count") or 0)


def _arguments(function: JsonObject) -> str:
    """Return arguments, which Ollama sends as an object, as JSON text."""
    value = function.get("arguments")
    if isinstance(value, dict):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return text(function, "arguments") or "{}"


def _plain(value: object) -> float | str:
    """Write a fraction as JSON can: one beyond a float's range stays text."""
    number = float(value) if isinstance(value, Decimal) else math.nan
    return number if math.isfinite(number) else str(value)
