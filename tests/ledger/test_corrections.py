"""Estimates are asked about on a schedule, a few times, and become the provider's own figure at most once."""

import sqlite3

import pytest

from farebox.ledger import corrections, holds, schema
from farebox.ledger.records import MAX_CALL_NANODOLLARS, Correction, Hold, Settlement
from farebox.messages import Cost, Target, Usage

NOW_MS = 1_772_000_000_000
MINUTE_MS = 60_000


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    yield connection
    connection.close()


def estimate(connection: sqlite3.Connection, call_id: str, *, correctable: bool = True) -> None:
    hold = Hold(call_id, call_id, 1, "chat", Target("openrouter", "z/m"), 90, NOW_MS)
    holds.insert(connection, hold, "me")
    settlement = Settlement(
        call_id,
        "cancelled",
        Usage(10, 0, 0, 5, 0),
        Cost(50, "estimated"),
        generation_id=f"gen-{call_id}",
        correctable=correctable,
    )
    assert holds.settle(connection, settlement, now_ms=NOW_MS)


def due(connection: sqlite3.Connection, later_ms: int) -> list[tuple[str, int]]:
    found = corrections.due(connection, now_ms=NOW_MS + later_ms, most=10)
    return [(one.generation_id, one.asked) for one in found]


def row(connection: sqlite3.Connection, names: str) -> tuple[object, ...]:
    return connection.execute(f"SELECT {names} FROM calls").fetchone()


def test_an_estimate_is_asked_about_a_few_times_and_then_no_more(connection: sqlite3.Connection):
    estimate(connection, "c1")
    estimate(connection, "final", correctable=False)
    assert corrections.next_due_ms(connection) == NOW_MS + corrections.FIRST_LOOK_MS
    assert due(connection, 1_999) == []
    assert due(connection, 2_000) == [("gen-c1", 0)]
    assert due(connection, 2_000) == [], "somebody is asking"
    assert due(connection, 32_000) == [("gen-c1", 1)]
    assert due(connection, 11 * MINUTE_MS) == [("gen-c1", 2)]
    assert due(connection, 7 * 60 * MINUTE_MS) == [("gen-c1", 3)]
    assert corrections.next_due_ms(connection) is None
    assert row(connection, "cost_nanodollars, basis") == (50, "estimated")


def test_no_more_are_given_out_than_were_wanted(connection: sqlite3.Connection):
    for number in range(5):
        estimate(connection, f"c{number}")
    found = corrections.due(connection, now_ms=NOW_MS + 2_000, most=3)
    assert [one.target for one in found] == [Target("openrouter", "z/m")] * 3
    assert len(due(connection, 2_000)) == 2


def test_a_correction_replaces_the_estimate_and_every_sum(connection: sqlite3.Connection):
    estimate(connection, "c1")
    told = Correction("c1", Usage(12, 4, 0, 6, 2), 77, served_model="z/m-2")
    assert corrections.correct(connection, told)
    names = "cost_nanodollars, basis, reported_nanodollars, input_tokens, served_model, ask_at_ms, outcome"
    assert row(connection, names) == (77, "reported", 77, 12, "z/m-2", None, "cancelled")
    sums = "requests, cost_nanodollars, reported, estimated, input_tokens, output_tokens"
    assert connection.execute(f"SELECT {sums} FROM hourly").fetchall() == [(1, 77, 1, 0, 12, 6)]
    assert not corrections.correct(connection, Correction("c1", Usage(), 99))
    assert not corrections.correct(connection, Correction("nobody", Usage(), 99))


def test_a_correction_that_counts_no_tokens_keeps_the_estimated_ones(connection: sqlite3.Connection):
    estimate(connection, "c1")
    assert corrections.correct(connection, Correction("c1", None, 77))
    assert row(connection, "cost_nanodollars, input_tokens, output_tokens") == (77, 10, 5)


@pytest.mark.parametrize("nanodollars", [-1, MAX_CALL_NANODOLLARS + 1])
def test_a_correction_that_is_beyond_belief_changes_nothing(connection: sqlite3.Connection, nanodollars: int):
    estimate(connection, "c1")
    assert not corrections.correct(connection, Correction("c1", Usage(), nanodollars))
    assert row(connection, "cost_nanodollars, basis") == (50, "estimated")


def test_what_is_due_is_found_by_its_index(connection: sqlite3.Connection):
    question = "SELECT MIN(ask_at_ms) FROM calls WHERE ask_at_ms IS NOT NULL"
    assert "calls_to_ask" in connection.execute(f"EXPLAIN QUERY PLAN {question}").fetchall()[0][3]
