"""Sums: whichever of the kept sums and the calls answers, the figures are those of the calls."""

import sqlite3
from collections.abc import Sequence
from itertools import combinations, pairwise
from math import ceil
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.ledger import holds, queries, schema
from farebox.ledger.corrections import correct
from farebox.ledger.queries import Dimension, Query
from farebox.ledger.records import MAX_CALL_NANODOLLARS, Correction, Hold, Settlement, Shown
from farebox.ledger.rollup import DAY_MS, FILL, HOUR_MS, LATENCY_STEPS_MS, REBUILD
from farebox.messages import Cost, Target, Usage

START_MS = 1_772_000_000_000 // DAY_MS * DAY_MS
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

amounts = st.none() | st.integers(0, MAX_CALL_NANODOLLARS)
counts = st.integers(0, 10**6)
latencies = st.none() | st.integers(0, 10**6)
moments = st.integers(START_MS, START_MS + 3 * DAY_MS) | st.sampled_from(
    [START_MS + DAY_MS, START_MS + 5 * HOUR_MS, START_MS + 5 * HOUR_MS - 1]
)

calls = st.fixed_dictionaries(
    {
        "task": st.sampled_from(["chat", "complete"]),
        "target": st.sampled_from([Target("p", "m"), Target("q", "m")]),
        "started_ms": moments,
        "workspace": st.sampled_from([None, "/w", "/v"]),
        "client": st.sampled_from([None, "cli"]),
        "conversation": st.sampled_from([None, "one"]),
        "language": st.sampled_from([None, "python", "go"]),
    }
)
ends = st.none() | st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["ok", "cancelled", "failed"]),
        "usage": st.builds(Usage, *[counts] * 5),
        "cost": st.builds(
            Cost, amounts, st.sampled_from(["reported", "computed", "estimated"]), st.just("b"), amounts
        ),
        "reported_nanodollars": amounts,
        "computed_nanodollars": amounts,
        "first_token_ms": latencies,
        "total_ms": latencies,
    }
)
shown = st.none() | st.tuples(*[st.integers(0, 3)] * 3)
books = st.lists(st.tuples(calls, ends, shown, st.none() | st.integers(0, 99)), max_size=12)
asked = st.builds(
    Query,
    st.none() | moments,
    st.none() | moments,
    st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=3).map(tuple),
    st.sampled_from([None, "/w"]),
)


Table = dict[str, Any]
Book = Sequence[tuple[Table, Table | None, tuple[int, int, int] | None, int | None]]
"""Calls: what was held, how it ended, what became of its ghost text, what its provider has corrected."""


def kept(book: Book) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    for number, (call, end, feedback, correction) in enumerate(book):
        name = f"c{number}"
        hold = Hold(call_id=name, request_id=name, attempt=1, hold_nanodollars=5, **call)
        holds.insert(connection, hold, "me")
        if end is not None:
            holds.settle(connection, Settlement(name, **end), now_ms=START_MS)
        if feedback is not None:
            holds.tell(connection, Shown(name, *feedback))
        if correction is not None:
            correct(connection, Correction(name, Usage(1, 1, 1, 1, 1), correction))
    return connection


