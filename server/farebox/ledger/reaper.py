"""For who died without settling: what they held becomes uncertain, what they could not write is written.

Every process that has the ledger open looks after the others, so no hold outlives its owner for long.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, assert_never, cast

from farebox.ledger import corrections, holds, spill
from farebox.ledger.owner import estate, owners
from farebox.ledger.records import Correction, Hold, Mark, Record, Settlement, Shown, Withdrawal, bookable

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

_log = logging.getLogger("farebox.ledger")

REAP_S = 20.0
"""How often each process looks: a hold outlives its owner by less than a minute while anybody lives."""


def reap(connection: "Connection", folder: Path, me: str | None, *, now_ms: int) -> None:
    """Settle for the dead. Raises sqlite3.Error, and then leaves all of one owner's things as they are."""
    rows = connection.execute("SELECT DISTINCT owner FROM calls WHERE state = 'held' AND owner IS NOT NULL")
    holders = {owner for (owner,) in cast("list[tuple[str]]", rows.fetchall())}
    for owner in sorted({*holders, *owners(folder)} - {me}):
        with estate(folder, owner) as lines:
            if lines is None or not (lines or owner in holders):
                continue
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                write_all(connection, spill.records(lines), owner, now_ms=now_ms)
                holds.give_up(connection, owner)
    if _any_held(connection):
        holds.give_up_old(connection, now_ms)


def _any_held(connection: "Connection") -> bool:
    return connection.execute("SELECT 1 FROM calls WHERE state = 'held' LIMIT 1").fetchone() is not None


def write_all(
    connection: "Connection", records: Iterable[Record], owner: str | None, *, now_ms: int
) -> list[Settlement]:
    """Write records, all but those that mean nothing; return the settlements that are new to the ledger."""
    # Deferred, as SQLite is: whoever has a connection has imported it.
    from sqlite3 import IntegrityError, ProgrammingError  # noqa: PLC0415

    settled: list[Settlement] = []
    for record in records:
        try:
            is_new = write(connection, record, owner, now_ms=now_ms)
        except (IntegrityError, ProgrammingError, OverflowError) as error:
            _log.warning("the ledger has refused a record", extra={"error": type(error).__name__})
            continue
        if isinstance(record, Settlement) and is_new:
            settled.append(bookable(record))
    return settled


def write(connection: "Connection", record: Record, owner: str | None, *, now_ms: int) -> bool:
    """Write one record; False if there is nothing that it is about."""
    match record:
        case Hold():
            holds.insert(connection, record, owner)
        case Settlement():
            return holds.settle(connection, record, now_ms=now_ms)
        case Withdrawal():
            holds.withdraw(connection, record.call_id)
        case Mark():
            holds.mark(connection, record)
        case Shown():
            holds.tell(connection, record)
        case Correction():
            return corrections.correct(connection, record)
        case _:
            assert_never(record)
    return True
