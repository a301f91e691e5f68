"""What Ollama is sent for a call: the path and the body. Pure.

Wire facts: Ollama's API reference (``docs/api.md``, docs.ollama.com) and ``api/types.go``.
"""

import json
import math
from collections.abc import Sequence
from typing import Final, assert_never, cast

from farebox.errors import ContextTooLong
from farebox.messages import Call, Chat, Infill, Message, OneTool, RawText, ReasoningEffort, Tool
from farebox.providers.base import Endpoint
from farebox.providers.local_model import LocalModel
from farebox.providers.pictures import with_known_pictures

DEFAULT_NUM_CTX: Final = 16_384
OUTPUT_ROOM_TOKENS: Final = 2_048
"""Left for an answer that has no limit of its own."""
FEWEST_BYTES_PER_TOKEN: Final = 3
MOST_BYTES_PER_TOKEN: Final = 5
"""Code and English come to 4 to 5; what is beyond a context even at so many surely does not fit."""
FEWEST_IMAGE_TOKENS: Final = 256
MOST_IMAGE_TOKENS: Final = 1_600
MESSAGE_TOKENS: Final = 8
"""What a chat template adds to a turn."""

_EFFORTS: tuple[ReasoningEffort, ...] = ("minimal", "low", "medium", "high", "xhigh", "max")


def request(endpoint: Endpoint, call: Call, model: LocalModel) -> tuple[str, dict[str, object]]:
    """Return the path below ``/api`` and the body that ask for a call.

    Raises ContextTooLong for a prompt that is larger than the model's context, Refused for a picture of a
    kind that no vendor takes.
    """
    body: dict[str, object] = {"model": call.model, "stream": True, "truncate": False, "shift": False}
    match call.prompt:
        case Chat(messages):
            path = "/chat"
            body["messages"] = _messages(call.model, with_known_pictures(endpoint, call.model, messages))
            if tools := _tools(call):
                body["tools"] = tools
        case Infill(prefix, suffix, _):
            path = "/generate"
            # Without a suffix Ollama takes the prompt for a question and answers it in a chat's words.
            body |= {"prompt": prefix, "suffix": suffix or "\n"}
        case RawText(text):
            path = "/generate"
            body |= {"prompt": text, "raw": True}
        case _:
            assert_never(call.prompt)
    think = think_value(call, model)
    if think is not None:
        body["think"] = think
    if endpoint.keep_alive is not None:
        body["keep_alive"] = _keep_alive(endpoint.keep_alive)
    body["options"] = _options(endpoint, call, model)
    return path, body


def _options(endpoint: Endpoint, call: Call, model: LocalModel) -> dict[str, object]:
    options: dict[str, object] = {}
    if not model.remote:
        options["num_ctx"] = context_for(endpoint, call, model)
    if call.max_output_tokens is not None:
        options["num_predict"] = call.max_output_tokens
    if call.temperature is not None:
        options["temperature"] = call.temperature
    if call.stop:
        options["stop"] = list(call.stop)
    return options


# --- the context -------------------------------------------------------------------------------


def context_for(endpoint: Endpoint, call: Call, model: LocalModel) -> int:
    """Return the ``num_ctx`` for a call, in tokens: what the user has set, or as much as the prompt needs.

    Another ``num_ctx`` than the last makes Ollama load the model anew, which takes seconds and drops its
    prompt cache. So it starts where the model is loaded already, or at a size that most prompts fit into;
    grows by doubling, so that a growing conversation reloads it a few times at most; and never shrinks.

    Raises ContextTooLong if even the largest is too small.
    """
    most = _most(endpoint, model)
    if _fewest_tokens(call) >= most:
        raise _too_long(endpoint, call, most)
    if endpoint.context_tokens is not None:
        return most
    output = call.max_output_tokens if call.max_output_tokens is not None else OUTPUT_ROOM_TOKENS
    needed = _tokens(call, FEWEST_BYTES_PER_TOKEN, MOST_IMAGE_TOKENS) + output
    size = min(model.num_ctx or DEFAULT_NUM_CTX, most)
    while size < min(needed, most):
        size = min(2 * size, most)
    return size


def _most(endpoint: Endpoint, model: LocalModel) -> int:
    """The largest context. Where the model's own is unknown nothing larger than usual is tried."""
    length = model.context_tokens
    if endpoint.context_tokens is not None:
        return min(endpoint.context_tokens, length or endpoint.context_tokens)
    return length or max(DEFAULT_NUM_CTX, model.num_ctx or 0)


def _fewest_tokens(call: Call) -> int:
    return _tokens(call, MOST_BYTES_PER_TOKEN, FEWEST_IMAGE_TOKENS)


