"""What ``.gitignore`` and ``.fareboxignore`` keep on the machine.

Each folder from the top of the repository down to the file's may hold one, each repository a list besides.
``.gitignore`` files mean together what git makes of them: a deeper one may take back what one above it
ignores. Nothing takes back what a ``.fareboxignore`` names. A file that is too much to be read in bounds
keeps all that is below it. Knows paths and patterns; not who asks.
"""

import os
import posixpath
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePath
from typing import Final

from farebox.patterns import Pattern, matching
from farebox.privacy.ignore_lists import (
    MAX_IGNORE_BYTES,
    MAX_IGNORE_LINES,
    TOO_MUCH,
    IgnoreList,
    ignore_list,
)
from farebox.privacy.lately import lately
from farebox.privacy.names import below, is_absolute, one_line, plain
from farebox.privacy.plain_files import read_plain
from farebox.privacy.repositories import EVERYWHERE, EXCLUDE, exclude_file, list_for_all

GITIGNORE: Final = ".gitignore"
FAREBOXIGNORE: Final = ".fareboxignore"

MAX_PATTERNS_ON_A_WAY: Final = 1_000
"""So many lines may have to do with one path, or their wildcards; a key waits for them."""

MAX_FOLDERS: Final = 64
"""Between the top and a file; whatever lies deeper stays."""

TOP_KNOWN_S: Final = 5
"""How long the folder that holds ``.git`` counts as found."""

_SHOWN_CHARS: Final = 60
_INSIDE: Final = "\0"
"""No file's name: asks whether all that is in a folder is ignored."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A file that holds for what is below the first ``depth`` folders of a path."""

    name: str
    depth: int
    lines: IgnoreList


_Asked = tuple[_Source, list[Pattern]]
"""A file, and those of its patterns that may have to do with a path."""

_Chain = tuple[tuple[_Source, ...], tuple[_Source, ...]]
"""Those of git and our own, the upper ones first."""


@dataclass(slots=True)
class Ignores:
    """One look at the ignore files of some folders: each is looked up once."""

    roots: tuple[str, ...]
    gitignore: bool = True
    _chains: dict[tuple[str, str], _Chain] = field(default_factory=dict[tuple[str, str], _Chain])

    def rule(self, path: PurePath, *, is_folder: bool = False) -> str | None:
        """Return what ignores a file, or all of a folder, or None; a path without a root is in each."""
        for root, top, inside in self._places(path):
            if (found := self._rule(top, inside, is_folder=is_folder)) is not None:
                name, words = found
                shown = name
                if name and name != EVERYWHERE:
                    shown = posixpath.relpath(f"{plain(top)}/{name}", str(plain(root)))
                return one_line(f"{shown}: {words}" if shown else words)
        return None

    def _places(self, path: PurePath) -> Iterator[tuple[str, str, str]]:
        """Yield each root that a path lies below, with its top and the path from there on."""
        is_below = False
        for root in self.roots:
            top = top_of(root)
            if not is_absolute(path):
                yield root, top, f"{below(plain(root), top)}/{path}".lstrip("/")
            elif inside := below(path, top):
                is_below = True
                yield root, top, inside
        if not is_below and is_absolute(path):  # what lies outside has rules of its own
            top = top_of(str(path.parent))
            if inside := below(path, top):
                yield top, top, inside

    def _rule(self, top: str, path: str, *, is_folder: bool) -> tuple[str, str] | None:
        folder, _, _ = path.rpartition("/")
        if folder.count("/") >= MAX_FOLDERS:
            return "", f"a file more than {MAX_FOLDERS} folders deep"
        gits, ours = self._chain(top, folder)
        return _decided(gits, ours, f"/{path}/{_INSIDE}" if is_folder else f"/{path}")

    def _chain(self, top: str, folder: str) -> _Chain:
        known = self._chains.get((top, folder))
        if known is None:
            above = self._chain(top, folder.rpartition("/")[0]) if folder else ((), ())
            known = self._chains[top, folder] = self._with_own(above, top, folder)
        return known

    def _with_own(self, above: _Chain, top: str, folder: str) -> _Chain:
        gits, ours = above
        here = f"{folder}/" if folder else ""
        at = os.path.join(top, folder)  # noqa: PTH118  cheaper
        if self.gitignore:
            if (exclude := exclude_file(at)) is not None:
                if (for_all := list_for_all()) is not None:
                    gits = _with(gits, folder, EVERYWHERE, _looked_up(os.path.join(at, for_all)))  # noqa: PTH118
                gits = _with(gits, folder, here + EXCLUDE, _looked_up(exclude))
            gits = _with(gits, folder, here + GITIGNORE, _looked_up(os.path.join(at, GITIGNORE)))  # noqa: PTH118
        own = _looked_up(os.path.join(at, FAREBOXIGNORE), is_ours=True)  # noqa: PTH118
        return gits, _with(ours, folder, here + FAREBOXIGNORE, own)


