"""The insertion in what a chat model wrote around it, also while it is still writing.

Models wrap their answer in thoughts, prose, fences and tags, and like to begin with what stands before the
cursor. ``running_answer`` never takes back what it has given out of an answer that keeps to the form: what
may still turn out to be a tag, a fence or an echo is held back until that is clear. Pure; knows no provider.
What of the insertion is worth showing is ``trim``'s to say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from farebox.completion.window import Window

HOLE: Final = "{{FILL_HERE}}"
OPEN: Final = "<COMPLETION>"
CLOSE: Final = "</COMPLETION>"

MAX_ECHO_LINES: Final = 8
FEWEST_ECHO_CHARS: Final = 3
FEWEST_TAG_CHARS: Final = 3
"""From so many on the beginning of a closing tag at the very end is no code."""

_THOUGHTS: Final = re.compile(
    r"<(think|thinking|thought|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE
)
_END_OF_THOUGHTS: Final = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_OPEN: Final = re.compile(re.escape(OPEN), re.IGNORECASE)
_CLOSE: Final = re.compile(rf"{re.escape(CLOSE)}|{re.escape(HOLE)}", re.IGNORECASE)
_FENCE: Final = re.compile(r"^[ \t]*```[^\n]*$", re.MULTILINE)
_HALF_FENCE: Final = re.compile(r"\n[ \t]*`{0,2}\Z")
_PROSE: Final = re.compile(
    r"\s*(?:(?i:here is|here's|sure|certainly|the (?:completion|missing|code)|this is the|below is)\b|I )"
)
_FENCED_LANGUAGES: Final = ("markdown", "mdx", "quarto", "rmd")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of an answer; ``is_whole``: nothing that is still to come belongs to it."""

    text: str
    is_whole: bool


def running_answer(raw: str, window: Window) -> str:
    """Find what is certain of the insertion in an answer that is still growing.

    Text without a tag is held back until its first line is whole, in case it is only an introduction.
    """
    return _read(raw, window, ended=False)


def last_answer(raw: str, window: Window) -> str:
    """Find the insertion in an answer that has come to its end."""
    return _read(raw, window, ended=True)


def _read(raw: str, window: Window, *, ended: bool) -> str:
    answer = _without_thoughts(raw)
    opened = _OPEN.search(answer)
    body = _until_close(answer[opened.end() :] if opened is not None else answer, ended=ended)
    body = _unfenced(body, window) if opened is not None else _untagged(body, window)
    if body.text and opened is not None:
        body = _on_the_line(body, window)
    return _without_echo(body, window)


def _without_thoughts(raw: str) -> str:
    # Some chat templates open the thoughts in the prompt, so that only their end is in the answer.
    *_, answer = _END_OF_THOUGHTS.split(_THOUGHTS.sub("", raw))
    return answer


def _until_close(text: str, *, ended: bool) -> _Piece:
    """Cut at the closing tag, and hold back what may be the beginning of one."""
    closed = _CLOSE.search(text)
    if closed is not None:
        return _Piece(text[: closed.start()], is_whole=True)
    fewest = FEWEST_TAG_CHARS if ended else 1
    held = max((_overlap(text, tag) for tag in (OPEN, CLOSE, HOLE)), default=0)
    kept = text[: len(text) - held] if held >= fewest else text
    return _Piece(kept, is_whole=ended)


def _overlap(text: str, tag: str) -> int:
    """Return how many characters at a text's end are a tag's beginning."""
    folded = text[-len(tag) :].upper()
    return next((size for size in range(len(tag) - 1, 0, -1) if folded.endswith(tag[:size].upper())), 0)


# --- fences and prose ----------------------------------------------------------------------------


def _unfenced(body: _Piece, window: Window) -> _Piece:
    """Take a fence off that the body begins with."""
    shown = body.text.lstrip()
    if window.language in _FENCED_LANGUAGES:
        return body
    if shown.startswith("```"):
        return _in_fence(body, len(body.text) - len(shown))
    if "```".startswith(shown):
        return body if body.is_whole else _Piece("", is_whole=False)
    return body


def _untagged(body: _Piece, window: Window) -> _Piece:
    """Find the code in an answer without tags: in a fence, or all of it if it is no prose."""
    shown = body.text.lstrip()
    if not body.is_whole and "\n" not in shown:
        return _Piece("", is_whole=False)
    if shown.startswith("```"):
        return _unfenced(body, window)
    fences = list(_FENCE.finditer(body.text))
    if _PROSE.match(body.text):
        return _in_fence(body, fences[0].start()) if fences else _Piece("", is_whole=body.is_whole)
    if not fences:
        return body
    if fences[0][0].strip() != "```" or len(fences) > 1:
        return _in_fence(body, fences[0].start())
    return _Piece(body.text[: fences[0].start()].removesuffix("\n"), is_whole=True)


def _in_fence(body: _Piece, start: int) -> _Piece:
    """Return what stands within the fence that begins there."""
    inside = body.text[start:].partition("\n")[2]
    closing = _FENCE.search(inside)
    if closing is not None:
        return _Piece(inside[: closing.start()].removesuffix("\n"), is_whole=True)
    if body.is_whole:
        return _Piece(inside, is_whole=True)
    half = _HALF_FENCE.search(f"\n{inside}")
    return _Piece(inside[: max(half.start() - 1, 0)] if half is not None else inside, is_whole=False)


# --- echoes --------------------------------------------------------------------------------------


def _on_the_line(body: _Piece, window: Window) -> _Piece:
    """Drop a line end right behind the tag, unless the text before the cursor may well end its line."""
    line = window.line_before
    may_end = line.strip() and not line[-1].isspace() and not window.line_after.strip()
    return body if may_end else _Piece(body.text.removeprefix("\n"), body.is_whole)


def _without_echo(body: _Piece, window: Window) -> str:
    """Drop what stands before the cursor from the beginning of a text; wait while it may be that."""
    echoes = tuple(_echoes(window))
    if not body.is_whole and any(echo.startswith(body.text) for echo in echoes):
        return ""
    found = [echo for echo in echoes if body.text.startswith(echo)]
    return body.text[len(max(found, key=len)) :] if found else body.text


def _echoes(window: Window) -> Iterator[str]:
    """Yield the current line, and several lines up to the cursor, with and without their indentation."""
    line = window.line_before
    if line.strip() and (len(line.strip()) >= FEWEST_ECHO_CHARS or line[-1].isalnum()):
        yield from (line, line.lstrip())
    lines = window.prefix.rsplit("\n", MAX_ECHO_LINES)[-MAX_ECHO_LINES:]
    for count in range(2, len(lines) + 1):
        tail = lines[-count:]
        if tail[0].strip() and sum(1 for one in tail if one.strip()) > 1:
            text = "\n".join(tail)
            yield from (text, text.lstrip())
