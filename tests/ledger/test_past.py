"""The settled calls one by one: all of them, once, in their order, as they were written down."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.ledger import past as pages
from farebox.ledger import schema
from farebox.ledger.past import Past
from farebox.ledger.queries import Query
from farebox.ledger.records import Hold, Routing, Settlement
from farebox.ledger.store import Ledger
from farebox.messages import UNKNOWN_COST, Cost, Target, Usage

EVERYTHING = Query()
MODEL = Target("openrouter", "z-ai/glm-5.3")
ROUTING = Routing(
    requested="auto:cheap",
    strategy="cheap",
    phase="check",
    complexity="high",
    tier="balanced",
    evidence=("rejected", "errorsRemain"),
    images=2,
    tools=True,
    caches=True,
    input_bytes=4_321,
    max_output_tokens=99,
)


def a_hold(number: int, *, started_ms: int = 1_000, routing: Routing | None = ROUTING) -> Hold:
    return Hold(
        f"c{number:02}", f"r{number}", 1, "fix", MODEL, 5, started_ms, "/w", "an editor", "talk", routing
    )


def a_settlement(number: int, cost: Cost | None = None) -> Settlement:
    cost = cost or Cost(70, "computed", "openrouter/strong", 90)
    return Settlement(f"c{number:02}", "ok", Usage(10, 4, 2, 5, 3), cost, total_ms=12)


@pytest.fixture
async def ledger(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    await ledger.close()


async def all_of(ledger: Ledger, query: Query = EVERYTHING) -> list[Past]:
    return [past async for past in ledger.past(query)]


async def test_a_call_is_read_as_it_was_written(ledger: Ledger):
    await ledger.hold(a_hold(1), ())
    ledger.settle(a_settlement(1))
    (past,) = await all_of(ledger)
    assert past == Past(
        call_id="c01",
        started_ms=1_000,
        total_ms=12,
        outcome="ok",
        task="fix",
        target=MODEL,
        conversation="talk",
        cost_nanodollars=70,
        baseline_model="openrouter/strong",
        baseline_nanodollars=90,
        usage=Usage(10, 4, 2, 5, 3),
        routing=ROUTING,
    )


@pytest.mark.parametrize(
    "routing",
    [
        pytest.param(None, id="older-than-the-record"),
        pytest.param(replace(ROUTING, tier=None, evidence=(), tools=False, caches=False), id="named"),
        pytest.param(replace(ROUTING, evidence=("cutOff",)), id="one-evidence"),
    ],
)
async def test_how_a_call_was_routed_comes_back_as_it_went_in(ledger: Ledger, routing: Routing | None):
    await ledger.hold(a_hold(1, routing=routing), ())
    ledger.settle(a_settlement(1, UNKNOWN_COST))
    (past,) = await all_of(ledger)
    assert past.routing == routing
    assert past.cost_nanodollars is None


async def test_every_settled_call_comes_once_and_in_order_whatever_the_pages(ledger: Ledger):
    for number in range(10):  # some start in the same millisecond
        await ledger.hold(a_hold(number, started_ms=1_000 - number // 4), ())
        if number != 5:
            ledger.settle(a_settlement(number))
    found = [past.call_id async for past in ledger.past(Query(), page_size=3)]
    assert found == ["c08", "c09", "c04", "c06", "c07", "c00", "c01", "c02", "c03"]


async def test_a_query_limits_the_calls(ledger: Ledger):
    for number in range(4):
        await ledger.hold(a_hold(number, started_ms=1_000 + number), ())
        ledger.settle(a_settlement(number))
    found = await all_of(ledger, Query(since_ms=1_001, until_ms=1_003, workspace="/w"))
    assert [past.call_id for past in found] == ["c01", "c02"]
    assert await all_of(ledger, Query(workspace="/elsewhere")) == []


def test_a_page_is_found_by_the_index(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    schema.migrate(connection)
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    assert pages.page(connection, Query(since_ms=1, until_ms=9), None, 500) == ()
    connection.set_trace_callback(None)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {seen[-1]}").fetchall()
    connection.close()
    assert "USING INDEX calls_started" in plan[0][3]
