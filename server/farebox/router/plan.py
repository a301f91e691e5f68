"""Which targets a request may go to, in which order, and why. Nothing is sent and nobody is asked.

The Route that ``farebox/route`` shows and the one that a real request takes come from this one function:
what a name means (``router.menu``), without what does not suit the request or the budgets
(``router.filters``).
"""

from dataclasses import dataclass, field, replace

from farebox.catalog import Catalog
from farebox.config import Config
from farebox.errors import FareboxError
from farebox.messages import (
    UNKNOWN_TRAITS,
    Candidate,
    Complexity,
    Estimate,
    Phase,
    Route,
    Target,
    Task,
    Traits,
    Usage,
)
from farebox.providers.base import Endpoint
from farebox.providers.directory import Directory
from farebox.router.filters import Room, is_elsewhere, too_dear, unfit
from farebox.router.menu import Menus, Offer
from farebox.router.pricing import Pricing
from farebox.router.request import Request

MAX_TRAITS = 64
MAX_ESTIMATES = 1024
"""How many sums are remembered before all are worked out anew."""

ESTIMATE_BITS = 6
"""How many significant bits are left of a number of tokens that is rounded up: 1/32 is added at most."""

MAX_ROUNDED_TOKENS = 30_000
"""Longer prompts are seldom as long as another, and the price of a token may change where they grow."""

LOW_COMPLEXITY_TOKENS = 2_000
MEDIUM_COMPLEXITY_TOKENS = 16_000

_PHASES: dict[Task, Phase] = {"plan": "plan", "review": "check", "tests": "check"}
_NOT_YET = Target("", "")


@dataclass(slots=True)
class _Memory:
    """What is looked up once: a Planner is made anew when settings or keys change, and twice a minute."""

    traits: dict[Target, Traits] = field(default_factory=dict[Target, Traits])
    estimates: dict[tuple[str, str, int, int, int], int | None] = field(
        default_factory=dict["tuple[str, str, int, int, int]", "int | None"]
    )
    baseline: Target | None = _NOT_YET


@dataclass(frozen=True, slots=True)
class Planner:
    """All that a plan depends on."""

    menus: Menus
    pricing: Pricing
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
        """Decide within what the budgets leave. Raises a FareboxError that says why if no target is left."""
        menu = self.menus.menu(request.requested, request.task)
        candidates: list[Candidate] = []
        problems: list[FareboxError] = []
        usable: list[Offer] = []
        for offer in menu.offers:
            target = offer.target
            most = self.estimate(target, request)
            problem = offer.problem or unfit(target, offer.info, request) or too_dear(target, most, room)
            if problem is not None:
                problems.append(problem)
                candidates.append(Candidate(target, "dropped", problem.message))
                continue
            verdict = "fallback" if usable else "chosen"
            usable.append(offer)
            candidates.append(Candidate(target, verdict, offer.why, most))
        if not usable:
            # An error that is remembered must not gather the frames, and prompts, of all who met it.
            raise (problems[0] if problems else self.menus.nothing_left()).with_traceback(None)
        chosen = usable[0]
        return Route(
            requested=menu.requested,
            task=request.task,
            phase=_PHASES.get(request.task, "act"),
            complexity=_complexity(request.input_tokens),
            strategy=menu.strategy,
            target=chosen.target,
            reason=chosen.why,
            fallbacks=tuple(offer.target for offer in usable[1:]),
            candidates=tuple(candidates),
            estimate=self.estimate_with_baseline(chosen.target, request),
        )

    def estimate(self, target: Target, request: Request) -> int | None:
        """The most that a request may cost there, in nano-dollars; None if the price is unknown.

        The size of a prompt is rounded up by a little, so that the same sum serves the next requests.
        """
        input_tokens = _rounded_up(request.most_input_tokens)
        most = Usage(input_tokens=input_tokens, output_tokens=request.max_output_tokens)
        key = (target.provider, target.model, most.input_tokens, most.output_tokens, request.images)
        estimates = self._memory.estimates
        if key not in estimates:
            if len(estimates) >= MAX_ESTIMATES:
                estimates.clear()
            endpoint = self.seller(target)
            estimates[key] = (
                self.pricing.most_nanodollars(endpoint, target.model, most, images=request.images)
                if endpoint is not None
                else None
            )
        return estimates[key]

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


def _rounded_up(tokens: int) -> int:
    """Round a count up to one with few significant bits, unless it is large."""
    if tokens > MAX_ROUNDED_TOKENS:
        return tokens
    step = 1 << max(tokens.bit_length() - ESTIMATE_BITS, 0)
    return -(-tokens // step) * step


def _complexity(input_tokens: int) -> Complexity:
    if input_tokens <= LOW_COMPLEXITY_TOKENS:
        return "low"
    return "medium" if input_tokens <= MEDIUM_COMPLEXITY_TOKENS else "high"
