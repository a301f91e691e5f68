"""A text as tokens that recur: words, single signs, and line breaks told by how the indentation changes.

A space before a word or sign belongs to it. A line break is the same token wherever it stands, so that what
was written at one depth is known at another. What looks like a key or a hash is no token. Knows no language.
"""

import re
from sys import intern
from typing import Final
from zlib import crc32

from farebox.privacy import is_random

_TOKEN = re.compile(r"[ \t\f\r]*\n\s*| ?\w+| ?[^\w\s]|\s+")
MOST_BREAKS: Final = 3
"""More line breaks in a row than these are told as these."""

MAX_TOKEN_CHARS: Final = 64
"""A longer token (a hash, a picture in base64) is no word that anybody would want again."""

KIND_CHARS: Final = 3
"""Words are of one kind if so many of their first letters are the same."""

UNSAID: Final = ""
"""Stands for a token that is not learned."""


def pieces(text: str, start: int = 0, end: int | None = None) -> list[str]:
    """Cut a text, or a part of it, into the pieces that become tokens; joined they are the text."""
    return _TOKEN.findall(text, start, len(text) if end is None else end)


def token_of(piece: str, indent: str) -> tuple[str, str]:
    """Return the token of a piece, and the indentation of the line after it.

    A line break becomes ``\\n`` for each break, and ``>`` with what is added to the indentation, ``<`` with
    how many characters are taken away, or ``=`` with the new one where they have nothing in common.
    """
    if "\n" not in piece:
        said = len(piece) <= MAX_TOKEN_CHARS and not is_random(piece.lstrip(" "))
        return (piece if said else UNSAID), indent
    below = intern(piece[piece.rfind("\n") + 1 :])  # a draft keeps it for each token, and few differ
    breaks = "\n" * min(piece.count("\n"), MOST_BREAKS)
    if below.startswith(indent):
        return f"{breaks}>{below[len(indent) :]}", below
    if indent.startswith(below):
        return f"{breaks}<{len(indent) - len(below)}", below
    return f"{breaks}={below}", below


def kind_of(token: str) -> int:
    """Return a number that words which begin alike have in common; 0 where too little of one is known."""
    word = token.lstrip(" ")[:KIND_CHARS]
    return (
        crc32(word.encode("utf-8", "surrogatepass")) if len(word) == KIND_CHARS and word.isidentifier() else 0
    )


def text_of(token: str, indent: str, newline: str) -> tuple[str, str] | None:
    """Return a token as text on a line indented so, and the indentation after it; None if it can't be."""
    if not token.startswith("\n"):
        return (token, indent) if token else None
    said = token.lstrip("\n")
    breaks = newline * (len(token) - len(said))
    if said[0] == "<":
        kept = len(indent) - int(said[1:])
        if kept < 0:
            return None
        below = indent[:kept]
    else:
        below = (indent if said[0] == ">" else "") + said[1:]
    return breaks + below, below
