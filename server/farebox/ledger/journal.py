"""Holds on their way into the ledger, in a small file of our own: their requests wait for no thread.

A hold that no budget has to check is jotted down here by the event loop itself, a write of a kilobyte into
the system's memory, and its request may leave; the ledger's thread writes the row when it is on its way, and
strikes the hold out. Should the process be killed in between, others find it here. The file has its full size
from the beginning, so that a full disk is met there and not in a request.
"""

import errno
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

SLOTS: Final = 32
SLOT_BYTES: Final = 2_048
"""A hold has some 700; one that does not fit, or finds no slot, is waited for."""

_LENGTH_BYTES: Final = 2
_NONE: Final = bytes(_LENGTH_BYTES)


class Journal:
    """The file of one process. ``jot`` is for the event loop, ``strike`` for the ledger's thread."""

    def __init__(self, path: Path) -> None:
        """Make the file. Raises OSError."""
        self._path = path
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._jots = os.open(path, flags | os.O_EXCL, 0o600)
        try:
            _write_at(self._jots, bytes(SLOTS * SLOT_BYTES), 0)
            self._strikes = os.open(path, flags)  # with a position of its own, for systems without pwrite
        except OSError:
            os.close(self._jots)
            path.unlink(missing_ok=True)
            raise
        self._free = deque(range(SLOTS))

    def jot(self, line: bytes) -> int | None:
        """Write a line down and return its slot; None where that can't be done."""
        if len(line) > SLOT_BYTES - _LENGTH_BYTES:
            return None
        try:
            slot = self._free.popleft()
        except IndexError:
            return None
        try:
            _write_at(self._jots, len(line).to_bytes(_LENGTH_BYTES, "big") + line, slot * SLOT_BYTES)
        except OSError:
            self.strike(slot)  # it may be there in part
            return None
        return slot

    def strike(self, slot: int) -> None:
        """Forget a line: it is in the ledger, or in another file."""
        with suppress(OSError):
            _write_at(self._strikes, _NONE, slot * SLOT_BYTES)
            self._free.append(slot)

    def close(self) -> None:
        """Let go of the file, and remove it if nothing is in it."""
        is_empty = len(self._free) == SLOTS
        self._free.clear()  # who comes too late finds no slot, and no file of somebody else's
        for file in (self._jots, self._strikes):
            with suppress(OSError):
                os.close(file)
        if is_empty:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def jotted(path: Path) -> list[bytes]:
    """Return the lines that a journal has and that nobody has struck out; none if there is no such file."""
    try:
        raw = path.read_bytes()
    except OSError:
        return []
    lines: list[bytes] = []
    for begins in range(0, len(raw), SLOT_BYTES):
        size = int.from_bytes(raw[begins : begins + _LENGTH_BYTES], "big")
        if 0 < size <= SLOT_BYTES - _LENGTH_BYTES:
            lines.append(raw[begins + _LENGTH_BYTES : begins + _LENGTH_BYTES + size].rstrip(b"\n"))
    return lines


def _write_at(file: int, data: bytes, offset: int) -> None:
    """Write all of it. Raises OSError."""
    if hasattr(os, "pwrite"):
        written = os.pwrite(file, data, offset)
    else:
        os.lseek(file, offset, os.SEEK_SET)
        written = os.write(file, data)
    if written != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
