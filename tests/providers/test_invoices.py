"""Invoices worked out by hand are what is booked, to the nano-dollar, whatever a vendor calls its counts.

Prices are typed in as dollars for a million tokens, which is a thousand nano-dollars for one; the sums are
written out beside each invoice. A vendor's own figure always wins over ours, and both are kept, so that their
drift can be told.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TieredPrices

from farebox.app import App, Client
from farebox.messages import Call, Chat, Done, Message, Usage
from farebox.providers.vendors import vendors
from farebox.router.request import Request
from support.replay import KEY
from support.upstream import Answer, Upstream, chunk, json_answer, sse

STREAM = "text/event-stream"
Table = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Dollars for a million tokens, as of genai-prices 0.2.3.

    ``above`` so many tokens of a prompt the input costs so much; in ``double_hours`` (UTC) all is double.
    """

    model: str
    input: str
    cached: str
    output: str
    written: str | None = None
    above: tuple[int, str] | None = None
    double_hours: frozenset[int] = frozenset()

    def times(self, moment: datetime) -> int:
        """Say how many times the usual price holds at a moment."""
        return 2 if moment.astimezone(UTC).hour in self.double_hours else 1


PRICES = {
    "openai/gpt-6.1-terra": Prices(
        model="gpt-6.1-terra", input="1", cached="0.05", written="1.25", output="5", above=(272_000, "2")
    ),
    "openai/gpt-5-mini": Prices(model="gpt-5-mini", input="0.25", cached="0.025", output="2"),
    "anthropic/claude-sonnet-5": Prices(
        model="claude-sonnet-5", input="2", cached="0.2", written="2.5", output="10"
    ),
    "anthropic/claude-sonnet-4-5": Prices(
        model="claude-sonnet-4-5", input="3", cached="0.3", written="3.75", output="15", above=(200_000, "6")
    ),
    "openrouter/openai/gpt-5-mini": Prices(
        model="openai/gpt-5-mini", input="0.25", cached="0.025", output="2"
    ),
    "openrouter/anthropic/claude-sonnet-5.5": Prices(
        model="anthropic/claude-sonnet-5.5", input="2", cached="0.1", written="2.5", output="10"
    ),
    "deepseek/deepseek-v4-flash": Prices(
        model="deepseek-v4-flash",
        input="0.15",
        cached="0.003",
        output="0.6",
        double_hours=frozenset({1, 2, 3, 6, 7, 8, 9}),
    ),
    "xai/grok-4.7": Prices(model="grok-4.7", input="2", cached="0.5", output="6", above=(199_999, "4")),
    "google/gemini-2.5-flash": Prices(model="gemini-2.5-flash", input="0.3", cached="0.03", output="2.5"),
}


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """What a vendor counted, and what it comes to by hand at the usual hours, in nano-dollars."""

    model: str
    usage: Table
    tokens: Usage
    computed: int
    reported: int | None = None
    answers: tuple[Callable[[str, Table], Answer], ...] = field(default_factory=lambda: (streamed, whole))


def streamed(model: str, usage: Table) -> Answer:
    chunks = [chunk({"content": "Hi."}), chunk({}, "stop"), chunk(usage=usage)]
    return Answer(body=sse(*({**one, "model": model} for one in chunks)), content_type=STREAM)


def whole(model: str, usage: Table) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}
    return json_answer({"id": "1", "model": model, "choices": [choice], "usage": usage})


def in_the_choice(model: str, usage: Table) -> Answer:
    """Moonshot's and some gateways' way: usage inside the last choice."""
    last = chunk({}, "stop")
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage}
    return Answer(
        body=sse(chunk({"content": "Hi."}), {**last, "model": model, "choices": [choice]}),
        content_type=STREAM,
    )


