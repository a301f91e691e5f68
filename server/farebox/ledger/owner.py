"""A process's own file beside the ledger: locked for as long as the process lives, whatever ends it.

The lock is the system's, so nobody has to guess from process numbers and clocks who is alive. In the file is
what its process could not write into the ledger. Knows files and locks; what the lines mean is ``spill``'s.
"""

import errno
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from farebox import own_files
from farebox.ledger.journal import jotted

MAX_SPILL_BYTES = 16 * 1024 * 1024
"""Some ten thousand requests: what comes after that is only kept in memory."""

_SUFFIX = ".jsonl"
_LOCKED_BYTE = 1 << 40
"""Windows lets nobody else read a locked byte: this one is never written."""

_TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
"""What a lock says that somebody else has; whatever else it says, files can't be locked here."""

_MAX_TRIES = 5

if sys.platform == "win32":
    import msvcrt

    def _lock_now(file: int) -> None:
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_now(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Owner:
    """Who holds: one of these for each open ledger. ``release`` is for an orderly end; death does as well."""

    def __init__(self, path: Path, file: int) -> None:
        self.id = path.stem
        self._path = path
        self._file = file

    @classmethod
    def claim(cls, folder: Path) -> "Owner":
        """Begin to live. Raises OSError if no file can be made there, or none can be locked."""
        own_files.make_folder(folder)
        for _ in range(_MAX_TRIES):
            path = folder / f"{os.urandom(8).hex()}{_SUFFIX}"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                is_locked = _lock(file)
            except OSError:
                os.close(file)
                path.unlink(missing_ok=True)
                raise
            # Who looks for the dead may have found the file before it was locked: then it is gone.
            if is_locked and _is_same(path, file):
                return cls(path, file)
            os.close(file)
            path.unlink(missing_ok=True)
        raise OSError(errno.EAGAIN, "others take every new file", str(folder))

    def append(self, lines: bytes) -> None:
        """Keep lines on disk. Raises OSError, and keeps none, if they can't all be written."""
        size = os.fstat(self._file).st_size
        if size + len(lines) > MAX_SPILL_BYTES:
            raise OSError(errno.EFBIG, "the file of what could not be written is full")
        try:
            os.lseek(self._file, size, os.SEEK_SET)
            _write(self._file, lines)
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, size)
            raise

    def lines(self) -> list[bytes]:
        """Return the lines that are kept."""
        return _lines(self._file)

    def clear(self) -> None:
        """Forget the lines: they are in the ledger now."""
        os.ftruncate(self._file, 0)

    def release(self, *, keeps_lines: bool) -> None:
        """End, and leave the file only for the lines that are in it."""
        if not keeps_lines:
            with suppress(OSError):  # Windows removes no open file: below
                self._path.unlink(missing_ok=True)
        os.close(self._file)
        if not keeps_lines:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def journal_of(folder: Path, owner: str) -> Path:
    """Return where an owner jots down its holds."""
    return folder / f"{owner}.holds"


def owners(folder: Path) -> tuple[str, ...]:
    """List all that have a file, the living and the dead."""
    try:
        return tuple(path.stem for path in folder.iterdir() if path.suffix == _SUFFIX)
    except OSError:
        return ()


@contextmanager
def estate(folder: Path, owner: str) -> Generator[list[bytes] | None]:
    """Take over what a dead owner has left: its lines, none if it has no file; None while it lives.

    Its file is removed at the end, unless an error is raised.
    """
    path = folder / f"{owner}{_SUFFIX}"
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield []
        return
    except OSError:
        yield None
        return
    try:
        if not _lock(file):
            yield None
            return
        journal = journal_of(folder, owner)
        yield [*jotted(journal), *_lines(file)]
        with suppress(OSError):
            journal.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
    finally:
        os.close(file)
    with suppress(OSError):  # Windows removes no open file
        path.unlink(missing_ok=True)


def _lines(file: int) -> list[bytes]:
    parts: list[bytes] = []
    os.lseek(file, 0, os.SEEK_SET)
    while part := os.read(file, 1 << 20):
        parts.append(part)
    return [line for line in b"".join(parts).split(b"\n") if line]


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _lock(file: int) -> bool:
    """Lock a file until it is closed; False if somebody else has. Raises OSError where there are no locks."""
    try:
        _lock_now(file)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _is_same(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except OSError:
        return False
