"""The kept sums cost a settlement little, and nobody who changes a call can forget them."""

import sqlite3

from farebox.ledger import schema
from farebox.ledger.rollup import DIMENSIONS, SUMS, key_of, latency_of, sum_of


def test_every_dimension_and_sum_is_a_column():
    connection = sqlite3.connect(":memory:")
    schema.migrate(connection)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(hourly)")]
    assert columns == ["hour_ms", *DIMENSIONS, *SUMS]
    connection.close()


def test_a_change_of_a_call_touches_one_row_of_sums():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    columns = "call_id, request_id, attempt, state, task, provider, model, started_ms, day, hour"
    insert = f"INSERT INTO calls ({columns}) VALUES (?, ?, 1, 'held', 'chat', 'p', 'm', ?, 'd', 'h')"
    for number in range(500):
        connection.execute(insert, (f"c{number}", f"r{number}", number * 3_600_000))
    settle = "UPDATE calls SET state = 'settled', outcome = 'ok' WHERE call_id = ?"
    connection.execute(settle, ("c1",))
    plan = connection.execute(f"EXPLAIN QUERY PLAN {settle}", ("c2",)).fetchall()
    assert not any("SCAN" in row[3] and "counters" not in row[3] for row in plan), plan
    connection.close()


def test_the_sql_of_a_dimension_a_sum_and_a_latency_takes_a_prefix():
    assert key_of("model", "NEW.") == "NEW.model"
    assert key_of("workspace") == "COALESCE(workspace, '')"
    assert sum_of("failed", "OLD.") == "(OLD.outcome = 'failed')"
    assert latency_of("first", "NEW.") == ("NEW.first_token_ms", "NEW.first_token_ms IS NOT NULL")
