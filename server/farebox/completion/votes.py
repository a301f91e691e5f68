"""What may come next, token by token: places where the same context has stood before vote on it.

A place votes with a weight that grows with how far the context agrees. Each step takes what the votes prefer
and keeps the places that agree, so a suggestion is looked up once. Knows no probabilities: a step tells how
the vote went (``traits``), and odds.py what that has been worth elsewhere.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from farebox.completion.draft import Draft
from farebox.completion.grams import END, MAX_MATCH
from farebox.completion.tokens import kind_of, pieces, text_of, token_of

MAX_STEPS: Final = 14
MAX_CHARS: Final = 120

_MOST_PLACES: Final = 32
_MOST_PLACES_IN_A_WORD: Final = 96
"""More are looked at, as most of them go on with another word."""

_MOST_PLACES_OF_A_KIND: Final = 64

_STRONGEST: Final = MAX_MATCH + MAX_STEPS + 1
_WEIGHTS: Final = tuple(2.2**agreed for agreed in range(_STRONGEST + 1))
_DRAFT_COUNTS: Final = 2.0
"""A place in the document itself counts as so many elsewhere."""

_ENDED_COUNTS: Final = 0.5
_FOLLOWING: Final = 3

TRAITS: Final = (
    "one",
    "share",
    "agreed",
    "against",
    "supporters",
    "places",
    "agreed_here",
    "against_here",
    "rivals",
    "first",
    "line",
    "word",
    "typed",
    "known",
    "here",
    "long",
    "unopposed",
    "short",
    "in_word",
)
"""The names of a step's traits, in their order."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next token as text. ``breaks`` where it is a line's end; ``word`` where a word ends it."""

    text: str
    breaks: bool
    word: bool
    traits: tuple[float, ...]


class _Place(NamedTuple):
    """The position of a token that may come next, in one of the two rows of tokens, and how it was found."""

    here: bool
    at: int
    agreed: int
    goes_on: bool
    """True where the token contains the draft's last piece, and is not what follows it."""


@dataclass(slots=True)
class _Party:
    """The places that vote for the same token."""

    weight: float
    agreed: int
    agreed_here: int
    places: list[_Place]


def steps(draft: Draft, suffix: str) -> Iterator[Step]:
    """Yield what the votes prefer after the draft, a token at a time, until they have nothing to say."""
    texts, counts = draft.shelf.words.texts, draft.shelf.words.counts
    last, newline = draft.last, draft.newline
    _, indent = token_of(last, draft.indent)
    places = _places(draft, suffix)
    chars = 0
    for number in range(MAX_STEPS):
        parties, everybody = _parties(draft, places, number)
        if not parties:
            return
        (token, goes_on), party = max(parties.items(), key=lambda item: item[1].weight)
        word = texts[token]
        breaks = word[0] == "\n"
        said = text_of(word, draft.indent if goes_on else indent, newline)
        if said is None:
            return
        text, indent = said
        if goes_on:
            text = text.lstrip(" ")[len(last.lstrip(" ")) :] if _is_word(last[-1]) else text[len(last) :]
        against = max((p.agreed for p in parties.values() if p is not party), default=0)
        against_here = max((p.agreed_here for p in parties.values() if p is not party), default=0)
        ends_word = _is_word(word[-1])
        typed = len(last.lstrip(" ")) if goes_on and not breaks else 0
        share = min(max(party.weight / everybody, 0.02), 0.98)
        yield Step(
            text,
            breaks,
            ends_word,
            (
                1.0,
                math.log(share / (1 - share)),
                min(party.agreed, MAX_MATCH) / 4,
                min(against, MAX_MATCH) / 4,
                math.log(len(party.places)),
                math.log(len(places)),
                min(party.agreed_here, MAX_MATCH) / 4,
                min(against_here, MAX_MATCH) / 4,
                math.log(len(parties)),
                float(number == 0),
                float(breaks),
                float(ends_word),
                min(typed, 8) / 4,
                math.log(1 + counts[token]) / 5,
                float(party.agreed_here > 0),
                float(party.agreed >= 4),  # noqa: PLR2004
                float(against == 0),
                float(party.agreed <= 1),
                float(typed > 0),
            ),
        )
        chars += len(text)
        if chars > MAX_CHARS:
            return
        places = party.places