def _with(
    sources: tuple[_Source, ...], folder: str, name: str, lines: IgnoreList | None
) -> tuple[_Source, ...]:
    if lines is None:
        return sources
    each = {id(one): one.count for one in (lines, *(source.lines for source in sources))}
    if sum(each.values()) > MAX_IGNORE_LINES:
        lines = IgnoreList(TOO_MUCH)
    depth = folder.count("/") + 1 if folder else 0
    return (*sources, _Source(name, depth, lines))


@lately(TOP_KNOWN_S, most=256)
def top_of(root: str) -> str:
    """Return the folder whose ignore files are the first for a workspace's folder: its repository's."""
    folder = os.path.abspath(root)  # noqa: PTH100  strings are cheaper
    for _ in range(MAX_FOLDERS):
        if os.path.lexists(os.path.join(folder, ".git")):  # noqa: PTH118
            return folder
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            break
        folder = above
    return os.path.abspath(root)  # noqa: PTH100


def _looked_up(path: str, *, is_ours: bool = False) -> IgnoreList | None:
    """Return what a file says now; None if it is not there. As to git, a link is no ``.gitignore``."""
    try:
        about = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(about.st_mode):
        return IgnoreList(TOO_MUCH) if is_ours else None
    return _read(path, (about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino))


@lru_cache(maxsize=512)
def _read(path: str, _stamp: tuple[int, int, int, int]) -> IgnoreList:
    return ignore_list(read_plain(path, MAX_IGNORE_BYTES))


@lru_cache(maxsize=4096)
def _decided(gits: tuple[_Source, ...], ours: tuple[_Source, ...], path: str) -> tuple[str, str] | None:
    """Return the name of the file that ignores a path, and what of it does."""
    for source in (*ours, *gits):
        if source.lines.problem is not None:
            return source.name, source.lines.problem
    starts = _starts(path)
    of_git, of_ours = (
        [(one, one.lines.about(path[starts[one.depth] :])) for one in some] for some in (gits, ours)
    )
    cost = 0
    for source, patterns in (*of_ours, *of_git):
        cost += sum(pattern.cost for pattern in patterns)
        if cost > MAX_PATTERNS_ON_A_WAY:
            return source.name, TOO_MUCH
    for source, patterns in of_ours:
        if (text := matching(patterns, path[starts[source.depth] :])) is not None:
            return source.name, text[:_SHOWN_CHARS]
    return _decided_by_git(of_git, path, starts)


def _decided_by_git(gits: list[_Asked], path: str, starts: list[int]) -> tuple[str, str] | None:
    """Go down from the top; in each folder the deepest file that names the next name decides.

    What lies in an ignored folder can't be taken back.
    """
    if not any(
        pattern.excludes and pattern.covers(path[starts[source.depth] :])
        for source, patterns in gits
        for pattern in patterns
    ):
        return None
    for depth, end in enumerate([*starts[1:], len(path)]):
        decisive = _deepest(gits, path, starts, depth, end)
        if decisive is not None and decisive[1].excludes:
            return decisive[0].name, decisive[1].text[:_SHOWN_CHARS]
    return None


def _deepest(
    gits: list[_Asked], path: str, starts: list[int], depth: int, end: int
) -> tuple[_Source, Pattern] | None:
    for source, patterns in reversed(gits):
        start = starts[source.depth]
        if source.depth > depth:
            continue
        for pattern in reversed(patterns):
            if pattern.names(path[start:], end - start):
                return source, pattern
    return None


def _starts(path: str) -> list[int]:
    """Return where what is below each folder of a path begins, with its slash."""
    return [at for at, character in enumerate(path) if character == "/"]
