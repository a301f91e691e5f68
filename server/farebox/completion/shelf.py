"""The files of one family of languages, learned: their words, and their tokens in one long row.

Written by one thread at a time; others may read meanwhile. No shelf is tidied in place: ``tidied`` makes
a new one of what is still wanted, and whoever holds the old one may read on.
"""

import time
from array import array
from collections.abc import Iterator
from itertools import islice
from threading import Lock
from typing import Final

from farebox.completion.grams import END, Grams
from farebox.completion.tokens import UNSAID, kind_of, pieces, token_of

SLICE_CHARS: Final = 1_500
PAUSE_S: Final = 0.0005
"""After each slice of work (less than a millisecond) others may have the interpreter for so long."""

CONTEXTS: Final = (5, 2)
SMALL_BITS: Final = 13
LARGE_BITS: Final = 19
LARGE_TOKENS: Final = 1 << 16
"""From so many tokens on a shelf gets large tables."""

_SLICE_TOKENS: Final = 512


class Words:
    """Tokens by number, how often each has been learned, and its kind. Number 0 stands for none."""

    __slots__ = ("_lock", "_numbers", "counts", "kinds", "texts")

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = {UNSAID: END}
        self.texts = [UNSAID]
        self.counts = array("I", (0,))
        self.kinds = array("I", (0,))

    def find(self, text: str) -> int:
        """Return a token's number, END if there is none."""
        return self._numbers.get(text, END)

    def number(self, text: str) -> int:
        """Return a token's number, a new one if need be. Any thread may ask."""
        known = self._numbers.get(text)
        if known is not None:
            return known
        with self._lock:
            number = self._numbers.get(text, len(self.texts))
            if number == len(self.texts):
                self.texts.append(text)
                self.counts.append(0)
                self.kinds.append(kind_of(text))
                self._numbers[text] = number  # last: who reads the number finds the rest
            return number


class Shelf:
    """What has been learned of files, by their paths."""

    __slots__ = ("_dead", "_files", "_large", "grams", "words")

    def __init__(self, *, large: bool = False) -> None:
        self.words = Words()
        self.grams = Grams(LARGE_BITS if large else SMALL_BITS, CONTEXTS, self.words.kinds)
        self._large = large
        self._files: dict[str, tuple[int, int]] = {}
        self._dead = 0

    def __len__(self) -> int:
        """Count the tokens of its files."""
        return len(self.grams.tokens) - self._dead

    @property
    def untidy(self) -> bool:
        """True where a new shelf would be much smaller, or should be a larger kind.

        Words may be those of drafts alone: a file that is too long is never learned.
        """
        unused = max(self._dead, len(self.words.texts) - len(self))
        return unused > max(len(self), LARGE_TOKENS) // 2 or (len(self) > LARGE_TOKENS) > self._large

    def learn(self, path: str, text: str) -> None:
        """Learn a file, in slices; what was known of it is forgotten."""
        self.forget(path)
        start = len(self.grams.tokens)
        for numbers in self._numbered(text):
            self._append(path, start, numbers)
        self.grams.extend((END,))
        self._files[path] = (start, len(self.grams.tokens))

    def forget(self, path: str) -> None:
        """Forget a file; nothing of it is found from now on."""
        start, end = self._files.pop(path, (0, 0))
        counts = self.words.counts
        for at in range(start, end, _SLICE_TOKENS):
            upto = min(at + _SLICE_TOKENS, end)
            for number in self.grams.tokens[at:upto]:
                counts[number] -= number != END
            self.grams.forget(at, upto)
            time.sleep(PAUSE_S)
        self._dead += end - start

    def forget_oldest(self, most_tokens: int) -> None:
        """Forget files, the first learned first, until so many tokens are left."""
        while len(self) > most_tokens and len(self._files) > 1:
            self.forget(next(iter(self._files)))

    def tidied(self) -> "Shelf":
        """Return a shelf with the same files, without gaps and without the words of what is forgotten."""
        new = Shelf(large=len(self) > LARGE_TOKENS)
        texts = self.words.texts
        for path, (start, end) in self._files.items():
            first = len(new.grams.tokens)
            for at in range(start, end, _SLICE_TOKENS):
                old = self.grams.tokens[at : min(at + _SLICE_TOKENS, end)]
                new._append(path, first, [new.words.number(texts[number]) for number in old])
        return new

    def _append(self, path: str, start: int, numbers: list[int]) -> None:
        counts = self.words.counts
        for number in numbers:
            counts[number] += number != END
        self.grams.extend(numbers)
        self._files[path] = (start, len(self.grams.tokens))
        time.sleep(PAUSE_S)

    def _numbered(self, text: str) -> Iterator[list[int]]:
        """Yield the numbers of a text's tokens in slices."""
        number = self.words.number
        indent = ""
        for part in _parts(text):
            numbers: list[int] = []
            for piece in part:
                token, indent = token_of(piece, indent)
                numbers.append(number(token))
            yield numbers


def _parts(text: str) -> Iterator[list[str]]:
    """Cut a text into pieces, a slice at a time, each slice up to the end of a line where there is one."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + SLICE_CHARS, start + 2 * SLICE_CHARS)
        end = end if end >= 0 else min(start + 2 * SLICE_CHARS, len(text))
        cut = pieces(text, start, end)
        many = iter(cut)
        while part := list(islice(many, _SLICE_TOKENS)):
            yield part
        start = end
