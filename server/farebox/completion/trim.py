"""What of a model's answer is worth showing at the cursor. Pure: text in, text out.

In order: stray tokens, fences, an echo of the line before the cursor, what already stands after it,
repetition, trailing space. An answer with nothing left is None.
"""

import re

from farebox.completion.context import Window
from farebox.completion.prompt import all_markers

MAX_LINES = 20
MAX_REPEATS = 3

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
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
    if line.strip() and len(line.strip()) > 2 and text.startswith(line):  # noqa: PLR2004
        return text[len(line) :]
    return text


def _cut_repetition(text: str) -> str:
    """Stop before a line that comes for the fourth time."""
    seen: dict[str, int] = {}
    kept: list[str] = []
    for line in text.split("\n"):
        key = line.strip()
        seen[key] = seen.get(key, 0) + 1
        if len(key) > 2 and seen[key] > MAX_REPEATS:  # noqa: PLR2004
            break
        kept.append(line)
    return "\n".join(kept)


def _without_overlap(text: str, window: Window) -> str:
    """Cut where the answer begins to repeat what stands after the cursor."""
    rest = window.line_after.rstrip()
    if rest.strip() and text.rstrip().endswith(rest.strip()):
        return text.rstrip()[: -len(rest.strip())]
    following = [line for line in window.suffix.split("\n")[1:] if line.strip()]
    if not following:
        return text
    lines = text.split("\n")
    for number in range(1, len(lines)):
        # A lone closer often repeats by right; two equal lines, or one with words, do not.
        if lines[number].rstrip() != following[0].rstrip():
            continue
        words = len(re.findall(r"\w", lines[number]))
        tail = [line.rstrip() for line in lines[number:] if line.strip()]
        if words > 2 or tail == [line.rstrip() for line in following[: len(tail)]]:  # noqa: PLR2004
            return "\n".join(lines[:number])
    return text
