"""Where running text has said enough: the end of the line, statement or block that the cursor asks for.

Pure. Decides line by line, each from what is above it alone, so that more text never changes what has
been decided; only a marker is seen before its line is whole. What the text up to there is worth is
``trim``'s to say.
"""

import re
from collections import deque
from dataclasses import dataclass
from functools import lru_cache

from farebox.completion.closers import is_even
from farebox.completion.echo import MAX_LINES as MAX_ECHO_LINES
from farebox.completion.lexing import brackets
from farebox.completion.overlap import suffix_reached
from farebox.completion.reading import CLOSER_OF, read
from farebox.completion.repetition import lines_once
from farebox.completion.scan import tokens
from farebox.completion.scope import leaves_at
from farebox.completion.stray import FENCE, after_leading_markers, is_introduction, marker_at
from farebox.completion.surroundings import Around, around, indent_of, opens_block
from farebox.completion.window import Window

MAX_LINES = 20
MAX_LINES_KEPT = 64
"""What was decided at so many lines' ends is kept, for a few running answers: each holds its surroundings."""

MAX_BLANK_LINES = 3
"""So many blank lines in a row end any text."""

_BLANK_LINES = re.compile(rf"\n(?:[^\S\n]*\n){{{MAX_BLANK_LINES}}}")
_CONTINUED = ("\\", "+", "-", "*", "/", "=", "&&", "||", " and", " or", "?", ".", "<<", "|")
_CONTINUING = (
    "{", ".", "?", ":", "=", ",", "&&", "||", "|", "<<", ">>", "->", "!=",
    "+ ", "- ", "* ", "/ ", "% ", "< ", "> ", "& ", "^ ", "and ", "or ",
)  # fmt: skip
"""What a line begins with that goes on with the one above."""

_LEADING = ("#", "//", "--", "@", "/*")
"""What a line begins with that belongs to the one below."""


@dataclass(frozen=True, slots=True)
class _Head:
    """What stands before the text that counts: how much of it, and the fence that it opened."""

    end: int
    fence: str


def boundary(text: str, window: Window, *, one_line: bool) -> int | None:
    """Return how many characters of running text make the suggestion; None while that is not certain."""
    here = around(window)
    blank = _BLANK_LINES.search(text)
    if blank is not None:
        text = text[: blank.start() + 1]
    begin = after_leading_markers(text)
    marker = marker_at(text, begin, known=here.text)
    whole = text.rfind("\n") + 1 if marker is None else text.rfind("\n", 0, marker) + 1
    at = begin
    while (end := text.find("\n", at, whole) + 1) > 0:
        found = _after_line(text[begin:end], here, one_line=one_line) if text[at:end].strip() else None
        if found is not None:
            return begin + found
        at = end
    return blank.start() if marker is None and blank is not None else marker


@lru_cache(maxsize=MAX_LINES_KEPT)
def _after_line(text: str, here: Around, *, one_line: bool) -> int | None:
    """Decide at the end of a line, by all that was said so far; the lines before have decided nothing."""
    head = _head(text, here)
    if head is None:
        return None
    body = text[head.end :].removesuffix("\n").split("\n")
    first = next((number for number, line in enumerate(body) if line.strip()), None)
    if first is None:
        return None
    kept = _kept(body, first, here, head, one_line=one_line)
    if kept is None:
        return None
    while kept > 0 and not body[kept - 1].strip():
        kept -= 1
    return head.end + max(sum(len(line) + 1 for line in body[:kept]) - 1, 0)


def _head(text: str, here: Around) -> _Head | None:
    """Read past sentences, a fence and an echo; None while it is not clear where they end."""
    lines = text.removesuffix("\n").split("\n")
    at, number, fence = 0, 0, ""
    if not here.is_prose:
        while number < len(lines):
            line = lines[number]
            opened = FENCE.match(line)
            introduces = here.inside is None and is_introduction(line)
            if line.strip() and opened is None and not introduces:
                break
            at, number = at + len(line) + 1, number + 1
            if opened is not None:
                fence = opened[1][:3]
                break
        else:
            return None if fence == "" and any(line.strip() for line in lines) else _Head(0, "")
    return _past_echo(lines[number:], at, fence, here)


def _past_echo(lines: list[str], at: int, fence: str, here: Around) -> _Head | None:
    shown = [(number, line.strip()) for number, line in enumerate(lines) if line.strip()]
    before = [line.strip() for line in here.before]
    for count in range(min(len(before), MAX_ECHO_LINES), 0, -1):
        said = [line for _, line in shown[:count]]
        if said != before[len(before) - count :][: len(said)] or not said:
            continue
        if (
            count == 1
            and here.at_line_start
            and indent_of(here.line_before + lines[shown[0][0]]) != indent_of(here.before[-1])
        ):
            continue
        if len(said) < count or len(shown) == count:
            return None
        past = shown[count - 1][0] + 1
        return _Head(at + sum(len(line) + 1 for line in lines[:past]), fence)
    return _Head(at, fence)


