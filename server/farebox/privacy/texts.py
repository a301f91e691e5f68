"""Secrets in otherwise normal text: where they stand, and the text without them.

Cheap where there are none, which is nearly always: words are looked up by their beginnings, and an expression
is only tried where a mark of its format stands. The time is linear in the text, whatever is in it. Knows what
secrets look like; not who wrote the text or where it goes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from farebox.privacy.formats import START_CHARS, Format, formats
from farebox.privacy.named_values import MAX_NAMED_CHARS, named_values_in
from farebox.privacy.private_keys import private_keys_in

FEWEST_WORD_CHARS: Final = 15
"""A shorter word is no key of any format, nor the host of one's address."""

SLICE_BYTES: Final = 4_096
_IN_WORDS: Final = "_-."
_WORD_TABLE: Final = bytes(
    code if (chr(code).isalnum() and code < 128) or chr(code) in _IN_WORDS else 32  # noqa: PLR2004  ASCII
    for code in range(256)
)

MASK: Final = re.compile(r"<secret(?:: [\w ,.-]{0,40})?(?:>|\Z)|:\*\*\*@", re.ASCII)
"""What stands for a secret in a text that has left, also where an answer ends within it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret stands, and of what kind it is."""

    start: int
    end: int
    kind: str


def secrets_in(text: str) -> tuple[Secret, ...]:
    """Find what looks like a secret, in order and without overlaps."""
    small = _in_small_letters(text)
    found = [
        *_of_formats(text, small),
        *(Secret(*one) for one in named_values_in(text, small)),
        *(Secret(*place, "private key") for place in private_keys_in(text)),
    ]
    return tuple(_apart(found)) if found else ()


def splits_secret(before: str, after: str) -> bool:
    """Say whether a place on a line is inside of a secret, and neither half of it could be known as one."""
    if not (before[-1:] and after[:1]) or before[-1].isspace() or after[0].isspace():
        return False
    before, after = before[-MAX_NAMED_CHARS:], after[:MAX_NAMED_CHARS]
    return any(one.start < len(before) < one.end for one in secrets_in(before + after))


def masked(text: str, found: Iterable[Secret]) -> str:
    """Put words in the place of secrets; the text never grows."""
    pieces: list[str] = []
    at = 0
    for one in found:
        pieces += (text[at : one.start], _shown(one.kind, one.end - one.start))
        at = one.end
    return "".join((*pieces, text[at:]))


def _shown(kind: str, room: int) -> str:
    words = (f"<secret: {kind}>", "<secret>", "***")
    return next((word for word in words if len(word) <= room), "")


def _apart(found: list[Secret]) -> Iterator[Secret]:
    """Order what was found; of two that overlap the earlier one takes in the other."""
    found.sort(key=lambda one: (one.start, -one.end))
    last = found[0]
    for one in found[1:]:
        if one.start < last.end:
            last = Secret(last.start, max(last.end, one.end), last.kind)
            continue
        yield last
        last = one
    yield last


# --- known formats -------------------------------------------------------------------------------


def _of_formats(text: str, small: str) -> Iterator[Secret]:
    every = formats()
    for start in _beginnings(text) & every.by_start.keys():
        for one in every.by_start[start]:
            for mark in one.starts:
                yield from _at_each(text, mark, one)
    for mark, one in every.by_mark:
        if mark in text:
            yield from _at_each(text, mark, one)
    for word, those in every.by_word:
        if word in small:
            for one in those:
                yield from (_secret(match, one.kind) for match in one.expression.finditer(text))


def _beginnings(text: str) -> set[bytes]:
    """Return how the long words of a text begin. Slices keep the list of words short."""
    data = text.encode(errors="replace").replace(b"\\n", b"  ").translate(_WORD_TABLE)
    begun: set[bytes] = set()
    at = 0
    while at < len(data):
        end = data.find(b" ", at + SLICE_BYTES)
        end = end if end >= 0 else len(data)
        begun |= {word[:START_CHARS] for word in data[at:end].split() if len(word) >= FEWEST_WORD_CHARS}
        at = end
    return begun


def _at_each(text: str, mark: str, one: Format) -> Iterator[Secret]:
    """Match a format at each place of its mark."""
    at = text.find(mark)
    while at >= 0:
        start = at - one.before
        begins = start >= 0 and (not mark[0].isalnum() or _begins_word(text, start))
        match = one.expression.match(text, start) if begins else None
        if match is not None:
            yield _secret(match, one.kind)
        at = text.find(mark, match.end() if match is not None else at + len(mark))


def _begins_word(text: str, at: int) -> bool:
    """Say whether a word may begin there, also behind what JSON or an address write for a character."""
    before = text[at - 1 : at] if at else ""
    if not before or not before.isascii() or not (before.isalnum() or before in _IN_WORDS):
        return True
    return text[max(0, at - 2) : at - 1] == "\\" or text[max(0, at - 3) : at - 2] == "%"


def _secret(match: re.Match[str], kind: str) -> Secret:
    start, end = match.span("secret" if "secret" in match.re.groupindex else 0)
    return Secret(start, end, kind)


def _in_small_letters(text: str) -> str:
    """Return a text in small letters, each at its place: one capital becomes two characters."""
    return text.replace("\u0130", "i").lower()
