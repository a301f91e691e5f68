"""Values that only a name beside them tells to be secret: ``password = "…"``, ``API_KEY=…``, ``token: …``.

A value in quotes must be no word, name or place; a bare one, which may be code, must look as if drawn by lot.
Linear in the text. Knows ``secrets.toml``'s names; no format of a key.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from farebox.privacy.formats import names

FEWEST_RANDOM_CHARS: Final = 16
FEWEST_NAMED_CHARS: Final = 8
MAX_NAMED_CHARS: Final = 512

_MANY_TURNS: Final = 6
"""A random run of sixteen characters changes so often between letters and digits, a name once or twice."""

_FEW_TURNS: Final = 3
_MAX_MEAN_RUN: Final = 2.6
"""Words are longer; what is drawn by lot stays with small letters, large ones or digits for two of them."""

_BEFORE_CHARS: Final = 40

_VALUE: Final = re.compile(
    r"(?P<tail>[\w.-]{0,40}+)\\{0,3}[\"'\]]{0,2}\s{0,20}+"
    r"(?P<sign>(?::\s{0,4}[\w.\[\]|? ]{1,40}?)?[:=]{1,2}>?|[(,])(?P<space>\s{0,20}+)"
    r"(?:[rbufRBUF]{0,2}(?P<mark>\\{0,3}(?:\"{3}|'{3}|[\"'`]))(?:(?i:bearer|basic|token)\s)?"
    r"(?P<quoted>[^\s\"'`\\<>{}]{8,512})(?P=mark)"
    r"|(?:(?i:bearer|basic|token)\s)?(?P<long>[A-Za-z0-9+/=_~.-]{16,512})(?=[\s,;}\\\"'`&]|\Z)"
    r"|(?P<short>[^\s\"'`\\<>{}()\[\]$;,&|=]{8,64}+)(?P<after>;|(?=\\?[\"'`&]|[ \t\r]*(?:\n|\Z))))"
)
_WORDY: Final = re.compile(
    r"[A-Za-z]*\d{0,4}|\d+|[a-z]+(?:\d{1,3}[a-z]+)?|[A-Z][a-z]+(?:[A-Z][a-z]+)*\d{0,3}"
    r"|v\d+(?:(?:alpha|beta|rc)\d*)?|\d{1,2}[A-Za-z]{1,3}"
)
_PARTS: Final = re.compile(r"[-_./:,@+=~#?&%|]+")
_WORDS: Final = re.compile(r"[^A-Za-z0-9]+")
_PUBLIC: Final = re.compile(
    r"arn:.*|0x[0-9a-f]{40}|sha\d{1,3}[:-].*|[a-z][\w.-]*\.[\w-]+/v\d\w*", re.IGNORECASE | re.ASCII
)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TYPE: Final = re.compile(r"\baws::[\w:]*\Z")
"""A type of CloudFormation's, which a table may give a hash."""

_ENDS_NAME: Final = re.compile(r"(?:or[dt]|d|ation|ed)?s?", re.IGNORECASE)
_PASSWORD_SIGNS: Final = frozenset("!@#%^*?")
_SIGNS_OF_PLACES: Final = frozenset("/:#%")


