"""Text from and for a terminal; what models and providers say may not move the cursor or set a title.

Commands print through ``show``, ``note`` and ``show_json`` alone: the linter forbids ``print`` elsewhere.
"""

import io
import json
import sys
from collections.abc import Callable
from typing import TextIO

from farebox.errors import InvalidParams
from farebox.report import clean


def from_stdin(read: Callable[[TextIO], str]) -> str:
    """Read text from stdin; it is UTF-8 if it is not typed. Raises InvalidParams."""
    stream = sys.stdin
    if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
        stream.reconfigure(encoding="utf-8", errors="strict")
    try:
        return read(sys.stdin)
    except UnicodeDecodeError:
        raise InvalidParams("stdin is not UTF-8 text", hint="Convert it to UTF-8 first.") from None


def show(text: str, *, end: str = "\n") -> None:
    """Print for a person, on stdout."""
    print(harmless(text), end=end, flush=True)


def note(text: str) -> None:
    """Print on stderr what is not the answer itself."""
    print(harmless(text), file=sys.stderr)


def show_json(value: object) -> None:
    """Print for a program; JSON in ASCII has no control character in it but line ends."""
    print(json.dumps(value, indent=2))


def harmless(text: str) -> str:
    """Take out control and direction-changing characters; keep line ends and tabs."""
    return "\n".join("\t".join(clean(cell) for cell in line.split("\t")) for line in text.split("\n"))
