"""Paths as text: every way to spell one, what it leads to, and what of it a model is told.

Knows how editors and systems write paths and follows links; not which paths matter.
"""

import os
import posixpath
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Final
from urllib.parse import unquote

from farebox.unseen import shown

MAX_PATH_CHARS = 32_767
"""The most that any system takes (Windows's extended paths)."""

_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:/")
_UNQUOTABLE: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_UNUSUAL: Final = re.compile(r"[^\x00-\x7f]|%[0-9A-Fa-f]{2}|(?<!^[A-Za-z]):|[ .](?=/|\Z)")
"""What another spelling of the same name may be made of."""

_UNHEEDED: Final = re.compile(r"[ .]+(?=/|\Z)|(?<!^[A-Za-z]):[^/]*(?=\Z)")
"""What Windows passes over in a name: dots and spaces at its end, and the name of a stream."""

_UNSEEN: Final = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""What macOS has passed over in a name."""


def plain(path: str) -> PurePath:
    """Spell a path with slashes and without ``..``, so that no other spelling slips past a pattern."""
    text = posixpath.normpath(path.replace("\\", "/"))
    return PurePath("/" + text.lstrip("/") if text.startswith("/") else text)


def spellings(path: str) -> Iterator[PurePath]:
    """Yield a path, and what it may be called besides: some system takes either for the same file."""
    yield (itself := plain(path))
    if _UNUSUAL.search(itself.as_posix()) is None:
        return
    decoded = plain(unquote(path, errors="replace"))
    for other in (itself, decoded):
        heeded = _UNHEEDED.sub("", other.as_posix())
        composed = _UNSEEN.sub("", unicodedata.normalize("NFC", heeded))
        yield from (other, PurePath(heeded), PurePath(composed))


def below(path: PurePath, folder: str) -> str:
    """Return a path from a folder on, in whatever case; nothing if it isn't below it."""
    above = plain(folder).parts
    parts = path.parts
    if len(parts) <= len(above) or any(
        one != other and one.casefold() != other.casefold() for one, other in zip(parts, above, strict=False)
    ):
        return ""
    return "/".join(parts[len(above) :])


def is_absolute(path: PurePath) -> bool:
    """Say whether a path begins at the root of a system, on whichever."""
    return _ABSOLUTE.match(path.as_posix()) is not None


def real(path: str) -> str | None:
    """Follow a path's links: what is behind them is what would leave. None if there is nothing to follow."""
    if len(path) > MAX_PATH_CHARS or not Path(path).is_absolute():
        return None
    try:
        found = os.path.realpath(path)
    except (OSError, ValueError):  # no path of a file at all
        return None
    return found if found != path else None


def one_line(text: str) -> str:
    """Write a name so that it can't end a line or its quotes, nor hide a part of itself."""
    return shown(_UNQUOTABLE.sub(" ", text)).replace('"', "'")


def shown_name(path: str, roots: tuple[str, ...]) -> str:
    """Return what a model is told of where a text comes from: nothing of the machine, and on one line.

    A file is named from its workspace folder on, one outside of all by its last name alone. Quotes and
    line ends are replaced: a name stands in quotes in a prompt, and may not end them.
    """
    spelled = plain(path)
    inside = next((name for root in roots if (name := below(spelled, root))), None)
    return one_line(inside or (spelled.name if is_absolute(spelled) else spelled.as_posix()))
