"""What looks like a secret, and is never suggested: long random runs, and what a name says to be a password.

Knows no vendor's keys. It may refuse too much: a suggestion that is missing costs a few keys.
"""

import re
from itertools import pairwise
from typing import Final

_RUN: Final = re.compile(r"[A-Za-z0-9+/=_.\-]{16,}")
_LONG_CHARS: Final = 16
_MANY_TURNS: Final = 6
"""A random run of sixteen characters changes so often between letters and digits, a name once or twice."""

_NAMED: Final = re.compile(
    r"(?:secret|passw(?:or)?d|passphrase|token|credential|api_?key|access_?key|private_?key)\w*[\"']?\s*"
    r"(?::\s*\w+\s*)?[:=]+>?\s*[rbuf]?[\"'`][^\"'`\s]{4,}",
    re.IGNORECASE,
)
_LINE_CHARS: Final = 200
_PEM: Final = "PRIVATE KEY-----"


def is_random(word: str) -> bool:
    """Say whether a word is more likely a key or a hash than a name."""
    if len(word) < _LONG_CHARS:
        return False
    digits = sum(char.isdigit() for char in word)
    if digits in (0, len(word)):
        return False
    turns = sum(one.isdigit() != other.isdigit() for one, other in pairwise(word))
    return turns >= _MANY_TURNS or (set(word.lower()) <= set("0123456789abcdef") and turns > 1)


def tells_secret(line: str, text: str) -> bool:
    """Say whether a text that goes on from a line would show what looks like a secret."""
    line = line[-_LINE_CHARS:]
    whole = line + text
    if _PEM in whole or any(named.end() > len(line) for named in _NAMED.finditer(whole)):
        return True
    return any(run.end() > len(line) and is_random(run[0]) for run in _RUN.finditer(whole))
