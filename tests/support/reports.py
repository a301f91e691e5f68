"""Cost reports built by hand, for the tests of how they are shown."""

from dataclasses import replace

from farebox.costs import BasisCounts, BudgetLine, Drift, Report, ReportRow, Suggestions
from farebox.ledger.queries import Dimension, Latency
from farebox.messages import Usage


def a_row(
    *values: str | None,
    cost: int | None = 1,
    saved: int | None = None,
    basis: BasisCounts | None = None,
    usage: Usage | None = None,
    by: tuple[Dimension, ...] = ("day", "model"),
) -> ReportRow:
    """A row of one request, or of as many as its basis has."""
    counts = basis or (BasisCounts(unknown=1) if cost is None else BasisCounts(computed=1))
    return ReportRow(
        keys=tuple(zip(by, values, strict=False)),
        requests=counts.reported + counts.computed + counts.estimated + counts.unknown,
        usage=usage or Usage(1_500, 0, 20, 30, 10),
        cost_nanodollars=cost,
        saved_nanodollars=saved,
        basis=counts,
    )


def a_report(
    *rows: ReportRow, total: ReportRow | None = None, by: tuple[Dimension, ...] = ("day", "model")
) -> Report:
    """A report with a budget."""
    return Report(
        since="2026-03-04T00:00:00+01:00",
        until=None,
        by=by,
        rows=rows,
        total=total or a_row(by=()),
        budgets=(BudgetLine("daily", 5 * 10**9, 1_200_000_001, 50_000_000, "2026-03-12T00:00:00+01:00"),),
    )


def a_busy_report() -> Report:
    """Two days of tab completion, chat and a model on this machine, with all that may be said of them."""
    completion = replace(
        a_row(cost=41_235_500, saved=230_000_000, basis=BasisCounts(computed=288, estimated=12)),
        usage=Usage(210_000, 90_300, 0, 9_000, 0),
        cancelled=12,
        first_token=Latency(180, 420, 1_150),
        total=Latency(400, 900, 2_000),
        suggestions=Suggestions(120, 31, 4, 41_235_500),
    )
    chat = replace(
        a_row(cost=1_213_250_000, saved=-4_000_000, basis=BasisCounts(reported=13, unknown=1)),
        usage=Usage(410_000, 300_000, 40_000, 21_000, 8_000),
        failed=1,
        first_token=Latency(1_250, 3_400, 12_400),
        total=Latency(4_000, 9_000, 20_000),
        drift=Drift(13, 1_213_250_000, 1_185_345_250),
    )
    local = replace(
        a_row(cost=0, saved=36_000_000, basis=BasisCounts(computed=9)),
        usage=Usage(4_100, 0, 0, 900, 0),
        first_token=Latency(95, 130, 150),
        total=Latency(400, 900, 2_000),
    )
    total = replace(
        a_row(cost=2_508_971_000, saved=524_000_000, basis=BasisCounts(26, 594, 24, 2), by=()),
        usage=Usage(1_248_200, 780_600, 80_000, 61_800, 16_000),
        failed=2,
        cancelled=24,
        uncertain=1,
        first_token=Latency(190, 1_900, 4_000),
        total=Latency(420, 2_900, 20_000),
        drift=Drift(26, 2_426_500_000, 2_370_690_500),
        suggestions=Suggestions(240, 62, 8, 82_471_000),
    )
    rows = (
        replace(row, keys=(("day", day), ("model", model)))
        for day in ("2026-03-10", "2026-03-11")
        for model, row in (
            ("mistral/codestral-latest", completion),
            ("openrouter/anthropic/claude-sonnet-5.5", chat),
            ("local/qwen2.5-coder", local),
        )
    )
    monthly = BudgetLine(
        "monthly", 3 * 10**9, 2_508_971_000, 50_000_000, "2026-04-01T00:00:00+02:00", "cheaper"
    )
    report = a_report(*rows, total=total)
    return replace(
        report,
        budgets=(*report.budgets, monthly),
        held_requests=1,
        unwritten_requests=2,
        unwritten_nanodollars=1_200_000,
    )
