"""One turn's events, told to the client: the door's, in the shapes that ``farebox/chatEvent`` sends."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never, cast

from farebox.lsp import notifications as n
from farebox.lsp.names import CHAT_EVENT
from farebox.messages import Done, Event, FellBack, Reasoning, Retrying, Routed, Target, Text, ToolCall
from farebox.shapes import Shape, cost_shape, route_shape, usage_shape

if TYPE_CHECKING:
    from farebox.lsp.outbox import Outbox
    from farebox.lsp.protocol import Protocol

MAX_DEPTH = 64
"""Of a tool call's arguments: what writes the message gives up at some hundred levels."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells a client of one turn; what it has not read yet is joined, see ``outbox``."""

    protocol: "Protocol"
    outbox: "Outbox"
    conversation: str
    turn: str

    def tell(self, event: Event) -> None:
        """Send an event after those before it."""
        match event:
            case Text(text) | Reasoning(text):
                kind = type(event)
                self.outbox.put_text(
                    (self.turn, kind.__name__), text, lambda joined: self._message(kind(joined))
                )
            case _:
                self.outbox.put_part(self.turn, self._message(event))

    async def room(self) -> None:
        """Wait while the client has too much to read."""
        await self.outbox.room()

    async def told(self) -> None:
        """Wait until all is sent: the turn's answer comes last."""
        await self.outbox.said(self.turn)

    def stop(self, done: Done | None) -> None:
        """Send nothing more of what the user has stopped but what it came to."""
        self.outbox.cut(self.turn)
        if done is not None:
            self.outbox.put(self._message(done))

    def _message(self, event: Event) -> bytes:
        params = {"conversation": self.conversation, "turn": self.turn, "event": shape(event).json_value()}
        return self.protocol.notification(CHAT_EVENT, params)


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
