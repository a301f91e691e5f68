"""A word that was meant, from what was typed: a common word with one slip in it. Knows no word by itself."""

from collections.abc import Iterable, Mapping
from typing import Final

SHORTEST_REPAIRED: Final = 4
LONGEST_REPAIRED: Final = 16


def slips_of(words: Iterable[str]) -> dict[str, str]:
    """Return each word as it is, and without each of its letters: so two words meet that are a slip apart."""
    return {
        wrong: word
        for word in sorted(words)
        for wrong in (word, *(word[:at] + word[at + 1 :] for at in range(len(word))))
    }


def meant_by(word: str, slips: Mapping[str, str]) -> str | None:
    """Return the known word that differs by one letter, or by two that are swapped; None if there is none."""
    if not SHORTEST_REPAIRED <= len(word) <= LONGEST_REPAIRED:
        return None
    shorter = (word[:at] + word[at + 1 :] for at in range(len(word)))
    near = (slips[wrong] for wrong in (word, *shorter) if wrong in slips)
    return next((meant for meant in near if _is_slip(word, meant)), None)


def _is_slip(word: str, meant: str) -> bool:
    """Tell whether one letter was forgotten, added, replaced or swapped with its neighbour."""
    start = next((at for at, (a, b) in enumerate(zip(word, meant, strict=False)) if a != b), None)
    if start is None:
        return True
    rest, meant_rest = word[start:], meant[start:]
    replaced = rest[1:] in (meant_rest[1:], meant_rest) or rest == meant_rest[1:]
    return replaced or (rest[:2] == meant_rest[1::-1] and rest[2:] == meant_rest[2:])
