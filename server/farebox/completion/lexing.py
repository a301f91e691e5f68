"""Which parts of a text are code, which are comments and which are strings, in any described language.

No parser: ``scan`` cuts a text into tokens. Every function takes any text, also one that is cut anywhere, and
raises nothing. What is in an interpolation (``${}``) is a part of its string; a prefix such as ``r`` or ``f``
is code.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from farebox.completion.languages import Language
from farebox.completion.reading import likely_inside, read
from farebox.completion.scan import Inside, tokens

Kind: TypeAlias = Literal["code", "comment", "string"]

LOOK_BACK_CHARS = 16_000
"""How far ``inside_at_end`` looks back. What was opened further up is found only by a guess: a longer string
or comment without any sign of where it began is taken for code."""

_BRACKET = re.compile(r"[()\[\]{}]")


class Span(NamedTuple):
    """A piece of a text. ``closed`` is False for a comment or string that would go on after the text."""

    kind: Kind
    start: int
    end: int
    closed: bool = True


def kind_at_end(text: str, language: Language) -> Kind:
    """Say what a cursor at the end of a text is in. The text may begin anywhere."""
    inside = inside_at_end(text, language)
    return inside.kind if inside is not None else "code"


def inside_at_end(text: str, language: Language) -> Inside | None:
    """Return the comment or string that goes on after a text, or None. The text may begin anywhere.

    Looks at the last LOOK_BACK_CHARS only.
    """
    return likely_inside(_tail(text), language)


def inside_after(text: str, language: Language) -> Inside | None:
    """Return the comment or string that goes on after a text that begins in code, or None."""
    return read(text, language).inside


def open_brackets(text: str, language: Language) -> tuple[tuple[int, str], ...]:
    """Return the brackets that a text leaves open, and where. A closer that does not fit closes nothing."""
    return read(text, language).opened


def spans(text: str, language: Language, start: Inside | None = None) -> Iterator[Span]:
    """Yield the pieces of a text in order, without a gap. ``start`` is what it begins in; None is code."""
    code_from: int | None = None
    for token in tokens(text, language, start):
        if token.form is None:
            code_from = token.start if code_from is None else code_from
            continue
        if code_from is not None:
            yield Span("code", code_from, token.start)
            code_from = None
        if token.start < token.end:
            yield Span(token.form.kind, token.start, token.end, token.inside is None)
    if code_from is not None:
        yield Span("code", code_from, len(text))


def brackets(text: str, language: Language, start: Inside | None = None) -> Iterator[tuple[int, str]]:
    """Yield every bracket that is code, and where it is."""
    for token in tokens(text, language, start):
        if token.form is None and not token.opaque:
            for match in _BRACKET.finditer(text, token.start, token.end):
                yield match.start(), match[0]


def _tail(text: str) -> str:
    if len(text) <= LOOK_BACK_CHARS:
        return text
    cut = len(text) - LOOK_BACK_CHARS
    line = text.find("\n", cut)
    return text[line + 1 if line >= 0 else cut :]
