"""The few sums that a status line shows, read at once: no thread, no event loop, and nothing is written.

For a process that only wants to know: it creates no file and looks after nobody. Whoever has a ``Ledger``
asks that. Imports little, for a shell's prompt waits.
"""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast
from urllib.parse import quote

from farebox.ledger.schema import MIGRATIONS, LedgerUnusable, refuse_newer

if TYPE_CHECKING:
    from farebox.ledger.limits import Limit
    from farebox.ledger.records import Spent
    from farebox.ledger.repair import Damage

BUSY_TIMEOUT_S = 0.25
"""Readers wait for nobody but who sets the file up, or keeps all of it locked."""

_DAY_MS = 24 * 3_600_000

_Sums: TypeAlias = tuple[int, int, int, int]
_NOTHING: Final[_Sums] = (0, 0, 0, 0)


class OlderLedger(Exception):
    """The file is from an older farebox: a ``Ledger`` has to bring it up to date first."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What was spent today and this month, by the user's own days; amounts are nano-dollars.

    ``held`` is set aside for requests that have no end yet, ``unwritten`` waits in files of other processes
    until the ledger can be written. ``spent`` has what counts against each limit that was asked about.
    ``damages`` are those that nobody has accepted; what is ``doubtful`` may lack what one of them has lost.
    """

    today_nanodollars: int
    month_nanodollars: int
    requests_today: int
    held_nanodollars: int
    spent: tuple["Spent", ...]
    unwritten_requests: int
    unwritten_nanodollars: int
    damages: tuple["Damage", ...] = ()
    is_today_doubtful: bool = False
    is_month_doubtful: bool = False


def glance(first: Path, limits: Sequence["Limit"] = (), *, now_s: float) -> Glance:
    """Read the sums of the day and the month of a moment, and of each limit; of a missing ledger they are 0.

    Raises LedgerUnusable, and OlderLedger.
    """
    try:
        unwritten = _unwritten(first.with_name(f"{first.name}.owners"))
        sums, spent, damages = (
            _written(first, limits, now_s) if first.exists() else (_NOTHING, _none_spent(limits), ())
        )
    except (sqlite3.Error, OSError) as error:
        raise LedgerUnusable(
            f"the ledger {first} can't be read: {error}", hint="farebox doctor says what to do"
        ) from error
    here = time.localtime(now_s)
    return Glance(
        *sums,
        spent,
        len(unwritten),
        sum(unwritten.values()),
        damages,
        any(_midnight_ms(here, here.tm_mday) <= one.at_ms for one in damages),
        any(_midnight_ms(here, 1) <= one.at_ms for one in damages),
    )


def _written(
    first: Path, limits: Sequence["Limit"], now_s: float
) -> tuple[_Sums, tuple["Spent", ...], tuple["Damage", ...]]:
    from farebox.ledger.opening import newest  # noqa: PLC0415  deferred, as below: not everybody needs it

    path = newest(first)
    with closing(_opened(path)) as connection:
        refuse_newer(connection, path)
        if _version(connection) < len(MIGRATIONS):
            raise OlderLedger
        return _sums(connection, now_s), _spent(connection, limits, now_s), _damages(connection)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)


def _version(connection: sqlite3.Connection) -> int:
    return cast("int", connection.execute("PRAGMA user_version").fetchone()[0])


def _sums(connection: sqlite3.Connection, now_s: float) -> _Sums:
    here = time.localtime(now_s)
    today, month = time.strftime("%Y-%m-%d", here), time.strftime("%Y-%m-01", here)
    settled = connection.execute(
        "SELECT COALESCE(SUM(CASE WHEN day >= ? THEN cost_nanodollars END), 0),"
        " COALESCE(SUM(cost_nanodollars), 0), COALESCE(SUM(CASE WHEN day >= ? THEN requests END), 0)"
        " FROM hourly WHERE day >= ? AND hour_ms >= ?",
        (
            today,
            today,
            month,
            _midnight_ms(here, 1) - _DAY_MS,
        ),  # the key begins with the hour; days may be a traveller's
    ).fetchone()
    held = connection.execute(
        "SELECT COALESCE(SUM(hold_nanodollars), 0) FROM calls WHERE state = 'held'"
    ).fetchone()
    return cast("_Sums", (*settled, *held))


def _spent(connection: sqlite3.Connection, limits: Sequence["Limit"], now_s: float) -> tuple["Spent", ...]:
    if not limits:
        return ()
    from farebox.ledger.sums import spent_by  # noqa: PLC0415

    return spent_by(connection, limits, now_ms=int(now_s * 1000))


def _midnight_ms(here: time.struct_time, day: int) -> int:
    """Return the first moment of a day of this month."""
    return int(time.mktime((here.tm_year, here.tm_mon, day, 0, 0, 0, 0, 0, -1))) * 1000


def _damages(connection: sqlite3.Connection) -> tuple["Damage", ...]:
    if not connection.execute("SELECT COUNT(*) FROM damages WHERE accepted_ms IS NULL").fetchone()[0]:
        return ()
    from farebox.ledger.repair import damages  # noqa: PLC0415

    return damages(connection)


def _none_spent(limits: Sequence["Limit"]) -> tuple["Spent", ...]:
    if not limits:
        return ()
    from farebox.ledger.records import Spent  # noqa: PLC0415

    return (Spent(0, 0),) * len(limits)


def _unwritten(owners: Path) -> dict[str, int]:
    """Return what the requests have cost that wait to be written, for each its nano-dollars."""
    lines: list[bytes] = []
    if owners.exists():
        for file in owners.iterdir():
            with suppress(OSError):  # its process has ended meanwhile
                lines += file.read_bytes().splitlines()
    if not lines:
        return {}
    from farebox.ledger.records import Settlement  # noqa: PLC0415
    from farebox.ledger.spill import records  # noqa: PLC0415

    costs: dict[str, int] = {}
    for record in records(lines):
        settled = record.cost.nanodollars if isinstance(record, Settlement) else None
        costs[record.call_id] = settled or costs.get(record.call_id, 0)
    return costs
