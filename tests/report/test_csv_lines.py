"""A report for a spreadsheet: every figure whole, one line a row, and no cell that would be run."""

import csv
import io
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.costs import BasisCounts, Drift, Suggestions
from farebox.ledger.queries import Latency
from farebox.messages import Usage
from farebox.report.csv_lines import SUMS, to_csv
from support.reports import a_report, a_row
from support.unseen import dangerous

NASTY = st.text(
    st.one_of(
        st.characters(), st.sampled_from("=+-@;,\"'\t\r\n \u200b\u202e\x1b\uff1d\uff0b\uff0d\uff20\u3000")
    ),
    max_size=12,
)


def cells(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def test_it_has_a_stable_header_whole_numbers_and_no_total_line():
    text = to_csv(
        a_report(
            a_row("2026-03-10", "p/m", cost=213_000, saved=-500_000_000),
            a_row("2026-03-11", None, cost=None),
            a_row("2026-03-12", "p/x", cost=0, basis=BasisCounts(1, 2, 3, 4)),
        )
    )
    nothing_else = "0,0,0,0,,,,,,,0,0,0,,,0,0.00,0.00,"
    header = (
        "day,model,requests,inputTokens,cachedInputTokens,cacheWriteTokens,outputTokens,reasoningTokens,"
        "usd,savedUsd,reported,computed,estimated,unknown,failed,cancelled,uncertain,cachedPercent,"
        "firstTokenP50Ms,firstTokenP90Ms,firstTokenP99Ms,totalP50Ms,totalP90Ms,totalP99Ms,"
        "shown,accepted,partlyAccepted,acceptedPercent,usdPerAccepted,"
        "driftRequests,driftReportedUsd,driftComputedUsd,driftPercent"
    )
    assert text.splitlines() == [
        header,
        f"2026-03-10,p/m,1,1500,0,20,30,10,0.000213,-0.50,0,1,0,0,{nothing_else}",
        f"2026-03-11,,1,1500,0,20,30,10,,,0,0,0,1,{nothing_else}",
        f"2026-03-12,p/x,10,1500,0,20,30,10,0.00,,1,2,3,4,{nothing_else}",
    ]


def test_every_figure_of_a_row_stands_below_its_name():
    row = replace(
        a_row("2026-03-10", "p/m", cost=41_235_500, saved=7, usage=Usage(3_000, 1_000, 20, 30, 10)),
        failed=2,
        cancelled=3,
        uncertain=1,
        first_token=Latency(180, 420, 1_150),
        total=Latency(400, 900, 2_000),
        drift=Drift(13, 1_213_250_000, 1_185_345_250),
        suggestions=Suggestions(120, 31, 4, 41_235_500),
    )
    (line,) = csv.DictReader(io.StringIO(to_csv(a_report(row))))
    assert tuple(line)[2:] == SUMS
    assert {name: line[name] for name in SUMS[12:]} == {
        "failed": "2",
        "cancelled": "3",
        "uncertain": "1",
        "cachedPercent": "33",
        "firstTokenP50Ms": "180",
        "firstTokenP90Ms": "420",
        "firstTokenP99Ms": "1150",
        "totalP50Ms": "400",
        "totalP90Ms": "900",
        "totalP99Ms": "2000",
        "shown": "120",
        "accepted": "31",
        "partlyAccepted": "4",
        "acceptedPercent": "26",
        "usdPerAccepted": "0.001330177",
        "driftRequests": "13",
        "driftReportedUsd": "1.21325",
        "driftComputedUsd": "1.18534525",
        "driftPercent": "-2.3",
    }


@pytest.mark.parametrize(
    "value",
    [
        '=HYPERLINK("http://evil","x")',
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1+1",
        "\r\n=1+1",
        "\n=1+1",
        " =1+1",
        "\uff1d1+1",
    ],
)
def test_a_spreadsheet_runs_nothing(value: str):
    _, row = cells(to_csv(a_report(a_row(value, "p/m"))))
    assert row[0].startswith("'")


@pytest.mark.parametrize("value", ["\r=1+1", "\u200b=1+1", "\0=1+1"])
def test_what_is_not_seen_before_a_formula_is_and_makes_it_text(value: str):
    _, row = cells(to_csv(a_report(a_row(value, "p/m"))))
    assert row[0] == f"\\u{{{ord(value[0]):x}}}=1+1"


def test_a_spreadsheet_that_parts_cells_at_semicolons_runs_nothing_either():
    _, row = cells(to_csv(a_report(a_row("p/a;=1+1;b", "p/m"))), delimiter=";")
    assert row[1] == "'=1+1"


def test_a_name_can_neither_move_the_cursor_nor_turn_text():
    evil = "\x1b[31m\x07a\u202eb\nc\u2028d\x9b\r\x00[bold]"
    assert (
        cells(to_csv(a_report(a_row("2026-03-10", evil))))[1][1]
        == r"\u{1b}[31m\u{7}a\u{202e}bc\u{2028}d\u{9b}\u{d}\u{0}[bold]"
    )


@given(st.lists(NASTY, min_size=1, max_size=4), st.sampled_from(",;"))
def test_every_cell_is_harmless_whatever_the_names_are(names: list[str], delimiter: str):
    text = to_csv(a_report(*(a_row(name, name, by=("client", "model")) for name in names)))
    assert len(cells(text)) == len(names) + 1
    assert not dangerous(text)
    for row in cells(text, delimiter)[1:]:
        assert not any(
            unicodedata.normalize("NFKC", cell).lstrip().startswith(("=", "+", "-", "@")) for cell in row
        )
