"""What the events of one Anthropic answer add up to, or the one object of a server that does not stream.

Pure: JSON objects in, events out. Follows Anthropic's API reference (streaming Messages): events and blocks
that are not known are passed over, counts of tokens are cumulative, text may come in any number of blocks.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Final

from farebox.messages import Delta, Finish, FinishReason, Reasoning, Text, ToolCall, Trace, Usage
from farebox.providers.json_value import JsonObject, array, count, obj, text
from farebox.providers.sse import TooLong

MAX_TOOL_CALLS: Final = 128
MAX_KEPT_CHARS: Final = 2 * 1024 * 1024
"""How much of arguments, reasoning and signatures one answer may make us keep until its end."""

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "toolCalls",
    "refusal": "contentFilter",
}

_COUNTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
_THINKING: Final = "thinking_tokens"


@dataclass(slots=True)
class _OpenBlock:
    """A block whose end has not come: how it began, and the pieces that have come since."""

    start: JsonObject
    arguments: StringIO = field(default_factory=StringIO)
    thinking: StringIO = field(default_factory=StringIO)
    signature: StringIO = field(default_factory=StringIO)


class Reply:
    """The state of one answer while its events arrive. ``model`` is the one that was asked for."""

    def __init__(self, model: str) -> None:
        self._asked_model = model
        self._served_model = ""
        self._id = ""
        self._finish: FinishReason | None = None
        self._done = False
        self._counts: dict[str, int] = {}
        self._open: dict[int, _OpenBlock] = {}
        self._trace: list[str] = []
        self._tool_calls: dict[int, ToolCall] = {}
        self._kept_chars = 0
        self._last_index = -1
        self.pieces = 0
        """How often something has come: a ping, or an event with nothing in it, does not count."""

    @property
    def ended_early(self) -> bool:
        """True if the answer stopped with neither a reason nor its end mark."""
        return self._finish is None and not self._done

    def read(self, event: JsonObject) -> Iterator[Delta]:
        """Take one event (or one whole message) in; yield what it adds. Raises TooLong."""
        match text(event, "type"):
            case "message":
                yield from self._read_whole(event)
            case "message_start":
                self._begin(obj(event, "message"))
            case "content_block_start":
                index = count(event, "index")
                self._last_index = self._last_index + 1 if index is None else index
                yield from self._start(self._last_index, obj(event, "content_block"))
            case "content_block_delta":
                yield from self._add(self._open.get(self._index(event)), obj(event, "delta"))
            case "content_block_stop":
                self._stop(self._index(event))
            case "message_delta":
                self._note_end(obj(event, "delta"))
                self._note_usage(obj(event, "usage"))
            case "message_stop":
                self._done = True
            case _:
                return

    def end(self) -> Iterator[Delta]:
        """Yield the whole tool calls and the finish; a block without an end ends here."""
        for index in [*self._open]:
            self._stop(index)
        yield from self._tool_calls.values()
        trace = Trace("anthropic", self._asked_model, tuple(self._trace)) if self._trace else None
        yield Finish(
            reason=self._finish or "stop",
            usage=_usage(self._counts),
            served_model=self._served_model or None,
            generation_id=self._id or None,
            trace=trace,
        )

    def broken_off(self) -> Finish | None:
        """Return what is known of the cost of an answer that ended in an error; None if nothing is."""
        usage = _usage(self._counts)
        if usage is None:
            return None
        return Finish("error", usage, served_model=self._served_model or None, generation_id=self._id or None)

    def _read_whole(self, message: JsonObject) -> Iterator[Delta]:
        self._begin(message)
        for index, block in enumerate(array(message, "content")):
            yield from self._start(index, obj(block))
            self._stop(index)
        self._note_end(message)
        self._done = True

    def _begin(self, message: JsonObject) -> None:
        """A second message can follow the first in one stream: blocks that the first left open are lost."""
        self._open.clear()
        self._id = self._id or text(message, "id")
        self._served_model = text(message, "model") or self._served_model
        self._note_usage(obj(message, "usage"))

    def _note_end(self, delta: JsonObject) -> None:
        if reason := text(delta, "stop_reason"):
            self._finish = _FINISH.get(reason, "stop")

    def _note_usage(self, usage: JsonObject) -> None:
        """Counts are cumulative and may be left out or null: the last one that is given holds."""
        details = obj(usage, "output_tokens_details")
        for name in (*_COUNTS, _THINKING):
            number = count(details if name == _THINKING else usage, name)
            if number is not None:
                self._counts[name] = number

    # --- blocks ------------------------------------------------------------------------------------

    def _start(self, index: int, block: JsonObject) -> Iterator[Delta]:
        """A block takes the place of an earlier one at its index, also of a call in an earlier message."""
        self._open.pop(index, None)
        self._tool_calls.pop(index, None)
        match text(block, "type"):
            case "text":
                yield from _text(text(block, "text"))
            case "thinking":
                yield from _reasoning(text(block, "thinking"))
                self._keep(index, block)
            case "redacted_thinking":
                self._keep(index, block)
            case "tool_use":
                if len(self._tool_calls) >= MAX_TOOL_CALLS:
                    raise TooLong(f"more than {MAX_TOOL_CALLS} tool calls")
                self._keep(index, block)
            case _:
                return

    def _keep(self, index: int, block: JsonObject) -> None:
        self._count(_json(block))
        self._open[index] = _OpenBlock(block)

    def _add(self, block: _OpenBlock | None, delta: JsonObject) -> Iterator[Delta]:
        match text(delta, "type"):
            case "text_delta":
                words = text(delta, "text")
                self.pieces += bool(words)
                yield from _text(words)
            case "thinking_delta":
                thinking = text(delta, "thinking")
                self.pieces += bool(thinking)
                if block is not None:
                    block.thinking.write(self._count(thinking))
                yield from _reasoning(thinking)
            case "signature_delta" if block is not None:
                block.signature.write(self._count(text(delta, "signature")))
            case "input_json_delta" if block is not None:
                block.arguments.write(self._count(text(delta, "partial_json")))
            case _:
                return

    def _index(self, event: JsonObject) -> int:
        """Return the block that an event is about; the last one that began, if it does not say."""
        index = count(event, "index")
        return self._last_index if index is None else index

    def _stop(self, index: int) -> None:
        block = self._open.pop(index, None)
        if block is None:
            return
        match text(block.start, "type"):
            case "tool_use":
                arguments = block.arguments.getvalue() or _json(obj(block.start, "input"))
                tool_call = ToolCall(text(block.start, "id"), text(block.start, "name"), arguments)
                self._tool_calls[index] = tool_call
            case "thinking":
                thinking = text(block.start, "thinking") + block.thinking.getvalue()
                signature = text(block.start, "signature") + block.signature.getvalue()
                if signature:  # nobody takes back what nobody has signed
                    whole = {**block.start, "thinking": thinking, "signature": signature}
                    self._trace.append(_json(whole))
            case _:
                self._trace.append(_json(block.start))

    def _count(self, kept: str) -> str:
        self._kept_chars += len(kept)
        self.pieces += bool(kept)
        if self._kept_chars > MAX_KEPT_CHARS:
            raise TooLong(f"more than {MAX_KEPT_CHARS} characters of arguments and reasoning")
        return kept


def _usage(counts: Mapping[str, int]) -> Usage | None:
    """Add up the input: Anthropic counts what its cache gave or took apart from it.

    None without one of the two main counts: what is not known does not cost nothing.
    """
    if "input_tokens" not in counts or "output_tokens" not in counts:
        return None
    fresh, read, written, output = (counts.get(name, 0) for name in _COUNTS)
    return Usage(
        input_tokens=fresh + read + written,
        cached_input_tokens=read,
        cache_write_tokens=written,
        output_tokens=output,
        reasoning_tokens=min(counts.get(_THINKING, 0), output),
    )


def _text(words: str) -> Iterator[Text]:
    if words:
        yield Text(words)


def _reasoning(words: str) -> Iterator[Reasoning]:
    if words:
        yield Reasoning(words)


def _json(table: JsonObject) -> str:
    try:
        return json.dumps(table, default=float, ensure_ascii=False)
    except RecursionError:
        raise TooLong("a block that is nested too deeply") from None
