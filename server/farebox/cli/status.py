"""``farebox status``: what today has cost, in one line for a shell's prompt or an editor's status line.

It is run at every prompt, so it imports little, reads the ledger without writing, and creates nothing. What
it can't find out is a ``?`` in the line, the reason is on stderr and the exit code 1. So is what a damaged
ledger may have lost, until that is accepted; the line says so itself, and the exit code is 0.
"""

import os
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from farebox.cli.terminal import show, show_json
from farebox.errors import FareboxError, InvalidParams
from farebox.ledger.glance import Glance, OlderLedger, glance
from farebox.messages import usd_text
from farebox.places import WORKSPACE_FILE, config_file, ledger_file, working_folder, workspace_of

if TYPE_CHECKING:
    from pathlib import Path

    from farebox.ledger.limits import Limit
    from farebox.ledger.records import Spent
    from farebox.ledger.repair import Damage

PLACEHOLDERS = ("today", "month", "requests", "held", "budget")
JSON_KEYS: Sequence[str] = (
    "todayUsd",
    "monthUsd",
    "requestsToday",
    "heldUsd",
    "budgets",
    "unwritten",
    "damages",
)
UNKNOWN = "?"
_NANODOLLARS_PER_CENT = 10**7


@dataclass(frozen=True, slots=True)
class _Budget:
    limit: "Limit"
    spent: "Spent"
    is_unchecked: bool

    @property
    def percent(self) -> int | None:
        """How much is spent or held, of a hundred; None for a budget of nothing."""
        return self.limit.percent(self.spent.nanodollars)


def print_status(*, line: str | None, as_json: bool) -> int:
    """Print a line, or JSON. Raises what has kept it from being whole, when that is printed."""
    parts = _parts("{today} today" if line is None else line)
    limits: Sequence[Limit] = ()
    failure: FareboxError | None = None
    found: Glance | None = None
    try:
        limits = _limits()
    except FareboxError as error:
        failure = error
    knows_budgets = failure is None
    try:
        found = _glance(limits)
    except FareboxError as error:
        failure = error
    budgets = _budgets(limits, found) if knows_budgets else None
    if as_json:
        show_json(_json_value(found, budgets))
    else:
        values = _values(found, budgets)
        text = "".join(literal + (values[name] if name else "") for literal, name in parts)
        if line is None and found:
            damage = "ledger damaged" if found.is_today_doubtful else ""
            text = " · ".join(filter(None, (text, damage, values["budget"])))
        show(text)
    if failure is not None:
        raise failure
    return 0


def _parts(line: str) -> list[tuple[str, str | None]]:
    """Split a line into its literal texts, each with the placeholder behind it. Raises InvalidParams."""
    try:
        parts = list(string.Formatter().parse(line))
    except ValueError:
        raise InvalidParams("a brace in the format is not closed", hint="Write {{ for a brace.") from None
    for _, name, spec, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or spec or conversion):
            asked = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            known = " ".join(f"{{{one}}}" for one in PLACEHOLDERS)
            raise InvalidParams(f"there is no {{{asked}}} in a status", hint=f"Use {known}.")
    return [(literal, name) for literal, name, _, _ in parts]


def _limits() -> "Sequence[Limit]":
    """Return the budgets that count in this folder. Raises FareboxError; most users have none to read."""
    workspace = workspace_of(working_folder())
    own, shared = config_file(os.environ), workspace / WORKSPACE_FILE
    tables = [table for file in (own, shared) if (table := _budgets_table(file)) is not None]
    if not tables:
        return ()
    from farebox import config
    from farebox.ledger.limits import limits_from

    vendors = _vendors() if any("providers" in table for table in tables) else None
    settings = config.load(environment=os.environ, user_file=own, workspace_files=(shared,), vendors=vendors)
    return limits_from(settings.budgets, str(workspace))


def _budgets_table(file: "Path") -> "Mapping[str, object] | None":
    if not os.path.lexists(file):
        return None
    from farebox.settings_file import read_file

    table = read_file(file).table
    return cast("Mapping[str, object]", table["budgets"]) if "budgets" in table else None


def _vendors() -> tuple[str, ...]:
    from farebox.providers.vendors import vendors

    return tuple(vendors())


