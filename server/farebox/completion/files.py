# ruff: noqa: PTH100, PTH114, PTH118, PTH119, PTH120 - a walk makes thousands of paths: strings are cheaper
"""Which files of a folder may be read, and their text: a bounded, careful walk.

Nothing hidden, ignored, secret, huge or binary, no link, no pipe: only plain files below the roots.
What vanishes or refuses while one looks is passed over. Knows the file system; nothing of what is done
with a text.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from farebox.completion.languages import UNKNOWN, language_id_of, language_of
from farebox.errors import FareboxError
from farebox.privacy import Look, Rules, read_plain

MAX_FILES = 1_900
MAX_FILE_BYTES = 300_000
MAX_FOLDERS = 5_000
MAX_FOLDER_ENTRIES = 5_000
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


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be read, and the state that it was found in."""

    path: str
    language: str
    state: tuple[int, int]


@dataclass(slots=True)
class Walk:
    """One walk through the roots of the rules, the folders ``first`` before all others."""

    rules: Rules
    first: tuple[str, ...] = ()
    most: int = MAX_FILES
    _look: Look = field(init=False)
    _visited: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self._look = Look(self.rules)

    def files(self) -> Iterator[Found | None]:
        """Yield what may be read; None where a folder has been listed, for the walker to take breath."""
        waiting = [*self._near(), *dict.fromkeys(os.path.abspath(root) for root in self.rules.roots)]
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
        is_root = any(os.path.abspath(root) == folder for root in self.rules.roots)
        return self._listed(folder)[0] if is_root or folder in self._near() else []

    def _near(self) -> Iterator[str]:
        """The folders to begin with, and those above them up to their root."""
        roots = {os.path.abspath(root) for root in self.rules.roots}
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
        return not _may_leave(folder, self._look, is_folder=True)

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
        if not _may_leave(entry.path, self._look):
            return None
        return Found(entry.path, language, (about.st_mtime_ns, about.st_size))


def may_read(path: str, rules: Rules) -> bool:
    """Say whether a file's text may ever leave: what may not is not even learned."""
    return _may_leave(path, Look(rules))


def _may_leave(path: str, look: Look, *, is_folder: bool = False) -> bool:
    try:
        return look.kept(path, is_folder=is_folder) is None
    except FareboxError:  # a pattern is malformed
        return False


def read(path: str) -> str | None:
    """Read a source file's text. None if it is not there, no plain file, too large, binary or minified."""
    data = read_plain(path, MAX_FILE_BYTES)
    if data is None or b"\0" in data:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if len(text) > MAX_LINE_AVERAGE * (text.count("\n") + 2):
        return None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


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
