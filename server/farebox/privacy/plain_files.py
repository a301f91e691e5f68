"""Reading a plain file that anyone may have put there: bounded, and never waited for.

A workspace comes with its repository, and git carries links: a file may lead to a pipe, a terminal or a
device. Knows nothing of what is in it.
"""

import os
import stat
from typing import Final

_FLAGS: Final = ("O_NONBLOCK", "O_NOFOLLOW", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")


def read_plain(path: str, most_bytes: int) -> bytes | None:
    """Read a plain file; None if it is none, is a link, can't be read or is larger."""
    flags = os.O_RDONLY
    for name in _FLAGS:
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError):
        return None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > most_bytes:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(most_bytes + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return data if len(data) <= most_bytes else None
