"""A cursor's place in a document, and what was typed between two of them. Knows no model and no editor."""

from dataclasses import dataclass
from typing import Final

BEFORE_CHARS: Final = 1_024
AFTER_CHARS: Final = 512
MAX_TYPED_CHARS: Final = 768
"""More than that between two places is no typing."""

CLOSERS: Final = ")]}>\"'`"
MAX_ADDED_CHARS: Final = 80
"""How much closers and indentation an editor may put behind the cursor by itself."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a cursor is: ``offset`` characters into a document, between ``before`` and ``after``.

    ``before`` is the last BEFORE_CHARS of what stands before it, ``after`` the first AFTER_CHARS of the rest.
    """

    document: str
    offset: int
    before: str
    after: str

    def onward(self, text: str) -> "Spot":
        """Return the place after a text that was put in here."""
        before = (self.before + text)[-BEFORE_CHARS:]
        return Spot(self.document, self.offset + len(text), before, self.after)


def spot_in(document: str, prefix: str, suffix: str) -> Spot:
    """Return the place between the two halves of a document."""
    return Spot(document, len(prefix), prefix[-BEFORE_CHARS:], suffix[:AFTER_CHARS])


def typed_between(start: Spot, now: Spot) -> str | None:
    """Return the text that leads from one place to a later one; None if something else has changed.

    Brackets and quotes that an editor closes by itself may stand behind the cursor, and be typed over.
    """
    count = now.offset - start.offset
    if not 0 <= count <= MAX_TYPED_CHARS or start.document != now.document:
        return None
    typed = now.before[len(now.before) - count :]
    if not _ends_alike(start.before, now.before[: len(now.before) - count]):
        return None
    return typed if _goes_on_alike(start.after, now.after, typed) else None


def _ends_alike(one: str, other: str) -> bool:
    size = min(len(one), len(other))
    return one[len(one) - size :] == other[len(other) - size :]


def _goes_on_alike(then: str, now: str, typed: str) -> bool:
    """Whether what followed then still follows: after closers that an editor added, or without typed ones."""
    if _begin_alike(then, now):
        return True
    if not typed:
        return False
    if "\n" in typed and _begin_alike(then, _without_line_break(now)):
        return True
    added = _closers_at_start(now, len(typed))
    if any(_begin_alike(then, now[count:]) for count in range(1, added + 1)):
        return True
    gone = _closers_at_start(then, len(typed))
    return any(then[:count] in typed and _begin_alike(then[count:], now) for count in range(1, gone + 1))


def _begin_alike(one: str, other: str) -> bool:
    """Whether two texts that may be cut begin alike: the shorter one is either cut or whole."""
    size = AFTER_CHARS - MAX_ADDED_CHARS
    return one[:size] == other[:size]


def _without_line_break(text: str) -> str:
    """Leave out a line break and indentation before a closer: the editor put them between two brackets."""
    rest = text.lstrip()
    is_broken = text.startswith(("\n", "\r\n")) and rest[:1] in tuple(CLOSERS)
    return rest if is_broken and len(text) - len(rest) <= MAX_ADDED_CHARS else text


def _closers_at_start(text: str, most: int) -> int:
    count = 0
    while count < min(len(text), most, len(CLOSERS)) and text[count] in CLOSERS:
        count += 1
    return count
