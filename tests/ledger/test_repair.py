"""A damaged ledger: what can be read of it is saved, it stays as it is, and the damage is remembered."""

import random
import sqlite3
from pathlib import Path

import pytest

from farebox.ledger import holds, repair, schema
from farebox.ledger.opening import opened
from farebox.ledger.records import Hold, Settlement
from farebox.messages import Cost, Target, Usage

NOW_MS = 1_772_000_000_000
CALLS = 3_000
PAGE_BYTES = 4_096


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    connection = opened(path)
    with connection:
        connection.execute("BEGIN")
        for number in range(CALLS):
            name = f"c{number}"
            hold = Hold(name, name, 1, "chat", Target("p", "m"), 9, NOW_MS + number * 1_000)
            holds.insert(connection, hold, "me")
            settlement = Settlement(name, "ok", Usage(1, 0, 0, 1, 0), Cost(7, "computed"))
            holds.settle(connection, settlement, now_ms=NOW_MS)
    connection.close()
    return path


def saved_from(damaged: Path) -> tuple[int, list[tuple[object, ...]]]:
    into = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(into)
    saved = repair.salvage(damaged, into)
    (count,) = into.execute("SELECT COUNT(*) FROM calls WHERE cost_nanodollars = 7").fetchone()
    assert saved == count
    assert into.execute("SELECT SUM(requests), SUM(cost_nanodollars) FROM hourly").fetchone() == (
        (saved, 7 * saved) if saved else (None, None)
    )
    damages = into.execute("SELECT file, saved_calls, accepted_ms FROM damages").fetchall()
    into.close()
    return saved, damages


def test_a_sound_file_loses_nothing(ledger: Path):
    assert saved_from(ledger) == (CALLS, [("ledger.db", CALLS, None)])


@pytest.mark.parametrize("seed", range(8))
def test_what_lies_around_the_damage_is_saved(ledger: Path, seed: int):
    dice = random.Random(seed)
    raw = bytearray(ledger.read_bytes())
    pages = len(raw) // PAGE_BYTES
    for page in dice.sample(range(10, pages), 3):
        raw[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = dice.randbytes(PAGE_BYTES)
    ledger.write_bytes(raw)
    saved, damages = saved_from(ledger)
    assert saved > 0.8 * CALLS
    assert damages == [("ledger.db", saved, None)]
    assert ledger.read_bytes() == raw, "it stays as it is"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"my diary, which is no database" * 500, id="no database"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 5_000, id="a header alone"),
    ],
)
def test_a_file_of_which_nothing_is_left_saves_nothing(tmp_path: Path, raw: bytes):
    path = tmp_path / "ledger.db"
    path.write_bytes(raw)
    assert saved_from(path) == (0, [("ledger.db", 0, None)])


def test_a_file_that_was_cut_off_saves_its_beginning(ledger: Path):
    raw = ledger.read_bytes()
    ledger.write_bytes(raw[: len(raw) * 2 // 3])
    saved, _ = saved_from(ledger)
    assert 0 < saved < CALLS


def test_a_damage_is_accepted_once():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    connection.execute("INSERT INTO damages VALUES (1, 'ledger.db', 0, NULL)")
    assert repair.accept(connection, now_ms=NOW_MS) == 1
    assert repair.accept(connection, now_ms=NOW_MS) == 0
    connection.close()


@pytest.mark.parametrize(
    ("error", "is_damage"),
    [
        pytest.param(sqlite3.OperationalError("database is locked"), False, id="locked"),
        pytest.param(OSError("no room"), False, id="of the system"),
    ],
)
def test_what_may_pass_is_no_damage(error: Exception, is_damage: bool):
    assert repair.is_damage(error) is is_damage
