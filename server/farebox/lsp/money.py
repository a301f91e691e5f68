"""What the status says of money: what today has cost, how the budgets stand, and what is to be warned of.

What is told to people counts what is spent; the step and the percent of a budget count what is held as well,
because that is what the router goes by. Nothing here asks or sends.
"""

from dataclasses import dataclass
from typing import Final

from farebox.ledger.limits import Step
from farebox.lsp.notifications import BudgetStatus
from farebox.messages import minute_text, usd_text
from farebox.router.purse import Spending, Standing, percent

_SEVERITY: Final[tuple[Step, ...]] = ("ok", "warn", "cheaper", "local", "stop")
_CONSEQUENCES: Final[dict[Step, str]] = {
    "ok": "",
    "warn": "",
    "cheaper": ": auto chooses cheap models",
    "local": ": only free models on this machine are asked",
    "stop": ": nothing is asked any more",
}


@dataclass(frozen=True, slots=True)
class Warned:
    """A budget whose first rung is passed; ``period`` is the same until the budget begins anew."""

    period: tuple[str, int]
    message: str


def standing_words(spending: Spending) -> tuple[str, str]:
    """Return the state and the message of a farebox that is ready, as far as money lets it be."""
    told = [one for one in spending.standings if _step(one) != "ok" or _is_used_up(one)]
    if not told:
        return "ready", "ready"
    worst = max(told, key=lambda one: (_SEVERITY.index(_step(one)), _is_used_up(one), _percent(one)))
    is_stopped = _step(worst) == "stop" and worst.limit.scope.kind in ("all", "workspace")
    words = f"{_words(worst)}{_consequence(worst)}"
    return ("budget", words) if is_stopped else ("ready", f"ready; {words}")


def warnings(spending: Spending) -> tuple[Warned, ...]:
    """List the budgets of which the user has to be told that they are being used up."""
    return tuple(_warned(one) for one in spending.standings if _step(one) != "ok")


def fields(spending: Spending) -> dict[str, object]:
    """Return what today has cost and the budgets, as they stand in the status."""
    today: dict[str, object] = {"todayUsd": usd_text(spending.today_nanodollars)}
    if not spending.standings:
        return today
    return {**today, "budgets": [_budget(one) for one in spending.standings]}


def _budget(standing: Standing) -> dict[str, object]:
    limit, spent = standing.limit, standing.spent
    return BudgetStatus(
        name=limit.name,
        limit_usd=usd_text(limit.limit_nanodollars),
        spent_usd=usd_text(spent.settled_nanodollars),
        held_usd=usd_text(spent.held_nanodollars),
        resets_at=limit.resets_at,
        step=standing.step,
        percent=standing.percent,
    ).json_value()


def _warned(standing: Standing) -> Warned:
    limit = standing.limit
    return Warned(
        (limit.setting, limit.since_ms),
        f"{_words(standing)}{_consequence(standing)}. It is ${usd_text(limit.limit_nanodollars)}, set by "
        f"{limit.setting}, and begins anew at {minute_text(limit.resets_at)}.",
    )


def _words(standing: Standing) -> str:
    return f"{_percent(standing)} % of the {standing.limit.name} budget is spent"


def _consequence(standing: Standing) -> str:
    step = _step(standing)
    if _is_used_up(standing) and step not in ("local", "stop"):
        return ": nothing that costs money is asked"
    return _CONSEQUENCES[step]


def _is_used_up(standing: Standing) -> bool:
    """Say whether nothing is left of it; a budget of nothing is none to be used up."""
    return 0 < standing.limit.limit_nanodollars <= standing.spent.settled_nanodollars


def _step(standing: Standing) -> Step:
    return standing.limit.step(standing.spent.settled_nanodollars)


def _percent(standing: Standing) -> int:
    return percent(standing.spent.settled_nanodollars, standing.limit)
