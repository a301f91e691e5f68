"""Where an answer goes round in circles. Pure, and linear in the text's length for a fixed size of block.

A circle counts only at the answer's end, where a model that loops still is when its tokens run out; code
that repeats itself goes on with something else.
"""

import re

MAX_BLOCK_LINES = 24
LEAST_COPIES = 3
LEAST_COPIES_IN_LINE = 6
LEAST_CHARS_IN_LINE = 30
LEAST_PERIOD_CHARS = 3
_LEAST_LETTERS = 3
_LETTER = re.compile(r"[^\W\d_]")


def without_repetition(text: str, line_before: str) -> str:
    """Keep one copy of the lines, or of the piece of a line, that an answer repeats until its end."""
    lines = (line_before + text.rstrip()).split("\n")
    kept = lines_once(lines)
    if kept is not None:
        return "\n".join(lines[:kept])[len(line_before) :]
    kept = _piece_once(text.rstrip())
    return text if kept is None else text[:kept]


def lines_once(lines: list[str]) -> int | None:
    """Return how many lines to keep; None where nothing is repeated often enough.

    The last line may be cut anywhere.
    """
    count = len(lines)
    bare = [line.rstrip() for line in lines]
    for size in range(1, min(MAX_BLOCK_LINES, count // 2) + 1):
        if count > size and not bare[count - 1 - size].startswith(bare[count - 1]):
            continue
        first = count - 1 - size
        while first > 0 and bare[first - 1] == bare[first - 1 + size]:
            first -= 1
        least = LEAST_COPIES * size - (1 if size > 1 else 0)
        letters = len(_LETTER.findall("".join(bare[first : first + size])))
        if count - first >= (least if letters >= _LEAST_LETTERS else 2 * least) and letters:
            return first + size
    return None


def _piece_once(text: str) -> int | None:
    """Return how many characters to keep, by the longest end of a text that is one piece over and over."""
    backwards = text[::-1]
    borders = [0] * len(backwards)
    best: tuple[int, int] | None = None
    for at in range(1, len(backwards)):
        size = borders[at - 1]
        while size and backwards[at] != backwards[size]:
            size = borders[size - 1]
        borders[at] = size + 1 if backwards[at] == backwards[size] else 0
        length, period = at + 1, at + 1 - borders[at]
        if (
            period >= LEAST_PERIOD_CHARS
            and length >= LEAST_COPIES_IN_LINE * period
            and length >= LEAST_CHARS_IN_LINE
        ):
            best = (length, period)
    if best is None:
        return None
    length, period = best
    start = len(text) - length
    piece = text[start : start + period]
    return start + period if len(_LETTER.findall(piece)) >= _LEAST_LETTERS else None