def _tokens(call: Call, bytes_per_token: int, image_tokens: int) -> int:
    """Estimate a prompt's tokens."""
    match call.prompt:
        case Chat(messages):
            texts = [message.text for message in messages]
            texts += [one.name + one.arguments for message in messages for one in message.tool_calls]
            texts += [json.dumps(tool, default=str) for tool in _tools(call)]
            images = sum(len(message.images) for message in messages)
            added = MESSAGE_TOKENS * len(messages) + image_tokens * images
        case Infill(prefix, suffix, _):
            texts, added = [prefix, suffix], MESSAGE_TOKENS
        case RawText(text):
            texts, added = [text], 0
        case _:
            assert_never(call.prompt)
    size_bytes = sum(len(text.encode("utf-8", errors="replace")) for text in texts)
    return -(-size_bytes // bytes_per_token) + added


def _too_long(endpoint: Endpoint, call: Call, most: int) -> ContextTooLong:
    raisable = endpoint.context_tokens is not None
    return ContextTooLong(
        f"at least {_fewest_tokens(call)} tokens don't fit into the {most} "
        f"that {endpoint.provider}/{call.model} has",
        hint=f"Attach less, or raise context_tokens in [providers.{endpoint.provider}]."
        if raisable
        else "Attach less, start a new conversation, or choose a model with a larger context.",
        provider=endpoint.provider,
        model=call.model,
    )


# --- the rest of a request ---------------------------------------------------------------------


def think_value(call: Call, model: LocalModel) -> bool | str | None:
    """Return ``think`` for a call; None leaves it out, as it must be for a model that can't think.

    A model with levels (gpt-oss) can't be kept from thinking: the lowest is what comes nearest to that. A
    number of tokens has no counterpart and means that it thinks. A hole is filled without thoughts.
    """
    values = model.think
    if values is None:
        values = (False, True) if call.traits.reasons else ()
    effort = call.reasoning if isinstance(call.prompt, Chat) else "none"
    if effort is None or not values:
        return None
    levels = [value for value in values if isinstance(value, str)]
    if effort in ("none", 0):
        return False if False in values or not levels else levels[0]
    if not levels:
        return True
    return _level("medium" if isinstance(effort, int) else effort, levels)


def _level(effort: ReasoningEffort, levels: Sequence[str]) -> str:
    """Choose the level that is nearest to an effort, the lower of two."""
    ranks = {name: rank for rank, name in enumerate(_EFFORTS)}
    wanted = ranks.get(effort, 0)
    return min(levels, key=lambda level: abs(ranks.get(level, len(ranks)) - wanted))


def _messages(model: str, messages: Sequence[Message]) -> list[dict[str, object]]:
    names: dict[str, str] = {}
    tables: list[dict[str, object]] = []
    for message in messages:
        table: dict[str, object] = {"role": message.role, "content": message.text}
        if message.images:
            table["images"] = [image.data for image in message.images]
        if message.tool_calls:
            names |= {one.id: one.name for one in message.tool_calls}
            table["tool_calls"] = [
                {"id": one.id, "function": {"name": one.name, "arguments": _arguments(one.arguments)}}
                for one in message.tool_calls
            ]
            table |= _thoughts(model, message)
        if message.tool_call_id is not None:
            table["tool_call_id"] = message.tool_call_id
            table["tool_name"] = names.get(message.tool_call_id, "")
        tables.append(table)
    return tables


def _thoughts(model: str, message: Message) -> dict[str, object]:
    """Give a model back what it thought before it called a tool."""
    trace = message.trace
    if trace is None or trace.format != "reasoning_content" or trace.model != model or not trace.blocks:
        return {}
    try:
        thoughts = cast("object", json.loads(trace.blocks[0]))
    except (ValueError, RecursionError):
        return {}
    return {"thinking": thoughts} if isinstance(thoughts, str) else {}


def _arguments(written: str) -> dict[str, object]:
    """Return a tool call's arguments as the object that Ollama wants; empty, if a model wrote none."""
    try:
        value = cast("object", json.loads(written, parse_float=_finite, parse_constant=_finite))
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(written)
    return number


def _tools(call: Call) -> list[dict[str, object]]:
    """Offer the tools. Ollama knows no ``tool_choice``: it is met by what is offered."""
    chosen: tuple[Tool, ...] = call.tools
    match call.tool_choice:
        case "none":
            chosen = ()
        case OneTool(name):
            chosen = tuple(tool for tool in call.tools if tool.name == name)
        case "auto" | "required":
            pass
        case _:
            assert_never(call.tool_choice)
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            },
        }
        for tool in chosen
    ]


def _keep_alive(setting: str) -> str | int:
    """Write ``-1`` and plain seconds as numbers: as strings Ollama misses their unit and refuses them."""
    return int(setting) if setting.lstrip("-").isdigit() else setting
