"""The door's events in the shapes that ``farebox/chatEvent`` sends."""

import json
from typing import assert_never, cast

from farebox.lsp import methods as m
from farebox.messages import Done, Event, FellBack, Reasoning, Retrying, Routed, Text, ToolCall
from farebox.shapes import Shape, cost_shape, route_shape, usage_shape


def shape(event: Event) -> Shape:
    """Return an event's shape."""
    match event:
        case Routed(route):
            return m.RouteEvent(type="route", route=route_shape(route))
        case Text(text):
            return m.TextEvent(type="text", text=text)
        case Reasoning(text):
            return m.ReasoningEvent(type="reasoning", text=text)
        case ToolCall():
            return m.ToolCallEvent(
                type="toolCall", id=event.id, name=event.name, arguments=_arguments(event.arguments)
            )
        case Retrying() | FellBack():
            return m.RetryEvent(
                type="retry", attempt=event.attempt, max_attempts=event.max_attempts, error=event.error
            )
        case Done():
            return m.DoneEvent(
                type="done",
                finish_reason=event.finish_reason,
                usage=usage_shape(event.usage),
                cost=cost_shape(event.cost),
                cancelled=event.cancelled,
            )
        case _:
            assert_never(event)


def _arguments(text: str) -> dict[str, object]:
    """Parse a tool call's arguments; what is no JSON object is kept as its text."""
    try:
        value = cast("object", json.loads(text))
    except ValueError:
        value = None
    return cast("dict[str, object]", value) if isinstance(value, dict) else {"text": text}
