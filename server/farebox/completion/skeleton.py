"""A file's skeleton: what it defines and imports, without the bodies.

Python is read by its own parser, everything else by patterns, and so is Python that no parser takes.
Knows text and languages; nothing of files, and nothing of what a skeleton is good for.
"""

from farebox.completion import pattern_outline, python_outline
from farebox.completion.outline import Outline

MAX_TEXT_CHARS = 400_000
"""What follows later in a file is not looked at."""


def outline(text: str, language: str) -> Outline:
    """Read a file's outline. Never fails: what can't be read is left out."""
    text = text[:MAX_TEXT_CHARS]
    if language == "python":
        return python_outline.read(text)
    return pattern_outline.read(text, language)
