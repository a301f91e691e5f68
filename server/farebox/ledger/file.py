"""The ledger's file as its one thread sees it: written, looked after, and what happens if it can't be.

What can't be written waits: in memory, and as lines in a file of this process's own, which others take over
should it die. Not for the event loop: all of it may wait for the disk.
"""

import errno
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

from farebox.ledger import holds, repair, spill
from farebox.ledger.limits import Limit
from farebox.ledger.opening import BUSY_TIMEOUT_MS, create, newest, next_path, opened, side_file, takes_long
from farebox.ledger.reaper import REAP_S, reap, write_all
from farebox.ledger.records import (
    Hold,
    Money,
    Record,
    Settlement,
    Spent,
)
from farebox.ledger.schema import LedgerUnusable
from farebox.ledger.waiting import Waiting

QUICK_TIMEOUT_MS: Final = 250
"""How long all else does before it is kept for later: a request waits behind it."""

RETRY_S: Final = 0.5
MAX_WRITTEN_AGAIN: Final = 500
"""So many of the last records are written again where a ledger turns out to have been damaged."""

CHECKPOINT_BYTES: Final = 4 * 1024 * 1024
"""How large the write-ahead log grows before what is in it moves into the database."""

_log = logging.getLogger("farebox.ledger")
_T = TypeVar("_T")


