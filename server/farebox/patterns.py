"""Patterns in gitignore's syntax, matched in bounded time.

A workspace's file comes with its repository, so a pattern may be hostile. One regular expression for a
whole pattern tries every way in which its stars can share a path: a few stars take hours. Here the first
place where the piece between two stars, or between two ``**``, fits is kept for good: that finds a match
whenever there is one, and never goes back. What is left grows with the length of the patterns times that
of the path, and the numbers below bound it.

What a list means is what git makes of it (gitignore(5)) where case does not matter: a file system may not
mind it either. Knows text and paths, not what they protect.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Literal

MAX_PATTERNS = 500
MAX_PATTERN_LENGTH = 200
MAX_PATTERN_WILDCARDS = 32
"""Stars and sets such as ``[a-z]``. So many that any name can be written without its case."""

MAX_LENGTH = 8000
MAX_WILDCARDS = 500
"""Of a whole list. The worst that it lets through takes some 50 ms for a path of 4096 characters."""

ANY_NAMES = "**"

_SHOWN = 40

_TRAILING_SPACES = re.compile(r"(?<!\\) +\Z")

_BEHIND_PLAIN = re.compile(
    r"(?P<plain>[^*?\[\\]*[^*?\[\\/])\*{2,}(?:/\*{2,}(?=/|\Z))*(?P<below>(?:/.*?)??)(?P<folder>/?)",
    re.DOTALL,
)

_ITEM = re.compile(
    r"\\(?P<escaped>.)|(?P<star>\*+)|(?P<any>\?)|\[(?P<not>[!^]?)(?P<set>\]?(?:\\.|[^\]\\])*)\]"
    r"|(?P<plain>[^\\\[])",
    re.DOTALL,
)
_MEMBER = re.compile(r"(?P<low>\\.|.)-(?P<high>\\.|.)|(?P<one>\\.|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as runs of names: the first at the root if ``anchored``, each other one anywhere below.

    ``of`` says what it may name: ``a/`` only a folder, ``a/**`` all inside of it but not itself.
    """

    text: str
    excludes: bool
    anchored: bool
    runs: tuple[re.Pattern[str], ...]
    last_names: int
    of: Literal["any", "folder", "inside"]

    @property
    def cost(self) -> int:
        """Say what it takes to match it, next to one without wildcards."""
        return 1 + _wildcards(self.text)

    def covers(self, path: str) -> bool:
        """Say whether it names a file or a folder that the file is in. A slash stands before each name."""
        end = self._first_end(self.runs, path, len(path))
        return end is not None and (end < len(path) or self.of == "any")

    def names(self, path: str, end: int) -> bool:
        """Say whether it names what ``path[:end]`` is: a folder, if something follows there."""
        if self.of == "inside":
            found = self._first_end(self.runs, path, end)
            return found is not None and found < end
        if self.of == "folder" and end == len(path):
            return False
        start = end
        for _ in range(self.last_names):
            start = path.rfind("/", 0, start)
        above = self._first_end(self.runs[:-1], path, end)
        if start < 0 or above is None or start < above or (self.anchored and len(self.runs) == 1 and start):
            return False
        return self.runs[-1].match(path, start, end) is not None

    def _first_end(self, runs: tuple[re.Pattern[str], ...], path: str, within: int) -> int | None:
        """Return where the first place of all these runs ends, one below the other."""
        end = 0
        for number, run in enumerate(runs):
            at_root = self.anchored and number == 0
            found = run.match(path, 0, within) if at_root else run.search(path, end, within)
            if found is None:
                return None
            end = found.end()
        return end


def matching(patterns: Sequence[Pattern], path: str) -> str | None:
    """Return the pattern that excludes a file, or None.

    As in git the last one that names a file or folder decides, and what is in an excluded folder can't
    be taken back. After the last ``!`` no order matters: those alone are asked about the whole path.
    """
    slashed = "/" + path.lstrip("/")
    last_taken_back = max((at for at, pattern in enumerate(patterns) if not pattern.excludes), default=-1)
    for pattern in patterns[last_taken_back + 1 :]:
        if pattern.covers(slashed):
            return pattern.text
    return _decided_on_the_way(patterns[: last_taken_back + 1], slashed)


