"""The events of Anthropic's Messages API, as its API reference writes them, for tests that play a server."""

import json
from collections.abc import Mapping

from support.upstream import Answer

Event = Mapping[str, object]
PING: Event = {"type": "ping"}


def start(model: str = "m", usage: Event | None = None) -> Event:
    """Begin a message."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": model}
    return {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage or {}}}


def block(index: int, begin: Event, *deltas: Event) -> list[Event]:
    """Write one block with the deltas between its begin and its end."""
    return [
        {"type": "content_block_start", "index": index, "content_block": begin},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[Event]:
    """Write a block of text."""
    deltas = ({"type": "text_delta", "text": piece} for piece in pieces)
    return block(index, {"type": "text", "text": ""}, *deltas)


def thinking(index: int, *pieces: str, signature: str = "sig") -> list[Event]:
    """Write a block of reasoning, signed at its end."""
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signed = {"type": "signature_delta", "signature": signature}
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas, signed)


def tool_use(index: int, call_id: str, name: str, *pieces: str) -> list[Event]:
    """Write a tool call whose arguments come in pieces of JSON text."""
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    return block(index, {"type": "tool_use", "id": call_id, "name": name, "input": {}}, *deltas)


def end(reason: str = "end_turn", usage: Event | None = None) -> list[Event]:
    """End a message."""
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": usage or {}}, {"type": "message_stop"}]


def stream(*events: Event) -> bytes:
    """Write events as the API sends them, with their names."""
    frames = (f"event: {event.get('type')}\ndata: {json.dumps(event)}\n\n" for event in events)
    return "".join(frames).encode()


def answer(*events: Event, **options: object) -> Answer:
    """Answer with an event stream; see ``Answer``."""
    return Answer(body=stream(*events), content_type="text/event-stream; charset=utf-8", **options)  # type: ignore[arg-type]
