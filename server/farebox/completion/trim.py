"""What of a model's answer is worth showing at the cursor. Pure: text in, text out.

In order: stray tokens, an echo of the line before the cursor, repetition, what already stands after the
cursor, trailing space. An answer with nothing left is None.
"""

import re
from itertools import takewhile

from farebox.completion.context import Window
from farebox.completion.prompt import all_markers

MAX_LINES = 20
MAX_REPEATS = 3
MAX_LOOP_LINES = 4

_OPENERS = "([{"
_CLOSERS = {")": "(", "]": "[", "}": "{"}

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def trim(answer: str, window: Window) -> str | None:
    """Return the insertion, or None if nothing worth showing is left."""
    text = answer.replace("\r\n", "\n").replace("\r", "\n")
    if _INVISIBLE.search(text):
        return None
    text = _cut_at_markers(text)
    text = _without_echo(text, window)
    if window.one_line:
        text = text.partition("\n")[0]
    text = _cut_repetition(text)
    text = _without_overlap(text, window)
    text = "\n".join(text.split("\n")[:MAX_LINES]).rstrip()
    return text if text.strip() else None


def _cut_at_markers(text: str) -> str:
    cuts = [at for marker in all_markers() if (at := text.find(marker)) >= 0]
    return text[: min(cuts)] if cuts else text


def _without_echo(text: str, window: Window) -> str:
    """Drop a repetition of the current line's beginning, if it is more than indentation."""
    line = window.line_before
    if len(line.strip()) <= 2:  # noqa: PLR2004
        return text
    echo = next((start for start in (line, line.lstrip()) if text.startswith(start)), "")
    return text.removeprefix(echo)


def _cut_repetition(text: str) -> str:
    """Stop where a block of lines comes for the fourth time in a row."""
    lines = text.split("\n")
    for number in range(MAX_REPEATS, len(lines)):
        for size in range(1, min(MAX_LOOP_LINES, number // MAX_REPEATS) + 1):
            block = lines[number : number + size]
            before = lines[number - size * MAX_REPEATS : number]
            if before == block * MAX_REPEATS and len("".join(block).strip()) > 2:  # noqa: PLR2004
                return "\n".join(lines[:number])
    return text


def _without_overlap(text: str, window: Window) -> str:
    """Cut where the answer begins to repeat what stands after the cursor."""
    text = _without_rest(text, window.line_after.strip())
    following = [line.rstrip() for line in window.suffix.split("\n")[1:] if line.strip()]
    lines = text.split("\n")
    for number in range(1, len(lines)):
        tail = [line.rstrip() for line in lines[number:] if line.strip()]
        if _repeats(tail, following, stray=_has_stray_closer(text)):
            return "\n".join(lines[:number])
    return text


def _without_rest(text: str, rest: str) -> str:
    """Drop the rest of the current line from the answer's end, unless the answer needs it itself."""
    shown = text.rstrip()
    if not rest or not shown.endswith(rest):
        return text
    kept = shown.removesuffix(rest)
    if re.search(r"\w", rest):
        whole = not (rest[0].isalnum() and kept[-1:].isalnum()) and len(rest) > 1
        return kept if whole else text
    quoted = any(shown.count(quote) % 2 for quote in "\"'`" if quote in rest)
    closing = any(closer in rest for closer in ")]}>\"'`")
    return kept if quoted or _has_stray_closer(shown) or not closing else text


def _repeats(tail: list[str], following: list[str], *, stray: bool) -> bool:
    """Whether these last lines are the following ones: two of them, or all that is left.

    One equal line in the middle repeats by right, and so does a closer that the answer has opened.
    """
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(tail, following, strict=False)))
    if same == 0 or (same < 2 and same < len(tail)):  # noqa: PLR2004
        return False
    return stray or bool(re.search(r"\w", "".join(tail[:same])))


def _has_stray_closer(text: str) -> bool:
    """Whether a bracket is closed that the text has not opened."""
    depth = dict.fromkeys(_OPENERS, 0)
    for char in text:
        if char in depth:
            depth[char] += 1
        elif char in _CLOSERS:
            depth[_CLOSERS[char]] -= 1
            if depth[_CLOSERS[char]] < 0:
                return True
    return False
