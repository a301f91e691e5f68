"""What the door writes down: a row from before a request leaves to its end, whatever its end."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.errors import BrokenReply, BudgetExceeded, Unreachable
from farebox.messages import Call, Chat, Done, Event, Message, Routed, Text
from farebox.router.classify import Facts
from farebox.router.door import Reply
from farebox.router.request import Origin, Request, Serving
from support.llama import free_port
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse

OpenApp = Callable[..., App]
Row = dict[str, object]

USAGE = {"prompt_tokens": 1_000, "completion_tokens": 100}
FIRST_WORD = sse(chunk({"content": "Hello "}), done=False)
HANGING = Answer(body=FIRST_WORD, content_type="text/event-stream", hang=True)
SILENT = Answer(hang=True)
CHAIN = """
[tasks]
chat = ["one/m", "two/m", "three/m"]
[providers]
one.base_url = "{0}"
two.base_url = "{0}"
three.base_url = "{0}"
"""


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def open_app(tmp_path: Path, upstream: Upstream) -> AsyncIterator[OpenApp]:
    """Open an app whose OpenRouter is the upstream."""
    opened: list[App] = []

    def make(config: str = "", *, home: Path | None = None) -> App:
        table = f'[providers.openrouter]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config.format(upstream.base_url) + table, "utf-8")
        environment = {
            "FAREBOX_HOME": str(home or tmp_path / "home"),
            "FAREBOX_CONFIG": str(tmp_path / "config.toml"),
            "OPENROUTER_API_KEY": "k",
        }
        opened.append(App(Client(name="test"), environment=environment))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


def a_request(requested: str | None = "openrouter/openai/gpt-5-mini") -> Request:
    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)

    origin = Origin("/ws", "test", "c1")
    return Request("chat", render, 400, 100, requested=requested, origin=origin)


def an_answer(text: str = "Hello you", usage: object = None) -> Answer:
    return Answer(body=openrouter_stream(text, usage), content_type="text/event-stream")  # type: ignore[arg-type]


def read(app: App) -> list[Row]:
    """Read the ledger as another program would."""
    with closing(sqlite3.connect(app.ledger.path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM calls ORDER BY started_ms, attempt")]


async def rows_of(app: App) -> list[Row]:
    await app.ledger.check()  # what was handed over before is written now
    return read(app)


async def finish(reply: Reply) -> list[Event]:
    async with aclosing(reply.events()) as events:
        return [event async for event in events]


async def test_whoever_stops_at_the_route_has_nothing_held_and_nothing_to_pay(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app()
    events = app.door().send(a_request()).events()
    assert isinstance(await anext(events), Routed)
    await events.aclose()
    (row,) = await rows_of(app)
    assert (row["state"], row["outcome"], row["cost_nanodollars"]) == ("settled", "cancelled", 0)
    assert upstream.requests == []


async def test_a_row_stands_before_the_request_leaves(open_app: OpenApp, upstream: Upstream):
    app = open_app()
    upstream.queue(SILENT)
    task = asyncio.create_task(finish(app.door().send(a_request())))
    await upstream.arrived.wait()
    (row,) = read(app)
    assert (row["state"], row["outcome"], row["cost_nanodollars"]) == ("held", None, None)
    assert row["hold_nanodollars"] == 136 * 250 + 100 * 2_000  # 400 bytes may be 134 tokens
    assert (row["model"], row["task"]) == ("openrouter/openai/gpt-5-mini", "chat")
    assert (row["workspace"], row["client"], row["conversation"]) == ("/ws", "test", "c1")
    task.cancel()
    await asyncio.wait([task])
    (row,) = await rows_of(app)
    assert (row["state"], row["outcome"], row["basis"]) == ("settled", "cancelled", "estimated")
    assert (row["input_tokens"], row["output_tokens"]) == (100, 0)


async def test_the_row_says_how_the_request_was_routed_and_nothing_of_its_text(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app()
    upstream.queue(an_answer(usage=USAGE), an_answer(usage=USAGE))
    secret = "the migration of the billing tables"
    asked = replace(
        a_request("auto:cheap"),
        task="plan",
        facts=Facts(text=secret, tools=True),
        evidence=("rejected", "errorsRemain"),
        images=1,
        caches=True,
    )
    await finish(app.door().send(asked))
    await finish(app.door().send(a_request()))
    by_auto, named = await rows_of(app)
    columns = (
        "requested",
        "strategy",
        "phase",
        "complexity",
        "tier",
        "evidence",
        "images",
        "tools",
        "caches",
    )
    expected = (
        "auto:cheap",
        "cheap",
        "plan",
        asked.work.complexity,
        "strong",
        "rejected,errorsRemain",
        1,
        1,
        1,
    )
    assert tuple(by_auto[column] for column in columns) == expected
    assert (by_auto["input_bytes"], by_auto["max_output_tokens"]) == (400, 100)
    assert (named["requested"], named["tier"]) == ("openrouter/openai/gpt-5-mini", None)
    assert (named["evidence"], named["tools"]) == (None, 0)
    assert secret.encode() not in app.ledger.path.read_bytes()


@pytest.mark.parametrize("way", ["cancelled", "closed"])
async def test_stopping_in_the_middle_settles_the_row_and_closes_the_socket(
    open_app: OpenApp, upstream: Upstream, way: str
):
    app = open_app()
    upstream.queue(HANGING)
    reply = app.door().send(a_request())
    heard = asyncio.Event()

    async def read_on() -> None:
        async with aclosing(reply.events()) as events:
            async for event in events:
                if isinstance(event, Text):
                    heard.set()
                    if way == "closed":
                        break

    task = asyncio.create_task(read_on())
    await heard.wait()
    if way == "cancelled":
        task.cancel()
    await asyncio.wait([task])
    await asyncio.wait_for(upstream.closed.wait(), 5)
    assert task.cancelled() == (way == "cancelled")
    (row,) = await rows_of(app)
    assert (row["outcome"], row["finish_reason"], row["basis"]) == ("cancelled", "cancelled", "estimated")
    assert (row["input_tokens"], row["output_tokens"]) == (100, 2)
    assert row["cost_nanodollars"] == 100 * 250 + 2 * 2_000
    assert reply.done is not None
    assert reply.done.cancelled
    assert reply.done.cost.nanodollars == row["cost_nanodollars"]


async def test_each_attempt_has_a_row_of_its_own(open_app: OpenApp, upstream: Upstream):
    app = open_app(CHAIN)
    broken_for_good = json_answer({}, status=500, headers={"x-should-retry": "false"})
    upstream.queue(json_answer({}, status=429), broken_for_good, an_answer(usage=USAGE))
    await finish(app.door().send(a_request(None)))
    rows = await rows_of(app)
    assert len({row["request_id"] for row in rows}) == 1
    assert [(row["attempt"], row["provider"], row["outcome"], row["error_kind"]) for row in rows] == [
        (1, "one", "failed", "rateLimited"),
        (2, "two", "failed", "overloaded"),
        (3, "three", "ok", None),
    ]
    assert [(row["cost_nanodollars"], row["basis"]) for row in rows] == [
        (0, "computed"),
        (0, "computed"),
        (None, "unknown"),
    ]


async def test_a_server_of_the_users_own_that_is_not_there_has_its_row_too(
    open_app: OpenApp, upstream: Upstream
):
    nowhere = f"http://127.0.0.1:{free_port()}"
    names = ["ollama/qwen3", "local/default", "one/m"]
    config = f"""
