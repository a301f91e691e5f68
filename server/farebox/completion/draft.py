"""The text before the cursor as tokens, kept while one types: each key costs what it changes.

It begins some way above the cursor when a document is met, and grows with it; what is oldest is forgotten
before it gets too long. Its last piece may go on with the next key, so it is not yet a token. The shelf
numbers its words, so that both can be compared.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from farebox.completion.grams import END, MAX_MATCH, Grams
from farebox.completion.shelf import Shelf
from farebox.completion.tokens import pieces, token_of

FIRST_CHARS: Final = 3_500
"""So much above the cursor is read when a document is met: it is done between two keys."""

MAX_CHARS: Final = 80_000
KEPT_CHARS: Final = 65_000
"""So much is left of a draft that has become too long: who types goes on for minutes until it is again."""

_CONTEXTS: Final = (6, 3, 1)
_BITS: Final = 12
_ANCHOR_CHARS: Final = 160


class Draft:
    """One document up to the cursor. ``last`` is its last piece, ``indent`` the indentation before that."""

    __slots__ = ("_ends", "_indents", "_text", "grams", "last", "shelf")

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._begin()

    @property
    def indent(self) -> str:
        """The indentation of the line in which the last piece begins."""
        return self._indents[-1] if self._indents else ""

    @property
    def newline(self) -> str:
        """How the document ends its lines."""
        return "\r\n" if "\r\n" in self._text[:2_000] else "\n"

    def context(self) -> list[int]:
        """Return the tokens before the last piece, the nearest first, up to where nothing is known."""
        tokens = self.grams.tokens[: -MAX_MATCH - 1 : -1].tolist()
        return tokens[: tokens.index(END)] if END in tokens else tokens

    def read(self, prefix: str) -> None:
        """Take in the document as it stands before the cursor."""
        text = self._continued(prefix)
        kept = _common(self._text, text)
        tokens = bisect_left(self._ends, kept)
        if tokens < len(self._ends):
            self.grams.truncate(1 + tokens)
            del self._ends[tokens:], self._indents[tokens:]
        at = self._ends[-1] if self._ends else 0
        indent = self.indent
        *complete, self.last = pieces(text, at) or [""]
        numbers: list[int] = []
        for piece in complete:
            at += len(piece)
            token, indent = token_of(piece, indent)
            numbers.append(self.shelf.words.number(token))
            self._ends.append(at)
            self._indents.append(indent)
        if numbers:
            self.grams.extend(numbers)
        self._text = text

    def _continued(self, prefix: str) -> str:
        """Return the text that goes on from what is known, wherever the window was cut; or begin anew."""
        known = self._text
        if prefix.startswith(known[:_ANCHOR_CHARS]) and len(known) >= min(len(prefix), _ANCHOR_CHARS):
            text = prefix
        elif (at := prefix.find(known[:_ANCHOR_CHARS])) >= 0 and len(known) >= _ANCHOR_CHARS:
            text = prefix[at:]
        elif (at := known.find(prefix[:_ANCHOR_CHARS])) >= 0 and len(prefix) >= _ANCHOR_CHARS:
            text = known[:at] + prefix
        else:
            text = ""
        kept = _common(known, text)
        if text and max(len(known), len(text)) - kept <= FIRST_CHARS:
            if len(text) > MAX_CHARS:
                text = text[self._forget_first(len(text) - KEPT_CHARS) :]
            if len(text) <= MAX_CHARS:  # else it is one endless word
                return text
        begun = prefix[-FIRST_CHARS:]
        line = begun.find("\n") + 1 if len(prefix) > FIRST_CHARS else 0
        self._begin()
        return begun[line:]

    def _begin(self) -> None:
        self._text = ""
        self._ends = array("I")
        self._indents: list[str] = []
        self.last = ""
        self.grams = self._row()

    def _row(self, tokens: Sequence[int] = ()) -> Grams:
        row = Grams(_BITS, _CONTEXTS, self.shelf.words.kinds)
        row.extend(tokens)
        return row

    def _forget_first(self, chars: int) -> int:
        """Forget the first tokens, of so many characters at most; return how many they are."""
        count = bisect_right(self._ends, chars)
        forgotten = self._ends[count - 1] if count else 0
        self._text = self._text[forgotten:]
        self._ends = array("I", [end - forgotten for end in self._ends[count:]])
        del self._indents[:count]
        self.grams = self._row(self.grams.tokens[1 + count :])
        return forgotten


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    if other.startswith(one):
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if other.startswith(one[:middle]):
            low = middle
        else:
            high = middle - 1
    return low
