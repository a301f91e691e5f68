"""An oracle of document text: a list of UTF-16 code units, as editors hold it, edited by LSP's positions.

Slow and plain on purpose: every position is found by walking from the beginning. It shares no code with
farebox.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
Place: TypeAlias = tuple[int, int]

MAX_UINTEGER = 2**31 - 1
_CR, _LF = 0x0D, 0x0A

PIECES = (
    *("a", "b", "xyz", " ", "\t", "", "0123456789"),
    *("\n", "\r\n", "\r", "\n\r", "\r\r", "\r\n\r\n", "one\ntwo\r\nthree\rfour"),
    *("\f", "\v", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\u2029", "a\fb\u2028c\x85d"),
    *("é", "e\u0301", "ß", "中", "漢字", "\u200d", "\u202e", "\ufeff", "\x00", "\x7f", "\uffff"),
    *("😀", "👩\u200d👩\u200d👧", "\U0001d4b3\U0001d4b4", "\U0010ffff", "a😀b", "😀\r\n😀"),
    *("\ud83d", "\ude00", "\udbff", "\udfff", "x\ud800", "\udc00y", "\ude00\ud83d"),
)
"""What text is made of here: all that a document's text has ever been cut wrongly at."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A range, by its lines and characters, becomes a text. The range may be any pair of places."""

    start: Place
    end: Place
    text: str


class Units:
    """The text of one document."""

    def __init__(self, source: str, encoding: Encoding) -> None:
        self._units = _units_of(source)
        self._encoding = encoding

    @property
    def source(self) -> str:
        """The text; halves of a pair that stand side by side are a character."""
        return _text_of(self._units)

    @property
    def lines(self) -> int:
        """How many lines there are: one more than line ends."""
        return len(self._line_starts())

    def replace(self, edit: Edit) -> None:
        """Apply an edit; a range that is the wrong way round is turned."""
        start, end = sorted((self.offset(edit.start), self.offset(edit.end)))
        self._units[start:end] = _units_of(edit.text)

    def split(self, place: Place) -> tuple[str, str]:
        """Return what stands before and after a place; one in the middle of a pair is before it."""
        at = self.offset(place)
        if 0 < at < len(self._units) and _is_pair(*self._units[at - 1 : at + 1]):
            at -= 1
        return _text_of(self._units[:at]), _text_of(self._units[at:])

    def offset(self, place: Place) -> int:
        """Return the code unit at a place: at most its line's end; past the last line the text's."""
        line, character = place
        starts = self._line_starts()
        if line >= len(starts):
            return len(self._units)
        at = starts[line]
        while at < len(self._units) and self._units[at] not in (_CR, _LF):
            width, units = self._width(at)
            if character < width:
                break
            character -= width
            at += units
        return at

    def _line_starts(self) -> list[int]:
        starts = [0]
        for at, unit in enumerate(self._units):
            after = self._units[at + 1] if at + 1 < len(self._units) else None
            if unit == _LF or (unit == _CR and after != _LF):
                starts.append(at + 1)
        return starts

    def _width(self, at: int) -> tuple[int, int]:
        """Return how much a position counts for the character here, and its code units."""
        unit = self._units[at]
        after = self._units[at + 1] if at + 1 < len(self._units) else 0
        pair = _is_pair(unit, after)
        if self._encoding == "utf-16":
            return 1, 1
        if self._encoding == "utf-32":
            return 1, 1 + pair
        return (4, 2) if pair else (1 + (unit > 0x7F) + (unit > 0x7FF), 1)


def _is_pair(high: int, low: int) -> bool:
    return 0xD800 <= high < 0xDC00 <= low < 0xE000


def random_text(dice: random.Random, pieces: int) -> str:
    """Return nasty text."""
    return "".join(dice.choice(PIECES) for _ in range(pieces))


def random_edits(dice: random.Random, text: Units, most: int = 1) -> Sequence[Edit]:
    """Return edits of a text, in it, at its ends and beyond; some the wrong way round."""
    return [_random_edit(dice, text) for _ in range(dice.randint(1, most))]


def _random_edit(dice: random.Random, text: Units) -> Edit:
    """Return an edit that is most often a small one, as editors send them: so the text may grow."""
    start = random_place(dice, text)
    shape = dice.random()
    if shape < 0.4:
        end = start
    elif shape < 0.8:
        end = _near(dice, start[0], 2), _near(dice, start[1], 4)
    else:
        end = random_place(dice, text)
    if dice.random() < 0.1:
        start, end = end, start
    return Edit(start, end, random_text(dice, dice.choice((0, 1, 1, 2, 4))))


def random_place(dice: random.Random, text: Units) -> Place:
    """Return a place in a text, at an end of it, or where there is none."""
    line = dice.choice((dice.randrange(text.lines), dice.randrange(text.lines + 2), text.lines - 1))
    character = dice.choice((0, dice.randrange(4), dice.randrange(12), dice.randrange(60), MAX_UINTEGER))
    return (line, character) if dice.random() < 0.98 else (MAX_UINTEGER, character)


def _near(dice: random.Random, number: int, most: int) -> int:
    return min(number + dice.randrange(most), MAX_UINTEGER)


def _units_of(source: str) -> list[int]:
    data = source.encode("utf-16-le", "surrogatepass")
    return [data[at] | data[at + 1] << 8 for at in range(0, len(data), 2)]


def _text_of(units: Sequence[int]) -> str:
    return b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "surrogatepass")
