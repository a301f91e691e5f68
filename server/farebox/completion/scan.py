"""A text as a row of tokens: pieces of code, comments and strings, by the expressions of its language.

One regular expression a language, made of the data in ``languages.toml``, reads a text in one go and never
goes back, so that the work grows with the text's length whatever is in it. A token that ends in one line
depends on no later one: but for what was still open, a text that grows has the same tokens.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from farebox.completion.languages import Form, Language


@dataclass(frozen=True, slots=True)
class Inside:
    """The comment or string that a text begins in: it goes on until ``closes``, or its line's end."""

    form: Form
    closes: str
    depth: int = 1

    @property
    def kind(self) -> Literal["comment", "string"]:
        """What it is."""
        return self.form.kind


class Token(NamedTuple):
    """A piece of a text. ``inside`` is what its end is in if it is left open.

    ``was_open``: it began before the text. The brackets of an opaque one do not count.
    """

    start: int
    end: int
    form: Form | None = None
    inside: Inside | None = None
    opaque: bool = False
    was_open: bool = False


def tokens(text: str, language: Language, start: Inside | None = None, at: int = 0) -> Iterator[Token]:
    """Yield a text's tokens without a gap; those of code are as long as the expression likes.

    ``start`` is what the text begins in; None is code. ``at`` is where one of its tokens ends: those
    before it are left out.
    """
    if start is not None and at == 0:
        first = _rest(text, 0, 0, start)._replace(was_open=True)
        at = first.end
        if at or first.inside is not None:
            yield first
    grammar = _grammar(language)
    while at < len(text):
        for match in grammar.expression.finditer(text, at):
            at = match.end()
            name = match.lastgroup
            if name is None:
                yield Token(match.start(), at)
                continue
            if name == "opaque":
                yield Token(match.start(), at, opaque=True)
                continue
            form = grammar.forms[name]
            if form.nested:
                token = _rest(text, match.start(), at, Inside(form, form.closes))
                yield token
                at = token.end
                break
            yield _token(text, match, name, form)


def _token(text: str, match: re.Match[str], name: str, form: Form) -> Token:
    closed = match[f"{name}_end"] is not None
    if closed or (match.end() < len(text) and not form.lines):
        return Token(match.start(), match.end(), form)
    fence = match[f"{name}_fence"] if "{fence}" in form.closes else ""
    return Token(match.start(), match.end(), form, Inside(form, form.closes.replace("{fence}", fence)))


def _rest(text: str, start: int, at: int, inside: Inside) -> Token:
    """Read on in a comment or string from ``at``; the token begins at ``start``."""
    form = inside.form
    if form.nested:
        return _nested_rest(text, start, at, inside)
    match = _rest_expression(form, inside.closes).match(text, at)
    end = match.end() if match is not None else at
    closed = match is not None and match["end"] is not None
    is_open = not closed and (end == len(text) or form.lines)
    return Token(start, end, form, inside if is_open else None)


def _nested_rest(text: str, start: int, at: int, inside: Inside) -> Token:
    depth = inside.depth
    for match in _edges(inside.form).finditer(text, at):
        depth += -1 if match[0] == inside.closes else 1
        if depth == 0:
            return Token(start, match.end(), inside.form)
    return Token(start, len(text), inside.form, Inside(inside.form, inside.closes, depth))


# --- the expressions --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grammar:
    expression: re.Pattern[str]
    forms: dict[str, Form]


@cache
def _grammar(language: Language) -> _Grammar:
    """Make one expression of a language: any text is a sequence of what it matches."""
    forms = {f"form{number}": form for number, form in enumerate((*language.comments, *language.strings))}
    starts = "".join({*"".join(form.starts for form in forms.values()), *language.opaque_starts})
    parts = [f"[^{re.escape(starts)}]++" if starts else r"(?s:.)++"]
    if language.opaque:
        parts.append(f"(?P<opaque>{'|'.join(language.opaque)})")
    parts += [_whole(name, form) for name, form in forms.items()]
    parts.append(r"(?s:.)")
    return _Grammar(re.compile("|".join(parts)), forms)


def _whole(name: str, form: Form) -> str:
    """Match a form from its beginning to its end, or to where it is given up. A nested one: its beginning."""
    fence = f"{name}_fence"
    opens = form.opens_at.replace("(?P<fence>", f"(?P<{fence}>")
    if form.nested:
        return f"(?P<{name}>{opens})"
    before, has_fence, after = form.closes.partition("{fence}")
    if not has_fence:
        return f"(?P<{name}>{opens}{_body(form, form.closes, f'{name}_end')})"
    closes = f"{re.escape(before)}(?P={fence}){re.escape(after)}"
    body = f"(?>(?s:.*?)(?P<{name}_end>{closes})|(?s:.*+))"
    return f"(?P<{name}>{opens}{body})"


def _body(form: Form, closes: str, end: str) -> str:
    if not closes:
        return rf"[^\n]*+(?P<{end}>(?=\n))?"
    first, rest = re.escape(closes[0]), re.escape(closes[1:])
    stops, inner = [first], list[str]()
    if form.escape == "double":
        inner.append(re.escape(closes * 2))
    elif form.escape:
        escape = re.escape(form.escape)
        stops.append(escape)
        inner.append(rf"{escape}(?:\r\n|(?s:.)|\Z)")
    if rest:
        inner.append(f"{first}(?!{rest})")
    if not form.lines:
        stops.append(r"\n")
    run = f"[^{''.join(stops)}]*+"
    more = f"(?:(?:{'|'.join(inner)}){run})*+" if inner else ""
    return f"{run}{more}(?P<{end}>{re.escape(closes)})?"


@lru_cache(maxsize=256)
def _rest_expression(form: Form, closes: str) -> re.Pattern[str]:
    return re.compile(_body(form, closes, "end"))


@cache
def _edges(form: Form) -> re.Pattern[str]:
    return re.compile(f"{form.opens_at}|{re.escape(form.closes)}")
