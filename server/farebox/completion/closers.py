"""Brackets that an answer closes though nobody has opened them, or what follows closes them already.

Pure. What is open at the cursor and what the suffix closes is known from ``surroundings``; an answer
has to leave the latter as it was. Where the reckoning does not come out even, nothing is cut.
"""

from dataclasses import dataclass

from farebox.completion.lexing import brackets
from farebox.completion.reading import CLOSER_OF
from farebox.completion.surroundings import (
    INLINE,
    WHOLE_PREFIX_CHARS,
    Around,
    Opener,
    demanded,
    indent_of,
    inside_behind,
)

MAX_TAKEN = 6
_TRAILING = " \t\n)]};,"


def without_closers(text: str, here: Around) -> str:
    """Cut an answer at the first bracket that is not its own to close."""
    if here.is_prose:
        return text
    at = _taken_at(text, here)
    if at is None:
        return text
    line_start = text.rfind("\n", 0, at) + 1
    if not text[line_start:at].strip() and line_start > 0:
        return text[: line_start - 1]
    return text[:at]


def is_even(text: str, here: Around) -> bool:
    """Say whether an answer leaves what follows just the brackets to close that it closes."""
    reckoning = _reckon(text, here)
    return reckoning.taken is None and not reckoning.reopens and reckoning.own >= reckoning.lacking


@dataclass(frozen=True, slots=True)
class _Reckoning:
    """``taken`` is the first closer that is not the answer's to write.

    Of its openers ``own`` are left open, and ``lacking`` are wanted. ``reopens``: it closes what is not its
    own, but opens the like again.
    """

    taken: int | None
    reopens: bool = False
    own: int = 0
    lacking: int = 0
    last_closed: int | None = None


def _taken_at(text: str, here: Around) -> int | None:
    found = _reckon(text, here)
    at = found.last_closed
    if found.taken is not None or at is None or found.own >= found.lacking or text[at + 1 :].strip():
        return found.taken
    closer, indent = here.needed[0]
    is_empty = text[:at].rstrip()[-1:] in CLOSER_OF
    return at if text[at] == closer and (is_empty or indent == INLINE) else None


def _reckon(text: str, here: Around) -> _Reckoning:
    stack = list(here.opened)
    intact = len(stack)
    taken: list[tuple[int, list[Opener]]] = []
    last_closed: int | None = None
    for at, bracket in brackets(text, here.language, here.inside):
        if bracket in CLOSER_OF:
            stack.append(Opener(bracket, _indent_at(text, at, here)))
        elif stack and CLOSER_OF[stack[-1].bracket] == bracket:
            last_closed = at if len(stack) > intact else None
            if len(taken) < MAX_TAKEN and len(stack) <= min(here.floor, intact):
                taken.append((at, [*stack]))
            stack.pop()
            intact = min(intact, len(stack))
        elif bracket in here.language.free_closers:
            continue
        elif _is_stray(text, at, here, is_open=bool(stack)):
            return _Reckoning(taken[0][0] if taken else at)
    if taken and not _goes_on(stack, text, here):
        fitting = (at for at, left in reversed(taken) if _goes_on(left, text[:at], here))
        return _Reckoning(next(fitting, taken[0][0]))
    start = here.indent_at_start(text)
    lacking = sum(1 for _, indent in here.needed if indent >= start)
    own = len(stack) - intact
    return _Reckoning(None, bool(taken) and own > 0, own, lacking, last_closed)


def _goes_on(stack: list[Opener], text: str, here: Around) -> bool:
    """Say whether what follows closes just what is open behind an answer."""
    inside = inside_behind(here.prefix + text, here.language)
    demands = demanded(here.suffix, here.language, inside)
    for opener, (closer, indent) in zip(reversed(stack), demands, strict=False):
        if CLOSER_OF[opener.bracket] != closer:
            return False
        if indent is not None:
            return indent == opener.indent
    return len(stack) == len(demands)


def _indent_at(text: str, at: int, here: Around) -> int:
    line_start = text.rfind("\n", 0, at) + 1
    return indent_of((here.line_before if line_start == 0 else "") + text[line_start : at + 1])


def _is_stray(text: str, at: int, here: Around, *, is_open: bool) -> bool:
    """Judge a closer that does not fit. Where nothing is open, its opener may have been cut off."""
    if is_open:
        return not text[at:].strip(_TRAILING)
    line_start = text.rfind("\n", 0, at) + 1
    leads = not text[line_start:at].strip() and (line_start > 0 or here.at_line_start)
    return not leads or len(here.prefix) < WHOLE_PREFIX_CHARS
