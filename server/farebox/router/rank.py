"""In which order the candidates of ``auto`` are asked: by their group, their quality, price and latency.

Quality is the place in the catalogue's list, price the cost to be expected. How much cheaper a model must be
to go before one that is listed earlier is what the strategy says; a long wait counts as a higher price. Pure:
prices and latencies come in.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from farebox.messages import Strategy, Target, Task
from farebox.router.auto import FIRST
from farebox.router.filters import STRICTNESS, less_private
from farebox.router.menu import Menu, Offer
from farebox.router.pricing import Rates
from farebox.router.request import CACHE_S, Kept, Request
from farebox.router.tiers import RANKS

HALVINGS_A_PLACE: Final[dict[Strategy, float]] = {"cheap": 0.25, "balanced": 0.9, "quality": 1_000.0}
"""How often the cost must halve to make up for one place down the catalogue's list; none does for quality."""

EXPECTED_OUTPUT_TOKENS: Final[dict[Task, int]] = {
    "complete": 60,
    "title": 20,
    "commit": 80,
    "chat": 500,
    "explain": 500,
    "agent": 400,
    "document": 600,
    "edit": 700,
    "fix": 800,
    "generate": 900,
    "review": 900,
    "tests": 1_500,
    "plan": 1_500,
    "apply": 1_500,
}
"""What an answer usually comes to. It only has to be right enough to compare models with each other."""

EXPECTED_STEPS: Final[dict[Task, int]] = {"agent": 8}
USUAL_STEPS: Final = 2
"""For how many steps a conversation is expected to go on: a change of models is paid for once."""

SWIFT_MS: Final = 2_000
SWIFT_COMPLETION_MS: Final = 400
"""Up to this time to the first token nobody waits; ghost text has less."""

SLOW_MS: Final = 20_000
SLOW_COMPLETION_MS: Final = 1_500
"""From this time on, a model is asked after all others of its group."""

HALVINGS_A_DOUBLING: Final = 0.5
"""How often the cost must halve to make up for a wait that is twice as long."""


