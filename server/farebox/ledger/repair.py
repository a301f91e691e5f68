"""A ledger file that is damaged: it stays as it is, and what can be read of it begins a new one.

The new file remembers the damage, so that a budget whose time includes it is not thought to be unspent.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from farebox.errors import BudgetExceeded
from farebox.ledger import rollup
from farebox.ledger.limits import Limit
from farebox.messages import minute_text

SIDE_FILES: Final = ("", "-wal", "-shm")
"""What SQLite keeps beside a database belongs to it."""

_RANGE_ROWS: Final = 4_096
_LEAST_ROW_BYTES: Final = 64
_Row = tuple[object, ...]


def is_damage(error: BaseException) -> bool:
    """Say whether an error means that the file is no sound database."""
    if not isinstance(error, sqlite3.DatabaseError):
        return False
    primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary_code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def salvage(damaged: Path, into: sqlite3.Connection) -> int:
    """Copy every call that can still be read into a new ledger, and remember the damage; return how many."""
    into.execute("PRAGMA cache_size = -200000")  # KiB: the rows come in no order of their keys
    with into:
        into.execute("BEGIN IMMEDIATE")
        for name in rollup.TRIGGER_NAMES:
            into.execute(f"DROP TRIGGER {name}")
        saved = _copy(damaged, into)
        for statement in (*rollup.REBUILD, *rollup.TRIGGERS):
            into.execute(statement)
        into.execute(
            "INSERT INTO damages (at_ms, file, saved_calls) VALUES (?, ?, ?)",
            (time.time_ns() // 1_000_000, damaged.name, saved),
        )
    return saved


def catch_up(damaged: Path, into: sqlite3.Connection) -> None:
    """Copy what others have still settled in the damaged ledger while its calls were being saved."""
    with into:
        into.execute("BEGIN IMMEDIATE")
        _copy(damaged, into, states=("settled",))


def _copy(damaged: Path, into: sqlite3.Connection, states: Sequence[str] = ("held", "settled")) -> int:
    """Copy the calls in these states that are not there yet, or only as holds; return how many."""
    known = [str(name) for _, name, *_ in into.execute("PRAGMA table_info(calls)")]
    copied = 0
    for columns, row in _readable(damaged):
        kept = {name: value for name, value in zip(columns, row, strict=True) if name in known}
        if kept.get("state") not in states:
            continue
        names, places = ", ".join(kept), ", ".join("?" * len(kept))
        news = ", ".join(f"{name} = excluded.{name}" for name in kept)
        sql = (
            f"INSERT INTO calls ({names}) VALUES ({places}) "  # noqa: S608 own names
            f"ON CONFLICT (call_id) DO UPDATE SET {news} WHERE calls.state = 'held'"
        )
        with suppress(sqlite3.DatabaseError):  # a row that means nothing any more
            copied += into.execute(sql, tuple(kept.values())).rowcount
    return copied


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that was damaged: when that was found, and how many of its calls could be saved."""

    at_ms: int
    file: str
    saved_calls: int


def damages(connection: sqlite3.Connection) -> tuple[Damage, ...]:
    """Return the damages that nobody has accepted yet, the latest first."""
    rows = connection.execute(
        "SELECT at_ms, file, saved_calls FROM damages WHERE accepted_ms IS NULL ORDER BY at_ms DESC"
    )
    return tuple(Damage(*row) for row in cast("list[tuple[int, str, int]]", rows.fetchall()))


def unchecked(limit: Limit, damages: Sequence[Damage]) -> BudgetExceeded | None:
    """Return why a limit can't be checked: its sum may lack what was in a damaged file. None if it can be."""
    damage = next((one for one in damages if limit.since_ms <= one.at_ms), None)
    if damage is None:
        return None
    return BudgetExceeded(
        f"the {limit.name} budget can't be checked: the ledger was damaged; {damage.saved_calls} requests "
        f"were saved from it ({damage.file}), and what else was spent is not known",
        hint=f"Wait until it resets at {minute_text(limit.resets_at)}, "
        "or let what was saved count as all: farebox doctor --accept-damage",
    )


def accept(connection: sqlite3.Connection, *, now_ms: int) -> int:
    """Let what was saved count as all that was spent; return for how many damages."""
    return connection.execute(
        "UPDATE damages SET accepted_ms = ? WHERE accepted_ms IS NULL", (now_ms,)
    ).rowcount


def _readable(damaged: Path) -> Iterator[tuple[Sequence[str], _Row]]:
    """Read around what is damaged, range by range of row ids, and those that fail in ever smaller ones."""
    try:
        connection = sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=rw", uri=True)
    except sqlite3.Error:
        return
    connection.text_factory = _tolerant
    try:
        # Else a file that was cut off can't be read at all (SQLite's lockBtree).
        connection.execute("PRAGMA writable_schema = ON")
        columns = [str(row[1]) for row in _fetch(connection, "PRAGMA table_info(calls)") or ()]
        if not columns:
            return
        ranges = list(_ranges(connection, damaged))
        while ranges:
            first, last = ranges.pop()
            rows = _fetch(connection, "SELECT * FROM calls WHERE rowid BETWEEN ? AND ?", first, last)
            if rows is not None:
                for row in rows:
                    yield columns, row
            elif first < last:
                middle = (first + last) // 2
                ranges += [(first, middle), (middle + 1, last)]
    finally:
        with suppress(sqlite3.Error):
            connection.close()


def _ranges(connection: sqlite3.Connection, damaged: Path) -> Iterator[tuple[int, int]]:
    last_rows = _fetch(connection, "SELECT rowid FROM calls ORDER BY rowid DESC LIMIT 1")
    if last_rows is not None and not last_rows:
        return
    most = damaged.stat().st_size // _LEAST_ROW_BYTES
    last = min(cast("int", last_rows[0][0]), most) if last_rows else most
    for first in range(1, last + 1, _RANGE_ROWS):
        yield first, min(first + _RANGE_ROWS - 1, last)


def _fetch(connection: sqlite3.Connection, sql: str, *values: int) -> list[_Row] | None:
    """Return all rows of a query; None if any of them can't be read."""
    try:
        return connection.execute(sql, values).fetchall()
    except (sqlite3.DatabaseError, OverflowError):
        return None


def _tolerant(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
