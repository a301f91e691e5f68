"""The dry run: for any set-up, request and state it shows the route that is taken, and opens no socket."""

import json
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from farebox import prices
from farebox.app import App
from farebox.app import Client as AppClient
from farebox.chat import conversation as chats
from farebox.chat.evidence import Outcome
from farebox.chat.prompts import Attachment, Diagnostic
from farebox.errors import FareboxError, RateLimited
from farebox.ledger.records import Hold, Settlement
from farebox.messages import (
    Call,
    Chat,
    Cost,
    Event,
    Evidence,
    Message,
    ReasoningEffort,
    Route,
    Routed,
    Target,
    Task,
    Usage,
)
from farebox.providers.directory import DEFAULT_MODEL
from farebox.router.classify import Facts
from farebox.router.door import Door
from farebox.router.health import Health
from farebox.router.request import Kept, Request, Serving
from support.client import Client
from support.command import run_farebox
from support.setups import KEYS, LOADED, NAMES, Setup, address, arrived_at, play, setups, toml
from support.states import STEPS, WATCH, Clock, Step, befall
from support.upstream import Upstream

PROFILE = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
Decision = Route | tuple[type[FareboxError], str, str]

prices.preload()

SPENT = st.sampled_from([0, 100_000, 4_900_000, 45_000_000, 4_999_000_000])


async def spend(door: Door, nanodollars: int) -> None:
    """Let a request of before have cost that much."""
    hold = Hold("c", "r", 1, "chat", Target("p", "m"), nanodollars, _now_ms(door))
    with suppress(FareboxError):
        await door.ledger.hold(hold, door.limits())
        door.ledger.settle(Settlement("c", "ok", Usage(10, 0, 0, 5, 0), Cost(nanodollars, "computed")))


def _now_ms(door: Door) -> int:
    return max((limit.since_ms for limit in door.limits()), default=0) + 1


# --- requests ------------------------------------------------------------------------------------


def _render(serving: Serving) -> Call:
    return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)


FACTS = st.builds(
    Facts,
    text=st.sampled_from(
        ["", "What does this do?", "Plan the move to asyncio", "Fix it", "Write an O(n) sort of 10^9"]
    ),
    files=st.integers(0, 9),
    diagnostics=st.integers(0, 9),
    turn=st.integers(1, 30),
    tools=st.booleans(),
    tool_results=st.integers(0, 3),
    last_tool=st.sampled_from([None, "read_file", "run_tests"]),
    reasoning=st.sampled_from([None, *get_args(ReasoningEffort)]),
)
ONE_KEPT = st.builds(
    Kept,
    target=st.sampled_from(
        [
            Target("anthropic", "claude-opus-5-5"),
            Target("anthropic", "claude-sonnet-5-5"),
            Target("openrouter", "anthropic/claude-sonnet-5.5"),
            Target("openai", "gpt-6.1-terra"),
            Target("local", DEFAULT_MODEL),
        ]
    ),
    tokens=st.sampled_from([1_500, 50_000, 400_000]),
    age_s=st.sampled_from([1.0, 299.0, 301.0]),
)
KEPT = st.lists(ONE_KEPT, max_size=2).map(tuple)
EVIDENCE = st.lists(st.sampled_from(get_args(Evidence)), max_size=2, unique=True).map(tuple)
REQUESTS = st.builds(
    Request,
    task=st.sampled_from(get_args(Task)),
    render=st.just(_render),
    input_bytes=st.sampled_from([0, 40, 4_000, 20_000, 100_000, 600_000, 4_100_000]),
    max_output_tokens=st.sampled_from([256, 8_192]),
    requested=st.none() | st.sampled_from(NAMES),
    images=st.sampled_from([0, 0, 0, 1, 3]),
    caches=st.booleans(),
    facts=FACTS,
    evidence=EVIDENCE,
    kept=KEPT,
)


# --- what is compared ----------------------------------------------------------------------------


async def shown(dry_run: Awaitable[Route]) -> Decision:
    """Make a dry run, which must open no socket."""
    found: Decision
    with WATCH.on():
        try:
            found = await dry_run
        except FareboxError as error:
            found = (type(error), error.message, error.hint)
    assert WATCH.seen == []
    return found


async def taken(events: AsyncGenerator[Event, None], reachable: tuple[str, ...]) -> Decision:
    """Take the route for real: to its end where nothing but the test's own server is asked."""
    async with aclosing(events):
        try:
            first = await anext(events)
        except FareboxError as error:
            return type(error), error.message, error.hint
        assert isinstance(first, Routed)
        if first.route.target.provider in reachable:
            async for _ in events:
                pass
        return first.route


