"""The dead: what they held becomes uncertain, what they could not write is written; nothing counts twice."""

import sqlite3
from pathlib import Path

import pytest

from farebox.ledger import holds, schema, spill
from farebox.ledger.owner import Owner, owners
from farebox.ledger.reaper import reap, write
from farebox.ledger.records import Correction, Hold, Mark, Money, Settlement, Shown
from farebox.messages import Cost, Target, Usage

NOW_MS = 1_772_000_000_000


@pytest.fixture
def connection(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    schema.migrate(connection)
    yield connection
    connection.close()


def a_hold(call_id: str) -> Hold:
    return Hold(call_id, call_id, 1, "complete", Target("p", "m"), 90, NOW_MS)


def a_settlement(call_id: str, cost: int = 7) -> Settlement:
    return Settlement(call_id, "ok", Usage(1, 0, 0, 1, 0), Cost(cost, "computed"))


def dead(folder: Path, *left: Money) -> str:
    owner = Owner.claim(folder)
    for record in left:
        owner.append(spill.line(record))
    owner.release(keeps_lines=True)
    return owner.id


def rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    names = "call_id, state, error_kind, cost_nanodollars"
    return connection.execute(f"SELECT {names} FROM calls ORDER BY call_id").fetchall()


def test_the_holds_of_the_dead_become_uncertain_and_those_of_the_living_stay(
    connection: sqlite3.Connection, tmp_path: Path
):
    folder = tmp_path / "owners"
    alive, me = Owner.claim(folder), Owner.claim(folder)
    for owner in (dead(folder), "without a file", alive.id, me.id):
        holds.insert(connection, a_hold(f"of {owner}"), owner)
    reap(connection, folder, me.id, now_ms=NOW_MS)
    states = {str(call_id).removeprefix("of "): (kind, cost) for call_id, _, kind, cost in rows(connection)}
    assert states[alive.id] == states[me.id] == (None, None)
    assert list(states.values()).count(("uncertain", 90)) == 2
    assert set(owners(folder)) == {alive.id, me.id}


def test_what_the_dead_could_not_write_is_written_once(connection: sqlite3.Connection, tmp_path: Path):
    folder = tmp_path / "owners"
    left = (a_hold("c1"), a_settlement("c1"), a_hold("c2"))
    holds.insert(connection, a_hold("c1"), "it was written after all")
    dead(folder, *left)
    reap(connection, folder, None, now_ms=NOW_MS)
    dead(folder, *left)
    reap(connection, folder, None, now_ms=NOW_MS)
    assert rows(connection) == [("c1", "settled", None, 7), ("c2", "settled", "uncertain", 90)]
    assert connection.execute("SELECT requests, cost_nanodollars FROM hourly").fetchall() == [(2, 97)]


def test_while_the_ledger_is_locked_the_dead_keep_their_lines(connection: sqlite3.Connection, tmp_path: Path):
    folder = tmp_path / "owners"
    owner = dead(folder, a_hold("c1"), a_settlement("c1"))
    blocker = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    connection.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(sqlite3.OperationalError):
        reap(connection, folder, None, now_ms=NOW_MS)
    blocker.close()
    assert owners(folder) == (owner,)
    reap(connection, folder, None, now_ms=NOW_MS)
    assert rows(connection) == [("c1", "settled", None, 7)]


def test_every_record_is_written(connection: sqlite3.Connection):
    told = (
        a_hold("c1"),
        Mark("c1", 5, "gen-1"),
        Settlement(
            "c1", "cancelled", Usage(1), Cost(6, "estimated"), generation_id="gen-1", correctable=True
        ),
        Shown("c1", shown=1, accepted=1),
        Correction("c1", Usage(2), 8),
    )
    assert [write(connection, record, "me", now_ms=NOW_MS) for record in told] == [True] * 5
    names = "seen_nanodollars, cost_nanodollars, basis, shown, accepted, ask_at_ms"
    assert connection.execute(f"SELECT {names} FROM calls").fetchone() == (5, 8, "reported", 1, 1, None)
    assert not write(connection, a_settlement("c1"), "me", now_ms=NOW_MS)
    assert not write(connection, Correction("c1", Usage(2), 9), "me", now_ms=NOW_MS), "it is no estimate now"
