"""Secrets in otherwise normal text: where they stand, and the text without them.

Cheap where there are none, which is nearly always: words are looked up by their beginnings, and an expression
is only tried where a mark of its format stands. The time is linear in the text, whatever is in it. Knows what
secrets look like; not who wrote the text or where it goes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from farebox.privacy.formats import START_CHARS, Format, formats

FEWEST_WORD_CHARS: Final = 15
"""A shorter word is no key of any format, nor the host of one's address."""

FEWEST_RANDOM_CHARS: Final = 16
FEWEST_NAMED_CHARS: Final = 8
MAX_NAMED_CHARS: Final = 512
MAX_KEY_LINES: Final = 200

_MANY_TURNS: Final = 6
"""A random run of sixteen characters changes so often between letters and digits, a name once or twice."""

_IN_WORDS: Final = "_-."
_WORD_TABLE: Final = bytes(
    code if (chr(code).isalnum() and code < 128) or chr(code) in _IN_WORDS else 32  # noqa: PLR2004  ASCII
    for code in range(256)
)

_NAMES: Final = ("secret", "passw", "passphrase", "token", "credential", "key", "authoriz")
_OF_A_KEY: Final = (
    *("api", "access", "auth", "private", "secret", "encryption", "signing"),
    *("master", "shared", "account", "storage", "client", "service"),
)
"""What stands before a ``key`` that is none of a table. In small letters."""

_BEFORE_KEY_CHARS: Final = 11

_NAMED: Final = re.compile(
    r"[\w.-]{0,40}+\\{0,3}[\"'\]]{0,2}\s{0,20}+"
    r"(?:(?::\s{0,4}[\w.\[\]|? ]{1,40}?)?[:=]{1,2}>?|[(,])\s{0,20}+"
    r"(?:[rbuf]{0,2}(?P<mark>\\{0,3}[\"'`])(?:(?i:bearer|basic|token)\s)?(?P<quoted>[^\s\"'`\\<>{}]{8,512})(?P=mark)"
    r"|(?:(?i:bearer|basic|token)\s)?(?P<bare>[A-Za-z0-9+/=_~.-]{16,512})(?=[\s,;}\\\"'`&]|\Z))",
    re.IGNORECASE,
)

_WORDY: Final = re.compile(
    r"[A-Za-z]*\d{0,4}|\d+|[a-z]+(?:\d{1,3}[a-z]+)?|[A-Z][a-z]+(?:[A-Z][a-z]+)*\d{0,3}"
)
_PARTS: Final = re.compile(r"[-_./:,@+=~#?&%]+")

_BEGIN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", re.ASCII)
_END: Final = "-----END "
_BODY: Final = re.compile(
    r"(?:(?:\\[nr]|[\s\"',;\\])*+(?:(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,100}+|[A-Za-z0-9+/=]{16,}+))++"
    r"(?:(?:\\[nr]|[\s\"',;\\+])*+[A-Za-z0-9+/]{1,76}+={0,2}(?=[\s\"'\\-]|\Z))?+",
    re.ASCII,
)
_LINE_OF_KEY: Final = re.compile(r"[A-Za-z0-9+/=]{1,120}")
_TAIL_OF_KEY: Final = re.compile(r"[A-Za-z0-9+/=]+\Z")


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret stands, and of what kind it is."""

    start: int
    end: int
    kind: str


def secrets_in(text: str) -> tuple[Secret, ...]:
    """Find what looks like a secret, in order and without overlaps."""
    small = _in_small_letters(text)
    found = [*_of_formats(text, small), *_named(text, small), *_private_keys(text)]
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


def is_random(word: str) -> bool:
    """Say whether a word is more likely a key or a hash than a name."""
    if len(word) < FEWEST_RANDOM_CHARS:
        return False
    digits = sum(char.isdigit() for char in word)
    if digits in (0, len(word)):
        return False
    turns = sum(one.isdigit() != other.isdigit() for one, other in pairwise(word))
    return turns >= _MANY_TURNS or (set(word.lower()) <= set("0123456789abcdef") and turns > 1)


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
    words = text.encode(errors="replace").replace(b"\\n", b"  ").translate(_WORD_TABLE).split()
    begun = {word[:START_CHARS] for word in words if len(word) >= FEWEST_WORD_CHARS}
    for start in begun & every.by_start.keys():
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


# --- named values --------------------------------------------------------------------------------


def _named(text: str, small: str) -> Iterator[Secret]:
    """Find random values that a name says to be secret."""
    for name in _NAMES:
        at = small.find(name)
        while at >= 0:
            is_meant = name != "key" or _is_of_a_lock(small, at)
            at += len(name)
            match = _NAMED.match(text, at) if is_meant else None
            if match is not None:
                quoted = match["quoted"]
                if _is_secret_value(quoted) if quoted is not None else is_random(match["bare"]):
                    start, end = match.span("quoted" if quoted is not None else "bare")
                    yield Secret(start, end, "password" if name.startswith("pass") else "value of a secret")
                    at = end
            at = small.find(name, at)


def _is_of_a_lock(small: str, at: int) -> bool:
    """Say whether a ``key`` there is one that opens something, and none of a table."""
    return small[max(0, at - _BEFORE_KEY_CHARS) : at].rstrip(" _.-").endswith(_OF_A_KEY)


def _in_small_letters(text: str) -> str:
    """Return a text in small letters, each at its place."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(char.lower()[:1] for char in text)


def _is_secret_value(value: str) -> bool:
    """Say whether a value is more likely a secret than a word, a name or a place."""
    if not any(char.isdigit() for char in value) or value.isdigit():
        return False
    return any(_WORDY.fullmatch(part) is None for part in _PARTS.split(value))


# --- private keys --------------------------------------------------------------------------------


def _private_keys(text: str) -> Iterator[Secret]:
    """Find the bodies of private keys, also of one whose beginning or end is not in the text."""
    if "PRIVATE KEY" not in text:
        return
    done = 0
    for begin in _BEGIN.finditer(text):
        if (body := _BODY.match(text, begin.end())) is not None and begin.end() >= done:
            done = body.end()
            yield Secret(begin.end(), done, "private key")
    at = text.find(_END)
    if at >= 0 and "PRIVATE KEY" in text[at : at + 64] and text.rfind("-----BEGIN ", 0, at) < 0:
        start = _start_of_key(text, at)
        if at - start >= FEWEST_RANDOM_CHARS:
            yield Secret(start, at, "private key")


def _start_of_key(text: str, end: int) -> int:
    """Go up the lines of a key whose beginning was cut off."""
    start = end
    for _ in range(MAX_KEY_LINES):
        above = text.rfind("\n", 0, max(start - 1, 0))
        line = text[above + 1 : start]
        if line.strip() and _LINE_OF_KEY.fullmatch(line.strip()) is None:
            tail = _TAIL_OF_KEY.search(line.rstrip()[-120:])
            return start if tail is None else above + 1 + len(line.rstrip()) - len(tail[0])
        start = above + 1
        if above < 0:
            break
    return start
