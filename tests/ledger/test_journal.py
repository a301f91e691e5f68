"""Holds jotted down: found again until they are struck out, within bounds, and never in anybody's way."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from farebox.ledger import spill
from farebox.ledger.journal import SLOT_BYTES, SLOTS, Journal, jotted
from farebox.ledger.records import Hold, Settlement
from farebox.ledger.store import Ledger
from farebox.messages import Cost, Target, Usage
from support.guard.sitecustomize import watched
from support.patience import WAIT_S


@pytest.fixture
def journal(tmp_path: Path):
    journal = Journal(tmp_path / "own.holds")
    yield journal
    journal.close()


def a_hold(call_id: str) -> Hold:
    return Hold(call_id, call_id, 1, "chat", Target("p", "m"), 9, 1_772_000_000_000)


def test_what_is_jotted_down_is_there_until_it_is_struck_out(journal: Journal, tmp_path: Path):
    path = tmp_path / "own.holds"
    slots = [journal.jot(line) for line in (b"one", b"two", b"three")]
    assert jotted(path) == [b"one", b"two", b"three"]
    journal.strike(slots[1] or 0)
    assert jotted(path) == [b"one", b"three"]
    assert path.stat().st_size == SLOTS * SLOT_BYTES


def test_what_finds_no_slot_or_does_not_fit_is_not_jotted_down(journal: Journal):
    assert journal.jot(b"x" * SLOT_BYTES) is None
    slots = [journal.jot(b"line") for _ in range(SLOTS)]
    assert None not in slots
    assert journal.jot(b"one more") is None
    journal.strike(slots[5] or 0)
    assert journal.jot(b"one more") == slots[5]


def test_a_closed_journal_takes_nothing_and_stays_for_what_is_in_it(tmp_path: Path):
    full, empty = Journal(tmp_path / "full.holds"), Journal(tmp_path / "empty.holds")
    full.jot(b"line")
    full.close()
    empty.close()
    assert empty.jot(b"line") is None
    assert [path.name for path in tmp_path.iterdir()] == ["full.holds"]
    assert jotted(tmp_path / "full.holds") == [b"line"]


@pytest.mark.parametrize("raw", [b"", b"\xff" * SLOT_BYTES * 2, b"\0", b"\0\x05abc"])
def test_no_bytes_make_the_reader_fail(tmp_path: Path, raw: bytes):
    (tmp_path / "odd.holds").write_bytes(raw)
    jotted(tmp_path / "odd.holds")
    assert jotted(tmp_path / "nobody.holds") == []


async def test_a_hold_without_a_budget_waits_for_nobody_and_is_written(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.db")
    await ledger.check()
    blocker = sqlite3.connect(ledger.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    placing = ledger.place(a_hold("c1"), ())
    assert placing.answer is None, "it is jotted down"
    (journal,) = tmp_path.glob("ledger.db.owners/*.holds")
    assert spill.records(jotted(journal)) == [a_hold("c1")]
    await ledger.placed(placing)
    ledger.settle(Settlement("c1", "ok", Usage(), Cost(7, "computed")))
    blocker.close()
    await ledger.close()
    connection = sqlite3.connect(ledger.path)
    assert connection.execute("SELECT call_id, cost_nanodollars FROM calls").fetchall() == [("c1", 7)]
    connection.close()


async def test_what_was_jotted_down_can_be_withdrawn(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.db")
    await ledger.check()
    ledger.withdraw(ledger.place(a_hold("c1"), ()))
    await ledger.close()
    connection = sqlite3.connect(ledger.path)
    assert connection.execute("SELECT COUNT(*) FROM calls").fetchone() == (0,)
    connection.close()


KILLED = """
import asyncio, os, signal, sqlite3, sys
from pathlib import Path
from farebox.ledger.records import Hold
from farebox.ledger.store import Ledger
from farebox.messages import Target
async def main():
    ledger = Ledger(Path(sys.argv[1]))
    await ledger.check()
    blocker = sqlite3.connect(ledger.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    await ledger.hold(Hold("c1", "c1", 1, "chat", Target("p", "m"), 9, 1772000000000), ())
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_who_is_killed_before_the_row_is_written_leaves_it_to_others(tmp_path: Path):
    path = tmp_path / "ledger.db"
    environment = watched({**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], env=environment, timeout=WAIT_S, check=False
    )
    assert process.returncode == -signal.SIGKILL

    async def look() -> None:
        ledger = Ledger(path)
        await ledger.check()
        await ledger.close()

    asyncio.run(look())
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT call_id, error_kind, cost_nanodollars FROM calls").fetchall()
    connection.close()
    assert rows == [("c1", "uncertain", 9)]
    assert list(tmp_path.glob("ledger.db.owners/*")) == []
