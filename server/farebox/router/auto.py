"""What ``auto`` chooses from: the models of the tier that a piece of work deserves, then those near it.

Puts targets into groups, best first; what of a group is asked first is decided by ``router.rank``, which
knows prices. Knows no provider beyond its name, and nobody's health.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, get_args

from farebox.catalog import Catalog
from farebox.errors import ModelNotFound
from farebox.messages import Evidence, Strategy, Target, Tier
from farebox.providers.directory import DEFAULT_MODEL
from farebox.router.classify import Work
from farebox.router.tiers import CODING_TASKS, RANKS, SMALL_TASKS, deserved

STAYED: Final = -1
"""The conversation's model so far, where it is worth staying with."""

FIRST: Final = 0
"""The user's own choice for this tier: a role's models, or a local server where it goes first."""

DESERVED: Final = 1
STRONGER: Final = 1
"""What is added to DESERVED for each tier above it: 2 and 3."""

WEAKER: Final = 3
"""What is added to it for each tier below: 4 and 5."""

OTHERS: Final = 6
"""Servers of which no model is known, and the local one where it does not go first."""

_EVIDENCE_WORDS: Final[dict[Evidence, str]] = {
    "empty": "was empty",
    "cutOff": "was cut off",
    "regenerated": "was asked for again",
    "rejected": "was rejected",
    "undone": "was undone",
    "errorsRemain": "was applied and errors remain in the file",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A target and the words for why it is a candidate.

    Those of a lower ``group`` are asked first, whatever they cost; ``position`` is the place in its group's
    list, which counts for quality. ``chain`` is the place of the name that it comes from in the user's list.
    ``deserved`` is the tier that ``auto`` was looking for; None for a model that was named.
    """

    target: Target
    why: str
    group: int = FIRST
    position: int = 0
    chain: int = 0
    deserved: Tier | None = None


Role = Callable[[Tier], tuple[Target, ...]]
"""Gives the models that the user has set for a tier."""


@dataclass(frozen=True, slots=True)
class Auto:
    """What the choices depend on: the providers that are ready, hosted and local, and the piece of work."""

    catalog: Catalog
    hosted: tuple[str, ...]
    local: tuple[str, ...]
    work: Work
    evidence: tuple[Evidence, ...]

    def choices(self, strategy: Strategy, role: Role) -> tuple[Choice, ...]:
        """List the choices, group by group."""
        tier = self._tier(strategy, role)
        why = self._why(strategy, tier)
        found: dict[Target, Choice] = {}
        for choice in (
            *(Choice(target, f"{why} (your own choice)", FIRST, at) for at, target in enumerate(role(tier))),
            *self._servers(strategy, tier, has_role=bool(role(tier))),
            *self._of_tier(tier, why, DESERVED),
            *(self._nearby(tier, role) if self.work.task != "complete" else ()),
            *self._unlisted(),
        ):
            found.setdefault(choice.target, choice)
        ordered = sorted(found.values(), key=lambda choice: choice.group)
        return tuple(replace(choice, deserved=tier) for choice in ordered)

    def at(self, provider: str, strategy: Strategy, role: Role) -> Choice:
        """Return what would have been chosen at a provider that can't be used."""
        tier = self._tier(strategy, role)
        models = self.catalog.preferred(self.work.task, tier)
        known = (self.catalog.target(model, provider) for model in models)
        target = next((one for one in known if one is not None), Target(provider, DEFAULT_MODEL))
        return Choice(target, "auto: set up, but not to be used", OTHERS, deserved=tier)

    def _tier(self, strategy: Strategy, role: Role) -> Tier:
        """Say what the work deserves: a model that the user has named for code writes the easy code too."""
        tier = deserved(strategy, self.work, self.evidence)
        codes = tier == "fast" and strategy == "balanced" and self.work.task in CODING_TASKS
        return "balanced" if codes and role("balanced") else tier

    def _servers(self, strategy: Strategy, tier: Tier, *, has_role: bool) -> Iterator[Choice]:
        """The user's own servers go first for tab completion, and for what is easy if cheap is asked for.

        Not where the user has said who does such work.
        """
        suits = self.work.task == "complete" or (strategy == "cheap" and tier == "fast")
        goes_first = suits and not has_role
        for name in self.local:
            yield Choice(
                Target(name, DEFAULT_MODEL),
                "auto: the local server that you have set up",
                FIRST if goes_first else OTHERS,
            )

    def _of_tier(self, tier: Tier, why: str, group: int) -> Iterator[Choice]:
        """List who serves a tier's models; the last ones of its list may be weaker."""
        for position, name in enumerate(self.catalog.preferred(self.work.task, tier)):
            below = self._steps_below(name, tier)
            if below and group != DESERVED:
                continue  # a list of its own has it
            nearest = f"{why}: of what you have set up this comes nearest" if below else why
            for target in self.sellers(name):
                yield Choice(target, nearest, _beside(-below) if below else group, position)

    def _steps_below(self, name: str, tier: Tier) -> int:
        """Say how many tiers a model is below one; tab completion's list is one of its own."""
        found = self.catalog.models[name].tier
        if found is None or self.work.task == "complete":
            return 0
        return max(RANKS[tier] - RANKS[found], 0)

    def sellers(self, name: str) -> tuple[Target, ...]:
        """List where a model is sold among the providers that are ready, its maker first."""
        order = dict.fromkeys((*self.catalog.vendors_of(name), *self.hosted))
        found = (self.catalog.target(name, provider) for provider in order if provider in self.hosted)
        return tuple(target for target in found if target is not None)

    def _nearby(self, tier: Tier, role: Role) -> Iterator[Choice]:
        """What is asked when the deserved tier fails: stronger models, nearest first, then weaker ones."""
        stronger: list[Tier] = [other for other in RANKS if RANKS[other] > RANKS[tier]]
        if self.work.task in SMALL_TASKS:
            del stronger[1:]  # nobody wants the dearest model to name a conversation
        weaker: list[Tier] = [other for other in reversed(RANKS) if RANKS[other] < RANKS[tier]]
        for other in (*stronger, *weaker):
            why = f"auto: the {other} tier, if the {tier} one fails"
            group = _beside(RANKS[other] - RANKS[tier])
            for target in role(other):
                yield Choice(target, f"{why} (your own choice)", group, -1)
            yield from self._of_tier(other, why, group)

    def _unlisted(self) -> Iterator[Choice]:
        """A server of the user's of which the catalogue knows no model."""
        for name in self.hosted:
            if not self.catalog.models_at(name):
                why = "auto: the provider that you have set up"
                yield Choice(Target(name, DEFAULT_MODEL), why, OTHERS)

    def _why(self, strategy: Strategy, tier: Tier) -> str:
        work = self.work
        if work.task == "complete":
            return "auto: a fast model, as tab completion needs"
        if self.evidence and tier != deserved(strategy, self.work):
            told = " and ".join(_EVIDENCE_WORDS[one] for one in self.evidence)
            return f"auto: the {tier} tier, because the last answer {told}"
        if work.task in SMALL_TASKS:
            return f"auto: the task {work.task} needs no more than a fast model"
        if work.phase == "plan" or work.task == "review":
            return f"auto: {'planning' if work.phase == 'plan' else 'review'} takes the {tier} tier"
        return f"auto: the {tier} tier for the task {work.task}, of {work.complexity} complexity"


def _beside(distance: int) -> int:
    """Return the group of a tier so far above the deserved one, or below: the nearest first."""
    return DESERVED + (STRONGER + distance - 1 if distance > 0 else WEAKER - distance - 1)


def is_auto(name: str) -> bool:
    """Say whether a name leaves the choice to us."""
    return name == "auto" or name.startswith("auto:")


def asked_strategy(name: str, default: Strategy) -> Strategy:
    """Return the strategy that a name such as ``auto:cheap`` asks for. Raises ModelNotFound."""
    asked = name.partition(":")[2]
    if not asked:
        return default
    for strategy in get_args(Strategy):
        if strategy == asked:
            return strategy
    raise ModelNotFound(
        f"{name}: there is no strategy {asked}",
        hint="Use auto, auto:cheap, auto:balanced or auto:quality.",
    )
