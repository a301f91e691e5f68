"""What looks like a secret, and is never suggested: long random runs, and what a name says to be a password.

Knows no vendor's keys. It may refuse too much: a suggestion that is missing costs a few keys.
"""

import re
from typing import Final

from farebox.privacy import is_random

_RUN: Final = re.compile(r"[A-Za-z0-9+/=_.\-]{16,}")
_NAMED: Final = re.compile(
    r"(?:secret|passw(?:or)?d|passphrase|token|credential|api_?key|access_?key|private_?key)\w*[\"']?\s*"
    r"(?::\s*\w+\s*)?[:=]+>?\s*[rbuf]?[\"'`][^\"'`\s]{4,}",
    re.IGNORECASE,
)
_LINE_CHARS: Final = 200
_PEM: Final = "PRIVATE KEY-----"


def tells_secret(line: str, text: str) -> bool:
    """Say whether a text that goes on from a line would show what looks like a secret."""
    line = line[-_LINE_CHARS:]
    whole = line + text
    if _PEM in whole or any(named.end() > len(line) for named in _NAMED.finditer(whole)):
        return True
    return any(run.end() > len(line) and is_random(run[0]) for run in _RUN.finditer(whole))
