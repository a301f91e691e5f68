"""The page: every figure is the JSON's, no name becomes markup, nothing is asked for from anywhere."""

import re
import unicodedata
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.costs import (
    OVERVIEW,
    BasisCounts,
    BudgetLine,
    Drift,
    Lost,
    Overview,
    Report,
    ReportRow,
    Suggestions,
    overview,
)
from farebox.ledger.limits import Step
from farebox.ledger.queries import Dimension, Latency
from farebox.ledger.store import Ledger
from farebox.messages import Usage
from farebox.report.page import MAX_COLOURS, to_page
from farebox.report.shapes import report_shape
from farebox.unseen import clean
from support.colours import SIGHTS, contrast, least_difference
from support.month import DAYS, FIRST_DAY, attempts, fill
from support.page import Element, parsed, wrong_figures

SINCE, UNTIL = "2026-10-01T00:00:00+00:00", "2026-10-31T00:00:00+00:00"
DAILY = BudgetLine("daily", 5 * 10**9, 1_200_000_001, 50_000_000, "2026-10-12T00:00:00+00:00", "warn")

TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "footer",
        "section",
        "div",
        "details",
    ),
    *("summary", "h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "figure", "figcaption", "code"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "data", "time", "span", "i", "wbr"),
    *("svg", "desc", "line", "rect", "text"),
}
ATTRIBUTE = re.compile(r"[\w .,:;%/=+'()#$-]*")
"""What is in an attribute of ours: names are in none."""


def json_of(given: Overview) -> dict[str, Any]:
    return {f"by={','.join(report.by)}": report_shape(report).json_value() for report in given.reports}


Key = tuple[Dimension, str | None]


def a_row(*keys: Key, cost: int | None = 1_234_567_891, saved: int | None = -5) -> ReportRow:
    return ReportRow(
        keys=keys,
        requests=1_000,
        usage=Usage(1_234_567, 500_000, 20, 30_999, 10),
        cost_nanodollars=cost,
        saved_nanodollars=saved,
        basis=BasisCounts(reported=900, computed=50, estimated=30, unknown=20 if cost else 1_000),
        failed=3,
        cancelled=17,
        uncertain=1,
        first_token=Latency(999, 1_049, 123_456),
        total=Latency(1_000, 10_049, 1_234_567),
        drift=Drift(7, 2_000_000_000, 1_990_000_000),
        suggestions=Suggestions(2_001, 666, 12, 3_456_789),
    )


def an_overview(name: str | None = "acme/m-1", **of_row: int | None) -> Overview:
    """Return an overview of two days whose every name is the given one, or ``other``."""

    def row(by: tuple[Dimension, ...], day: str, called: str | None) -> ReportRow:
        keys: list[Key] = [(key, day if key == "day" else called) for key in by]
        return a_row(*keys, **of_row)

    def rows(by: tuple[Dimension, ...]) -> tuple[ReportRow, ...]:
        two = row(by, "2026-10-03", name), row(by, "2026-10-07", "other")
        return two if by else two[:1]

    budgets = (DAILY, replace(DAILY, name=name or "", step="stop"))
    return Overview(
        tuple(Report(SINCE, UNTIL, by, rows(by), a_row(**of_row), budgets, 2, 1, 77) for by in OVERVIEW)
    )


def nothing() -> Overview:
    none = ReportRow((), 0, Usage(), 0, None, BasisCounts())
    return Overview(tuple(Report(SINCE, None, by, (), none, (DAILY,)) for by in OVERVIEW))


async def of_a_month(folder: Path, days: int = DAYS, a_day: int = 60) -> Overview:
    """Return what a real ledger tells of a month."""
    ledger = Ledger(folder / "ledger.db")
    try:
        await fill(ledger, attempts(days=days, a_day=a_day))
        last = FIRST_DAY + timedelta(days=days - 1)
        return await overview(ledger, since=FIRST_DAY.isoformat(), until=last.isoformat())
    finally:
        await ledger.close()


# --- figures -------------------------------------------------------------------------------------


async def test_every_figure_of_a_month_is_the_one_of_the_json(tmp_path: Path):
    month = await of_a_month(tmp_path)
    page = parsed(to_page(month))
    assert wrong_figures(page, json_of(month)) == []
    assert len([one for one in page if "data-path" in one.attributes]) > 400
    assert len(page.all("rect")) > 60


