"""A ledger appears whole or not at all, and one that takes a damaged one's place begins beside it."""

import os
import sqlite3
from pathlib import Path

import pytest

from farebox.ledger import repair, schema
from farebox.ledger.opening import create, newest, next_path, opened, side_file, takes_long
from farebox.ledger.schema import MIGRATIONS


def test_a_new_ledger_is_whole_and_nothing_else_is_left(tmp_path: Path):
    path = tmp_path / "data" / "ledger.db"
    opened(path).close()
    assert [entry.name for entry in path.parent.iterdir()] == ["ledger.db"]
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_ledger_that_somebody_else_has_made_meanwhile_stays(tmp_path: Path):
    path = tmp_path / "ledger.db"
    opened(path).close()
    before = path.stat().st_ino
    create(path)
    assert path.stat().st_ino == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["ledger.db"]


def test_a_beginning_that_fails_leaves_nothing(tmp_path: Path):
    def fails(_connection: sqlite3.Connection) -> None:
        raise RuntimeError("no power")

    with pytest.raises(RuntimeError):
        create(tmp_path / "ledger.db", fails)
    assert list(tmp_path.iterdir()) == []


def test_the_last_ledger_counts(tmp_path: Path):
    first = tmp_path / "ledger.db"
    assert newest(first) == first
    assert next_path(first, first).name == "ledger-2.db"
    (tmp_path / "ledger-2.db").touch()
    (tmp_path / "ledger-3.db").touch()
    assert newest(first).name == "ledger-3.db"
    assert next_path(first, newest(first)).name == "ledger-4.db"


def test_an_empty_file_is_a_damage_because_no_ledger_begins_as_one(tmp_path: Path):
    path = tmp_path / "ledger.db"
    path.touch()
    with pytest.raises(sqlite3.DatabaseError) as caught:
        opened(path)
    assert repair.is_damage(caught.value)


def test_what_is_left_of_a_ledger_that_was_taken_away_does_not_spoil_a_new_one(tmp_path: Path):
    path = tmp_path / "ledger.db"
    connection = opened(path)
    connection.execute("INSERT INTO damages VALUES (1, 'x', 0, NULL)")
    path.rename(tmp_path / "elsewhere.db")
    assert side_file(path, "-wal").exists()
    with pytest.raises(sqlite3.DatabaseError) as caught:
        opened(path)
    assert repair.is_damage(caught.value)
    assert not path.exists()
    connection.close()


@pytest.mark.parametrize(
    ("last", "ballast_bytes", "expected"),
    [
        pytest.param(1, 33 * 1024 * 1024, True, id="older and large"),
        pytest.param(1, 1_000, False, id="older and small"),
        pytest.param(len(MIGRATIONS), 33 * 1024 * 1024, False, id="today's and large"),
    ],
)
def test_only_a_large_ledger_of_an_older_farebox_takes_long_to_open(
    tmp_path: Path, last: int, ballast_bytes: int, *, expected: bool
):
    path = tmp_path / "ledger.db"
    connection = sqlite3.connect(path, isolation_level=None)
    schema.migrate(connection, last=last)
    connection.execute("CREATE TABLE ballast (x)")
    connection.execute("INSERT INTO ballast VALUES (zeroblob(?))", (ballast_bytes,))
    connection.close()
    assert takes_long(path) is expected
    assert not takes_long(tmp_path / "nothing.db")


posix_only = pytest.mark.skipif(os.name != "posix", reason="links and owners as POSIX has them")


@posix_only
@pytest.mark.parametrize("target", ["another-ledger", "nothing"])
def test_a_link_in_the_place_of_a_ledger_is_refused_and_not_followed(tmp_path: Path, target: str):
    if target == "another-ledger":
        opened(tmp_path / target).close()
    (tmp_path / "ledger.db").symlink_to(tmp_path / target)
    with pytest.raises(schema.LedgerUnusable, match="is not a plain file") as raised:
        opened(tmp_path / "ledger.db")
    assert "FAREBOX_HOME" in raised.value.hint
    assert (tmp_path / target).exists() == (target == "another-ledger")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_ledger_of_somebody_else_is_refused(tmp_path: Path):
    opened(tmp_path / "ledger.db").close()
    os.chown(tmp_path / "ledger.db", 12345, 12345)
    with pytest.raises(schema.LedgerUnusable, match="belongs to somebody else"):
        opened(tmp_path / "ledger.db")
