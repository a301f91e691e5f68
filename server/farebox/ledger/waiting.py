"""What can't be written into the ledger for now: in memory, and what is money in a file of our own as well.

Should the process die, others take that file over. Nothing that is on the disk is given up; in memory there
is room for so many, which only counts where nothing can be written anywhere.
"""

import logging
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final, assert_never

from farebox.ledger import spill
from farebox.ledger.journal import Journal
from farebox.ledger.owner import Owner, journal_of
from farebox.ledger.records import Correction, Hold, Mark, Money, Record, Settlement, Shown, Withdrawal

MAX_IN_MEMORY: Final = 10_000

_log = logging.getLogger("farebox.ledger")


class Waiting:
    """The records that wait, in the order in which they came, and the owner in whose name they do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unwritten: tuple[int, int] = (0, 0)
        self.journal: Journal | None = None
        self._owner: Owner | None = None
        self._records: deque[Record] = deque()
        self._costs: dict[str, int] = {}
        self._has_lines = False
        self._has_more_on_disk = False

    def __bool__(self) -> bool:
        return bool(self._records) or self._has_lines

    @property
    def owner_id(self) -> str | None:
        """Who holds, for this process; None while no file can be made and locked."""
        return None if self._owner is None else self._owner.id

    @property
    def is_on_disk(self) -> bool:
        """Say whether anything is in the file of our own."""
        return self._has_lines

    def claim(self) -> None:
        """Get a file of our own, if that is possible and we have none."""
        if self._owner is None:
            with suppress(OSError):
                self._owner = Owner.claim(self.folder)
        if self._owner is not None and self.journal is None:
            with suppress(OSError):
                self.journal = Journal(journal_of(self.folder, self._owner.id))

    def keep(self, record: Record) -> None:
        """Let a record wait."""
        is_on_disk = False
        if isinstance(record, Hold | Settlement | Withdrawal):
            is_on_disk = self._spill(record)
            self._count(record)
        if len(self._records) < MAX_IN_MEMORY:
            self._records.append(record)
        elif is_on_disk:
            self._has_more_on_disk = True
        elif isinstance(record, Hold | Settlement | Withdrawal):
            _log.warning("too much waits to be written, and the oldest of it is given up")
            self._records.popleft()
            self._records.append(record)

    def records(self) -> list[Record]:
        """Return all that waits, in order; what has its line on disk may be written twice."""
        if not self._has_more_on_disk or self._owner is None:
            return list(self._records)
        others = (one for one in self._records if isinstance(one, Mark | Shown | Correction))
        return [*spill.records(self._owner.lines()), *others]

    def forget(self) -> None:
        """Nothing waits any more: it is in the ledger."""
        self._records.clear()
        self._costs.clear()
        self.unwritten = (0, 0)
        if self._has_lines and self._owner is not None:
            with suppress(OSError):
                self._owner.clear()
                self._has_lines = self._has_more_on_disk = False

    def close(self) -> None:
        """Let go of the file, which stays for the lines that are in it."""
        if self.journal is not None:
            self.journal.close()
            self.journal = None
        if self._owner is not None:
            self._owner.release(keeps_lines=self._has_lines)
            self._owner = None

    def _spill(self, record: Money) -> bool:
        self.claim()
        if self._owner is None:
            return False
        try:
            self._owner.append(spill.line(record))
        except (OSError, ValueError) as error:
            _log.warning("kept in memory alone", extra={"error": type(error).__name__})
            return False
        self._has_lines = True
        return True

    def _count(self, record: Money) -> None:
        before = self._costs.pop(record.call_id, 0)
        match record:
            case Hold():
                self._costs[record.call_id] = before
            case Settlement():
                self._costs[record.call_id] = record.cost.nanodollars or 0
            case Withdrawal():
                pass
            case _:
                assert_never(record)
        cost = self._costs.get(record.call_id, 0)
        self.unwritten = len(self._costs), self.unwritten[1] - before + cost
