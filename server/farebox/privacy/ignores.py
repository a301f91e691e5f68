"""What ``.gitignore`` and ``.fareboxignore`` keep on the machine.

Each folder from the top of the repository down to the file's may hold one; so may ``.git/info/exclude``.
``.gitignore`` files mean together what git makes of them: a deeper one may take back what one above it
ignores. Nothing takes back what a ``.fareboxignore`` names. A file that is too much to be read in bounds
keeps all that is below it. Knows paths and patterns; not who asks.
"""

import os
import re
import stat
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePath
from typing import Final, Literal

from farebox.patterns import Pattern, matching, parse
from farebox.privacy.names import below, is_absolute, one_line, plain
from farebox.privacy.plain_files import read_plain

GITIGNORE: Final = ".gitignore"
FAREBOXIGNORE: Final = ".fareboxignore"
GIT_EXCLUDE: Final = ".git/info/exclude"

MAX_IGNORE_BYTES: Final = 100_000
MAX_IGNORE_PATTERNS: Final = 4_000
MAX_IGNORE_WILDCARDS: Final = 1_000
"""Of one file. What more would cost is not a question for a path that a key waits for."""

MAX_FOLDERS: Final = 64
"""Between the top and a file; whatever lies deeper stays."""

TOP_KNOWN_S: Final = 5
"""How long the folder that holds ``.git`` counts as found."""

_SHOWN_CHARS: Final = 60
_INSIDE: Final = "\0"
"""No file's name: asks whether all that is in a folder is ignored."""

_SET: Final = re.compile(r"\[.*\]")

Kind = Literal[".gitignore", ".fareboxignore", ".git/info/exclude"]


