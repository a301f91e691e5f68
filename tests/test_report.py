"""A report on paper: exact dollars, unknown prices said aloud, nothing that a spreadsheet would run."""

import csv
import io
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.costs import BasisCounts, BudgetLine, Report, ReportRow
from farebox.ledger.queries import Dimension
from farebox.messages import Usage
from farebox.report import to_csv, to_table
from support.guard.sitecustomize import watched

SUMS = (
    "requests,inputTokens,cachedInputTokens,cacheWriteTokens,outputTokens,reasoningTokens,"
    "usd,savedUsd,reported,computed,estimated,unknown"
)


def a_row(
    *values: str | None,
    cost: int | None = 1,
    saved: int | None = None,
    basis: BasisCounts | None = None,
    usage: Usage | None = None,
    by: tuple[Dimension, ...] = ("day", "model"),
) -> ReportRow:
    counts = basis or (BasisCounts(unknown=1) if cost is None else BasisCounts(computed=1))
    return ReportRow(
        keys=tuple(zip(by, values, strict=False)),
        requests=counts.reported + counts.computed + counts.estimated + counts.unknown,
        usage=usage or Usage(1_500, 500, 20, 30, 10),
        cost_nanodollars=cost,
        saved_nanodollars=saved,
        basis=counts,
    )


def a_report(
    *rows: ReportRow, total: ReportRow | None = None, by: tuple[Dimension, ...] = ("day", "model")
) -> Report:
    return Report(
        since="2026-03-04T00:00:00+01:00",
        until=None,
        by=by,
        rows=rows,
        total=total or a_row(by=()),
        budgets=(BudgetLine("daily", 5 * 10**9, 1_200_000_001, 50_000_000, "2026-03-12T00:00:00+01:00"),),
    )


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_the_table_has_every_row_a_total_bars_and_the_budgets():
    table = to_table(
        a_report(
            a_row("2026-03-10", "openai/gpt-5", cost=2_000_000_000, saved=-3),
            a_row("2026-03-11", "mistral/codestral", cost=1_000_000_001, saved=4_000),
            total=a_row(cost=3_000_000_001, saved=3_997, by=()),
        )
    )
    lines = table.splitlines()
    assert lines[0].startswith("Costs since 2026-03-04 00:00")
    (first,) = [line for line in lines if "openai/gpt-5" in line]
    (second,) = [line for line in lines if "mistral/codestral" in line]
    assert "$2.00" in first
    assert "-$0.000000003" in first
    assert first.endswith(" ██████▋")
    assert "$1.000000001" in second
    assert second.endswith(" ███▎")
    assert any("total" in line and "$3.000000001" in line and "$0.000003997" in line for line in lines)
    assert any(
        "daily budget: $1.200000001 of $5.00 spent, $0.05 held, resets at 2026-03-12 00:00" in line
        for line in lines
    )


def test_the_points_of_amounts_are_below_each_other():
    amounts = [0, 4_087_500, 6_388_750_001, 123_456_000_000_000, None]
    rows = [a_row(f"2026-03-{10 + at}", "p/m", cost=amount, saved=7) for at, amount in enumerate(amounts)]
    mixed = a_row("2026-03-20", "p/m", cost=5, basis=BasisCounts(reported=1, unknown=1))
    table = to_table(a_report(*rows, mixed, total=a_row(cost=123_463_000_000_000, by=())))
    shown = [line for line in table.splitlines() if "  $" in line and "unknown" not in line]
    assert len(shown) == len(amounts) + 1
    assert len({line.index(".", line.index("$")) for line in shown}) == 1, table


def test_the_table_says_unknown_marks_what_is_partly_unknown_and_counts_it_in_a_footnote():
    table = to_table(
        a_report(
            a_row("2026-03-10", "p/secret", cost=None, basis=BasisCounts(unknown=2)),
            a_row("2026-03-10", "p/mixed", cost=5 * 10**8, basis=BasisCounts(reported=1, unknown=1)),
            total=a_row(cost=5 * 10**8, basis=BasisCounts(reported=1, unknown=3), by=()),
        )
    )
    (secret,) = [line for line in table.splitlines() if "p/secret" in line]
    (mixed,) = [line for line in table.splitlines() if "p/mixed" in line]
    assert secret.endswith("unknown  –")  # noqa: RUF001
    assert "$" not in secret
    assert mixed.endswith("$0.50 + ?  ██████████")
    assert "3 requests with an unknown price" in table


