"""Reading apart: a report keeps no hold waiting, and sees what was handed over before it."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from farebox.ledger.opening import CACHE_KIB, opened
from farebox.ledger.queries import Query
from farebox.ledger.reader import Reader
from farebox.ledger.records import Hold, Settlement
from farebox.ledger.schema import LedgerUnusable
from farebox.ledger.store import Ledger
from farebox.messages import Cost, Target, Usage
from support.patience import WAIT_S


def a_hold(call_id: str) -> Hold:
    return Hold(call_id, call_id, 1, "chat", Target("p", "m"), 9, 1_772_000_000_000)


def test_a_reader_can_not_write(tmp_path: Path):
    path = tmp_path / "ledger.db"
    opened(path).close()
    reader = Reader()
    with pytest.raises(LedgerUnusable, match="readonly"):
        reader.run(path, lambda connection: connection.execute("DELETE FROM calls"))
    reader.close()


def test_a_reader_keeps_few_pages_in_memory(tmp_path: Path):
    path = tmp_path / "ledger.db"
    opened(path).close()
    reader = Reader()
    assert reader.run(path, lambda connection: connection.execute("PRAGMA cache_size").fetchone()) == (
        -CACHE_KIB,
    )
    reader.close()


def test_a_reader_follows_the_ledger_that_counts(tmp_path: Path):
    first, second = tmp_path / "ledger.db", tmp_path / "ledger-2.db"
    for path in (first, second):
        opened(path).close()
    connection = sqlite3.connect(second)
    connection.execute("INSERT INTO damages VALUES (1, 'ledger.db', 0, NULL)")
    connection.commit()
    connection.close()
    reader = Reader()

    def damages(connection: sqlite3.Connection) -> int:
        return connection.execute("SELECT COUNT(*) FROM damages").fetchone()[0]

    assert [reader.run(path, damages) for path in (first, second, first)] == [0, 1, 0]
    reader.close()


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(LedgerUnusable, match=r"nothing\.db"):
        Reader().run(tmp_path / "nothing.db", lambda connection: connection.execute("SELECT 1"))


async def test_a_report_sees_all_that_was_handed_over_and_keeps_no_hold_waiting(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.db")
    await ledger.hold(a_hold("c1"), ())
    ledger.settle(Settlement("c1", "ok", Usage(), Cost(7, "computed")))
    assert (await ledger.groups(Query()))[0].cost_nanodollars == 7
    begun, go_on = threading.Event(), threading.Event()

    def slow(_connection: sqlite3.Connection) -> None:
        begun.set()
        assert go_on.wait(WAIT_S)

    report = asyncio.create_task(ledger._read(slow))
    await asyncio.to_thread(begun.wait)
    await ledger.hold(a_hold("c2"), ())
    assert not report.done()
    go_on.set()
    await report
    await ledger.close()
