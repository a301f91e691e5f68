"""Patterns in gitignore's syntax, matched in bounded time.

A workspace's file comes with its repository, so a pattern may be hostile. One regular expression for a
whole pattern tries every way in which its stars can share a path: a few stars take hours. Here the first
place where the piece between two stars, or between two ``**``, fits is kept for good: that finds a match
whenever there is one, and never goes back. What is left grows with the length of the patterns times that
of the path, and the numbers below bound it. Knows text and paths, not what they protect.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

MAX_PATTERNS = 500
MAX_PATTERN_LENGTH = 200
MAX_PATTERN_WILDCARDS = 32
"""Stars and sets such as ``[a-z]``. So many that any name can be written without its case."""

MAX_LENGTH = 8000
MAX_WILDCARDS = 500
"""Of a whole list. The worst that it lets through takes some 50 ms for a path of 4096 characters."""

_SHOWN = 40
_INSIDE, _NAMED = 1, 2

_ITEM = re.compile(
    r"\\(?P<escaped>.)|(?P<star>\*+)|(?P<any>\?)|\[(?P<not>[!^]?)(?P<set>\]?[^\]]*)\]|(?P<plain>[^\\\[])",
    re.DOTALL,
)
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as runs of names: the first at the root if ``anchored``, each other one anywhere below."""

    text: str
    excludes: bool
    anchored: bool
    runs: tuple[re.Pattern[str], ...]
    last_names: int
    only_inside: bool
    inside_rank: int

    def rank(self, path: str) -> int:
        """Say how closely a path, written with a slash before each name, is matched; 0 is not at all."""
        begin = end = 0
        for number, run in enumerate(self.runs):
            begin = end
            found = run.match(path) if self.anchored and number == 0 else run.search(path, begin)
            if found is None:
                return 0
            end = found.end()
        if end < len(path):
            return _NAMED if self._names_the_end(path, begin) else self.inside_rank
        return 0 if self.only_inside else _NAMED

    def _names_the_end(self, path: str, begin: int) -> bool:
        """Say whether the last run, found higher up, fits the file itself too."""
        if self.only_inside or (self.anchored and len(self.runs) == 1):
            return False
        start = len(path)
        for _ in range(self.last_names):
            start = path.rfind("/", 0, start)
        return start >= begin and self.runs[-1].match(path, start) is not None


def matching(patterns: Iterable[Pattern], path: str) -> str | None:
    """Return the pattern that excludes a path, or None.

    As in git the last one that matches wins; only, one that names the file wins over one for a folder.
    """
    slashed = "/" + path.lstrip("/")
    best, winner = 0, None
    for pattern in patterns:
        rank = pattern.rank(slashed)
        if rank and rank >= best:
            best, winner = rank, pattern
    return winner.text if winner is not None and winner.excludes else None


def check(texts: Sequence[str]) -> None:
    """Raise ValueError if a pattern is malformed, or if they could take too long to match."""
    for text in texts:
        parse(text)
    _bound("the whole list", len(texts), MAX_PATTERNS, "patterns")
    _bound("the whole list", sum(map(len, texts)), MAX_LENGTH, "characters")
    _bound("the whole list", sum(map(_wildcards, texts)), MAX_WILDCARDS, "wildcards")


@lru_cache(maxsize=2 * MAX_PATTERNS)
def parse(text: str) -> Pattern | None:
    """Read a pattern; a comment or a blank line is None. Raises ValueError."""
    shown = repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
    _bound(shown, len(text), MAX_PATTERN_LENGTH, "characters")
    _bound(shown, _wildcards(text), MAX_PATTERN_WILDCARDS, "wildcards")
    try:
        return _parse(text)
    except (ValueError, re.error) as exc:
        raise ValueError(f"{shown} is no pattern as in a .gitignore file: {exc}") from None


def _bound(what: str, count: int, most: int, unit: str) -> None:
    if count > most:
        raise ValueError(f"{what} has {count} {unit}, and at most {most} are allowed")


def _wildcards(text: str) -> int:
    return len(re.findall(r"\*+|\[", text))


def _parse(text: str) -> Pattern | None:
    line = text if text.endswith("\\ ") else text.rstrip()
    if not line or line.startswith("#") or line == "/":
        return None
    excludes = not line.startswith("!")
    path = line.removeprefix("!") if not excludes else line
    if not path:
        raise ValueError("nothing follows the !")
    names = _names(path)
    only_inside = names[-1] == "**"
    if only_inside:
        names.pop()
    runs = [list(group) for gap, group in groupby(names, lambda name: name == "**") if not gap]
    return Pattern(
        text=text,
        excludes=excludes,
        anchored=names[0] != "**",
        runs=tuple(re.compile("".join("/" + _name(name) for name in run) + r"(?=/|\Z)") for run in runs),
        last_names=len(runs[-1]),
        only_inside=only_inside,
        # To git ``a/**`` names all that is inside of a, and ``a/`` only a itself.
        inside_rank=_NAMED if only_inside and not path.endswith("/") else _INSIDE,
    )


def _names(path: str) -> list[str]:
    """Split a pattern at its slashes, with ``**`` where any names may stand and at least one between two."""
    names = path.split("/")
    if not names[0]:
        names.pop(0)
    elif not any(names[1:]):
        names.insert(0, "**")  # a single name may be anywhere
    folder = path.endswith("/")
    if folder:
        names[-1] = "**"
    names = [
        name for number, name in enumerate(names) if name != "**" or names[number - 1 : number] != ["**"]
    ]
    return names if names != ["**"] else ["**", "*", "**"] if folder else ["**", "*"]


def _name(glob: str) -> str:
    """Translate what one name must look like. All pieces but the last take their first place for good."""
    first, *middle = _pieces(glob)
    if not middle:
        return "".join(first)
    *middle, last = middle
    kept = "".join(f"(?>[^/]*?{''.join(piece)})" for piece in middle)
    # The last one ends the name: looking back there is one place to try.
    end = f"(?=[^/]{{{len(last)}}})[^/]*+(?<={''.join(last)})" if last else "[^/]*+"
    return "".join(first) + kept + end


def _pieces(glob: str) -> list[list[str]]:
    """Split a name at its stars: each piece is a list of expressions for one character each."""
    pieces: list[list[str]] = [[]]
    at = 0
    while at < len(glob):
        item = _ITEM.match(glob, at)
        if item is None:
            raise ValueError("nothing follows a \\" if glob[at] == "\\" else "a [ has no ]")
        at = item.end()
        if item["star"]:
            pieces.append([])
        elif item["any"]:
            pieces[-1].append("[^/]")
        elif item["set"] is not None:
            pieces[-1].append(_set(item["set"], negated=bool(item["not"])))
        else:
            pieces[-1].append(re.escape(item["escaped"] or item["plain"]))
    return pieces


def _set(members: str, *, negated: bool) -> str:
    """Translate a set; neither a range nor a negation lets it match a slash."""
    if members.startswith("[:"):
        raise ValueError("classes such as [[:alpha:]] are not known here")
    parts = [
        f"{re.escape(low)}-{re.escape(high)}" if low else re.escape(one)
        for low, high, one in _MEMBER.findall(members)
    ]
    if negated:
        return f"[^/{''.join(parts)}]"
    return f"(?!/)[{''.join(parts)}]" if re.match(f"[{''.join(parts)}]", "/") else f"[{''.join(parts)}]"
