"""What the budgets leave for a request, and which rung of the user's ladder each of them stands on.

Reads the ledger and changes nothing: money is set aside by its hold, which has the last word. What follows
for a target is decided by ``router.filters`` and ``router.plan``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farebox.errors import BudgetExceeded
from farebox.ledger.limits import Limit, Step, local, midnight, unix_ms
from farebox.ledger.records import Spent
from farebox.ledger.repair import unchecked
from farebox.ledger.schema import LedgerUnusable
from farebox.ledger.store import Ledger
from farebox.messages import Task
from farebox.router.request import Request

SHORT_PERCENT = 90

_STEPS_THAT_CHANGE_A_PLAN: frozenset[Step] = frozenset({"cheaper", "local", "stop"})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands: what is spent of it, and what is held for requests that are running.

    ``unchecked`` is why nobody knows: the sums may lack what was in a damaged ledger.
    """

    limit: Limit
    spent: Spent
    unchecked: BudgetExceeded | None = None

    @property
    def left_nanodollars(self) -> int:
        """What may still be spent; nothing where it is overspent."""
        return max(self.limit.limit_nanodollars - self.spent.nanodollars, 0)

    @property
    def step(self) -> Step:
        """The rung that what is spent and held has reached."""
        return self.limit.step(self.spent.nanodollars)

    @property
    def percent(self) -> int:
        """How much of it is spent or held, in whole percent, perhaps more than 100."""
        return percent(self.spent.nanodollars, self.limit)

    @property
    def rung(self) -> str:
        """Where the step that it has reached is set: ``[budgets.ladder] local = 95``."""
        steps, step = self.limit.steps, self.step
        begins = {
            "warn": steps.warn_nanodollars,
            "cheaper": steps.cheaper_nanodollars,
            "local": steps.local_nanodollars,
            "stop": steps.stop_nanodollars,
        }.get(step)
        return f"[budgets.ladder] {step} = {percent(begins or 0, self.limit)}"


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent since midnight, and how all budgets stand."""

    today_nanodollars: int
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """How the budgets stand that a request of a task, from a workspace, may count against."""

    task: Task
    workspace: str | None
    standings: tuple[Standing, ...]

    def at(self, provider: str) -> tuple[Standing, ...]:
        """Return the budgets that it counts against if it is sent there."""
        return tuple(one for one in self.standings if one.limit.covers(self.task, provider, self.workspace))

    def brake(self, provider: str) -> Standing | None:
        """Return the budget that asks for cheaper models, of those that this provider's count against."""
        return next((one for one in self.at(provider) if one.step == "cheaper"), None)


def percent(nanodollars: int, limit: Limit) -> int:
    """Return an amount as whole percent of a limit; all of it where the limit is nothing."""
    return 100 * nanodollars // limit.limit_nanodollars if limit.limit_nanodollars else 100


async def spending(ledger: Ledger, limits: Sequence[Limit]) -> Spending:
    """Ask the ledger what today has cost and how all budgets stand. Raises LedgerUnusable."""
    midnight_ms = unix_ms(midnight(local(None).date()))
    today, *sums = await ledger.spent_by((Limit("today", 0, midnight_ms, ""), *limits))
    return Spending(today.settled_nanodollars, await _standings(ledger, limits, sums))


async def room_left(ledger: Ledger, limits: Sequence[Limit], request: Request) -> Room | None:
    """Ask the ledger how the budgets stand.

    None where none counts, and where the ledger can't say: then the hold, which fails closed, has the last
    word.
    """
    counting = _counting(limits, request)
    if not counting:
        return None
    try:
        standings = await _standings(ledger, counting, await ledger.spent_by(counting))
    except LedgerUnusable:
        return None
    return Room(request.task, request.origin.workspace, standings)


async def _standings(ledger: Ledger, limits: Sequence[Limit], sums: Sequence[Spent]) -> tuple[Standing, ...]:
    damages = await ledger.damages() if limits else ()
    return tuple(
        Standing(limit, spent, unchecked(limit, damages)) for limit, spent in zip(limits, sums, strict=True)
    )


def _counting(limits: Sequence[Limit], request: Request) -> tuple[Limit, ...]:
    """Leave out what does not count for a request wherever it goes."""
    task, workspace = request.task, request.origin.workspace
    return tuple(one for one in limits if one.covers(task, one.scope.value, workspace))


def is_in_plenty(limit: Limit, spent: Spent | None, most: int | None) -> bool:
    """Say whether a budget changes no plan, were as much spent on top as a request may cost at most.

    ``spent`` is what is known without asking: None is nothing, and ``most`` None a price that is not known.
    """
    if most is None:
        return False
    if spent is None:
        steps = limit.steps
        later = (steps.cheaper_nanodollars, steps.local_nanodollars, steps.stop_nanodollars)
        return most == 0 and all(one is None for one in later)
    after = spent.nanodollars + most
    fits = most == 0 or after <= limit.limit_nanodollars
    return fits and limit.step(after) not in _STEPS_THAT_CHANGE_A_PLAN


def is_short(task: str, standings: Iterable[tuple[Limit, Spent | None]]) -> bool:
    """Say whether a budget that holds for a task has reached a rung of its ladder, or is nearly spent.

    For what may as well be left undone; what is not known counts as nothing.
    """
    for limit, spent in standings:
        if spent is None or (limit.scope.kind == "task" and limit.scope.value != task):
            continue
        percent = limit.percent(spent.nanodollars)
        if limit.step(spent.nanodollars) != "ok" or (percent is not None and percent >= SHORT_PERCENT):
            return True
    return False
