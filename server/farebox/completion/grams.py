"""Where a run of tokens has stood before: the tokens of many files, and chains of equal contexts.

One array of tokens, and an array and a table for each length of context: 16 bytes a token with two.
Written by one thread and read by another without a lock: what a reader meets half-written is a chain that
ends early, or a context that its comparison refuses. Knows numbers only, not what they stand for.
"""

from array import array
from collections.abc import Sequence
from typing import Final

END: Final = 0
"""Stands between files, and where one has been forgotten; no context reaches across it."""

MAX_MATCH: Final = 12
"""A context that agrees for so many tokens is not compared further."""


class Grams:
    """Tokens in the order in which they were learned; ``lengths`` are the contexts', the longest first."""

    __slots__ = ("_chains", "_heads", "_kinds", "_longest", "_mask", "_older", "tokens")

    def __init__(self, bits: int, lengths: tuple[int, ...], kinds: Sequence[int] = ()) -> None:
        """Make an empty row. ``kinds`` has a kind for each token, 0 for none; it may grow."""
        self._mask = (1 << bits) - 1
        self._longest = max(lengths)
        self._chains = tuple((length, array("I", bytes(4 << bits)), array("I", (0,))) for length in lengths)
        self._kinds = kinds
        self._heads = array("I", bytes(4 << bits))
        self._older = array("I", (0,))
        self.tokens = array("I", (END,))

    def extend(self, tokens: Sequence[int]) -> None:
        """Learn tokens that follow the last ones."""
        at = len(self.tokens)
        before = self.tokens[max(0, at - self._longest) :].tolist()
        run = [END] * (self._longest - len(before)) + before + list(tokens)
        self.tokens.extend(tokens)
        mask, count = self._mask, len(tokens)
        for length, heads, older in self._chains:
            first = self._longest - length
            contexts = zip(*(run[first + i : first + i + count] for i in range(length)), strict=True)
            for position, context in enumerate(contexts, at):
                slot = hash(context) & mask
                older.append(heads[slot])
                heads[slot] = position
        kinds, heads, older = self._kinds, self._heads, self._older
        for position, token in enumerate(tokens, at):
            kind = kinds[token] & mask if kinds else 0
            older.append(heads[kind] if kind else 0)
            if kind:
                heads[kind] = position

    def truncate(self, size: int) -> None:
        """Unlearn the tokens from a position on. Nobody may read meanwhile."""
        tokens, mask = self.tokens, self._mask
        for length, heads, older in self._chains:
            for position in range(len(tokens) - 1, size - 1, -1):
                context = (END,) * (length - position) + tuple(tokens[max(position - length, 0) : position])
                heads[hash(context) & mask] = older[position]
            del older[size:]
        kinds, heads, older = self._kinds, self._heads, self._older
        for position in range(len(tokens) - 1, size - 1, -1):
            if kinds and (kind := kinds[tokens[position]] & mask):
                heads[kind] = older[position]
        del older[size:]
        del tokens[size:]

    def forget(self, start: int, end: int) -> None:
        """Put END in the place of these tokens."""
        self.tokens[start:end] = array("I", bytes(4 * (end - start)))

    def places(self, context: Sequence[int], most: int) -> list[tuple[int, int]]:
        """Return where a context (its last token first) ends: positions after it, and how many tokens agree.

        The chains of long contexts come first, and of each the newest places; ``most`` bounds the work.
        """
        tokens = self.tokens
        size = len(tokens)
        limit = min(len(context), MAX_MATCH)
        found: dict[int, int] = {}
        for length, heads, older in self._chains:
            if limit < length:
                continue
            at = heads[hash(tuple(context[length - 1 :: -1])) & self._mask]
            left = most
            while at and left:
                left -= 1
                if at not in found and at < size:
                    agreed = 0
                    back = at - 1
                    while agreed < limit and tokens[back] == context[agreed]:
                        agreed += 1
                        back -= 1
                    if agreed >= length:
                        found[at] = agreed
                at = older[at]
        return [(at, agreed) for at, agreed in found.items() if tokens[at] != END]

    def places_of(self, kind: int, context: Sequence[int], most: int) -> list[tuple[int, int]]:
        """Return where tokens of a kind (or, by chance, another) stand, and how many before them agree."""
        tokens = self.tokens
        size = len(tokens)
        limit = min(len(context), MAX_MATCH)
        found: list[tuple[int, int]] = []
        at = self._heads[kind & self._mask] if kind & self._mask else 0
        while at and most:
            most -= 1
            if at < size and tokens[at] != END:
                agreed = 0
                back = at - 1
                while agreed < limit and tokens[back] == context[agreed]:
                    agreed += 1
                    back -= 1
                found.append((at, agreed))
            at = self._older[at]
        return found