class LedgerFile:
    """One connection to the ledger, in one thread; ``unwritten`` and ``stamp`` may be read from any."""

    def __init__(self, path: Path, on_settled: Callable[[Settlement], None] | None = None) -> None:
        self.first = path
        self.due_s = 0.0
        self._on_settled = on_settled
        self._path = path
        self._later = next_path(path, path)
        self._connection: sqlite3.Connection | None = None
        self._busy_ms = 0
        self._patience_ms = BUSY_TIMEOUT_MS
        self._inode = 0
        self._long_work: threading.Thread | None = None
        self._waiting = Waiting(side_file(path, ".owners"))
        self._lately: deque[Money] = deque(maxlen=MAX_WRITTEN_AGAIN)
        self._lately_in = path
        self._retry_at_s = 0.0
        self._reap_at_s = 0.0

    @property
    def path(self) -> Path:
        """Which ledger counts."""
        return self._path

    @property
    def unwritten(self) -> tuple[int, int]:
        """How many requests wait to be written, and what they have cost, in nano-dollars."""
        return self._waiting.unwritten

    # --- what the ledger asks for -----------------------------------------------------------------

    def hold(self, hold: Hold, limits: Sequence[Limit]) -> dict[Limit, Spent]:
        """Write a hold: see ``holds.place``. Raises LedgerUnusable only where a limit has to be checked."""
        if not holds.to_check(hold, limits):
            self.note(hold)
            return {}
        spent = self.run(
            lambda connection: holds.place(connection, hold, limits, owner=self._waiting.owner_id),
            must_write=True,
        )
        self._lately.append(hold)
        return spent

    def jot(self, hold: Hold) -> int | None:
        """Write a hold down where others find it if we die, at once and from any thread; None if that fails.

        ``note_jotted`` is to follow, in the ledger's own thread.
        """
        journal = self._waiting.journal
        if journal is None:
            return None
        try:
            return journal.jot(spill.line(hold))
        except ValueError:  # a text that has no line
            return None

    def note_jotted(self, jotted: Iterable[tuple[Hold, int]]) -> None:
        """Write holds that were jotted down, and strike them out."""
        for hold, slot in jotted:
            self.note(hold)
            if self._waiting.journal is not None:
                self._waiting.journal.strike(slot)

    def note(self, record: Record) -> None:
        """Write a record now, or keep it until the file can be written."""
        if not self._waiting and time.monotonic() >= self._retry_at_s:
            try:
                settled = self._guarded(
                    lambda connection: self._write([record], connection), QUICK_TIMEOUT_MS
                )
            except LedgerUnusable as error:
                self._put_off(error)
            else:
                self._announce(settled)
                return
        self._waiting.keep(record)
        self._write_what_waits()

    def run(self, work: Callable[[sqlite3.Connection], _T], *, must_write: bool = False) -> _T:
        """Do something with the database, when all that waits has been written, if it can be.

        Raises LedgerUnusable; also where it ``must_write`` what waits and can't.
        """
        if must_write and self._waiting:
            self._guarded(self._write_all, BUSY_TIMEOUT_MS)
        else:
            self._write_what_waits()
        return self._guarded(work, BUSY_TIMEOUT_MS)

    def look_after(self) -> None:
        """Do what has to be done now and then, and say when again."""
        self.due_s = time.monotonic() + RETRY_S
        try:
            self._look_after()
        except Exception as error:  # noqa: BLE001  the thread must live on, whatever this was
            _log.warning("the ledger could not be looked after", extra={"code": code_of(error)})

    def _look_after(self) -> None:
        self._write_what_waits()
        if self._waiting:
            return
        self._waiting.claim()
        if time.monotonic() >= self._reap_at_s:
            self._guarded(self._reap, QUICK_TIMEOUT_MS)
            self._reap_at_s = time.monotonic() + REAP_S
        if _size(side_file(self._path, "-wal")) > CHECKPOINT_BYTES:
            self._guarded(lambda connection: _checkpoint(connection, self._path), QUICK_TIMEOUT_MS)
        self.due_s = self._reap_at_s

    def stamp(self) -> object:
        """Return something that changes whenever anybody has written; from any thread."""
        path = self._path
        files = path, side_file(path, "-wal"), self._later
        return path, *map(_changed, files)

    def close(self) -> None:
        """Write what waits, then let go of everything."""
        if self._waiting:
            with suppress(LedgerUnusable):
                is_safe = self._waiting.is_on_disk
                self._guarded(self._write_all, QUICK_TIMEOUT_MS if is_safe else BUSY_TIMEOUT_MS)
        elif self._connection is not None and self._is_replaced():
            with suppress(LedgerUnusable):
                self._guarded(lambda _connection: None, BUSY_TIMEOUT_MS)
        self._disconnect()
        self._waiting.close()

    # --- the connection ---------------------------------------------------------------------------

    def _guarded(self, work: Callable[[sqlite3.Connection], _T], busy_ms: int) -> _T:
        """Do something with the database; with a new one, if it turns out to be damaged.

        Where somebody has kept it locked for long, nobody waits long again until it could be used.
        """
        busy_ms = min(busy_ms, self._patience_ms)
        changes = self._changes
        try:
            try:
                result = work(self._ready(busy_ms))
            except sqlite3.DatabaseError as error:
                if not repair.is_damage(error):
                    raise
                self._begin_anew(error)
                result = work(self._ready(busy_ms))
            if self._changes != changes:  # to read takes no patience
                self._patience_ms = BUSY_TIMEOUT_MS
            return result
        except (sqlite3.Error, OSError) as error:
            self._patience_ms = QUICK_TIMEOUT_MS
            raise LedgerUnusable(
                f"the ledger {self._path} can't be used: {_reason(error)}", hint=_hint(error)
            ) from error

    @property
    def _changes(self) -> int:
        return 0 if self._connection is None else self._connection.total_changes

    def _ready(self, busy_ms: int) -> sqlite3.Connection:
        if self._connection is not None and self._is_replaced():
            self._disconnect()
        if self._connection is None:
            if self._long_work is not None:
                self._apart(_nothing, "is being worked on")
            self._path = newest(self.first)
            self._later = next_path(self.first, self._path)
            if takes_long(self._path):
                path = self._path
                self._apart(lambda: _migrated(path), "is being brought up to date")
            self._connection = opened(self._path, busy_ms)
            self._inode = _inode(self._path)
            self._busy_ms = 0
            self._waiting.claim()
            self._begin(self._connection)
        if self._busy_ms != busy_ms:
            self._connection.execute(f"PRAGMA busy_timeout = {busy_ms}")
            self._busy_ms = busy_ms
        if self._lately_in != self._path:
            self._write_again(self._connection)
        return self._connection

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Settle for the dead before anything is read, unless somebody is writing; the chores do it again."""
        connection.execute(f"PRAGMA busy_timeout = {QUICK_TIMEOUT_MS}")
        with suppress(sqlite3.OperationalError):
            self._reap(connection)

    def _write_again(self, connection: sqlite3.Connection) -> None:
        """Write into a new ledger what the damaged one took and others may not have found there.

        It may have come after their last look, or onto pages that only this process still had in memory.
        """
        if self._lately:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                write_all(connection, self._lately, self._waiting.owner_id, now_ms=_now_ms())
        self._lately_in = self._path

    def _is_replaced(self) -> bool:
        """Say whether somebody has found this ledger damaged, or has taken it away."""
        return os.path.exists(self._later) or _inode(self._path) != self._inode  # noqa: PTH110  each job asks

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """Save what can be read of a damaged ledger into the one that comes after it."""
        damage = error.sqlite_errorname
        _log.error("the ledger is damaged: a new one begins beside it", extra={"code": damage})
        self._disconnect()
        damaged, later = self._path, self._later
        self._apart(lambda: _saved(damaged, later), "is damaged, and what can be read of it is being saved")
        if not later.exists():
            raise LedgerUnusable(f"the ledger {damaged} is damaged", hint="make room on the disk")

    def _apart(self, work: Callable[[], None], what: str) -> None:
        """Do what may take long in a thread of its own; raise LedgerUnusable while that lasts."""
        if self._long_work is None:
            self._long_work = threading.Thread(target=work, name="farebox-ledger-work", daemon=True)
            self._long_work.start()
        self._long_work.join(QUICK_TIMEOUT_MS / 1000)
        if self._long_work.is_alive():
            raise LedgerUnusable(f"the ledger {self._path} {what}", hint="wait until that is done")
        self._long_work = None

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _reap(self, connection: sqlite3.Connection) -> None:
        reap(connection, self._waiting.folder, self._waiting.owner_id, now_ms=_now_ms())

    # --- what waits -------------------------------------------------------------------------------

    def _put_off(self, error: LedgerUnusable) -> None:
        if not self._waiting:
            _log.warning("the ledger can't be written: what comes is kept", extra={"code": code_of(error)})
        self._retry_at_s = time.monotonic() + RETRY_S
        self.due_s = min(self.due_s, self._retry_at_s)

    def _write_what_waits(self) -> None:
        """Write all that waits, if its time has come and the file can be written."""
        if not self._waiting or time.monotonic() < self._retry_at_s:
            return
        try:
            self._guarded(self._write_all, QUICK_TIMEOUT_MS)
        except LedgerUnusable as error:
            self._put_off(error)

    def _write_all(self, connection: sqlite3.Connection) -> None:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            settled = self._write(self._waiting.records(), connection)
        self._waiting.forget()
        self._retry_at_s = 0.0
        self._announce(settled)

    def _write(self, records: Iterable[Record], connection: sqlite3.Connection) -> list[Settlement]:
        records = list(records)
        self._lately.extend(record for record in records if isinstance(record, Money))
        return write_all(connection, records, self._waiting.owner_id, now_ms=_now_ms())

    def _announce(self, settled: Iterable[Settlement]) -> None:
        """Tell whoever listens what stands in the ledger now."""
        if self._on_settled is not None:
            for settlement in settled:
                self._on_settled(settlement)


def _saved(damaged: Path, later: Path) -> None:
    """Make a ledger of what can be read of a damaged one; whatever fails is tried again with the next job."""
    try:
        create(later, lambda connection: repair.salvage(damaged, connection))
        with closing(opened(later)) as connection:
            repair.catch_up(damaged, connection)
    except (sqlite3.Error, OSError, LedgerUnusable) as error:
        _log.error("the damaged ledger could not be saved", extra={"code": code_of(error)})


def _migrated(path: Path) -> None:
    """Bring a ledger up to date; whatever fails, fails again where it is opened."""
    with suppress(sqlite3.Error, OSError, LedgerUnusable):
        opened(path).close()


def _nothing() -> None:
    """Wait for what is being done already."""


def _checkpoint(connection: sqlite3.Connection, path: Path) -> None:
    """Move the write-ahead log into the database while nobody can write into either: we hold the write lock.

    Beside another's commit it may damage the file, until 3.51.3 (sqlite.org/wal.html, "The WAL-Reset Bug").
    """
    connection.execute("BEGIN IMMEDIATE")  # raises where somebody writes: then it is done later
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    finally:
        connection.execute("ROLLBACK")


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino  # noqa: PTH116  each job asks
    except OSError:
        return -1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _changed(path: Path) -> tuple[int, int] | None:
    try:
        info = os.stat(path)  # noqa: PTH116  half the time of path.stat(), and it is asked often
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _reason(error: sqlite3.Error | OSError) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)


def _hint(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, sqlite3.Error) and "locked" in str(error):
        return "another program keeps it locked: close that program"
    return "check that the folder and the file can be written and that the disk has room"


def code_of(error: BaseException) -> str:
    """Name a failure without its text, which may hold a path."""
    match error.__cause__ or error:
        case sqlite3.Error() as cause:
            return getattr(cause, "sqlite_errorname", type(cause).__name__)
        case OSError(errno=int() as number):
            return errno.errorcode.get(number, "OSError")
        case cause:
            return type(cause).__name__
