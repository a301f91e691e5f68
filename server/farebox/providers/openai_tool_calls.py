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
    index: int | None
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])

    @property
    def came_whole(self) -> bool:
        """True if its one fragment holds all arguments, so that another one begins a call of its own."""
        return len(self.arguments) == 1 and parse_object(self.arguments[0]) is not None


class ToolCalls:
    """The calls of one answer while their fragments arrive."""

    def __init__(self) -> None:
        self._calls: list[_Partial] = []
        self._by_index: dict[int, _Partial] = {}
        self._by_id: dict[str, _Partial] = {}
        self._chars = 0

    def add(self, fragment: JsonObject) -> None:
        """Take one fragment in. Raises TooLong beyond the bounds of this module."""
        function = obj(fragment, "function")
        call_id, name, arguments = text(fragment, "id"), text(function, "name"), _arguments(function)
        self._chars += len(call_id) + len(name) + len(arguments)
        if self._chars > MAX_TOOL_CHARS:
            raise TooLong(f"tool calls of more than {MAX_TOOL_CHARS} characters")
        call = self._find(_index(fragment), call_id, name, arguments)
        if call_id and not call.id:
            call.id = call_id
            self._by_id[call_id] = call
        call.name = call.name or name
        if arguments:
            call.arguments.append(arguments)

    def whole(self) -> Iterator[ToolCall]:
        """Yield the calls in the order in which they began."""
        for call in self._calls:
            yield ToolCall(id=call.id, name=call.name, arguments="".join(call.arguments) or "{}")

    def _find(self, index: int | None, call_id: str, name: str, arguments: str) -> _Partial:
        """Return the call that a fragment belongs to, a new one if it begins one."""
        if index is not None:
            call = self._by_index.get(index)
        elif call_id:
            call = self._by_id.get(call_id)
        else:
            call = self._calls[-1] if self._calls else None
        if call is None:
            return self._begin(index)
        if call_id and call.id and call_id != call.id:  # one index for several calls
            return self._by_id.get(call_id) or self._begin(index)
        if not call_id and name and call.came_whole and (arguments or name != call.name):
            return self._begin(index)
        return call

    def _begin(self, index: int | None) -> _Partial:
        if len(self._calls) >= MAX_TOOL_CALLS:
            raise TooLong(f"more than {MAX_TOOL_CALLS} tool calls")
        call = _Partial(index)
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
