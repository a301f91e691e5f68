"""Conversations: their turns, what of them a model is sent, and one turn from question to answer.

Conversations live in memory, as long as the server does; a client that keeps one itself may begin it anew
with its earlier turns. A turn that was stopped or cut off keeps what had come, so that the next question can
refer to it.
"""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from farebox.chat.answer import Seen
from farebox.chat.evidence import Outcome, evidence, kept
from farebox.chat.prompts import Attachment, Diagnostic, question, system_text
from farebox.errors import InvalidParams
from farebox.messages import (
    Call,
    Chat,
    Done,
    Event,
    Image,
    Message,
    ReasoningEffort,
    Route,
    Task,
    Text,
    Trace,
)
from farebox.router.classify import Facts
from farebox.router.door import Door, Reply
from farebox.router.request import MIN_CACHED_TOKENS, NOBODY, Origin, Request, Serving, bytes_in, tokens_in

MAX_CONVERSATIONS = 100
MAX_TURNS = 200
MAX_HISTORY_CHARS = 400_000
MAX_QUESTION_CHARS = 4_000_000
MAX_OUTPUT_TOKENS = 8_192
MAX_KEPT_CHARS = 50_000_000
"""Over all conversations, with their pictures' base64."""

TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Question:
    """What the user asks in one turn; ``system`` replaces the task's own system text.

    ``replaces`` is the id of a turn that is asked anew: its answer was not wanted, and no model is shown it.
    One that has never come here is not missed.
    """

    text: str
    task: Task = "chat"
    model: str | None = None
    attachments: tuple[Attachment, ...] = ()
    images: tuple[Image, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    reasoning: ReasoningEffort | None = None
    system: str | None = None
    roots: tuple[str, ...] = ()
    origin: Origin = NOBODY
    replaces: str | None = None

    @property
    def prompt(self) -> str:
        """The question as a model gets it, with what is attached."""
        return question(self.text, self.attachments, self.diagnostics, roots=self.roots)

    def without_texts(self) -> "Question":
        """Return it without what is attached, which its prompt has: a conversation keeps that once."""
        return replace(self, attachments=tuple(replace(one, text="") for one in self.attachments))

    @property
    def system_words(self) -> str:
        """The system text that a model gets with it."""
        return self.system or system_text(self.task)

    @property
    def errors(self) -> int:
        """How many errors came with it."""
        return sum(one.severity == "error" for one in self.diagnostics)

    @property
    def sources(self) -> tuple[str, ...]:
        """The files that it quotes."""
        attached = (one.path for one in self.attachments)
        told = (one.path for one in self.diagnostics)
        return tuple(path for path in (*attached, *told) if path is not None)


@dataclass(slots=True)
class Turn:
    """One question and what came of it. ``done`` is None while it runs, and if this server asked nobody.

    ``outcome`` is what the editor has told of the answer, ``errors_left`` how many errors its file still had
    after it was applied, ``told_after`` how many turns there were when it told.
    """

    id: str
    question: Question
    prompt: str
    answer: str = ""
    done: Done | None = None
    ended_s: float | None = None
    outcome: Outcome | None = None
    errors_left: int = 0
    told_after: int = 0

    @property
    def chars(self) -> int:
        """How much text it keeps, with its pictures and the reasoning that is sent back."""
        return len(self.answer) + _chars(self.prompt, self.question.images) + _traced(self.trace)

    @property
    def trace(self) -> Trace | None:
        """The model's reasoning, as its provider wants it back."""
        return self.done.trace if self.done is not None else None


@dataclass(slots=True)
class Conversation:
    """The turns of one chat, oldest first."""

    id: str
    turns: list[Turn] = field(default_factory=list[Turn])
    running: "asyncio.Task[object] | None" = None

    @property
    def chars(self) -> int:
        """How much text it keeps, with its pictures."""
        return sum(turn.chars for turn in self.turns)

    @property
    def title(self) -> str:
        """The beginning of the first question."""
        first = self.turns[0].question.text if self.turns else ""
        line = " ".join(first.split())
        return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1] + "…"

    def standing(self, asked: Question) -> list[Turn]:
        """Return the turns that a question follows, without those that were asked anew."""
        replaced = {asked.replaces, *(turn.question.replaces for turn in self.turns)}
        return [turn for turn in self.turns if turn.id not in replaced]