def named_values_in(text: str, small: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each begins and ends, and its kind. ``small`` is the text in small letters."""
    known = names()
    for word in (*known.words, *known.whole):
        at = small.find(word)
        while at >= 0:
            behind = at + len(word)
            is_meant = not small.startswith(known.unlike, at) and (
                word not in known.whole or _stands_alone(text, at, behind)
            )
            match = _VALUE.match(text, behind) if is_meant else None
            if match is not None and _is_secret(match, small, word, at):
                group = next(name for name in ("quoted", "long", "short") if match[name] is not None)
                start, end = match.span(group)
                yield start, end, "password" if word[0] == "p" else "value of a secret"
                behind = end
            at = small.find(word, behind)


def is_random(word: str) -> bool:
    """Say whether a word is more likely a key or a hash than a name."""
    if len(word) < FEWEST_RANDOM_CHARS:
        return False
    if not any(map(str.isdigit, word)) or not any(map(str.isalpha, word)):
        return False
    turns = sum(one.isdigit() != other.isdigit() for one, other in pairwise(word))
    return turns >= _MANY_TURNS or (set(word.lower()) <= set("0123456789abcdef") and turns > 1)


def _is_secret(match: re.Match[str], small: str, word: str, at: int) -> bool:
    """Judge a value by its name, by how it is written and by its looks."""
    value = match["quoted"] or match["long"] or match["short"]
    tail, sign = match["tail"], match["sign"]
    before = small[max(0, at - _BEFORE_CHARS) : at]
    is_call = sign in {"(", ","}
    if _PUBLIC.fullmatch(value) is not None or _TYPE.search(before) is not None:
        return False
    if is_call and _ENDS_NAME.fullmatch(tail) is None:
        return False
    is_about = _last_word(tail) in names().about
    if is_about and word != "secret" and _UUID.fullmatch(value) is not None:
        return False
    opens = word != "key" or _is_of_a_lock(before)
    if not opens and not match.string[at : at + 3].isupper():  # OPENAI_KEY is none of a table either
        return False
    if match["quoted"] is not None:
        if not opens or is_about or sign == ",":
            return is_random(value) or _is_drawn(value)
        return _is_no_word(value) or (word[0] == "p" and _is_password(value))
    if match["long"] is not None and is_random(value):
        return not is_call or sign == ","
    # A short one may be a variable's name, so it must be written as files of settings do.
    is_setting = not match["space"] if sign == "=" else sign == ":" and match["after"] != ";"
    return is_setting and (_is_drawn(value) or (word[0] == "p" and _is_password(value)))


def _is_of_a_lock(before: str) -> bool:
    """Say whether a ``key`` behind this is one that opens something, and none of a table."""
    return before.rstrip(" _.-").endswith(names().of_a_key)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Say whether a word there is a part of a name, as in ``DB_PASS`` and ``dbPass``."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    begins = not before.isalpha() or (before.islower() and text[start].isupper())
    return begins and not after.isalpha()


def _last_word(tail: str) -> str:
    """Return a name's last word: the ``id`` of ``Id``, ``_id`` and ``sManagerId``."""
    last = _WORDS.split(tail)[-1]
    large = max((at for at, char in enumerate(last) if char.isupper() and not last.isupper()), default=0)
    return last[large:].lower()


def _is_no_word(value: str) -> bool:
    """Say whether a value is more likely a secret than a word, a name or a place."""
    if not any(char.isdigit() for char in value) or value.isdigit():
        return False
    return any(_WORDY.fullmatch(part) is None for part in _PARTS.split(value))


def _is_drawn(value: str) -> bool:
    """Say whether a part of a value is surely drawn by lot: it changes its sort of character all the time."""
    return any(map(_changes_often, _WORDS.split(value)))


def _changes_often(part: str) -> bool:
    if len(part) < FEWEST_NAMED_CHARS or part.isalpha() or part.isdigit():
        return False
    sorts = ["1" if char.isdigit() else "A" if char.isupper() else "a" for char in part]
    turns = sum(one != other and (one, other) != ("A", "a") for one, other in pairwise(sorts))
    return turns >= _FEW_TURNS and len(part) <= _MAX_MEAN_RUN * (turns + 1)


def _is_password(value: str) -> bool:
    """Say whether a value has what the rules for passwords ask for: letters, a digit and a sign.

    One without large and small letters must be no place, address, selector or name of a value besides.
    """
    if _PASSWORD_SIGNS.isdisjoint(value) or not any(map(str.isdigit, value)):
        return False
    if any(map(str.isupper, value)) and any(map(str.islower, value)):
        return True
    return any(map(str.isalpha, value)) and value[0] != "@" and _SIGNS_OF_PLACES.isdisjoint(value)
