"""How a ledger begins: it appears whole or not at all, and one that takes a damaged one's place beside that.

Nothing is ever moved or deleted, for another process may have it open: a damaged ``ledger.db`` stays as it
is, and ``ledger-2.db`` counts from then on.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from farebox import own_files
from farebox.ledger import repair, schema

BUSY_TIMEOUT_MS: Final = 5_000
"""How long what needs an answer waits for another process that is writing."""

CACHE_KIB: Final = 256
"""Of a connection. The system keeps the pages too; SQLite's usual 2 MB fill up in an hour of typing."""

_LOG_BYTES: Final = 4 * 1024 * 1024
_LOG_HEAD_BYTES: Final = 32
_LOG_BEGINNINGS: Final = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")

_LARGE_BYTES: Final = 32 * 1024 * 1024
"""Some 50,000 calls."""

_BEGUN_S: Final = 3600.0
"""No ledger takes so long to begin: whoever did has died."""


def newest(first: Path) -> Path:
    """Return the ledger that counts: the last one that exists, or the first."""
    path = first
    while (later := next_path(first, path)).exists():
        path = later
    return path


def next_path(first: Path, path: Path) -> Path:
    """Return where the ledger would be that takes the place of a damaged one."""
    number = 1 if path == first else int(path.stem.rpartition("-")[2])
    return first.with_name(f"{first.stem}-{number + 1}{first.suffix}")


def opened(path: Path, busy_ms: int = BUSY_TIMEOUT_MS) -> sqlite3.Connection:
    """Open a ledger, which is made if there is none, in today's shape.

    Raises sqlite3.Error, OSError, and LedgerUnusable for one of a newer farebox or of others.
    """
    _refuse_planted(path)
    if not path.exists():
        if side_file(path, "-wal").exists():  # its database was taken away: it would spoil a new one
            raise _damaged_error()
        own_files.make_folder(path.parent)
        create(path)
    if not path.stat().st_size or _is_noise(side_file(path, "-wal")):  # one that begins is never seen empty
        raise _damaged_error()
    connection = _connected(path, busy_ms)
    try:
        schema.refuse_newer(connection, path)
        _configure(connection)
        schema.migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_planted(path: Path) -> None:
    try:
        own_files.refuse_planted(path)
    except own_files.NotOwn as error:
        raise schema.LedgerUnusable(
            f"the ledger {path} {error.why}", hint="remove it, or set FAREBOX_HOME to another folder"
        ) from error


def takes_long(path: Path) -> bool:
    """Say whether to open a ledger would take long: an older one of many calls is brought up to date."""
    try:
        if path.stat().st_size < _LARGE_BYTES:
            return False
        with closing(_connected(path, 0)) as connection:
            return schema.is_older(connection)
    except (sqlite3.Error, OSError):
        return False


def create(path: Path, fill: Callable[[sqlite3.Connection], object] | None = None) -> None:
    """Make a whole ledger and only then give it its name; one that somebody else has made stays."""
    _sweep(path)
    new = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # its side files get the same mode
        connection = _connected(new, BUSY_TIMEOUT_MS)
        try:
            _configure(connection)
            schema.migrate(connection)
            if fill is not None:
                fill(connection)
        finally:
            connection.close()
        with suppress(FileExistsError):
            _name(new, path)
    finally:
        for side in repair.SIDE_FILES:
            side_file(new, side).unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove what others had begun and were killed at."""
    with suppress(OSError):
        for begun in path.parent.glob(f".{path.name}.*"):
            if time.time() - begun.stat().st_mtime > _BEGUN_S:
                begun.unlink(missing_ok=True)


def _name(new: Path, path: Path) -> None:
    """Give a file its name. Raises FileExistsError if that is taken."""
    try:
        os.link(new, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links; Windows' rename fails if the name is taken
        if path.exists():
            raise FileExistsError(path) from None
        new.rename(path)


def _connected(path: Path, busy_ms: int) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=busy_ms / 1000, isolation_level=None)


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    # SQLite's own checkpoints may run beside another process's commit, which until 3.51.3 may damage the file
    # (sqlite.org/wal.html, "The WAL-Reset Bug"), and no request should wait for one: see file.py.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")  # when it begins anew
    # Two processes may both want to switch an old file. The mode belongs to the file: either will do, and
    # without it the ledger is slower and just as right.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")


def _is_noise(log: Path) -> bool:
    """Say whether a write-ahead log is none: SQLite would pass it over, and all that is in it, in silence.

    A log begins with one of two numbers (sqlite.org/fileformat2.html, section 4.1).
    """
    try:
        with log.open("rb") as file:
            head = file.read(_LOG_HEAD_BYTES)
    except OSError:
        return False
    return len(head) == _LOG_HEAD_BYTES and not head.startswith(_LOG_BEGINNINGS)


def _damaged_error() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("file is empty")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_NOTADB, "SQLITE_NOTADB"
    return error


def side_file(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