[tasks]
chat = {names}
[providers]
ollama.base_url = "{nowhere}"
local.base_url = "{nowhere}/v1"
one.base_url = "{upstream.base_url}"
"""
    upstream.queue(an_answer())
    app = open_app(config)
    done = (await finish(app.door().send(a_request(None))))[-1]
    assert isinstance(done, Done)
    assert [attempt.target.name for attempt in done.route.attempts] == names
    rows = await rows_of(app)
    assert [(row["provider"], row["outcome"], row["error_kind"], row["state"]) for row in rows] == [
        ("ollama", "failed", "unreachable", "settled"),
        ("local", "failed", "unreachable", "settled"),
        ("one", "ok", None, "settled"),
    ]
    assert {row["cost_nanodollars"] for row in rows[:2]} == {0}
    assert len({row["request_id"] for row in rows}) == 1


async def test_whoever_asks_a_server_that_is_not_there_hears_of_the_attempt_that_the_ledger_has(
    open_app: OpenApp,
):
    app = open_app(f'[providers.local]\nbase_url = "http://127.0.0.1:{free_port()}/v1"\n')
    reply = app.door().send(a_request("local/default"))
    with pytest.raises(Unreachable):
        await finish(reply)
    assert reply.done is not None
    told = [(one.target.name, one.outcome) for one in reply.done.route.attempts]
    (row,) = await rows_of(app)
    assert told == [(row["model"], row["error_kind"])]
    assert (reply.done.finish_reason, reply.done.cost.nanodollars) == ("error", 0)


async def test_an_answer_that_is_cut_off_is_settled_with_an_estimate(open_app: OpenApp, upstream: Upstream):
    app = open_app()
    whole = an_answer()
    upstream.queue(replace(whole, cut_after=whole.body.index(b"you")))
    with pytest.raises(BrokenReply):
        await finish(app.door().send(a_request()))
    (row,) = await rows_of(app)
    assert (row["outcome"], row["error_kind"]) == ("failed", "brokenReply")
    assert (row["output_tokens"], row["basis"]) == (2, "estimated")


@pytest.mark.parametrize(
    ("model", "usage", "nanodollars", "basis"),
    [
        pytest.param("openai/gpt-5-mini", {**USAGE, "cost": 0.000213}, 213_000, "reported", id="reported"),
        pytest.param("acme/new", {**USAGE, "cost": 0.000213}, 213_000, "reported", id="reported-unpriced"),
        pytest.param("openai/gpt-5-mini", USAGE, 450_000, "computed", id="computed"),
        pytest.param("openai/gpt-5-mini", None, 31_000, "estimated", id="no-usage"),
        pytest.param("acme/new", USAGE, None, "unknown", id="unknown-price"),
        pytest.param("acme/new", None, None, "unknown", id="unknown-price-and-usage"),
    ],
)
async def test_the_ledger_and_the_caller_are_told_the_same_cost(
    *,
    open_app: OpenApp,
    upstream: Upstream,
    model: str,
    usage: object,
    nanodollars: int | None,
    basis: str,
):
    app = open_app()
    upstream.queue(an_answer(usage=usage))
    done = (await finish(app.door().send(a_request(f"openrouter/{model}"))))[-1]
    assert isinstance(done, Done)
    (row,) = await rows_of(app)
    assert (row["cost_nanodollars"], row["basis"]) == (nanodollars, basis)
    assert (done.cost.nanodollars, done.cost.basis) == (nanodollars, basis)
    assert row["baseline_model"] == done.cost.baseline_model == "openrouter/anthropic/claude-opus-5.5"


async def test_what_runs_on_ones_own_machine_costs_nothing(open_app: OpenApp, upstream: Upstream):
    app = open_app('[providers.local]\nbase_url = "{0}"\n[budgets]\ndaily_usd = 0\n')
    upstream.answer("/v1/models", json_answer({"data": [{"id": "llama"}]}))
    upstream.answer("/v1/chat/completions", an_answer(usage=USAGE))
    await finish(app.door().send(a_request("local")))
    (row,) = await rows_of(app)
    assert (row["model"], row["cost_nanodollars"], row["basis"]) == ("local/llama", 0, "computed")


@pytest.mark.parametrize(
    ("budget", "model", "words"),
    [
        pytest.param("daily_usd = 0.0001", "openai/gpt-5-mini", "the daily budget has", id="daily"),
        pytest.param("monthly_usd = 0", "openai/gpt-5-mini", "the monthly budget has", id="monthly"),
        pytest.param("daily_usd = 5", "acme/new", "has no known price", id="unknown-price"),
    ],
)
async def test_a_budget_refuses_before_anything_leaves(
    open_app: OpenApp, upstream: Upstream, budget: str, model: str, words: str
):
    app = open_app(f"[budgets]\n{budget}\n")
    with pytest.raises(BudgetExceeded, match=words):
        await finish(app.door().send(a_request(f"openrouter/{model}")))
    assert upstream.connections == 0
    assert await rows_of(app) == []


async def test_what_was_spent_counts_against_the_budget_of_the_next(open_app: OpenApp, upstream: Upstream):
    app = open_app("[budgets]\ndaily_usd = 0.0005\n")
    upstream.queue(an_answer(usage={**USAGE, "cost": 0.0004}))
    await finish(app.door().send(a_request()))
    with pytest.raises(BudgetExceeded, match=r"budget has \$0.0001 left"):
        await finish(app.door().send(a_request()))
    assert len(upstream.requests) == 1


async def test_a_ledger_that_cannot_be_written_stops_only_what_has_a_budget(
    open_app: OpenApp, upstream: Upstream, tmp_path: Path
):
    (tmp_path / "file").write_text("not a folder")
    upstream.queue(an_answer())
    events = await finish(open_app(home=tmp_path / "file").door().send(a_request()))
    assert isinstance(events[-1], Done)
    limited = open_app("[budgets]\ndaily_usd = 5\n", home=tmp_path / "file")
    with pytest.raises(BudgetExceeded, match="can't be checked"):
        await finish(limited.door().send(a_request()))
    assert [request.method for request in upstream.requests].count("POST") == 1


async def test_a_ledger_that_cannot_be_written_is_asked_once(
    open_app: OpenApp, upstream: Upstream, tmp_path: Path
):
    """Each ask may wait until a lock is given up."""
    (tmp_path / "file").write_text("not a folder")
    chain = 'chat = ["openrouter/openai/gpt-5-mini", "openrouter/openai/gpt-5"]'
    config = f"[budgets]\ndaily_usd = 5\n[tasks]\n{chain}\n"
    reply = open_app(config, home=tmp_path / "file").door().send(a_request(None))
    with pytest.raises(BudgetExceeded, match="can't be checked"):
        await finish(reply)
    assert upstream.connections == 0
