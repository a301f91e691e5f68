"""The shape of the ledger: what it holds, what it never holds, and how a file is brought up to date."""

import sqlite3
from pathlib import Path

import pytest

from farebox.errors import FareboxError
from farebox.ledger import schema
from farebox.ledger.schema import MIGRATIONS, LedgerUnusable

EVERY_COLUMN = {
    *(
        "call_id",
        "request_id",
        "attempt",
        "state",
        "outcome",
        "error_kind",
        "finish_reason",
        "task",
        "provider",
    ),
    *(
        "model",
        "served_model",
        "generation_id",
        "conversation",
        "workspace",
        "client",
        "started_ms",
        "day",
        "hour",
    ),
    *("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"),
    *("hold_nanodollars", "cost_nanodollars", "basis", "reported_nanodollars", "computed_nanodollars"),
    *("baseline_model", "baseline_nanodollars", "first_token_ms", "total_ms"),
    *("requested", "strategy", "phase", "complexity", "tier", "evidence"),
    *("images", "tools", "caches", "input_bytes", "max_output_tokens", "taken_for"),
}


@pytest.fixture
def connection(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    yield connection
    connection.close()


def version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def insert(connection: sqlite3.Connection, **changed: object) -> None:
    row: dict[str, object] = {
        "call_id": "c1",
        "request_id": "r1",
        "attempt": 0,
        "state": "held",
        "task": "chat",
        "provider": "p",
        "model": "p/m",
        "started_ms": 1,
        "day": "2026-03-01",
        "hour": "2026-03-01 10:00",
    } | changed
    places = ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO calls ({', '.join(row)}) VALUES ({places})", tuple(row.values()))


def test_no_column_can_hold_a_prompt_a_reply_or_code(connection: sqlite3.Connection):
    schema.migrate(connection)
    columns = {row[1] for row in connection.execute("PRAGMA table_info(calls)")}
    assert columns == EVERY_COLUMN
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"calls"}


def test_a_new_file_gets_every_migration_and_a_second_run_changes_nothing(connection: sqlite3.Connection):
    schema.migrate(connection)
    insert(connection)
    schema.migrate(connection)
    assert version(connection) == len(MIGRATIONS)
    assert connection.execute("SELECT COUNT(*) FROM calls").fetchone() == (1,)


def test_a_migration_that_fails_leaves_nothing_behind(connection: sqlite3.Connection):
    connection.execute("CREATE TABLE other (x INTEGER)")
    connection.execute("CREATE INDEX calls_by_start ON other (x)")
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection)
    assert version(connection) == 0
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'calls'").fetchall() == []


def test_a_file_of_the_first_schema_keeps_its_rows_and_says_nothing_of_their_routes(
    connection: sqlite3.Connection,
):
    schema.migrate(connection, last=1)
    insert(connection)
    settled = {"state": "settled", "outcome": "ok", "basis": "computed", "cost_nanodollars": 7}
    insert(connection, call_id="c2", request_id="r2", **settled)
    assert version(connection) == 1
    columns = {row[1] for row in connection.execute("PRAGMA table_info(calls)")}
    was = connection.execute(f"SELECT {', '.join(sorted(columns))} FROM calls ORDER BY call_id").fetchall()
    schema.migrate(connection)
    now = connection.execute(f"SELECT {', '.join(sorted(columns))} FROM calls ORDER BY call_id").fetchall()
    assert (version(connection), now) == (2, was)
    new = ", ".join(sorted(EVERY_COLUMN - columns))
    assert len(EVERY_COLUMN - columns) == 12
    assert connection.execute(f"SELECT {new} FROM calls").fetchall() == [(None,) * 12] * 2


def test_a_newer_file_is_refused_with_its_name_and_what_to_do(connection: sqlite3.Connection, tmp_path: Path):
    connection.execute("PRAGMA user_version = 999")
    with pytest.raises(LedgerUnusable) as caught:
        schema.refuse_newer(connection, tmp_path / "ledger.db")
    assert str(tmp_path / "ledger.db") in caught.value.message
    assert "update farebox" in caught.value.hint
    assert isinstance(caught.value, FareboxError)
    assert caught.value.kind == "config"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"state": "lost"}, id="a state that is none"),
        pytest.param({"outcome": "ok"}, id="a held call with an outcome"),
        pytest.param({"state": "settled"}, id="a settled call without an outcome"),
        pytest.param({"basis": "guessed", "cost_nanodollars": 1}, id="a basis that is none"),
        pytest.param({"basis": "computed"}, id="a known price without an amount"),
        pytest.param({"cost_nanodollars": 0}, id="an unknown price written as zero"),
        pytest.param({"basis": "computed", "cost_nanodollars": -1}, id="a negative cost"),
        pytest.param({"hold_nanodollars": -1}, id="a negative hold"),
    ],
)
def test_a_row_that_means_nothing_is_refused(connection: sqlite3.Connection, changed: dict[str, object]):
    schema.migrate(connection)
    with pytest.raises(sqlite3.IntegrityError):
        insert(connection, **changed)


def test_an_attempt_of_a_request_stands_only_once(connection: sqlite3.Connection):
    schema.migrate(connection)
    insert(connection)
    insert(connection, call_id="c2", attempt=1)
    with pytest.raises(sqlite3.IntegrityError):
        insert(connection, call_id="c3", attempt=1)


def test_a_budget_check_reads_nothing_but_its_index(connection: sqlite3.Connection):
    schema.migrate(connection)
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT SUM(cost_nanodollars), SUM(hold_nanodollars) FROM calls"
        " WHERE started_ms >= 1 AND state = 'settled'"
    ).fetchall()
    assert "USING COVERING INDEX calls_by_start" in plan[0][3]
