"""Which targets a request may go to, in which order, and why. Nothing is sent and nobody is asked.

The Route that ``farebox/route`` shows and the one that a real request takes come from this one function:
what a name means (``router.menu``), in the order of quality and price (``router.rank``), without what does
not suit the request, its privacy or the budgets, and without whom is left alone now (``router.filters``).
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from farebox.catalog import Catalog
from farebox.config import Config
from farebox.errors import FareboxError, ProviderError
from farebox.messages import (
    UNKNOWN_TRAITS,
    Candidate,
    Estimate,
    Route,
    Target,
    Traits,
    Usage,
    Verdict,
    usd_text,
)
from farebox.providers.base import Endpoint
from farebox.providers.directory import Directory
from farebox.router.auto import STAYED, Choice
from farebox.router.filters import (
    is_elsewhere,
    less_private,
    over_the_cap,
    paused,
    too_dear,
    unfit,
)
from farebox.router.health import Health, Trouble
from farebox.router.menu import MAX_TARGETS, Menu, Menus, Offer
from farebox.router.pricing import Pricing, Rates, sample_size
from farebox.router.purse import Room, Standing
from farebox.router.rank import (
    EXPECTED_OUTPUT_TOKENS,
    Ranking,
    RatesOf,
    Staying,
    may_be_stayed_with,
    order_of_waiting,
    ranked,
    slowness,
    staying,
)
from farebox.router.request import Kept, Request, rounded_up

MAX_TRAITS = 64
MAX_ESTIMATES = 1024
"""How many sums are remembered before all are worked out anew."""

_NOT_YET = Target("", "")


@dataclass(slots=True, eq=False)
class _Look:
    """An offer that was considered, and what keeps it from being asked, if anything."""

    offer: Offer
    problem: FareboxError | None
    trouble: Trouble | None = None
    latency_ms: int | None = None


@dataclass(slots=True)
class _Memory:
    """What is looked up once: a Planner is made anew when settings or keys change, and twice a minute."""

    traits: dict[Target, Traits] = field(default_factory=dict[Target, Traits])
    rates: dict[tuple[Target, int], Rates | None] = field(
        default_factory=dict["tuple[Target, int]", "Rates | None"]
    )
    estimates: dict[tuple[int, int, int, bool], dict[Target, int | None]] = field(
        default_factory=dict["tuple[int, int, int, bool]", "dict[Target, int | None]"]
    )
    orders: dict[tuple[int, int], tuple[Menu, Ranking]] = field(
        default_factory=dict["tuple[int, int]", "tuple[Menu, Ranking]"]
    )
    baseline: Target | None = _NOT_YET


@dataclass(frozen=True, slots=True)
class Planner:
    """All that a plan depends on."""

    menus: Menus
    pricing: Pricing
    health: Health = field(default_factory=Health)
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    @property
    def config(self) -> Config:
        """The settings that it plans by."""
        return self.menus.config

    @property
    def catalog(self) -> Catalog:
        """The models that it knows."""
        return self.menus.catalog

    @property
    def directory(self) -> Directory:
        """The providers that it knows."""
        return self.menus.directory

    def plan(self, request: Request, room: Room | None = None) -> Route:
        """Decide within what the budgets leave, with ``auto`` as ``auto:cheap`` where one of them says so.

        Raises a FareboxError that says why if no target is left.
        """
        menu = self.menus.menu(request.requested, request.work, request.evidence)
        route = self._route(menu, request, room)
        if room is None or not menu.has_auto or menu.strategy == "cheap" or route.estimate.nanodollars == 0:
            return route
        brake = room.brake(route.target.provider)
        if brake is None:
            return route
        menu = self.menus.menu(request.requested, request.work, request.evidence, cheaply=True)
        with suppress(FareboxError):
            route = self._route(menu, request, room, brake)
        return route

    def _route(self, menu: Menu, request: Request, room: Room | None, brake: Standing | None = None) -> Route:
        ranking = self._ranked(menu, request)
        offers, stay = self._with_stay(menu, ranking.offers, request)
        looks = self._looks(menu, offers, request, room)
        _leave_alone([look for look in looks if look.problem is None])
        if menu.has_auto:
            looks = self._by_latency(looks, menu, ranking, request)
        looks += [_Look(offer, offer.problem) for offer in menu.unready]
        usable = [look.offer for look in looks if look.problem is None]
        if not usable:
            raise self._nothing_left(looks)
        chosen, why = usable[0], _why(usable[0], stay, brake)
        return Route(
            requested=menu.requested,
            task=request.work.task,
            phase=request.work.phase,
            complexity=request.work.complexity,
            strategy=menu.strategy,
            target=chosen.target,
            reason=why,
            fallbacks=tuple(offer.target for offer in usable[1:]),
            candidates=tuple(
                self._candidate(look, "chosen" if look.offer is chosen else "fallback", why, request)
                for look in looks
            ),
            estimate=self.estimate_with_baseline(chosen.target, request),
            tier=chosen.choice.deserved,
            ground=request.work.ground,
            evidence=request.evidence if chosen.is_auto else (),
        )

    def _with_stay(
        self, menu: Menu, offers: tuple[Offer, ...], request: Request
    ) -> tuple[tuple[Offer, ...], Staying | None]:
        """Put the conversation's own model first if it is worth staying with.

        Not where a plan that is paid for by the month would be asked otherwise: it was used up for a while.
        """
        if not menu.has_auto or not request.kept or request.evidence:
            return offers, None
        able = [one for one in offers if self._problem(one, request, None) is None]
        if not able or not able[0].is_auto:
            return offers, None
        first = next((one for one in able if self.health.trouble(one.place) is None), able[0])
        stayed = [(self._stayed(kept, first), kept) for kept in request.kept]
        known = [
            (offer, kept)
            for offer, kept in stayed
            if may_be_stayed_with(offer, able[0], offers) and (offer.of_a_plan or not first.of_a_plan)
        ]
        stay = staying(first, known, request, self.rates(request.input_tokens))
        if stay is None:
            return offers, None
        others = (offer for offer in offers if offer.target != stay.offer.target)
        return (stay.offer, *others), stay

    def _ranked(self, menu: Menu, request: Request) -> Ranking:
        """Rank a menu, once for prompts of about this size: the order depends on nothing else."""
        if not menu.has_auto:
            return Ranking(menu.offers, {}, {})
        tokens = rounded_up(request.input_tokens)
        orders, key = self._memory.orders, (id(menu), tokens)
        known = orders.get(key)
        if known is None or known[0] is not menu:
            if len(orders) >= MAX_ESTIMATES:
                orders.clear()
            output_tokens = EXPECTED_OUTPUT_TOKENS[request.work.task]
            known = orders[key] = menu, ranked(menu, tokens, output_tokens, self.rates(tokens))
        return known[1]

    def _looks(
        self, menu: Menu, offers: tuple[Offer, ...], request: Request, room: Room | None
    ) -> list[_Look]:
        """Look at the offers in order, until enough suit the request, the budgets and its privacy."""
        looks: list[_Look] = []
        strictest: dict[int, Offer] = {}
        places = dict.fromkeys((offer.choice.chain for offer in offers), menu.most_of_a_chain)
        left, is_kept = MAX_TARGETS, menu.keeps_a_local_place
        for offer in offers:
            chain = offer.choice.chain
            if left == 0:
                break
            is_local = offer.privacy == "local"
            if places[chain] == 0 or (left == 1 and is_kept and not is_local):
                continue
            problem = self._problem(offer, request, room)
            if problem is None:
                before = strictest.get(chain, offer)
                problem = less_private(offer.target, offer.privacy, before.target, before.privacy)
            if problem is not None:
                looks.append(_Look(offer, problem))
                continue
            strictest[chain] = offer
            trouble = self.health.trouble(offer.place)
            looks.append(_Look(offer, None, trouble))
            if trouble is None:  # who is left alone takes nobody's place
                left, places[chain] = left - 1, places[chain] - 1
                is_kept = is_kept and not is_local
        return looks

    def _problem(self, offer: Offer, request: Request, room: Room | None) -> FareboxError | None:
        target = offer.target
        problem = offer.problem or unfit(target, offer.info, request)
        cap = self.config.budgets.request_usd
        if problem is not None or (room is None and cap is None):
            return problem
        most = self.estimate(target, request)
        over = over_the_cap(target, most, cap)
        if over is not None or room is None:
            return over
        return too_dear(target, most, room.at(target.provider), is_local=offer.privacy == "local")

    def _by_latency(self, looks: list[_Look], menu: Menu, ranking: Ranking, request: Request) -> list[_Look]:
        """Let latency count in a group, among those as private; where the user has ordered, only too much."""
        for look in looks:
            if look.problem is None:
                look.latency_ms = self.health.latency_ms(look.offer.place)
        if not any(slowness(look.latency_ms, request.work.task) for look in looks):
            return looks
        waits = {look.offer.target: slowness(look.latency_ms, request.work.task) for look in looks}
        place = order_of_waiting(menu, ranking, [look.offer for look in looks], waits)
        return sorted(looks, key=lambda look: place(look.offer))

    def _nothing_left(self, looks: list[_Look]) -> FareboxError:
        """Return why the first one can't answer: one that has to be waited for, if there is such a one."""
        problems = [look.problem for look in looks if look.problem is not None]
        waiting = (
            one for one in problems if isinstance(one, ProviderError) and one.retry_after_s is not None
        )
        error = next(waiting, None) or next(iter(problems), None) or self.menus.nothing_left()
        # One that is remembered must not gather the frames, and prompts, of all who met it.
        return error.with_traceback(None)

    def _candidate(self, look: _Look, verdict: Verdict, why: str, request: Request) -> Candidate:
        """Say what became of an offer, and why."""
        target = look.offer.target
        if look.problem is not None:
            return Candidate(target, "dropped", look.problem.message)
        if verdict != "chosen":
            why = look.offer.why
            if slowness(look.latency_ms, request.work.task):
                why += f"; its first token has come after {(look.latency_ms or 0) / 1000:.1f} s of late"
        return Candidate(target, verdict, why, self.estimate(target, request))

    def _stayed(self, kept: Kept, first: Offer) -> Offer:
        """Offer the conversation's model in place of who would be asked otherwise."""
        return self.menus.offer(
            Choice(
                kept.target, "auto: the conversation's model so far", STAYED, deserved=first.choice.deserved
            )
        )

    def rates(self, input_tokens: int) -> RatesOf:
        """Return what says what a token costs where, in a prompt of about this size."""
        size = sample_size(input_tokens)

        def look_up(target: Target) -> Rates | None:
            known = self._memory.rates
            if (target, size) not in known:
                if len(known) >= MAX_ESTIMATES:
                    known.clear()
                seller = self.seller(target)
                rates = self.pricing.rates(seller, target.model, size) if seller is not None else None
                known[target, size] = rates
            return known[target, size]

        return look_up

    def estimate(self, target: Target, request: Request) -> int | None:
        """The most that a request may cost there, in nano-dollars; None if the price is unknown.

        The size of a prompt is rounded up by a little, so that the same sum serves the next requests.
        """
        known = self._estimates(request)
        if target not in known:
            known[target] = self._look_up_estimate(target, rounded_up(request.most_input_tokens), request)
        return known[target]

    def _estimates(self, request: Request) -> dict[Target, int | None]:
        """Return what is known for requests of about this size."""
        estimates = self._memory.estimates
        size = rounded_up(request.most_input_tokens)
        key = size, request.max_output_tokens, request.images, request.caches
        if key not in estimates:
            if len(estimates) >= MAX_ESTIMATES:
                estimates.clear()
            estimates[key] = {}
        return estimates[key]

    def _look_up_estimate(self, target: Target, input_tokens: int, request: Request) -> int | None:
        seller = self.seller(target)
        if seller is None:
            return None
        written = input_tokens if request.caches else 0  # at some vendors that costs more than to read it
        most = Usage(input_tokens, cache_write_tokens=written, output_tokens=request.max_output_tokens)
        return self.pricing.most_nanodollars(seller, target.model, most, images=request.images)

    def traits(self, target: Target) -> Traits:
        """Return what is known of a model that changes how it is asked."""
        known = self._memory.traits
        if target not in known:
            if len(known) >= MAX_TRAITS:
                known.clear()
            known[target] = self._look_up_traits(target)
        return known[target]

    def _look_up_traits(self, target: Target) -> Traits:
        info = self.catalog.info(target.provider, target.model)
        if info is None:
            return UNKNOWN_TRAITS
        return Traits(
            context_window=info.context_window,
            max_output_tokens=info.max_output_tokens,
            reasons="reasoning" in info.capabilities,
            thinking=info.thinking,
            efforts=info.efforts,
        )

    def baseline(self) -> Target | None:
        """The strongest model that the user could have used instead."""
        memory = self._memory
        if memory.baseline is _NOT_YET:
            memory.baseline = self.catalog.strongest(self.menus.ready_providers())
        return memory.baseline

    def seller(self, target: Target) -> Endpoint | None:
        """Return the provider of a target as pricing knows it; None if it is not set up."""
        endpoint = self.menus.endpoint(target.provider)
        if not isinstance(endpoint, Endpoint):
            return None
        if not endpoint.free or not is_elsewhere(endpoint, target.model):
            return endpoint
        told = self.config.providers.get(target.provider)
        return replace(endpoint, free=told is not None and told.free is True)

    def estimate_with_baseline(self, target: Target, request: Request) -> Estimate:
        """Estimate a request at a target, and at the strongest model."""
        baseline = self.baseline()
        return Estimate(
            nanodollars=self.estimate(target, request),
            baseline_model=baseline.name if baseline is not None else None,
            baseline_nanodollars=self.estimate(baseline, request) if baseline is not None else None,
        )


def _leave_alone(looks: list[_Look]) -> None:
    """Drop who is to be left alone; where nobody else is left, keep whoever may be asked soonest.

    That never widens the choice: who would tell more people, or is too dear, is out already.
    """
    found = [(look, look.trouble) for look in looks if look.trouble is not None]
    if len(found) == len(looks):
        soft = ((trouble.wait_s, at) for at, (_, trouble) in enumerate(found) if not trouble.is_firm)
        asked = min(soft, default=None)
        if asked is not None:
            del found[asked[1]]
    for look, trouble in found:
        look.problem = paused(look.offer.target, trouble)


def _why(chosen: Offer, stay: Staying | None, brake: Standing | None) -> str:
    """Say why the chosen one was: by its own words, or because the conversation is cached there."""
    if stay is None or chosen is not stay.offer:
        if brake is None or not chosen.is_auto:
            return chosen.why
        return (
            f"{chosen.why}, cheaply: the {brake.limit.name} budget is at {brake.percent} %, see {brake.rung}"
        )
    return (
        f"auto: stays with {chosen.target.name}, which has about {stay.cached_tokens} tokens of this "
        f"conversation cached: another would cost about ${usd_text(stay.saved_nanodollars)} more over "
        f"{stay.steps} steps"
    )
