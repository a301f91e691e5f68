"""What a model writes around its code: tokens of its format, fences, and sentences to the person.

Pure. Knows the markers of all families and what fences and introductions look like, but no cursor: the caller
says whether the file is code. A file of prose keeps its fences.
"""

import re

from farebox.completion.families import all_markers

_GENERAL = re.compile(
    r"<\|(?:fim|im|end|eo|eos|eot|file|repo|code|pad|start|begin|system|user|assistant|message|cursor)[\w▁-]*\|>"
    r"|<\uff5c[\w▁ ]{1,40}\uff5c>|</?fim[_-]\w+>|<\[fim-\w+\]>|<\[end▁of▁\w+\]>",
    re.IGNORECASE,
)
_MIDDLE = re.compile(
    r"\s*(?:<[|\[]?\|?(?:fim|code)[_-]middle\|?\]?>|<MID>|\[MIDDLE\]|<\uff5cfim▁end\uff5c>)", re.IGNORECASE
)
_PLAIN = re.compile(r"</?[A-Za-z]+>|\[[A-Z]+\]|[^\w<\[]+")
_LEAST_OF_A_MARKER = 5
"""From so many characters on the beginning of a marker at the very end is no code."""

FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*[\w+#.-]*[ \t]*$")
_INTRODUCTION = re.compile(
    r"\s*(?:here(?:'s| is| are)|sure\b|certainly\b|of course\b|okay\b|below is\b|to complete\b|to fill\b"
    r"|the (?:completed?|completion|missing|following|code|rest|filled)\b|this (?:is the|completes|code)\b"
    r"|you can (?:complete|use|fill)\b|i(?:'ve| have|'ll| will) )[^\n]*[:.!]\s*$",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"\s*(?:I'm sorry|I am sorry|I cannot|I can't|Sorry, |As an AI)\b")
_COMMENT_BEHIND = re.compile(
    r"(?:(?:this|the|in this|here)\b[^\n]*\b(?:code|function|method|implementation|completion|snippet)\b"
    r"[^\n]*[.:!]|(?:explanation|note|notes|output|example usage)\b[^\n]*:?[^\n]*[.:])\s*$",
    re.IGNORECASE,
)
_CODE_SIGNS = re.compile(r"[=;{}]|\w\(")


def marker_at(text: str, start: int = 0, *, known: str = "") -> int | None:
    """Return where the first whole marker of any family is, or None.

    One that may be plain text (a ``<filename>`` in a usage) is none where the file says it too (``known``).
    """
    cuts = [
        at
        for marker in all_markers()
        if (at := text.find(marker, start)) >= 0 and not (_PLAIN.fullmatch(marker) and marker in known)
    ]
    general = _GENERAL.search(text, start)
    if general is not None:
        cuts.append(general.start())
    return min(cuts, default=None)


def after_leading_markers(text: str) -> int:
    """Return where an answer begins that opens with the marker before the middle, as some do."""
    at = 0
    while (found := _MIDDLE.match(text, at)) is not None:
        at = found.end()
    return at


def without_markers(text: str, known: str = "") -> str:
    """Cut an answer at its first marker, or at what of one is at its end."""
    text = text[after_leading_markers(text) :]
    at = marker_at(text, known=known)
    if at is not None:
        return text[:at]
    bare = text.rstrip()
    last = max(bare.rfind(char) for char in "<[")
    tail = bare[last:] if last >= 0 else ""
    partial = len(tail) >= _LEAST_OF_A_MARKER and any(
        marker.startswith(tail) and not _PLAIN.fullmatch(marker) for marker in all_markers()
    )
    return text[:last] if partial else text


def is_introduction(line: str) -> bool:
    """Say whether a line tells a person about the code that comes."""
    return _INTRODUCTION.match(line) is not None


def unwrapped(text: str, *, in_code: bool) -> str:
    """Take code out of its fence and the sentences around it.

    ``in_code``: the cursor is neither in a string nor in a comment.
    """
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return text
    begin = _fence_after_introduction(lines, first)
    if begin is not None:
        mark = lines[begin].strip()[:3]
        stop = next(
            (number for number in range(begin + 1, len(lines)) if lines[number].strip().startswith(mark)),
            len(lines),
        )
        return "\n".join(lines[begin + 1 : stop])
    if not in_code:
        return text
    if _REFUSAL.match(text):
        return ""
    if is_introduction(lines[first]) and not _CODE_SIGNS.search(lines[first]):
        lines = lines[first + 1 :]
        while lines and not lines[0].strip():
            lines = lines[1:]
    return "\n".join(lines[: _end_of_code(lines)])


def _fence_after_introduction(lines: list[str], first: int) -> int | None:
    """Return the line of the fence that an answer begins with, after nothing or a few sentences."""
    if FENCE.match(lines[first]):
        return first
    if not is_introduction(lines[first]):
        return None
    return next((number for number in range(first + 1, len(lines)) if FENCE.match(lines[number])), None)


def _end_of_code(lines: list[str]) -> int:
    """Return the line at which an answer without a fence at its head stops to be code."""
    for number in range(1, len(lines)):
        line = lines[number]
        if line.rstrip() in ("```", "~~~"):
            return number
        after_blank = not lines[number - 1].strip()
        if (
            after_blank
            and line[:1].isupper()
            and _COMMENT_BEHIND.match(line)
            and not _CODE_SIGNS.search(line)
        ):
            return number
    return len(lines)
