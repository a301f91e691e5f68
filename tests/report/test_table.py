"""A report on paper: exact dollars, unknown prices said aloud, what matters most in the room there is."""

import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.costs import BasisCounts, Lost, ReportRow, Suggestions
from farebox.ledger.queries import Dimension, Latency
from farebox.messages import Usage
from farebox.report.table import to_table
from support.guard.sitecustomize import watched
from support.reports import a_busy_report, a_report, a_row
from support.unseen import dangerous

DATA = Path(__file__).parent.parent / "data"


def headers(table: str) -> list[str]:
    """Return the words of the line of headers; ``first token`` and ``per accepted`` are two."""
    return next(line for line in table.splitlines() if line.lstrip().startswith("day ")).split()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_busy_report_reads_well_at_any_width(width: int):
    golden = (DATA / f"costs_table_{width}.txt").read_text("utf-8")
    assert to_table(a_busy_report(), width=width) == golden


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_busy_report_is_no_wider_than_its_terminal(width: int):
    assert max(map(len, to_table(a_busy_report(), width=width).splitlines())) <= width


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
    ("rows", "shown"),
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
def test_a_column_without_a_word_in_any_row_is_left_out(rows: list[ReportRow], shown: list[str]):
    costs = [row.cost_nanodollars for row in rows if row.cost_nanodollars is not None]
    total = a_row(cost=sum(costs) if costs else None, by=())
    assert headers(to_table(a_report(*rows, total=total))) == ["day", "model", *shown]


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


def test_the_least_important_columns_go_first_and_no_name_is_folded_for_a_detail():
    row = replace(
        a_row("2026-03-10", "p/m", cost=2 * 10**9, saved=2 * 10**9, usage=Usage(100, 50, 0, 9, 0)),
        first_token=Latency(10, 20, 30),
        suggestions=Suggestions(4, 2, 1, 2_000_000),
    )
    long = replace(row, keys=(("day", "2026-03-10"), ("model", "openrouter/a-name-of-thirty-odd-characters")))
    a_share, taken = ["requests", "cost", "saved", "share"], ["accepted", "per", "accepted"]
    details = ["requests", "input", "cached", "output", "cost", "saved", "share", *taken]
    assert headers(to_table(a_report(row, total=row), width=140))[2:] == [*details, "first", "token"]
    assert headers(to_table(a_report(row, total=row), width=85))[2:] == [*a_share, *taken]
    assert headers(to_table(a_report(long, total=row), width=85))[2:] == [*a_share, "accepted"]
    wide = to_table(a_report(long, total=row), width=150)
    assert headers(wide)[2:] == details
    assert "openrouter/a-name-of-thirty-odd-characters" in wide


def test_what_became_of_tab_completions_is_in_their_rows_alone():
    table = to_table(a_busy_report(), width=160)
    (completion, chat) = [line for line in table.splitlines() if "2026-03-10" in line and "/c" in line]
    assert "31 of 120" in completion
    assert "$0.00133" in completion
    assert completion.endswith("180 ms, 420 ms")
    assert chat.split()[-6:] == ["–", "–", "1.3", "s,", "3.4", "s"]  # noqa: RUF001


def test_an_empty_report_has_room_between_what_it_says():
    assert to_table(a_report(total=a_row(cost=0, basis=BasisCounts(), by=()))).splitlines()[:2] == [
        "No requests since 2026-03-04 00:00.",
        "",
    ]


def test_a_budget_says_which_rung_it_has_reached():
    lines = to_table(a_busy_report(), width=140).splitlines()
    daily, monthly = (line for line in lines if " budget: " in line)
    assert daily.endswith("resets at 2026-03-12 00:00  ██▌")
    assert monthly.endswith("resets at 2026-04-01 00:00  ████████▌  auto takes cheaper models")


def test_a_budget_of_nothing_is_a_ban_and_not_used_up():
    report = a_report()
    report = replace(report, budgets=(replace(report.budgets[0], limit_nanodollars=0),))
    (line,) = (line for line in to_table(report, width=140).splitlines() if " budget: " in line)
    assert line.endswith("2026-03-12 00:00  nothing that costs money may be sent")


def test_the_workspace_is_in_the_heading():
    report = replace(a_report(a_row("2026-03-10", "p/m")), workspace="/Users/me/\x1bproject")
    assert to_table(report).startswith(r"Costs of /Users/me/\u{1b}project since 2026-03-04 00:00" "\n")
    assert to_table(replace(report, rows=())).startswith(r"No requests of /Users/me/\u{1b}project since ")


def test_a_damaged_ledger_never_says_that_nothing_was_spent():
    table = to_table(replace(a_report(), damages=(Lost("2026-03-05T14:03:00+01:00", "ledger.db", 0),)))
    assert table.startswith("No requests are known since 2026-03-04 00:00.\n")
    assert "the ledger was damaged on 2026-03-05 14:03: 0 requests of ledger.db were saved" in table


def test_a_name_can_neither_move_the_cursor_nor_turn_text_nor_be_markup():
    evil = "\x1b[31m\x07a\u202eb\nc\u2028d\x9b\r\x00[bold]"
    assert r"\u{1b}[31m\u{7}a\u{202e}bc\u{2028}d\u{9b}\u{d}\u{0}[bold]" in to_table(
        a_report(a_row("2026-03-10", evil)), width=240
    )


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_no_name_leaves_a_character_that_does_something(names: list[str]):
    report = a_report(*(a_row(name, by=("client",)) for name in names), by=("client",))
    report = replace(report, budgets=(replace(report.budgets[0], name=names[0]),))
    assert not dangerous(to_table(report))


def test_wide_and_combining_characters_keep_the_columns_in_place():
    names = ["mistral/codestral", "模型/漢字模型", "mode\u0301le/e\u0301te\u0301", "한국어/모델" * 4]
    rows = [a_row("2026-03-10", name, cost=5 * 10**9) for name in names]
    lines = to_table(a_report(*rows, total=a_row(cost=20 * 10**9, by=())), width=60).splitlines()

    def columns_before(line: str) -> int:
        before = line[: line.index("$")]
        return sum(
            0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
            for char in before
        )

    assert len({columns_before(line) for line in lines if "$5.00" in line and "budget" not in line}) == 1
    assert "".join(line[13:30].split()[0] for line in lines if "한" in line or "모" in line) == names[3]


def test_many_long_names_are_folded_until_the_amounts_fit():
    by: tuple[Dimension, ...] = ("day", "model", "provider", "client")
    row = a_row("2026-03-10", "a-model" * 5, "a-provider" * 3, "a-client" * 9, by=by, cost=123_456_789)
    lines = to_table(a_report(row, total=row, by=by), width=60).splitlines()
    assert max(len(line) for line in lines if "budget" not in line) <= 60
    assert sum("$0.123456789" in line for line in lines) == 2


def test_a_table_pays_for_no_drawing_library_and_no_database():
    code = "import sys, farebox.report.table; sys.exit('rich' in sys.modules or 'sqlite3' in sys.modules)"
    environment = watched({"PYTHONPATH": ":".join(sys.path)})
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