async def test_more_than_a_hundred_days_are_drawn_by_the_week(tmp_path: Path):
    months = await of_a_month(tmp_path, days=300, a_day=5)
    html = to_page(months)
    assert wrong_figures(parsed(html), json_of(months)) == []
    assert "<h2>Spending by week</h2>" in html


def test_a_single_day_has_no_chart():
    two = an_overview()
    one = Overview(tuple(replace(report, rows=report.rows[:1]) for report in two.reports))
    page = parsed(to_page(one))
    assert wrong_figures(page, json_of(one)) == []
    assert page.all("svg") == []


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(an_overview(), id="usual"),
        pytest.param(an_overview(cost=None, saved=None), id="no-price-is-known"),
        pytest.param(an_overview(cost=0, saved=0), id="free"),
        pytest.param(an_overview(name=None), id="no-names"),
        pytest.param(an_overview(cost=123_456_789_012_345_678, saved=-(10**16)), id="huge"),
        pytest.param(an_overview(cost=1, saved=1), id="a-nano-dollar"),
        pytest.param(nothing(), id="nothing"),
    ],
)
def test_every_figure_is_the_one_of_the_json(given: Overview):
    assert wrong_figures(parsed(to_page(given)), json_of(given)) == []


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_page_with_one_figure_changed_is_found_out(data: st.DataObject):
    given = an_overview()
    page = parsed(to_page(given))
    figures = [one for one in page if one.tag in ("data", "time", "rect") or "style" in one.attributes]
    one = data.draw(st.sampled_from(figures))
    match one.tag:
        case "rect":
            name = data.draw(st.sampled_from(["height", "y", "data-path", "data-first"]))
            one.attributes[name] = {
                "data-path": "by=day,model/rows/1/requests",
                "data-first": "2026-10-30",
            }.get(name, "99")
        case "i":
            name, _, size = one.attributes["style"].partition(":")
            more = float(size.removesuffix("%")) + 1
            one.attributes["style"] = f"{name}:{more}{'%' if size.endswith('%') else ''}"
        case _:
            one.parts = [str(data.draw(st.sampled_from(["$7.77", "4,711", "1 Jan 2001"])))]
    assert wrong_figures(page, json_of(given))


def test_a_number_that_is_nowhere_in_the_json_is_found_out():
    given = an_overview()
    html = to_page(given).replace("<h2>By model</h2>", "<h2>The 2 models</h2>")
    assert wrong_figures(parsed(html), json_of(given)) == ["2 has no place in the JSON"]


# --- words ---------------------------------------------------------------------------------------


def test_who_spent_nothing_is_told_so_kindly():
    html = to_page(nothing())
    assert "<h2>Nothing was spent</h2>" in html
    assert "As soon as farebox" in html
    assert "<table" not in html


def test_who_pays_nothing_sees_requests_in_the_chart():
    html = to_page(an_overview(cost=0))
    assert "<h2>Requests by day</h2>" in html


@pytest.mark.parametrize(
    ("since", "until", "shown"),
    [
        (SINCE, UNTIL, "1 Oct 2026 to 30 Oct 2026"),
        (SINCE, "2026-10-02T00:00:00+00:00", "1 Oct 2026"),
        ("2026-10-01T09:30:00+00:00", None, "1 Oct 2026, 09:30 to now"),
        (None, UNTIL, "until 30 Oct 2026"),
    ],
)
def test_the_time_is_written_as_people_do(since: str | None, until: str | None, shown: str):
    given = Overview(tuple(replace(one, since=since, until=until) for one in an_overview().reports))
    page = parsed(to_page(given))
    assert page.all("p", kind="period")[0].text == shown
    assert wrong_figures(page, json_of(given)) == []


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("ok", "within budget"),
        ("warn", "past 25 %"),
        ("cheaper", "auto takes cheaper models"),
        ("local", "only what costs nothing is sent"),
        ("stop", "nothing is sent"),
    ],
)
def test_a_budget_says_on_which_step_it_is(step: Step, words: str):
    given = nothing()
    line = replace(DAILY, step=step)
    page = parsed(to_page(Overview(tuple(replace(one, budgets=(line,)) for one in given.reports))))
    assert [one.text for one in page.all("span", kind="chip")] == [words]
    assert len(page.all("div", kind=f"step-{step}")) == 1


