"""What the chunks of one OpenAI-dialect answer add up to, whoever sent them and however.

Pure: JSON objects in, events out. Tolerates what compatible servers really send: content as a list,
reasoning under two names or in blocks alone, usage in four places, no ``[DONE]``, an empty finish reason.
"""

from collections.abc import Iterator
from typing import Final

from farebox.messages import Begun, Delta, Finish, FinishReason, Reasoning, Text, Usage
from farebox.providers.base import Quirks
from farebox.providers.json_value import JsonObject, array, obj, text
from farebox.providers.openai_choice import first_choice
from farebox.providers.openai_placeholder import PlaceholderFilter
from farebox.providers.openai_tool_calls import ToolCalls
from farebox.providers.openai_trace import TraceCollector, shown_words, thought_by
from farebox.providers.openai_usage import reported_nanodollars, usage_of, usage_tables
from farebox.providers.reading import DONE
from farebox.providers.sse import TooLong

_PLAIN: Final = frozenset({"role", "content"})

_FINISH: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "toolCalls",
    "function_call": "toolCalls",
    "tool_use": "toolCalls",
    "content_filter": "contentFilter",
    "refusal": "contentFilter",
    "safety": "contentFilter",
    "sensitive": "contentFilter",
    "recitation": "contentFilter",
    "blocklist": "contentFilter",
    "prohibited_content": "contentFilter",
    "spii": "contentFilter",
    "error": "error",
    "abort": "error",
    "network_error": "error",
    "insufficient_system_resource": "error",
    "malformed_function_call": "error",
}
"""OpenAI's reasons, those of compatible servers, and native ones that some pass through, in lower case."""


