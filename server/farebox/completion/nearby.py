"""What the text at the cursor is about: its words, each with a weight.

A word counts more the nearer it stands to the cursor and the fewer files have it. Knows a window and how
often words occur; nothing of where they are looked for.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

from farebox.completion.index import IDENTIFIER
from farebox.completion.matches import matches
from farebox.completion.window import Window

LINES_BEFORE = 24
LINES_AFTER = 4
DECAY = 0.9
AFTER_WEIGHT = 0.7
UNKNOWN_WEIGHT = 0.2
MESSAGE_WEIGHT = 0.8
MAX_WORDS = 60

_LINE = re.compile(r"\S(?:[^\n]*\S)?")


@dataclass(frozen=True, slots=True)
class Nearby:
    """``words`` are those at the cursor, the weightiest first; ``seen`` all that the window shows."""

    words: tuple[tuple[str, float], ...]
    seen: frozenset[str]
    lines: frozenset[str]


def nearby(
    window: Window, *, count: Callable[[str], int], files: int, messages: tuple[str, ...] = ()
) -> Nearby:
    """Weigh the words around the cursor. ``count`` says in how many of ``files`` a word occurs.

    ``messages`` are an editor's diagnostics of the file: what they name is looked for too.
    """
    weights: dict[str, float] = {}
    # The line that is being typed counts up to the word before the last: so that a key changes nothing.
    above = window.prefix.rsplit("\n", LINES_BEFORE)[-LINES_BEFORE:]
    for distance, line in enumerate(reversed(above)):
        _weigh(weights, line, DECAY**distance)
    for distance, line in enumerate(window.suffix.split("\n", LINES_AFTER)[:LINES_AFTER]):
        _weigh(weights, line, AFTER_WEIGHT * DECAY**distance)
    for message in messages:
        _weigh(weights, message, MESSAGE_WEIGHT)
    for word in weights:
        weights[word] *= rarity(count(word), files)
    ranked = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    return Nearby(
        words=tuple((word, weight) for word, weight in ranked[:MAX_WORDS] if weight > 0),
        seen=_shown(IDENTIFIER, window),
        lines=_shown(_LINE, window),
    )


def rarity(count: int, files: int) -> float:
    """Between 0, for a word that each file has, and 1, for one that a single file has."""
    if count == 0:
        return UNKNOWN_WEIGHT
    return max(0.0, math.log((files + 2) / (count + 0.5)) / math.log(files + 2))


def _shown(pattern: re.Pattern[str], window: Window) -> frozenset[str]:
    return frozenset(chain(matches(pattern, window.prefix), matches(pattern, window.suffix)))


def _weigh(weights: dict[str, float], line: str, weight: float) -> None:
    for word in IDENTIFIER.findall(line):
        if weight > weights.get(word, 0.0):
            weights[word] = weight
