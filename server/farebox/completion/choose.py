"""Which pieces a prompt has room for: those that show most names that are not yet in sight, a character.

A name counts more if the file itself has it, and the more files have it; and only once: what a piece repeats
is worth nothing. Pure; the pieces of a file are put together in the file's order.
"""

import heapq
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from farebox.completion.index import Source
from farebox.completion.pieces import Piece

WORD = re.compile(r"[^\W\d]\w{3,}")
MIN_FILES = 10
MAX_TOO_LARGE = 40
"""Pieces that there is no room for, until the budget counts as used up."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What showing a name is worth."""

    workspace: float = 2.6
    power: float = 0.55
    in_file: float = 10.0
    piece_chars: int = 0
    """What a piece costs beside its text."""


WORTH = Worth()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lines of one file that are to be shown."""

    source: Source
    lines: tuple[tuple[int, str], ...]

    @property
    def text(self) -> str:
        """The lines, with a gap where some are left out."""
        parts: list[str] = []
        for number, (_, line) in enumerate(self.lines):
            parts.append(line)
            parts.append("\n" if number + 1 < len(self.lines) else "")
        return "".join(parts)


def choose(
    pieces: Sequence[Piece],
    *,
    seen: frozenset[str],
    budget_chars: int,
    head_chars: Callable[[Source], int],
    count: Callable[[str], int],
    files: int,
    own_words: frozenset[str],
    worth: Worth = WORTH,
) -> tuple[Chosen, ...]:
    """Take the pieces worth most a character until the budget is used up.

    ``head_chars`` is what naming a file costs, ``count`` says how many of ``files`` have a word, and
    ``own_words`` are those of the file itself.
    """
    values = _values(pieces, seen=seen, count=count, files=files, own_words=own_words, worth=worth)
    shown: dict[Source, dict[int, str]] = {}
    covered: set[str] = set()
    sizes = [_size(piece.lines) for piece in pieces]
    queue = [
        (-_value(piece, words) / (sizes[number] + worth.piece_chars), number)
        for number, (piece, words) in enumerate(zip(pieces, values, strict=True))
        if words
    ]
    heapq.heapify(queue)
    left = budget_chars
    too_large = 0
    while queue and too_large < MAX_TOO_LARGE:
        _, number = heapq.heappop(queue)
        piece, words = pieces[number], values[number]
        there = shown.get(piece.source, {})
        new = [(at, line) for at, line in piece.lines if at not in there] if there else piece.lines
        for word in covered.intersection(words):
            del words[word]
        if not new or not words:
            continue
        size = _size(new) if there else sizes[number]
        density = _value(piece, words) / (size + worth.piece_chars)
        if queue and density < -queue[0][0]:
            heapq.heappush(queue, (-density, number))
            continue
        size += 0 if there else head_chars(piece.source)
        if size > left:
            too_large += 1
            continue
        left -= size
        shown.setdefault(piece.source, {}).update(new)
        covered.update(words)
    return tuple(Chosen(source, tuple(sorted(lines.items()))) for source, lines in shown.items())


def _values(
    pieces: Sequence[Piece],
    *,
    seen: frozenset[str],
    count: Callable[[str], int],
    files: int,
    own_words: frozenset[str],
    worth: Worth,
) -> list[dict[str, float]]:
    """The words of each piece that are not in sight, with what they are worth."""
    files = max(files, MIN_FILES)
    prices: dict[str, float] = dict.fromkeys(seen, 0.0)
    values: list[dict[str, float]] = []
    for piece in pieces:
        words: dict[str, float] = {}
        for word in WORD.findall("\n".join([line for _, line in piece.lines])):
            price = prices.get(word)
            if price is None:
                price = worth.workspace * ((count(word) or 0.5) / files) ** worth.power
                price *= worth.in_file if word in own_words else 1.0
                prices[word] = price
            if price:
                words[word] = price
        values.append(words)
    return values


def _value(piece: Piece, words: Mapping[str, float]) -> float:
    return piece.strength * sum(words.values()) + piece.alike * len(words)


def _size(lines: Iterable[tuple[int, str]]) -> int:
    return sum(len(line) + 1 for _, line in lines)