class Reply:
    """The state of one answer while its chunks arrive.

    ``asked`` and ``fallbacks`` are the models that may have answered. ``is_whole``: the answer is one JSON
    body, which needs no end mark. ``generation_id`` is what the answer is called, if that was said before.
    """

    def __init__(
        self,
        quirks: Quirks | None = None,
        *,
        asked: str = "",
        fallbacks: tuple[str, ...] = (),
        is_whole: bool = False,
        generation_id: str | None = None,
    ) -> None:
        self._quirks = quirks or Quirks()
        self._asked = asked
        self._fallbacks = fallbacks
        self._is_whole = is_whole
        self._finish: FinishReason | None = None
        self._done = False
        self._usage: Usage | None = None
        self._reported: int | None = None
        self._model = ""
        self._id = generation_id or ""
        self._is_named = generation_id is not None or self._quirks.generation_path is None
        self._tool_calls = ToolCalls()
        self._trace = TraceCollector(self._quirks.trace, is_whole=is_whole)
        self._placeholders = PlaceholderFilter()
        self._new: list[Delta] = []
        self.pieces = 0
        """How many pieces of an answer have come, hidden ones too: while it grows, the model is at work."""
        self.error: JsonObject | None = None
        """What holds the last chunk's ``error``; None if all is well."""
        self.too_long: TooLong | None = None
        """What of the last chunk is more than can be kept; None if all is well."""

    @property
    def ended_early(self) -> bool:
        """True if the stream stopped with neither a finish reason nor its end mark."""
        return self._finish is None and not self._done

    def read(self, chunk: JsonObject) -> list[Delta]:
        """Take one chunk (or one whole body) in; return what it adds. Then see ``too_long`` and ``error``."""
        if DONE in chunk:
            self._done = True
            return []
        choice = first_choice(chunk)
        self._model = text(chunk, "model") or self._model
        self._id = text(chunk, "id") or self._id
        for table in usage_tables(chunk, choice):
            self._read_usage(table)
        self.error = error_in(chunk, choice)
        self._new = []
        if not self._is_named and self._id:
            self._is_named = True
            self._new.append(Begun(self._id))
        try:
            self._read_choice(choice)
        except TooLong as exc:
            self.too_long = exc
        return self._new

    def end(self) -> Iterator[Delta]:
        """Yield what was held back, the whole tool calls and the finish."""
        if shown := self._placeholders.end():
            yield Reasoning(shown)
        yield from self._tool_calls.whole()
        yield Finish(
            reason=self._finish or "stop",
            usage=self._usage,
            reported_nanodollars=self._reported,
            served_model=self._model or None,
            generation_id=self._id or None,
            trace=self._trace.trace(thought_by(self._asked, self._model, self._fallbacks)),
        )

    def broken_off(self) -> Finish | None:
        """Return what the provider has said that an answer cost which broke off; None if it said nothing."""
        if self._usage in (None, Usage()) and self._reported is None:
            return None
        return Finish(
            reason="error",
            usage=self._usage,
            reported_nanodollars=self._reported,
            served_model=self._model or None,
            generation_id=self._id or None,
        )

    def _read_usage(self, table: JsonObject) -> None:
        """Usage that comes several times is cumulative: the last that is not all zeros counts, alone."""
        usage = usage_of(table, reasoning_beside_output=self._quirks.reasoning_beside_output)
        cost = reported_nanodollars(table)
        if self._usage is None or usage not in (None, Usage()):
            self._usage = usage
        if self._reported is None or cost:
            self._reported = cost

    def _read_choice(self, choice: JsonObject) -> None:
        self._done = self._done or (self._is_whole and bool(choice))
        self._finish = finish_reason(choice) or self._finish
        delta = obj(choice, "delta" if isinstance(choice.get("delta"), dict) else "message")
        if not delta:  # Together says each word twice
            self._answered(text(choice, "text"))
        if delta.keys() <= _PLAIN:  # as most are
            self._read_content(delta)
            return
        self._read_reasoning(delta)
        self._read_content(delta)
        self._answered(text(delta, "refusal"))
        self._read_tool_calls(delta)

    def _read_reasoning(self, delta: JsonObject) -> None:
        details = array(delta, "reasoning_details")
        words = text(delta, "reasoning") or text(delta, "reasoning_content")
        self._reasoned(words or shown_words(details), details)

    def _read_tool_calls(self, delta: JsonObject) -> None:
        """Read calls, or the one of OpenAI's deprecated ``function_call``, which some send beside them."""
        fragments = array(delta, "tool_calls")
        if not fragments and "function_call" in delta:
            fragments = [{"function": delta["function_call"]}]
        for fragment in fragments:
            self.pieces += self._tool_calls.add(obj(fragment))

    def _read_content(self, delta: JsonObject) -> None:
        """Read content that is a string or, at Mistral, a list of typed parts."""
        content = delta.get("content")
        if isinstance(content, str):
            self._answered(content)
            return
        for part in map(obj, array(delta, "content")):
            if part.get("type") == "thinking":
                thoughts = (text(obj(inner), "text") for inner in array(part, "thinking"))
                self._reasoned("".join(thoughts) or text(part, "thinking"), [])
            else:
                self._answered(text(part, "text"))

    def _reasoned(self, words: str, details: list[object]) -> None:
        if not words and not details:
            return
        self.pieces += 1
        self._trace.add(details, words)
        if shown := self._placeholders.feed(words):
            self._new.append(Reasoning(shown))

    def _answered(self, words: str) -> None:
        if not words:
            return
        self.pieces += 1
        if shown := self._placeholders.end():
            self._new.append(Reasoning(shown))
        self._new.append(Text(words))


def finish_reason(choice: JsonObject) -> FinishReason | None:
    """Say why a choice ended; None if it has not. A reason that nobody knows is an ordinary end."""
    reason = text(choice, "finish_reason").lower()
    if not reason:  # of all pieces but the last
        return None
    return _FINISH.get(reason) or _FINISH.get(text(choice, "native_finish_reason").lower()) or "stop"


def error_in(chunk: JsonObject, choice: JsonObject) -> JsonObject | None:
    """Return what holds an ``error``: a chunk, its choice or ``x_groq``; None if all is well.

    A choice that ends with a reason that means failure is an error, even where nobody says which.
    """
    if chunk.get("error"):
        return chunk
    if chunk.get("object") == "error":  # vLLM
        return {"error": chunk}
    if "x_groq" in chunk and (groq := obj(chunk, "x_groq")).get("error"):
        return groq
    if choice.get("error"):
        return choice
    if finish_reason(choice) == "error":
        return {"error": {"message": f"the answer ended with {text(choice, 'finish_reason')}"}}
    return None
