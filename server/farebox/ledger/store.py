"""The ledger: one SQLite file, and one thread that owns the one connection to it.

The event loop never waits on the disk: every job runs in that thread, one after the other. A hold is
committed before its request leaves; all else is handed over without waiting, so that no cancellation can lose
it. A ledger that fails never fails a request, unless a budget depends on it: what can't be written waits, in
memory and in a file of this process's own, until it can.
"""

import asyncio
import logging
import sqlite3
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from farebox.errors import BudgetExceeded
from farebox.ledger import corrections, holds, past, queries, repair, sums
from farebox.ledger.file import LedgerFile, code_of
from farebox.ledger.limits import Limit, Scope
from farebox.ledger.past import MAX_PAGE, Past
from farebox.ledger.queries import Group, Query
from farebox.ledger.reader import Reader
from farebox.ledger.records import (
    Correction,
    Estimated,
    Hold,
    Mark,
    Record,
    Settlement,
    Shown,
    Spent,
    Withdrawal,
)
from farebox.ledger.repair import Damage
from farebox.ledger.schema import LedgerUnusable
from farebox.ledger.worker import NotTaken, Worker

HAND_OVER_S = 0.02
"""How long a row that is jotted down waits to be written: its request is sent by then."""

CLOSE_TIMEOUT_S = 2.0
EXIT_TIMEOUT_S = 3.0
"""How long the end of the process waits for the disk; what is not written by then is in its own file."""

_log = logging.getLogger("farebox.ledger")
_T = TypeVar("_T")
_Window = tuple[Scope, int]


@dataclass(frozen=True, slots=True)
class Placing:
    """A row that is being written."""

    hold: Hold
    limits: Sequence[Limit]
    answer: "asyncio.Future[dict[Limit, Spent]] | None"