def anthropic_streamed(model: str, usage: Table) -> Answer:
    """Anthropic's way: the prompt's counts first, and all of them at the end, cumulative."""
    start = {**usage, "output_tokens": 1, "output_tokens_details": None}
    message: Table = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": start}
    events: list[Table] = [
        {"type": "message_start", "message": {**message, "model": model, "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    ]
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Answer(body=body.encode(), content_type=STREAM)


def anthropic_at_the_end(model: str, usage: Table) -> Answer:
    """As older versions stream: the last event counts the output alone."""
    answer = anthropic_streamed(model, usage)
    full = json.dumps(usage)
    short = json.dumps({name: value for name, value in usage.items() if name.startswith("output")})
    ending = b"event: message_delta"
    head, _, tail = answer.body.partition(ending)
    body = head + ending + tail.replace(full.encode(), short.encode())
    assert body != answer.body
    return Answer(body=body, content_type=STREAM)


def anthropic_whole(model: str, usage: Table) -> Answer:
    content = [{"type": "text", "text": "Hi."}]
    table: Table = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content}
    return json_answer({**table, "stop_reason": "end_turn", "usage": usage})


INVOICES = {
    "openai, cached and reasoning": Invoice(
        model="openai/gpt-5-mini",
        usage={
            "prompt_tokens": 10_007,
            "completion_tokens": 1_203,
            "total_tokens": 11_210,
            "prompt_tokens_details": {"cached_tokens": 8_192, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 1_088},
        },
        tokens=Usage(10_007, cached_input_tokens=8_192, output_tokens=1_203, reasoning_tokens=1_088),
        # 10 007 - 8 192 = 1 815 fresh * 250; 8 192 cached * 25; 1 203 out, thoughts among them, * 2 000
        computed=453_750 + 204_800 + 2_406_000,
    ),
    "openai, cached and cache-written": Invoice(
        model="openai/gpt-6.1-terra",
        usage={
            "prompt_tokens": 12_345,
            "completion_tokens": 1_234,
            "prompt_tokens_details": {"cached_tokens": 8_192, "cache_write_tokens": 2_048},
            "completion_tokens_details": {"reasoning_tokens": 1_000},
        },
        tokens=Usage(12_345, 8_192, 2_048, output_tokens=1_234, reasoning_tokens=1_000),
        # 12 345 - 8 192 - 2 048 = 2 105 fresh * 1 000; 8 192 * 50; 2 048 written * 1 250; 1 234 out * 5 000
        computed=2_105_000 + 409_600 + 2_560_000 + 6_170_000,
    ),
    "anthropic, cached, cache-written and thinking": Invoice(
        model="anthropic/claude-sonnet-5",
        usage={
            "input_tokens": 421,
            "cache_creation_input_tokens": 5_003,
            "cache_read_input_tokens": 80_111,
            "cache_creation": {"ephemeral_5m_input_tokens": 5_003, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 733,
            "output_tokens_details": {"thinking_tokens": 300},
        },
        # the prompt is 421 + 5 003 + 80 111 = 85 535 tokens
        tokens=Usage(85_535, 80_111, 5_003, output_tokens=733, reasoning_tokens=300),
        # 421 fresh * 2 000; 80 111 read * 200, a tenth; 5 003 written * 2 500, five fourths; 733 out * 10 000
        computed=842_000 + 16_022_200 + 12_507_500 + 7_330_000,
        answers=(anthropic_streamed, anthropic_whole, anthropic_at_the_end),
    ),
    "anthropic, a prompt that is long only with its cache": Invoice(
        model="anthropic/claude-sonnet-4-5",
        usage={"input_tokens": 150_000, "cache_read_input_tokens": 60_000, "output_tokens": 100},
        tokens=Usage(210_000, 60_000, output_tokens=100),
        # over 200 000 tokens all cost double, the output half as much again:
        # 150 000 * 6 000; 60 000 * 600; 100 * 22 500
        computed=900_000_000 + 36_000_000 + 2_250_000,
        answers=(anthropic_streamed, anthropic_whole),
    ),
    "openrouter, an ordinary request": Invoice(
        model="openrouter/openai/gpt-5-mini",
        usage={
            "prompt_tokens": 1_000,
            "completion_tokens": 100,
            "prompt_tokens_details": {"cached_tokens": 600},
            "cost": 0.000331,
            "is_byok": False,
            "cost_details": {"upstream_inference_cost": 0.000331},
        },
        tokens=Usage(1_000, 600, output_tokens=100),
        computed=100_000 + 15_000 + 200_000,  # 400 fresh * 250; 600 cached * 25; 100 out * 2 000
        reported=331_000,  # upstream's cost is what the cost is made of
    ),
    "openrouter, the user's own key upstream": Invoice(
        model="openrouter/openai/gpt-5-mini",
        usage={
            "prompt_tokens": 1_000,
            "completion_tokens": 100,
            "cost": 0.0000165,
            "is_byok": True,
            "cost_details": {"upstream_inference_cost": 0.000331},
        },
        tokens=Usage(1_000, output_tokens=100),
        computed=250_000 + 200_000,  # 1 000 fresh * 250; 100 out * 2 000
        reported=16_500 + 331_000,  # OpenRouter's fee, and what upstream charges that key
    ),
    "openrouter, which does not say whose key": Invoice(
        model="openrouter/openai/gpt-5-mini",
        usage={
            "prompt_tokens": 900,
            "completion_tokens": 69,
            "cost": 0.0160614,
            "cost_details": {"upstream_inference_cost": 0.0001764},
        },
        tokens=Usage(900, output_tokens=69),
        computed=225_000 + 138_000,  # 900 fresh * 250; 69 out * 2 000
        reported=16_061_400,
    ),
    "openrouter, a cost of half a nano-dollar more": Invoice(
        model="openrouter/anthropic/claude-sonnet-5.5",
        usage={
            "prompt_tokens": 3_000,
            "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 1_000, "cache_write_tokens": 500},
            "cost": 0.0044500005,
        },
        tokens=Usage(3_000, 1_000, 500, output_tokens=10),
        computed=3_000_000
        + 100_000
        + 1_250_000
        + 100_000,  # 1 500 * 2 000; 1 000 * 100; 500 * 2 500; 10 * 10 000
        reported=4_450_001,
    ),
    "openrouter, for nothing": Invoice(
        model="openrouter/openai/gpt-5-mini",
        usage={"prompt_tokens": 1_000, "completion_tokens": 100, "cost": 0},
        tokens=Usage(1_000, output_tokens=100),
        computed=450_000,
        reported=0,
    ),
    "openrouter, without a cost": Invoice(
        model="openrouter/openai/gpt-5-mini",
        usage={"prompt_tokens": 1_000, "completion_tokens": 100, "cost": None},
        tokens=Usage(1_000, output_tokens=100),
        computed=450_000,
        answers=(streamed, whole, in_the_choice),
    ),
    "deepseek, cache hits and misses": Invoice(
        model="deepseek/deepseek-v4-flash",
        usage={
            "prompt_tokens": 10_000,
            "completion_tokens": 777,
            "total_tokens": 10_777,
            "prompt_cache_hit_tokens": 9_000,
            "prompt_cache_miss_tokens": 1_000,
            "completion_tokens_details": {"reasoning_tokens": 700},
        },
        tokens=Usage(10_000, 9_000, output_tokens=777, reasoning_tokens=700),
        computed=150_000 + 27_000 + 466_200,  # 1 000 missed * 150; 9 000 hit * 3; 777 out * 600
    ),
    "xai, reasoning beside the output": Invoice(
        model="xai/grok-4.7",
        usage={
            "prompt_tokens": 32_000,
            "completion_tokens": 900,
            "total_tokens": 42_300,
            "prompt_tokens_details": {"text_tokens": 32_000, "cached_tokens": 6_000},
            "completion_tokens_details": {"reasoning_tokens": 9_400},
            "num_sources_used": 0,
        },
        tokens=Usage(32_000, 6_000, output_tokens=10_300, reasoning_tokens=9_400),
        # 26 000 fresh * 2 000; 6 000 cached * 500; 900 said and 9 400 thought * 6 000
        computed=52_000_000 + 3_000_000 + 61_800_000,
    ),
    "google, thoughts beside the output": Invoice(
        model="google/gemini-2.5-flash",
        usage={
            "prompt_tokens": 10_000,
            "completion_tokens": 500,
            "total_tokens": 12_500,
            "prompt_tokens_details": {"cached_tokens": 4_000},
            "completion_tokens_details": {"reasoning_tokens": 2_000},
        },
        tokens=Usage(10_000, 4_000, output_tokens=2_500, reasoning_tokens=2_000),
        # 6 000 fresh * 300; 4 000 cached * 30; 500 said and 2 000 thought * 2 500
        computed=1_800_000 + 120_000 + 6_250_000,
    ),
    "google, thoughts that only the total shows": Invoice(
        model="google/gemini-2.5-flash",
        usage={"prompt_tokens": 10_000, "completion_tokens": 500, "total_tokens": 12_500},
        tokens=Usage(10_000, output_tokens=2_500, reasoning_tokens=2_000),
        computed=3_000_000 + 6_250_000,  # 10 000 fresh * 300; 12 500 - 10 000 = 2 500 out * 2 500
    ),
}


async def booked(
    folder: Path, upstream: Upstream, invoice: Invoice, answer: Answer
) -> tuple[Done, sqlite3.Row]:
    """Send a request through the door; return what its caller was told and its row in the ledger."""
    provider = invoice.model.partition("/")[0]
    config = folder / "config.toml"
    config.write_text(f'[providers.{provider}]\nbase_url = "{upstream.base_url}"\n', "utf-8")
    environment = {"FAREBOX_HOME": str(folder / "home"), "FAREBOX_CONFIG": str(config)}
    environment[vendors()[provider].key_env[0]] = KEY
    app = App(Client(name="test"), environment=environment)
    upstream.queue(answer)
    try:
        async with aclosing(app.door().send(a_request(invoice.model)).events()) as events:
            heard = [event async for event in events]
        await app.ledger.check()  # what was handed over before is written now
        with closing(sqlite3.connect(app.ledger.path)) as connection:
            connection.row_factory = sqlite3.Row
            row = connection.execute("SELECT * FROM calls ORDER BY started_ms DESC LIMIT 1").fetchone()
    finally:
        await app.close()
    assert isinstance(heard[-1], Done)
    return heard[-1], row


def a_request(model: str) -> Request:
    chat = Chat((Message("user", "Hello"),))
    return Request(
        task="chat",
        render=lambda serving: Call(serving.model, chat, max_output_tokens=1_000),
        input_bytes=5,
        max_output_tokens=1_000,
        requested=model,
    )


@pytest.mark.parametrize("name", INVOICES)
async def test_an_invoice_is_met_to_the_nano_dollar(tmp_path: Path, upstream: Upstream, name: str):
    invoice = INVOICES[name]
    prices = PRICES[invoice.model]
    for make in invoice.answers:
        began = datetime.now(UTC)
        done, row = await booked(tmp_path, upstream, invoice, make(prices.model, invoice.usage))
        computed = row["computed_nanodollars"]
        assert computed in {invoice.computed * prices.times(moment) for moment in (began, datetime.now(UTC))}
        due = computed if invoice.reported is None else invoice.reported
        basis = "computed" if invoice.reported is None else "reported"
        assert done.usage == invoice.tokens, make.__name__
        assert (done.cost.nanodollars, done.cost.basis) == (due, basis), make.__name__
        assert (row["cost_nanodollars"], row["basis"]) == (due, basis)
        assert row["reported_nanodollars"] == invoice.reported


async def test_the_drift_of_a_reported_cost_can_be_summed_from_the_ledger(tmp_path: Path, upstream: Upstream):
    names = ("openrouter, an ordinary request", "openrouter, for nothing", "openrouter, without a cost")
    for invoice in (INVOICES[name] for name in names):
        await booked(tmp_path, upstream, invoice, streamed("m", invoice.usage))
    with closing(sqlite3.connect(tmp_path / "home" / "ledger.db")) as connection:
        columns = "SUM(reported_nanodollars), SUM(computed_nanodollars), COUNT(*)"
        drift = connection.execute(
            f"SELECT {columns} FROM calls WHERE reported_nanodollars IS NOT NULL"
        ).fetchone()
    # 331 000 + 0 reported against 315 000 + 450 000 computed: the third has nothing to compare
    assert drift == (331_000, 765_000, 2)


@pytest.mark.parametrize("hour", [2, 5, 9, 12, 20])
@pytest.mark.parametrize("name", PRICES)
def test_the_price_table_still_says_what_is_typed_in_here(name: str, hour: int):
    typed, moment = PRICES[name], datetime.now(UTC).replace(hour=hour)
    vendor = vendors()[name.partition("/")[0]]
    _, model = get_snapshot().find_provider_model(typed.model, None, vendor.price_id, None)
    table = model.get_prices(moment)
    kinds = (table.input_mtok, table.cache_read_mtok, table.cache_write_mtok, table.output_mtok)
    here = (typed.input, typed.cached, typed.written, typed.output)
    assert [lowest(price) for price in kinds] == [
        None if price is None else Decimal(price) * typed.times(moment) for price in here
    ]
    steps = [] if isinstance(table.input_mtok, Decimal | None) else table.input_mtok.tiers
    assert [(step.start, step.price) for step in steps] == (
        [] if typed.above is None else [(typed.above[0], Decimal(typed.above[1]))]
    )


def lowest(price: Decimal | TieredPrices | None) -> Decimal | None:
    return price.base if isinstance(price, TieredPrices) else price
