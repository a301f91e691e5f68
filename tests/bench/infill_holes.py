"""Holes to fill: HumanEval-Infilling as an editor's cursor makes them, and pieces cut out of real files."""

import gzip
import json
import os
import random
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from farebox.completion.languages import language_id_of
from farebox.completion.surroundings import DEFINITION, indent_of
from farebox.completion.window import Window, window
from farebox.unseen import out_of_place

SHARED = Path(__file__).parents[3] / "shared/data/human-eval-infilling"
DATA = Path(os.environ.get("FAREBOX_INFILLING", SHARED))
SPLITS = ("SingleLine", "MultiLine", "RandomSpan", "RandomSpanLight")
MAX_HOLE_LINES = 8
MAX_FILE_CHARS = 400_000
MOST_OF_A_FILE = 4
MAX_LINE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Hole:
    """A window and what belongs at its cursor."""

    window: Window
    middle: str


@dataclass(frozen=True, slots=True)
class Task:
    """A program with a piece taken out, as a file of HumanEval-Infilling has it."""

    prompt: str
    middle: str
    suffix: str


def tasks(folder: Path, split: str) -> list[Task]:
    """Read a split; nothing if it is not there."""
    file = folder / f"HumanEval-{split}Infilling.jsonl.gz"
    if not file.exists():
        return []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows: list[dict[str, str]] = [json.loads(line) for line in lines]
    return [Task(row["prompt"], row["canonical_solution"], row["suffix"]) for row in rows]


def as_it_is(task: Task) -> Hole:
    """Take the task as it is: the cursor stands where the middle began, the next line right behind it."""
    return Hole(window("a.py", "python", task.prompt, task.suffix), task.middle)


def on_empty_line(task: Task) -> Hole:
    """Put the cursor at the start of an empty line, as in an editor."""
    return Hole(window("a.py", "python", task.prompt, "\n" + task.suffix), task.middle.rstrip("\n"))


def behind_indent(task: Task) -> Hole:
    """Put the cursor behind the indentation of an empty line, as an editor's Enter does."""
    bare = task.middle.lstrip(" \t")
    indent = task.middle[: len(task.middle) - len(bare)]
    return Hole(window("a.py", "python", task.prompt + indent, "\n" + task.suffix), bare.rstrip("\n"))


def spans(whole: list[Task], seed: int) -> Iterator[Hole]:
    """Cut pieces out of the same programs that begin and end anywhere (our own; the data has others)."""
    chance = random.Random(seed)
    seen: set[str] = set()
    for task in whole:
        body = task.middle + task.suffix
        if task.prompt + body in seen or not task.prompt.rstrip().endswith(('"""', "'''")):
            continue
        seen.add(task.prompt + body)
        for _ in range(6):
            start = chance.randrange(len(body))
            end = min(len(body), start + 1 + chance.randrange(min(len(body), 240)))
            middle = body[start:end]
            if len(middle.strip()) > 1:
                yield Hole(window("a.py", "python", task.prompt + body[:start], body[end:]), middle)


# --- real files --------------------------------------------------------------------------------------

PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "python": ((sysconfig.get_path("stdlib"), "*.py"), (sysconfig.get_path("purelib"), "*/*.py")),
    "javascript": (("/usr/lib/node_modules", "**/lib/**/*.js"), ("/usr/share/nodejs", "**/lib/*.js")),
    "typescript": ((sysconfig.get_path("purelib"), "**/*.ts"), ("/usr/share/nodejs", "**/*.ts")),
    "c": (("/usr/include", "*.h"), ("/usr/include/linux", "*.h"), ("/usr/share", "**/*.c")),
    "cpp": (("/usr/include/c++", "**/*.h"), ("/usr/include", "**/*.hpp")),
    "lua": (("/usr/share/nvim/runtime/lua", "**/*.lua"), (sysconfig.get_path("purelib"), "**/*.lua")),
    "php": (("/usr/share/php", "**/*.php"),),
    "perl": (("/usr/share/perl", "**/*.pm"),),
    "shellscript": (("/usr/share", "**/*.sh"), ("/usr/lib", "**/*.sh")),
}


def real(language: str, count: int, seed: int, *, lines: bool) -> list[Hole]:
    """Cut holes out of files that are on this machine: whole lines, or pieces that begin and end anywhere."""
    chance = random.Random(seed)
    found = [
        path
        for place, pattern in PLACES[language]
        if Path(place).is_dir()
        for path in sorted(Path(place).glob(pattern))[:4_000]
    ]
    chance.shuffle(found)
    holes: list[Hole] = []
    for path in found:
        if len(holes) >= count:
            break
        text = _text(path)
        if text:
            cut = _lines_out if lines else _piece_out
            made = [hole for _ in range(MOST_OF_A_FILE) if (hole := cut(path, text, chance)) is not None]
            holes += made
    return holes[:count]


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_CHARS:
            return ""
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    short = max((len(line) for line in text.split("\n")), default=0) <= MAX_LINE_CHARS
    short = short and "\r" not in text
    return text if short and not out_of_place(text) and text.count("\n") > 20 else ""


def _lines_out(path: Path, text: str, chance: random.Random) -> Hole | None:
    """Cut out lines that begin and end in one definition: an answer is not asked for more."""
    lines = text.split("\n")
    start = chance.randrange(len(lines))
    count = 1 if chance.random() < 0.4 else chance.randrange(2, MAX_HOLE_LINES + 1)
    taken = lines[start : start + count]
    if not taken or not taken[0].strip() or not taken[-1].strip():
        return None
    left = any(DEFINITION.match(line) and indent_of(line) < indent_of(taken[0]) for line in taken[1:])
    if left or any(line.strip() and indent_of(line) < indent_of(taken[0]) == 4 for line in taken[1:]):
        return None
    before = "".join(line + "\n" for line in lines[:start])
    after = "\n" + "\n".join(lines[start + count :])
    middle = "\n".join(taken).rstrip()
    if chance.random() < 0.5:
        bare = middle.lstrip(" \t")
        before, middle = before + middle[: len(middle) - len(bare)], bare
    return Hole(window(path.name, language_id_of(path.name), before, after), middle)


def _piece_out(path: Path, text: str, chance: random.Random) -> Hole | None:
    start = chance.randrange(len(text))
    end = min(len(text), start + 1 + chance.randrange(160))
    middle = text[start:end]
    if len(middle.strip()) < 2 or middle.count("\n") > MAX_HOLE_LINES:
        return None
    if any(DEFINITION.match(line) for line in middle.split("\n")[1:]):
        return None
    return Hole(window(path.name, language_id_of(path.name), text[:start], text[end:]), middle)