def _kept(body: list[str], first: int, here: Around, head: _Head, *, one_line: bool) -> int | None:
    """Return how many lines to keep now that the last one is whole, or None to go on."""
    last = len(body) - 1
    line = body[last]
    if last < first or not line.strip():
        return None
    if head.fence and line.strip().startswith(head.fence):
        return last
    above, text = "\n".join(body[:last]), "\n".join(body)
    if not one_line and last > first and not _goes_over_lines(above, here):
        start = here.indent_at_start("\n".join(body[: first + 1]))
        if suffix_reached(line, here):
            return last
        outside = here.outside(start)
        left = leaves_at(body, outside, here) if outside >= 0 else None
        once = lines_once(
            [here.line_before + body[first] if not head.end else body[first], *body[first + 1 :]]
        )
        if left is not None or once is not None:
            return left if left is not None else first + (once or 0)
        cut = _at_outer_line(body, above, start, here)
        if cut is not None:
            return cut
    if one_line:
        ends = (
            end for end in range(first + 1, last + 2) if not _goes_over_lines("\n".join(body[:end]), here)
        )
        return next(ends, last + 1 if last - first + 1 >= MAX_LINES else None)
    if last - first + 1 >= MAX_LINES:
        return last + 1
    ended = not _goes_over_lines(text, here) and _is_statement(body[first:], text, here)
    return last + 1 if ended else None


def _goes_over_lines(text: str, here: Around) -> bool:
    """Say whether text ends in a comment or string that may go on in the next line and has to be closed."""
    token = next(iter(deque(tokens(text, here.language, here.inside), maxlen=1)), None)
    if token is None or token.inside is None or not token.inside.form.lines:
        return False
    return not token.was_open or read(here.suffix, here.language, here.inside).inside is not None


def _at_outer_line(body: list[str], above: str, start: int, here: Around) -> int | None:
    """Decide at a line that is not deeper than the first one."""
    last = len(body) - 1
    line = body[last].strip()
    indent = indent_of(body[last])
    if indent > start or _depth(above, here) > 0:
        return None
    neighbour = _has_neighbour(start, here)
    if indent == start and not here.at_line_start and not neighbour:
        return None
    closes = line[0] in ")]}" or line.split(maxsplit=1)[0].rstrip(";,") in here.language.block_ends
    if closes:
        if not is_even("\n".join(body), here):
            return last
        return last + 1 if indent < start and not opens_block(line) else None
    if indent < start:
        return last
    if line.split(maxsplit=1)[0].rstrip(":;") in here.language.continuations:
        return None
    goes_on = line.startswith(_CONTINUING) and line[0] != above.lstrip()[0]  # but for items of a list
    has_ended = neighbour and not goes_on and _may_end(above, here)
    return last if not body[last - 1].strip() or has_ended else None


def _may_end(text: str, here: Around) -> bool:
    """Say whether a statement may end with the last line of a text."""
    line = text.rstrip().rpartition("\n")[2].strip()
    if line.endswith(_CONTINUED) or (line.endswith(",") and (here.language.indents or not here.opened)):
        return False
    return not opens_block(line) and not line.startswith(_LEADING) and _depth(text, here) <= 0


def _is_statement(body: list[str], text: str, here: Around) -> bool:
    """Say whether one statement is enough here and has ended for sure, whatever the next line is."""
    start = here.indent_at_start(text)
    if not _has_neighbour(start, here) or not _may_end(text, here):
        return False
    if any(opens_block(line) and not line.rstrip().endswith(("(", "[", "{")) for line in body):
        return False
    line = body[-1].rstrip()
    by_line = here.language.indents or here.is_prose
    if line.endswith(","):
        return here.opened[-1].bracket != "{"
    if line.endswith(";"):
        return not here.language.block_ends
    return by_line and not here.opened


def _has_neighbour(start: int, here: Around) -> bool:
    """Say whether the line below the cursor is of the same block."""
    return (
        not here.opens_block
        and bool(here.following)
        and indent_of(here.following[0]) == start
        and here.following[0].strip()[0] not in ")]}"
        and bool(here.suffix.split("\n")[1:2])
        and bool((here.suffix.split("\n")[1] if not here.rest.strip() else here.rest).strip())
    )


def _depth(text: str, here: Around) -> int:
    return sum(1 if bracket in CLOSER_OF else -1 for _, bracket in brackets(text, here.language, here.inside))
