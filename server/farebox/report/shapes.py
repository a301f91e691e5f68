"""One cost report as JSON: the shape that the protocol, the command line and the page share.

Dollars are exact decimal strings; what is not known, or does not apply, is null. It is apart from
``farebox.shapes`` because only who shows a report needs it.
"""

from farebox import costs
from farebox.ledger.limits import Step
from farebox.ledger.queries import Dimension, Latency
from farebox.messages import usd_text
from farebox.report.amounts import share_percent
from farebox.shapes import Shape, usd


class BasisShape(Shape):
    """How many requests have a cost of each basis."""

    reported: int
    computed: int
    estimated: int
    unknown: int


class LatencyShape(Shape):
    """Half, nine in ten, and all but one in a hundred requests took no longer; milliseconds."""

    p50: int
    p90: int
    p99: int


class DriftShape(Shape):
    """The requests whose cost is known twice: as reported, and by the price table.

    ``percent`` is how far the table is from what was reported, of that; below zero where it is lower.
    """

    requests: int
    reported_usd: str
    computed_usd: str
    percent: float | None


class ReportRowShape(Shape):
    """The sums of one group; the keys are those that the report is grouped by.

    ``uncertain`` counts the requests that ended with a process of ours, ``cachedPercent`` is the cached share
    of the input tokens. ``shown``, ``accepted`` and ``partlyAccepted`` count tab completions: the last is a
    part of the second; ``usdPerAccepted`` is what all tab completion cost, for each accepted one.
    """

    day: str | None = None
    hour: str | None = None
    model: str | None = None
    provider: str | None = None
    task: str | None = None
    workspace: str | None = None
    conversation: str | None = None
    client: str | None = None
    language: str | None = None
    requests: int
    failed: int
    cancelled: int
    uncertain: int
    input_tokens: int
    cached_input_tokens: int
    cached_percent: int | None
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    usd: str | None
    saved_usd: str | None
    basis: BasisShape
    drift: DriftShape
    first_token_ms: LatencyShape | None
    total_ms: LatencyShape | None
    shown: int
    accepted: int
    partly_accepted: int
    accepted_percent: int | None
    usd_per_accepted: str | None


class BudgetShape(Shape):
    """One budget and what is left of it; ``step`` is the rung of its ladder that was reached.

    ``percent`` counts what is spent and held, and is null for a budget of nothing; ``usedUp`` says that
    nothing is left, ``unchecked`` that a damage of the ledger may have lost what was spent.
    """

    name: str
    limit_usd: str
    spent_usd: str
    held_usd: str
    resets_at: str
    step: Step
    percent: int | None
    used_up: bool
    unchecked: bool


class DamageShape(Shape):
    """A damage of the ledger that nobody has accepted; ``at`` is ISO 8601, local time."""

    at: str
    file: str
    saved_calls: int


class ReportShape(Shape):
    """What was spent.

    In no row are the ``heldRequests``, which are still running, and the ``unwrittenRequests``, which are
    kept until the ledger can be written again. ``damages`` may have lost requests of this time.
    ``budgetsError`` is why no budget is shown, if the settings can't be read. ``workspace`` is the only one
    that counts. ``text`` is the report as a table, CSV or a page, if one was asked for.
    """

    since: str | None
    until: str | None
    by: list[Dimension]
    workspace: str | None
    rows: list[ReportRowShape]
    total: ReportRowShape
    budgets: list[BudgetShape]
    budgets_error: str | None
    damages: list[DamageShape]
    held_requests: int
    unwritten_requests: int
    unwritten_usd: str
    text: str | None = None


def report_shape(report: costs.Report, *, text: str | None = None) -> ReportShape:
    """Shape a report; ``text`` is there only if it is given."""
    shape = ReportShape(
        since=report.since,
        until=report.until,
        by=list(report.by),
        workspace=report.workspace,
        rows=[_row_shape(row) for row in report.rows],
        total=_row_shape(report.total),
        budgets=[
            BudgetShape(
                name=line.name,
                limit_usd=usd_text(line.limit_nanodollars),
                spent_usd=usd_text(line.spent_nanodollars),
                held_usd=usd_text(line.held_nanodollars),
                resets_at=line.resets_at,
                step=line.step,
                percent=line.percent,
                used_up=line.is_used_up,
                unchecked=line.is_unchecked,
            )
            for line in report.budgets
        ],
        budgets_error=report.budgets_error,
        damages=[DamageShape.model_validate(lost) for lost in report.damages],
        held_requests=report.held_requests,
        unwritten_requests=report.unwritten_requests,
        unwritten_usd=usd_text(report.unwritten_nanodollars),
    )
    return shape if text is None else shape.model_copy(update={"text": text})


def _row_shape(row: costs.ReportRow) -> ReportRowShape:
    keys: dict[Dimension, str | None] = dict(row.keys)
    usage, drift, taken = row.usage, row.drift, row.suggestions
    return ReportRowShape.model_validate(
        {
            **keys,
            "requests": row.requests,
            "failed": row.failed,
            "cancelled": row.cancelled,
            "uncertain": row.uncertain,
            "input_tokens": usage.input_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
            "cached_percent": share_percent(usage.cached_input_tokens, usage.input_tokens),
            "cache_write_tokens": usage.cache_write_tokens,
            "output_tokens": usage.output_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "usd": usd(row.cost_nanodollars),
            "saved_usd": usd(row.saved_nanodollars),
            "basis": BasisShape.model_validate(row.basis),
            "drift": DriftShape(
                requests=drift.requests,
                reported_usd=usd_text(drift.reported_nanodollars),
                computed_usd=usd_text(drift.computed_nanodollars),
                percent=drift.percent,
            ),
            "first_token_ms": _latency_shape(row.first_token),
            "total_ms": _latency_shape(row.total),
            "shown": taken.shown,
            "accepted": taken.accepted,
            "partly_accepted": taken.partly_accepted,
            "accepted_percent": taken.accepted_percent,
            "usd_per_accepted": usd(taken.nanodollars_per_accepted),
        }
    )


def _latency_shape(latency: Latency | None) -> LatencyShape | None:
    return latency and LatencyShape(p50=latency.p50_ms, p90=latency.p90_ms, p99=latency.p99_ms)
