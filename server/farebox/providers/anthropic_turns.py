"""A conversation in the shape that Anthropic's Messages API takes: alternating turns made of blocks.

Wire facts: Anthropic's API reference (Messages), its guides to tool use, vision and extended thinking. Knows
no option of a request and no trait of a model; whatever the caller hands in comes out as turns that the API
accepts, or is Refused.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, assert_never, cast

from farebox.messages import Call, Image, Message, ToolCall
from farebox.providers.base import Endpoint
from farebox.providers.pictures import with_known_pictures

Block: TypeAlias = dict[str, object]

RAW_ARGUMENTS: Final = "raw_arguments"
"""The key under which arguments go back that are no JSON object."""
NO_RESULT: Final = "There is no result: the tool was not run, or its answer was lost."
MAX_DEPTH: Final = 100
"""How deep the JSON of a tool call may nest; deeper ones go back as text."""

_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(slots=True)
class Turn:
    """One turn. ``cache_here``: the prompt up to its end is worth caching."""

    role: Literal["user", "assistant"]
    results: list[Block] = field(default_factory=list[Block])
    blocks: list[Block] = field(default_factory=list[Block])
    cache_here: bool = False

    @property
    def content(self) -> list[Block]:
        """All blocks in the order that the API asks for: tool results come before anything else."""
        return [*self.results, *self.blocks]

    @property
    def thinks_first(self) -> bool:
        """True for an assistant's turn that begins with its reasoning."""
        return bool(self.blocks) and self.blocks[0].get("type") in ("thinking", "redacted_thinking")


def system_blocks(messages: tuple[Message, ...]) -> list[Block]:
    """Return the text of all system messages, wherever they stand, for the request's top level."""
    return [_text(message.text) for message in messages if message.role == "system" and message.text.strip()]


def turns(endpoint: Endpoint, call: Call, messages: tuple[Message, ...], *, traces: bool) -> list[Turn]:
    """Return the turns of a conversation, without its system messages.

    Messages of the same role in a row become one turn. A tool's result stands in the user's turn right after
    its call; a call that has none gets an error for a result, because the API refuses a call without one, and
    a result without a call becomes plain text. Texts that are empty or blank are left out. Reasoning goes
    back unchanged, before what its turn says, to the model that signed it and to no other; to none at all
    without ``traces``. Ids of calls are rewritten to what the API allows, each one different. Raises Refused
    for a picture of a kind that the API does not take.
    """
    weaver = _Weaver(call, traces=traces)
    for message in with_known_pictures(endpoint, call.model, messages):
        weaver.add(message)
    return weaver.end()


class _Weaver:
    """The turns so far, and the calls that wait for a result."""

    def __init__(self, call: Call, *, traces: bool) -> None:
        self._call = call
        self._traces = traces
        self._turns: list[Turn] = []
        self._waiting: dict[str, list[str]] = {}
        self._taken: set[str] = set()

    def add(self, message: Message) -> None:
        match message.role:
            case "system":
                return
            case "user":
                self._add_parts(message)
            case "assistant":
                self._add_answer(message)
            case "tool":
                self._add_result(message)
            case _:
                assert_never(message.role)

    def end(self) -> list[Turn]:
        if self._waiting:
            self._turn("user")
            self._settle()
        if self._turns and self._turns[-1].role == "assistant":
            last = self._turns[-1].blocks[-1]
            last["text"] = str(last["text"]).rstrip()  # a text: after a call a user's turn would follow
        return self._turns

    def _turn(self, role: Literal["user", "assistant"]) -> Turn:
        """Return the turn that is being written, or begin the next one."""
        if not self._turns or self._turns[-1].role != role:
            if role == "assistant":
                self._settle()
            self._turns.append(Turn(role))
        return self._turns[-1]

    def _settle(self) -> None:
        """Give an error for a result to every call that has none."""
        for wanted in self._waiting.values():
            self._turns[-1].results += [_missing(one) for one in wanted]
        self._waiting.clear()

    def _add_parts(self, message: Message) -> None:
        parts = self._parts(message)
        if not parts:
            return
        turn = self._turn("user")
        turn.blocks += parts
        turn.cache_here = turn.cache_here or message.cache_here

    def _parts(self, message: Message) -> list[Block]:
        """Pictures first: Anthropic's vision guide finds that models read them better so."""
        images = [_image(image) for image in message.images]
        return [*images, *([_text(message.text)] if message.text.strip() else [])]

    def _add_answer(self, message: Message) -> None:
        if not message.text.strip() and not message.tool_calls:
            return
        turn = self._turn("assistant")
        turn.blocks += self._trace(message)
        if message.text.strip():
            turn.blocks.append(_text(message.text))
        turn.blocks += [self._tool_use(tool_call) for tool_call in message.tool_calls]
        turn.cache_here = turn.cache_here or message.cache_here

    def _trace(self, message: Message) -> list[Block]:
        trace = message.trace
        if (
            not self._traces
            or trace is None
            or trace.format != "anthropic"
            or trace.model != self._call.model
        ):
            return []
        blocks = (_parsed(block) for block in trace.blocks)
        return [block for block in blocks if block is not None]

    def _tool_use(self, tool_call: ToolCall) -> Block:
        parsed = _parsed(tool_call.arguments) if tool_call.arguments.strip() else {}
        arguments: Block = {RAW_ARGUMENTS: tool_call.arguments} if parsed is None else parsed
        fresh = self._fresh_id(tool_call.id)
        self._waiting.setdefault(tool_call.id, []).append(fresh)
        return {"type": "tool_use", "id": fresh, "name": tool_call.name, "input": arguments}

    def _fresh_id(self, wanted: str) -> str:
        allowed = _NOT_IN_AN_ID.sub("_", wanted) or "call"
        fresh, number = allowed, 2
        while fresh in self._taken:
            fresh, number = f"{allowed}_{number}", number + 1
        self._taken.add(fresh)
        return fresh

    def _add_result(self, message: Message) -> None:
        wanted = message.tool_call_id or ""
        waiting = self._waiting.get(wanted)
        if not waiting:
            self._add_parts(message)
            return
        result: Block = {"type": "tool_result", "tool_use_id": waiting.pop(0)}
        if not waiting:
            del self._waiting[wanted]
        if message.images:
            result["content"] = self._parts(message)
        elif message.text.strip():
            result["content"] = message.text
        turn = self._turn("user")
        turn.results.append(result)
        turn.cache_here = turn.cache_here or message.cache_here


def _image(image: Image) -> Block:
    return {"type": "image", "source": {"type": "base64", "media_type": image.mime, "data": image.data}}


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _missing(tool_use_id: str) -> Block:
    return {"type": "tool_result", "tool_use_id": tool_use_id, "is_error": True, "content": NO_RESULT}


def _parsed(text: str) -> Block | None:
    """Read a JSON object that can be written again as JSON; None if it is none."""
    try:
        value = cast("object", json.loads(text, parse_float=_finite, parse_constant=_no_number))
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or _too_deep(cast("Block", value), MAX_DEPTH):
        return None
    return cast("Block", value)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number


def _no_number(text: str) -> float:
    raise ValueError(text)


def _too_deep(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        inner = list(cast("Block", value).values())
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    else:
        return False
    return levels == 0 or any(_too_deep(one, levels - 1) for one in inner)