@pytest.mark.parametrize(
    ("changes", "words", "kind", "meters"),
    [
        pytest.param({"limit_nanodollars": 1_500_000_000}, "nearly used up", "step-warn", 2, id="nearly"),
        pytest.param(
            {"limit_nanodollars": 1_250_000_001},
            "used up: nothing that costs money is sent any more",
            "used-up",
            2,
            id="used-up",
        ),
        pytest.param(
            {"limit_nanodollars": 10**9, "step": "stop"}, "used up: nothing is sent", "used-up", 2, id="stop"
        ),
        pytest.param(
            {"limit_nanodollars": 0, "step": "ok"},
            "nothing that costs money may be sent",
            "step-ok",
            0,
            id="a-ban",
        ),
        pytest.param(
            {"is_unchecked": True, "step": "ok"},
            "can't be checked: the ledger was damaged",
            "unchecked",
            2,
            id="damaged",
        ),
    ],
)
def test_a_budget_says_how_it_stands(changes: dict[str, Any], words: str, kind: str, meters: int):
    line = replace(DAILY, **changes)
    given = Overview(tuple(replace(one, budgets=(line,)) for one in nothing().reports))
    page = parsed(to_page(given))
    assert [one.text for one in page.all("span", kind="chip")] == [words]
    (budget,) = page.all("div", kind=kind)
    assert len(budget.all("i")) == meters
    assert wrong_figures(page, json_of(given)) == []


def test_a_damaged_ledger_is_told_and_never_that_nothing_was_spent():
    lost = Lost("2026-10-03T14:03:00+00:00", "ledger.db", 123)
    for undamaged in (an_overview(), nothing()):
        damaged = Overview(tuple(replace(one, damages=(lost,)) for one in undamaged.reports))
        page = parsed(to_page(damaged))
        assert page.all("footer")[0].all("li")[0].text == (
            "The ledger was damaged on 3 Oct 2026, 14:03: 123 requests of ledger.db were saved, "
            "what else was spent is not known: farebox doctor --accept-damage"
        )
        assert wrong_figures(page, json_of(damaged)) == []
        assert "Nothing was spent" not in page.text
    page = parsed(to_page(Overview(tuple(replace(one, damages=(lost,)) for one in an_overview().reports))))
    assert "without what a damaged ledger had" in page.all("dd", kind="about")[0].text


def test_the_workspace_and_why_there_are_no_budgets_are_told():
    given = Overview(
        tuple(
            replace(one, budgets=(), workspace="/Users/<me>", budgets_error="line 2: <wrong>")
            for one in an_overview().reports
        )
    )
    page = parsed(to_page(given))
    assert page.all("p", kind="period")[0].text == "in /Users/<me>"
    assert page.all("footer")[0].all("li")[-1].text == "Budgets are not shown: line 2: <wrong>"
    assert wrong_figures(page, json_of(given)) == []


def test_costs_with_an_unknown_part_are_at_least_what_is_known():
    page = parsed(to_page(an_overview()))
    (models,) = [table for table in page.all("table") if "What each model" in table.text]
    assert [one.text for one in models.all("td") if one.attributes["data-head"] == "Cost"] == ["≥ $1.23"] * 3


def test_what_is_in_no_figure_is_told_at_the_end():
    (footer,) = parsed(to_page(an_overview())).all("footer")
    assert [item.text for item in footer.all("li")] == [
        "2 requests without an end, in no figure here: still running, or farebox was killed.",
        "1 request ($0.000000077) not yet written, in no figure here either.",
    ]


def test_dimensions_with_a_single_value_are_left_out():
    given = an_overview()
    alone = tuple(replace(one, rows=one.rows[:1]) if one.by == ("client",) else one for one in given.reports)
    headings = [one.text for one in parsed(to_page(Overview(alone))).all("h2")]
    assert "By client" not in headings
    assert {"By task", "By workspace", "By provider"} < set(headings)


def test_a_model_that_came_between_two_reports_is_among_the_others():
    given = an_overview()
    late = tuple(replace(one, rows=one.rows[:1]) if one.by == ("model",) else one for one in given.reports)
    page = parsed(to_page(Overview(late)))
    assert wrong_figures(page, json_of(Overview(late))) == []
    assert [one.text.partition(",")[0] for one in page.all("rect")] == ["acme/m-1", "others"]


def test_many_models_share_the_last_colour():
    given = an_overview()
    names = [f"acme/m-{number}" for number in range(MAX_COLOURS + 3)]
    models = tuple(a_row(("model", name), cost=10**9 - rank) for rank, name in enumerate(names))
    days = tuple(a_row(("day", "2026-10-03"), ("model", name)) for name in names)
    rows: dict[tuple[Dimension, ...], tuple[ReportRow, ...]] = {("model",): models, ("day", "model"): days}
    many = Overview(tuple(replace(one, rows=rows.get(one.by, one.rows)) for one in given.reports))
    page = parsed(to_page(many))
    assert wrong_figures(page, json_of(many)) == []
    (legend,) = page.all("figcaption")
    assert [one.text for one in legend.all("li")] == [*names[:MAX_COLOURS], "others"]


