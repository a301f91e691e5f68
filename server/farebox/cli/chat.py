"""``farebox chat``: a question from the arguments or stdin, the answer streamed to stdout."""

from contextlib import aclosing
from dataclasses import replace
from typing import Literal

from farebox.app import App
from farebox.chat import conversation as chats
from farebox.cli import standards
from farebox.cli.route import read_task
from farebox.cli.running import with_app
from farebox.cli.terminal import from_stdin, note, show, show_json
from farebox.errors import BrokenReply
from farebox.lsp.methods import ChatResult
from farebox.messages import Cost, Done, FellBack, Route, Text, Usage, usd_text
from farebox.report import clean
from farebox.shapes import cost_shape, route_shape, usage_shape

Standard = Literal["openai", "claude"]


def chat(text: str, *, model: str | None, task: str, as_json: bool, standard: Standard | None) -> int:
    """Ask one question and print the answer; the footer goes to stderr."""
    wanted = read_task(task)
    given = text or from_stdin(lambda stream: stream.read())
    conversation = chats.Conversation("")
    if standard is not None:
        conversation, question = standards.read(given)
        question = replace(question, model=model or question.model, task=wanted)
    else:
        question = chats.Question(given, task=wanted, model=model)
    quiet = as_json or standard is not None

    async def ask(app: App) -> chats.RunningTurn:
        asked = replace(question, roots=app.client.roots, origin=app.client.origin)
        running = chats.RunningTurn(app.door(), conversation, asked)
        async with aclosing(running.events()) as events:
            async for event in events:
                if isinstance(event, FellBack):
                    note(f"{event.error}; trying the next model")
                if isinstance(event, Text) and not quiet:
                    show(event.text, end="")
        return running

    running = with_app(ask)
    done = running.done
    if done is None:
        raise BrokenReply("the answer never ended", hint="Try again.", provider="farebox")
    _print(running.turn, done, as_json=as_json, standard=standard)
    return 0


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
        note(footer(done.route, done.usage, done.cost))


def footer(route: Route, usage: Usage, cost: Cost) -> str:
    """Say in one line who answered, with how many tokens, and what it cost."""
    price = "cost unknown" if cost.nanodollars is None else f"${usd_text(cost.nanodollars)} ({cost.basis})"
    return f"[{clean(route.target.name)} | {usage.input_tokens} in, {usage.output_tokens} out | {price}]"
