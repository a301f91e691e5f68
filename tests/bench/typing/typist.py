"""A person who types a known text: when each key comes, and which ghost text is taken.

Pure and deterministic: the time to the next key depends on the seed and the place in the text alone, so
that everybody who is measured sees the same keys, minus those that were accepted.
"""

import math
import random
import re
from dataclasses import dataclass

IN_WORD_MS, BETWEEN_WORDS_MS, LINE_START_MS = 125.0, 210.0, 700.0
SIGMA = 0.45
BACKSPACE_MS = 200.0
READING_MS = 400.0
MIN_GAP_MS, MAX_GAP_MS = 30.0, 5_000.0
TYPOS = 0.015
SEEN_MS = 350.0
"""How long ghost text is looked at before it is taken."""
MIN_TAKEN_CHARS = 6
_TYPED_WRONG = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Key:
    """One press: characters that come (an editor indents a new line itself), or one that goes."""

    insert: str
    erase: int
    gap_ms: float
    """The time between the change before and this key."""


class Typist:
    """The state of one text being typed."""

    def __init__(self, text: str, seed: str) -> None:
        self._text = text
        self._seed = seed
        self._typo = False
        self._reading = False
        self._corrected = -1
        self.at = 0

    @property
    def done(self) -> bool:
        """True when the text is complete."""
        return self.at >= len(self._text) and not self._typo

    @property
    def rest(self) -> str | None:
        """What is still to come; None while there is a typo before the cursor."""
        return None if self._typo else self._text[self.at :]

    def next_key(self) -> Key:
        """Say which key comes next, and when."""
        chance = random.Random(f"{self._seed}/{self.at}/{self._typo}")
        if self._typo:
            return Key("", 1, BACKSPACE_MS)
        gap_ms = _gap(self._text, self.at, chance)
        if self._reading:
            gap_ms = max(gap_ms, READING_MS)
        char = self._text[self.at]
        if chance.random() < TYPOS and char.isalpha() and self._corrected < self.at:
            wrong = chance.choice(_TYPED_WRONG.replace(char.lower(), ""))
            return Key(wrong, 0, gap_ms)
        return Key(_with_indentation(self._text, self.at), 0, gap_ms)

    def press(self, key: Key) -> None:
        """Take note that a key was pressed."""
        self._reading = False
        if key.erase:
            self._typo, self._corrected = False, self.at
        elif self._text.startswith(key.insert, self.at):
            self.at += len(key.insert)
        else:
            self._typo = True

    def taken(self, ghost: str) -> str | None:
        """Return what of a ghost text is accepted: the whole, its first line, or None."""
        if self._typo:
            return None
        if self._fits(ghost):
            return ghost
        first, line_feed, _ = ghost.partition("\n")
        return first if line_feed and self._fits(first) and self._ends_line(first) else None

    def accept(self, text: str) -> None:
        """Take note that this much was accepted."""
        self.at += len(text)
        self._reading = True

    def _fits(self, text: str) -> bool:
        return len(text.strip()) >= MIN_TAKEN_CHARS and self._text.startswith(text, self.at)

    def _ends_line(self, text: str) -> bool:
        """A first line that is longer in truth is right as far as it goes, but it is no right line."""
        end = self.at + len(text)
        return end >= len(self._text) or self._text[end] == "\n"


def _gap(text: str, at: int, chance: random.Random) -> float:
    """Draw the time to the key at a place."""
    before, char = text[at - 1 : at], text[at]
    if not before or before == "\n" or not text[text.rfind("\n", 0, at) + 1 : at].strip():
        median = LINE_START_MS
    elif _is_word(before) and _is_word(char):
        median = IN_WORD_MS
    else:
        median = BETWEEN_WORDS_MS
    return min(MAX_GAP_MS, max(MIN_GAP_MS, median * math.exp(chance.gauss(0, SIGMA))))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _with_indentation(text: str, at: int) -> str:
    """Return the character at a place, with the indentation that an editor writes by itself."""
    if text[at] == "\n":
        indentation = re.compile(r"[ \t]*").match(text, at + 1)
        assert indentation is not None
        return text[at : indentation.end()]
    if text[at] in " \t" and not text[text.rfind("\n", 0, at) + 1 : at].strip():
        indentation = re.compile(r"[ \t]+").match(text, at)
        assert indentation is not None
        return indentation[0]
    return text[at]
