"""The report as JSON: camelCase keys as the protocol writes them, exact dollars, null for what is unknown."""

import json
from dataclasses import replace

import pytest

from farebox.costs import BasisCounts, BudgetLine, Drift, Lost, Report, ReportRow, Suggestions
from farebox.ledger.queries import Latency
from farebox.messages import Usage
from farebox.report.shapes import ReportShape, report_shape
from support.reports import a_busy_report, a_report, a_row

ROW = ReportRow(
    keys=(("day", "2026-03-04"), ("workspace", None)),
    requests=3,
    usage=Usage(10, 4, 3, 2, 1),
    cost_nanodollars=5_000_000_001,
    saved_nanodollars=-1,
    basis=BasisCounts(1, 0, 1, 1),
    failed=1,
    cancelled=1,
    uncertain=1,
    first_token=Latency(180, 420, 1_150),
    drift=Drift(13, 1_213_250_000, 1_185_345_250),
    suggestions=Suggestions(120, 31, 4, 41_235_500),
)
NO_SUMS = {
    "requests": 3,
    "failed": 0,
    "cancelled": 0,
    "uncertain": 0,
    "inputTokens": 0,
    "cachedInputTokens": 0,
    "cachedPercent": None,
    "cacheWriteTokens": 0,
    "outputTokens": 0,
    "reasoningTokens": 0,
    "usd": None,
    "savedUsd": None,
    "basis": {"reported": 0, "computed": 0, "estimated": 0, "unknown": 3},
    "drift": {"requests": 0, "reportedUsd": "0.00", "computedUsd": "0.00", "percent": None},
    "firstTokenMs": None,
    "totalMs": None,
    "shown": 0,
    "accepted": 0,
    "partlyAccepted": 0,
    "acceptedPercent": None,
    "usdPerAccepted": None,
}
REPORT = Report(
    since="2026-03-04",
    until=None,
    by=("day", "workspace"),
    rows=(ROW,),
    total=ReportRow((), 3, Usage(), None, None, BasisCounts(unknown=3)),
    budgets=(BudgetLine("daily", 5 * 10**9, 1, 2, "2026-03-05T00:00:00+01:00", "warn"),),
    held_requests=1,
    unwritten_requests=2,
    unwritten_nanodollars=1_200_000,
    damages=(Lost("2026-03-04T14:03:00+01:00", "ledger.db", 123),),
    workspace="/w",
)


def test_a_row_has_every_figure_and_the_keys_it_is_grouped_by_also_where_they_are_null():
    assert report_shape(REPORT).json_value()["rows"] == [
        {
            "day": "2026-03-04",
            "workspace": None,
            "requests": 3,
            "failed": 1,
            "cancelled": 1,
            "uncertain": 1,
            "inputTokens": 10,
            "cachedInputTokens": 4,
            "cachedPercent": 40,
            "cacheWriteTokens": 3,
            "outputTokens": 2,
            "reasoningTokens": 1,
            "usd": "5.000000001",
            "savedUsd": "-0.000000001",
            "basis": {"reported": 1, "computed": 0, "estimated": 1, "unknown": 1},
            "drift": {
                "requests": 13,
                "reportedUsd": "1.21325",
                "computedUsd": "1.18534525",
                "percent": -2.3,
            },
            "firstTokenMs": {"p50": 180, "p90": 420, "p99": 1_150},
            "totalMs": None,
            "shown": 120,
            "accepted": 31,
            "partlyAccepted": 4,
            "acceptedPercent": 26,
            "usdPerAccepted": "0.001330177",
        }
    ]


def test_what_is_not_known_or_does_not_apply_is_null_and_there():
    assert report_shape(REPORT).json_value()["total"] == NO_SUMS


def test_around_the_rows_are_the_time_the_budgets_and_what_is_in_no_row():
    value = report_shape(REPORT).json_value()
    assert {key: value[key] for key in value if key not in ("rows", "total")} == {
        "since": "2026-03-04",
        "until": None,
        "by": ["day", "workspace"],
        "workspace": "/w",
        "budgets": [
            {
                "name": "daily",
                "limitUsd": "5.00",
                "spentUsd": "0.000000001",
                "heldUsd": "0.000000002",
                "resetsAt": "2026-03-05T00:00:00+01:00",
                "step": "warn",
                "percent": 0,
                "usedUp": False,
                "unchecked": False,
            }
        ],
        "budgetsError": None,
        "damages": [{"at": "2026-03-04T14:03:00+01:00", "file": "ledger.db", "savedCalls": 123}],
        "heldRequests": 1,
        "unwrittenRequests": 2,
        "unwrittenUsd": "0.0012",
    }


@pytest.mark.parametrize(
    ("limit", "held", "percent", "used_up"),
    [(0, 5, None, False), (1_000, 4, 99, False), (1_000, 5, 100, True), (10, 0, 9_950, True)],
)
def test_a_budget_is_used_up_by_what_is_spent_and_held(
    limit: int, held: int, percent: int | None, *, used_up: bool
):
    line = replace(REPORT.budgets[0], limit_nanodollars=limit, spent_nanodollars=995, held_nanodollars=held)
    (shape,) = report_shape(replace(REPORT, budgets=(line,))).budgets
    assert (shape.percent, shape.used_up) == (percent, used_up)


def test_a_broken_config_and_a_budget_that_cannot_be_checked_are_in_the_json():
    line = replace(REPORT.budgets[0], is_unchecked=True)
    shape = report_shape(replace(REPORT, budgets=(line,), budgets_error="line 2"))
    assert (shape.budgets[0].unchecked, shape.budgets_error) == (True, "line 2")


def test_a_report_is_grouped_by_language_too():
    report = a_report(a_row("python", by=("language",)), by=("language",))
    (row,) = report_shape(report).rows
    assert (row.language, row.requests) == ("python", 1)


def test_the_text_is_there_only_if_there_is_one():
    assert "text" not in report_shape(REPORT).json_value()
    assert report_shape(REPORT, text="Costs").json_value()["text"] == "Costs"


def test_what_is_written_can_be_read_back():
    for report in (REPORT, a_busy_report()):
        value = json.loads(json.dumps(report_shape(report).json_value()))
        assert ReportShape.model_validate(value) == report_shape(report)
