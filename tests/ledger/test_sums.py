"""What a budget counts, found without reading every call, is what every call comes to."""

import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.ledger import holds, schema, sums
from farebox.ledger.limits import EVERYTHING, Limit, Scope
from farebox.ledger.records import MAX_CALL_NANODOLLARS, Hold, Settlement
from farebox.ledger.rollup import HOUR_MS
from farebox.messages import Cost, Target, Usage

NOW_MS = 1_772_000_000_000
SCOPES = [EVERYTHING, Scope("task", "complete"), Scope("provider", "p"), Scope("workspace", "/w")]

calls = st.tuples(
    st.integers(NOW_MS - 3 * HOUR_MS, NOW_MS + HOUR_MS),
    st.sampled_from(["chat", "complete"]),
    st.sampled_from(["p", "q"]),
    st.sampled_from([None, "/w", "/v"]),
    st.integers(0, MAX_CALL_NANODOLLARS),
    st.booleans(),
)
limits = st.builds(
    Limit,
    st.just("some"),
    st.just(10**18),
    st.integers(NOW_MS - 4 * HOUR_MS, NOW_MS),
    st.just("later"),
    st.sampled_from(SCOPES),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(calls, max_size=15), st.lists(limits, max_size=4), st.integers(0, 15))
def test_a_sum_is_that_of_the_calls_whenever_it_was_first_asked_for(
    book: list[tuple[int, str, str, str | None, int, bool]], asked: list[Limit], first: int
):
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    for number, (started_ms, task, provider, workspace, amount, is_settled) in enumerate(book):
        if number == first:
            connection.execute("BEGIN IMMEDIATE")
            sums.spent_by(connection, asked, now_ms=NOW_MS, remember=True)
            connection.execute("COMMIT")
        name = f"c{number}"
        target = Target(provider, "m")
        hold = Hold(name, name, 1, task, target, amount, started_ms, workspace=workspace)  # type: ignore[arg-type]
        holds.insert(connection, hold, "me")
        if is_settled:
            settlement = Settlement(name, "ok", Usage(), Cost(amount, "computed"))
            holds.settle(connection, settlement, now_ms=NOW_MS)
    found = sums.spent_by(connection, asked, now_ms=NOW_MS)
    for limit, spent in zip(asked, found, strict=True):
        counted = [one for one in book if one[0] >= limit.since_ms and limit.covers(*one[1:4])]
        assert spent.settled_nanodollars == sum(one[4] for one in counted if one[5])
        assert spent.held_nanodollars == sum(one[4] for one in counted if not one[5])
    connection.close()


def test_a_remembered_sum_is_read_from_one_row():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    limit = Limit("daily", 10, NOW_MS, "later")
    sums.spent_by(connection, [limit], now_ms=NOW_MS, remember=True)
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    sums.spent_by(connection, [limit], now_ms=NOW_MS)
    assert len(seen) == 2
    assert not any("hourly" in sql for sql in seen)
    connection.close()


def test_counters_of_long_ago_are_forgotten():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    for days in (0, 50, 200):
        limit = Limit("daily", 10, NOW_MS + days * 24 * HOUR_MS, "later")
        sums.spent_by(connection, [limit], now_ms=NOW_MS, remember=True)
    assert connection.execute("SELECT COUNT(*) FROM counters").fetchone() == (1,)
    connection.close()