def all_rows(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    counted = "requests" if table == "hourly" else "calls"
    return sorted(connection.execute(f"SELECT * FROM {table} WHERE {counted} > 0"), key=repr)


@settings(max_examples=150, deadline=None)
@given(books)
def test_the_kept_sums_are_those_of_the_calls_whatever_happened_to_them(book: Book):
    connection = kept(book)
    before = [all_rows(connection, table) for table in ("hourly", "latencies")]
    for statement in REBUILD:
        connection.execute(statement)
    assert before == [all_rows(connection, table) for table in ("hourly", "latencies")]
    connection.execute("DELETE FROM calls")
    assert [all_rows(connection, table) for table in ("hourly", "latencies")] == [[], []]
    connection.close()


@settings(max_examples=300, deadline=None)
@given(books, asked)
def test_a_report_is_the_same_from_the_kept_sums_and_from_the_calls(book: Book, query: Query):
    connection = kept(book)
    found = queries.groups(connection, query)
    assert {group.keys: of_calls(connection, query, group.keys) for group in found} == {
        group.keys: (
            *(group.requests, group.held, group.usage.input_tokens, group.cost_nanodollars),
            *(group.saved_nanodollars, group.failed, group.shown, group.drifts, group.completion_nanodollars),
        )
        for group in found
    }
    where, values = queries.condition(query)
    (number,) = connection.execute(f"SELECT COUNT(*) FROM calls WHERE {where}", values).fetchone()
    assert sum(group.requests + group.held for group in found) == number
    connection.close()


def of_calls(
    connection: sqlite3.Connection, query: Query, keys: tuple[str | None, ...]
) -> tuple[object, ...]:
    """Sum the calls of one group in Python."""
    where, values = queries.condition(query)
    by = "".join(f" AND {name} IS ?" for name in query.by)
    columns = (
        "state, input_tokens, cost_nanodollars, baseline_nanodollars, outcome, shown, task, "
        "reported_nanodollars, computed_nanodollars"
    )
    rows = connection.execute(f"SELECT {columns} FROM calls WHERE {where}{by}", (*values, *keys)).fetchall()
    ended = [row for row in rows if row[0] == "settled"]
    saved = [row[3] - row[2] for row in ended if row[2] is not None and row[3] is not None]
    return (
        len(ended),
        len(rows) - len(ended),
        sum(row[1] for row in ended),
        sum(row[2] or 0 for row in ended),
        sum(saved) if saved else None,
        sum(row[4] == "failed" for row in ended),
        sum(row[5] for row in ended),
        sum(row[7] is not None and row[8] is not None for row in ended),
        sum(row[2] or 0 for row in ended if row[6] == "complete"),
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60), st.booleans())
def test_percentiles_are_those_of_the_calls_within_five_percent(found_ms: list[int], is_kept: bool):
    end = {"outcome": "ok", "usage": Usage(), "cost": Cost(1, "computed")}
    call = {"task": "chat", "target": Target("p", "m"), "started_ms": START_MS}
    connection = kept([(call, {**end, "first_token_ms": ms}, None, None) for ms in found_ms])
    query = Query() if is_kept else Query(by=("client",))
    (group,) = queries.groups(connection, query)
    connection.close()
    assert group.first_token is not None
    assert group.total is None
    for percent, told in zip(
        (50, 90, 99),
        (group.first_token.p50_ms, group.first_token.p90_ms, group.first_token.p99_ms),
        strict=True,
    ):
        exact = sorted(found_ms)[ceil(len(found_ms) * percent / 100) - 1]
        assert abs(told - exact) <= max(0.05 * exact, 1)


def test_a_call_that_was_stopped_says_nothing_of_how_long_the_whole_takes():
    call = {"task": "chat", "target": Target("p", "m"), "started_ms": START_MS}
    end = {"outcome": "cancelled", "usage": Usage(), "cost": Cost(1, "estimated")}
    connection = kept([(call, {**end, "first_token_ms": 12, "total_ms": 99}, None, None)])
    (group,) = queries.groups(connection, Query())
    assert group.total is None
    assert group.first_token is not None
    assert group.first_token.p50_ms == 12
    connection.close()


def test_steps_of_latency_grow_by_ten_percent_at_most():
    pairs = pairwise(LATENCY_STEPS_MS)
    assert all(low < high <= max(low + 1, low * 1.1) for low, high in pairs)


@pytest.mark.parametrize("by", [by for count in (0, 1, 2) for by in combinations(DIMENSIONS, count)])
def test_an_empty_ledger_has_no_groups(by: tuple[Dimension, ...]):
    connection = kept([])
    assert queries.groups(connection, Query(by=by)) == ()
    ((groups, total),) = queries.reports(connection, [Query(by=by)])
    assert (groups, total.requests, total.cost_nanodollars, total.saved_nanodollars) == ((), 0, 0, None)
    assert not connection.in_transaction
    connection.close()


def test_a_month_is_read_from_the_kept_sums_alone(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    schema.migrate(connection)
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    queries.groups(connection, Query(START_MS, None, ("day", "model")))
    asked_of_calls = [
        sql for sql in seen if "FROM calls" in sql and "state = 'settled' AND (FALSE)" not in sql
    ]
    assert all("state = 'held'" in sql for sql in asked_of_calls), asked_of_calls
    connection.close()


def test_filling_needs_no_more_than_the_calls():
    assert set(FILL) < set(REBUILD)
