"""Where a text holds a key, however the key is written there, and the text without it.

Knows nothing of providers: a key is a string, and what it is for is not asked.
"""

import re
from collections.abc import Generator
from typing import Final
from weakref import WeakSet

SHOWN_AS: Final = "<secret>"
TELLING_CHARS: Final = 12
"""As many of a key's characters in a row are a part of it, and no coincidence."""

FEWEST_CHARS: Final = 6
"""A shorter key is a placeholder, such as ``k`` or ``none``, and a part of many words."""

_WRITTEN = re.compile(
    r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|[nrt])?|%(?:25)*([0-9A-Fa-f]{2})"
    r"|[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+"
)
"""How a text may write a character, or a line's end, or nothing that shows, between those of a key."""

_IN_SMALL_LETTERS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def without_keys(text: str) -> str:
    """Return a text without any key that this process holds."""
    for one in tuple(_known):
        text = one.redact(text)
    return text


class Redaction:
    """One key as it may turn up in other people's words."""

    __slots__ = ("__weakref__", "_parts", "_value")

    def __init__(self, key: str) -> None:
        self._value = key
        self._parts = _parts(key)
        if len(key) >= FEWEST_CHARS:
            _known.add(self)

    def is_in(self, text: str) -> bool:
        """Say whether a text holds the key, or enough of it in a row, however it is written.

        It never holds one of less than FEWEST_CHARS.
        """
        if len(self._value) < FEWEST_CHARS:
            return False
        return next(self._places(text), None) is not None

    def redact(self, text: str) -> str:
        """Replace the key and all parts of it of TELLING_CHARS or more, in time linear in the text.

        Large and small letters, ``\\u0041``, ``%41`` and what does not show make no difference. A key of less
        than TELLING_CHARS is replaced as a whole, one of less than FEWEST_CHARS where it stands alone.
        """
        shown: list[str] = []
        at = 0
        for start, end in _joined(sorted(self._places(text))):
            shown += (text[at:start], SHOWN_AS)
            at = end
        return "".join((*shown, text[at:]))

    def _places(self, text: str) -> Generator[tuple[int, int]]:
        """Yield where the key or a part of it begins and ends; several may overlap."""
        if len(self._value) < FEWEST_CHARS:
            alone = rf"(?<![A-Za-z0-9]){re.escape(self._value)}(?![A-Za-z0-9])"
            yield from (match.span() for match in re.finditer(alone, text, re.IGNORECASE))
            return
        yield from _found(self._value.translate(_IN_SMALL_LETTERS), text.translate(_IN_SMALL_LETTERS))
        bare, starts, ends = _bare(text)
        size = len(next(iter(self._parts), ""))
        for at in range(len(bare) - size + 1 if size else 0):
            if bare[at : at + size] in self._parts:
                yield starts[at], ends[at + size - 1]


_known: "WeakSet[Redaction]" = WeakSet()
"""All keys of this process but placeholders."""


def _parts(key: str) -> frozenset[str]:
    """Return all parts of a key that tell it, of one length and as ``_bare`` leaves them."""
    bare, _, _ = _bare(key)
    if len(bare) < FEWEST_CHARS:
        return frozenset()
    size = min(TELLING_CHARS, len(bare))
    return frozenset(bare[at : at + size] for at in range(len(bare) - size + 1))


def _found(words: str, text: str) -> Generator[tuple[int, int]]:
    at = text.find(words)
    while at >= 0:
        yield at, at + len(words)
        at = text.find(words, at + len(words))


def _bare(text: str) -> tuple[str, list[int], list[int]]:
    """Return the characters that a text writes, in small letters, and where each begins and ends in it."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for written in _WRITTEN.finditer(text):
        start, end = written.span()
        pieces.append(text[at:start])
        starts.extend(range(at, start))
        ends.extend(range(at + 1, start + 1))
        if code := written[1] or written[2] or written[3]:
            pieces.append(chr(int(code, 16)))
            starts.append(start)
            ends.append(end)
        at = end
    pieces.append(text[at:])
    starts.extend(range(at, len(text)))
    ends.extend(range(at + 1, len(text) + 1))
    return "".join(pieces).translate(_IN_SMALL_LETTERS), starts, ends


def _joined(places: list[tuple[int, int]]) -> Generator[tuple[int, int]]:
    """Yield sorted places, those that overlap or touch as one."""
    start = end = 0
    for here, there in places:
        if here > end:
            if end:
                yield start, end
            start = here
        end = max(end, there)
    if end:
        yield start, end