class Ledger:
    """What was spent, on disk. Opened at first use; ``close`` writes what is still waiting.

    ``on_settled`` is called in the ledger's own thread with each settlement that was written.
    """

    def __init__(self, path: Path, *, on_settled: Callable[[Settlement], None] | None = None) -> None:
        self.path = path
        self._file = LedgerFile(path, on_settled)
        self._worker = Worker("farebox-ledger", exit_timeout_s=EXIT_TIMEOUT_S, chores=weakref.ref(self._file))
        self._reader = Reader()
        self._reading = Worker("farebox-ledger-reader", exit_timeout_s=0)
        self._known: dict[_Window, Spent] = {}
        self._jotted: list[tuple[Hold, int]] = []
        self._handing_over: asyncio.TimerHandle | None = None

    async def hold(self, hold: Hold, limits: Sequence[Limit]) -> None:
        """Write a request's row before it leaves, or raise BudgetExceeded; return once it is committed.

        Without a budget that covers it, a file that can't be written keeps nobody waiting: the row is kept
        until it can be.
        """
        await self.placed(self.place(hold, limits))

    def place(self, hold: Hold, limits: Sequence[Limit]) -> "Placing":
        """Begin to write a request's row; ``placed`` waits for it, or ``withdraw`` takes it back.

        Where no budget has to be checked, the row is jotted down at once, and nothing has to be waited for:
        it is written when the request is on its way.
        """
        if not holds.to_check(hold, limits) and (slot := self._file.jot(hold)) is not None:
            self._jotted.append((hold, slot))
            if self._handing_over is None:
                loop = asyncio.get_running_loop()
                self._handing_over = loop.call_later(HAND_OVER_S, self._hand_over)
            return Placing(hold, limits, None)
        return Placing(hold, limits, self._begin(lambda: self._file.hold(hold, limits)))

    async def placed(self, placing: "Placing") -> None:
        """Wait for a row, as ``hold`` does."""
        if placing.answer is None:
            return
        hold, limits = placing.hold, placing.limits
        try:
            spent = await placing.answer
        except asyncio.CancelledError:
            self.withdraw(placing)  # nobody waits for it any more: nothing leaves, so nothing is held
            raise
        except BudgetExceeded:
            self._known = {}  # what was thought to be left is not
            raise
        except LedgerUnusable as error:
            if depends := holds.to_check(hold, limits):
                raise BudgetExceeded(
                    f"the {depends[0].name} budget can't be checked: {error.message}",
                    hint=f"{error.hint}; or remove {depends[0].setting} to go on without a budget",
                ) from error
            _log.warning("hold lost", extra={"code": code_of(error)})
            return
        if spent:
            self._known = {_window(limit): one for limit, one in spent.items()}

    def withdraw(self, placing: "Placing") -> None:
        """Take back the row of a request that will not leave. Never waits and never raises."""
        if placing.answer is not None:
            placing.answer.cancel()
        self._note(Withdrawal(placing.hold.call_id))

    def settle(self, settlement: Settlement) -> None:
        """Hand over what a request came to. Never waits and never raises."""
        cost = settlement.cost.nanodollars or 0
        self._known = {window: spent.plus(cost) for window, spent in self._known.items()}
        self._note(settlement)

    def mark(self, mark: Mark) -> None:
        """Hand over how far a running request has come. Never waits and never raises."""
        self._note(mark)

    def tell(self, shown: Shown) -> None:
        """Hand over what a user did with ghost text. Never waits and never raises."""
        self._note(shown)

    def correct(self, correction: Correction) -> None:
        """Hand over what a provider has booked for an estimate. Never waits and never raises."""
        self._note(correction)

    async def due_for_correction(self, most: int) -> tuple[Estimated, ...]:
        """Return estimates that their provider is to be asked about now: the next time is set at once."""
        now_ms = _now_ms()
        return await self._query(lambda connection: corrections.due(connection, now_ms=now_ms, most=most))

    async def next_correction_ms(self) -> int | None:
        """Return when the next estimate is due, in milliseconds since 1970; None if there is none."""
        return await self._query(corrections.next_due_ms)

    async def groups(self, query: Query) -> tuple[Group, ...]:
        """Sum the calls of a query."""
        return await self._read(lambda connection: queries.groups(connection, query))

    async def reports(self, asked: Sequence[Query]) -> tuple[tuple[tuple[Group, ...], Group], ...]:
        """Sum the calls of each query by its groups, and all of them together, all at one moment."""
        return await self._read(lambda connection: queries.reports(connection, asked))

    async def groups_and_total(self, query: Query) -> tuple[tuple[Group, ...], Group]:
        """Sum the calls of a query by its groups, and all of them together, at one moment."""
        (found,) = await self.reports([query])
        return found

    async def past(self, query: Query, *, page_size: int = MAX_PAGE) -> AsyncGenerator[Past]:
        """Yield the settled calls of a query one by one, oldest first; a page at a time is in memory."""
        page: tuple[Past, ...] = ()
        while True:
            after = page[-1] if page else None
            page = await self._page(query, after, page_size)
            for one in page:
                yield one
            if len(page) < page_size:
                return

    async def _page(self, query: Query, after: Past | None, size: int) -> tuple[Past, ...]:
        return await self._read(lambda connection: past.page(connection, query, after, size))

    def last_known(self, limit: Limit) -> Spent | None:
        """Return at once what is known to count against a limit; None if nothing is.

        It is what the last hold's check summed up, and what this process has settled after that. Others may
        have spent more in the meantime: only a hold decides.
        """
        return self._known.get(_window(limit))

    async def spent_by(self, limits: Sequence[Limit], *, now_ms: int | None = None) -> tuple[Spent, ...]:
        """Sum what was spent and what is held within each limit, all in one visit to the ledger's thread."""
        now = _now_ms() if now_ms is None else now_ms
        return await self._query(lambda connection: sums.spent_by(connection, limits, now_ms=now))

    def unwritten(self) -> tuple[int, int]:
        """Return at once how many requests wait to be written, and what they have cost, in nano-dollars."""
        return self._file.unwritten

    def stamp(self) -> object:
        """Return at once something that changes whenever anybody, in any process, has written."""
        return self._file.stamp()

    async def check(self) -> None:
        """Raise LedgerUnusable unless the file can be opened and written."""
        await self._query(_claim_the_write_lock)

    async def damages(self) -> tuple[Damage, ...]:
        """Return the damages that nobody has accepted yet."""
        return await self._query(repair.damages)

    async def accept_damage(self) -> int:
        """Let what was saved from damaged files count as all that was spent; return how many there were."""
        now_ms = _now_ms()
        return await self._query(lambda connection: repair.accept(connection, now_ms=now_ms))

    async def close(self) -> None:
        """Write what is still waiting, then let go of the file."""
        self._hand_over()
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Do as ``close`` does where no event loop runs; waits no longer than CLOSE_TIMEOUT_S.

        What is not written by then may still be while the process ends: see EXIT_TIMEOUT_S.
        """
        self._hand_over()
        self._reading.close(self._reader.close, timeout_s=0)
        if not self._worker.close(self._file.close, timeout_s=CLOSE_TIMEOUT_S):
            _log.warning("ledger still writing at exit")

    async def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read apart from what is written, but not before what was handed over until now is."""
        path = await self._query(lambda _connection: self._file.path)
        try:
            return await self._reading.ask(lambda: self._reader.run(path, work))
        except NotTaken as error:
            raise self._closed() from error

    def _closed(self) -> LedgerUnusable:
        return LedgerUnusable(f"the ledger {self.path} is closed", hint="restart farebox")

    async def _query(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._ask(lambda: self._file.run(work))

    def _hand_over(self) -> None:
        """Have the rows written that were jotted down; before all that is told or asked after them."""
        if self._handing_over is not None:
            self._handing_over.cancel()
            self._handing_over = None
        if self._jotted:
            jotted, self._jotted = self._jotted, []
            self._tell(lambda: self._file.note_jotted(jotted))

    def _begin(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        self._hand_over()
        try:
            return self._worker.begin(work)
        except NotTaken:
            answer: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
            answer.set_exception(self._closed())
            return answer

    async def _ask(self, work: Callable[[], _T]) -> _T:
        self._hand_over()
        try:
            return await self._worker.ask(work)
        except NotTaken as error:
            raise self._closed() from error

    def _note(self, record: Record) -> None:
        self._hand_over()
        self._tell(lambda: self._file.note(record))

    def _tell(self, work: Callable[[], None]) -> None:
        def job() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  the thread must live on, whatever this was
                _log.warning("ledger write failed", extra={"code": code_of(error)})

        try:
            self._worker.submit(job)
        except NotTaken as error:
            _log.warning("ledger write lost", extra={"code": code_of(error)})


def _window(limit: Limit) -> _Window:
    return limit.scope, limit.since_ms


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _claim_the_write_lock(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")
