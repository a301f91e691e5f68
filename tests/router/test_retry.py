"""Trying again: what is worth it, after how long, how often at most, and what the door writes down of it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.app import App, Client
from farebox.errors import (
    BrokenReply,
    BudgetExceeded,
    InsufficientCredits,
    KeyRejected,
    Overloaded,
    ProviderError,
    RateLimited,
    Unreachable,
)
from farebox.messages import Call, Chat, Done, Event, FellBack, Message, Retrying, Task, Text
from farebox.router import retry
from farebox.router.door import Door
from farebox.router.request import Request
from farebox.router.retry import MAX_ATTEMPTS, RESERVE, RetryBudget
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse

PATH = "/v1/chat/completions"
HELLO = Answer(body=openrouter_stream("Hello you"), content_type="text/event-stream")
BUSY = json_answer({"error": {"message": "busy"}}, status=503)
SLOW_DOWN = json_answer({"error": {"message": "slow"}}, status=429)
CUT_OFF = replace(HELLO, cut_after=30)  # in the comment before the first event
EMPTY = Answer(content_type="text/event-stream")


def failure(
    kind: type[ProviderError] = Overloaded, *, hint_s: float | None = None, lasts: bool = False
) -> ProviderError:
    error = kind("no", hint="Wait.", provider="one", retry_after_s=hint_s)
    error.transient = not lasts
    return error


def wait_s(
    error: ProviderError,
    *,
    task: Task = "chat",
    attempts: int = 1,
    others_left: bool = False,
    chance: float = 1.0,
) -> float | None:
    return retry.wait_s(error, task=task, attempts=attempts, others_left=others_left, chance=chance)


# --- the policy ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "options", "expected"),
    [
        pytest.param(failure(), {}, 0.5, id="the first wait is at most the base"),
        pytest.param(failure(), {"attempts": 2}, 1.0, id="the second twice that"),
        pytest.param(failure(), {"chance": 0.5}, 0.25, id="the jitter is full"),
        pytest.param(failure(), {"chance": 0.0}, 0.0, id="down to nothing"),
        pytest.param(failure(), {"attempts": MAX_ATTEMPTS}, None, id="no fourth attempt"),
        pytest.param(failure(hint_s=3.0), {}, 3.0, id="a hint is honoured"),
        pytest.param(failure(hint_s=0.0), {}, 0.5, id="a hint of nothing still backs off"),
        pytest.param(failure(hint_s=30.0), {}, 30.0, id="up to half a minute"),
        pytest.param(failure(hint_s=30.1), {}, None, id="a longer one is not waited for"),
        pytest.param(failure(lasts=True), {}, None, id="what lasts"),
        pytest.param(failure(), {"task": "complete"}, None, id="a completion"),
        pytest.param(failure(), {"others_left": True}, 0.5, id="an overload with others left"),
        pytest.param(failure(RateLimited), {}, 0.5, id="a rate limit"),
        pytest.param(failure(RateLimited), {"others_left": True}, None, id="a rate limit with others left"),
        pytest.param(failure(BrokenReply), {}, 0.5, id="a reply that broke off"),
        pytest.param(failure(KeyRejected, lasts=True), {}, None, id="a rejected key"),
        pytest.param(failure(InsufficientCredits, lasts=True), {}, None, id="no credits"),
    ],
)
def test_a_failed_attempt_waits(error: ProviderError, options: dict[str, object], expected: float | None):
    assert wait_s(error, **options) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("others_left", "expected"), [(False, 0.5), (True, None)])
def test_a_provider_that_cannot_be_reached_is_waited_for_if_there_is_no_other(
    others_left: bool, expected: float | None
):
    error = failure(Unreachable)
    error.whole_provider = True
    assert wait_s(error, others_left=others_left) == expected


def test_after_its_first_event_nothing_is_tried_again():
    error = failure(BrokenReply)
    error.after_first_event = True
    assert wait_s(error) is None


@given(st.floats(0, 1), st.integers(1, 10), st.none() | st.floats(0, 10**9))
def test_no_wait_is_longer_than_its_cap(chance: float, attempts: int, hint_s: float | None):
    wait = wait_s(failure(hint_s=hint_s), attempts=attempts, chance=chance)
    assert wait is None or 0 <= wait <= max(retry.MAX_BACKOFF_S, retry.MAX_HINT_S)


# --- the budget ----------------------------------------------------------------------------------


def test_while_a_provider_is_down_its_requests_grow_by_a_tenth_at_most():
    budget = RetryBudget(chance=lambda: 0.0)
    sent = 0
    for _ in range(1_000):
        budget.earn("one")
        sent += 1
        for attempts in range(1, MAX_ATTEMPTS + 1):
            if budget.wait_s(failure(), task="chat", attempts=attempts, others_left=False) is None:
                break
            sent += 1
    assert 1_000 < sent <= 1_000 * 1.1 + RESERVE


def test_each_provider_has_a_budget_of_its_own():
    budget = RetryBudget()
    while budget.spend("one"):
        pass
    assert budget.spend("two")


def test_what_is_not_tried_again_costs_no_budget():
    budget = RetryBudget()
    for _ in range(100):
        assert budget.wait_s(failure(lasts=True), task="chat", attempts=1, others_left=False) is None
    assert budget.spend("one")


def test_calls_that_succeed_save_no_more_than_the_reserve():
    budget = RetryBudget()
    for _ in range(1_000):
        budget.earn("one")
    assert sum(budget.spend("one") for _ in range(100)) == RESERVE


# --- at the door ---------------------------------------------------------------------------------


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def app(tmp_path: Path, upstream: Upstream) -> AsyncIterator[App]:
    app = app_with(tmp_path, upstream, "")
    yield app
    await app.close()


def app_with(tmp_path: Path, upstream: Upstream, settings: str) -> App:
    tables = "".join(
        f'[providers.{name}]\nbase_url = "{upstream.base_url}"\nfree = true\n' for name in ("one", "two")
    )
    (tmp_path / "config.toml").write_text(settings + tables, "utf-8")
    folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
    return App(Client(name="test"), environment=folders)


def door_of(app: App, chance: Callable[[], float] = lambda: 0.0) -> Door:
    return replace(app.door(), retries=RetryBudget(chance=chance))


def a_request(requested: str | None = "one/m", task: Task = "chat") -> Request:
    chat = Chat((Message("user", "hi"),))
    return Request(task, lambda serving: Call(serving.model, chat), 40, 100, requested=requested)


async def heard_of(door: Door, request: Request) -> list[Event]:
    async with aclosing(door.send(request).events()) as events:
        return [event async for event in events]


def retries_in(events: list[Event]) -> list[tuple[int, int, str]]:
    return [
        (event.attempt, event.max_attempts, event.target.name)
        for event in events
        if isinstance(event, Retrying)
    ]


def rows_of(app: App) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(app.ledger.path)) as ledger:
        query = "SELECT attempt, provider, state, outcome, error_kind FROM calls ORDER BY started_ms, attempt"
        return ledger.execute(query).fetchall()


@pytest.mark.parametrize(
    ("failing", "kind"),
    [
        pytest.param(BUSY, "overloaded", id="busy"),
        pytest.param(SLOW_DOWN, "rateLimited", id="rate-limit"),
        pytest.param(json_answer({}, status=408), "overloaded", id="408"),
        pytest.param(json_answer({}, status=409), "overloaded", id="409"),
        pytest.param(json_answer({}, status=425), "overloaded", id="425"),
        pytest.param(json_answer({}, status=529), "overloaded", id="529"),
        pytest.param(CUT_OFF, "brokenReply", id="cut-off"),
        pytest.param(Answer(body=b"", cut_after=0), "brokenReply", id="reset"),
        pytest.param(EMPTY, "brokenReply", id="empty"),
        pytest.param(
            Answer(
                body=sse({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
                content_type="text/event-stream",
            ),
            "overloaded",
            id="error-inside-the-stream",
        ),
    ],
)
async def test_what_may_well_succeed_soon_is_tried_again_and_each_attempt_has_a_row(
    app: App, upstream: Upstream, failing: Answer, kind: str
):
    upstream.queue(failing, failing, HELLO)
    events = await heard_of(door_of(app), a_request())
    assert retries_in(events) == [(1, MAX_ATTEMPTS, "one/m"), (2, MAX_ATTEMPTS, "one/m")]
    assert "".join(event.text for event in events if isinstance(event, Text)) == "Hello you"
    done = events[-1]
    assert isinstance(done, Done)
    assert [attempt.outcome for attempt in done.route.attempts] == [kind, kind, "ok"]
    await app.ledger.check()
    assert rows_of(app) == [
        (1, "one", "settled", "failed", kind),
        (2, "one", "settled", "failed", kind),
        (3, "one", "settled", "ok", None),
    ]


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param(json_answer({}, status=status), id=str(status))
        for status in (400, 401, 402, 403, 404, 413, 422, 501)
    ]
    + [
        pytest.param(Answer(body=b"<html>", content_type="text/html"), id="a page"),
        pytest.param(Answer(body=b"data: x\n\n", content_type="text/event-stream"), id="garbage"),
        pytest.param(
            json_answer({"error": {"metadata": {"limit_source": "openrouter_free_tier_daily"}}}, status=429),
            id="a day's allowance",
        ),
        pytest.param(json_answer({}, status=429, headers={"Retry-After": "31"}), id="a long pause"),
    ],
)
async def test_what_will_fail_again_is_asked_once(app: App, upstream: Upstream, failing: Answer):
    upstream.queue(failing, HELLO)
    with pytest.raises(ProviderError):
        await heard_of(door_of(app), a_request())
    assert len(upstream.requests) == 1


async def test_the_error_of_the_last_attempt_is_raised_as_it_is(app: App, upstream: Upstream):
    upstream.answer(PATH, BUSY)
    with pytest.raises(Overloaded, match="one answered 503: busy"):
        await heard_of(door_of(app), a_request())
    assert len(upstream.requests) == MAX_ATTEMPTS


async def test_a_completion_is_asked_once(app: App, upstream: Upstream):
    upstream.answer(PATH, BUSY)
    with pytest.raises(Overloaded):
        await heard_of(door_of(app), a_request(task="complete"))
    assert len(upstream.requests) == 1


async def test_after_the_first_text_nothing_is_tried_again(app: App, upstream: Upstream):
    error = {"error": {"type": "overloaded_error", "message": "busy"}}
    body = sse(chunk({"content": "Hello "}), error)
    upstream.queue(Answer(body=body, content_type="text/event-stream"), HELLO)
    with pytest.raises(Overloaded) as caught:
        await heard_of(door_of(app), a_request())
    assert caught.value.after_first_event
    assert len(upstream.requests) == 1


async def test_an_overload_is_tried_again_before_the_next_target_and_a_rate_limit_is_not(
    tmp_path: Path, upstream: Upstream
):
    app = app_with(tmp_path, upstream, '[tasks]\nchat = ["one/m", "two/m"]\n')
    upstream.queue(BUSY, BUSY, BUSY, HELLO)
    events = await heard_of(door_of(app), a_request(None))
    assert [type(event) for event in events if isinstance(event, Retrying | FellBack)] == [
        Retrying,
        Retrying,
        FellBack,
    ]
    await app.close()
    app = app_with(tmp_path, upstream, '[tasks]\nchat = ["one/m", "two/m"]\n')  # one that has met no failure
    upstream.queue(SLOW_DOWN, HELLO)
    events = await heard_of(door_of(app), a_request(None))
    assert [type(event) for event in events if isinstance(event, Retrying | FellBack)] == [FellBack]
    await app.close()


async def test_once_the_budget_is_used_up_every_request_is_made_once(app: App, upstream: Upstream):
    upstream.answer(PATH, BUSY)
    door = door_of(app)
    for _ in range(20):
        with pytest.raises(Overloaded):
            await heard_of(door, a_request())
    assert len(upstream.requests) <= 20 * 1.1 + RESERVE


async def test_the_wait_is_told_before_it_begins_and_a_stop_inside_it_leaves_nothing_held(
    app: App, upstream: Upstream
):
    upstream.answer(PATH, json_answer({}, status=429, headers={"Retry-After": "30"}))
    told: asyncio.Future[Retrying] = asyncio.get_running_loop().create_future()
    reply = door_of(app).send(a_request())

    async def listen() -> None:
        async with aclosing(reply.events()) as events:
            async for event in events:
                if isinstance(event, Retrying):
                    told.set_result(event)

    task = asyncio.create_task(listen())
    retrying = await asyncio.wait_for(told, WAIT_S)
    assert retrying.wait_s == 30
    assert "answered 429" in retrying.error
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reply.done is not None
    assert (reply.done.cancelled, reply.done.finish_reason) == (True, "cancelled")
    await app.ledger.check()
    assert rows_of(app) == [(1, "one", "settled", "failed", "rateLimited")]
    assert len(upstream.requests) == 1


async def test_a_retry_that_the_budget_does_not_cover_is_not_made(tmp_path: Path, upstream: Upstream):
    """A reply that broke off may have been billed, so it counts against the budget."""
    settings = f"""
[budgets]
daily_usd = 0.0002
[providers.openrouter]
base_url = "{upstream.base_url}"
"""
    app = app_with(tmp_path, upstream, settings)
    app.set_key("openrouter", "k")
    chat = Chat((Message("user", "hi " * 400),))
    request = Request(
        "chat",
        lambda serving: Call(serving.model, chat, max_output_tokens=1),
        1_200,
        1,
        requested="openrouter/openai/gpt-5-mini",
    )
    upstream.answer(PATH, CUT_OFF)
    with pytest.raises(BudgetExceeded):
        await heard_of(door_of(app), request)
    posts = [one for one in upstream.requests if one.method == "POST"]
    assert 1 <= len(posts) < MAX_ATTEMPTS
    await app.ledger.check()
    assert {row[2] for row in rows_of(app)} == {"settled"}
    await app.close()
