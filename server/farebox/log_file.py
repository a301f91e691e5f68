"""Log files: one a process, begun at its first line, small and few, for their owner alone.

What can't be written is dropped in silence: a log may stop nothing. What a line says is not asked.
"""

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from farebox import own_files

MAX_FILE_BYTES: Final = 1024 * 1024
MAX_FILES: Final = 10
RETRY_S: Final = 30.0
"""A disk that was full, or a folder that can't be made, is not tried at every line."""

_NAME: Final = re.compile(r"\d{8}T\d{6}Z-\d+-\d+\.jsonl")


class LogFile:
    """The file of this process. The folder is asked for at the first line."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._file: int | None = None
        self._bytes = 0
        self._begun = 0
        self._retry_at_s = 0.0

    def append(self, line: bytes) -> None:
        """Add a line, if that can be done."""
        if time.monotonic() < self._retry_at_s:
            return
        try:
            if self._file is None or self._bytes + len(line) > MAX_FILE_BYTES:
                self._begin()
            if self._file is not None:
                self._bytes += os.write(self._file, line)
        except (OSError, ValueError):  # a folder's name may hold what no file system takes
            self.close()
            self._retry_at_s = time.monotonic() + RETRY_S

    def close(self) -> None:
        """Let go of the file; the next line begins another one."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
        self._file = None

    def _begin(self) -> None:
        self.close()
        folder = self._folder()
        own_files.make_folder(folder)
        for old in files(folder)[: 1 - MAX_FILES]:
            with suppress(OSError):  # Windows removes none that is open
                old.unlink()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self._file = own_files.create(folder / f"{stamp}-{os.getpid()}-{self._begun}.jsonl")
        self._bytes = 0
        self._begun += 1


def files(folder: Path) -> list[Path]:
    """Return the log files of a folder, the oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return []
