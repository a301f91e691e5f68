"""Where a repository keeps its own list of what git ignores.

``.git`` is a folder; in a worktree and a submodule it is a file that names one. Whoever made the repository
has written it, so it is read in bounds and never leads to another machine. Knows git's files; no patterns.
"""

import os
from typing import Final

from farebox.privacy.plain_files import read_plain

EXCLUDE: Final = ".git/info/exclude"
MAX_POINTER_BYTES: Final = 4_096

_GITDIR: Final = "gitdir:"


def exclude_file(folder: str) -> str | None:
    """Return the path that a folder's repository has its list at; None if none begins there."""
    git: str | None = os.path.join(folder, ".git")  # noqa: PTH118  strings are cheaper
    if not os.path.lexists(git):
        return None
    if os.path.isfile(git):  # noqa: PTH113
        git = _led_to(folder, git, _GITDIR)
        common = _led_to(git, os.path.join(git, "commondir"), "") if git is not None else None  # noqa: PTH118
        git = common or git
    return os.path.join(git, "info", "exclude") if git is not None else None  # noqa: PTH118


def _led_to(folder: str, pointer: str, word: str) -> str | None:
    """Return the folder on this machine that a file of one line names, from a folder on."""
    text = (read_plain(pointer, MAX_POINTER_BYTES) or b"").decode("utf-8", "replace").strip()
    if not text.startswith(word) or "\n" in text or "\0" in text:
        return None
    name = text.removeprefix(word).strip()
    is_elsewhere = name.replace("\\", "/").startswith("//")  # a share's server would be told who asks
    return os.path.join(folder, name) if name and not is_elsewhere else None  # noqa: PTH118