class Conversations:
    """All conversations of one server; the one unused for longest makes room for a new one."""

    def __init__(self) -> None:
        self._all: OrderedDict[str, Conversation] = OrderedDict()
        self._begun: dict[str, Conversation] = {}

    def open(self, conversation_id: str | None, earlier: Iterable[Turn] | None = None) -> Conversation:
        """Return a conversation, or a new one, not kept yet.

        An unknown id is that of a new one if its ``earlier`` turns are told, and else raises InvalidParams.
        """
        if conversation_id is None:
            return Conversation(uuid.uuid4().hex)
        if conversation_id in self._all:
            self._all.move_to_end(conversation_id)
        if (conversation := self._found(conversation_id)) is not None:
            return conversation
        if earlier is None:
            raise InvalidParams(
                f"there is no conversation {conversation_id}",
                hint="farebox/conversations lists all; a chat without one begins a new one.",
            )
        return Conversation(conversation_id, list(earlier))

    async def stopped(self, conversation_id: str | None) -> None:
        """Wait for the end of a turn that is being stopped; one that goes on is not waited for.

        By then the conversation may be another one, or none: who waits opens it afterwards.
        """
        conversation = self._found(conversation_id)
        if conversation is not None and conversation.running and conversation.running.cancelling():
            await asyncio.wait([conversation.running])

    def begin(self, conversation: Conversation) -> None:
        """Let a new conversation be found by its id while its first turn runs; kept it is not yet."""
        if conversation.id not in self._all:
            self._begun[conversation.id] = conversation

    def keep_begun(self, conversation: Conversation) -> None:
        """Keep a conversation that has begun, unless it was deleted since."""
        if self._begun.get(conversation.id) is conversation:
            self.keep(conversation)

    def end(self, conversation: Conversation) -> None:
        """Hear that a turn has ended: a conversation that has only begun is forgotten, others grow."""
        if self._begun.get(conversation.id) is conversation:
            del self._begun[conversation.id]
        self.make_room()

    def newest_first(self) -> tuple[Conversation, ...]:
        """Return all conversations."""
        return tuple(reversed(self._all.values()))

    def note(self, conversation_id: str, turn_id: str | None, outcome: Outcome, errors_left: int) -> None:
        """Take note of what became of an answer, by default the last. Raises InvalidParams."""
        turns = self.open(conversation_id).turns
        turn = next((one for one in reversed(turns) if turn_id in (None, one.id)), None)
        if turn is None:
            raise InvalidParams(
                f"there is no turn {turn_id} in this conversation" if turn_id else "there is no turn yet",
                hint="farebox/conversation lists its turns.",
            )
        turn.outcome, turn.errors_left, turn.told_after = outcome, errors_left, len(turns)

    def delete(self, conversation_id: str) -> None:
        """Forget a conversation. Raises InvalidParams for an unknown id."""
        self.open(conversation_id)
        self._all.pop(conversation_id, None)
        self._begun.pop(conversation_id, None)

    def keep(self, conversation: Conversation) -> None:
        """Keep a conversation as the last used one."""
        self._begun.pop(conversation.id, None)
        self._all[conversation.id] = conversation
        self._all.move_to_end(conversation.id)
        self.make_room()

    def make_room(self) -> None:
        """Forget those unused for longest until the rest, or the last one alone, is within the limits."""
        chars = sum(conversation.chars for conversation in self._all.values())
        while len(self._all) > 1 and (len(self._all) > MAX_CONVERSATIONS or chars > MAX_KEPT_CHARS):
            chars -= self._all.popitem(last=False)[1].chars

    def _found(self, conversation_id: str | None) -> Conversation | None:
        if conversation_id is None:
            return None
        return self._all.get(conversation_id) or self._begun.get(conversation_id)


class RunningTurn:
    """One turn on its way: iterate ``events``; ``turn`` holds what has come so far, whatever happens."""

    def __init__(
        self, door: Door, conversation: Conversation, asked: Question, turn_id: str | None = None
    ) -> None:
        if conversation.running is not None:
            raise InvalidParams(
                "a turn is running in this conversation", hint="Wait until it has ended, or stop it."
            )
        if any(turn.id == turn_id for turn in conversation.turns):
            raise InvalidParams(f"there is a turn {turn_id} already", hint="Give each turn an id of its own.")
        _check(conversation, asked)
        self.turn = Turn(turn_id or uuid.uuid4().hex, asked.without_texts(), asked.prompt)
        self._request = _request(conversation, self.turn)
        self._conversation = conversation
        self._reply: Reply = door.send(self._request)
        conversation.turns.append(self.turn)

    @property
    def done(self) -> Done | None:
        """What the turn came to, once it has ended; also if it was stopped."""
        return self._reply.done

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield the answer's events. Raises FareboxError; cancelling the task stops the turn."""
        self._conversation.running = asyncio.current_task()
        seen = Seen()
        try:
            async with aclosing(self._reply.events()) as events:
                async for event in events:
                    for told in seen.told(event):
                        if isinstance(told, Text):
                            self.turn.answer += told.text
                        yield told
        finally:
            self.turn.done = self._reply.done
            self.turn.ended_s = time.monotonic()
            self._conversation.running = None


