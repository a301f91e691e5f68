"""Chat requests and answers in the JSON shapes of the OpenAI and the Anthropic API, for scripts.

Reads what both have in common: ``model``, ``messages`` with string or text-part content, ``system``.
What else is asked for there (``stream``, ``tools``, ``temperature``) is not used, and that is noted.
"""

import json
import time
from collections.abc import Mapping
from typing import Literal, cast

from farebox.chat.conversation import Conversation, Question, Turn
from farebox.cli.terminal import note
from farebox.errors import InvalidParams
from farebox.messages import Done
from farebox.unseen import clean, shown

_HINT = 'Give {"messages": [{"role": "user", "content": "…"}]} on stdin.'
_USED = {"model", "messages", "system"}
_USED_OF_MESSAGE = {"role", "content"}
_OPENAI_REASONS = {"toolCalls": "tool_calls", "contentFilter": "content_filter"}
_CLAUDE_REASONS = {"length": "max_tokens", "toolCalls": "tool_use", "contentFilter": "refusal"}


def read(text: str) -> tuple[Conversation, Question]:
    """Return the conversation so far and the last question; note what is not used. Raises InvalidParams."""
    body = _object(text)
    system = [_text(body["system"])] if body.get("system") else []
    conversation = Conversation("")
    asked: list[str] = []
    messages = _messages(body)
    for message in messages:
        words = _text(message.get("content"))
        match message.get("role"):
            case "system" | "developer":
                system.append(words)
            case "user":
                asked.append(words)
            case "assistant":
                _answer(conversation, asked, words)
                asked = []
            case role:
                raise InvalidParams(f"messages with the role {role} can't be read", hint=_HINT)
    if not asked:
        raise InvalidParams("the last message is not the user's", hint=_HINT)
    _note_unused(body, messages)
    model = body.get("model")
    return conversation, Question(
        "\n\n".join(asked),
        model=model if isinstance(model, str) and model else None,
        system="\n\n".join(system) or None,
    )


def _messages(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    entries = body.get("messages")
    return [
        cast("Mapping[str, object]", entry if isinstance(entry, dict) else {})
        for entry in (cast("list[object]", entries) if isinstance(entries, list) else [])
    ]


def _note_unused(body: Mapping[str, object], messages: list[Mapping[str, object]]) -> None:
    """Name the keys that ask for something and are not used; null asks for nothing."""
    asks = {name: value for name, value in body.items() if value is not None}
    if asks.get("stream") is False:  # the answer is one object in any case
        del asks["stream"]
    names = [name for name in asks if name not in _USED]
    inner = {name for message in messages for name, value in message.items() if value is not None}
    names += [f"messages[].{name}" for name in sorted(inner - _USED_OF_MESSAGE)]
    if names:
        note(f"not used: {', '.join(clean(name) for name in names)}")


def _answer(conversation: Conversation, asked: list[str], words: str) -> None:
    """Add an answer; one that follows another, or comes before any question, continues a turn."""
    if not asked and conversation.turns:
        conversation.turns[-1].answer += f"\n\n{words}"
        return
    past = "\n\n".join(asked) or "(no question)"
    conversation.turns.append(Turn("", Question(past), past, answer=words))


def write(standard: Literal["openai", "claude"], turn: Turn, done: Done) -> dict[str, object]:
    """Shape an answer as one of the two APIs does."""
    return _openai(turn, done) if standard == "openai" else _claude(turn, done)


def _openai(turn: Turn, done: Done) -> dict[str, object]:
    usage = done.usage
    message = {"role": "assistant", "content": turn.answer}
    reason = _OPENAI_REASONS.get(done.finish_reason, done.finish_reason)
    return {
        "id": f"chatcmpl-{turn.id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": shown(done.route.target.name),
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        },
    }


def _claude(turn: Turn, done: Done) -> dict[str, object]:
    usage = done.usage
    return {
        "id": f"msg_{turn.id}",
        "type": "message",
        "role": "assistant",
        "model": shown(done.route.target.name),
        "content": [{"type": "text", "text": turn.answer}],
        "stop_reason": _CLAUDE_REASONS.get(done.finish_reason, "end_turn"),
        "stop_sequence": None,
        "usage": {
            # Anthropic counts what came from or went into the cache beside the input, we inside it.
            "input_tokens": usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens,
            "cache_read_input_tokens": usage.cached_input_tokens,
            "cache_creation_input_tokens": usage.cache_write_tokens,
            "output_tokens": usage.output_tokens,
        },
    }


def _object(text: str) -> Mapping[str, object]:
    try:
        value = cast("object", json.loads(text))
    except ValueError as exc:
        raise InvalidParams(f"stdin is no JSON: {exc}", hint=_HINT) from None
    if not isinstance(value, dict):
        raise InvalidParams("stdin is no JSON object", hint=_HINT)
    return cast("Mapping[str, object]", value)


def _text(content: object) -> str:
    """Read content that is a string or a list of text parts."""
    if isinstance(content, str):
        return content
    parts = cast("list[object]", content) if isinstance(content, list) else []
    texts = [cast("Mapping[str, object]", part).get("text") for part in parts if isinstance(part, dict)]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise InvalidParams("only text can be read", hint=_HINT)
    return "\n".join(cast("list[str]", texts))
