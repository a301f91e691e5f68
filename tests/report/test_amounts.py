"""How values are written: exactly where it is money, shortly where it is not, and harmlessly always."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.report.amounts import (
    about,
    dollars,
    milliseconds,
    name,
    percent,
    period,
    requests,
    share_percent,
    tokens,
)
from support.guard.sitecustomize import watched
from support.unseen import dangerous

DASH = "–"  # noqa: RUF001


@pytest.mark.parametrize(
    ("nanodollars", "text"),
    [(None, DASH), (0, "$0.00"), (213_000, "$0.000213"), (-3, "-$0.000000003"), (5 * 10**12, "$5000.00")],
)
def test_dollars_are_exact(nanodollars: int | None, text: str):
    assert dollars(nanodollars) == text


@pytest.mark.parametrize(
    ("nanodollars", "text"),
    [
        (None, DASH),
        (0, "$0.00"),
        (7, "$0.000000007"),
        (1_330_177, "$0.00133"),
        (-1_335_177, "-$0.00134"),
        (999_999, "$0.001"),
        (1_234_567_890, "$1.23"),
        (123_456_789_012, "$123.46"),
    ],
)
def test_an_average_has_three_digits_but_no_less_than_cents(nanodollars: int | None, text: str):
    assert about(nanodollars) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1_500, "1,500"), (9_999, "9,999"), (10_000, "10k"), (1_234_567, "1.2M"), (10**13, "10,000B")],
)
def test_tokens_are_short(count: int, text: str):
    assert tokens(count) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, DASH),
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (1_250, "1.3 s"),
        (9_949, "9.9 s"),
        (9_950, "10 s"),
        (75_400, "75 s"),
        (3_600_000, "3,600 s"),
    ],
)
def test_a_time_has_two_or_three_digits(ms: int | None, text: str):
    assert milliseconds(ms) == text


@pytest.mark.parametrize(("value", "text"), [(None, DASH), (41, "41 %"), (-2.3, "-2.3 %"), (1200, "1,200 %")])
def test_a_share_is_written_with_its_sign(value: float | None, text: str):
    assert percent(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(0, 0, None), (0, 3, 0), (1, 3, 33), (2, 3, 67), (3, 3, 100)]
)
def test_a_share_of_nothing_is_none(part: int, whole: int, share: int | None):
    assert share_percent(part, whole) == share


def test_requests_are_counted_in_words():
    assert [requests(count) for count in (0, 1, 2_000)] == ["0 requests", "1 request", "2,000 requests"]


def test_a_time_may_have_neither_beginning_nor_end():
    since, until = "2026-03-04T00:00:00+01:00", "2026-03-05T12:30:00+01:00"
    assert period(None, None) == "so far"
    assert period(since, None) == "since 2026-03-04 00:00"
    assert period(since, until) == "since 2026-03-04 00:00 until 2026-03-05 12:30"


def test_a_name_that_is_not_there_is_a_dash():
    assert name(None) == DASH


@given(st.text())
def test_a_name_keeps_all_that_does_nothing_and_nothing_else(text: str):
    assert not dangerous(name(text), kept="")
    assert name("naïve 漢字 [bold] <b>") == "naïve 漢字 [bold] <b>"


def test_a_command_that_shows_no_report_pays_for_none():
    slow = ("rich", "pydantic", "sqlite3", "farebox.costs")
    code = f"import sys, farebox.report.amounts; sys.exit(any(name in sys.modules for name in {slow!r}))"
    environment = watched({"PYTHONPATH": ":".join(sys.path)})
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