def _decided_on_the_way(patterns: Sequence[Pattern], path: str) -> str | None:
    """Go down from the root, and stop at the first folder that is excluded."""
    end = 0
    while patterns and end < len(path):
        end = path.find("/", end + 1)
        end = len(path) if end < 0 else end
        named = (pattern for pattern in reversed(patterns) if pattern.names(path, end))
        decisive = next(named, None)
        if decisive is not None and decisive.excludes:
            return decisive.text
    return None


def check(texts: Sequence[str]) -> None:
    """Raise ValueError if a pattern is malformed, or if they could take too long to match."""
    for text in texts:
        parse(text)
    _bound("the whole list", len(texts), MAX_PATTERNS, "patterns")
    _bound("the whole list", sum(map(len, texts)), MAX_LENGTH, "characters")
    _bound("the whole list", sum(map(_wildcards, texts)), MAX_WILDCARDS, "wildcards")


@lru_cache(maxsize=2 * MAX_PATTERNS)
def parse(text: str) -> tuple[Pattern, ...]:
    """Read a pattern, as two where only both together mean it; a comment is none. Raises ValueError."""
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


def _parse(text: str) -> tuple[Pattern, ...]:
    if "\n" in text or "\r" in text:
        raise ValueError("a line end; write one pattern in each entry")
    line = _TRAILING_SPACES.sub("", text)
    if not line or line.startswith("#") or line.removeprefix("!") == "/":
        return ()
    excludes = not line.startswith("!")
    path = line.removeprefix("!") if not excludes else line
    if not path:
        raise ValueError("nothing follows the !")
    return tuple(_pattern(text, spelling, excludes=excludes) for spelling in _spellings(path))


def _spellings(path: str) -> tuple[str, ...]:
    """Spell out a ``**`` right behind a plain beginning of a pattern with slashes, as in ``src**/test``.

    git compares that beginning by itself and then takes the ``**`` for one that begins a pattern: for nothing
    (``srctest``) or for any names (``src/a/b/test``). To gitignore(5) it is a star.
    """
    found = _BEHIND_PLAIN.fullmatch(path)
    if found is None or "/" not in path.removesuffix("/"):
        return (path,)
    plain, below, folder = found["plain"], found["below"], found["folder"]
    root = plain if plain.startswith("/") else f"/{plain}"
    itself = f"{root}{below[1:]}" if below else f"{root}*"
    return f"{itself}{folder}", f"{root}*/**{below}{folder}"


def _pattern(text: str, path: str, *, excludes: bool) -> Pattern:
    names = _names(path.removesuffix("/"))
    is_folder = path.endswith("/")
    is_inside = names[-1] == ANY_NAMES and not is_folder
    if is_inside:
        names.pop()
    elif names[-1] == ANY_NAMES:
        names.append("*")  # ``a/**/`` is each folder inside
    runs = [list(group) for gap, group in groupby(names, lambda name: name == ANY_NAMES) if not gap]
    return Pattern(
        text=text,
        excludes=excludes,
        anchored=names[0] != ANY_NAMES,
        runs=tuple(_run(run) for run in runs),
        last_names=len(runs[-1]),
        of="inside" if is_inside else "folder" if is_folder else "any",
    )


def _names(path: str) -> list[str]:
    """Split a pattern at its slashes, with ``**`` where any names may stand and at least one between two."""
    names = [
        ANY_NAMES if name and not name.strip("*") and len(name) > 1 else name for name in path.split("/")
    ]
    if not names[0]:
        names.pop(0)
    elif len(names) == 1:
        names.insert(0, ANY_NAMES)  # a single name may be anywhere
    names = [name for at, name in enumerate(names) if name != ANY_NAMES or names[at - 1 : at] != [ANY_NAMES]]
    return names if names != [ANY_NAMES] else [ANY_NAMES, "*"]


def _run(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile("".join("/" + _name(name) for name in names) + r"(?=/|\Z)", re.IGNORECASE)


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
    if "[:" in members:
        raise ValueError("classes such as [[:alpha:]] are not known here")
    parts = [_member(member) for member in _MEMBER.finditer(members)]
    if negated:
        return f"[^/{''.join(parts)}]"
    return f"(?!/)[{''.join(parts)}]" if re.match(f"[{''.join(parts)}]", "/") else f"[{''.join(parts)}]"


def _member(member: re.Match[str]) -> str:
    low, high, one = (_unescaped(member[name]) for name in ("low", "high", "one"))
    return re.escape(one) if one else f"{re.escape(low)}-{re.escape(high)}"


def _unescaped(character: str | None) -> str:
    return (character or "")[-1:]
