"""Tool calls put together from the fragments of a stream, by index, by id, or by neither.

Pure. Servers of the OpenAI dialect agree only that a call has a name and arguments: OpenAI numbers calls and
sends id and name once; others leave the index out, give every call the same one, repeat the name, or send a
call whole with an object for arguments.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from farebox.messages import ToolCall
from farebox.providers.json_value import JsonObject, obj, parse_object, text
from farebox.providers.sse import TooLong

MAX_TOOL_CALLS: Final = 128
MAX_TOOL_CHARS: Final = 2 * 1024 * 1024
"""Of all calls of an answer together: ids, names and arguments."""


@dataclass(slots=True)
class _Partial:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])
    is_object: bool | None = None
    """Whether its first fragment is a JSON object, once somebody had to know: it is parsed once at most."""

    @property
    def came_whole(self) -> bool:
        """True if its one fragment holds all arguments, so that another one begins a call of its own."""
        if len(self.arguments) != 1 or not self.arguments[0].rstrip().endswith("}"):
            return False
        if self.is_object is None:
            self.is_object = parse_object(self.arguments[0]) is not None
        return self.is_object


@dataclass(frozen=True, slots=True)
class _Fragment:
    index: int | None
    id: str
    name: str
    arguments: str

    def begins_another(self, call: _Partial) -> bool:
        """Say whether it begins a call of its own, where it could be more of one: never without a name.

        Some servers give all calls one index, some repeat the name, some make up an id for every fragment.
        """
        if not self.name or (self.id and self.id == call.id):
            return False
        if call.name and self.name != call.name:
            return True
        if self.id and (call.id or self.index is None):
            return True
        return bool(self.arguments) and call.came_whole


class ToolCalls:
    """The calls of one answer while their fragments arrive."""

    def __init__(self) -> None:
        self._calls: list[_Partial] = []
        self._by_index: dict[int, _Partial] = {}
        self._by_id: dict[str, _Partial] = {}
        self._chars = 0

    def add(self, table: JsonObject) -> bool:
        """Take one fragment in; False if it says nothing. Raises TooLong beyond the bounds of this module."""
        function = obj(table, "function")
        fragment = _Fragment(_index(table), text(table, "id"), text(function, "name"), _arguments(function))
        if not (fragment.id or fragment.name or fragment.arguments):
            return False
        call = self._find(fragment)
        if fragment.id and not call.id:
            call.id = self._kept(fragment.id)
            self._by_id[call.id] = call
        if fragment.name and not call.name:
            call.name = self._kept(fragment.name)
        if fragment.arguments:
            call.arguments.append(self._kept(fragment.arguments))
        return True

    def whole(self) -> Iterator[ToolCall]:
        """Yield the calls in the order in which they began; one without an id is called by its place."""
        for place, call in enumerate(self._calls):
            call_id = call.id or self._fresh_id(place)
            yield ToolCall(id=call_id, name=call.name, arguments="".join(call.arguments) or "{}")

    def _fresh_id(self, place: int) -> str:
        fresh = f"call_{place}"
        while fresh in self._by_id:
            fresh += "_"
        return fresh

    def _kept(self, words: str) -> str:
        self._chars += len(words)
        if self._chars > MAX_TOOL_CHARS:
            raise TooLong(f"tool calls of more than {MAX_TOOL_CHARS} characters")
        return words

    def _find(self, fragment: _Fragment) -> _Partial:
        """Return the call that a fragment belongs to, a new one if it begins one. A known id wins."""
        call = self._nearest(fragment)
        if call is None:
            return self._begin(fragment.index)
        known = self._by_id.get(fragment.id)
        if known is not None and fragment.id != call.id:  # one index for several calls
            return known
        return self._begin(fragment.index) if fragment.begins_another(call) else call

    def _nearest(self, fragment: _Fragment) -> _Partial | None:
        if fragment.index is not None:
            return self._by_index.get(fragment.index)
        return self._by_id.get(fragment.id) or (self._calls[-1] if self._calls else None)

    def _begin(self, index: int | None) -> _Partial:
        if len(self._calls) >= MAX_TOOL_CALLS:
            raise TooLong(f"more than {MAX_TOOL_CALLS} tool calls")
        call = _Partial()
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call


def _index(fragment: JsonObject) -> int | None:
    index = fragment.get("index")
    return index if isinstance(index, int) and not isinstance(index, bool) and index >= 0 else None


def _arguments(function: JsonObject) -> str:
    """Return arguments as JSON text, also where a server sends an object instead of a string."""
    value = function.get("arguments")
    if not isinstance(value, dict):
        return text(function, "arguments")
    try:
        return json.dumps(value, default=float, ensure_ascii=False)
    except (RecursionError, ValueError):
        return ""
