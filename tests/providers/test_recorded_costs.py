"""Recorded answers: the cost that is booked is the cost that was charged, to the nano-dollar.

OpenRouter's are whole bodies. Each is served on loopback as it is, as a stream that was rebuilt from it, and
with that stream split at random bytes. Recorded streams (``.sse``) are those of every vendor that speaks the
same dialect. What is expected is worked out here from the recorded JSON, independently of the adapter.
"""

import json
from collections.abc import Mapping
from contextlib import aclosing
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import cast

import pytest

from farebox.messages import Call, Chat, Finish, Message, Text, Usage
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.providers.openai import OpenAI
from support.upstream import Answer, Upstream, sse, stream_of

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures"
INDEX = FIXTURES / "index.json"
if not INDEX.is_file():
    pytest.skip(f"the recorded answers are not here: {INDEX}", allow_module_level=True)

Table = Mapping[str, object]
ENTRIES = [
    entry
    for entry in json.loads(INDEX.read_text("utf-8"))
    if entry["api"] == "openai.chat" and entry["status"] == 200
]
WHOLE = [
    pytest.param(entry, id=entry["file"])
    for entry in ENTRIES
    if entry["provider"] == "openrouter" and not entry["stream"]
]
STREAMED = [pytest.param(entry, id=entry["file"]) for entry in ENTRIES if entry["stream"]]


async def check(http: Http, entry: Table, answer: Answer) -> None:
    """Serve an answer and compare what the adapter makes of it with what was recorded."""
    async with Upstream() as upstream:
        upstream.queue(answer)
        call = Call("m", Chat((Message("user", "Hello"),)))
        endpoint = Endpoint(provider="openrouter", dialect="openai", base_url=upstream.base_url)
        async with aclosing(OpenAI(http, endpoint).stream(call)) as stream:
            deltas = [delta async for delta in stream]
    expected = cast("Table", entry["expected"])
    finish = deltas[-1]
    assert isinstance(finish, Finish)
    assert "".join(delta.text for delta in deltas if isinstance(delta, Text)) == expected["text"]
    assert finish.served_model == expected["model"]
    assert finish.generation_id == expected["id"]
    usage = cast("Table | None", expected["usage"])
    assert finish.usage == (None if usage is None else usage_in(usage))
    assert finish.reported_nanodollars == (None if usage is None else charged_nanodollars(usage))


def usage_in(table: Table) -> Usage:
    def number(*path: str) -> int:
        value: object = table
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return cast("int", value or 0)

    return Usage(
        input_tokens=number("prompt_tokens"),
        cached_input_tokens=number("prompt_tokens_details", "cached_tokens"),
        cache_write_tokens=number("prompt_tokens_details", "cache_write_tokens"),
        output_tokens=number("completion_tokens"),
        reasoning_tokens=number("completion_tokens_details", "reasoning_tokens"),
    )


def charged_nanodollars(usage: Table) -> int | None:
    if usage.get("cost") is None:
        return None
    charged = Decimal(str(usage["cost"]))
    if usage.get("is_byok") is True:
        details = cast("Table", usage.get("cost_details") or {})
        charged += Decimal(str(details.get("upstream_inference_cost") or 0))
    return int((charged * 10**9).to_integral_value(ROUND_HALF_UP))


def body_of(entry: Table) -> bytes:
    return (FIXTURES / cast("str", entry["file"])).read_bytes()


@pytest.mark.parametrize("entry", WHOLE)
async def test_a_recorded_body_is_read_whole(http: Http, entry: Table):
    await check(http, entry, Answer(body=body_of(entry)))


@pytest.mark.parametrize("entry", WHOLE)
async def test_the_stream_that_carries_a_recorded_body_says_the_same(http: Http, entry: Table):
    stream = sse(*stream_of(json.loads(body_of(entry))))
    await check(http, entry, Answer(body=stream, content_type="text/event-stream"))


@pytest.mark.parametrize("entry", WHOLE)
async def test_the_stream_split_at_random_bytes_says_the_same(http: Http, entry: Table):
    stream = b": OPENROUTER PROCESSING\n\n" + sse(*stream_of(json.loads(body_of(entry))))
    await check(http, entry, Answer(body=stream, content_type="text/event-stream", seed=len(stream)))


@pytest.mark.parametrize("entry", WHOLE)
def test_the_made_stream_carries_the_recorded_usage_unchanged(entry: Table):
    recorded = json.loads(body_of(entry), parse_float=Decimal)
    lines = sse(*stream_of(json.loads(body_of(entry)))).decode().split("\n\n")
    carried = json.loads(lines[-3].removeprefix("data: "), parse_float=Decimal)
    assert carried.get("usage") == recorded.get("usage")


@pytest.mark.parametrize("entry", STREAMED)
@pytest.mark.parametrize("seed", [None, 1], ids=["whole", "split"])
async def test_a_recorded_stream_is_read(http: Http, entry: Table, seed: int | None):
    await check(http, entry, Answer(body=body_of(entry), content_type="text/event-stream", seed=seed))


def test_the_recorded_answers_have_costs_in_them():
    assert any("cost" in entry["tags"] for entry in ENTRIES if entry["stream"])
    from_openrouter = [entry for entry in ENTRIES if entry["provider"] == "openrouter"]
    costs = [charged_nanodollars(entry["expected"]["usage"]) for entry in from_openrouter]
    assert sum(cost is not None for cost in costs) >= 20
    assert any(cost is None for cost in costs)
