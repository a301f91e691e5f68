"""The ledger as a whole: one file, one thread; what it promises when the disk does not."""

import asyncio
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.errors import BudgetExceeded
from farebox.ledger.limits import Limit
from farebox.ledger.queries import Query
from farebox.ledger.records import Hold, Settlement, Spent
from farebox.ledger.schema import LedgerUnusable
from farebox.ledger.store import Ledger
from farebox.messages import UNKNOWN_COST, Cost, Target, Usage
from support.guard.sitecustomize import watched
from support.patience import WAIT_S

NOW_MS = 1_772_366_400_000
LIMIT = Limit("daily", 1_000, 0, "2026-03-02T00:00:00+00:00", setting="[budgets] daily_usd")

OPENER = """
import asyncio, sys
from pathlib import Path
from farebox.ledger.records import Hold, Settlement
from farebox.ledger.store import Ledger
from farebox.messages import Cost, Target, Usage
async def main(path, me):
    ledger = Ledger(Path(path))
    for number in range(10):
        name = f"{me}-{number}"
        await ledger.hold(Hold(name, name, 0, "chat", Target("p", "m"), 9, 1772366400000), ())
        ledger.settle(Settlement(name, "ok", Usage(), Cost(7, "computed")))
    await ledger.close()
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def ledger(tmp_path: Path):
    ledger = Ledger(tmp_path / "data" / "ledger.db")
    yield ledger
    await ledger.close()


@pytest.fixture
async def broken(tmp_path: Path):
    """A ledger whose file is a folder: no privilege can write to it."""
    (tmp_path / "folder.db").mkdir()
    ledger = Ledger(tmp_path / "folder.db")
    yield ledger
    await ledger.close()


def a_hold(
    call_id: str = "c1", nanodollars: int | None = 100, *, model: str = "m", started_ms: int = NOW_MS
) -> Hold:
    return Hold(
        call_id,
        f"request of {call_id}",
        0,
        "chat",
        Target("p", model),
        nanodollars,
        started_ms,
        workspace="/w",
    )


def a_settlement(call_id: str = "c1", cost: Cost | None = None) -> Settlement:
    return Settlement(call_id, "ok", Usage(10, 4, 2, 5, 3), cost or Cost(70, "computed"))


async def spent(ledger: Ledger) -> Spent:
    (spent,) = await ledger.spent_by([LIMIT], now_ms=NOW_MS)
    return spent


def rows(path: Path, columns: str = "call_id, state, cost_nanodollars") -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT {columns} FROM calls ORDER BY call_id").fetchall()
    finally:
        connection.close()


def environment() -> dict[str, str]:
    return watched({**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


async def test_the_row_stands_on_disk_before_hold_returns(ledger: Ledger):
    await ledger.hold(a_hold(), (LIMIT,))
    assert rows(ledger.path) == [("c1", "held", None)]


async def test_settling_waits_for_nothing_and_closing_writes_what_waits(ledger: Ledger):
    for number in range(50):
        await ledger.hold(a_hold(f"c{number:02}"), ())
    for number in range(50):
        ledger.settle(a_settlement(f"c{number:02}", Cost(number, "computed")))
    await ledger.close()
    assert rows(ledger.path) == [(f"c{number:02}", "settled", number) for number in range(50)]


def test_closing_without_an_event_loop_writes_what_waits(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.db")
    asyncio.run(ledger.hold(a_hold(), ()))
    ledger.settle(a_settlement())
    ledger.close_now()
    ledger.close_now()
    assert rows(ledger.path) == [("c1", "settled", 70)]


LATE = """
import asyncio, sys
from pathlib import Path
from farebox.ledger.records import Hold, Settlement
from farebox.ledger.store import Ledger
from farebox.messages import Cost, Target, Usage
ledger = Ledger(Path(sys.argv[1]))
asyncio.run(ledger.hold(Hold("c1", "c1", 0, "chat", Target("p", "m"), 9, 1772366400000), ()))
print("held", flush=True)
sys.stdin.readline()
ledger.settle(Settlement("c1", "ok", Usage(), Cost(7, "computed")))
ledger.close_now()
print("closed", flush=True)
"""


async def test_what_another_process_held_up_is_written_by_the_next_one(tmp_path: Path):
    path = tmp_path / "ledger.db"
    command = [sys.executable, "-c", LATE, str(path)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    process.communicate("go\n", timeout=WAIT_S)
    assert process.returncode == 0
    assert rows(path) == [("c1", "held", None)]
    blocker.execute("ROLLBACK")
    blocker.close()
    ledger = Ledger(path)
    await ledger.check()
    await ledger.close()
    assert rows(path) == [("c1", "settled", 7)]
    assert list(path.with_name("ledger.db.owners").iterdir()) == []


async def test_without_a_thread_no_request_fails_and_settling_raises_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        await ledger.hold(a_hold(), ())
        ledger.settle(a_settlement())
    assert len(caplog.records) == 2
    await ledger.hold(a_hold("c2"), ())
    assert rows(ledger.path) == [("c2", "held", None)]


async def test_what_is_known_without_asking_is_what_the_last_hold_saw_and_was_settled_since(ledger: Ledger):
    assert ledger.last_known(LIMIT) is None
    await ledger.hold(a_hold("c1"), (LIMIT,))
    assert ledger.last_known(LIMIT) == Spent(0, 100)
    ledger.settle(a_settlement("c1", Cost(70, "computed")))
    assert ledger.last_known(LIMIT) == Spent(70, 100), "it may be too much, never too little"
    await ledger.hold(replace(a_hold("free"), hold_nanodollars=0), (LIMIT,))
    assert ledger.last_known(LIMIT) == Spent(70, 100)
    with pytest.raises(BudgetExceeded):
        await ledger.hold(a_hold("c2", 5_000), (LIMIT,))
    assert ledger.last_known(LIMIT) is None


async def test_what_is_spent_includes_every_settlement_handed_over_before(ledger: Ledger):
    await ledger.hold(a_hold("c1"), (LIMIT,))
    await ledger.hold(a_hold("c2"), (LIMIT,))
    ledger.settle(a_settlement("c1"))
    assert await spent(ledger) == Spent(70, 100)


async def test_several_moments_are_summed_in_one_visit(ledger: Ledger):
    for number in (1, 2, 3):
        await ledger.hold(replace(a_hold(f"c{number}"), started_ms=NOW_MS + number), ())
        ledger.settle(a_settlement(f"c{number}"))
    windows = [replace(LIMIT, since_ms=since_ms) for since_ms in (NOW_MS + 2, 0, NOW_MS + 4)]
    sums = await ledger.spent_by(windows)
    assert sums == (Spent(140, 0), Spent(210, 0), Spent(0, 0))
    assert await ledger.spent_by([]) == ()


async def test_a_budget_is_refused_through_the_store(ledger: Ledger):
    with pytest.raises(BudgetExceeded, match="no room"):
        await ledger.hold(a_hold(nanodollars=1_001), (LIMIT,))
    assert rows(ledger.path) == []


async def test_concurrent_holds_of_one_process_never_exceed_a_budget(ledger: Ledger):
    outcomes = await asyncio.gather(
        *(ledger.hold(a_hold(f"c{number}"), (LIMIT,)) for number in range(25)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes].count(BudgetExceeded) == 15
    assert await spent(ledger) == Spent(0, 1_000)


async def test_a_request_that_is_cancelled_while_it_is_held_leaves_no_hold(ledger: Ledger):
    await ledger.check()
    blocker = sqlite3.connect(ledger.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    holding = asyncio.create_task(ledger.hold(a_hold(), (LIMIT,)))
    for _ in range(20):
        await asyncio.sleep(0)  # until the ledger's thread waits for the lock
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    blocker.execute("ROLLBACK")
    blocker.close()
    assert await spent(ledger) == Spent(0, 0)
    assert rows(ledger.path) == []


async def test_the_event_loop_runs_on_while_another_process_holds_the_lock(ledger: Ledger):
    await ledger.check()
    blocker = sqlite3.connect(ledger.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    holding = asyncio.create_task(ledger.hold(a_hold(), (LIMIT,)))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not holding.done()
    blocker.execute("ROLLBACK")
    blocker.close()
    await holding
    assert rows(ledger.path) == [("c1", "held", None)]


async def test_nothing_touches_the_disk_or_starts_a_thread_before_first_use(tmp_path: Path):
    before = threading.active_count()
    Ledger(tmp_path / "data" / "ledger.db")
    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
async def test_the_folder_and_the_file_are_for_their_owner_alone(ledger: Ledger):
    await ledger.hold(a_hold(), ())
    assert stat.S_IMODE(ledger.path.parent.stat().st_mode) == 0o700
    for path in ledger.path.parent.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


async def test_the_file_is_in_wal_mode(ledger: Ledger):
    await ledger.check()
    connection = sqlite3.connect(ledger.path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


async def test_with_a_budget_an_unusable_ledger_fails_closed_in_clear_words(broken: Ledger):
    with pytest.raises(BudgetExceeded) as caught:
        await broken.hold(a_hold(), (LIMIT,))
    assert "daily budget can't be checked" in caught.value.message
    assert str(broken.path) in caught.value.message
    assert "remove [budgets] daily_usd" in caught.value.hint


async def test_without_a_budget_an_unusable_ledger_fails_no_request(
    broken: Ledger, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING, "farebox.ledger"):
        await broken.hold(a_hold(), ())
        broken.settle(a_settlement())
        await broken.close()
        broken.settle(a_settlement())
    assert {record.name for record in caplog.records} == {"farebox.ledger"}
    assert str(broken.path) not in caplog.text


async def test_check_groups_and_spent_say_what_is_wrong_with_the_file(broken: Ledger):
    for question in (broken.check(), broken.groups(Query()), spent(broken)):
        with pytest.raises(LedgerUnusable) as caught:
            await question
        assert str(broken.path) in caught.value.message
        assert "FAREBOX_HOME" in caught.value.hint


async def test_a_file_of_a_newer_farebox_is_refused_and_not_touched(tmp_path: Path):
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE future (x)")
    connection.execute("PRAGMA user_version = 999")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    ledger = Ledger(path)
    with pytest.raises(LedgerUnusable, match="newer farebox"):
        await ledger.check()
    with pytest.raises(BudgetExceeded, match="newer farebox"):
        await ledger.hold(a_hold(), (LIMIT,))
    await ledger.close()
    assert path.read_bytes() == before
    assert {entry.name for entry in tmp_path.iterdir()} <= {"ledger.db", "ledger.db.owners"}


async def test_a_ledger_recovers_by_itself_and_then_writes_what_had_to_wait(tmp_path: Path):
    path = tmp_path / "ledger.db"
    first = Ledger(path)
    await first.hold(a_hold(), ())
    await first.close()
    aside = path.rename(tmp_path / "aside.db")
    path.mkdir()
    second = Ledger(path)
    second.settle(a_settlement())
    with pytest.raises(LedgerUnusable):
        await second.check()
    path.rmdir()
    aside.rename(path)
    await second.close()
    assert rows(path) == [("c1", "settled", 70)]


async def test_a_closed_ledger_is_unusable_and_closing_twice_is_fine(ledger: Ledger):
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerUnusable, match="closed"):
        await ledger.check()
    with pytest.raises(BudgetExceeded, match="closed"):
        await ledger.hold(a_hold(), (LIMIT,))


async def test_groups_are_exact_integer_sums_with_unknown_prices_counted_apart(ledger: Ledger):
    large = 10**12 - 7
    costs = {
        "c1": Cost(large, "reported", "p/big", large + 5),
        "c2": Cost(large, "computed", "p/big", large - 2),
        "c3": Cost(3, "estimated"),
        "c4": UNKNOWN_COST,
    }
    for call_id, cost in costs.items():
        await ledger.hold(a_hold(call_id, None), ())
        ledger.settle(a_settlement(call_id, cost))
    await ledger.hold(a_hold("c5", 50), ())
    (group,) = await ledger.groups(Query(by=("model",)))
    assert group.keys == ("p/m",)
    assert (group.requests, group.held) == (4, 1)
    assert group.usage == Usage(40, 16, 8, 20, 12)
    assert group.cost_nanodollars == 2 * large + 3
    assert (group.baseline_nanodollars, group.saved_nanodollars) == (2 * large + 3, 3)
    assert (group.reported, group.computed, group.estimated, group.unknown) == (1, 1, 1, 1)


async def test_groups_without_a_baseline_save_nothing_that_is_known(ledger: Ledger):
    await ledger.hold(a_hold(), ())
    ledger.settle(a_settlement())
    (group,) = await ledger.groups(Query())
    assert group.baseline_nanodollars is None
    assert group.saved_nanodollars is None


async def test_groups_follow_the_order_of_the_dimensions_and_the_bounds_of_the_query(ledger: Ledger):
    await ledger.hold(a_hold("c1", model="b"), ())
    await ledger.hold(a_hold("c2", model="a", started_ms=NOW_MS + 1), ())
    await ledger.hold(replace(a_hold("c3", model="a", started_ms=NOW_MS + 2), workspace=None), ())
    found = await ledger.groups(Query(by=("workspace", "model")))
    assert [group.keys for group in found] == [("/w", "p/a"), ("/w", "p/b"), (None, "p/a")]
    inside = await ledger.groups(Query(since_ms=NOW_MS + 1, until_ms=NOW_MS + 2, by=("model",)))
    assert [(group.keys, group.held) for group in inside] == [(("p/a",), 1)]
    assert [group.held for group in await ledger.groups(Query(workspace="/w"))] == [2]
    assert await ledger.groups(Query(workspace="\ud800")) == ()
    assert await ledger.groups(Query(since_ms=NOW_MS + 3)) == ()


async def test_processes_that_open_a_new_ledger_together_lose_no_row(tmp_path: Path):
    path = tmp_path / "data" / "ledger.db"
    processes = [
        subprocess.Popen([sys.executable, "-c", OPENER, str(path), f"process{number}"], env=environment())
        for number in range(4)
    ]
    assert [process.wait(timeout=WAIT_S) for process in processes] == [0, 0, 0, 0]
    ledger = Ledger(path)
    (group,) = await ledger.groups(Query())
    await ledger.close()
    assert (group.requests, group.held, group.cost_nanodollars) == (40, 0, 280)
