"""The shape of the ledger: what it holds, what it never holds, and how a file is brought up to date."""

import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest

from farebox.errors import FareboxError
from farebox.ledger import rollup, schema
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
    *("language", "owner", "seen_nanodollars", "shown", "accepted", "partly", "ask_at_ms", "asked"),
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
    assert tables == {"calls", "damages", "hourly", "latencies", "latency_steps", "counters"}
    texts = {
        f"{table}.{row[1]}"
        for table in tables - {"calls"}
        for row in connection.execute(f"PRAGMA table_info({table})")
        if row[2] == "TEXT"
    }
    assert texts == {
        "damages.file",
        *(f"hourly.{name}" for name in rollup.DIMENSIONS),
        *(f"latencies.{name}" for name in ("day", "provider", "model", "task", "kind")),
        "counters.scope",
    }


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


@pytest.mark.parametrize("last", range(1, len(MIGRATIONS)))
def test_a_file_of_every_older_schema_keeps_its_rows_and_gets_its_sums(
    connection: sqlite3.Connection, last: int
):
    schema.migrate(connection, last=last)
    insert(connection)
    settled = {"state": "settled", "outcome": "ok", "basis": "computed", "total_ms": 40}
    insert(connection, call_id="c2", request_id="r2", cost_nanodollars=7, **settled)
    insert(connection, call_id="c3", request_id="r3", cost_nanodollars=8, workspace="/w", **settled)
    assert version(connection) == last
    columns = ", ".join(sorted(row[1] for row in connection.execute("PRAGMA table_info(calls)")))
    was = connection.execute(f"SELECT {columns} FROM calls ORDER BY call_id").fetchall()
    schema.migrate(connection)
    now = connection.execute(f"SELECT {columns} FROM calls ORDER BY call_id").fetchall()
    assert (version(connection), now) == (len(MIGRATIONS), was)
    hours = connection.execute("SELECT workspace, requests, cost_nanodollars FROM hourly ORDER BY 1")
    assert hours.fetchall() == [("", 1, 7), ("/w", 1, 8)]
    assert connection.execute("SELECT kind, from_ms, calls FROM latencies").fetchall() == [("total", 39, 2)]


def test_an_older_farebox_that_still_runs_keeps_the_sums_right(connection: sqlite3.Connection):
    schema.migrate(connection)
    insert(connection)
    connection.execute(
        "UPDATE calls SET state = 'settled', outcome = 'ok', cost_nanodollars = 7, basis = 'computed'"
    )
    assert connection.execute("SELECT requests, cost_nanodollars FROM hourly").fetchall() == [(1, 7)]


RELEASED = (
    "1457946f2dd5cb7c",
    "9cfc7a4fb87e9b3d",
    "f78d8b18be18a1e8",
)


def test_a_migration_that_was_released_is_never_edited():
    digests = tuple(sha256("\n".join(statements).encode()).hexdigest()[:16] for statements in MIGRATIONS)
    assert digests[: len(RELEASED)] == RELEASED


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


def test_looking_for_holds_reads_no_settled_call(connection: sqlite3.Connection):
    schema.migrate(connection)
    plan = connection.execute("EXPLAIN QUERY PLAN SELECT owner FROM calls WHERE state = 'held'").fetchall()
    assert "calls_held" in plan[0][3]
