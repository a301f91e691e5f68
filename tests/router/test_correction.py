"""Estimates made right: by whom, when again, and when nobody is asked at all."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.ledger.corrections import FIRST_LOOK_MS
from farebox.ledger.limits import Limit
from farebox.ledger.records import Settlement
from farebox.messages import UNKNOWN_COST, Call, Chat, Message, Text, Usage
from farebox.router.correction import MAX_AT_ONCE, MAX_ROUND, Corrector, correct_due
from farebox.router.door import Reply
from farebox.router.request import Request, Serving
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, sse

OpenApp = Callable[..., App]
Row = dict[str, object]

MODEL = "openrouter/openai/gpt-5-mini"  # $0.25 in, $2 out for a million tokens
STREAM = "text/event-stream"
HANGING = Answer(body=sse(chunk({"content": "Hello "}), done=False), content_type=STREAM, hang=True)
BOOKED = {
    "id": "gen-1",
    "model": "openai/gpt-5-mini-2026",
    "total_cost": 0.000213457,
    "native_tokens_prompt": 97,
    "native_tokens_completion": 41,
    "native_tokens_reasoning": 7,
    "native_tokens_cached": 64,
}
NOT_YET = json_answer({"error": {"code": 404, "message": "not found"}}, status=404)
BROKER = '[providers.openrouter]\nbase_url = "{0}"\n'
AN_HOUR_MS = 3_600_000
ESTIMATE = 100 * 250 + 2 * 2_000


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        upstream.answer("/v1/chat/completions", HANGING)
        upstream.answer("/v1/generation", json_answer({"data": BOOKED}))
        yield upstream


@pytest.fixture
async def open_app(tmp_path: Path, upstream: Upstream) -> AsyncIterator[OpenApp]:
    """Open an app whose OpenRouter is the upstream; its ledger is everybody's."""
    opened: list[App] = []

    def make(config: str = "", *, key: str | None = "sk-or-test-0123456789") -> App:
        (tmp_path / "config.toml").write_text(BROKER.format(upstream.base_url) + config, "utf-8")
        environment = {
            "FAREBOX_HOME": str(tmp_path / "home"),
            "FAREBOX_CONFIG": str(tmp_path / "config.toml"),
            "FAREBOX_FETCH_MODELS": "off",
            **({"OPENROUTER_API_KEY": key} if key is not None else {}),
        }
        opened.append(App(Client(name="test"), environment=environment))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


async def stop_in_the_middle(app: App, model: str = MODEL) -> Reply:
    """Send a request and stop at the first word of its answer."""

    def call(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)

    reply = app.door().send(Request("chat", call, 400, 100, requested=model))
    async with aclosing(reply.events()) as events:
        async for event in events:
            if isinstance(event, Text):
                break
    return reply


