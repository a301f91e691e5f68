"""A figure says what it is and where it stands; what is shown of it is what a person reads."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import usd_text
from farebox.report.page_figures import (
    Place,
    count,
    dollars_text,
    duration,
    moment,
    moment_text,
    money,
    name,
    percent,
    percent_text,
    token_count,
)
from support.page import reads_as


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0.00", "$0.00"),
        ("0.000000001", "$0.0000000010"),
        ("0.0031415", "$0.0031"),
        ("0.0996", "$0.10"),
        ("0.0994", "$0.099"),
        ("0.1", "$0.10"),
        ("1.005", "$1.00"),
        ("1.234567891", "$1.23"),
        ("1234567.891", "$1,234,567.89"),
        ("-0.50", "-$0.50"),
        ("-0.0000123", "-$0.000012"),
    ],
)
def test_dollars_are_written_to_the_cent_and_small_ones_to_two_digits(amount: str, shown: str):
    assert dollars_text(Decimal(amount)) == shown


@given(st.integers(-(10**18), 10**18))
def test_dollars_read_back_as_the_amount_that_they_are(nanodollars: int):
    amount = Decimal(usd_text(nanodollars))
    assert reads_as(dollars_text(amount), amount)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0 %"),
        ("0.04", "< 0.1 %"),
        ("-0.04", "> -0.1 %"),
        ("0.6", "0.6 %"),
        ("-0.5", "-0.5 %"),
        ("41.4", "41 %"),
        ("100", "100 %"),
        ("12345", "12345 %"),
    ],
)
def test_something_is_never_zero_percent(value: str, shown: str):
    assert percent_text(Decimal(value)) == shown
    assert reads_as(shown, Decimal(value))


@pytest.mark.parametrize(
    ("iso", "ends", "shown"),
    [
        ("2026-10-01T00:00:00+02:00", False, "1 Oct 2026"),
        ("2026-10-01T00:00:00+02:00", True, "30 Sep 2026"),
        ("2026-10-01T09:05:00+02:00", True, "1 Oct 2026, 09:05"),
        ("2026-12-31", False, "31 Dec 2026"),
        ("no moment\u202e", False, r"no moment\u{202e}"),
    ],
)
def test_a_midnight_is_a_day(iso: str, ends: bool, shown: str):
    assert moment_text(iso, ends=ends) == shown


def test_a_place_knows_its_path():
    place = Place("by=model", {"rows": [{"usd": "1.50"}, {"usd": None}]})
    paid, unknown = (row["usd"] for row in place["rows"])
    assert (paid.path, paid.number, paid.amount) == ("by=model/rows/0/usd", Decimal("1.50"), Decimal("1.50"))
    assert (unknown.path, unknown.number, unknown.amount) == ("by=model/rows/1/usd", None, 0)
    assert (unknown["p50"].number, list(unknown["rows"])) == (None, [])


def test_a_key_that_the_json_does_not_have_is_a_mistake():
    with pytest.raises(KeyError, match="usdd"):
        Place("by=", {"usd": "1.50"})["usdd"]


def test_figures_are_marked_with_their_value_and_place():
    assert count(Place("a/b", 1234)) == '<data value="1234" data-path="a/b">1,234</data>'
    assert token_count(Place("a", 20_999)) == '<data value="20999" data-path="a">20k</data>'
    assert duration(Place("a", 1_049)) == '<data value="1049" data-path="a">1.0 s</data>'
    assert percent(Place("a", -0.6)) == '<data value="-0.6" data-path="a">-0.6 %</data>'
    assert money(Place("a", "0.10")) == '<data value="0.10" data-path="a">$0.10</data>'


def test_a_rounded_amount_has_the_exact_one_in_its_tooltip():
    assert money(Place("a", "-0.000000005")) == (
        '<data value="-0.000000005" data-path="a" title="-$0.000000005">-$0.0000000050</data>'
    )


def test_what_is_not_known_is_a_dash():
    for write in (count, token_count, duration, percent, money):
        assert write(Place("a", None)) == '<data value="" data-path="a" class="none">\u2013</data>'
    assert name(Place("a", None)) == '<span class="name none">\u2013</span>'


def test_a_name_is_cleaned_escaped_and_broken_at_its_slashes():
    assert name(Place("a", "x/<b>\u202e/\x1bc&")) == (
        '<span class="name" data-path="a"><span class="before">x/<wbr>&lt;b&gt;\\u{202e}/<wbr></span>'
        "\\u{1b}c&amp;</span>"
    )


def test_a_moment_is_marked_too():
    assert moment(Place("a", "2026-10-01")) == ('<time datetime="2026-10-01" data-path="a">1 Oct 2026</time>')
