"""Which parts of a text are code, which are comments and which are strings, in any described language.

No parser: ``scan`` cuts a text into tokens. Every function takes any text, also one that is cut anywhere, and
raises nothing. What is in an interpolation (``${}``) is a part of its string; a prefix such as ``r`` or ``f``
is code.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from farebox.completion.languages import Language
from farebox.completion.reading import CLOSER_OF, likely_inside, read
from farebox.completion.scan import Inside, tokens

Kind: TypeAlias = Literal["code", "comment", "string"]

LOOK_BACK_CHARS = 16_000
"""How far ``inside_at_end`` looks back. What was opened further up is found only by a guess: a longer string
or comment without any sign of where it began is taken for code."""

_OPENER_OF = {closer: opener for opener, closer in CLOSER_OF.items()}
_BRACKET = re.compile(r"[()\[\]{}]")


class Span(NamedTuple):
    """A piece of a text. ``closed`` is False for a comment or string that would go on after the text."""

    kind: Kind
    start: int
    end: int
    closed: bool = True


class Brackets(NamedTuple):
    """What is left of a text's brackets: openers still open, and closers that nothing in it opened."""

    opened: str
    unmatched: str


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


def unclosed(text: str, language: Language, start: Inside | None = None) -> Brackets:
    """Return the openers that a text leaves open, and the closers that nothing in it opened, both in order.

    Each kind of bracket is paired by itself: one that is missing spoils no other. Closers that may stand
    alone in this language (a shell's ``case``) are not among the unmatched.
    """
    opened: dict[str, list[int]] = {opener: [] for opener in CLOSER_OF}
    unmatched: list[str] = []
    for at, bracket in brackets(text, language, start):
        if bracket in opened:
            opened[bracket].append(at)
        elif opened[_OPENER_OF[bracket]]:
            opened[_OPENER_OF[bracket]].pop()
        elif bracket not in language.free_closers:
            unmatched.append(bracket)
    left = sorted(at for places in opened.values() for at in places)
    return Brackets("".join(text[at] for at in left), "".join(unmatched))


def unmatched_at(
    text: str, language: Language, start: Inside | None = None, *, opened: str = ""
) -> int | None:
    """Return where the first closer is that neither the text nor ``opened`` has an opener for, or None."""
    left = {opener: opened.count(opener) for opener in CLOSER_OF}
    for at, bracket in brackets(text, language, start):
        if bracket in left:
            left[bracket] += 1
        elif left[_OPENER_OF[bracket]]:
            left[_OPENER_OF[bracket]] -= 1
        elif bracket not in language.free_closers:
            return at
    return None


def _tail(text: str) -> str:
    if len(text) <= LOOK_BACK_CHARS:
        return text
    cut = len(text) - LOOK_BACK_CHARS
    line = text.find("\n", cut)
    return text[line + 1 if line >= 0 else cut :]
