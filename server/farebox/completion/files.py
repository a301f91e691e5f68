# ruff: noqa: PTH100, PTH114, PTH118, PTH119, PTH120 - a walk makes thousands of paths: strings are cheaper
"""Which files of a folder may be read, and their text: a bounded, careful walk.

Nothing hidden, ignored, secret, huge or binary, no link, no pipe: only plain files below the roots.
What vanishes or refuses while one looks is passed over. Knows the file system; nothing of what is done
with a text.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from farebox import privacy
from farebox.completion.languages import UNKNOWN, language_id_of, language_of
from farebox.errors import FareboxError
from farebox.patterns import MAX_PATTERNS, MAX_WILDCARDS, Pattern, matching, parse

MAX_FILES = 1_900
MAX_FILE_BYTES = 300_000
MAX_FOLDERS = 5_000
MAX_FOLDER_ENTRIES = 5_000
MAX_IGNORE_BYTES = 50_000
MAX_LINE_AVERAGE = 300
"""A text with longer lines was written by a machine."""

SKIPPED_FOLDERS = frozenset(
    {
        "DerivedData",
        "Pods",
        "__pycache__",
        "bower_components",
        "build",
        "coverage",
        "dist",
        "env",
        "node_modules",
        "obj",
        "out",
        "site-packages",
        "target",
        "third_party",
        "vendor",
        "venv",
    }
)
_INSIDE = "\0"
"""No file's name: asks whether all that is in a folder is ignored."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be read, and the state that it was found in."""

    path: str
    language: str
    state: tuple[int, int]


_Ignored = tuple[tuple[str, tuple[Pattern, ...]], ...]


@dataclass(slots=True)
class Walk:
    """One walk through the roots, the folders ``first`` before all others."""

    roots: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    most: int = MAX_FILES
    _ignored: dict[str, _Ignored] = field(default_factory=dict[str, _Ignored])
    _visited: set[str] = field(default_factory=set[str])

    def files(self) -> Iterator[Found | None]:
        """Yield what may be read; None where a folder has been listed, for the walker to take breath."""
        waiting = [*self._near(), *dict.fromkeys(os.path.abspath(root) for root in self.roots)]
        count = 0
        while waiting and len(self._visited) < MAX_FOLDERS:
            folder = waiting.pop(0)
            if folder in self._visited:
                continue
            self._visited.add(folder)
            files, folders = self._listed(folder)
            waiting += folders
            yield None
            for file in files:
                if count >= self.most:
                    return
                count += 1
                yield file

    def files_of(self, folder: str) -> list[Found]:
        """What may be read in one folder, if it is not passed over itself."""
        folder = os.path.abspath(folder)
        is_root = any(os.path.abspath(root) == folder for root in self.roots)
        return self._listed(folder)[0] if is_root or folder in self._near() else []

    def _near(self) -> Iterator[str]:
        """The folders to begin with, and those above them up to their root."""
        roots = {os.path.abspath(root) for root in self.roots}
        for path in self.first:
            above: list[str] = []
            folder = os.path.abspath(path)
            while folder not in roots and folder != os.path.dirname(folder):
                above.append(folder)
                folder = os.path.dirname(folder)
            if folder in roots and not any(self._is_skipped(place) for place in above):
                yield from above

    def _is_skipped(self, folder: str) -> bool:
        name = os.path.basename(folder)
        if name.startswith(".") or name in SKIPPED_FOLDERS or os.path.islink(folder):
            return True
        if os.path.lexists(os.path.join(folder, "pyvenv.cfg")):
            return True
        return self._is_ignored(folder + "/" + _INSIDE, os.path.dirname(folder))

    def _listed(self, folder: str) -> tuple[list[Found], list[str]]:
        files: list[Found] = []
        folders: list[str] = []
        for entry in _entries(folder):
            try:
                if entry.is_dir(follow_symlinks=False):
                    if not self._is_skipped(entry.path):
                        folders.append(entry.path)
                elif (found := self._file(entry)) is not None:
                    files.append(found)
            except OSError:
                continue
        return files, folders

    def _file(self, entry: os.DirEntry[str]) -> Found | None:
        language = language_id_of(entry.name)
        if entry.name.startswith(".") or not language or language_of(language).id == UNKNOWN:
            return None
        about = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(about.st_mode) or not 0 < about.st_size <= MAX_FILE_BYTES:
            return None
        if self._is_ignored(entry.path, os.path.dirname(entry.path)) or not may_read(
            entry.path, self.roots, self.exclude
        ):
            return None
        return Found(entry.path, language, (about.st_mtime_ns, about.st_size))

    def _is_ignored(self, path: str, folder: str) -> bool:
        """Say whether a ``.gitignore`` down to ``folder`` names a path. Each counts by itself."""
        for at, patterns in self._ignoring(folder):
            below = path[len(at) :].replace(os.sep, "/").lstrip("/")
            if matching(patterns, below) is not None:
                return True
        return False

    def _ignoring(self, folder: str) -> _Ignored:
        """The ``.gitignore`` files that hold in a folder."""
        known = self._ignored.get(folder)
        if known is None:
            above = os.path.dirname(folder)
            is_root = any(os.path.abspath(root) == folder for root in self.roots)
            outer = () if is_root or above == folder else self._ignoring(above)
            own = _ignore_patterns(os.path.join(folder, ".gitignore"))
            known = self._ignored[folder] = (*outer, (folder, own)) if own else outer
        return known


def may_read(path: str, roots: tuple[str, ...], exclude: tuple[str, ...]) -> bool:
    """Say whether a file's text may ever leave: what may not is not even learned."""
    try:
        privacy.check((path,), exclude=exclude, roots=roots)
    except FareboxError:
        return False
    return True


def read(path: str) -> str | None:
    """Read a source file's text. None if it is not there, no plain file, too large, binary or minified."""
    data = _read_plain(path, MAX_FILE_BYTES)
    if data is None or b"\0" in data:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if len(text) > MAX_LINE_AVERAGE * (text.count("\n") + 2):
        return None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _read_plain(path: str, most_bytes: int) -> bytes | None:
    """Read a plain file without ever waiting for one that is none, or following a link."""
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
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


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder by name, of a huge one some."""
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(found) >= MAX_FOLDER_ENTRIES:
                    break
                found.append(entry)
    except OSError:
        pass
    return sorted(found, key=lambda entry: entry.name)


def _ignore_patterns(path: str) -> tuple[Pattern, ...]:
    """Read a ``.gitignore``; what can't be understood, or is too much, is left out."""
    data = _read_plain(path, MAX_IGNORE_BYTES)
    return _parsed(data.decode("utf-8", "replace").splitlines()) if data is not None else ()


def _parsed(lines: Sequence[str]) -> tuple[Pattern, ...]:
    found: list[Pattern] = []
    wildcards = 0
    for line in lines[: 10 * MAX_PATTERNS]:
        wildcards += line.count("*") + line.count("[")
        if len(found) >= MAX_PATTERNS or wildcards > MAX_WILDCARDS:
            break
        try:
            found += parse(line)
        except ValueError:
            continue
    return tuple(found)
