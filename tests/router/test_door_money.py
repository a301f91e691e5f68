"""Budgets as part of the plan, holds that are large enough, and what a lost answer may have cost."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import support.anthropic_events as claude
from farebox.app import App, Client
from farebox.completion import engine
from farebox.errors import BrokenReply, FareboxError, KeyRejected, LocalOnly, Refused
from farebox.ledger.queries import Query
from farebox.messages import Call, Chat, Cost, Done, Event, FellBack, Image, Message, Routed, Text, Usage
from farebox.router.door import Door, Reply
from farebox.router.request import Request
from farebox.router.retry import MAX_ATTEMPTS
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse

OpenApp = Callable[[str], App]
STREAM = "text/event-stream"
PROMPT = "the quick brown fox jumps over the lazy dog, twice"

PRICED, UNPRICED, FREE = "openrouter/openai/gpt-5-mini", "openrouter/acme/new", "own/m"
SECOND = "openrouter/openai/gpt-4.1-mini"
TOKENS = {"prompt_tokens": 1_000, "completion_tokens": 100}
NOT_AGAIN = {"x-should-retry": "false"}
REFUSED = json_answer({}, status=429, headers=NOT_AGAIN)
BROKEN = Answer(body=b"data: x\n\n", content_type=STREAM)
ANSWERED = Answer(body=openrouter_stream("hi", TOKENS), content_type=STREAM)
REPORTED = Answer(body=openrouter_stream("hi", {**TOKENS, "cost": 0.5}), content_type=STREAM)
UNCOUNTED = Answer(body=openrouter_stream("hi"), content_type=STREAM)
HANGING = Answer(body=sse(chunk({"content": "hi"}), done=False), content_type=STREAM, hang=True)
CUT_OFF = replace(UNCOUNTED, cut_after=UNCOUNTED.body.index(b"stop"))


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def open_app(tmp_path: Path, upstream: Upstream) -> AsyncIterator[OpenApp]:
    """Open an app whose OpenRouter, and whose own free server, are the upstream."""
    opened: list[App] = []

    def make(config: str) -> App:
        table = '[providers.openrouter]\nbase_url = "{0}"\n[providers.own]\nbase_url = "{0}"\nfree = true\n'
        (tmp_path / "config.toml").write_text(config + table.format(upstream.base_url), "utf-8")
        home, file = str(tmp_path / "home"), str(tmp_path / "config.toml")
        environment = {"FAREBOX_HOME": home, "FAREBOX_CONFIG": file, "OPENROUTER_API_KEY": "k"}
        opened.append(App(Client(name="test"), environment=environment))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


def a_request(images: int = 0, prompt: str = PROMPT) -> Request:
    chat = Chat((Message("user", prompt, (Image("image/png", "AAAA"),) * images),))
    return Request(
        task="chat",
        render=lambda serving: Call(serving.model, chat, max_output_tokens=100),
        input_bytes=len(prompt),
        max_output_tokens=100,
        images=images,
    )


async def events_of(app: App, request: Request | None = None) -> list[Event]:
    return await listen(app.door().send(request or a_request()))


async def listen(reply: Reply) -> list[Event]:
    async with aclosing(reply.events()) as events:
        return [event async for event in events]


async def rows_of(app: App) -> list[sqlite3.Row]:
    await app.ledger.check()  # what was handed over before is written now
    with closing(sqlite3.connect(app.ledger.path)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute("SELECT * FROM calls ORDER BY started_ms, attempt").fetchall()


async def last_row(app: App) -> sqlite3.Row:
    return (await rows_of(app))[-1]


async def done_of(door: Door, *, stop_at: type[Event] | None = None) -> Done:
    """Listen to the end, or up to the first event of a kind; return what the request came to."""
    reply = door.send(a_request())
    with suppress(FareboxError):
        async with aclosing(reply.events()) as events:
            async for event in events:
                if stop_at is not None and isinstance(event, stop_at):
                    break
    assert reply.done is not None
    return reply.done


async def check_sums(app: App, done: Done) -> None:
    """The caller must be told the sums of the request's rows, and the report must say the same."""
    rows = await rows_of(app)
    assert len({row["request_id"] for row in rows}) == 1
    costs = [row["cost_nanodollars"] for row in rows]
    assert done.cost.nanodollars == (None if None in costs else sum(costs))
    bases = [row["basis"] for row in rows if row["cost_nanodollars"] != 0] or [row["basis"] for row in rows]
    weakest = next(basis for basis in ("unknown", "estimated", "computed", "reported") if basis in bases)
    assert done.cost.basis == weakest
    (group,) = await app.ledger.groups(Query())
    assert done.usage == group.usage
    if done.cost.nanodollars is None:
        assert done.cost.saved_nanodollars is None
    else:
        assert done.cost.nanodollars == group.cost_nanodollars
        assert done.cost.baseline_nanodollars == group.baseline_nanodollars
        assert done.cost.saved_nanodollars == group.saved_nanodollars


