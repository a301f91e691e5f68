"""Where the bodies of private keys stand in a text, whole or in pieces, however a program writes them.

Between the lines that begin and end one anything may stand: quotes, plus signs, marks of comments. Of a piece
without either, lines that only an encoder writes tell it. Linear in the text. Knows no other secret.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

MAX_KEY_LINES: Final = 200
MAX_KEY_CHARS: Final = 40_000
MAX_GAP_LINES: Final = 2
"""A key whose other end is not in the text ends where so many lines begin that hold nothing of one."""

FEWEST_BODY_CHARS: Final = 40
"""Some line of a key is as long; what reads or writes keys holds no such word."""

FEWEST_LINES: Final = 3
"""Below so many lines of a key any word is its last line."""

_PRIVATE: Final = "PRIVATE KEY"
_MARK: Final = re.compile(r"-----(?P<side>BEGIN|END) (?P<label>[A-Z0-9 ]{1,60}+)-----", re.ASCII)
_PIECE: Final = re.compile(r"\\+[nrt]|(?P<run>[A-Za-z0-9+/=]{16,})", re.ASCII)
_DIRECTLY: Final = re.compile(r"(?:\\+[nr]|[\s\"'])*+", re.ASCII)
_LAST_LINE: Final = re.compile(
    r"(?:\\+[nr]|[\s\"'+,;.#>*\\])*+[A-Za-z0-9+/]{1,76}+={0,2}"
    r"(?=(?:\\+[nr]|[\s\"'+,;.#>*\\])*(?:-----END |\Z))",
    re.ASCII,
)
_LINES: Final = re.compile(
    r"\n[ \t]*+(?=[A-Za-z0-9+/]{64})(?P<body>"
    + "|".join(rf"(?:[A-Za-z0-9+/]{{{size}}}(?:\r?\n[ \t]*+|\Z))+" for size in (64, 70, 76))
    + r")(?P<last>[A-Za-z0-9+/]{1,76}={0,2}(?=\s*?(?:\n|\Z)))?",
    re.ASCII,
)


def private_keys_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each begins and ends; two of them may overlap."""
    marks = list(_MARK.finditer(text)) if "-----" in text else []
    yield from _between(text, marks)
    ends = [mark.end() for mark in marks]
    for lines in _LINES.finditer("\n" + text):
        start = lines.start("body") - 1
        nearest = bisect_right(ends, start) - 1
        if (nearest < 0 or not _begins_other(marks[nearest])) and _is_mixed(lines["body"]):
            end = lines.end("last" if _is_last(lines["last"], lines["body"]) else "body") - 1
            yield start, start + len(text[start:end].rstrip())


def _between(text: str, marks: Sequence[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """Look below each line that begins a key, and above one that ends a key whose beginning is cut off."""
    for at, mark in enumerate(marks):
        if _PRIVATE not in mark["label"]:
            continue
        if mark["side"] == "BEGIN":
            after = marks[at + 1] if at + 1 < len(marks) else None
            is_whole = after is not None and after["side"] == "END"
            end = after.start() if after is not None else len(text)
            yield from _below(text, mark.end(), end, is_whole=is_whole)
        elif at == 0 or marks[at - 1]["side"] == "END" or _PRIVATE not in marks[at - 1]["label"]:
            yield from _above(text, marks[at - 1].end() if at else 0, mark.start())


def _below(text: str, start: int, end: int, *, is_whole: bool) -> Iterator[tuple[int, int]]:
    end = min(end, start + MAX_KEY_CHARS)
    cut = start
    for _ in range(MAX_KEY_LINES):
        cut = text.find("\n", cut, end) + 1
        if not cut:
            cut = end
            break
    runs = _runs(text, start, cut)
    if not is_whole:
        runs = runs[: next((at for at in range(1, len(runs)) if _is_gap(text, runs[at - 1], runs[at])), None)]
    if not runs:
        return
    follows = (gap := _DIRECTLY.match(text, start)) is not None and gap.end() == runs[0][0]
    if follows or any(_is_body(text, run) for run in runs):
        last = _LAST_LINE.match(text, runs[-1][1], len(text) if is_whole else cut)
        yield runs[0][0], last.end() if last is not None else runs[-1][1]


def _above(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Go up from a key's end to the first line that is surely of it, or to where the text was cut."""
    start = max(start, end - MAX_KEY_CHARS)
    cut = end
    for _ in range(MAX_KEY_LINES):
        cut = text.rfind("\n", start, cut)
        if cut < 0:
            cut = start
            break
    runs = _runs(text, cut, end)
    first = next((at for at in range(len(runs) - 1, 0, -1) if _is_gap(text, runs[at - 1], runs[at])), 0)
    runs = runs[first:]
    bodies = [run for run in runs if _is_body(text, run)] or [run for run in runs[-1:] if run[1] == end - 1]
    if not bodies:
        return
    is_cut = runs[0][0] == 0
    last = _LAST_LINE.match(text, runs[-1][1])
    yield (0 if is_cut else bodies[0][0]), last.end() if last is not None else runs[-1][1]


def _runs(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = _PIECE.finditer(text, start, end)
    return [one.span("run") for one in found if one["run"] is not None]


def _is_gap(text: str, above: tuple[int, int], below: tuple[int, int]) -> bool:
    return text.count("\n", above[1], below[0]) > MAX_GAP_LINES


def _is_body(text: str, run: tuple[int, int]) -> bool:
    return run[1] - run[0] >= FEWEST_BODY_CHARS and _is_mixed(text[run[0] : run[1]])


def _is_last(line: str | None, body: str) -> bool:
    """Say whether a shorter line below a body is its last: a word below one line or two may be code."""
    return line is not None and (line.endswith("=") or _is_mixed(line) or body.count("\n") >= FEWEST_LINES)


def _is_mixed(text: str) -> bool:
    """Say whether there are large letters, small ones and digits."""
    return all(any(map(sort, text)) for sort in (str.isupper, str.islower, str.isdigit))


def _begins_other(mark: re.Match[str]) -> bool:
    """Say whether a mark begins what everybody may see, such as a certificate."""
    return mark["side"] == "BEGIN" and _PRIVATE not in mark["label"]
