"""What the status says of money: what today has cost, how the budgets stand, and what is to be warned of.

What is told to people counts what is spent; the step and the percent of a budget count what is held as well,
because that is what the router goes by. Nothing here asks or sends.
"""

from dataclasses import dataclass
from typing import Final

from farebox.ledger.limits import STEP_WORDS, Step
from farebox.ledger.limits import standing_words as words_of
from farebox.messages import minute_text, usd_text
from farebox.report.shapes import BudgetShape
from farebox.router.purse import Spending, Standing, percent

_SEVERITY: Final[tuple[Step, ...]] = ("ok", "warn", "cheaper", "local", "stop")
_THAT_CHANGE_AN_ANSWER: Final[tuple[Step, ...]] = ("cheaper", "local", "stop")


@dataclass(frozen=True, slots=True)
class Warned:
    """A budget whose first rung is passed; ``period`` is the same until the budget begins anew."""

    period: tuple[str, int]
    message: str


def standing_words(spending: Spending) -> tuple[str, str]:
    """Return the state and the message of a farebox that is ready, as far as money lets it be."""
    worst = _worst(spending)
    if worst is None:
        return "ready", "ready"
    is_shut = worst.unchecked is not None or _step(worst) == "stop"
    if is_shut and worst.limit.scope.kind in ("all", "workspace"):
        return "budget", _words(worst)
    return "ready", f"ready; {_words(worst)}"


def noteworthy(spending: Spending) -> str | None:
    """Say in one line what who has just got an answer is to know of the budgets; None if nothing."""
    if (worst := _worst(spending)) is not None:
        return _words(worst)
    held = [one for one in spending.standings if one.step in _THAT_CHANGE_AN_ANSWER]
    if not held:
        return None
    worst = max(held, key=lambda one: (_SEVERITY.index(one.step), one.percent))
    return f"{worst.percent} % of the {worst.limit.name} budget is spent or held: {STEP_WORDS[worst.step]}"


def _worst(spending: Spending) -> Standing | None:
    told = [one for one in spending.standings if one.unchecked or _step(one) != "ok" or _is_used_up(one)]
    return max(told, key=_severity, default=None)


def _severity(standing: Standing) -> tuple[bool, int, bool, int]:
    step = _SEVERITY.index(_step(standing))
    return standing.unchecked is not None, step, _is_used_up(standing), _percent(standing)


def warnings(spending: Spending) -> tuple[Warned, ...]:
    """List the budgets of which the user has to be told that they are being used up."""
    return tuple(_warned(one) for one in spending.standings if one.unchecked is None and _step(one) != "ok")


def fields(spending: Spending) -> dict[str, object]:
    """Return what today has cost and the budgets, as they stand in the status."""
    today: dict[str, object] = {"todayUsd": usd_text(spending.today_nanodollars)}
    if not spending.standings:
        return today
    return {**today, "budgets": [_budget(one) for one in spending.standings]}


def _budget(standing: Standing) -> dict[str, object]:
    limit, spent = standing.limit, standing.spent
    return BudgetShape(
        name=limit.name,
        limit_usd=usd_text(limit.limit_nanodollars),
        spent_usd=usd_text(spent.settled_nanodollars),
        held_usd=usd_text(spent.held_nanodollars),
        resets_at=limit.resets_at,
        step=standing.step,
        percent=limit.percent(spent.nanodollars),
        used_up=limit.is_used_up(spent.nanodollars),
        unchecked=standing.unchecked is not None,
    ).json_value()


def _warned(standing: Standing) -> Warned:
    limit = standing.limit
    return Warned(
        (limit.setting, limit.since_ms),
        f"{_words(standing)}. It is ${usd_text(limit.limit_nanodollars)}, set by "
        f"{limit.setting}, and begins anew at {minute_text(limit.resets_at)}.",
    )


def _words(standing: Standing) -> str:
    name, step, percent = standing.limit.name, _step(standing), _percent(standing)
    if standing.unchecked is not None:
        return f"{standing.unchecked.message}. {standing.unchecked.hint}"
    if _is_used_up(standing):
        return f"the {name} budget is {words_of(step, percent)}"
    consequence = f": {STEP_WORDS[step]}" if step in _THAT_CHANGE_AN_ANSWER else ""
    return f"{percent} % of the {name} budget is spent{consequence}"


def _is_used_up(standing: Standing) -> bool:
    """Say whether nothing is left of it, whatever is held; a budget of nothing is none to be used up."""
    return standing.limit.is_used_up(standing.spent.settled_nanodollars)


def _step(standing: Standing) -> Step:
    return standing.limit.step(standing.spent.settled_nanodollars)


def _percent(standing: Standing) -> int:
    return percent(standing.spent.settled_nanodollars, standing.limit)
