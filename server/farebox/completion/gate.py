"""Whether a completion is worth asking for at all, before anything is spent on it.

Each reason has a name that ``explain`` and the status show, and a sentence for a person. What the user has
switched off, or keeps on the machine, holds however a completion was asked for. The other gates only guess
that nobody wants one here while typing; who asks by hand (``invoked``) passes them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias

from farebox.completion.languages import UNKNOWN, language_of
from farebox.completion.lexing import kind_at_end
from farebox.completion.window import Window
from farebox.completion_settings import CompletionSettings
from farebox.privacy import Rules, kept, splits_secret

Reason: TypeAlias = Literal[
    "disabled",
    "language",
    "excluded",
    "file",
    "paused",
    "size",
    "empty",
    "midWord",
    "midLine",
    "comment",
    "string",
    "secret",
]

MIN_CHARS = 10
"""Of text around the cursor, without spaces. From less a model can only guess at random, and the first keys
in a new file would each be paid for (Copilot asks for as many)."""

MAX_LINE_CHARS = 3_000
"""Nobody types in a longer line: it is minified code, or data."""

_MAX_SHOWN_CHARS = 40

# Possessive: a line of spaces must not be shared among the stars in every way.
_CLOSERS = re.compile(r"""\s*+[)>}\]"'`]*+\s*+[:{;,]?+\s*+\Z""")
_WORD = re.compile(r"\w")
_VISIBLE = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Shut:
    """Why nothing is asked. ``detail`` is a sentence for a person: no code, no path, the setting's name."""

    reason: Reason
    detail: str


def shut(
    window: Window,
    settings: CompletionSettings,
    *,
    path: str,
    rules: Rules,
    size_chars: int,
    invoked: bool,
    paused: bool,
    hides_secrets: bool = True,
) -> Shut | None:
    """Return why no completion is asked for here, or None. ``rules`` are what privacy keeps here."""
    switched_off = _switched_off(window.language, settings) or _kept(path, rules, settings)
    if switched_off is not None:
        return switched_off
    if hides_secrets and splits_secret(window.line_before, window.line_after):
        return _IN_SECRET
    if invoked:
        return None if _has_text(window, 1) else _EMPTY
    if paused:
        return _PAUSED
    return _too_large(window, settings, size_chars) or _unwanted(window) or _in_text(window, settings)


_PAUSED = Shut("paused", "completion is paused: resume it in the editor, or ask by hand")
_EMPTY = Shut("empty", "there is no text around that place to go on")
_NEARLY_EMPTY = Shut("empty", f"there are fewer than {MIN_CHARS} characters around that place: ask by hand")
_MID_WORD = Shut("midWord", "the cursor stands before the rest of a word: ask by hand")
_MID_LINE = Shut("midLine", "there is text to the right of the cursor: ask by hand")
_LONG_LINE = Shut("size", f"the line has more than {MAX_LINE_CHARS} characters: ask by hand")
_IN_COMMENT = Shut("comment", "the cursor is in a comment: [completion] in_comments = false")
_IN_SECRET = Shut("secret", "the cursor is inside of what looks like a secret: [privacy] secrets")
_IN_STRING = Shut("string", "the cursor is in a string: [completion] in_strings = false")


def _switched_off(language: str, settings: CompletionSettings) -> Shut | None:
    if not settings.enabled:
        return Shut("disabled", "completion is switched off: [completion] enabled = false")
    if _names(settings.disabled_languages, language):
        shown = language[:_MAX_SHOWN_CHARS]
        detail = f"completion is switched off for {shown}: [completion] disabled_languages names it"
        return Shut("language", detail)
    return None


def _names(languages: Sequence[str], language: str) -> bool:
    """Say whether a list names a language, by any of the ids that editors have for it."""
    if not languages:
        return False
    known = language_of(language).id
    return language in languages or (known != UNKNOWN and known in {language_of(one).id for one in languages})


def kept_here(path: str, rules: Rules) -> Shut | None:
    """Return which rule keeps a file from every model, or None."""
    rule = kept(path, rules)
    return Shut("excluded", f"this file stays on this machine: {rule}") if rule is not None else None


def _kept(path: str, rules: Rules, settings: CompletionSettings) -> Shut | None:
    if (shut := kept_here(path, rules)) is not None or not settings.disabled_files:
        return shut
    # No rule of privacy matches by now, so that only these patterns are left.
    rule = kept(path, Rules(rules.roots, tuple(settings.disabled_files), reads=False))
    if rule is not None:
        pattern = rule.partition(": ")[2]
        detail = f"completion is switched off for this file: [completion] disabled_files has {pattern}"
        return Shut("file", detail)
    return None


def _too_large(window: Window, settings: CompletionSettings, size_chars: int) -> Shut | None:
    if size_chars > settings.max_file_kb * 1024:
        setting = f"[completion] max_file_kb = {settings.max_file_kb}"
        return Shut("size", f"the file is too large to complete while typing: {setting}")
    return _LONG_LINE if len(window.line_before) + len(window.line_after) > MAX_LINE_CHARS else None


def _unwanted(window: Window) -> Shut | None:
    """Guess that an insertion is not meant here: too little to go on, or text follows on the line."""
    if not _has_text(window, MIN_CHARS):
        return _NEARLY_EMPTY if _has_text(window, 1) else _EMPTY
    if _WORD.match(window.suffix):
        return _MID_WORD
    # Closing brackets and what may follow them is what editors put there by themselves.
    return None if _CLOSERS.match(window.line_after) else _MID_LINE


def _in_text(window: Window, settings: CompletionSettings) -> Shut | None:
    if settings.in_comments and settings.in_strings:
        return None
    kind = kind_at_end(window.prefix, language_of(window.language))
    if kind == "comment" and not settings.in_comments:
        return _IN_COMMENT
    return _IN_STRING if kind == "string" and not settings.in_strings else None


def _has_text(window: Window, chars: int) -> bool:
    """Say whether at least so many characters that are no space stand around the cursor."""
    found = sum(1 for text in (window.prefix, window.suffix) for _ in islice(_VISIBLE.finditer(text), chars))
    return found >= chars
