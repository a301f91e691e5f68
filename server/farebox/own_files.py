"""Files and folders that only their owner can read, made and opened so that nobody can put another in place.

Knows modes, owners and links; what is in a file is not asked. A folder that the user has made stays as it is.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_PLAIN: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_OTHERS: Final = 0o077
_WRITE_OF_OTHERS: Final = 0o022


NOT_PLAIN: Final = "is not a plain file"
NOT_OURS: Final = "belongs to somebody else"
SHARED: Final = "can be read by others"


class NotOwn(OSError):
    """There is something that is no plain file of this user alone; ``why`` ends a sentence about it."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EPERM, why)
        self.why = why


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for its owner alone. Raises OSError.

    Other than ``mkdir(parents=True)``, which gives a mode to the last one only.
    """
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(FOLDER_MODE, exist_ok=True)


def is_open_to_others(folder: Path) -> bool:
    """Say whether others may put files into a folder, or take them out. Only POSIX tells; else False."""
    with suppress(OSError):
        return os.name == "posix" and bool(folder.stat().st_mode & _WRITE_OF_OTHERS)
    return False


def create(path: Path) -> int:
    """Make a new file and open it for adding to it. Raises OSError, also if the name is taken by whatever."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _PLAIN, FILE_MODE)


def open_to_add(path: Path) -> int:
    """Open a file for reading and adding to it, made if it is missing. Raises OSError, NotOwn among them."""
    return _checked(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _PLAIN | _AT_ONCE, FILE_MODE))


def read(path: Path, max_bytes: int) -> bytes:
    """Read a file up to a size, never waiting for it. Raises OSError, NotOwn among them."""
    if path.is_symlink():  # Windows has no flag that would refuse it
        raise NotOwn(NOT_PLAIN)
    with os.fdopen(_checked(os.open(path, os.O_RDONLY | _PLAIN | _AT_ONCE)), "rb") as file:
        return file.read(max_bytes)


def replace(path: Path, data: bytes) -> None:
    """Write a file whole, or leave what was there. Raises OSError."""
    new = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    file = create(new)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def refuse_planted(path: Path) -> None:
    """Raise NotOwn for what others may have put in a file's place: a link, no file at all, one of theirs."""
    with suppress(FileNotFoundError):
        _refuse_planted(path.lstat())


def _refuse_planted(info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise NotOwn(NOT_PLAIN)
    if os.name == "posix" and info.st_uid != os.geteuid():
        raise NotOwn(NOT_OURS)


def _checked(file: int) -> int:
    try:
        info = os.fstat(file)
        _refuse_planted(info)
        if os.name == "posix" and info.st_mode & _OTHERS:
            raise NotOwn(SHARED)
    except OSError:
        os.close(file)
        raise
    return file
