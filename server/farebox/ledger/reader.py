"""A second connection to the ledger, in a thread of its own, that only reads: no request waits for a report.

What was handed over for writing before is asked for by ``store``; a file in write-ahead mode lets both go on.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from farebox.ledger.opening import BUSY_TIMEOUT_MS, CACHE_KIB
from farebox.ledger.schema import LedgerUnusable

_T = TypeVar("_T")


class Reader:
    """The connection, for one thread; opened at first use, and anew where another ledger counts by now."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._connection: sqlite3.Connection | None = None

    def run(self, path: Path, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read something. Raises LedgerUnusable."""
        try:
            if self._connection is None or path != self._path:
                self.close()
                address = f"{path.absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(
                    address, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None
                )
                self._connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
                self._path = path
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise LedgerUnusable(
                f"the ledger {path} can't be read: {error}", hint="check that the file can be read"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
