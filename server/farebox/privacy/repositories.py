"""Where a repository keeps its own list of what git ignores, and the user the one for all of them.

``.git`` is a folder; in a worktree and a submodule it is a file that names one. Whoever made the repository
has written it, so it is read in bounds and never leads to another machine. Knows git's files; no patterns.
"""

import os
import re
from typing import Final

from farebox.privacy.lately import lately
from farebox.privacy.plain_files import read_plain

EXCLUDE: Final = ".git/info/exclude"
EVERYWHERE: Final = "core.excludesFile"
MAX_POINTER_BYTES: Final = 4_096
MAX_CONFIG_BYTES: Final = 256 * 1024

CONFIG_KNOWN_S: Final = 5
"""How long git's settings count as read."""

_GITDIR: Final = "gitdir:"
_SECTION: Final = re.compile(r"\s*+\[\s*+(?P<name>[^\]\"\s]*+)\s*+(?P<part>\"(?:[^\"\\]|\\.)*+\"\s*+)?\]")
_KEY: Final = re.compile(r"\s*+excludesfile\s*+=", re.IGNORECASE)
_PIECE: Final = re.compile(r"\\(?P<escaped>.)|(?P<quote>\")|(?P<comment>[#;])|[^\\\"#;]++")


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


def list_for_all() -> str | None:
    """Return where the user keeps the list for all repositories, as gitignore(5) says; None if nowhere.

    A relative path is one from a repository's top. Looked at are the user's own settings: not what they
    include, nor those of the system or of a repository.
    """
    folder = os.path.expanduser(os.environ.get("XDG_CONFIG_HOME") or "~/.config")  # noqa: PTH111  never fails
    own = os.environ.get("GIT_CONFIG_GLOBAL")
    home = (f"{folder}/git/config", os.path.expanduser("~/.gitconfig"))  # noqa: PTH111
    return _list_of(home if own is None else (own,), f"{folder}/git/ignore")


@lately(CONFIG_KNOWN_S, most=4)
def _list_of(files: tuple[str, ...], usual: str) -> str | None:
    path = usual
    for file in files:
        settings = read_plain(os.path.realpath(file), MAX_CONFIG_BYTES) or b""
        path = _said_in(settings.decode("utf-8-sig", "surrogateescape"), path)
    if not path or "\0" in path:
        return None
    path = os.path.expanduser(path)  # noqa: PTH111
    return os.path.realpath(path) if os.path.isabs(path) else path  # noqa: PTH117  often it is a link


def _said_in(settings: str, otherwise: str) -> str:
    """Return the list's path as git's settings have it: what they say last."""
    is_core = False
    for line in settings.replace("\r\n", "\n").replace("\\\n", "").split("\n"):
        header = _SECTION.match(line)
        if header is not None:
            is_core = header["name"].lower() == "core" and header["part"] is None
        key = _KEY.match(line, header.end() if header is not None else 0)
        if is_core and key is not None:
            otherwise = _value(line[key.end() :])
    return otherwise


def _value(said: str) -> str:
    """Read a value: pieces of it may be in quotes, and a comment may follow."""
    pieces: list[str] = []
    is_quoted = False
    for piece in _PIECE.finditer(said):
        if piece["quote"]:
            is_quoted = not is_quoted
        elif piece["comment"] and not is_quoted:
            break
        else:
            pieces.append(piece["escaped"] or piece[0])
    return "".join(pieces).strip()


def _led_to(folder: str, pointer: str, word: str) -> str | None:
    """Return the folder on this machine that a file of one line names, from a folder on."""
    text = (read_plain(pointer, MAX_POINTER_BYTES) or b"").decode("utf-8", "replace").strip()
    if not text.startswith(word) or "\n" in text or "\0" in text:
        return None
    name = text.removeprefix(word).strip()
    is_elsewhere = name.replace("\\", "/").startswith("//")  # a share's server would be told who asks
    return os.path.join(folder, name) if name and not is_elsewhere else None  # noqa: PTH118
