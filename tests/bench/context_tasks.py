"""Holes for tests/bench/context.py: what is typed next in real files, and what an editor would have open.

Deterministic: the same folder gives the same holes. A token is four characters.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHARS_PER_TOKEN = 4
PREFIX_CHARS = 1_000 * CHARS_PER_TOKEN
SUFFIX_CHARS = 250 * CHARS_PER_TOKEN
HOLE_LINES = 5
OPEN_FILES = 10
MIN_FILE_LINES = 40
MAX_FILE_CHARS = 300_000
MAX_FILES = 2_000
SKIPPED = {"__pycache__", "node_modules", "target", "build", "dist", ".git", "_vendor", "vendor"}
LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascriptreact",
    ".ts": "typescript",
    ".tsx": "typescriptreact",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
    ".kt": "kotlin",
    ".cs": "csharp",
    ".c": "c",
    ".h": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".hpp": "cpp",
    ".lua": "lua",
    ".rb": "ruby",
    ".php": "php",
    ".swift": "swift",
}

IDENTIFIER = re.compile(r"[^\W\d]\w{3,}")


@dataclass(frozen=True, slots=True)
class File:
    path: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Task:
    """A hole of some lines in a file. ``wanted`` are its identifiers that the window does not show."""

    file: File
    before: str
    after: str
    wanted: frozenset[str]
    open_files: tuple[File, ...]

    @property
    def prefix(self) -> str:
        return self.before[-PREFIX_CHARS:]

    @property
    def suffix(self) -> str:
        return self.after[:SUFFIX_CHARS]


@dataclass(frozen=True, slots=True)
class Repository:
    name: str
    root: Path
    files: tuple[File, ...]
    tasks: tuple[Task, ...] = field(default=())


def identifiers(text: str) -> set[str]:
    return set(IDENTIFIER.findall(text))


def repository(root: Path, *, count: int) -> Repository:
    """Read a folder's source files and cut holes into them."""
    files = tuple(_files(root))
    chance = random.Random(root.name)
    return Repository(root.name, root, files, tuple(_tasks(files, chance, count)))


def _files(root: Path) -> Iterator[File]:
    paths = sorted(root.rglob("*")) if root.is_dir() else [root]
    found = 0
    for path in paths:
        language = LANGUAGES.get(path.suffix)
        inside = path.relative_to(root).parts if root.is_dir() else ()
        if language is None or SKIPPED.intersection(inside) or not path.is_file() or found >= MAX_FILES:
            continue
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if 0 < len(text) <= MAX_FILE_CHARS:
            found += 1
            yield File(str(path), language, text)


def _tasks(files: tuple[File, ...], chance: random.Random, count: int) -> Iterator[Task]:
    able = [file for file in files if file.text.count("\n") >= MIN_FILE_LINES]
    made = tries = 0
    while able and made < count and tries < 50 * count:
        tries += 1
        file = chance.choice(able)
        lines = file.text.splitlines(keepends=True)
        first = chance.randrange(10, len(lines) - HOLE_LINES)
        before = "".join(lines[:first])
        after = "".join(lines[first + HOLE_LINES :])
        shown = identifiers(before[-PREFIX_CHARS:]) | identifiers(after[:SUFFIX_CHARS])
        wanted = identifiers("".join(lines[first : first + HOLE_LINES])) - shown
        others = [other for other in files if other is not file]
        opened = tuple(chance.sample(others, min(OPEN_FILES, len(others))))
        if wanted:
            made += 1
            yield Task(file, before, after, frozenset(wanted), opened)
