"""The sums of a status line: those of the ledger itself, and reading them leaves no trace."""

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from farebox.ledger.glance import Glance, OlderLedger, glance
from farebox.ledger.limits import Limit, Scope
from farebox.ledger.owner import Owner
from farebox.ledger.records import Hold, Settlement, Spent
from farebox.ledger.repair import Damage
from farebox.ledger.schema import MIGRATIONS, LedgerUnusable, migrate
from farebox.ledger.spill import line
from farebox.ledger.store import Ledger
from farebox.messages import Cost, Target, Task, Usage

NOON = datetime(2026, 3, 12, 12).astimezone()
NOW_S = NOON.timestamp()
NOTHING = Glance(0, 0, 0, 0, (), 0, 0)


def hold(call_id: str, started: datetime, *, task: Task = "chat") -> Hold:
    return Hold(call_id, call_id, 1, task, Target("openai", "gpt"), 50, int(started.timestamp() * 1000))


def settlement(call_id: str, nanodollars: int | None) -> Settlement:
    cost = Cost(nanodollars, "unknown" if nanodollars is None else "reported")
    return Settlement(call_id, "ok", Usage(), cost)


async def spend(path: Path, *calls: tuple[Hold, int | None]) -> None:
    ledger = Ledger(path)
    for held, nanodollars in calls:
        await ledger.hold(held, ())
        ledger.settle(settlement(held.call_id, nanodollars))
    await ledger.close()


def test_a_missing_ledger_is_nothing_and_stays_missing(tmp_path: Path):
    path = tmp_path / "farebox" / "ledger.db"
    limit = Limit("daily", 10, 0, "")
    assert glance(path, now_s=NOW_S) == NOTHING
    assert glance(path, (limit,), now_s=NOW_S).spent == (Spent(0, 0),)
    assert list(tmp_path.iterdir()) == []


async def test_days_and_months_are_the_users_own(tmp_path: Path):
    path = tmp_path / "ledger.db"
    midnight, first = NOON.replace(hour=0), NOON.replace(day=1, hour=0)
    await spend(
        path,
        (hold("a", midnight), 1),
        (hold("b", NOON), 2),
        (hold("c", NOON), None),
        (hold("d", midnight - timedelta(seconds=1)), 40),
        (hold("e", first), 500),
        (hold("f", first - timedelta(seconds=1)), 6_000),
    )
    assert glance(path, now_s=NOW_S) == Glance(3, 543, 3, 0, (), 0, 0)


async def test_what_counts_against_a_limit_is_what_the_ledger_says(tmp_path: Path):
    path = tmp_path / "ledger.db"
    await spend(path, (hold("a", NOON), 7), (hold("b", NOON, task="complete"), 20))
    limits = (
        Limit("daily", 100, int(NOON.replace(hour=0).timestamp() * 1000), ""),
        Limit("hourly complete", 100, int(NOW_S * 1000), "", Scope("task", "complete")),
    )
    ledger = Ledger(path)
    try:
        seen = glance(path, limits, now_s=NOW_S)
        assert seen.spent == await ledger.spent_by(limits, now_ms=int(NOW_S * 1000))
        assert seen.spent == (Spent(27, 0), Spent(20, 0))
    finally:
        await ledger.close()


async def test_it_reads_beside_who_writes_and_sees_what_is_held(tmp_path: Path):
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    try:
        await ledger.hold(hold("a", NOON), ())
        assert glance(path, now_s=NOW_S).held_nanodollars == 50
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        assert glance(path, now_s=NOW_S).held_nanodollars == 50
        writer.close()
    finally:
        await ledger.close()


async def test_reading_changes_no_file(tmp_path: Path):
    path = tmp_path / "ledger.db"
    await spend(path, (hold("a", NOON), 7))
    before = path.read_bytes()
    assert glance(path, now_s=NOW_S).today_nanodollars == 7
    assert path.read_bytes() == before


async def test_what_waits_to_be_written_is_told_apart(tmp_path: Path):
    path = tmp_path / "ledger.db"
    await spend(path, (hold("a", NOON), 7))
    owner = Owner.claim(tmp_path / "ledger.db.owners")
    owner.append(line(hold("b", NOON)) + line(settlement("b", 30)) + line(hold("c", NOON)))
    seen = glance(path, now_s=NOW_S)
    assert (seen.today_nanodollars, seen.unwritten_requests, seen.unwritten_nanodollars) == (7, 2, 30)
    owner.release(keeps_lines=False)


@pytest.mark.parametrize(
    ("ago", "doubtful"),
    [
        (timedelta(), (True, True)),
        (timedelta(hours=12), (True, True)),
        (timedelta(hours=12, seconds=1), (False, True)),
        (timedelta(days=12), (False, False)),
    ],
)
async def test_a_damage_makes_doubtful_what_began_before_it(
    tmp_path: Path, ago: timedelta, doubtful: tuple[bool, bool]
):
    path = tmp_path / "ledger.db"
    await spend(path, (hold("a", NOON), 7))
    at_ms = int((NOON - ago).timestamp() * 1000)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO damages (at_ms, file, saved_calls) VALUES (?, 'x.db', 3)", (at_ms,))
    seen = glance(path, now_s=NOW_S)
    assert seen.damages == (Damage(at_ms, "x.db", 3),)
    assert (seen.is_today_doubtful, seen.is_month_doubtful) == doubtful
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE damages SET accepted_ms = 1")
    assert glance(path, now_s=NOW_S) == Glance(7, 7, 1, 0, (), 0, 0)


@pytest.mark.parametrize("version", [0, len(MIGRATIONS) - 1])
def test_an_older_file_has_to_be_brought_up_to_date_first(tmp_path: Path, version: int):
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    migrate(connection, last=version)
    connection.execute("PRAGMA application_id = 1")
    connection.close()
    with pytest.raises(OlderLedger):
        glance(path, now_s=NOW_S)


def test_a_newer_file_is_refused(tmp_path: Path):
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(LedgerUnusable, match="newer farebox"):
        glance(path, now_s=NOW_S)


@pytest.mark.parametrize("what", ["a folder", "no database"])
def test_what_is_no_ledger_is_said_to_be_unusable(tmp_path: Path, what: str):
    path = tmp_path / "ledger.db"
    if what == "a folder":
        path.mkdir()
    else:
        path.write_text("this is no database, and long enough to be taken for one " * 20, "utf-8")
    with pytest.raises(LedgerUnusable, match="can't be read"):
        glance(path, now_s=NOW_S)


async def test_a_name_with_the_signs_of_an_address_is_a_name(tmp_path: Path):
    path = tmp_path / "a ?mode=rw#%41" / "ledger.db"
    path.parent.mkdir()
    await spend(path, (hold("a", NOON), 7))
    assert glance(path, now_s=NOW_S).today_nanodollars == 7


def test_today_is_now_where_the_ledger_is_written_now(tmp_path: Path):
    path = tmp_path / "ledger.db"
    asyncio.run(spend(path, (hold("a", datetime.now().astimezone()), 7)))
    assert glance(path, now_s=time.time()).month_nanodollars == 7
