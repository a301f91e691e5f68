"""Budgets as part of the plan, holds that are large enough, and what a lost answer may have cost."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any, cast

import pytest

from farebox.app import App, Client
from farebox.completion import engine
from farebox.errors import BrokenReply, FareboxError, KeyRejected, Refused
from farebox.messages import Call, Chat, Done, Event, Image, Message, Routed
from farebox.router.request import Request
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

OpenApp = Callable[[str], App]
STREAM = "text/event-stream"
PROMPT = "the quick brown fox jumps over the lazy dog, twice"


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


def a_request(images: int = 0) -> Request:
    chat = Chat((Message("user", PROMPT, (Image("image/png", "AAAA"),) * images),))
    return Request(
        task="chat",
        render=lambda serving: Call(serving.model, chat, max_output_tokens=100),
        input_bytes=len(PROMPT),
        max_output_tokens=100,
        images=images,
    )


async def events_of(app: App) -> list[Event]:
    async with aclosing(app.door().send(a_request()).events()) as events:
        return [event async for event in events]


async def last_row(app: App) -> sqlite3.Row:
    await app.ledger.check()
    with closing(sqlite3.connect(app.ledger.path)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute("SELECT * FROM calls ORDER BY started_ms DESC, attempt DESC").fetchone()


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
    await engine.complete(app.door(), hole, app.config().completion)
    (sent,) = [cast("dict[str, Any]", request.json) for request in upstream.requests]
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
    upstream.queue(answer)
    with pytest.raises(error):
        await events_of(app)
    row = await last_row(app)
    assert (row["cost_nanodollars"] > 0, row["basis"]) == (costs, "estimated" if costs else "computed")


async def test_after_a_fallback_the_route_says_who_answered_and_who_failed(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app('[tasks]\nchat = ["openrouter/openai/gpt-5-mini", "own/m", "own/spare"]\n')
    upstream.queue(Answer(status=503, body=b"{}"), Answer(body=openrouter_stream("hi"), content_type=STREAM))
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
