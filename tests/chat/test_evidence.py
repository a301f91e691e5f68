"""What the last turn tells about the next step: each kind of evidence, and what is none."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.chat.conversation import Conversation, Conversations, Question, RunningTurn, Turn, route
from farebox.chat.evidence import Outcome, evidence, kept
from farebox.chat.prompts import Diagnostic
from farebox.errors import FareboxError, InvalidParams
from farebox.messages import Cost, Done, Estimate, Evidence, FinishReason, Route, Target, Usage
from farebox.router.door import Door
from farebox.router.request import MIN_CACHED_TOKENS
from support.setups import address, play, toml
from support.upstream import Upstream, json_answer

ASKED = Question("What does this do?")
NEXT = Question("And this?")
ERROR = Diagnostic("a.py", 1, "error", "no such name")
WARNING = Diagnostic("a.py", 1, "warning", "unused")
HAIKU = Target("anthropic", "claude-haiku-5-5")


def a_turn(
    answer: str = "It sorts.",
    *,
    finish_reason: FinishReason = "stop",
    outcome: Outcome | None = None,
    errors_left: int = 0,
    cancelled: bool = False,
    input_tokens: int = 5_000,
) -> Turn:
    went = Route("auto", "chat", "act", "low", "balanced", HAIKU, "why", (), (), Estimate(None, None, None))
    usage = Usage(input_tokens=input_tokens, output_tokens=100)
    done = Done(finish_reason, usage, Cost(0, "computed"), went, cancelled)
    turn = Turn("t", ASKED, ASKED.text, answer, done, time.monotonic() - 10)
    turn.outcome, turn.errors_left = outcome, errors_left
    return turn


@pytest.mark.parametrize(
    ("turn", "asked", "expected"),
    [
        pytest.param(None, NEXT, (), id="a-first-turn"),
        pytest.param(a_turn(), NEXT, (), id="a-good-answer"),
        pytest.param(a_turn(outcome="applied"), NEXT, (), id="one-that-was-applied"),
        pytest.param(a_turn(""), NEXT, ("empty",), id="empty"),
        pytest.param(a_turn(" \n"), NEXT, ("empty",), id="blank"),
        pytest.param(a_turn("", finish_reason="length"), NEXT, ("empty",), id="all-reasoning"),
        pytest.param(a_turn(finish_reason="length"), NEXT, ("cutOff",), id="cut-off"),
        pytest.param(a_turn(outcome="rejected"), NEXT, ("rejected",), id="rejected"),
        pytest.param(a_turn(outcome="undone"), NEXT, ("undone",), id="undone"),
        pytest.param(a_turn(outcome="regenerated"), NEXT, ("regenerated",), id="regenerated"),
        pytest.param(a_turn(), ASKED, ("regenerated",), id="the-same-question-again"),
        pytest.param(a_turn(), replace(NEXT, replaces="t"), ("regenerated",), id="asked-anew"),
        pytest.param(a_turn(), Question("go on", replaces="t"), ("regenerated",), id="asked-anew-briefly"),
        pytest.param(a_turn(cancelled=True), replace(NEXT, replaces="t"), (), id="stopped-and-asked-anew"),
        pytest.param(
            a_turn(), Question("  what DOES\nthis do? "), ("regenerated",), id="the-same-words-again"
        ),
        pytest.param(a_turn(outcome="regenerated"), ASKED, ("regenerated",), id="told-and-seen-is-said-once"),
        pytest.param(a_turn(outcome="rejected"), ASKED, ("rejected", "regenerated"), id="two-kinds"),
        pytest.param(
            a_turn(outcome="applied", errors_left=2), NEXT, ("errorsRemain",), id="errors-that-were-told"
        ),
        pytest.param(
            a_turn(outcome="applied"),
            replace(NEXT, diagnostics=(ERROR,)),
            ("errorsRemain",),
            id="errors-that-come-along",
        ),
        pytest.param(a_turn(outcome="applied"), replace(NEXT, diagnostics=(WARNING,)), (), id="warnings"),
        pytest.param(a_turn(), replace(NEXT, diagnostics=(ERROR,)), (), id="errors-beside-an-answer"),
        pytest.param(
            a_turn(finish_reason="length", outcome="applied", errors_left=1),
            NEXT,
            ("cutOff", "errorsRemain"),
            id="cut-off-and-applied",
        ),
        pytest.param(a_turn("It", cancelled=True), ASKED, (), id="a-stopped-turn"),
        pytest.param(
            a_turn("It", cancelled=True, outcome="rejected"), NEXT, ("rejected",), id="stopped-and-rejected"
        ),
        pytest.param(a_turn("", finish_reason="error"), ASKED, (), id="a-provider-that-failed"),
        pytest.param(a_turn("It so", finish_reason="error"), ASKED, (), id="an-answer-that-broke-off"),
        pytest.param(replace(a_turn(""), done=None), ASKED, (), id="a-turn-that-never-left"),
    ],
)
def test_what_speaks_against_the_last_answer(
    turn: Turn | None, asked: Question, expected: tuple[Evidence, ...]
):
    assert evidence([turn] if turn is not None else [], asked) == expected


@pytest.mark.parametrize(
    ("outcome", "errors_left", "expected"),
    [("undone", 0, ("undone",)), ("applied", 2, ("errorsRemain",)), ("applied", 0, ()), (None, 0, ())],
)
def test_what_the_editor_tells_late_of_an_earlier_answer_counts_once(
    outcome: Outcome | None, errors_left: int, expected: tuple[Evidence, ...]
):
    chat = Conversation("c", [replace(a_turn(), id="edit"), replace(a_turn(), id="talk")])
    chats = Conversations()
    chats.keep(chat)
    if outcome is not None:
        chats.note("c", "edit", outcome, errors_left)
    assert evidence(chat.turns, NEXT) == expected
    failed = a_turn("", finish_reason="error")
    assert evidence([*chat.turns, failed], NEXT) == expected
    assert evidence([*chat.turns, a_turn()], NEXT) == ()


def test_a_lift_that_no_answer_came_of_is_still_due():
    rejected = a_turn(outcome="rejected")
    failed, stopped = a_turn("", finish_reason="error"), a_turn("It", cancelled=True)
    for between in ([replace(a_turn(""), done=None)], [failed], [stopped, failed]):
        assert evidence([rejected, *between], NEXT) == ("rejected",)
    assert evidence([rejected, a_turn()], NEXT) == ()


def test_what_a_conversation_has_left_in_caches_the_last_turn_of_a_model_first():
    found = kept([a_turn(input_tokens=2_000), a_turn(input_tokens=5_000)], ASKED)
    assert [(one.target, one.tokens) for one in found] == [(HAIKU, 5_100)]
    assert 10 <= found[0].age_s < 60


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param([], id="no-turn"),
        pytest.param([a_turn(input_tokens=MIN_CACHED_TOKENS - 101)], id="too-short-for-any-cache"),
        pytest.param([a_turn(finish_reason="error")], id="a-failed-turn"),
        pytest.param([replace(a_turn(), ended_s=None)], id="a-running-turn"),
        pytest.param([replace(a_turn(), ended_s=time.monotonic() - 1_000)], id="older-than-five-minutes"),
        pytest.param([replace(a_turn(), done=None)], id="a-turn-that-never-left"),
    ],
)
def test_nothing_worth_a_thought_is_kept_of(turns: list[Turn]):
    assert kept(turns, ASKED) == ()


def test_another_system_text_finds_nothing_cached():
    for asked in (replace(ASKED, task="edit"), replace(ASKED, system="You review code.")):
        assert kept([a_turn(input_tokens=5_000)], asked) == ()


# --- through a conversation ----------------------------------------------------------------------


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        play(upstream)
        yield upstream


@pytest.fixture
async def door(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Door]:
    config = {"providers": {"anthropic": {"base_url": address(upstream, "anthropic")}}}
    (tmp_path / "config.toml").write_text(toml(config), "utf-8")
    folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
    app = App(Client(name="test"), environment={**folders, "ANTHROPIC_API_KEY": "k"})
    yield app.door()
    await app.close()


async def ask(door: Door, conversation: Conversation, text: str) -> Route:
    """Ask, and return the route that was taken."""
    running = RunningTurn(door, conversation, Question(text))
    async for _ in running.events():
        pass
    assert running.done is not None
    return running.done.route


async def test_a_step_is_lifted_once_and_comes_down_after_a_good_one(door: Door):
    conversation = Conversation("c")
    assert (await ask(door, conversation, "What is this?")).tier == "fast"
    conversation.turns[-1].outcome = "rejected"
    lifted = await ask(door, conversation, "What is that?")
    assert (lifted.tier, lifted.evidence, lifted.target.model) == ("strong", ("rejected",), "claude-opus-5-5")
    after = await ask(door, conversation, "What is it for?")
    assert (after.tier, after.evidence) == ("fast", ())
    assert "was rejected" not in after.reason


async def test_a_turn_that_no_provider_answered_lifts_nothing(door: Door, upstream: Upstream):
    conversation = Conversation("c")
    refused = json_answer({"error": {"message": "no"}}, status=400)
    upstream.queue(refused)
    with pytest.raises(FareboxError):
        await ask(door, conversation, "What is this?")
    again = await ask(door, conversation, "What is this?")
    assert (again.tier, again.evidence) == ("fast", ())


async def test_a_turn_that_was_stopped_lifts_nothing(door: Door):
    conversation = Conversation("c")
    running = RunningTurn(door, conversation, Question("What is this?"))
    events = running.events()
    for _ in range(2):
        await anext(events)
    await events.aclose()
    assert running.turn.done is not None
    assert running.turn.done.cancelled
    assert (await ask(door, conversation, "What is this?")).evidence == ()


async def test_a_model_that_was_named_is_taken_whatever_the_evidence(door: Door):
    conversation = Conversation("c")
    await ask(door, conversation, "What is this?")
    conversation.turns[-1].outcome = "rejected"
    asked = Question("What is that?", model="haiku")
    shown = await route(door, conversation, asked)
    assert (shown.target.model, shown.tier, shown.evidence) == ("claude-haiku-5-5", None, ())


# --- what an editor tells ------------------------------------------------------------------------


async def test_what_is_told_is_of_the_last_turn_unless_it_names_another(door: Door, tmp_path: Path):
    app = App(Client(name="test"), environment={"FAREBOX_HOME": str(tmp_path / "other")})
    conversation = app.conversations.open(None)
    with pytest.raises(InvalidParams, match="there is no conversation"):
        app.conversations.note(conversation.id, None, "rejected", 0)
    app.conversations.keep(conversation)
    with pytest.raises(InvalidParams, match="there is no turn yet"):
        app.conversations.note(conversation.id, None, "rejected", 0)
    for text in ("What is this?", "What is that?"):
        await ask(door, conversation, text)
    first, last = conversation.turns
    app.conversations.note(conversation.id, None, "applied", 3)
    assert (last.outcome, last.errors_left, first.outcome) == ("applied", 3, None)
    app.conversations.note(conversation.id, first.id, "undone", 0)
    assert first.outcome == "undone"
    with pytest.raises(InvalidParams, match="there is no turn x in this conversation"):
        app.conversations.note(conversation.id, "x", "undone", 0)
    assert (await route(door, conversation, NEXT)).evidence == ("errorsRemain", "undone")
    await app.close()