RatesOf = Callable[[Target], Rates | None]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Offers in their order, and what those that ``auto`` has found are ordered by, in halvings of the cost.

    ``ranks`` are those of their models, ``extras`` what a seller asks beyond the cheapest one of its model.
    """

    offers: tuple[Offer, ...]
    ranks: Mapping[Target, float]
    extras: Mapping[Target, float]


@dataclass(frozen=True, slots=True)
class Staying:
    """A model that has the conversation cached, and what the first in rank would cost more, in nano-dollars.

    ``steps`` is for how many steps of the conversation that is reckoned.
    """

    offer: Offer
    cached_tokens: int
    saved_nanodollars: int
    steps: int


def ranked(menu: Menu, input_tokens: int, output_tokens: int, rates_of: RatesOf) -> Ranking:
    """Order the offers of ``auto`` for a prompt and an answer of about these sizes."""
    costs = {
        offer.target: _expected(rates_of(offer.target), input_tokens, output_tokens) for offer in menu.offers
    }
    known = [cost for cost in costs.values() if cost]
    floor, ceiling = min(known, default=1.0), max(known, default=1.0)

    def halvings(offer: Offer) -> float:
        cost = costs[offer.target]
        return math.log2((ceiling if cost is None else max(cost, floor)) / floor)

    cheapest: dict[tuple[int, int, int], float] = {}
    for offer in menu.offers:
        cheapest[_model(offer)] = min(halvings(offer), cheapest.get(_model(offer), math.inf))

    def rank(offer: Offer) -> float:
        worth = offer.choice.position * HALVINGS_A_PLACE[menu.strategy]
        return round(worth + cheapest[_model(offer)], 6)

    def place(offer: Offer) -> tuple[int, int, float, int, float]:
        choice = offer.choice
        if choice.group <= FIRST:
            return choice.chain, choice.group, choice.position, 0, 0.0
        seller = _seller(offer.target, menu.sellers)
        return choice.chain, choice.group, rank(offer), seller, halvings(offer)

    found = [offer for offer in menu.offers if offer.choice.group > FIRST]
    ranks = {offer.target: rank(offer) for offer in found}
    extras = {offer.target: halvings(offer) - cheapest[_model(offer)] for offer in found}
    return Ranking(tuple(sorted(menu.offers, key=place)), ranks, extras)


def order_of_waiting(
    menu: Menu, ranking: Ranking, offers: Sequence[Offer], waits: Mapping[Target, float]
) -> Callable[[Offer], tuple[int, int, int, float, float]]:
    """Return what to sort by where some keep one waiting: within a group, and among those as private.

    A model waits no longer than the best of its sellers. Where the user has set the order, of models or of
    sellers, only what is too slow goes behind the others.
    """

    def extra(offer: Offer) -> float:
        wait = waits.get(offer.target, 0.0)
        if offer.choice.group <= FIRST or menu.sellers:
            return wait if math.isinf(wait) else 0.0
        return ranking.extras[offer.target] + wait

    least: dict[tuple[int, int, int], float] = {}
    for offer in offers:
        least[_model(offer)] = min(extra(offer), least.get(_model(offer), math.inf))

    def place(offer: Offer) -> tuple[int, int, int, float, float]:
        choice, own = offer.choice, extra(offer)
        is_ordered = choice.group <= FIRST
        rank = own if is_ordered else ranking.ranks[offer.target] + least[_model(offer)]
        return choice.chain, choice.group, STRICTNESS[offer.privacy], rank, own

    return place


def slowness(latency_ms: int | None, task: Task) -> float:
    """Say what waiting for the first token weighs, in halvings of the cost; infinite for what is too slow."""
    swift_ms, slow_ms = (
        (SWIFT_COMPLETION_MS, SLOW_COMPLETION_MS) if task == "complete" else (SWIFT_MS, SLOW_MS)
    )
    if latency_ms is None or latency_ms <= swift_ms:
        return 0.0
    return math.inf if latency_ms >= slow_ms else HALVINGS_A_DOUBLING * math.log2(latency_ms / swift_ms)


def staying(
    first: Offer, known: Sequence[tuple[Offer, Kept]], request: Request, rates_of: RatesOf
) -> Staying | None:
    """Return a model of the conversation whose cached prefix is worth more than the saving of leaving it.

    ``first`` is who would be asked otherwise, ``known`` who has the conversation cached. One that is weaker
    than the first is never stayed with.
    """
    cached = {
        kept.target: min(kept.tokens, request.input_tokens) for _, kept in known if kept.age_s <= CACHE_S
    }
    steps = EXPECTED_STEPS.get(request.work.task, USUAL_STEPS)

    def cost(target: Target) -> float | None:
        return _ahead(rates_of(target), request, cached.get(target, 0), steps)

    at_first = cost(first.target)
    costs = [
        (cost_here, offer)
        for offer, kept in known
        if kept.target in cached
        and _is_as_strong(offer, first)
        and (cost_here := cost(kept.target)) is not None
    ]
    if at_first is None or not costs:
        return None
    least, offer = min(costs, key=lambda pair: pair[0])
    if offer.target == first.target or least > at_first:
        return None
    return Staying(offer, cached[offer.target], round(at_first - least), steps)


def _model(offer: Offer) -> tuple[int, int, int]:
    """Return what is the same for all who sell a model: its place in its group."""
    return offer.choice.chain, offer.choice.group, offer.choice.position


def _seller(target: Target, sellers: tuple[str, ...]) -> int:
    return sellers.index(target.provider) if target.provider in sellers else len(sellers)


def _is_as_strong(offer: Offer, first: Offer) -> bool:
    if offer.target == first.target:
        return True
    return offer.tier is not None and first.tier is not None and RANKS[offer.tier] >= RANKS[first.tier]


def _expected(rates: Rates | None, input_tokens: int, output_tokens: int) -> float | None:
    return None if rates is None else input_tokens * rates.fresh + output_tokens * rates.output


def _ahead(rates: Rates | None, request: Request, cached_tokens: int, steps: int) -> float | None:
    """Say what a conversation's next steps will cost at one model, of which it has so many tokens cached.

    What is new of the first prompt is cached then, and nothing is new in the prompts after it.
    """
    if rates is None:
        return None
    new_tokens = request.input_tokens - cached_tokens
    first = cached_tokens * rates.cached + new_tokens * (rates.written if request.caches else rates.fresh)
    answers = steps * EXPECTED_OUTPUT_TOKENS[request.work.task] * rates.output
    again = rates.cached if request.caches else rates.fresh
    return first + (steps - 1) * request.input_tokens * again + answers


def may_be_stayed_with(offer: Offer, first: Offer, offers: tuple[Offer, ...]) -> bool:
    """Say whether a conversation may stay where it is: not past the user's own choice, nor its privacy.

    ``first`` is who would be asked if all were well: trouble must not widen the choice.
    """
    if less_private(offer.target, offer.privacy, first.target, first.privacy) is not None:
        return False
    own = [one.target for one in offers if one.choice.group == FIRST]
    return first.choice.group != FIRST or offer.target in own
