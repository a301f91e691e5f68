"""Bytes from and to a descriptor, waiting for them, whatever another process that shares it makes of it.

``O_NONBLOCK`` belongs to what is open, not to a descriptor: whoever shares it sets it here too, at any
time. Knows no message; called in threads that may wait.
"""

import contextlib
import os
import select
import sys
import time
from collections.abc import Sequence
from typing import Final

_POLL_S: Final = 0.01
"""How often to try again on a system that can't wait for a pipe."""


def let_wait(descriptor: int) -> None:
    """Let reading and writing wait, for as long as nobody else changes that."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.set_blocking(descriptor, True)


def read(descriptor: int, size: int) -> bytes:
    """Return what comes next, nothing at the end. Raises OSError."""
    while True:
        try:
            return os.read(descriptor, size)
        except BlockingIOError:
            _wait(to_read=(descriptor,))


def write(descriptor: int, data: bytes | memoryview) -> int:
    """Write some of it, and return how much. Raises OSError."""
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            _wait(to_write=(descriptor,))


def _wait(to_read: Sequence[int] = (), to_write: Sequence[int] = ()) -> None:
    if sys.platform == "win32":
        time.sleep(_POLL_S)
    else:
        select.select(to_read, to_write, ())
