"""What the ledger is told of a request, and what it tells of money, as records.

Frozen values without behaviour; an amount that is not known is None, never 0. They hold no prompt, no answer
and no code.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from farebox.messages import (
    Complexity,
    Cost,
    Evidence,
    FinishReason,
    Phase,
    Strategy,
    Target,
    Task,
    Tier,
    Usage,
)

Outcome: TypeAlias = Literal["ok", "cancelled", "failed"]

MAX_CALL_NANODOLLARS = 10**12
"""A thousand dollars: a larger figure is nonsense from outside, and millions of them overflow a sum."""

MAX_TOKENS = 10**12
MAX_TEXT_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Routing:
    """How a request was routed, and what its plan depended on: enough to plan it again, and no text of it.

    ``task`` is what the request was taken for, perhaps by a guess: the row's own is what was asked for.
    ``tier`` is None where the user had named the model. ``input_bytes`` is the prompt's size as the plan knew
    it; how many tokens that were is known only in the end.
    """

    requested: str
    strategy: Strategy
    phase: Phase
    complexity: Complexity
    tier: Tier | None
    evidence: tuple[Evidence, ...]
    images: int
    tools: bool
    caches: bool
    input_bytes: int
    max_output_tokens: int
    task: Task = "chat"


@dataclass(frozen=True, slots=True)
class Hold:
    """One attempt that is about to leave; ``hold_nanodollars`` is the most that it may cost."""

    call_id: str
    request_id: str
    attempt: int
    task: Task
    target: Target
    hold_nanodollars: int | None
    started_ms: int
    workspace: str | None = None
    client: str | None = None
    conversation: str | None = None
    routing: Routing | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one attempt came to; ``target`` and ``task`` repeat its hold's for whoever listens.

    ``correctable`` is an estimate that the provider can be asked about later, by its ``generation_id``.
    """

    call_id: str
    outcome: Outcome
    usage: Usage
    cost: Cost
    error_kind: str | None = None
    finish_reason: FinishReason | None = None
    reported_nanodollars: int | None = None
    computed_nanodollars: int | None = None
    served_model: str | None = None
    generation_id: str | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None
    target: Target | None = None
    task: Task | None = None
    correctable: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A hold whose request never left, and never will."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a running attempt has come: what it has cost by now, and by what name its provider knows it.

    It is what the attempt is charged should its process die.
    """

    call_id: str
    cost_nanodollars: int | None
    generation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a user did with the ghost text of a call, as numbers to be added.

    ``accepted`` counts what was taken at all, ``partly`` those of them not taken whole: who takes the rest as
    well adds -1 there.
    """

    call_id: str
    shown: int = 0
    accepted: int = 0
    partly: int = 0


@dataclass(frozen=True, slots=True)
class Estimated:
    """A settled estimate that its provider can be asked about by now; ``asked`` counts how often it was."""

    call_id: str
    target: Target
    generation_id: str
    asked: int


@dataclass(frozen=True, slots=True)
class Correction:
    """What a provider has booked for an estimated call, in place of the estimate.

    ``usage`` is None where it does not say: the estimated counts stay.
    """

    call_id: str
    usage: Usage | None
    cost_nanodollars: int
    served_model: str | None = None
    basis: Literal["reported", "computed"] = "reported"


@dataclass(frozen=True, slots=True)
class Spent:
    """What has been paid since a moment, and what is set aside for requests that are still running."""

    settled_nanodollars: int
    held_nanodollars: int

    @property
    def nanodollars(self) -> int:
        """Both together."""
        return self.settled_nanodollars + self.held_nanodollars

    def holding(self, nanodollars: int) -> "Spent":
        """Return it with more held, and as much paid as before."""
        return Spent(self.settled_nanodollars, self.held_nanodollars + nanodollars)

    def plus(self, settled_nanodollars: int) -> "Spent":
        """Return it with more paid, and as much held as before."""
        return Spent(self.settled_nanodollars + settled_nanodollars, self.held_nanodollars)


def bookable(settlement: Settlement) -> Settlement:
    """Return a settlement with the amounts that its row will have: the caller is told no others."""
    usage, cost = settlement.usage, settlement.cost
    paid, basis = believable(cost.nanodollars), cost.basis
    if paid is None or basis == "unknown":
        paid, basis = None, "unknown"
    cost = Cost(paid, basis, cost.baseline_model, believable(cost.baseline_nanodollars))
    usage = Usage(
        input_tokens=_tokens(usage.input_tokens),
        cached_input_tokens=_tokens(usage.cached_input_tokens),
        cache_write_tokens=_tokens(usage.cache_write_tokens),
        output_tokens=_tokens(usage.output_tokens),
        reasoning_tokens=_tokens(usage.reasoning_tokens),
    )
    if (usage, cost) == (settlement.usage, settlement.cost):
        return settlement
    return replace(settlement, usage=usage, cost=cost)


def believable(nanodollars: int | None) -> int | None:
    """Return an amount that a call may have cost, or None."""
    if nanodollars is None or not 0 <= nanodollars <= MAX_CALL_NANODOLLARS:
        return None
    return nanodollars


def _tokens(count: int) -> int:
    return min(max(count, 0), MAX_TOKENS)


def storable_text(value: str | None) -> str | None:
    """Make foreign text storable: a lone surrogate or a NUL would make a database refuse the whole row."""
    if value is None:
        return None
    return value[:MAX_TEXT_CHARACTERS].replace("\0", "").encode("utf-8", "replace").decode("utf-8")


Money: TypeAlias = Hold | Settlement | Withdrawal
"""What a request has cost or may cost: never lost while there is a disk to write it on."""

Record: TypeAlias = Money | Mark | Shown | Correction
"""What the ledger is told, and nobody waits for."""
