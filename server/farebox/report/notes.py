"""What a report says in words, below its figures: a summary, the budgets, what the sums leave out or guess.

The same in the table and on the page. It must not know how either of them draws.
"""

from farebox.costs import BudgetLine, Lost, Report
from farebox.ledger.limits import STEP_WORDS, standing_words
from farebox.messages import minute_text
from farebox.report.amounts import about, dollars, milliseconds, percent, requests
from farebox.unseen import clean

ACCEPT = "farebox doctor --accept-damage"
"""Lets what was saved of a damaged ledger count as all that was spent."""

MIN_DRIFT_PERCENT = 0.1
"""Less than this is the rounding of somebody's bill."""

_UNCERTAIN = "charged by what was last known"
_HELD = "still running, or farebox was killed"
_UNWRITTEN = "the ledger can't be written at the moment; they are kept until it can"


def summary(report: Report) -> tuple[str, ...]:
    """Say what the figures of all rows together mean to a person; a line for each thing that there is."""
    total = report.total
    lines: list[str] = []
    taken = total.suggestions
    if taken.shown:
        partly = f", {taken.partly_accepted:,} of them in part" if taken.partly_accepted else ""
        each = f", {about(taken.nanodollars_per_accepted)} for each accepted" if taken.accepted else ""
        lines.append(
            f"tab completion: {taken.accepted:,} of {taken.shown:,} shown were accepted "
            f"({percent(taken.accepted_percent)}{partly}){each}"
        )
    if first := total.first_token:
        lines.append(
            f"first token: half of the time within {milliseconds(first.p50_ms)}, "
            f"nine times in ten within {milliseconds(first.p90_ms)}"
        )
    ended = {"failed": total.failed, "stopped": total.cancelled}
    if any(ended.values()):
        counts = ", ".join(f"{count:,} {how}" for how, count in ended.items() if count)
        lines.append(f"of {requests(total.requests)}: {counts}")
    return tuple(lines)


def budget_text(budget: BudgetLine) -> str:
    """Say how much of a budget is used, and when it begins anew."""
    return (
        f"{clean(budget.name)} budget: {dollars(budget.spent_nanodollars)} of "
        f"{dollars(budget.limit_nanodollars)} spent, {dollars(budget.held_nanodollars)} held, "
        f"resets at {minute_text(budget.resets_at)}"
    )


def standing_text(budget: BudgetLine) -> str:
    """Say what a budget means for the next request; nothing while there is room."""
    words = standing_words(budget.step, budget.percent, unchecked=budget.is_unchecked)
    return "" if words == STEP_WORDS["ok"] else words


def footnotes(report: Report) -> tuple[str, ...]:
    """Say what is not in the sums, what in them is a guess, and where two sources disagree."""
    total, basis = report.total, report.total.basis
    unwritten = requests(report.unwritten_requests)
    notes = (
        (basis.unknown, f"{requests(basis.unknown)} with an unknown price: not in the cost (unknown, + ?)"),
        (basis.estimated, f"{requests(basis.estimated)} with an estimated cost"),
        (total.uncertain, f"{requests(total.uncertain)} cut off when farebox was killed: {_UNCERTAIN}"),
        (report.held_requests, f"{requests(report.held_requests)} without an end: {_HELD}"),
        (
            report.unwritten_requests,
            f"{unwritten} ({dollars(report.unwritten_nanodollars)}) not in the sums: {_UNWRITTEN}",
        ),
        (abs(total.drift.percent or 0) >= MIN_DRIFT_PERCENT, _drift_line(report)),
        (report.budgets_error, f"budgets are not shown: {clean(report.budgets_error or '')}"),
    )
    return (*map(_damage_line, report.damages), *(line for applies, line in notes if applies))


def _damage_line(lost: Lost) -> str:
    were = "was" if lost.saved_calls == 1 else "were"
    return (
        f"the ledger was damaged on {minute_text(lost.at)}: {requests(lost.saved_calls)} of "
        f"{clean(lost.file)} {were} saved, what else was spent is not known: {ACCEPT}"
    )


def _drift_line(report: Report) -> str:
    drift = report.total.drift
    way = "below" if drift.computed_nanodollars < drift.reported_nanodollars else "above"
    return (
        f"the price table is {percent(abs(drift.percent or 0))} {way} what was reported, "
        f"over {requests(drift.requests)} with both"
    )
