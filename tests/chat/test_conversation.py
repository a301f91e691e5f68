"""Conversations: what of them a model is sent, what a stopped turn leaves, and where they end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.chat import conversation as chats
from farebox.chat.conversation import (
    MAX_CONVERSATIONS,
    MAX_HISTORY_CHARS,
    MAX_OUTPUT_TOKENS,
    MAX_QUESTION_CHARS,
    MAX_TURNS,
    Conversation,
    Conversations,
    Question,
    RunningTurn,
    Turn,
    earlier_turn,
    history,
)
from farebox.chat.prompts import Attachment, system_text
from farebox.errors import Excluded, FareboxError, InvalidParams, Overloaded
from farebox.messages import Image, Message, Task, Text
from farebox.router.door import Door
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse

OpenDoor = Callable[..., Door]

HANGING = Answer(
    body=sse(chunk({"content": "half a "}), done=False), content_type="text/event-stream", hang=True
)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def door(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Door]:
    config = tmp_path / "config.toml"
    config.write_text(
        f"""
[tasks]
chat = "box/m"
[providers]
box.base_url = "{upstream.base_url}"
openai.base_url = "{upstream.base_url}"
[privacy]
exclude = ["mine/"]
"""
    )
    environment = {
        "FAREBOX_HOME": str(tmp_path),
        "FAREBOX_CONFIG": str(config),
        "OPENAI_API_KEY": "k",
    }
    app = App(Client(name="test"), environment=environment)
    yield app.door()
    await app.close()


def an_answer(text: str) -> Answer:
    return Answer(body=openrouter_stream(text), content_type="text/event-stream")


def a_turn(prompt: str, answer: str) -> Turn:
    return Turn("t", Question(prompt), prompt, answer=answer)


async def finish(running: RunningTurn) -> str:
    async with aclosing(running.events()) as events:
        return "".join([event.text async for event in events if isinstance(event, Text)])


async def ask(door: Door, conversation: Conversation, question: Question | str) -> str:
    asked = Question(question) if isinstance(question, str) else question
    return await finish(RunningTurn(door, conversation, asked))


def sent(upstream: Upstream) -> list[tuple[str, object]]:
    messages = upstream.requests[-1].json["messages"]
    assert isinstance(messages, list)
    return [(message["role"], message["content"]) for message in messages]


async def test_the_next_question_carries_the_turns_before_it(door: Door, upstream: Upstream):
    upstream.queue(an_answer("Four."), an_answer("Nine."))
    conversation = Conversation("c")
    assert await ask(door, conversation, "2+2?") == "Four."
    assert await ask(door, conversation, "and 3*3?") == "Nine."
    assert sent(upstream)[1:] == [("user", "2+2?"), ("assistant", "Four."), ("user", "and 3*3?")]
    assert [turn.done is not None for turn in conversation.turns] == [True, True]
    assert conversation.turns[0].id != conversation.turns[1].id


async def test_a_turn_that_is_asked_anew_is_shown_to_no_model(door: Door, upstream: Upstream):
    upstream.queue(*map(an_answer, ("One.", "Three?", "Three!", "Four.", "Two.")))
    conversation = Conversation("c")
    await ask(door, conversation, Question("first", attachments=(Attachment("a.py", "fare = 2"),)))
    await ask(door, conversation, "second")
    await ask(door, conversation, Question("second", replaces=conversation.turns[1].id))
    assert sent(upstream)[2:] == [("assistant", "One."), ("user", "second")]
    await ask(door, conversation, "third")
    assert sent(upstream)[2:] == [
        ("assistant", "One."),
        ("user", "second"),
        ("assistant", "Three!"),
        ("user", "third"),
    ]
    await ask(door, conversation, Question("first, differently", replaces=conversation.turns[0].id))
    assert "fare = 2" not in str(sent(upstream))
    assert len(conversation.turns) == 5


async def test_work_that_is_asked_anew_at_its_beginning_still_begins(door: Door, upstream: Upstream):
    upstream.queue(an_answer("Reading."))
    conversation = Conversation("c")
    begins = Question("Read the file.", task="agent", model="box/m")
    await ask(door, conversation, begins)
    again = replace(begins, replaces=conversation.turns[0].id)
    assert (await chats.route(door, conversation, begins)).phase == "act"
    assert (await chats.route(door, conversation, again)).phase == "plan"


async def test_a_turn_that_never_came_is_not_missed_when_it_is_asked_anew(door: Door, upstream: Upstream):
    upstream.queue(an_answer("One."), an_answer("Two."))
    conversation = Conversation("c")
    await ask(door, conversation, "first")
    assert await ask(door, conversation, Question("second", replaces="nowhere")) == "Two."
    assert sent(upstream)[1:] == [("user", "first"), ("assistant", "One."), ("user", "second")]


async def test_a_client_names_a_turn_and_no_two_alike(door: Door, upstream: Upstream):
    upstream.queue(an_answer("One."))
    conversation = Conversation("c", [earlier_turn(Question("zeroth"), "None.", "mine_0")])
    await finish(RunningTurn(door, conversation, Question("first"), "mine_1"))
    assert [turn.id for turn in conversation.turns] == ["mine_0", "mine_1"]
    with pytest.raises(InvalidParams, match="there is a turn mine_0 already"):
        RunningTurn(door, conversation, Question("second"), "mine_0")
    assert len(conversation.turns) == 2


async def test_what_was_excluded_later_does_not_stop_a_turn_asked_anew_without_it(
    door: Door, upstream: Upstream
):
    upstream.queue(an_answer("Two."))
    mine = Question("first", attachments=(Attachment("mine/a.py", "x", "/ws/mine/a.py"),), roots=("/ws",))
    conversation = Conversation("c", [earlier_turn(mine, "One.")])
    with pytest.raises(Excluded):
        await ask(door, conversation, "second")
    assert await ask(door, conversation, Question("first", replaces=conversation.turns[0].id)) == "Two."


async def test_a_stopped_turn_keeps_what_had_come(door: Door, upstream: Upstream):
    upstream.queue(HANGING, an_answer("word."))
    conversation = Conversation("c")
    running = RunningTurn(door, conversation, Question("first"))
    heard = asyncio.Event()

    async def read() -> None:
        async with aclosing(running.events()) as events:
            async for event in events:
                if isinstance(event, Text):
                    heard.set()

    task = asyncio.create_task(read())
    await heard.wait()
    task.cancel()
    await asyncio.wait([task])
    assert running.turn.answer == "half a "
    assert running.turn.done is not None
    assert running.turn.done.cancelled
    await ask(door, conversation, "go on")
    assert sent(upstream)[1:] == [("user", "first"), ("assistant", "half a "), ("user", "go on")]


async def test_an_unanswered_turn_is_not_sent(door: Door, upstream: Upstream):
    not_again = {"x-should-retry": "false"}
    upstream.queue(json_answer({"error": "no"}, status=500, headers=not_again), an_answer("Yes."))
    conversation = Conversation("c")
    with pytest.raises(Overloaded):
        await ask(door, conversation, "lost")
    await ask(door, conversation, "again")
    assert sent(upstream)[1:] == [("user", "again")]
    assert [turn.question.text for turn in conversation.turns] == ["lost", "again"]


@pytest.mark.parametrize("task", ["chat", "review", "explain"])
async def test_the_system_text_is_the_tasks(door: Door, upstream: Upstream, task: Task):
    upstream.queue(an_answer("."))
    await ask(door, Conversation("c"), Question("q", task=task))
    assert sent(upstream)[0] == ("system", system_text(task))


async def test_a_system_text_of_ones_own_replaces_it(door: Door, upstream: Upstream):
    upstream.queue(an_answer("."))
    await ask(door, Conversation("c"), Question("q", system="You rhyme."))
    assert sent(upstream) == [("system", "You rhyme."), ("user", "q")]
    assert upstream.requests[-1].json["max_tokens"] == MAX_OUTPUT_TOKENS


async def test_attachments_pictures_and_effort_are_sent(door: Door, upstream: Upstream):
    upstream.queue(an_answer("."))
    asked = Question(
        "why?",
        model="openai/gpt-5",
        attachments=(Attachment("a.py", "x = 1", "/ws/a.py"),),
        images=(Image("image/png", "AAAA"),),
        reasoning="low",
    )
    conversation = Conversation("c")
    await ask(door, conversation, asked)
    body = upstream.requests[-1].json
    assert body["reasoning_effort"] == "low"
    (kept,) = conversation.turns
    assert "x = 1" in kept.prompt
    assert kept.question.attachments == (Attachment("a.py", "", "/ws/a.py"),)  # its text is kept once
    _, content = sent(upstream)[-1]
    assert content == [
        {"type": "text", "text": '<attachment name="a.py">\nx = 1\n</attachment>\n\nwhy?'},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]


@pytest.mark.parametrize(
    ("turns", "room", "kept"),
    [
        pytest.param([("aaa", "bbb"), ("cc", "dd")], 10, ["aaa", "bbb", "cc", "dd"], id="all"),
        pytest.param([("aaa", "bbb"), ("cc", "dd")], 9, ["cc", "dd"], id="the-oldest-goes"),
        pytest.param([("a", "b"), ("cc" * 9, "dd")], 9, [], id="none-is-cut-and-none-skipped"),
        pytest.param([("a", "b"), ("c" * 99, ""), ("d", "e")], 4, ["a", "b", "d", "e"], id="unanswered"),
        pytest.param([], 10, [], id="empty"),
        pytest.param([("a", "b")], -1, [], id="no-room"),
    ],
)
def test_history_is_the_newest_whole_turns_that_fit(turns: list[tuple[str, str]], room: int, kept: list[str]):
    conversation = Conversation("c", [a_turn(*turn) for turn in turns])
    messages = history(conversation.turns, room_chars=room)
    assert [message.text for message in messages] == kept
    assert [message.role for message in messages] == ["user", "assistant"] * (len(kept) // 2)


async def test_a_long_question_pushes_the_history_out(door: Door, upstream: Upstream):
    upstream.queue(an_answer("."))
    conversation = Conversation("c", [a_turn("old", "x" * 10), a_turn("new", "y")])
    await ask(door, conversation, "q" * (MAX_HISTORY_CHARS - 4))
    assert [content for _, content in sent(upstream)[1:-1]] == ["new", "y"]


async def test_a_file_that_is_excluded_keeps_its_whole_conversation_here(door: Door, upstream: Upstream):
    secret = Question("q", attachments=(Attachment("n", "text", "/ws/mine/n.txt"),))
    told = Conversation("c", [Turn("t", secret, "q with it", answer="an answer from before the rule")])
    with pytest.raises(Excluded):
        await ask(door, told, "more")
    assert upstream.connections == 0


async def test_an_excluded_question_does_not_end_the_conversation(door: Door, upstream: Upstream):
    upstream.queue(an_answer("Fine."))
    conversation = Conversation("c")
    with pytest.raises(Excluded):
        await ask(door, conversation, Question("q", attachments=(Attachment(".env", "K=1", "/ws/.env"),)))
    assert await ask(door, conversation, "without it") == "Fine."
    assert "K=1" not in upstream.requests[-1].raw.decode()


@pytest.mark.parametrize(
    ("conversation", "asked", "words"),
    [
        pytest.param(Conversation("c"), Question(" \n"), "is empty", id="empty"),
        pytest.param(
            Conversation("c"),
            Question("q", attachments=(Attachment("a", "x" * MAX_QUESTION_CHARS),)),
            "longer than",
            id="too-long",
        ),
        pytest.param(Conversation("c", [a_turn("q", "a")] * MAX_TURNS), Question("q"), "turns", id="turns"),
    ],
)
async def test_a_question_has_limits(
    door: Door, upstream: Upstream, conversation: Conversation, asked: Question, words: str
):
    before = len(conversation.turns)
    with pytest.raises(InvalidParams, match=words):
        RunningTurn(door, conversation, asked)
    with pytest.raises(InvalidParams, match=words):
        await chats.route(door, conversation, asked)
    assert len(conversation.turns) == before
    assert upstream.connections == 0


async def test_the_dry_run_of_a_question_keeps_nothing(door: Door, upstream: Upstream):
    conversation = Conversation("c")
    route = await chats.route(door, conversation, Question("q"))
    assert route.target.name == "box/m"
    assert conversation.turns == []
    assert upstream.connections == 0


def begin(conversations: Conversations) -> Conversation:
    conversation = conversations.open(None)
    conversations.keep(conversation)
    return conversation


def test_a_new_conversation_is_not_kept_by_itself():
    conversations = Conversations()
    conversations.open(None)
    assert conversations.newest_first() == ()


EARLIER = [earlier_turn(Question("What is a fare?"), "A price.")]


def test_a_client_begins_a_conversation_of_its_own_with_the_turns_that_it_has_kept():
    conversations = Conversations()
    begun = conversations.open("mine-1", EARLIER)
    assert (begun.id, begun.turns, begun.title) == ("mine-1", EARLIER, "What is a fare?")
    assert conversations.open("mine-2", ()).turns == []
    assert conversations.newest_first() == ()
    conversations.keep(begun)
    assert conversations.open("mine-1", ()) is begun
    assert begun.turns == EARLIER


def test_a_conversation_that_has_begun_is_found_but_not_listed_until_it_is_kept():
    conversations = Conversations()
    begun = conversations.open("mine", ())
    conversations.begin(begun)
    assert conversations.open("mine", EARLIER) is begun
    assert conversations.newest_first() == ()
    conversations.keep_begun(begun)
    conversations.keep_begun(begun)
    conversations.end(begun)
    assert conversations.newest_first() == (begun,)
    conversations.begin(begun)  # its next turn
    conversations.end(begun)
    assert conversations.open("mine") is begun


def test_a_conversation_whose_first_turn_came_to_nothing_is_forgotten():
    conversations = Conversations()
    begun = conversations.open("mine", ())
    conversations.begin(begun)
    conversations.end(begun)
    with pytest.raises(InvalidParams, match="no conversation mine"):
        conversations.open("mine")


def test_a_conversation_that_is_deleted_as_it_begins_stays_deleted():
    conversations = Conversations()
    deleted, other = conversations.open("mine", ()), conversations.open("mine", EARLIER)
    conversations.begin(deleted)
    conversations.delete("mine")
    conversations.begin(other)
    conversations.keep_begun(deleted)
    conversations.end(deleted)
    assert conversations.open("mine") is other
    assert conversations.newest_first() == ()


async def test_only_a_turn_that_is_being_stopped_is_waited_for():
    conversations = Conversations()
    conversation = conversations.open("mine", EARLIER)
    conversations.begin(conversation)
    may_end = asyncio.Event()

    async def turn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()

    for unknown in (None, "another", "mine"):
        await conversations.stopped(unknown)
    conversation.running = asyncio.create_task(turn())
    await asyncio.sleep(0)
    await conversations.stopped("mine")
    conversation.running.cancel()
    impatient, patient = (asyncio.create_task(conversations.stopped("mine")) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await asyncio.wait([impatient], timeout=WAIT_S) == ({impatient}, set())
    assert (conversation.running.done(), patient.done()) == (False, False)
    conversations.delete("mine")
    may_end.set()
    await patient
    assert conversation.running.cancelled()
    with pytest.raises(InvalidParams, match="no conversation mine"):
        conversations.open("mine")


async def test_turns_that_a_client_has_kept_are_sent_as_if_asked_here(door: Door, upstream: Upstream):
    upstream.queue(an_answer("Yes."))
    kept = Question("what is it?", attachments=(Attachment("/ws/a.py", "x = 1", "/ws/a.py"),), roots=("/ws",))
    conversation = Conversation("c", [earlier_turn(kept, "A file."), earlier_turn(Question("lost"), "")])
    assert await ask(door, conversation, "sure?") == "Yes."
    assert sent(upstream)[1:] == [
        ("user", '<attachment name="a.py">\nx = 1\n</attachment>\n\nwhat is it?'),
        ("assistant", "A file."),
        ("user", "sure?"),
    ]
    assert conversation.turns[0].question.attachments[0].text == ""  # its text is kept once


async def test_what_a_kept_turn_quotes_is_guarded_if_it_would_be_sent(door: Door, upstream: Upstream):
    upstream.queue(an_answer("Yes."))
    secret = Question("q", attachments=(Attachment("/ws/.env", "K=1", "/ws/.env"),))
    with pytest.raises(Excluded):
        await ask(door, Conversation("c", [earlier_turn(secret, "An answer.")]), "more")
    assert upstream.connections == 0
    await ask(door, Conversation("c", [earlier_turn(secret, "")]), "more")
    assert "K=1" not in upstream.requests[-1].raw.decode()


def test_all_kept_text_has_a_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chats, "MAX_KEPT_CHARS", 10)
    conversations = Conversations()
    first, second, third = begin(conversations), begin(conversations), begin(conversations)
    first.turns.append(a_turn("1234", "5"))
    second.turns.append(Turn("t", Question("q", images=(Image("image/png", "AAAA"),)), "q"))
    conversations.make_room()
    assert len(conversations.newest_first()) == 3
    conversations.open(first.id)
    third.turns.append(a_turn("1", ""))
    conversations.make_room()
    assert conversations.newest_first() == (first, third)
    first.turns.append(a_turn("x" * 20, ""))
    conversations.make_room()
    assert conversations.newest_first() == (first,)


async def test_a_conversation_alone_stays_within_the_limit_of_all(
    door: Door, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(chats, "MAX_KEPT_CHARS", 10)
    picture = Question("q", images=(Image("image/png", "AAAA"),))
    RunningTurn(door, Conversation("c", [a_turn("123", "45")]), picture)
    with pytest.raises(InvalidParams, match="with its pictures"):
        RunningTurn(door, Conversation("c", [a_turn("123", "456")]), picture)


async def test_a_second_turn_waits_for_the_first(door: Door, upstream: Upstream):
    upstream.queue(an_answer("One."), an_answer("Two."))
    conversation = Conversation("c")
    running = RunningTurn(door, conversation, Question("first"))
    async with aclosing(running.events()) as events:
        await anext(events)
        with pytest.raises(InvalidParams, match="a turn is running"):
            RunningTurn(door, conversation, Question("second"))
    assert len(conversation.turns) == 1
    assert await ask(door, conversation, "second") == "One."


def test_the_conversation_unused_for_longest_makes_room():
    conversations = Conversations()
    first, second = begin(conversations), begin(conversations)
    for _ in range(MAX_CONVERSATIONS - 2):
        begin(conversations)
    assert conversations.open(first.id) is first
    newest = begin(conversations)
    assert conversations.newest_first()[:2] == (newest, first)
    assert len(conversations.newest_first()) == MAX_CONVERSATIONS
    with pytest.raises(InvalidParams, match=second.id):
        conversations.open(second.id)


def test_a_deleted_conversation_is_gone():
    conversations = Conversations()
    one = begin(conversations)
    conversations.delete(one.id)
    assert conversations.newest_first() == ()
    with pytest.raises(FareboxError):
        conversations.delete(one.id)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        pytest.param("why  is\nthis?", "why is this?", id="one-line"),
        pytest.param("x" * 61, "x" * 59 + "…", id="cut"),
        pytest.param(None, "", id="no-turn"),
    ],
)
def test_a_title_is_the_beginning_of_the_first_question(text: str | None, title: str):
    turns = [] if text is None else [a_turn(text, "")]
    assert Conversation("c", turns).title == title


def test_pictures_of_earlier_turns_are_sent_again():
    image = Image("image/png", "AAAA")
    turn = Turn("t", Question("q", images=(image,)), "q", answer="a")
    assert history([turn], room_chars=10)[0] == Message("user", "q", (image,))
