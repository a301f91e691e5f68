"""Other names of a file: a hard link to a secret is that secret, whatever it is called.

A file does not know its names, so they are looked for among its neighbours, above all in the folders from
the workspace's root down to its own, in bounds. Knows folders; not which names are secret.
"""

import os
import stat
from collections import deque
from functools import lru_cache
from typing import Final

MAX_ENTRIES: Final = 10_000
"""So many names are looked at for one file. It has several only if somebody has linked it."""


def other_names(path: str, roots: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths below the roots, or beside it, that lead to the same file by a hard link."""
    try:
        about = os.stat(path)  # noqa: PTH116  every request asks
    except (OSError, ValueError):
        return ()
    if about.st_nlink < 2 or not stat.S_ISREG(about.st_mode):  # noqa: PLR2004  one name is its own
        return ()
    return _linked(path, roots, (about.st_dev, about.st_ino), about.st_nlink, about.st_ctime_ns)


@lru_cache(maxsize=256)
def _linked(
    path: str, roots: tuple[str, ...], inode: tuple[int, int], names: int, _changed_ns: int
) -> tuple[str, ...]:
    """Look for the names, until all are found. A new one changes the file's ctime."""
    folders = deque(dict.fromkeys((os.path.dirname(path), *roots)))  # noqa: PTH120
    seen, found, looked = set(folders), [path], 0
    while folders and looked < MAX_ENTRIES and len(found) < names:
        try:
            with os.scandir(folders.popleft()) as entries:
                for entry in entries:
                    looked += 1
                    if looked >= MAX_ENTRIES:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        if entry.path not in seen:
                            seen.add(entry.path)
                            folders.append(entry.path)
                    elif entry.inode() == inode[1] and entry.path != path and _is(entry, inode):
                        found.append(entry.path)
        except OSError:
            continue
    return tuple(found[1:])


def _is(entry: os.DirEntry[str], inode: tuple[int, int]) -> bool:
    about = os.stat(entry.path, follow_symlinks=False)  # noqa: PTH116  on Windows an entry's own lacks the device
    return (about.st_dev, about.st_ino) == inode
