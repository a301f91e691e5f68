"""What a text comes to, read from its beginning, or from inside of something whose opener was cut off.

Who types has the same text read at each key, but for its end: what was found up to the last line's start
is kept, and only the rest is read anew. It is looked up by the text itself, so that it is always right.
"""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from farebox.completion.languages import Form, Language
from farebox.completion.scan import Inside, Token, tokens

STEP_CHARS = 1_024
"""What a text comes to is kept at a line's start in each stretch of so many characters: an edit further down
has no more than that read anew."""
MAX_MARKS = 128

CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
_BRACKET = re.compile(r"[()\[\]{}]")


class Reading(NamedTuple):
    """What a text comes to.

    ``opened`` are the brackets that are open, and where; ``cost`` is how much is out of place;
    ``inside`` is the comment or string that goes on after it.
    """

    opened: tuple[tuple[int, str], ...] = ()
    cost: int = 0
    inside: Inside | None = None


class _Mark(NamedTuple):
    """The place at which a token ends, and what the text before it comes to."""

    at: int = 0
    opened: tuple[tuple[int, str], ...] = ()
    cost: int = 0


def read(text: str, language: Language, start: Inside | None = None) -> Reading:
    """Read a text that begins in ``start``; None is code. A closer that does not fit closes nothing."""
    mark = _mark(text[: text.rfind("\n") + 1], language, start)
    opened, cost, inside = [*mark.opened], mark.cost, None
    for token in tokens(text, language, start, mark.at):
        _match_brackets(text, token, opened)
        cost += _cost_of(text, language, token)
        inside = token.inside
    return Reading(tuple(opened), cost, inside)


def likely_inside(text: str, language: Language) -> Inside | None:
    """Return the comment or string that goes on after a text that may itself begin inside of one.

    Read from the wrong state, prose stands where code is expected, and code inside of strings. What
    has clearly the least of both is believed, and code where little speaks against it.
    """
    as_code = read(text, language)
    if as_code.cost < _DOUBTFUL_COST:
        return as_code.inside
    candidates = [inside for inside in _open_before(language) if _may_close(text, inside)]
    readings = [read(text, language, candidate) for candidate in candidates]
    likely = min(readings, key=lambda reading: reading.cost, default=as_code)
    return likely.inside if 3 * likely.cost < 2 * as_code.cost else as_code.inside


@lru_cache(maxsize=MAX_MARKS)
def _mark(head: str, language: Language, start: Inside | None) -> _Mark:
    """Read some lines up to their last token that no later line can change."""
    if not head:
        return _Mark()
    cut = head.rfind("\n", 0, (len(head) - 1) // STEP_CHARS * STEP_CHARS) + 1
    at, known, cost = _mark(head[:cut], language, start)
    opened = [*known]
    for token in tokens(head, language, start, at):
        if token.end >= len(head):
            break
        _match_brackets(head, token, opened)
        cost += _cost_of(head, language, token)
        at = token.end
    return _Mark(at, tuple(opened), cost)


def _match_brackets(text: str, token: Token, opened: list[tuple[int, str]]) -> None:
    if token.form is not None or token.opaque:
        return
    for match in _BRACKET.finditer(text, token.start, token.end):
        bracket = match[0]
        if bracket in CLOSER_OF:
            opened.append((match.start(), bracket))
        elif opened and CLOSER_OF[opened[-1][1]] == bracket:
            opened.pop()


# --- where a text begins ----------------------------------------------------------------------------

_WORDS = re.compile(r"\b[A-Za-z]+(?:,? [A-Za-z]+){2,}")
_PROSE_WORDS = 3
_STATEMENT = re.compile(
    r"^[ \t]*(?:[\w.\[\]]+ [-+*/|&:]?= ?\S|[\w.]+\([^ ]|(?:def|class|fn|func|function) \w+[(:{<]"
    r"|[^\n]*[;{}]$)",
    re.MULTILINE,
)
_DOUBTFUL_COST = 2
"""Less than this is out of place in any code."""

_ALL_INSIDE_COST = 4
_STRAY_COST = 3
_SENTENCE_ENDS = (".", "!", "?")
_LONGER_THAN_A_PREFIX = 3
_COMMON = ('"', "'")
"""Quotes that stand in prose and on single lines so often that nothing follows from them."""


@cache
def _open_before(language: Language) -> tuple[Inside, ...]:
    """Return all that a text may begin in and that goes over lines."""
    forms = (form for form in (*language.comments, *language.strings) if form.lines)
    begun = (Inside(form, form.closes.replace("{fence}", "")) for form in forms)
    return tuple(inside for inside in begun if inside.closes not in _COMMON)


def _may_close(text: str, inside: Inside) -> bool:
    """Say whether its end comes before any other beginning; where both look alike it need not come."""
    if _is_symmetric(inside.form):
        return True
    first_end = text.find(inside.closes)
    begun = re.search(inside.form.opens_at, text)
    return first_end >= 0 and (begun is None or first_end < begun.start())


def _is_symmetric(form: Form) -> bool:
    return form.opens_at == re.escape(form.closes)


def _cost_of(text: str, language: Language, token: Token) -> int:
    """Count what is out of place if that is what a token of a text is."""
    if token.form is None:
        strays = sum(text.count(closer, token.start, token.end) for _, closer in language.block_comments)
        return _prose(text, token, language) + _STRAY_COST * strays
    if not token.was_open and not (token.form.lines and _is_symmetric(token.form)):
        return 0
    cost = sum(1 for _ in _STATEMENT.finditer(text, token.start, token.end))
    cost += _ALL_INSIDE_COST if token.was_open and token.inside is not None else 0
    return cost + _STRAY_COST * _wrong_ends(text, token, token.form)


def _wrong_ends(text: str, token: Token, form: Form) -> int:
    """Count the quotes with text on their wrong side: a beginning right after a word, an end before one."""
    before = text[max(0, token.start - _LONGER_THAN_A_PREFIX) : token.start]
    follows_text = before.endswith(_SENTENCE_ENDS) or (
        len(before) == _LONGER_THAN_A_PREFIX and before.isalpha()
    )
    begins_wrong = follows_text and not token.was_open and len(form.closes) > 1  # not a tagged template
    ends_wrong = token.inside is None and text[token.end : token.end + 1].isalpha()
    return begins_wrong + ends_wrong


def _prose(text: str, token: Token, language: Language) -> int:
    """Count the places where three words follow each other that are none of the language's."""
    count = 0
    for match in _WORDS.finditer(text, token.start, token.end):
        row = 0
        for word in match[0].replace(",", "").split(" "):
            row = 0 if word in language.keywords else row + 1
            if row == _PROSE_WORDS:
                count += 1
                break
    return count