def check_arrival(upstream: Upstream, before: int, decision: Decision, reachable: tuple[str, ...]) -> None:
    """Nobody but the chosen target was asked."""
    asked = upstream.requests[before:]
    if not isinstance(decision, Route) or decision.target.provider not in reachable:
        assert asked == []
        return
    target = decision.target
    assert {arrived_at(request) for request in asked} == {target.provider}
    (prompt,) = (request for request in asked if request.method == "POST")
    assert prompt.json["model"] == (LOADED if target.model == DEFAULT_MODEL else target.model)
    assert "models" not in prompt.json


def tell(decision: Decision) -> None:
    """Let ``--hypothesis-show-statistics`` say what the examples came to."""
    if not isinstance(decision, Route):
        event(f"raises {decision[0].__name__}")
        return
    event(f"to {decision.target.provider}")
    dropped = [one.why for one in decision.candidates if one.verdict == "dropped"]
    for word in ("left alone", "budget", "at most $", "take over", "can't", "don't fit"):
        if any(word in why for why in dropped):
            event(f"drops: {word}")
    if "stays with" in decision.reason:
        event("stays")


@PROFILE
@given(setup=setups(), request=REQUESTS, steps=STEPS, spent=SPENT)
async def test_whatever_the_request_the_route_shown_is_the_route_taken(
    *,
    tmp_path_factory: pytest.TempPathFactory,
    setup: Setup,
    request: Request,
    steps: list[Step],
    spent: int,
):
    async with Upstream() as upstream:
        play(upstream)
        app = setup.app(tmp_path_factory.mktemp("app"), upstream)
        try:
            clock = Clock()
            door = befall(app.door(setup.agent), steps, clock, request)
            await spend(door, spent)
            first = await shown(door.route(request))
            assert (upstream.connections, upstream.requests) == (0, [])
            second = await taken(door.send(request).events(), setup.reachable)
            assert second == first
            check_arrival(upstream, 0, second, setup.reachable)
            tell(second)
        finally:
            await app.close()


async def test_who_is_both_too_dear_and_left_alone_is_told_of_alike(tmp_path: Path):
    async with Upstream() as upstream:
        play(upstream, input_tokens=30)
        table = {"budgets": {"daily_usd": 0.05}}
        app = Setup(table, ("anthropic",), ("anthropic",), has_server=False, agent=None).app(
            tmp_path, upstream
        )
        try:
            easy = Request("commit", _render, 40, 100)
            assert isinstance(await taken(app.door().send(easy).events(), ("anthropic",)), Route)
            door, clock = app.door(), Clock()
            health = Health(clock)
            for model in ("claude-sonnet-5-5", "claude-opus-5-5"):
                place = door.planner.menus.place(Target("anthropic", model))
                error = RateLimited("no", hint="", provider="anthropic", retry_after_s=60.0)
                health.begin(place).failed(error)
            door = replace(door, planner=replace(door.planner, health=health))
            edit = Request("edit", _render, 20_000, 8_192, facts=Facts(text="Rename it"))
            first = await shown(door.route(edit))
            assert isinstance(first, Route)
            assert first.target.model == "claude-haiku-5-5"
            assert await taken(door.send(edit).events(), ("anthropic",)) == first
        finally:
            await app.close()


async def test_a_plan_that_has_not_asked_the_ledger_gives_the_same_reasons(tmp_path: Path):
    app = budgeted(tmp_path, 0.001, FAREBOX_LOCAL_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY="k")
    try:
        door, typed = app.door(), Request("complete", _render, 4_000, 1_000)
        await spend(door, 0)
        first = await shown(door.route(typed))
        assert isinstance(first, Route)
        whys = [one.why for one in first.candidates if one.verdict == "dropped"]
        assert any("take over" in why for why in whys)
        assert any("budget" in why for why in whys), "or this test shows nothing"
        assert await door.plan(typed) == first
    finally:
        await app.close()


async def test_a_plan_that_has_not_asked_the_ledger_fails_with_the_same_words(tmp_path: Path):
    app = budgeted(tmp_path, 0.00001, ANTHROPIC_API_KEY="k")
    try:
        door, asked = app.door(), Request("chat", _render, 4_000, 1_000)
        for offer in door.planner.menus.menu(None, asked.work).offers:
            error = RateLimited("no", hint="", provider="anthropic", retry_after_s=60.0)
            door.visit(offer.target).failed(error)
        first = await shown(door.route(asked))
        assert not isinstance(first, Route)
        assert "budget" in str(first)
        assert await shown(door.plan(asked)) == first
    finally:
        await app.close()


def budgeted(folder: Path, daily_usd: float, **environment: str) -> App:
    """Open an app with a budget; nothing is sent."""
    (folder / "config.toml").write_text(f"[budgets]\ndaily_usd = {daily_usd:f}", "utf-8")
    folders = {"FAREBOX_HOME": str(folder / "home"), "FAREBOX_CONFIG": str(folder / "config.toml")}
    return App(AppClient(name="test"), environment={**folders, **environment})