def database(app: App) -> "closing[sqlite3.Connection]":
    """Open the ledger as another program would."""
    connection = sqlite3.connect(app.ledger.path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return closing(connection)


async def rows_of(app: App) -> list[Row]:
    await app.ledger.check()  # what was handed over before is written now
    with database(app) as connection:
        return [dict(row) for row in connection.execute("SELECT * FROM calls ORDER BY started_ms, rowid")]


async def let_time_pass(app: App) -> None:
    """Let what is to be asked about at some time be due now."""
    await app.ledger.check()
    with database(app) as connection:
        connection.execute("UPDATE calls SET ask_at_ms = 0 WHERE ask_at_ms IS NOT NULL")


async def correct(app: App) -> int:
    return await correct_due(app.ledger, app.http, app.door().planner)


def lookups(upstream: Upstream) -> list[str]:
    return [request.path for request in upstream.requests if request.method == "GET"]


async def test_a_stopped_answer_costs_what_its_provider_has_booked(open_app: OpenApp, upstream: Upstream):
    app = open_app()
    reply = await stop_in_the_middle(app)
    (row,) = await rows_of(app)
    assert (row["cost_nanodollars"], row["basis"], row["generation_id"]) == (ESTIMATE, "estimated", "gen-1")
    await let_time_pass(app)
    told = reply.done
    assert await correct(app) == 1
    (row,) = await rows_of(app)
    assert (row["cost_nanodollars"], row["reported_nanodollars"], row["basis"]) == (
        213_457,
        213_457,
        "reported",
    )
    assert (row["input_tokens"], row["output_tokens"]) == (97, 41)
    assert (row["cached_input_tokens"], row["reasoning_tokens"]) == (64, 7)
    assert (row["served_model"], row["outcome"]) == ("openai/gpt-5-mini-2026", "cancelled")
    assert lookups(upstream) == ["/v1/generation?id=gen-1"]
    (spent,) = await app.ledger.spent_by([Limit("ever", 0, 0, "")])
    assert spent.settled_nanodollars == 213_457
    assert reply.done is told
    assert told is not None
    assert (told.cost.nanodollars, told.call_id) == (ESTIMATE, row["call_id"])
    await let_time_pass(app)
    assert await correct(app) == 0
    assert len(lookups(upstream)) == 1


async def test_nobody_is_asked_before_it_is_time(open_app: OpenApp, upstream: Upstream):
    app = open_app()
    before_ms = time.time() * 1_000
    await stop_in_the_middle(app)
    (row,) = await rows_of(app)
    assert row["ask_at_ms"] == await app.ledger.next_correction_ms()
    assert row["ask_at_ms"] >= before_ms + FIRST_LOOK_MS - 1  # type: ignore[operator]
    with database(app) as connection:
        connection.execute("UPDATE calls SET ask_at_ms = ?", (before_ms + AN_HOUR_MS,))
    assert await correct(app) == 0
    assert lookups(upstream) == []


async def test_who_has_no_answer_yet_is_asked_again_later_and_then_given_up(
    open_app: OpenApp, upstream: Upstream
):
    upstream.answer("/v1/generation", NOT_YET)
    app = open_app()
    await stop_in_the_middle(app)
    for asked, wait_s in enumerate((30, 600, 21_600), 1):
        await let_time_pass(app)
        before_s = int(time.time())
        assert await correct(app) == 1
        next_ms = await app.ledger.next_correction_ms()
        assert next_ms is not None
        assert before_s + wait_s <= next_ms / 1_000 <= time.time() + wait_s
        assert len(lookups(upstream)) == asked
    await let_time_pass(app)
    assert await correct(app) == 1
    assert await app.ledger.next_correction_ms() is None
    assert len(lookups(upstream)) == 4
    (row,) = await rows_of(app)
    assert (row["cost_nanodollars"], row["basis"]) == (ESTIMATE, "estimated")


async def test_an_answer_that_comes_late_counts(open_app: OpenApp, upstream: Upstream):
    upstream.answer("/v1/generation", NOT_YET)
    app = open_app()
    await stop_in_the_middle(app)
    await let_time_pass(app)
    await correct(app)
    assert (await rows_of(app))[0]["basis"] == "estimated"
    upstream.answer("/v1/generation", json_answer({"data": BOOKED}))
    await let_time_pass(app)
    await correct(app)
    assert (await rows_of(app))[0]["basis"] == "reported"


@pytest.mark.parametrize(
    ("config", "key"),
    [
        pytest.param("[privacy]\nlocal_only = true\n", "sk-or-test-0123456789", id="local-only"),
        pytest.param("", None, id="the-key-is-gone"),
    ],
)
async def test_nobody_is_asked_if(open_app: OpenApp, upstream: Upstream, config: str, key: str | None):
    await stop_in_the_middle(app := open_app())
    await let_time_pass(app)
    connections = upstream.connections
    later = open_app(config, key=key)
    await correct(later)
    assert (lookups(upstream), upstream.connections) == ([], connections)
    (row,) = await rows_of(later)
    assert (row["cost_nanodollars"], row["basis"]) == (ESTIMATE, "estimated")


async def test_in_local_only_mode_a_question_is_put_off_but_not_lost(open_app: OpenApp, upstream: Upstream):
    await stop_in_the_middle(app := open_app())
    await let_time_pass(app)
    local = open_app("[privacy]\nlocal_only = true\n")
    for _ in range(5):
        assert await correct(local) == 0
    assert await correct(open_app()) == 1
    assert len(lookups(upstream)) == 1


@pytest.mark.parametrize(
    ("model", "change", "nanodollars", "basis"),
    [
        pytest.param(MODEL, {"total_cost": None}, 33 * 250 + 64 * 25 + 41 * 2_000, "computed", id="no-cost"),
        pytest.param(MODEL, {"total_cost": 10**7}, 33 * 250 + 64 * 25 + 41 * 2_000, "computed", id="absurd"),
        pytest.param("openrouter/acme/new", {}, 213_457, "reported", id="no-price"),
        pytest.param("openrouter/acme/new", {"total_cost": None}, None, "unknown", id="no-cost-and-no-price"),
    ],
)
async def test_what_is_booked_without_a_cost_is_priced_by_the_table(
    *,
    open_app: OpenApp,
    upstream: Upstream,
    model: str,
    change: dict[str, object],
    nanodollars: int | None,
    basis: str,
):
    upstream.answer("/v1/generation", json_answer({"data": {**BOOKED, **change}}))
    app = open_app()
    await stop_in_the_middle(app, model)
    await let_time_pass(app)
    await correct(app)
    (row,) = await rows_of(app)
    assert (row["cost_nanodollars"], row["basis"]) == (nanodollars, basis)


async def test_that_it_cost_nothing_is_not_believed_at_once(open_app: OpenApp, upstream: Upstream):
    upstream.answer("/v1/generation", json_answer({"data": {**BOOKED, "total_cost": 0}}))
    app = open_app()
    await stop_in_the_middle(app)
    for basis in ("estimated", "estimated", "reported"):
        await let_time_pass(app)
        await correct(app)
        (row,) = await rows_of(app)
        assert row["basis"] == basis
    assert row["cost_nanodollars"] == 0


async def test_a_key_that_a_provider_repeats_is_not_written_down(open_app: OpenApp, upstream: Upstream):
    key = "sk-or-test-0123456789"
    upstream.answer("/v1/generation", json_answer({"data": {**BOOKED, "model": f"acme/{key}"}}))
    app = open_app(key=key)
    await stop_in_the_middle(app)
    await let_time_pass(app)
    assert await correct(app) == 1
    (row,) = await rows_of(app)
    assert row["served_model"]
    assert key not in str(row["served_model"])


async def test_many_are_asked_a_few_at_a_time(open_app: OpenApp, upstream: Upstream):
    app = open_app()
    await stop_in_the_middle(app)
    await app.ledger.check()
    with database(app) as connection:
        own = ("call_id", "request_id")
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(calls)") if name not in own]
        same = ", ".join(columns)
        copying = f"INSERT INTO calls (call_id, request_id, {same}) SELECT ?, ?, {same} FROM calls LIMIT 1"
        for copy in range(MAX_ROUND + 5):
            connection.execute(copying, (f"copy {copy}", f"request {copy}"))
    await let_time_pass(app)
    upstream.answer("/v1/generation", replace(json_answer({"data": BOOKED}), delay_s=0.01))
    before = upstream.connections
    assert await correct(app) == MAX_ROUND
    assert upstream.connections - before <= MAX_AT_ONCE
    assert await correct(app) == 6
    assert {row["cost_nanodollars"] for row in await rows_of(app)} == {213_457}


# --- as long as a process runs -----------------------------------------------------------------


async def corrected(app: App) -> None:
    """Wait until the last row is what was booked."""
    async with asyncio.timeout(WAIT_S):
        while (await rows_of(app))[-1]["cost_nanodollars"] != 213_457:  # noqa: ASYNC110  a file has no event
            await asyncio.sleep(0.05)


async def test_what_is_stopped_while_it_runs_is_corrected_soon(open_app: OpenApp):
    app = open_app()
    running = asyncio.create_task(app.correct_estimates())
    for _ in range(2):
        await stop_in_the_middle(app)
        await corrected(app)
    assert [row["basis"] for row in await rows_of(app)] == ["reported", "reported"]
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_what_others_have_left_is_corrected_at_the_start(open_app: OpenApp):
    await stop_in_the_middle(before := open_app())
    await let_time_pass(before)
    await before.close()
    app = open_app()
    running = asyncio.create_task(app.correct_estimates())
    await corrected(app)
    running.cancel()


async def test_a_broken_config_ends_nothing(open_app: OpenApp, tmp_path: Path):
    await stop_in_the_middle(before := open_app())
    await let_time_pass(before)
    app = open_app()
    whole = (tmp_path / "config.toml").read_text("utf-8")
    (tmp_path / "config.toml").write_text("[tasks", "utf-8")
    running = asyncio.create_task(app.correct_estimates())
    (tmp_path / "config.toml").write_text(whole, "utf-8")
    await stop_in_the_middle(app)
    await corrected(app)
    running.cancel()


async def test_a_settlement_that_comes_when_nobody_listens_is_no_error(open_app: OpenApp):
    app = open_app()
    corrector = Corrector(app.ledger, app.http, lambda: app.door().planner)
    guess = Settlement("c", "cancelled", Usage(), UNKNOWN_COST, correctable=True)
    corrector.note(guess)
    loop = asyncio.new_event_loop()
    with suppress(TimeoutError):
        await asyncio.to_thread(loop.run_until_complete, asyncio.wait_for(corrector.run(), 0.05))
    loop.close()
    corrector.note(guess)
