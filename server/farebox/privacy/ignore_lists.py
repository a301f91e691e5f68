"""The lines of one ignore file, and which of them a path may have to do with.

A file may have thousands, and a key waits for the answer: a line becomes a pattern only once a path holds all
the letters that it is made of. What is beyond bounds, or no text, is said to be a problem and never passed
over. Knows text and patterns; not where the file stands or what it is for.
"""

import codecs
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from farebox.patterns import MAX_PATTERN_LENGTH, MAX_PATTERN_WILDCARDS, Pattern, parse

MAX_IGNORE_BYTES: Final = 100_000
MAX_IGNORE_LINES: Final = 4_000
"""That are no comments. Also of all files on the way to one path."""

TOO_MUCH: Final = "more than can be read in time"

_WILDCARDS: Final = re.compile(r"[*?\[\\]")
_SPLIT: Final = re.compile(r"[*?/]")
_ONLY_HERE: Final = re.compile(r"[\[\\]")
_SET: Final = re.compile(r"\[.*\]")

_LEFT_OUT: Final = str.maketrans("\u0130\u0131", "ii")
"""A pattern without case takes these for an i; ``casefold`` does not."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    number: int
    needs: tuple[str, ...]
    """All that must stand somewhere in a path that it names."""


@dataclass(frozen=True, slots=True, eq=False)
class IgnoreList:
    """What one file says. With a ``problem`` it can't be known, so that it may say anything."""

    problem: str | None = None
    count: int = 0
    by_name: dict[str, list[_Line]] = field(default_factory=dict[str, list[_Line]])
    others: list[_Line] = field(default_factory=list[_Line])
    """``by_name``: lines without a wildcard, by their last names; ``others`` have one."""

    def about(self, path: str) -> list[Pattern]:
        """Return the patterns that may name something on a path, in their order."""
        folded = fold(path)
        lines = [line for name in set(folded.split("/")) for line in self.by_name.get(name, ())]
        found = [line for line in (*lines, *self.others) if all(need in folded for need in line.needs)]
        found.sort(key=lambda line: line.number)
        return [pattern for line in found for pattern in _patterns(line.text)]


def ignore_list(data: bytes | None) -> IgnoreList:
    """Read a file's bytes; None stands for one that can't be read."""
    if data is None or len(data) > MAX_IGNORE_BYTES:
        return IgnoreList(TOO_MUCH)
    text = _decoded(data)
    if text is None:
        return IgnoreList("it is no text in UTF-8")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    # Of two that are alike the last one counts.
    kept = dict.fromkeys(line for line in reversed(lines) if line and not line.startswith("#"))
    if len(kept) > MAX_IGNORE_LINES:
        return IgnoreList(TOO_MUCH)
    found = IgnoreList(count=len(kept))
    for number, line in enumerate(reversed(kept)):
        wildcards = len(_WILDCARDS.findall(line))
        if len(line) > MAX_PATTERN_LENGTH:
            return IgnoreList(f"a line has more than {MAX_PATTERN_LENGTH} characters")
        if wildcards > MAX_PATTERN_WILDCARDS:
            return IgnoreList(f"a line has more than {MAX_PATTERN_WILDCARDS} wildcards")
        _put(found, line, number, has_wildcards=wildcards > 0)
    return found


def fold(text: str) -> str:
    """Write a text so that two which a pattern without case takes for each other read alike."""
    return text.casefold() if text.isascii() else text.translate(_LEFT_OUT).casefold()


def _put(found: IgnoreList, line: str, number: int, *, has_wildcards: bool) -> None:
    path = fold(line.removeprefix("!").rstrip(" ").rstrip("/"))
    if not has_wildcards:
        above, _, name = path.rpartition("/")
        needs = (above,) if above.strip("/") else ()
        found.by_name.setdefault(name, []).append(_Line(line, number, needs))
    elif _ONLY_HERE.search(path) is None:
        found.others.append(_Line(line, number, tuple(filter(None, _SPLIT.split(path)))))
    else:
        found.others.append(_Line(line, number, ()))


def _decoded(data: bytes) -> str | None:
    """Return the text, also of what a Windows shell writes; in a comment any bytes may stand."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        data = b"\n".join(line for line in data.split(b"\n") if not line.startswith(b"#"))
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if "\0" not in text else None


@lru_cache(maxsize=2 * MAX_IGNORE_LINES)
def _patterns(line: str) -> tuple[Pattern, ...]:
    """Parse a line; a set that isn't known here may be any text where it ignores, and takes nothing back."""
    try:
        return parse(line)
    except ValueError:
        pass
    try:
        return () if line.startswith("!") else parse(_SET.sub("*", line))
    except ValueError:  # malformed: to git it matches nothing either
        return ()