def _places(draft: Draft, suffix: str) -> list[_Place]:
    """Return where the draft's end has stood before: its last piece as a token, or as the head of one."""
    if not draft.last:
        return []
    token, _ = token_of(draft.last, draft.indent)
    number = draft.shelf.words.find(token)
    context = draft.context()
    found = _places_after(draft, number, context, _following(draft, suffix)) if number != END else []
    if "\n" in draft.last or draft.last.isspace() or _is_word(draft.last[-1]):
        found += _places_of_longer(draft, number, context)
    return found


def _places_after(draft: Draft, number: int, context: list[int], following: list[int]) -> list[_Place]:
    """Return the places after the last piece, where it is a token."""
    return [
        _Place(here, at, agreed, goes_on=False)
        for here, grams in ((True, draft.grams), (False, draft.shelf.grams))
        for at, agreed in grams.places([number, *context], _MOST_PLACES)
        if not following or grams.tokens[at : at + _FOLLOWING].tolist() != following
    ]


def _places_of_longer(draft: Draft, number: int, context: list[int]) -> list[_Place]:
    """Return the places of tokens that the last piece may become: after the same context, and of its kind."""
    texts = draft.shelf.words.texts
    kind = kind_of(draft.last)
    found: list[_Place] = []
    for here, grams in ((True, draft.grams), (False, draft.shelf.grams)):
        places = dict(grams.places_of(kind, context, _MOST_PLACES_OF_A_KIND)) if kind else {}
        places |= dict(grams.places(context, _MOST_PLACES_IN_A_WORD))
        for at, agreed in places.items():
            token = grams.tokens[at]
            if token not in (number, END) and _is_longer(texts[token], draft):
                found.append(_Place(here, at, agreed + 1, goes_on=True))
    return found


def _is_longer(text: str, draft: Draft) -> bool:
    """Say whether a token begins with the last piece and goes on."""
    last = draft.last
    if "\n" in last:
        said = text_of(text, draft.indent, draft.newline) if text[0] == "\n" else None
        return said is not None and said[0].startswith(last)
    if last.isspace():
        return text.startswith(last)
    word, typed = text.lstrip(" "), last.lstrip(" ")
    return len(word) > len(typed) and word.startswith(typed)


def _following(draft: Draft, suffix: str) -> list[int]:
    """Return the first tokens after the cursor: a place followed by them is this very place, as saved."""
    _, indent = token_of(draft.last, draft.indent)
    numbers: list[int] = []
    for piece in pieces(suffix, 0, 400)[:_FOLLOWING]:
        token, indent = token_of(piece, indent)
        numbers.append(draft.shelf.words.find(token))
    return numbers if len(numbers) == _FOLLOWING else []


def _parties(
    draft: Draft, places: list[_Place], steps_on: int
) -> tuple[dict[tuple[int, bool], _Party], float]:
    """Count the votes so many tokens after the places: who is for what, and the weight of all."""
    here_tokens, there_tokens = draft.grams.tokens, draft.shelf.grams.tokens
    parties: dict[tuple[int, bool], _Party] = {}
    everybody = 0.0
    for place in places:
        here, at, agreed, goes_on = place
        at += steps_on
        agreed += steps_on
        tokens = here_tokens if here else there_tokens
        token = tokens[at] if at < len(tokens) else END
        if token == END:
            everybody += _WEIGHTS[agreed] * _ENDED_COUNTS
            continue
        weight = _WEIGHTS[agreed] * (_DRAFT_COUNTS if here else 1.0)
        everybody += weight
        key = (token, goes_on and not steps_on)
        party = parties.get(key)
        if party is None:
            parties[key] = _Party(weight, agreed, agreed if here else 0, [place])
            continue
        party.weight += weight
        party.places.append(place)
        party.agreed = max(party.agreed, agreed)
        if here:
            party.agreed_here = max(party.agreed_here, agreed)
    return parties, everybody


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
