"""What a provider says that an answer cost is charged, also where the answer breaks off."""

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from farebox.app import App, Client
from farebox.errors import BrokenReply, FareboxError, ProviderError
from farebox.messages import Begun, Call, Chat, Delta, Event, Finish, Message, Text, Usage
from farebox.providers.base import Endpoint, Quirks
from farebox.providers.http import Http
from farebox.providers.json_value import JsonObject
from farebox.providers.openai import OpenAI
from farebox.providers.openai_reply import Reply
from farebox.router.request import Request
from support.upstream import Answer, Upstream, chunk, json_answer, sse, sse_answer

Item = TypeVar("Item")
STREAM = "text/event-stream"
HELLO = Chat((Message("user", "Hello"),))
USAGE = {"prompt_tokens": 10, "completion_tokens": 3, "cost": 0.5}
ERROR = {"code": 502, "message": "x"}
COUNTED = Usage(10, output_tokens=3)
CHARGED = Finish("error", COUNTED, 500_000_000, "m", "gen-1")

AT_ONCE = sse_answer(chunk({"content": ""}, "error", error=ERROR, usage=USAGE))
AFTER_TEXT = sse_answer(chunk({"content": "hi"}), chunk(usage=USAGE), chunk(error=ERROR))
CUT_OFF = sse_answer(chunk({"content": "hi"}), chunk(usage=USAGE), done=False)
GARBLED = sse_answer(chunk({"content": "hi"}), chunk(usage=USAGE), "{not json")
TOO_MUCH = sse_answer(
    chunk(usage=USAGE),
    chunk({"tool_calls": [{"index": at, "function": {"name": "f"}} for at in range(200)]}),
)
ABORTED = Answer(
    body=sse(chunk(usage=USAGE), chunk({"content": "hi"}), chunk({"content": "!"})),
    content_type=STREAM,
    cut_after=len(sse(chunk(usage=USAGE), chunk({"content": "hi"}), done=False)) + 20,
)
BREAKS = {
    "an error": AT_ONCE,
    "an error after text": AFTER_TEXT,
    "an end without a finish": CUT_OFF,
    "an event that is no JSON": GARBLED,
    "more than can be kept": TOO_MUCH,
    "a connection that breaks": ABORTED,
    "an error in a whole body": json_answer(
        {"id": "gen-1", "model": "m", "error": ERROR, "usage": USAGE, "choices": []}
    ),
}


async def listen(stream: AsyncGenerator[Item, None], heard: list[Item]) -> None:
    """Note all that comes, up to the error that ends it."""
    async with aclosing(stream):
        async for item in stream:
            heard.append(item)  # noqa: PERF401  what has come must be kept when an error ends it


async def broken(answer: Answer, quirks: Quirks) -> tuple[list[Delta], ProviderError, list[str]]:
    """Listen to an answer up to its error; return what came, the error, and the paths that were asked."""
    deltas: list[Delta] = []
    client = Http()
    async with Upstream() as upstream:
        upstream.queue(answer)
        endpoint = Endpoint("acme", "openai", upstream.base_url, quirks=quirks)
        with pytest.raises(ProviderError) as caught:
            await listen(OpenAI(client, endpoint).stream(Call("m", HELLO)), deltas)
        await client.aclose()
        return deltas, caught.value, [request.path for request in upstream.requests]


@pytest.mark.parametrize("path", [None, "/generation"])
@pytest.mark.parametrize("name", BREAKS)
async def test_the_cost_comes_before_the_error(name: str, path: str | None):
    deltas, error, _ = await broken(BREAKS[name], Quirks(generation_path=path))
    assert deltas[-1] == CHARGED
    begun = [] if path is None else [Begun("gen-1")]
    assert [delta for delta in deltas[:-1] if delta != Text("hi")] == begun
    assert error.kind in ("overloaded", "brokenReply")


async def test_a_cost_without_counts_comes_before_the_error_too():
    answer = sse_answer(chunk({"content": ""}, "error", error=ERROR, usage={"cost": 0.5}))
    deltas, _, paths = await broken(answer, Quirks(generation_path="/generation"))
    assert deltas == [Begun("gen-1"), Finish("error", None, 500_000_000, "m", "gen-1")]
    assert paths == ["/v1/chat/completions"]


async def test_an_answer_that_broke_off_without_a_cost_has_no_finish():
    answer = sse_answer(chunk({"content": "hi"}), done=False)
    deltas, error, paths = await broken(answer, Quirks(generation_path="/generation"))
    assert (deltas, paths) == ([Begun("gen-1"), Text("hi")], ["/v1/chat/completions"])
    assert isinstance(error, BrokenReply)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param({"prompt_tokens": 0, "completion_tokens": 0}, None, id="zeros, which say nothing"),
        pytest.param({"prompt_tokens": 5}, Finish("error", Usage(5), None, "m", "gen-1"), id="counts"),
        pytest.param({"cost": Decimal("0.5")}, Finish("error", None, 500_000_000, "m", "gen-1"), id="a cost"),
        pytest.param({"cost": 0}, Finish("error", None, 0, "m", "gen-1"), id="that it was free"),
    ],
)
def test_of_an_answer_that_broke_off_stays_what_was_said_that_it_cost(
    usage: JsonObject | None, expected: Finish | None
):
    reply = Reply(Quirks(trace="reasoning_content"))
    list(reply.read(chunk({"reasoning": "r"}, usage=usage)))
    assert reply.broken_off() == expected


# --- through the door --------------------------------------------------------------------------


@pytest.fixture
async def app(tmp_path: Path, upstream: Upstream) -> AsyncIterator[App]:
    config = '[tasks]\nchat = "openrouter/openai/gpt-5-mini"\n[providers.openrouter]\n'
    file = tmp_path / "config.toml"
    file.write_text(f'{config}base_url = "{upstream.base_url}"\n', "utf-8")
    home = str(tmp_path / "home")
    environment = {"FAREBOX_HOME": home, "FAREBOX_CONFIG": str(file), "OPENROUTER_API_KEY": "k"}
    opened = App(Client(name="test"), environment=environment)
    yield opened
    await opened.close()


async def booked(app: App) -> list[sqlite3.Row]:
    await app.ledger.check()  # what was handed over before is written now
    with closing(sqlite3.connect(app.ledger.path)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute("SELECT * FROM calls ORDER BY started_ms, attempt").fetchall()


@pytest.mark.parametrize("name", ["an error", "an error after text", "an end without a finish"])
async def test_the_door_books_what_a_broken_answer_is_said_to_have_cost(
    app: App, upstream: Upstream, name: str
):
    upstream.answer("/v1/chat/completions", BREAKS[name])
    request = Request(
        task="chat",
        render=lambda serving: Call(serving.model, HELLO, max_output_tokens=100),
        input_bytes=5,
        max_output_tokens=100,
    )
    events: list[Event] = []
    reply = app.door().send(request)
    with suppress(FareboxError):
        await listen(reply.events(), events)
    assert not any(isinstance(event, Finish) for event in events)
    rows = await booked(app)
    assert rows
    for row in rows:
        assert (row["cost_nanodollars"], row["basis"], row["outcome"]) == (500_000_000, "reported", "failed")
        assert row["generation_id"] == "gen-1"
    assert reply.done is not None
    assert reply.done.cost.nanodollars == 500_000_000 * len(rows)
