"""Reasoning that is none: Grok 4 streams "Thinking... " over and over where it hides its thoughts.

A pure filter over the pieces of a reasoning text. It goes by the text alone, so that no list of models has to
be kept, and holds back only what may still turn out to be a placeholder.
"""

import re
from typing import Final

MAX_HELD_CHARS: Final = 1024
"""Placeholders beyond this are dropped for good, even if real reasoning follows."""

_PLACEHOLDERS: Final = re.compile(r"\s*(?:Thinking(?:\.\.\.|…)\s*)+")
_WORD: Final = "Thinking..."
_BEGINNING: Final = re.compile(r"\s*(?:Thinking(?:\.\.\.|…)\s*)*")


class PlaceholderFilter:
    """One answer's reasoning while it arrives."""

    def __init__(self) -> None:
        self._held = ""
        self._is_real = False

    def feed(self, words: str) -> str:
        """Take more reasoning in; return what may be shown of it and of what was held back."""
        if self._is_real:
            return words
        self._held += words
        if not _may_be_placeholder(self._held):
            return self._release()
        if len(self._held) > MAX_HELD_CHARS:
            whole = _BEGINNING.match(self._held)
            self._held = self._held[whole.end() :] if whole is not None else ""
        return ""

    def end(self) -> str:
        """Return what was held back and is no placeholder: the reasoning is over."""
        if not self._held or _PLACEHOLDERS.fullmatch(self._held):
            self._held = ""
            return ""
        return self._release()

    def _release(self) -> str:
        self._is_real = True
        held, self._held = self._held, ""
        return held


def _may_be_placeholder(held: str) -> bool:
    """Say whether a text is placeholders, perhaps with the beginning of one more."""
    whole = _BEGINNING.match(held)
    return _WORD.startswith(held[whole.end() :] if whole is not None else held)
