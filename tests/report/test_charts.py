"""Bars over time: no day is missing between the first and the last, and each is as high as its values."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.report.charts import (
    BOTTOM_PX,
    HEIGHT_PX,
    MAX_BARS,
    MAX_LABELS,
    MAX_LABELS_NARROW,
    TOP_PX,
    Measure,
    Series,
    Unit,
    bars,
    ticks_up_to,
    unit_of,
)
from farebox.report.page_figures import Place
from support.page import Element, parsed

FIRST = date(2026, 10, 1)


def drawn(
    *series: dict[date, str], names: tuple[str | None, ...] = ("a", "b"), measure: Measure = "dollars"
) -> Element:
    """Draw the values by day of each series."""
    given = [
        Series(
            None if name is None else Place("m", name),
            colour,
            tuple((day, Place(f"{colour}/{n}/usd", usd)) for n, (day, usd) in enumerate(values.items())),
        )
        for colour, (name, values) in enumerate(zip(names, series, strict=False))
    ]
    unit = unit_of([day for values in series for day in values])
    return parsed(bars(given, measure, unit, title="<Title>", description="What it is"))


def days(count: int) -> list[date]:
    return [FIRST + timedelta(days=number) for number in range(count)]


def test_bars_stand_on_each_other_and_say_what_they_are():
    svg = drawn({FIRST: "1.00", days(2)[1]: "0.50"}, {FIRST: "1.00"})
    first, second, third = svg.all("rect")
    assert [one.text for one in (first, second, third)] == [
        "a, 1 Oct 2026: $1.00",
        "b, 1 Oct 2026: $1.00",
        "a, 2 Oct 2026: $0.50",
    ]
    floor = HEIGHT_PX - BOTTOM_PX
    assert float(first.attributes["y"]) + float(first.attributes["height"]) == floor
    assert float(second.attributes["y"]) == TOP_PX  # two dollars are the whole axis
    assert float(third.attributes["height"]) * 2 == float(first.attributes["height"])
    assert first.attributes["class"] == "series-0"
    assert first.attributes["x"] == second.attributes["x"] != third.attributes["x"]


def test_what_is_nothing_or_not_known_has_no_bar():
    svg = drawn({FIRST: "0.00", days(2)[1]: "0.50"})
    assert len(svg.all("rect")) == 1


def test_nothing_at_all_is_an_empty_axis():
    svg = drawn({FIRST: "0.00"})
    assert [one.text for one in svg.all("text", kind="tick")] == ["$0.00", "$1.00"]


def test_a_quiet_day_keeps_its_room():
    svg = drawn({FIRST: "1.00", FIRST + timedelta(days=3): "1.00"})
    assert [one.text for one in svg.all("text", kind="date")] == ["1 Oct", "2 Oct", "3 Oct", "4 Oct"]
    assert [one.attributes["x"] for one in svg.all("rect")] == ["9.500%", "84.500%"]


@pytest.mark.parametrize(
    ("count", "unit"),
    [(1, "day"), (MAX_BARS, "day"), (MAX_BARS + 1, "week"), (680, "week"), (720, "month"), (4_000, "month")],
)
def test_a_longer_time_is_drawn_by_the_week_or_month(count: int, unit: Unit):
    assert unit_of([FIRST, days(count)[-1]]) == unit


def test_a_week_sums_its_days():
    svg = drawn(dict.fromkeys(days(140), "0.10"))
    whole_week = svg.all("rect")[1]
    assert whole_week.text == "a, 5 Oct 2026 to 11 Oct 2026: $0.70"
    assert len(whole_week.attributes["data-path"].split()) == 7
    assert (whole_week.attributes["data-first"], whole_week.attributes["data-last"]) == (
        "2026-10-05",
        "2026-10-11",
    )


def test_a_month_is_named():
    svg = drawn({FIRST: "1.00", date(2029, 2, 28): "1.00"})
    assert svg.all("text", kind="date")[0].text == "Oct 2026"
    assert svg.all("rect")[-1].text == "a, 1 Feb 2029 to 28 Feb 2029: $1.00"


@given(st.integers(1, 4_000))
def test_there_is_room_for_every_label(count: int):
    labels = drawn({FIRST: "1.00", days(count)[-1]: "1.00"}).all("text", kind="date")
    assert 1 <= len(labels) <= MAX_LABELS
    narrow = [one for one in labels if "wide" not in one.attributes["class"].split()]
    assert 1 <= len(narrow) <= MAX_LABELS_NARROW
    assert labels[0] in narrow


@given(st.decimals("0.000000001", 10**9, places=9), st.booleans())
def test_the_axis_ends_at_or_above_the_highest_bar(highest: Decimal, whole: bool):
    ticks = ticks_up_to(highest, whole=whole)
    assert ticks[0] == 0
    assert ticks[-2] < highest <= ticks[-1]
    assert len(ticks) <= 7
    assert len({after - before for before, after in pairwise(ticks)}) == 1
    assert not whole or all(tick == int(tick) for tick in ticks)


def test_requests_are_counted_in_whole_numbers():
    svg = drawn({FIRST: "3"}, measure="requests")
    assert [one.text for one in svg.all("text", kind="tick")] == ["0", "1", "2", "3"]
    assert svg.all("rect")[0].text == "a, 1 Oct 2026: 3"


def test_the_rest_is_others_and_a_name_is_harmless():
    svg = drawn({FIRST: "1.00"}, {FIRST: "1.00"}, names=("<b>\u202e", None))
    assert [one.text.partition(",")[0] for one in svg.all("rect")] == ["<b>\\u{202e}", "others"]


def test_the_picture_has_a_title_and_a_description():
    svg = drawn({FIRST: "1.00"})
    assert svg.all("title")[0].text == "<Title>"
    assert svg.all("desc")[0].text == "What it is"
