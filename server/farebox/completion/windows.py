"""The stretches of a text that share most with the words at a cursor.

Told by offsets alone until the best ones are known: a text is searched for words, never cut into lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest

CHARS_BEFORE = 90
CHARS_AFTER = 320
MAX_OCCURRENCES = 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text around ``at``; ``score`` is the weight of the words in it, each counted once."""

    score: float
    at: int


def stretches(text: str, words: Sequence[tuple[str, float]], *, most: int) -> list[Stretch]:
    """Find the best places of a text, none near another one."""
    hits: list[tuple[int, str, float]] = []
    for word, weight in words:
        at = text.find(word)
        for _ in range(MAX_OCCURRENCES):
            if at < 0:
                break
            hits.append((at, word, weight))
            at = text.find(word, at + len(word))
    hits.sort()
    found: list[Stretch] = []
    inside: dict[str, int] = {}
    low = high = 0
    score = 0.0
    for at, _, _ in hits:
        while high < len(hits) and hits[high][0] <= at + CHARS_AFTER:
            _, word, weight = hits[high]
            inside[word] = inside.get(word, 0) + 1
            score += weight if inside[word] == 1 else 0.0
            high += 1
        while hits[low][0] < at - CHARS_BEFORE:
            _, word, weight = hits[low]
            inside[word] -= 1
            score -= weight if inside[word] == 0 else 0.0
            low += 1
        found.append(Stretch(score, at))
    best: list[Stretch] = []
    for stretch in nlargest(4 * most, found, key=lambda one: (one.score, -one.at)):
        if all(abs(stretch.at - other.at) > CHARS_BEFORE + CHARS_AFTER for other in best):
            best.append(stretch)
            if len(best) == most:
                break
    return best


def lines_around(text: str, at: int, *, before: int, after: int) -> tuple[int, list[str]]:
    """Cut out the lines around an offset. Returns where they begin, and the lines."""
    start = at
    for _ in range(before + 1):
        start = text.rfind("\n", 0, max(start, 0))
        if start < 0:
            break
    end = at
    for _ in range(after):
        end = text.find("\n", end + 1)
        if end < 0:
            end = len(text)
            break
    return start + 1, text[start + 1 : end].split("\n")


def lines_of(text: str, first: int, last: int) -> list[str]:
    """Cut out the lines from a number up to, and without, a last one. Lines count from 0."""
    start = 0
    for _ in range(first):
        start = text.find("\n", start) + 1
        if not start:
            return []
    end = start - 1
    for _ in range(first, last):
        end = text.find("\n", end + 1)
        if end < 0:
            end = len(text)
            break
    return text[start:end].split("\n") if first < last else []
