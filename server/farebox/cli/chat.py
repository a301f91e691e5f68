"""``farebox chat``: a question from the arguments, stdin or the terminal, the answer streamed to stdout.

As users know it from other tools: what is piped in beside a question goes with it, read to its end.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Literal

from farebox.app import App
from farebox.chat import conversation as chats
from farebox.chat.prompts import Attachment
from farebox.cli import standards
from farebox.cli.running import with_app
from farebox.cli.terminal import ask as ask_user
from farebox.cli.terminal import note, read_stdin, show, show_json, stdin_is_pipe, stdin_is_terminal
from farebox.errors import BrokenReply, FareboxError, InvalidParams
from farebox.lsp import money
from farebox.lsp.methods import ChatResult
from farebox.messages import Cost, Done, FellBack, FinishReason, Retrying, Route, Task, Text, Usage, usd_text
from farebox.shapes import cost_shape, route_shape, usage_shape
from farebox.unseen import clean

Standard = Literal["openai", "claude"]

FROM_STDIN = "-"
"""As the only word, it means that the question is on stdin."""

_CUT_OFF: dict[FinishReason, str] = {
    "length": "the answer reached the limit of output tokens, or the end of the model's context",
    "contentFilter": "the provider's content filter ended the answer",
}
"""Why an answer that looks whole is not."""


def chat(
    words: Sequence[str],
    *,
    model: str | None,
    agent: str | None,
    task: Task,
    as_json: bool,
    standard: Standard | None,
) -> int:
    """Ask one question and print the answer; the footer goes to stderr.

    A system text that stands in the standard's JSON goes before the agent's.
    """
    conversation, question = _read(words, standard)
    question = replace(question, model=model or question.model, task=task)
    quiet = as_json or standard is not None

    async def ask(app: App) -> tuple[chats.RunningTurn, str | None]:
        door = app.door(agent)
        system = question.system or door.planner.config.agent.system
        asked = replace(question, system=system, roots=app.client.roots, origin=app.client.origin)
        running = chats.RunningTurn(door, conversation, asked)
        try:
            await _stream(running, quiet=quiet)
        except asyncio.CancelledError:
            if running.turn.answer and not quiet:
                show("")
            note(stopped(running.done))
            raise
        return running, await _about_money(app)

    running, about_money = with_app(ask)
    done = running.done
    if done is None:
        raise BrokenReply("the answer never ended", hint="Try again.", provider="farebox")
    _print(running.turn, done, as_json=as_json, standard=standard)
    if about_money is not None:
        note(about_money)
    return 0


async def _about_money(app: App) -> str | None:
    """Say which budget is being used up, if one is: from there on another model may answer, or none."""
    with suppress(FareboxError):
        return money.noteworthy(await app.spending())
    return None


def _read(words: Sequence[str], standard: Standard | None) -> tuple[chats.Conversation, chats.Question]:
    """Put the question together from the arguments, stdin or the terminal. Raises InvalidParams."""
    if standard is not None:
        if words and " ".join(words) != FROM_STDIN:
            raise InvalidParams(
                "a question can't stand beside --json-standard, which reads the conversation from stdin",
                hint="Write the question into the JSON's messages, or leave out --json-standard.",
            )
        return standards.read(read_stdin())
    asked_for = not words and stdin_is_terminal()
    text, attachments = (_as_text(ask_user("Question: ")), ()) if asked_for else said(words)
    if not text.strip():
        raise InvalidParams(
            "the question is empty", hint='Write one, or pipe it in: farebox chat "What is a monad?"'
        )
    return chats.Conversation(""), chats.Question(text, attachments=attachments)


def said(words: Sequence[str]) -> tuple[str, tuple[Attachment, ...]]:
    """Return a question and what goes with it, from the arguments and stdin; a terminal is not read.

    Raises InvalidParams for bytes that are no text.
    """
    text = _as_text(" ".join(words))
    if text == FROM_STDIN or (not words and not stdin_is_terminal()):
        return read_stdin(), ()
    return text, _piped() if text.strip() and not stdin_is_terminal() else ()


def _as_text(text: str) -> str:
    if any("\ud800" <= char <= "\udfff" for char in text):  # how Python keeps bytes that are none
        raise InvalidParams("the question is not UTF-8 text", hint="Convert it to UTF-8 first.")
    return text


def _piped() -> tuple[Attachment, ...]:
    """Read what goes with a question; say so if a pipe held nothing, as behind a command that failed."""
    text = read_stdin(strict=False)
    if text.strip():
        return (Attachment("stdin", text),)
    if stdin_is_pipe():
        note("nothing was piped in: the question is asked alone")
    return ()


async def _stream(running: chats.RunningTurn, *, quiet: bool) -> None:
    async with aclosing(running.events()) as events:
        async for event in events:
            if isinstance(event, Retrying):
                note(f"{event.target.name}: {event.error}; trying again in {event.wait_s:.1f} s")
            if isinstance(event, FellBack):
                note(f"{event.failed.name}: {event.error}; trying the next model")
            if isinstance(event, Text) and not quiet:
                show(event.text, end="")


def _print(turn: chats.Turn, done: Done, *, as_json: bool, standard: Standard | None) -> None:
    if standard is not None:
        show_json(standards.write(standard, turn, done))
    elif as_json:
        result = ChatResult(
            conversation="",
            turn=turn.id,
            text=turn.answer,
            finish_reason=done.finish_reason,
            route=route_shape(done.route),
            usage=usage_shape(done.usage),
            cost=cost_shape(done.cost),
        )
        show_json(result.json_value())
    else:
        show("")
        if done.finish_reason in _CUT_OFF:
            note(f"cut off: {_CUT_OFF[done.finish_reason]}")
        note(footer(done.route, done.usage, done.cost))


def footer(route: Route, usage: Usage, cost: Cost) -> str:
    """Say in one line who answered, with how many tokens, and what it cost."""
    price = "cost unknown" if cost.nanodollars is None else f"${usd_text(cost.nanodollars)} ({cost.basis})"
    return f"[{clean(route.target.name)} | {usage.input_tokens} in, {usage.output_tokens} out | {price}]"


def stopped(done: Done | None) -> str:
    """Say what a request cost that was stopped."""
    if done is None:
        return "stopped before anything was sent"
    return f"stopped: {footer(done.route, done.usage, done.cost)}"