def test_many_groups_end_with_the_command_that_lists_them_all():
    given = an_overview()
    (row, _) = given.by("task").rows
    many = tuple(replace(row, keys=(("task", f"task {number}"),)) for number in range(40))
    html = to_page(
        Overview(tuple(replace(one, rows=many) if one.by == ("task",) else one for one in given.reports))
    )
    assert "task 29</span>" in html
    assert "task 30</span>" not in html
    assert "<code>farebox costs --by task</code>" in html


# --- safety --------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title></svg><b>",
    "&lt;&#60;&amp",
    "\u202eevil\u2066\u200b\x00\x1b[2J\x85\u2028",
    "a" * 1_000,
    "/" * 1_000,
    "http://example.com/x?y=url(z)",
    "\ud800",
    "",
]


def in_order(page: Element) -> list[str]:
    """Return all texts of names."""
    return [one.text for one in page.all("span", "data-path", kind="name")]


@given(st.text(max_size=200) | st.sampled_from(HOSTILE))
@settings(deadline=None)
def test_no_name_is_ever_more_than_text(name: str):
    given = an_overview(name)
    html = to_page(given)
    page = parsed(html)
    assert {one.tag for one in page} - {""} <= TAGS
    for one in page:
        assert not {key for key in one.attributes if key.startswith("on") or key in ("href", "src")}
        if one.tag != "meta":
            assert all(ATTRIBUTE.fullmatch(value) for value in one.attributes.values()), one.attributes
    assert wrong_figures(page, json_of(given)) == []
    assert clean(name) in in_order(page)
    assert not [char for char in html if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char != "\n"]
    html.encode("utf-8")


def test_nothing_of_a_name_is_in_an_attribute():
    html = to_page(an_overview("sentinel-of-a-name"))
    attributes = [value for one in parsed(html) for value in one.attributes.values()]
    assert [value for value in attributes if "sentinel" in value] == []


def test_the_page_asks_for_nothing_and_runs_nothing():
    html = to_page(an_overview())
    (policy,) = [
        meta.attributes["content"] for meta in parsed(html).all("meta") if "http-equiv" in meta.attributes
    ]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert re.findall(r"<script|<link|<img|<iframe|url\(|@import|https?:|javascript:|\son\w+=", html) == []


# --- for everybody -------------------------------------------------------------------------------

MIN_CONTRAST_OF_GRAPHICS = 3.0
MIN_DIFFERENCE = 0.07


def colours(html: str, name: str) -> tuple[list[str], list[str]]:
    """Return the light and the dark colours of the style sheet whose names begin so."""
    pairs = re.findall(rf"--{name}[-\d]*: light-dark\((#\w{{6}}), (#\w{{6}})\)", html)
    return [bright for bright, _ in pairs], [dark for _, dark in pairs]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("sight", SIGHTS)
def test_the_colours_of_a_chart_can_be_told_apart(sight: str, dark: bool):
    html = to_page(nothing())
    series, (card,) = colours(html, "series")[dark], colours(html, "card")[dark]
    assert len(series) == MAX_COLOURS + 1
    assert least_difference(series, SIGHTS[sight]) >= MIN_DIFFERENCE
    assert min(contrast(colour, card) for colour in series) >= MIN_CONTRAST_OF_GRAPHICS


def test_the_page_can_be_read_by_those_who_hear_it():
    page = parsed(to_page(an_overview()))
    (html,) = page.all("html")
    assert html.attributes["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert all(table.all("caption")[0].text for table in page.all("table"))
    assert all("scope" in heading.attributes for heading in page.all("th"))
    for picture in page.all("svg"):
        assert picture.attributes["role"] == "img"
        named = {one.attributes.get("id") for one in picture if one.tag in ("title", "desc")}
        assert set(picture.attributes["aria-labelledby"].split()) <= named
    names = [one.attributes["id"] for one in page if "id" in one.attributes]
    assert len(names) == len(set(names))


def test_every_section_has_a_heading_or_a_name():
    for section in parsed(to_page(an_overview())).all("section"):
        assert section.all("h2") or section.attributes.get("aria-label")
