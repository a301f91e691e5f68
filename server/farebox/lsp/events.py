"""The door's events in the shapes that ``farebox/chatEvent`` sends."""

import json
from typing import assert_never, cast

from farebox.lsp import notifications as n
from farebox.messages import Done, Event, FellBack, Reasoning, Retrying, Routed, Target, Text, ToolCall
from farebox.shapes import Shape, cost_shape, route_shape, usage_shape

MAX_DEPTH = 64
"""Of a tool call's arguments: what writes the message gives up at some hundred levels."""


def shape(event: Event) -> Shape:
    """Return an event's shape."""
    match event:
        case Routed(route):
            return n.RouteEvent(type="route", route=route_shape(route))
        case Text(text):
            return n.TextEvent(type="text", text=text)
        case Reasoning(text):
            return n.ReasoningEvent(type="reasoning", text=text)
        case ToolCall():
            return n.ToolCallEvent(
                type="toolCall", id=event.id, name=event.name, arguments=_arguments(event.arguments)
            )
        case Retrying():
            return _retry(event, event.target)
        case FellBack():
            return _retry(event, event.failed)
        case Done():
            return n.DoneEvent(
                type="done",
                finish_reason=event.finish_reason,
                usage=usage_shape(event.usage),
                cost=cost_shape(event.cost),
                cancelled=event.cancelled,
            )
        case _:
            assert_never(event)


def _retry(event: Retrying | FellBack, failed: Target) -> n.RetryEvent:
    return n.RetryEvent(
        type="retry",
        attempt=event.attempt,
        max_attempts=event.max_attempts,
        model=failed.name,
        error=event.error,
    )


def _arguments(text: str) -> dict[str, object]:
    """Parse a tool call's arguments; what is no JSON object, or nests too deeply, is kept as its text."""
    try:
        value = cast("object", json.loads(text))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or _nests_deeper(cast("object", value), MAX_DEPTH):
        return {"text": text}
    return cast("dict[str, object]", value)


def _nests_deeper(value: object, levels: int) -> bool:
    """Say so without recursion."""
    level = [value]
    for _ in range(levels):
        tables = [cast("dict[str, object]", one).values() for one in level if isinstance(one, dict)]
        lists = [cast("list[object]", one) for one in level if isinstance(one, list)]
        level = [inner for outer in (*tables, *lists) for inner in outer]
        if not level:
            return False
    return True
