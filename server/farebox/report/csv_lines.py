"""One cost report as CSV for a spreadsheet: every figure as it is, and nothing that a spreadsheet would run.

The names in a report (models, workspaces, conversations) come from outside: control characters are taken out,
and a cell that would be taken for a formula is quoted.
"""

import csv
import io
import unicodedata

from farebox.costs import Report, ReportRow
from farebox.ledger.queries import Latency
from farebox.messages import usd_text
from farebox.report.amounts import share_percent
from farebox.unseen import clean

_FORMULA_STARTS = ("=", "+", "-", "@")

SUMS = (
    "requests",
    "inputTokens",
    "cachedInputTokens",
    "cacheWriteTokens",
    "outputTokens",
    "reasoningTokens",
    "usd",
    "savedUsd",
    "reported",
    "computed",
    "estimated",
    "unknown",
    "failed",
    "cancelled",
    "uncertain",
    "cachedPercent",
    "firstTokenP50Ms",
    "firstTokenP90Ms",
    "firstTokenP99Ms",
    "totalP50Ms",
    "totalP90Ms",
    "totalP99Ms",
    "shown",
    "accepted",
    "partlyAccepted",
    "acceptedPercent",
    "usdPerAccepted",
    "driftRequests",
    "driftReportedUsd",
    "driftComputedUsd",
    "driftPercent",
)
"""The columns behind the keys, named as in JSON. Scripts count on their order: a new one goes last."""

_Value = int | float | str | None


def to_csv(report: Report) -> str:
    """Write one line for each row; there is no total line, so that a sum over a column is right.

    ``usd`` is the sum of the known costs and empty if none is known; ``unknown`` counts the requests
    that are missing from it. An empty cell is what is not known or does not apply.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*report.by, *SUMS))
    for row in report.rows:
        writer.writerow((*(_inert(value) for _, value in row.keys), *_sums(row)))
    return out.getvalue()


def _sums(row: ReportRow) -> tuple[_Value, ...]:
    usage, basis, taken, drift = row.usage, row.basis, row.suggestions, row.drift
    return (
        row.requests,
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        _usd(row.cost_nanodollars),
        _usd(row.saved_nanodollars),
        basis.reported,
        basis.computed,
        basis.estimated,
        basis.unknown,
        row.failed,
        row.cancelled,
        row.uncertain,
        share_percent(usage.cached_input_tokens, usage.input_tokens),
        *_latency(row.first_token),
        *_latency(row.total),
        taken.shown,
        taken.accepted,
        taken.partly_accepted,
        taken.accepted_percent,
        _usd(taken.nanodollars_per_accepted),
        drift.requests,
        _usd(drift.reported_nanodollars),
        _usd(drift.computed_nanodollars),
        drift.percent,
    )


def _usd(nanodollars: int | None) -> str | None:
    return None if nanodollars is None else usd_text(nanodollars)


def _latency(latency: Latency | None) -> tuple[int | None, int | None, int | None]:
    return (None, None, None) if latency is None else (latency.p50_ms, latency.p90_ms, latency.p99_ms)


def _inert(value: str | None) -> str:
    """Quote what a spreadsheet would take for a formula, also one that separates cells by semicolons."""
    return ";".join(f"'{cell}" if _starts_formula(cell) else cell for cell in clean(value or "").split(";"))


def _starts_formula(cell: str) -> bool:
    """Say whether a cell begins one, also in full-width characters and after blanks."""
    return unicodedata.normalize("NFKC", cell).lstrip().startswith(_FORMULA_STARTS)
