"""The ledger: one SQLite file, and one thread that owns the one connection to it.

The event loop never waits on the disk: every job runs in that thread, one after the other. A hold is
committed before its request leaves; a settlement is handed over without waiting, so that no
cancellation can lose it. A ledger that fails never fails a request, unless a budget depends on it.
"""

import asyncio
import errno
import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from farebox.errors import BudgetExceeded
from farebox.ledger import holds, queries, schema
from farebox.ledger.limits import Limit
from farebox.ledger.queries import Group, Past, Query
from farebox.ledger.records import Hold, Settlement, Spent
from farebox.ledger.schema import LedgerUnusable
from farebox.ledger.worker import NotTaken, Worker

BUSY_TIMEOUT_MS = 5_000
"""How long a job waits for another process that is writing."""

CLOSE_TIMEOUT_S = 2.0
EXIT_TIMEOUT_S = BUSY_TIMEOUT_MS / 1000 + 2
"""How long the end of the process waits, so that what another process holds up is written all the same."""

UNSETTLED_MAX = 1_000
"""How many settlements wait in memory while the file can't be written; the oldest are given up first."""

_log = logging.getLogger("farebox.ledger")
_T = TypeVar("_T")


class Ledger:
    """What was spent, on disk. Opened at first use; ``close`` writes what is still waiting."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._worker = Worker("farebox-ledger", exit_timeout_s=EXIT_TIMEOUT_S)
        self._connection: sqlite3.Connection | None = None
        self._known_sums: dict[int, Spent] = {}  # of the event loop, the rest is the thread's
        self._unsettled: deque[Settlement] = deque(maxlen=UNSETTLED_MAX)

    async def hold(self, hold: Hold, limits: tuple[Limit, ...]) -> None:
        """Write a request's row before it leaves, or raise BudgetExceeded; return once it is committed."""
        try:
            sums = await self._ask(lambda connection: holds.place(connection, hold, limits))
            if sums is not None:
                self._known_sums = {limit.since_ms: spent for limit, spent in zip(limits, sums, strict=True)}
        except asyncio.CancelledError:
            # The row may stand although nobody waits for it any more: nothing leaves, so nothing is held.
            self._tell(lambda connection: holds.withdraw(connection, hold.call_id))
            raise
        except BudgetExceeded:
            self._known_sums = {}  # what was thought to be left is not
            raise
        except LedgerUnusable as error:
            if limits:
                raise BudgetExceeded(
                    f"the {limits[0].name} budget can't be checked: {error.message}",
                    hint=f"{error.hint}; or remove [budgets] {limits[0].name}_usd to go on without a budget",
                ) from error
            _log.warning("hold not written: %s", _code(error))

    def settle(self, settlement: Settlement) -> None:
        """Hand over what a request came to. Never waits and never raises."""
        cost = settlement.cost.nanodollars or 0
        self._known_sums = {since: spent.plus(cost) for since, spent in self._known_sums.items()}
        self._tell(_nothing, settlement)

    async def groups(self, query: Query) -> tuple[Group, ...]:
        """Sum the calls of a query."""
        return await self._ask(lambda connection: queries.groups(connection, query))

    async def past(self, query: Query, *, page_size: int = queries.MAX_PAGE) -> AsyncGenerator[Past]:
        """Yield the settled calls of a query one by one, oldest first; a page at a time is in memory."""
        page: tuple[Past, ...] = ()
        while True:
            after = page[-1] if page else None
            page = await self._page(query, after, page_size)
            for past in page:
                yield past
            if len(page) < page_size:
                return

    async def _page(self, query: Query, after: Past | None, size: int) -> tuple[Past, ...]:
        return await self._ask(lambda connection: queries.page(connection, query, after, size))

    async def spent(self, since_ms: int, *, now_ms: int | None = None) -> Spent:
        """Sum what was spent and what is held since a moment."""
        (spent,) = await self.spent_since(since_ms, now_ms=now_ms)
        return spent

    def last_known(self, since_ms: int) -> Spent | None:
        """Return at once what is known to be spent and held since a moment; None if nothing is.

        It is what the last hold's check summed up, and what this process has settled after that. Others may
        have spent more in the meantime: only a hold decides.
        """
        return self._known_sums.get(since_ms)

    async def spent_since(self, *moments_ms: int, now_ms: int | None = None) -> tuple[Spent, ...]:
        """Sum as ``spent`` does since each of these moments, all in one visit to the ledger's thread."""
        now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        return await self._ask(lambda connection: holds.spent_since(connection, moments_ms, now_ms=now))

    async def check(self) -> None:
        """Raise LedgerUnusable unless the file can be opened and written."""
        await self._ask(_claim_the_write_lock)

    async def close(self) -> None:
        """Write what is still waiting, then let go of the file."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Do as ``close`` does where no event loop runs; waits no longer than CLOSE_TIMEOUT_S.

        What is not written by then may still be while the process ends: see EXIT_TIMEOUT_S.
        """
        if not self._worker.close(self._disconnect, timeout_s=CLOSE_TIMEOUT_S):
            _log.warning("ledger still writing at exit")

    async def _ask(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            return await self._worker.ask(lambda: self._run(work, None))
        except NotTaken as error:
            raise LedgerUnusable(f"the ledger {self.path} is closed", hint="restart farebox") from error

    def _tell(self, work: Callable[[sqlite3.Connection], None], settlement: Settlement | None = None) -> None:
        def job() -> None:
            try:
                self._run(work, settlement)
            except Exception as error:  # noqa: BLE001  the thread must live on, whatever this was
                _log.warning("ledger write failed: %s", _code(error))

        try:
            self._worker.submit(job)
        except NotTaken as error:
            _log.warning("ledger write lost: %s", _code(error))

    # --- in the ledger's own thread ---

    def _run(self, work: Callable[[sqlite3.Connection], _T], settlement: Settlement | None) -> _T:
        if settlement is not None:
            self._unsettled.append(settlement)
        try:
            if self._connection is None:
                self._connection = _open(self.path)
            self._write_settlements(self._connection)
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise LedgerUnusable(
                f"the ledger {self.path} can't be used: {_reason(error)}", hint=_hint(error, self.path)
            ) from error

    def _write_settlements(self, connection: sqlite3.Connection) -> None:
        while self._unsettled:
            settlement = self._unsettled.popleft()
            try:
                known = holds.settle(connection, settlement)
            except sqlite3.OperationalError:  # locked or full: the next job tries again
                self._unsettled.appendleft(settlement)
                raise
            if not known:
                _log.warning("settled without a hold: %s", settlement.call_id)

    def _disconnect(self) -> None:
        if self._unsettled:
            with suppress(LedgerUnusable):
                self._run(_nothing, None)
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its side files the same mode
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
    try:
        schema.refuse_newer(connection, path)
        _configure(connection)
        schema.migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    # Two processes may both want to switch a new file. The mode belongs to the file: either will do, and
    # without it the ledger is slower and just as right.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")


def _claim_the_write_lock(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def _nothing(_connection: sqlite3.Connection) -> None:
    """Do no more than every job does: write the settlements that wait."""


def _code(error: BaseException) -> str:
    """Name a failure without its text, which may hold a path."""
    match error.__cause__ or error:
        case sqlite3.Error() as cause:
            return getattr(cause, "sqlite_errorname", type(cause).__name__)
        case OSError(errno=int() as number):
            return errno.errorcode.get(number, "OSError")
        case cause:
            return type(cause).__name__


def _reason(error: sqlite3.Error | OSError) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)


def _hint(error: sqlite3.Error | OSError, path: Path) -> str:
    if isinstance(error, sqlite3.Error) and "locked" in str(error):
        return "another program keeps it locked: close that program"
    if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error):
        return f"move {path.name} away: farebox starts a new ledger"
    return "check that the folder and the file can be written and that the disk has room"
