"""A completion from the gate to the trimmed text: what the surfaces call for ghost text.

Stateless. Knows plain text and positions in it; no editor, no provider.
"""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from farebox.completion import gate
from farebox.completion.context import Window, window
from farebox.completion.prompt import MAX_OUTPUT_TOKENS, most_bytes, read_chat_answer, render
from farebox.completion.trim import trim
from farebox.config import CompletionSettings
from farebox.messages import Call, Chat, Cost, Route, Text, Usage
from farebox.privacy import shown_name
from farebox.router.door import Door, Reply
from farebox.router.request import NOBODY, Origin, Request, Serving


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a completion is wanted: the whole document before and after the cursor."""

    path: str
    language: str
    prefix: str
    suffix: str
    invoked: bool = False
    model: str | None = None
    roots: tuple[str, ...] = ()
    origin: Origin = NOBODY


@dataclass(frozen=True, slots=True)
class Item:
    """One insertion at the cursor."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer: no item, and the gate's reason, where nothing was asked. ``call_id`` is its ledger row."""

    items: tuple[Item, ...] = ()
    reason: gate.Reason | None = None
    route: Route | None = None
    usage: Usage = field(default_factory=Usage)
    cost: Cost | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None
    call_id: str | None = None


def _forget(_: Reply) -> None: ...


async def complete(
    door: Door,
    hole: Hole,
    settings: CompletionSettings,
    *,
    note_reply: Callable[[Reply], None] = _forget,
) -> Completion:
    """Fill a hole. Raises FareboxError; cancelling the task closes the provider's socket.

    ``note_reply`` is given the request when it leaves: what it came to can be read there if it is cancelled.
    """
    around = window(shown_name(hole.path, hole.roots), hole.language, hole.prefix, hole.suffix)
    reason = gate.closed(around, settings, invoked=hole.invoked)
    if reason is not None:
        return Completion(reason=reason)
    if not hole.invoked:
        # Typing goes on: the next key cancels this request before it has cost anything.
        await asyncio.sleep(settings.debounce_ms / 1000)
    calls: list[Call] = []

    def render_and_note(serving: Serving) -> Call:
        calls.append(render(around, serving))
        return calls[-1]

    reply = door.send(_request(hole, around, render_and_note))
    note_reply(reply)
    async with aclosing(reply.events()) as events:
        parts = [event.text async for event in events if isinstance(event, Text)]
    answer = "".join(parts)
    if isinstance(calls[-1].prompt, Chat):
        answer = read_chat_answer(answer, around)
    text = trim(answer, around)
    done = reply.done
    return Completion(
        items=(Item(uuid.uuid4().hex, text),) if text is not None else (),
        route=done.route if done is not None else None,
        usage=done.usage if done is not None else Usage(),
        cost=done.cost if done is not None else None,
        first_token_ms=done.first_token_ms if done is not None else None,
        total_ms=done.total_ms if done is not None else None,
        call_id=done.call_id if done is not None else None,
    )


async def route(door: Door, hole: Hole) -> Route:
    """Show where a completion would go. Nothing leaves."""
    around = window(shown_name(hole.path, hole.roots), hole.language, hole.prefix, hole.suffix)
    return await door.route(_request(hole, around, lambda serving: render(around, serving)))


def _request(hole: Hole, around: Window, render_call: Callable[[Serving], Call]) -> Request:
    return Request(
        task="complete",
        render=render_call,
        input_bytes=most_bytes(around),
        max_output_tokens=MAX_OUTPUT_TOKENS,
        requested=hole.model,
        sources=(hole.path,),
        roots=hole.roots,
        origin=hole.origin,
        language=hole.language or None,
    )
