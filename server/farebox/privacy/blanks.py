"""A text with nothing where its secrets stood, and every line at its place: what may be cut in pieces.

A piece out of the middle of a key shows neither where it begins nor where it ends, so a text is looked at
while it is whole. No words stand for what is gone: nobody shall be offered them as code. Knows texts alone.
"""

from farebox.privacy.texts import secrets_in


def blanked(text: str) -> str:
    """Return a text without its secrets, with as many lines."""
    pieces: list[str] = []
    at = 0
    for one in secrets_in(text):
        pieces += (text[at : one.start], "\n" * text.count("\n", one.start, one.end))
        at = one.end
    return "".join((*pieces, text[at:])) if pieces else text
