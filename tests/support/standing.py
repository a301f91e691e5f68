"""Budgets for tests of what follows from them: each is a limit, and what was spent of it."""

from farebox.ledger.limits import EVERYTHING, NO_STEPS, Limit, Scope, Steps
from farebox.ledger.records import Spent
from farebox.messages import Task
from farebox.router.purse import Room, Standing

RESETS_AT = "2026-11-22T00:00:00+00:00"


def ladder(nanodollars: int, **rungs: int) -> Steps:
    """Return the steps of a budget; rungs in percent."""
    return Steps(**{f"{rung}_nanodollars": nanodollars * percent // 100 for rung, percent in rungs.items()})


def standing(
    nanodollars: int,
    spent: int,
    steps: Steps = NO_STEPS,
    *,
    held: int = 0,
    name: str = "daily",
    scope: Scope = EVERYTHING,
) -> Standing:
    """Return a budget as it stands."""
    limit = Limit(
        name, nanodollars, 1_000, RESETS_AT, scope=scope, setting="[budgets] daily_usd", steps=steps
    )
    return Standing(limit, Spent(spent, held))


def room(*standings: Standing, task: Task = "chat", workspace: str | None = None) -> Room:
    """Return what a request of a task, from a workspace, may spend."""
    return Room(task, workspace, standings)