def _glance(limits: "Sequence[Limit]") -> Glance:
    path, now_s = ledger_file(os.environ), time.time()
    try:
        return glance(path, limits, now_s=now_s)
    except OlderLedger:
        import asyncio

        from farebox.ledger.store import Ledger

        async def bring_up_to_date() -> None:
            ledger = Ledger(path)
            try:
                await ledger.check()
            finally:
                await ledger.close()

        asyncio.run(bring_up_to_date())
        return glance(path, limits, now_s=now_s)


def _budgets(limits: "Sequence[Limit]", found: Glance | None) -> "tuple[_Budget, ...] | None":
    if found is None:
        return None
    unchecked = {limit for limit in limits if found.damages and _is_unchecked(limit, found)}
    return tuple(
        _Budget(limit, spent, limit in unchecked) for limit, spent in zip(limits, found.spent, strict=True)
    )


def _is_unchecked(limit: "Limit", found: Glance) -> bool:
    from farebox.ledger.repair import unchecked

    return unchecked(limit, found.damages) is not None


def _values(found: Glance | None, budgets: "tuple[_Budget, ...] | None") -> dict[str, str]:
    if found is None:
        return dict.fromkeys(PLACEHOLDERS, f"${UNKNOWN}") | {"requests": UNKNOWN, "budget": UNKNOWN}
    unwritten = f" + {_short(found.unwritten_nanodollars)} unwritten" if found.unwritten_requests else ""
    lost = f" + {UNKNOWN}"
    return {
        "today": _short(found.today_nanodollars) + unwritten + (lost if found.is_today_doubtful else ""),
        "month": _short(found.month_nanodollars) + (lost if found.is_month_doubtful else ""),
        "requests": f"{found.requests_today}",
        "held": _short(found.held_nanodollars),
        "budget": f"budgets {UNKNOWN}" if budgets is None else _nearest(budgets),
    }


def _nearest(budgets: "tuple[_Budget, ...]") -> str:
    """Write a budget that can't be checked, or else the nearest to its limit; nothing if there is none.

    A budget of nothing is a ban, and no limit to come near; it is told where it is the only one.
    """
    if not budgets:
        return ""
    from farebox.ledger.limits import standing_words

    budget = max(budgets, key=lambda one: (one.percent is not None, one.is_unchecked, one.percent or 0))
    limit, percent = budget.limit, budget.percent
    step = limit.step(budget.spent.nanodollars)
    words = standing_words(step, percent, unchecked=budget.is_unchecked)
    if percent is None or budget.is_unchecked:
        return f"{limit.name} budget: {words}"
    near = f"{percent} % of ${usd_text(limit.limit_nanodollars)} {limit.name}"
    return (
        f"{near}: {words}"
        if step not in ("ok", "warn") or limit.is_used_up(budget.spent.nanodollars)
        else near
    )


def _short(nanodollars: int) -> str:
    """Write an amount in cents, as there is little room; less than one is said to be so."""
    cents = round(nanodollars / _NANODOLLARS_PER_CENT)
    if nanodollars and not cents:
        return "<$0.01"
    return f"${cents // 100}.{cents % 100:02}"


def _json_value(found: Glance | None, budgets: "tuple[_Budget, ...] | None") -> Mapping[str, object]:
    """Return all there is, exactly; None is what could not be found out."""
    if found is None:
        return dict.fromkeys(JSON_KEYS)
    return {
        "todayUsd": usd_text(found.today_nanodollars),
        "monthUsd": usd_text(found.month_nanodollars),
        "requestsToday": found.requests_today,
        "heldUsd": usd_text(found.held_nanodollars),
        "budgets": None if budgets is None else [_budget_value(budget) for budget in budgets],
        "unwritten": {"requests": found.unwritten_requests, "usd": usd_text(found.unwritten_nanodollars)},
        "damages": [_damage_value(one) for one in found.damages],
    }


def _damage_value(damage: "Damage") -> dict[str, object]:
    from farebox.ledger.limits import iso_text

    return {"at": iso_text(damage.at_ms), "file": damage.file, "savedCalls": damage.saved_calls}


def _budget_value(budget: _Budget) -> dict[str, object]:
    limit, spent = budget.limit, budget.spent
    return {
        "name": limit.name,
        "limitUsd": usd_text(limit.limit_nanodollars),
        "spentUsd": usd_text(spent.settled_nanodollars),
        "heldUsd": usd_text(spent.held_nanodollars),
        "percent": budget.percent,
        "step": limit.step(spent.nanodollars),
        "usedUp": limit.is_used_up(spent.nanodollars),
        "unchecked": budget.is_unchecked,
        "resetsAt": limit.resets_at,
    }