def earlier_turn(asked: Question, answer: str, turn_id: str | None = None) -> Turn:
    """Return a turn that a client has kept, as if it had been asked here."""
    return Turn(turn_id or uuid.uuid4().hex, asked.without_texts(), asked.prompt, answer=answer)


async def route(door: Door, conversation: Conversation, asked: Question) -> Route:
    """Show where a question would go. Nothing leaves, nothing is kept."""
    _check(conversation, asked)
    turn = Turn("", asked, asked.prompt)
    return await door.route(_request(conversation, turn))


def history(turns: Sequence[Turn], *, room_chars: int) -> tuple[Message, ...]:
    """Return the newest turns that fit into the room, oldest first; a turn is never cut in two.

    A turn whose reasoning does not fit as well goes without it.
    """
    kept: list[Message] = []
    for turn in reversed(turns):
        if not turn.answer:
            continue
        room_chars -= len(turn.prompt) + len(turn.answer)
        if room_chars < 0:
            break
        trace = turn.trace if _traced(turn.trace) <= room_chars else None
        room_chars -= _traced(trace)
        kept[:0] = [
            Message("user", turn.prompt, turn.question.images),
            Message("assistant", turn.answer, trace=trace),
        ]
    return tuple(kept)


def _request(conversation: Conversation, turn: Turn) -> Request:
    asked = turn.question
    before = conversation.standing(asked)
    earlier = history(before, room_chars=MAX_HISTORY_CHARS - len(turn.prompt))
    system = Message("system", asked.system_words)
    sent = (*earlier, Message("user", turn.prompt, asked.images))
    input_bytes = sum(bytes_in(message.text) + _traced(message.trace) for message in (system, *sent))
    # A conversation goes on more often than not, and its prompt is sent again with every turn.
    caches = tokens_in(input_bytes) >= MIN_CACHED_TOKENS
    messages = (system, *sent[:-1], replace(sent[-1], cache_here=caches))

    def render(serving: Serving) -> Call:
        limit = min(MAX_OUTPUT_TOKENS, serving.max_output_tokens or MAX_OUTPUT_TOKENS)
        return Call(serving.model, Chat(messages), max_output_tokens=limit, reasoning=asked.reasoning)

    # A turn without an answer is not sent: one that was excluded must not shut the conversation for good.
    questions = [*(past.question for past in before if past.answer), asked]
    return Request(
        task=asked.task,
        render=render,
        input_bytes=input_bytes,
        max_output_tokens=MAX_OUTPUT_TOKENS,
        requested=asked.model,
        images=sum(len(message.images) for message in messages),
        caches=caches,
        sources=tuple(path for one in questions for path in one.sources),
        roots=asked.roots,
        origin=Origin(asked.origin.workspace, asked.origin.client, conversation.id or None),
        facts=_facts(before, asked),
        evidence=evidence(conversation.turns, asked),
        kept=kept(conversation.turns, asked),
    )


def _facts(before: Sequence[Turn], asked: Question) -> Facts:
    return Facts(
        text=asked.text,
        files=len(asked.attachments),
        has_selection=any(one.is_excerpt for one in asked.attachments),
        diagnostics=len(asked.diagnostics),
        turn=len(before) + 1,
        reasoning=asked.reasoning,
    )


def _check(conversation: Conversation, asked: Question) -> None:
    if not asked.text.strip():
        raise InvalidParams("the question is empty", hint="Write something in text.")
    size = len(asked.text) + sum(len(one.text) for one in asked.attachments)
    size += sum(len(one.message) for one in asked.diagnostics)
    if size > MAX_QUESTION_CHARS:
        raise InvalidParams(
            f"the question and its attachments are longer than {MAX_QUESTION_CHARS} characters",
            hint="Attach less.",
        )
    if len(conversation.turns) >= MAX_TURNS:
        raise InvalidParams(
            f"this conversation has {MAX_TURNS} turns already", hint="Begin a new conversation."
        )
    size += sum(len(image.data) for image in asked.images)
    if conversation.chars + size > MAX_KEPT_CHARS:
        raise InvalidParams(
            f"this conversation with its pictures is longer than {MAX_KEPT_CHARS} characters",
            hint="Begin a new conversation, or attach less.",
        )


def _traced(trace: Trace | None) -> int:
    return sum(len(block) for block in trace.blocks) if trace is not None else 0


def _chars(text: str, images: tuple[Image, ...]) -> int:
    return len(text) + sum(len(image.data) for image in images)