@dataclass(frozen=True, slots=True, eq=False)
class _Ignoring:
    """The patterns of one file; ``is_whole`` false: there is more than can be known."""

    patterns: tuple[Pattern, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Source:
    """A file that holds for what is below the first ``depth`` folders of a path."""

    name: str
    depth: int
    ignoring: _Ignoring

    def tell(self, words: str) -> str:
        """Name a rule of it."""
        return one_line(f"{self.name}: {words[:_SHOWN_CHARS]}")


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
        for root in self.roots:
            top = top_of(root)
            inside = (
                below(path, top) if is_absolute(path) else f"{below(plain(root), top)}/{path}".lstrip("/")
            )
            if inside and (found := self._rule(top, inside, is_folder=is_folder)) is not None:
                return found
        return None

    def _rule(self, top: str, path: str, *, is_folder: bool) -> str | None:
        folder, _, _ = path.rpartition("/")
        if folder.count("/") >= MAX_FOLDERS:
            return f"a file more than {MAX_FOLDERS} folders deep"
        gits, ours = self._chain(top, folder)
        return _decided(gits, ours, f"/{path}/{_INSIDE}" if is_folder else f"/{path}")

    def _chain(self, top: str, folder: str) -> _Chain:
        known = self._chains.get((top, folder))
        if known is None:
            above = self._chain(top, folder.rpartition("/")[0]) if folder else self._first(top)
            known = self._chains[top, folder] = self._with_own(above, top, folder)
        return known

    def _first(self, top: str) -> _Chain:
        found = _looked_up(os.path.join(top, GIT_EXCLUDE)) if self.gitignore else None  # noqa: PTH118  cheaper
        return ((_Source(GIT_EXCLUDE, 0, found),) if found is not None else ()), ()

    def _with_own(self, above: _Chain, top: str, folder: str) -> _Chain:
        gits, ours = above
        depth = folder.count("/") + 1 if folder else 0
        if self.gitignore and (found := _looked_up(os.path.join(top, folder, GITIGNORE))) is not None:  # noqa: PTH118
            gits = (*gits, _Source(f"{folder}/{GITIGNORE}".lstrip("/"), depth, found))
        if (found := _looked_up(os.path.join(top, folder, FAREBOXIGNORE), is_ours=True)) is not None:  # noqa: PTH118
            ours = (*ours, _Source(f"{folder}/{FAREBOXIGNORE}".lstrip("/"), depth, found))
        return gits, ours


def top_of(root: str) -> str:
    """Return the folder whose ignore files are the first for a workspace's folder: its repository's."""
    return _top_lately(root, int(time.monotonic() // TOP_KNOWN_S))


@lru_cache(maxsize=64)
def _top_lately(root: str, _period: int) -> str:
    folder = os.path.abspath(root)  # noqa: PTH100  strings are cheaper
    for _ in range(MAX_FOLDERS):
        if os.path.lexists(os.path.join(folder, ".git")):  # noqa: PTH118
            return folder
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            break
        folder = above
    return os.path.abspath(root)  # noqa: PTH100


def _looked_up(path: str, *, is_ours: bool = False) -> _Ignoring | None:
    """Return what a file says now; None if it is not there. As to git, a link is no ``.gitignore``."""
    try:
        about = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(about.st_mode):
        return _Ignoring(is_whole=False) if is_ours else None
    return _read(path, (about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino))


@lru_cache(maxsize=512)
def _read(path: str, _stamp: tuple[int, int, int, int]) -> _Ignoring:
    data = read_plain(path, MAX_IGNORE_BYTES)
    if data is None:
        return _Ignoring(is_whole=False)
    lines = data.decode("utf-8-sig", "replace").split("\n")
    patterns: list[Pattern] = []
    wildcards = 0
    for line in dict.fromkeys(reversed(lines)):  # of two that are alike the last one counts
        wildcards += line.count("*") + line.count("[")
        if len(patterns) >= MAX_IGNORE_PATTERNS or wildcards > MAX_IGNORE_WILDCARDS:
            return _Ignoring(is_whole=False)
        patterns[:0] = _parsed(line.removesuffix("\r"))
    return _Ignoring(tuple(patterns))


def _parsed(line: str) -> tuple[Pattern, ...]:
    """Read one line; a set that isn't known here may be any text where it ignores, and takes nothing back."""
    try:
        return parse(line)
    except ValueError:
        pass
    try:
        return () if line.startswith("!") else parse(_SET.sub("*", line))
    except ValueError:  # to git it matches nothing either
        return ()


@lru_cache(maxsize=4096)
def _decided(gits: tuple[_Source, ...], ours: tuple[_Source, ...], path: str) -> str | None:
    starts = _starts(path)
    for source in (*ours, *gits):
        if not source.ignoring.is_whole:
            return source.tell("more than can be read in time")
    for source in ours:
        if (text := matching(source.ignoring.patterns, path[starts[source.depth] :])) is not None:
            return source.tell(text)
    return _decided_by_git(gits, path, starts)


def _decided_by_git(gits: tuple[_Source, ...], path: str, starts: list[int]) -> str | None:
    """Go down from the top; in each folder the deepest file that names the next name decides.

    What lies in an ignored folder can't be taken back.
    """
    if not any(
        pattern.excludes and pattern.covers(path[starts[source.depth] :])
        for source in gits
        for pattern in source.ignoring.patterns
    ):
        return None
    for depth, end in enumerate([*starts[1:], len(path)]):
        decisive = _deepest(gits, path, starts, depth, end)
        if decisive is not None and decisive[1].excludes:
            return decisive[0].tell(decisive[1].text)
    return None


def _deepest(
    gits: tuple[_Source, ...], path: str, starts: list[int], depth: int, end: int
) -> tuple[_Source, Pattern] | None:
    for source in reversed(gits):
        start = starts[source.depth]
        if source.depth > depth:
            continue
        for pattern in reversed(source.ignoring.patterns):
            if pattern.names(path[start:], end - start):
                return source, pattern
    return None


def _starts(path: str) -> list[int]:
    """Return where what is below each folder of a path begins, with its slash."""
    return [at for at, character in enumerate(path) if character == "/"]
