"""A model's reasoning as its vendor wants it back: collected from one answer, sent with the next request.

Pure. Wire facts: OpenRouter's reasoning guide (``reasoning_details``: signed, summarised or encrypted
blocks, for the same model, unchanged), the thinking guides of DeepSeek and Z.ai (``reasoning_content``).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

from farebox.messages import Trace, TraceFormat
from farebox.providers.base import Quirks
from farebox.providers.json_value import JsonObject, obj, text
from farebox.providers.openai_models import author, without_variant

MAX_TRACE_CHARS: Final = 2 * 1024 * 1024
MAX_TRACE_BLOCKS: Final = 4096

_WORDS: Final = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""The field of a block that arrives in fragments, by the block's type. All other types arrive whole."""


@dataclass(slots=True)
class _Block:
    fields: dict[str, object]
    words: list[str]

    def json(self) -> str:
        name = _WORDS.get(text(self.fields, "type"))
        fields = (
            {**self.fields, name: "".join(self.words)} if name is not None and self.words else self.fields
        )
        return json.dumps(fields, default=float, ensure_ascii=False)


class TraceCollector:
    """The reasoning of one answer while it arrives, in the format that its vendor wants back.

    In a stream blocks come in fragments; a body that is ``whole`` has each block once. Beyond the bounds of
    this module nothing is kept, not even what came before: reasoning goes back whole or not at all.
    """

    def __init__(self, wanted: TraceFormat | None, *, is_whole: bool = False) -> None:
        self._format = wanted
        self._is_whole = is_whole
        self._blocks: list[_Block] = []
        self._by_index: dict[tuple[object, str], _Block] = {}
        self._words: list[str] = []
        self._chars = 0
        self.was_dropped = False
        """True once there was too much: the answer can be read, but its reasoning does not go back."""

    def add(self, details: Iterable[object], words: str) -> None:
        """Take a chunk's reasoning in."""
        if self._format == "reasoning_content" and words:
            self._add_words(words)
        elif self._format == "reasoning_details":
            for detail in details:
                if (table := obj(detail)) and not self.was_dropped:
                    self._add_detail(table)

    def trace(self, model: str) -> Trace | None:
        """Return what has come, for the model that thought it; None if nothing has, or too much."""
        if self._words:
            return Trace("reasoning_content", model, (json.dumps("".join(self._words), ensure_ascii=False),))
        if self._blocks:
            return Trace("reasoning_details", model, tuple(block.json() for block in self._blocks))
        return None

    def _add_words(self, words: str) -> None:
        if self._has_room(len(words)):
            self._words.append(words)

    def _add_detail(self, table: JsonObject) -> None:
        kind = text(table, "type")
        name = _WORDS.get(kind)
        block = self._open_block(table, kind) if name is not None and not self._is_whole else None
        try:
            if name is None or block is None:
                self._begin(table, kind)
            else:
                self._continue(block, table, name)
        except (RecursionError, ValueError):  # too deep to be written
            return

    def _continue(self, block: _Block, table: JsonObject, name: str) -> None:
        """Add a fragment to its block: its words, and what it says anew. The rest is repeated in each."""
        words = text(table, name)
        said = {key: value for key, value in table.items() if key != name and value is not None}
        new = {key: value for key, value in said.items() if block.fields.get(key) != value}
        if not self._has_room(len(words) + (_json_chars(new) if new else 0)):
            return
        block.fields |= new
        if words:
            block.words.append(words)

    def _open_block(self, table: JsonObject, kind: str) -> _Block | None:
        """Find what a fragment continues: the block of its index and type, or the last without one."""
        index = table.get("index")
        if isinstance(index, int):
            block = self._by_index.get((index, kind))
        else:
            block = self._blocks[-1] if self._blocks else None
            if block is not None and not _continues(block.fields, kind):
                return None
        ids = (table.get("id"), block.fields.get("id") if block is not None else None)
        return None if None not in ids and ids[0] != ids[1] else block

    def _begin(self, table: JsonObject, kind: str) -> None:
        if not self._has_room(_json_chars(table), blocks=1):
            return
        name = _WORDS.get(kind)
        block = _Block(dict(table), [text(table, name)] if name is not None and text(table, name) else [])
        self._blocks.append(block)
        index = table.get("index")
        if isinstance(index, int):
            self._by_index[index, kind] = block

    def _has_room(self, chars: int, *, blocks: int = 0) -> bool:
        """Count what is to be kept; drop all if it is too much."""
        self._chars += chars
        if self._chars > MAX_TRACE_CHARS or len(self._blocks) + blocks > MAX_TRACE_BLOCKS:
            self.was_dropped = True
            self._blocks, self._by_index, self._words = [], {}, []
        return not self.was_dropped


def _json_chars(table: JsonObject) -> int:
    """Return how long a table is as JSON. Raises RecursionError or ValueError if it can't be written."""
    return len(json.dumps(table, default=float))


def _continues(last: JsonObject, kind: str) -> bool:
    """Say whether a fragment without an index can belong to a block: a signature ends one."""
    numbered = isinstance(last.get("index"), int)
    return text(last, "type") == kind and not numbered and not last.get("signature")


def shown_words(details: Iterable[object]) -> str:
    """Return what people may read of reasoning that came in blocks alone."""
    tables = [obj(detail) for detail in details]
    return "".join(text(table, _WORDS.get(text(table, "type"), "")) for table in tables)


def trace_fields(trace: Trace | None, model: str, quirks: Quirks, *, with_tools: bool) -> dict[str, object]:
    """Return the fields of an assistant's message that carry its reasoning back; none if it is another's.

    Blocks are signed or encrypted for one model. Text goes to whoever takes it, but only in a conversation
    with tools: without them it is ignored, with them DeepSeek refuses any answer that lacks it.
    """
    match quirks.trace:
        case "reasoning_details":
            blocks = _blocks(trace, "reasoning_details")
            theirs = trace is not None and without_variant(trace.model) == without_variant(model)
            return {"reasoning_details": blocks} if blocks and theirs else {}
        case "reasoning_content" if with_tools:
            words = "".join(block for block in _blocks(trace, quirks.trace) if isinstance(block, str))
            said = words or quirks.no_reasoning
            return {"reasoning_content": said} if said else {}
        case _:
            return {}


def _blocks(trace: Trace | None, wanted: TraceFormat) -> list[object]:
    if trace is None or trace.format != wanted:
        return []
    return [block for text in trace.blocks if (block := _parsed(text)) is not None]


def thought_by(asked: str, served: str, fallbacks: Iterable[str]) -> str:
    """Return the model that a trace is for: the one asked, unless another one has answered in its place.

    A broker names the model served by a longer id (with a date), so an author in common, or none, counts as
    the same model, unless a fallback by that author may have stepped in.
    """
    others = [other for other in fallbacks if without_variant(other) != without_variant(asked)]
    if not served or without_variant(served) == without_variant(asked):
        return asked
    for other in others:
        if without_variant(other) == without_variant(served):
            return other
    maker = author(served)
    by_another = any(maker in ("", author(other)) for other in others)
    return asked if maker in ("", author(asked)) and not by_another else served


def _parsed(block: str) -> object:
    """Parse a block; None if it is broken. What is no number in JSON is null."""
    try:
        return cast("object", json.loads(block, parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        return None
