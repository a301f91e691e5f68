"""One hole, one request: from the window around a cursor to the pieces of text that a model fills it with.

Stateless: what was asked before, and what is typed meanwhile, is the ``completer``'s. Knows plain text and
positions in it; no editor, no provider.
"""

import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from farebox.completion import gate
from farebox.completion.answer import last_answer, running_answer
from farebox.completion.prompt import MAX_OUTPUT_TOKENS, most_bytes, render
from farebox.completion.trim import MAX_ANSWER_CHARS, hidden, trim
from farebox.completion.window import Snippet, Window, window
from farebox.config import Config
from farebox.messages import Call, Chat, Cost, Done, Route, Routed, Text, Usage
from farebox.privacy import Rules, rules_from, shown_name
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
    document: str = ""
    """What tells the document from any other; without it its path does."""

    is_trusted: bool = True
    """Whether files of its workspace may be opened: its ignore files, say."""

    @property
    def key(self) -> str:
        """What the document is called among those that are open."""
        return self.document or self.path

    @property
    def has_crlf(self) -> bool:
        """Whether its lines end as on Windows."""
        halves = (self.prefix, self.suffix)
        return any("\r" in half and "\r\n" in half for half in halves)  # one character is found much sooner

    def plain(self) -> "Hole":
        """Return it with line feeds alone, which is what models write."""
        if "\r" not in self.prefix and "\r" not in self.suffix:
            return self
        return replace(self, prefix=with_line_feeds(self.prefix), suffix=with_line_feeds(self.suffix))

    def window(self) -> Window:
        """Return what of the document a request carries."""
        return window(shown_name(self.path, self.roots), self.language, self.prefix, self.suffix)


def with_line_feeds(text: str) -> str:
    """Write a text's line ends as line feeds alone."""
    return text.replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Item:
    """One insertion at the cursor."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer; where nothing was asked no item, but why ``shut``. ``call_id`` is its row in the ledger.

    ``hidden`` are the characters nobody would see for which the answer is withheld.
    """

    items: tuple[Item, ...] = ()
    shut: gate.Shut | None = None
    route: Route | None = None
    usage: Usage = field(default_factory=Usage)
    cost: Cost | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None
    call_id: str | None = None
    hidden: tuple[str, ...] = ()

    def of(self, done: Done | None) -> "Completion":
        """Add what the request came to."""
        if done is None:
            return self
        return replace(
            self,
            route=done.route,
            usage=done.usage,
            cost=done.cost,
            first_token_ms=done.first_token_ms,
            total_ms=done.total_ms,
            call_id=done.call_id,
        )


@dataclass(frozen=True, slots=True)
class Filling:
    """How a hole is to be filled: ``temperature`` 0 is the likeliest text, more is another candidate."""

    window: Window
    snippets: tuple[Snippet, ...] = ()
    one_line: bool = False
    temperature: float = 0


def _forget(_: Reply) -> None: ...


async def complete(
    door: Door, hole: Hole, config: Config, *, note_reply: Callable[[Reply], None] = _forget
) -> Completion:
    """Fill a hole, once, for somebody who has asked. Raises FareboxError; cancelling the task closes the
    socket.

    ``note_reply`` is given the request when it leaves: what it came to can be read there if it is cancelled.
    """
    around = hole.window()
    shut = shut_at(hole, around, config)
    if shut is not None and shut.reason != "excluded":  # who asks for that is told by the door's error
        return Completion(shut=shut)
    filling = Filling(around, one_line=one_line(around, config))
    reply, pieces = start(door, hole, filling)
    note_reply(reply)
    async with aclosing(pieces) as texts:
        answer = "".join([text async for text in texts])
    text = trim(answer, around)
    items = (Item(uuid.uuid4().hex, text),) if text is not None else ()
    return Completion(items, hidden=() if items else hidden(answer, around)).of(reply.done)


async def route(door: Door, hole: Hole) -> Route:
    """Show where a completion would go. Nothing leaves."""
    filling = Filling(hole.window())
    return await door.route(_request(hole, filling, lambda serving: _call(filling, serving)))


def shut_at(hole: Hole, around: Window, config: Config, *, paused: bool = False) -> gate.Shut | None:
    """Return why nothing is asked for at a place, or None."""
    return gate.shut(
        around,
        config.completion,
        path=hole.path,
        rules=rules_of(hole, config),
        size_chars=len(hole.prefix) + len(hole.suffix),
        invoked=hole.invoked,
        paused=paused,
        hides_secrets=config.privacy.secrets != "send",
    )


def rules_of(hole: Hole, config: Config) -> Rules:
    """Return what decides whether a hole's file may leave."""
    return rules_from(config.privacy, hole.roots, reads=hole.is_trusted)


def one_line(around: Window, config: Config) -> bool:
    """Whether no more than the rest of a line is wanted."""
    return config.completion.lines == "one" or around.one_line


def start(
    door: Door,
    hole: Hole,
    filling: Filling,
    note_route: Callable[[Route], None] | None = None,
) -> tuple[Reply, AsyncGenerator[str, None]]:
    """Begin to fill a hole: the reply on its way, and the pieces of its text, without what is around them.

    An answer of more than MAX_ANSWER_CHARS ends there: its stream is closed.
    """
    calls: list[Call] = []

    def render_and_note(serving: Serving) -> Call:
        calls.append(_call(filling, serving))
        return calls[-1]

    reply = door.send(_request(hole, filling, render_and_note))
    return reply, _pieces(reply, calls, filling.window, note_route)


async def _pieces(
    reply: Reply, calls: list[Call], around: Window, note_route: Callable[[Route], None] | None
) -> AsyncGenerator[str, None]:
    raw = given = ""
    room_chars = MAX_ANSWER_CHARS
    async with aclosing(reply.events()) as events:
        async for event in events:
            if isinstance(event, Routed) and note_route is not None:
                note_route(event.route)
            if not isinstance(event, Text):
                continue
            text = event.text[:room_chars]
            room_chars -= len(text)
            if not isinstance(calls[-1].prompt, Chat):
                yield text
            else:
                raw += text
                answer = running_answer(raw, around)
                if len(answer) > len(given) and answer.startswith(given):
                    piece, given = answer[len(given) :], answer
                    yield piece
            if room_chars <= 0:
                break
    rest = last_answer(raw, around) if raw else ""
    if len(rest) > len(given) and rest.startswith(given):
        yield rest[len(given) :]


def _call(filling: Filling, serving: Serving) -> Call:
    return render(
        filling.window,
        serving,
        filling.snippets,
        one_line=filling.one_line,
        temperature=filling.temperature,
    )


def _request(hole: Hole, filling: Filling, render_call: Callable[[Serving], Call]) -> Request:
    return Request(
        task="complete",
        render=render_call,
        input_bytes=most_bytes(filling.window, filling.snippets),
        max_output_tokens=MAX_OUTPUT_TOKENS,
        requested=hole.model,
        sources=(hole.path, *dict.fromkeys(snippet.path for snippet in filling.snippets)),
        roots=hole.roots,
        origin=hole.origin,
        language=hole.language or None,
    )
