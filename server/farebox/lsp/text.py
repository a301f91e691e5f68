"""The text of an open document as its editor sees it: lines, positions in its units, edits of ranges.

An edit costs what it touches, however long the document is. Knows no address, no version, no message.
"""

import re
import sys
from copy import copy
from itertools import pairwise
from typing import Final, Literal, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]
"""What a position counts within a line."""

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
"""All that ends a line by the protocol. To Python a form feed does too, and some more."""

_NEAR_LINES: Final = 512
"""How far from where the text was parted last most of it need not be put together anew."""


class Text:
    """A text that is edited in place.

    An inverted range is put in order. What lies past a line's end is that end; what lies past the last line
    is the end of the text.
    """

    def __init__(self, source: str, encoding: Encoding = "utf-16") -> None:
        self.encoding: Encoding = encoding
        self._source: str | None = _whole(source)
        # Each line with its end. The last, which may be empty, is the one that has none.
        self._lines = _lines(self._source)
        self.length = len(self._source)
        # What a key after a key needs of a long text: so many of its first and of its last lines, joined.
        self._first: tuple[int, str] = (0, "")
        self._last: tuple[int, str] = (0, "")

    @property
    def source(self) -> str:
        """The whole text, put together anew only after an edit."""
        if self._source is None:
            self._source = self.snapshot()
        return self._source

    def snapshot(self) -> str:
        """Return the whole text, in any thread: to join a list is one step of the interpreter."""
        return "".join(self._lines)

    def copy(self) -> "Text":
        """Return a text that edits of this one leave as it is."""
        twin = copy(self)
        twin._lines = self._lines.copy()
        return twin

    def replace(self, start_line: int, start_char: int, end_line: int, end_char: int, new: str) -> None:
        """Put a text in the place of a range."""
        start, end = sorted(((start_line, start_char), (end_line, end_char)))
        first, before, _ = self._cut(*start)
        last, _, after = self._cut(*end)
        edited = _whole(before + new + after)
        if first and edited.startswith("\n") and self._lines[first - 1].endswith("\r"):
            first -= 1  # the two meet, and end one line together
            edited = self._lines[first] + edited
        fresh = _lines(edited)
        if last + 1 < len(self._lines):
            fresh.pop()  # what follows the last line's end is the next line
        if first < self._first[0]:
            self._first = (0, "")
        if last >= len(self._lines) - self._last[0]:
            self._last = (0, "")
        self.length += len(edited) - sum(map(len, self._lines[first : last + 1]))
        self._lines[first : last + 1] = fresh
        self._source = None

    def around(self, line: int, character: int) -> tuple[str, str]:
        """Return what stands before a position, and after it."""
        at, before, after = self._part(line, character)
        return self._joined_to(at, before), self._joined_from(at + 1, after)

    def within(self, line: int, character: int) -> tuple[int, int]:
        """Return where in the text a position is."""
        at, before, _ = self._part(line, character)
        return at, self.units(before)

    def between(self, start_line: int, start_char: int, end_line: int, end_char: int) -> str:
        """Return what stands in a range."""
        start, end = sorted(((start_line, start_char), (end_line, end_char)))
        first, before, _ = self._part(*start)
        last, _, after = self._part(*end)
        lines = "".join(self._lines[first : last + 1])
        return lines[len(before) : len(lines) - len(after)]

    def units(self, text: str) -> int:
        """Count a text as positions do."""
        if text.isascii() or self.encoding == "utf-32":
            return len(text)
        if self.encoding == "utf-8":
            return len(text.encode("utf-8", "surrogatepass"))
        return utf16_length(text)

    def _joined_to(self, line: int, end: str) -> str:
        """Join the lines before one, and an end."""
        count, text = self._first
        if not 0 <= line - count <= _NEAR_LINES:
            count = max(0, line - _NEAR_LINES // 2)
            text = "".join(self._lines[:count])
            self._first = (count, text)
        return "".join((text, *self._lines[count:line], end))

    def _joined_from(self, line: int, beginning: str) -> str:
        """Join a beginning, and the lines from one on."""
        count, text = self._last
        start = len(self._lines) - count
        if not 0 <= start - line <= _NEAR_LINES:
            start = min(len(self._lines), line + _NEAR_LINES // 2)
            text = "".join(self._lines[start:])
            self._last = (len(self._lines) - start, text)
        return "".join((beginning, *self._lines[line:start], text))

    def _part(self, line: int, character: int) -> tuple[int, str, str]:
        """Part a line at a position, or before the character that the position is in the middle of."""
        at, before, after = self._cut(line, character)
        whole = _whole(before + after)
        if len(whole) < len(before) + len(after):
            before, after = before[:-1], whole[len(before) - 1 :]
        return at, before, after

    def _cut(self, line: int, character: int) -> tuple[int, str, str]:
        """Return which line a position is in, and the parts before and after it."""
        if line >= len(self._lines):
            line, character = len(self._lines) - 1, sys.maxsize
        elif line < 0:
            line, character = 0, 0
        text = self._lines[line]
        words = text.rstrip("\r\n")
        before, after = _halves(words, max(character, 0), self.encoding)
        return line, before, after + text[len(words) :]


def utf16_length(text: str) -> int:
    """Count a text's UTF-16 code units, whatever the positions of this connection count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _lines(text: str) -> list[str]:
    """Cut a text behind each line's end."""
    if "\r" not in text:  # the usual case, many times as fast
        *ended, last = text.split("\n")
        return [*(line + "\n" for line in ended), last]
    ends = [end.end() for end in _LINE_END.finditer(text)]
    return [text[start:end] for start, end in pairwise((0, *ends, len(text)))]


def _halves(words: str, character: int, encoding: Encoding) -> tuple[str, str]:
    """Cut a line's words after so many units.

    A surrogate pair is cut in two, as an editor's UTF-16 is; no edit can mean the middle of a UTF-8 sequence.
    """
    if encoding == "utf-32" or words.isascii():
        return words[:character], words[character:]
    if encoding == "utf-16":
        codec, cut = "utf-16-le", 2 * character
        raw = words.encode(codec, "surrogatepass")
    else:
        codec, cut = "utf-8", character
        raw = words.encode(codec, "surrogatepass")
        while 0 < cut < len(raw) and raw[cut] & 0xC0 == 0x80:  # noqa: PLR2004  not a character's first byte
            cut -= 1
    return raw[:cut].decode(codec, "surrogatepass"), raw[cut:].decode(codec, "surrogatepass")


def _whole(text: str) -> str:
    """Make one character of the two halves of a surrogate pair, wherever they have met."""
    try:
        text.encode()
    except UnicodeEncodeError:  # only of surrogates
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text