async def test_what_a_budget_has_no_room_for_is_dropped_and_the_free_fallback_taken(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app(
        '[budgets]\ndaily_usd = 0.000001\n[tasks]\nchat = ["openrouter/openai/gpt-5-mini", "own/m"]\n'
    )
    upstream.queue(Answer(body=openrouter_stream("hi"), content_type=STREAM))
    shown = await app.door().route(a_request())
    first, *_ = await events_of(app)
    assert first == Routed(shown)
    assert shown.target.name == "own/m"
    assert shown.candidates[0].verdict == "dropped"
    assert "the daily budget has $0.000001 left" in shown.candidates[0].why
    assert [request.json["model"] for request in upstream.requests] == ["m"]


async def test_a_completion_holds_the_price_of_all_that_it_asks_for(open_app: OpenApp, upstream: Upstream):
    app = open_app('[tasks]\ncomplete = "openrouter/openai/gpt-5-mini"\n')
    upstream.queue(Answer(body=openrouter_stream("<COMPLETION>1</COMPLETION>"), content_type=STREAM))
    hole = engine.Hole("a.py", "python", "def f():\n    ", "\n", invoked=True)
    await engine.complete(app.door(), hole, app.config())
    (sent,) = [cast("dict[str, Any]", one.json) for one in upstream.requests if one.method == "POST"]
    size = sum(len(message["content"].encode()) for message in sent["messages"])
    asked = size // 3 * 250 + sent["max_tokens"] * 2_000  # $0.25 and $2 for a million tokens
    assert (await last_row(app))["hold_nanodollars"] >= asked


def test_a_picture_is_counted():
    assert a_request(images=2).most_input_tokens - a_request().most_input_tokens == 2 * 1_600


@pytest.mark.parametrize(
    ("answer", "error", "costs"),
    [
        pytest.param(Answer(status=401, body=b"{}"), KeyRejected, False, id="refused-by-its-status"),
        pytest.param(Answer(body=b"", cut_after=0), BrokenReply, True, id="closed-before-it-answered"),
        pytest.param(Answer(body=b"<html>", content_type="text/html"), BrokenReply, True, id="html"),
        pytest.param(Answer(body=b"data: x\n\n", content_type=STREAM), BrokenReply, True, id="garbage"),
    ],
)
async def test_a_request_that_was_taken_in_may_have_cost_something(
    open_app: OpenApp, upstream: Upstream, answer: Answer, error: type[FareboxError], *, costs: bool
):
    app = open_app('[tasks]\nchat = "openrouter/openai/gpt-5-mini"\n')
    upstream.queue(*[answer] * MAX_ATTEMPTS)
    with pytest.raises(error):
        await events_of(app)
    row = await last_row(app)
    assert (row["cost_nanodollars"] > 0, row["basis"]) == (costs, "estimated" if costs else "computed")


@pytest.mark.parametrize("last", [ANSWERED, REPORTED, UNCOUNTED, HANGING, CUT_OFF, BROKEN, REFUSED])
@pytest.mark.parametrize("failed", [REFUSED, BROKEN])
@pytest.mark.parametrize("models", [(PRICED, FREE), (PRICED, UNPRICED), (UNPRICED, PRICED), (FREE, PRICED)])
async def test_a_request_costs_what_all_of_its_attempts_cost(
    open_app: OpenApp, upstream: Upstream, models: tuple[str, str], failed: Answer, last: Answer
):
    app = open_app(f'[tasks]\nchat = ["{models[0]}", "{models[1]}"]\n')
    upstream.queue(failed, last)
    done = await done_of(app.door(), stop_at=Text if last is HANGING else None)
    assert len(await rows_of(app)) == 2
    await check_sums(app, done)


async def test_a_broken_answer_is_paid_for_beside_the_one_that_came_after_it(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app(f'[tasks]\nchat = ["{PRICED}", "openrouter/openai/gpt-5"]\n')
    upstream.queue(BROKEN, REPORTED)
    done = await done_of(app.door())
    first, second = await rows_of(app)
    assert (first["basis"], second["basis"]) == ("estimated", "reported")
    assert second["cost_nanodollars"] == 500_000_000
    assert done.cost.nanodollars == first["cost_nanodollars"] + 500_000_000 > 500_000_000
    assert (done.cost.basis, done.finish_reason) == ("estimated", "stop")
    assert done.usage == Usage(first["input_tokens"] + 1_000, output_tokens=100)


@pytest.mark.parametrize("way", ["cancelled", "closed"])
async def test_a_request_that_is_stopped_between_two_attempts_was_cancelled(
    open_app: OpenApp, upstream: Upstream, way: str
):
    async with Upstream() as slow:
        slow.answer("/v1/models", Answer(hang=True))  # what is asked of a server before it is opened
        table = f'[providers.local]\nbase_url = "{slow.base_url}"\n'
        app = open_app(f'[tasks]\nchat = ["{PRICED}", "local"]\n{table}')
        upstream.queue(BROKEN)
        if way == "closed":
            done = await done_of(app.door(), stop_at=FellBack)
        else:
            reply = app.door().send(a_request())
            task = asyncio.create_task(listen(reply))
            await asyncio.wait_for(slow.arrived.wait(), WAIT_S)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert reply.done is not None
            done = reply.done
    (row,) = await rows_of(app)
    assert (row["finish_reason"], row["error_kind"]) == ("error", "brokenReply")
    assert (done.finish_reason, done.cancelled) == ("cancelled", True)
    assert [attempt.outcome for attempt in done.route.attempts] == ["brokenReply"]
    assert done.cost == Cost(
        row["cost_nanodollars"], row["basis"], row["baseline_model"], row["baseline_nanodollars"]
    )


@pytest.mark.parametrize("last", [ANSWERED, CUT_OFF])
async def test_a_request_that_has_ended_is_not_cancelled_by_closing_it(
    open_app: OpenApp, upstream: Upstream, last: Answer
):
    app = open_app(f'[tasks]\nchat = ["{PRICED}", "{FREE}"]\n')
    upstream.queue(BROKEN, last)
    done = await done_of(app.door(), stop_at=Done)
    assert done.finish_reason == ("stop" if last is ANSWERED else "error")
    assert not done.cancelled


async def test_what_we_refuse_ourselves_after_the_hold_costs_nothing(open_app: OpenApp):
    table = '[providers.far]\nbase_url = "http://192.0.2.1/v1"\n'
    app = open_app(f'[tasks]\nchat = "far/m"\n{table}')
    door = app.door()
    app.change_client(Client(name="test", settings={"privacy": {"local_only": True}}))
    door = replace(door, directory=app.door().directory)  # as if the mode had been set in between
    with pytest.raises(LocalOnly):
        await listen(door.send(a_request()))
    row = await last_row(app)
    assert (row["outcome"], row["error_kind"]) == ("failed", "localOnly")
    assert (row["cost_nanodollars"], row["basis"], row["input_tokens"]) == (0, "computed", 0)


async def test_a_budget_that_is_overspent_refuses_no_free_model(open_app: OpenApp, upstream: Upstream):
    app = open_app(f'[budgets]\ndaily_usd = 0.1\n[tasks]\nchat = ["{PRICED}", "{FREE}"]\n')
    upstream.queue(REPORTED, ANSWERED)
    first, (routed, *_, second) = await done_of(app.door()), await events_of(app)
    assert isinstance(routed, Routed)
    assert isinstance(second, Done)
    assert [one.route.target.name for one in (first, routed, second)] == [PRICED, FREE, FREE]
    assert (first.cost.nanodollars, second.cost.nanodollars) == (500_000_000, 0)


async def test_a_model_whose_room_is_gone_by_its_turn_is_said_to_be_over_budget(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app(f'[budgets]\ndaily_usd = 0.1\n[tasks]\nchat = ["{PRICED}", "{SECOND}", "{FREE}"]\n')
    upstream.queue(REFUSED, REPORTED, ANSWERED)
    async with aclosing(app.door().send(a_request()).events()) as events:
        planned, fell_back = await anext(events), await anext(events)
        await events_of(app, replace(a_request(), requested=SECOND))  # meanwhile another window spends it all
        again, *_, done = [event async for event in events]
    assert isinstance(planned, Routed)
    assert planned.route.target.name == PRICED
    assert isinstance(fell_back, FellBack)
    assert isinstance(again, FellBack)
    assert isinstance(done, Done)
    assert (done.route.target.name, done.route.candidates[1].why) == (FREE, "tried: budgetExceeded")


async def test_what_another_process_has_spent_is_seen_before_anybody_hears_of_a_route(
    open_app: OpenApp, upstream: Upstream
):
    config = f'[budgets]\ndaily_usd = 0.1\n[tasks]\nchat = ["{PRICED}", "{FREE}"]\n'
    app, other = open_app(config), open_app(config)
    upstream.queue(ANSWERED, REPORTED, ANSWERED, ANSWERED)
    assert (await done_of(app.door())).route.target.name == PRICED
    assert (await done_of(other.door())).cost.nanodollars == 500_000_000
    await other.ledger.check()
    shown = await app.door().route(a_request())
    planned, second, *_, done = await events_of(app)
    assert isinstance(planned, Routed)
    assert planned.route == shown
    assert planned.route.target.name == FREE
    assert not isinstance(second, FellBack)
    assert isinstance(done, Done)
    assert [attempt.outcome for attempt in done.route.attempts] == ["ok"]


async def test_a_budget_that_is_new_counts_what_was_spent_before(open_app: OpenApp, upstream: Upstream):
    models = f'[tasks]\nchat = ["{PRICED}", "{FREE}"]\n'
    app = open_app(f"[budgets]\ndaily_usd = 5\n{models}")
    upstream.queue(REPORTED, ANSWERED)
    assert (await done_of(app.door())).route.target.name == PRICED
    config = app.config_file.read_text("utf-8").replace("daily_usd = 5", "daily_usd = 5\nmonthly_usd = 0.1")
    app.config_file.write_text(config, "utf-8")
    planned, second, *_ = await events_of(app)
    assert isinstance(planned, Routed)
    assert not isinstance(second, FellBack)
    assert planned.route.target.name == FREE


async def test_room_that_a_settled_request_gave_back_counts_for_the_next_plan(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app('[budgets]\ndaily_usd = 0.0003\n[tasks]\nchat = "' + PRICED + '"\n')
    upstream.queue(*[Answer(body=openrouter_stream("hi", {**TOKENS, "cost": 0}), content_type=STREAM)] * 3)
    for _ in range(3):  # each may cost $0.0002
        assert (await done_of(app.door())).cost.nanodollars == 0


async def test_after_a_fallback_the_route_says_who_answered_and_who_failed(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app('[tasks]\nchat = ["openrouter/openai/gpt-5-mini", "own/m", "own/spare"]\n')
    upstream.queue(
        json_answer({}, status=503, headers=NOT_AGAIN),
        Answer(body=openrouter_stream("hi"), content_type=STREAM),
    )
    *_, done = await events_of(app)
    assert isinstance(done, Done)
    route = done.route
    assert route.target.name == "own/m"
    assert "what comes before it failed" in route.reason
    assert [target.name for target in route.fallbacks] == ["own/spare"]
    assert [(one.target.name, one.verdict) for one in route.candidates] == [
        ("openrouter/openai/gpt-5-mini", "dropped"),
        ("own/m", "chosen"),
        ("own/spare", "fallback"),
    ]
    assert route.candidates[0].why == "tried: overloaded"
    assert route.estimate.nanodollars == 0


async def test_a_provider_that_repeats_the_prompt_does_not_bring_it_into_an_error(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app('[tasks]\nchat = "own/m"\n')
    upstream.queue(json_answer({"error": {"message": f"can't do: {PROMPT}"}}, status=400))
    with pytest.raises(Refused) as caught:
        await events_of(app)
    assert "fox" not in str(caught.value) + caught.value.message
    assert "repeat the prompt" in caught.value.message


async def test_code_on_several_lines_is_recognised_in_an_error(open_app: OpenApp, upstream: Upstream):
    app = open_app('[tasks]\nchat = "own/m"\n')
    code = "def f(x):\n    return x + SECRET\ndef g():\n    pass"
    upstream.queue(json_answer({"error": {"message": f"invalid prompt: {code}"}}, status=400))
    with pytest.raises(Refused) as caught:
        await events_of(app, a_request(prompt=code))
    assert "SECRET" not in str(caught.value) + caught.value.message


FAILED_WITH_A_COST = {"error": {"code": 502, "message": "gone"}, "usage": {**TOKENS, "cost": 0.5}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            sse({**chunk({"content": ""}, "error"), **FAILED_WITH_A_COST}, done=False), id="in the same chunk"
        ),
        pytest.param(
            sse(
                chunk({"content": "hi"}),
                chunk(usage={**TOKENS, "cost": 0.5}),
                {"error": {"code": 502, "message": "gone"}},
                done=False,
            ),
            id="before it",
        ),
        pytest.param(
            sse(chunk({"content": "hi"}), chunk(usage={**TOKENS, "cost": 0.5}), done=False), id="and a break"
        ),
    ],
)
async def test_what_a_provider_says_it_charged_is_booked_also_where_its_answer_ends_in_an_error(
    open_app: OpenApp, upstream: Upstream, body: bytes
):
    app = open_app(f'[tasks]\nchat = "{PRICED}"\n')
    for _ in range(MAX_ATTEMPTS):
        upstream.queue(Answer(body=body, content_type=STREAM))
    done = await done_of(app.door())
    rows = await rows_of(app)
    assert {(row["outcome"], row["basis"], row["cost_nanodollars"]) for row in rows} == {
        ("failed", "reported", 500_000_000)
    }
    assert done.cost.basis == "reported"


async def test_what_anthropic_told_of_the_prompt_counts_when_the_answer_breaks_off(
    tmp_path: Path, upstream: Upstream
):
    counts = {"input_tokens": 100, "cache_creation_input_tokens": 5_000, "output_tokens": 1}
    events = [claude.start("claude-sonnet-4-5", counts), *claude.text(0, "word " * 40)]
    upstream.answer("/v1/messages", claude.answer(*events))
    config = '[tasks]\nchat = "anthropic/claude-sonnet-4-5"\n[providers.anthropic]\nbase_url = "{}"\n'
    (tmp_path / "config.toml").write_text(config.format(upstream.base_url), "utf-8")
    home, file = str(tmp_path / "home"), str(tmp_path / "config.toml")
    environment = {"FAREBOX_HOME": home, "FAREBOX_CONFIG": file, "ANTHROPIC_API_KEY": "sk-ant-canary-01"}
    app = App(Client(name="test"), environment=environment)
    done = await done_of(app.door())
    row = await last_row(app)
    await app.close()
    assert (done.usage.input_tokens, done.usage.cache_write_tokens, done.usage.output_tokens) == (
        5_100,
        5_000,
        50,
    )
    # 100 at $3, 5,000 written at $3.75 and 50 seen at $15 for a million
    assert (row["basis"], row["cost_nanodollars"]) == ("estimated", 100 * 3_000 + 5_000 * 3_750 + 50 * 15_000)


async def test_an_error_that_is_remembered_does_not_gather_who_met_it(open_app: OpenApp):
    app = open_app('[tasks]\nchat = "anthropic/claude-sonnet-4-5"\n')
    depths: list[int] = []
    for _ in range(5):
        with pytest.raises(FareboxError) as caught:
            await app.door().route(a_request())
        depths.append(len(caught.traceback))
    assert depths[0] == depths[-1]