# --- conversations -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier turn: what was asked, what came, what the editor told of it, and when it ended."""

    text: str
    answer: str
    outcome: Outcome | None
    errors_left: int
    input_tokens: int
    ago_s: float


TEXTS = ("What does this do?", "Plan the move to asyncio", "Fix it", "Rename it")
PASTS = st.lists(
    st.builds(
        Past,
        text=st.sampled_from(TEXTS),
        answer=st.sampled_from(["Hello you", "Hello you", "", " "]),
        outcome=st.sampled_from([None, None, *get_args(Outcome)]),
        errors_left=st.integers(0, 2),
        input_tokens=st.sampled_from([300, 3_000, 90_000]),
        ago_s=st.sampled_from([0.0, 200.0, 400.0]),
    ),
    max_size=2,
)
QUESTIONS = st.builds(
    chats.Question,
    text=st.sampled_from(TEXTS),
    task=st.sampled_from(get_args(Task)),
    model=st.sampled_from([None, None, None, "auto:cheap", "auto:quality", "sonnet", "local"]),
    attachments=st.sampled_from([(), (Attachment("a.py", "x = 1\n" * 3_000),)]),
    diagnostics=st.sampled_from([(), (Diagnostic("a.py", 3, "error", "no such name"),)]),
    reasoning=st.sampled_from([None, None, "high"]),
)


async def live_through(door: Door, conversation: chats.Conversation, past: Past, upstream: Upstream) -> None:
    """Let a turn happen."""
    play(upstream, past.answer, input_tokens=past.input_tokens)
    with suppress(FareboxError):
        running = chats.RunningTurn(door, conversation, chats.Question(past.text))
        async for _ in running.events():
            pass
        running.turn.outcome, running.turn.errors_left = past.outcome, past.errors_left
        if running.turn.ended_s is not None:
            running.turn.ended_s -= past.ago_s


@settings(PROFILE, max_examples=60)
@given(setup=setups(), question=QUESTIONS, pasts=PASTS, steps=STEPS)
async def test_whatever_came_before_in_a_conversation_the_route_shown_is_the_route_taken(
    *,
    tmp_path_factory: pytest.TempPathFactory,
    setup: Setup,
    question: chats.Question,
    pasts: list[Past],
    steps: list[Step],
):
    setup = replace(setup, moved=setup.keys)  # turns are lived through for real
    async with Upstream() as upstream:
        app = setup.app(tmp_path_factory.mktemp("app"), upstream)
        try:
            conversation = chats.Conversation("c")
            for past in pasts:
                await live_through(app.door(setup.agent), conversation, past, upstream)
            play(upstream)
            request = Request(question.task, _render, 40, 8_192, requested=question.model)
            door = befall(app.door(setup.agent), steps, Clock(), request)
            connections, before = upstream.connections, len(upstream.requests)
            first = await shown(chats.route(door, conversation, question))
            assert (upstream.connections, len(upstream.requests)) == (connections, before)
            running = chats.RunningTurn(door, conversation, question)
            second = await taken(running.events(), setup.reachable)
            assert second == first
            check_arrival(upstream, before, second, setup.reachable)
            tell(second)
            if isinstance(second, Route) and second.evidence:
                event("lifted")
        finally:
            await app.close()


# --- surfaces ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"text": "Plan the move to asyncio"}, id="by-its-words"),
        pytest.param({"text": "Fix it", "task": "fix", "model": "auto:cheap"}, id="with-a-task-and-a-name"),
        pytest.param({"text": "Hello", "agent": "poet"}, id="by-an-agent"),
    ],
)
def test_every_surface_shows_the_route_that_a_chat_takes(tmp_path: Path, params: dict[str, str]):
    keys = dict.fromkeys(KEYS.values(), "k")
    with Upstream.in_thread() as upstream:
        play(upstream)
        providers = {name: {"base_url": address(upstream, name)} for name in KEYS}
        config = toml({"providers": providers, "agents": {"poet": {"model": ["luna", "auto"]}}})
        with Client(tmp_path, config=config, environment=keys) as client:
            client.initialize()
            by_lsp = client.request("farebox/route", params)
            options = [f"--{name}={value}" for name, value in params.items() if name != "text"]
            printed = run_farebox(tmp_path, "route", params["text"], "--json", *options, environment=keys)
            assert (upstream.connections, printed.stderr) == (0, "")
            client.request("farebox/chat", params)
            told = client.notifications("farebox/chatEvent")[0]["event"]
        assert told == {"type": "route", "route": by_lsp}
        assert json.loads(printed.stdout) == by_lsp
        assert arrived_at(upstream.requests[0]) == by_lsp["provider"]
