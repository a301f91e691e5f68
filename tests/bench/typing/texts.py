"""What is typed: regions of real source files, each in the place where it stands in its file.

The default files come with Python, and with Node, Lua and C where this machine has them. Nothing is known
here of typists or models; which regions are taken depends on the files and the seed alone.
"""

import random
import re
import shutil
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MIN_LINES, MAX_LINES = 8, 40
MAX_FILE_CHARS = 400_000
MAX_LINE_CHARS = 160
PER_FILE = 3
DEFAULT_REGIONS = 27
PYTHON_FILES = (
    "argparse.py",
    "ast.py",
    "bdb.py",
    "configparser.py",
    "csv.py",
    "difflib.py",
    "ftplib.py",
    "imaplib.py",
    "mailbox.py",
    "optparse.py",
    "pathlib.py",
    "pickle.py",
    "plistlib.py",
    "shelve.py",
    "smtplib.py",
    "tarfile.py",
    "textwrap.py",
    "zipfile.py",
)
LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".ts": "typescript",
    ".lua": "lua",
    ".c": "c",
    ".h": "c",
    ".cpp": "cpp",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
}
_STARTS = {
    "python": re.compile(r"^[ \t]*(?:async def|def|class) ", re.MULTILINE),
    "lua": re.compile(r"^(?:local )?function ", re.MULTILINE),
    "go": re.compile(r"^func ", re.MULTILINE),
    "rust": re.compile(r"^ *(?:pub )?(?:async )?fn ", re.MULTILINE),
}
_OTHER_STARTS = re.compile(r"^[ \t]*[A-Za-z_#][^\n;]*(?:\)|=>)[^\n;]*\{$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Target:
    """A region to be typed, and the rest of its file around it."""

    name: str
    language: str
    before: str
    region: str
    after: str


def targets(files: Sequence[Path], *, count: int, seed: int) -> tuple[Target, ...]:
    """Choose regions of files in turn until there are enough of them."""
    found = [_regions(path, seed) for path in files]
    chosen = (regions[turn] for turn in range(PER_FILE) for regions in found if turn < len(regions))
    return tuple(target for target, _ in zip(chosen, range(count), strict=False))


def default_files() -> tuple[Path, ...]:
    """Return files of Python's library, and of other languages where this machine has some."""
    library = Path(sysconfig.get_path("stdlib"))
    python = [path for name in PYTHON_FILES if (path := library / name).exists()]
    others = _first(_others(), 6)
    mixed: list[Path] = []
    for number, path in enumerate(python, 1):
        mixed.append(path)
        if number % 3 == 0 and others:
            mixed.append(others.pop(0))
    return (*mixed, *others)


def _first(paths: Iterable[Path], count: int) -> list[Path]:
    return [path for path, _ in zip(paths, range(count), strict=False)]


def _others() -> Iterator[Path]:
    node = shutil.which("npm")
    if node is not None:
        library = Path(node).resolve().parents[1] / "lib"
        yield from _first((p for name in ("base-cmd.js", "npm.js") if (p := library / name).exists()), 2)
    for pattern in ("nvim/runtime/lua/vim/shared.lua", "lua/5.*/*.lua", "luajit-2.1/jit/dump.lua"):
        yield from _first(sorted(Path("/usr/share").glob(pattern)), 1)
    headers = Path(sysconfig.get_path("include"))
    yield from _first(
        (headers / "cpython" / n for n in ("unicodeobject.h",) if (headers / "cpython" / n).exists()), 1
    )


def _regions(path: Path, seed: int) -> list[Target]:
    """Return some regions of a file, chosen by the seed, in the file's order of chance."""
    try:
        text = path.read_text("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return []
    language = LANGUAGES.get(path.suffix, path.suffix.removeprefix("."))
    if len(text) > MAX_FILE_CHARS:
        return []
    starts = [match.start() for match in _STARTS.get(language, _OTHER_STARTS).finditer(text)]
    spans = [(start, end) for start in starts if (end := _end(text, start)) is not None]
    random.Random(f"{seed}/{path.name}").shuffle(spans)
    return [
        Target(
            f"{path.name}:{text.count(chr(10), 0, start) + 1}",
            language,
            text[:start],
            text[start:end],
            text[end:],
        )
        for start, end in spans[:PER_FILE]
    ]


def _end(text: str, start: int) -> int | None:
    """Return where the block that begins here ends, without its last line feed; None if it is no good.

    A block goes on while lines are empty or indented deeper; a closer at the same depth belongs to it.
    """
    lines = text[start:].split("\n", MAX_LINES + 2)[: MAX_LINES + 2]
    depth = _depth(lines[0])
    last = 0
    for number, line in enumerate(lines[1:], 1):
        if line.strip() and _depth(line) <= depth:
            closes = re.match(r"\s*(?:[)\]}]|end\b|\{)", line) is not None and _depth(line) == depth
            if not closes:
                break
            last = number
            if not line.rstrip().endswith(("{", "(", "[", ":")):
                break
        elif line.strip():
            last = number
    else:
        return None
    block = lines[: last + 1]
    if not MIN_LINES <= len(block) <= MAX_LINES or max(map(len, block)) > MAX_LINE_CHARS:
        return None
    return start + len("\n".join(block))


def _depth(line: str) -> int:
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
