"""The file and its troubles: what waits, in which order it is written, and who else has it open."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.errors import BudgetExceeded
from farebox.ledger import spill
from farebox.ledger.file import CHECKPOINT_BYTES, LedgerFile
from farebox.ledger.limits import Limit
from farebox.ledger.opening import create, next_path, side_file
from farebox.ledger.records import Hold, Mark, Settlement, Shown, Withdrawal
from farebox.ledger.schema import LedgerUnusable
from farebox.messages import Cost, Target, Usage

NOW_MS = time.time_ns() // 1_000_000
LIMIT = Limit("daily", 1_000, 0, "2026-03-02T00:00:00+00:00", setting="[budgets] daily_usd")
CHAT = Target("p", "m")


@pytest.fixture
def file(tmp_path: Path):
    file = LedgerFile(tmp_path / "ledger.db")
    yield file
    file.close()


@pytest.fixture
def locked(file: LedgerFile):
    """Somebody else writes, for as long as this lives."""
    file.run(lambda _connection: None)
    blocker = sqlite3.connect(file.first, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    yield blocker
    blocker.close()


def a_hold(call_id: str, nanodollars: int = 100) -> Hold:
    return Hold(call_id, call_id, 1, "chat", CHAT, nanodollars, NOW_MS)


def a_settlement(call_id: str, cost: int = 70) -> Settlement:
    return Settlement(call_id, "ok", Usage(1), Cost(cost, "computed"), target=CHAT, task="chat", total_ms=1)


def rows(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT call_id, state, cost_nanodollars FROM calls ORDER BY 1").fetchall()
    finally:
        connection.close()


def lines_of(file: LedgerFile) -> list[object]:
    folder = file.first.with_name("ledger.db.owners")
    (own,) = folder.glob("*.jsonl")
    return list(spill.records(line for line in own.read_bytes().split(b"\n") if line))


def test_what_can_not_be_written_waits_in_memory_and_on_disk_and_is_written_in_order(
    file: LedgerFile, locked: sqlite3.Connection
):
    told = (a_hold("c1"), Mark("c1", 5), a_settlement("c1"), Shown("c1", shown=1), a_hold("c2"))
    for record in told:
        file.note(record)
    assert file.unwritten == (2, 70)
    assert lines_of(file) == [told[0], told[2], told[4]]
    assert rows(file.first) == []
    locked.execute("ROLLBACK")
    assert file.run(lambda connection: connection.total_changes, must_write=True)
    assert rows(file.first) == [("c1", "settled", 70), ("c2", "held", None)]
    assert (file.unwritten, lines_of(file)) == ((0, 0), [])


def test_trouble_brings_the_next_look_forward(file: LedgerFile, locked: sqlite3.Connection):
    file.look_after()
    calm_s = file.due_s - time.monotonic()
    file.note(a_hold("c1"))
    assert file.due_s - time.monotonic() < 1 < calm_s
    locked.execute("ROLLBACK")
    file.run(lambda _connection: None, must_write=True)
    file.look_after()
    assert file.due_s - time.monotonic() > 1


def test_a_withdrawn_hold_that_waits_comes_to_nothing(file: LedgerFile, locked: sqlite3.Connection):
    file.note(a_hold("c1"))
    file.note(Withdrawal("c1"))
    assert file.unwritten == (0, 0)
    locked.execute("ROLLBACK")
    file.run(lambda _connection: None, must_write=True)
    assert rows(file.first) == []


def test_a_budget_is_not_checked_before_what_waits_is_written(file: LedgerFile, locked: sqlite3.Connection):
    file.note(a_hold("c1", 900))
    file.note(a_settlement("c1", 900))
    locked.execute("ROLLBACK")
    with pytest.raises(BudgetExceeded, match=r"\$0\.0000009 spent"):
        file.hold(a_hold("c2", 200), (LIMIT,))


def test_who_has_waited_long_in_vain_does_not_again_until_it_worked(
    file: LedgerFile, locked: sqlite3.Connection
):
    asked: list[str] = []
    for _ in range(2):
        with pytest.raises(LedgerUnusable, match="locked"):
            file.run(lambda connection: asked.append(_busy(connection)) or _claim(connection))
    locked.execute("ROLLBACK")
    file.run(lambda connection: asked.append(_busy(connection)))
    file.note(a_hold("c1"))
    file.run(lambda connection: asked.append(_busy(connection)))
    assert asked == ["5000", "250", "250", "5000"], "to have read is no sign that one may write"


def _busy(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA busy_timeout").fetchone()[0])


def _claim(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def test_who_listens_hears_of_what_stands_in_the_ledger_and_once(tmp_path: Path):
    heard: list[Settlement] = []
    file = LedgerFile(tmp_path / "ledger.db", heard.append)
    file.note(a_hold("c1"))
    file.note(a_settlement("c1"))
    file.note(a_settlement("c1"))
    file.close()
    assert heard == [a_settlement("c1")]


def test_a_damaged_ledger_is_followed_by_a_new_one_that_others_find(tmp_path: Path):
    path = tmp_path / "ledger.db"
    first = LedgerFile(path)
    first.note(a_hold("c1"))
    first.note(a_settlement("c1"))
    first.close()
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    second, third = LedgerFile(path), LedgerFile(path)
    second.note(a_hold("c2"))
    second.run(lambda _connection: None, must_write=True)
    third.note(a_hold("c3"))
    assert [row[0] for row in rows(tmp_path / "ledger-2.db")][-2:] == ["c2", "c3"]
    with pytest.raises(BudgetExceeded, match="damaged"):
        third.hold(a_hold("c4"), (LIMIT,))
    third.hold(replace(a_hold("free"), hold_nanodollars=0), (LIMIT,))
    second.close()
    third.close()


def test_a_ledger_that_is_damaged_while_it_is_open_is_noticed_and_loses_nothing(tmp_path: Path):
    path = tmp_path / "ledger.db"
    file = LedgerFile(path)
    for number in range(200):
        file.note(a_hold(f"c{number:03}"))
        file.note(a_settlement(f"c{number:03}"))
    file.run(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    raw = bytearray(path.read_bytes())
    for page in range(2, len(raw) // 4_096):
        raw[page * 4_096 : page * 4_096 + 8] = b"\xff" * 8
    path.write_bytes(raw)
    file.close()
    file = LedgerFile(path)
    file.note(a_hold("late"))
    file.note(a_settlement("late"))
    file.close()
    assert ("late", "settled", 70) in rows(tmp_path / "ledger-2.db")


@pytest.mark.parametrize("how", ["note", "a hold that is checked", "what waits"])
def test_what_was_being_written_as_others_began_a_new_ledger_is_in_the_new_one(
    tmp_path: Path, file: LedgerFile, how: str
):
    """They had their last look at the damaged one before this was committed there."""
    later = next_path(file.first, file.first)
    create(tmp_path / "theirs.db")

    def they_begin(sql: str) -> None:
        if "INTO calls" in sql and not later.exists():
            (tmp_path / "theirs.db").rename(later)

    file.note(a_hold("c1"))
    if how == "what waits":
        with closing(sqlite3.connect(file.first, isolation_level=None)) as blocker:
            blocker.execute("BEGIN IMMEDIATE")
            file.note(a_hold("c2"))
    file.run(lambda connection: connection.set_trace_callback(they_begin))
    match how:
        case "note":
            file.note(a_hold("c2"))
        case "a hold that is checked":
            file.hold(a_hold("c2"), [LIMIT])
        case _:
            file.run(lambda _connection: None, must_write=True)
    assert later.exists()
    file.run(lambda _connection: None, must_write=True)
    assert ("c2", "held", None) in rows(later)
    assert file.unwritten == (0, 0)


def test_a_ledger_that_was_taken_away_is_followed_by_a_new_one(tmp_path: Path):
    path = tmp_path / "ledger.db"
    file = LedgerFile(path)
    file.note(a_hold("c1"))
    for side in ("", "-wal", "-shm"):
        side_file(path, side).unlink()
    file.note(a_settlement("c1"))
    file.close()
    assert rows(path) == [("c1", "settled", 70)], "what was spent counts, though its hold is gone"


def test_a_long_log_moves_into_the_database_between_jobs(tmp_path: Path):
    path = tmp_path / "ledger.db"
    file = LedgerFile(path)
    file.run(lambda connection: connection.execute("CREATE TABLE ballast (x)"))
    file.run(
        lambda connection: connection.execute(f"INSERT INTO ballast VALUES (zeroblob({CHECKPOINT_BYTES}))")
    )
    log = side_file(path, "-wal")
    assert log.stat().st_size > CHECKPOINT_BYTES
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    file.look_after()
    assert log.stat().st_size > CHECKPOINT_BYTES, "not while anybody writes"
    blocker.close()
    before = path.stat().st_size
    file.look_after()
    assert path.stat().st_size > before + CHECKPOINT_BYTES
    file.note(a_hold("c1"))
    assert log.stat().st_size <= CHECKPOINT_BYTES, "it has begun anew"
    file.close()


def test_a_stamp_changes_when_anybody_writes(file: LedgerFile):
    file.run(lambda _connection: None)
    other = LedgerFile(file.first)
    stamps = [file.stamp()]
    other.note(a_hold("c1"))
    stamps.append(file.stamp())
    other.note(a_settlement("c1"))
    stamps.append(file.stamp())
    assert len(set(map(repr, stamps))) == 3
    assert file.stamp() == stamps[-1]
    other.close()