@pytest.mark.parametrize(
    ("rows", "headers"),
    [
        pytest.param(
            [a_row("2026-03-10", "p/a", saved=2), a_row("2026-03-10", "p/b", cost=None)],
            ["requests", "input", "output", "cost", "saved", "share"],
            id="both-are-there-for-one-row",
        ),
        pytest.param(
            [a_row("2026-03-10", "p/a")], ["requests", "input", "output", "cost", "share"], id="none-saved"
        ),
        pytest.param(
            [a_row("2026-03-10", "p/a", cost=0, saved=2)],
            ["requests", "input", "output", "cost", "saved"],
            id="all-free",
        ),
        pytest.param(
            [a_row("2026-03-10", "p/a", cost=None)],
            ["requests", "input", "output", "cost"],
            id="all-unknown",
        ),
    ],
)
def test_a_column_without_a_word_in_any_row_is_left_out(rows: list[ReportRow], headers: list[str]):
    costs = [row.cost_nanodollars for row in rows if row.cost_nanodollars is not None]
    total = a_row(cost=sum(costs) if costs else None, by=())
    lines = to_table(a_report(*rows, total=total)).splitlines()
    assert next(line for line in lines if "model" in line).split() == ["day", "model", *headers]


def test_what_is_not_known_or_does_not_apply_is_a_dash_and_never_a_blank():
    table = to_table(
        a_report(
            a_row("2026-03-10", "p/a", saved=2),
            a_row("2026-03-10", None, cost=None),
            total=a_row(cost=1, by=()),
        )
    )
    (line,) = [line for line in table.splitlines() if "unknown  " in line]
    assert line.split() == ["2026-03-10", "–", "1", "1,500", "30", "unknown", "–", "–"]  # noqa: RUF001


def test_an_empty_report_still_shows_the_budgets():
    table = to_table(a_report())
    assert "No requests since 2026-03-04 00:00." in table
    assert "daily budget" in table


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_table_keeps_its_width_and_never_cuts_an_amount(width: int):
    table = to_table(
        a_report(
            a_row("2026-03-10", "openrouter/anthropic/claude-sonnet-4.5-20260101", cost=123_456_789),
            total=a_row(cost=123_456_789, by=()),
        ),
        width=width,
    )
    assert max(len(line) for line in table.splitlines() if "budget" not in line) <= width
    assert table.count("$0.123456789") == 2


def test_csv_has_a_stable_header_whole_numbers_and_no_total_line():
    text = to_csv(
        a_report(
            a_row("2026-03-10", "p/m", cost=213_000, saved=-500_000_000),
            a_row("2026-03-11", None, cost=None),
            a_row("2026-03-12", "p/x", cost=0, basis=BasisCounts(1, 2, 3, 4)),
        )
    )
    assert text.splitlines() == [
        f"day,model,{SUMS}",
        "2026-03-10,p/m,1,1500,500,20,30,10,0.000213,-0.50,0,1,0,0",
        "2026-03-11,,1,1500,500,20,30,10,,,0,0,0,1",
        "2026-03-12,p/x,10,1500,500,20,30,10,0.00,,1,2,3,4",
    ]


@pytest.mark.parametrize(
    "value",
    [
        '=HYPERLINK("http://evil","x")',
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        " =1+1",
        "\u200b=1+1",
        "\uff1d1+1",
    ],
)
def test_a_spreadsheet_runs_nothing(value: str):
    _, row = cells(to_csv(a_report(a_row(value, "p/m"))))
    assert row[0].startswith("'")


def test_a_name_can_neither_move_the_cursor_nor_turn_text_nor_be_markup():
    evil = "\x1b[31m\x07a\u202eb\nc\u2028d\x9b\r\x00[bold]"
    report = a_report(a_row("2026-03-10", evil))
    table = to_table(report, width=120)
    assert "[31mabcd[bold]" in table
    assert cells(to_csv(report))[1][1] == "[31mabcd[bold]"


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_no_name_leaves_a_control_character_or_breaks_a_row(names: list[str]):
    report = a_report(*(a_row(name, by=("client",)) for name in names), by=("client",))
    text = to_csv(report)
    assert len(cells(text)) == len(names) + 1
    for written in (text, to_table(report)):
        assert not {unicodedata.category(char) for char in written.replace("\n", "")} & {"Cc", "Cf", "Cs"}
    for row in cells(text)[1:]:
        assert not row[0].lstrip().startswith(("=", "+", "-", "@"))


def test_rich_is_imported_only_for_a_table():
    code = "import sys, farebox.report; sys.exit('rich' in sys.modules or 'sqlite3' in sys.modules)"
    environment = watched({"PYTHONPATH": ":".join(sys.path)})
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
