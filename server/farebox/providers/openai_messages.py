"""A conversation in the words of the OpenAI dialect: the ``messages`` of a chat request.

Pure. Wire facts: the OpenAI API reference (chat messages, tool results, image parts), OpenRouter's prompt
caching guide (``cache_control``), Google's page on thought signatures. Knows vendors by their Quirks alone.
"""

from collections.abc import Iterable
from typing import Final

from farebox.messages import Image, Message, ToolCall
from farebox.providers.base import Quirks
from farebox.providers.openai_models import matches
from farebox.providers.openai_trace import trace_fields

MAX_CACHE_MARKS: Final = 4
MARKED_USER_TURNS: Final = 2
"""Where nobody says: the last turn writes what the next request reads, the one before is read now."""


def wire_messages(
    messages: tuple[Message, ...], model: str, quirks: Quirks, *, with_tools: bool = False
) -> list[dict[str, object]]:
    """Return the messages of a request.

    Pictures in tool results follow in a user turn of their own, after all results of that turn: the dialect
    has only text there, and wants nothing between a call and its result. ``with_tools``: tools are offered.
    """
    marked = _cache_marks(messages) if matches(model, quirks.cache_marks) else frozenset[int]()
    with_tools = with_tools or any(message.tool_calls for message in messages)
    wire: list[dict[str, object]] = []
    split_off: list[tuple[str, Image]] = []
    for at, message in enumerate(messages):
        if message.role != "tool" and split_off:
            wire.append(_split_off_turn(split_off))
            split_off = []
        match message.role:
            case "assistant":
                wire.append(_assistant(message, model, quirks, marked=at in marked, with_tools=with_tools))
            case "tool":
                wire.append(_tool_result(message, marked=at in marked))
                split_off += ((message.tool_call_id or "", image) for image in message.images)
            case "system" | "user":
                content = _content(message.text, message.images, marked=at in marked)
                wire.append({"role": message.role, "content": content})
    if split_off:
        wire.append(_split_off_turn(split_off))
    return wire


def _assistant(
    message: Message, model: str, quirks: Quirks, *, marked: bool, with_tools: bool
) -> dict[str, object]:
    content = _content(message.text, (), marked=marked)
    wire: dict[str, object] = {"role": "assistant", "content": content}
    if message.tool_calls:
        wire["content"] = content or None
        wire["tool_calls"] = [_tool_call(call, quirks) for call in message.tool_calls]
    return wire | trace_fields(message.trace, model, quirks, with_tools=with_tools)


def _tool_call(call: ToolCall, quirks: Quirks) -> dict[str, object]:
    function = {"name": call.name, "arguments": call.arguments}
    wire: dict[str, object] = {"id": call.id, "type": "function", "function": function}
    if quirks.thought_signature is not None:
        wire["extra_content"] = {"google": {"thought_signature": quirks.thought_signature}}
    return wire


def _tool_result(message: Message, *, marked: bool) -> dict[str, object]:
    words = message.text or ("The result is in the next user message." if message.images else "")
    return {
        "role": "tool",
        "tool_call_id": message.tool_call_id or "",
        "content": _content(words, (), marked=marked),
    }


def _split_off_turn(images: list[tuple[str, Image]]) -> dict[str, object]:
    parts: list[dict[str, object]] = []
    labelled: str | None = None
    for call_id, image in images:
        if call_id != labelled:
            parts.append({"type": "text", "text": f"Images in the result of tool call {call_id}:"})
            labelled = call_id
        parts.append(_image_part(image))
    return {"role": "user", "content": parts}


def _content(words: str, images: Iterable[Image], *, marked: bool) -> str | list[dict[str, object]]:
    """Return plain text where that is enough, else parts."""
    pictures = [_image_part(image) for image in images]
    if not pictures and not (marked and words):
        return words
    parts: list[dict[str, object]] = []
    if words:
        parts.append({"type": "text", "text": words})
        if marked:
            parts[0]["cache_control"] = {"type": "ephemeral"}
    return parts + pictures


def _image_part(image: Image) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": f"data:{image.mime};base64,{image.data}"}}


def _cache_marks(messages: tuple[Message, ...]) -> frozenset[int]:
    """Choose what is marked: the system prompt, and the last of the turns that the caller names.

    A mark needs text to stand on.
    """
    with_text = [(at, message) for at, message in enumerate(messages) if message.text]
    system = [at for at, message in with_text if message.role == "system"][-1:]
    turns = [at for at, message in with_text if message.cache_here and at not in system]
    if not any(message.cache_here for message in messages):
        turns = [at for at, message in with_text if message.role == "user"][-MARKED_USER_TURNS:]
    room = MAX_CACHE_MARKS - len(system)
    return frozenset([*system, *turns[-room:]])
