"""A table of the page: the columns that say something, the rows that matter, bars that are in proportion."""

from farebox.report.page_figures import Place
from farebox.report.page_tables import ACCEPTED, COST, MAX_ROWS, REQUESTS, SAVED, by_cost, table
from support.page import Element, parsed


def a_place(*rows: dict[str, object]) -> tuple[list[Place], Place]:
    """Return the rows of a report and their total."""
    basis = {"unknown": 0}
    report = Place(
        "by=task",
        {
            "rows": [{"accepted": 0, "savedUsd": None, "basis": basis, **row} for row in rows],
            "total": {"requests": 10, "usd": "4.00", "accepted": 0, "savedUsd": None, "basis": basis},
        },
    )
    return list(report["rows"]), report["total"]


CHAT: dict[str, object] = {"task": "chat", "requests": 4, "usd": "1.00"}
EDIT: dict[str, object] = {"task": "edit", "requests": 6, "usd": "3.00"}


def cells(page: Element) -> list[list[str]]:
    return [[one.text for one in row if one.tag in ("th", "td")] for row in page.all("tr")]


def test_rows_have_their_name_first_and_the_total_last():
    rows, total = a_place(CHAT, EDIT)
    page = parsed(table("Costs", ("task",), rows, (REQUESTS, COST), total=total))
    assert cells(page) == [
        ["Task", "Requests", "Cost"],
        ["chat", "4", "$1.00"],
        ["edit", "6", "$3.00"],
        ["All", "10", "$4.00"],
    ]


def test_a_column_in_which_no_row_has_anything_is_left_out():
    rows, total = a_place(CHAT, EDIT)
    page = parsed(table("Costs", ("task",), rows, (REQUESTS, ACCEPTED, SAVED), total=total))
    assert cells(page)[0] == ["Task", "Requests"]


def test_one_row_needs_no_total():
    rows, total = a_place(CHAT)
    assert parsed(table("Costs", ("task",), rows, (COST,), total=total)).all("tfoot") == []


def test_the_bar_below_a_name_is_its_part_of_the_whole():
    rows, total = a_place(CHAT, EDIT, {"task": "free", "requests": 0, "usd": "0.00"})
    page = parsed(table("Costs", ("task",), rows, (COST,), total=total, part="usd"))
    assert [one.attributes["style"] for one in page.all("i")] == ["width:25.00%", "width:75.00%"]
    assert len(page.all("span", kind="part")) == 3


def test_a_cost_that_is_not_known_at_all_says_so():
    rows, _ = a_place({**CHAT, "usd": None, "basis": {"unknown": 4}})
    assert cells(parsed(table("Costs", ("task",), rows, (COST,))))[1] == ["chat", "unknown"]


def test_a_row_may_be_named_by_two_dimensions_or_a_day():
    rows, _ = a_place({**CHAT, "language": "rust", "day": "2026-10-03"})
    page = parsed(table("Costs", ("task", "language"), rows, (REQUESTS,)))
    assert cells(page)[1] == ["chat · rust", "4"]
    page = parsed(table("Costs", ("day",), rows, (REQUESTS,)))
    assert cells(page)[1] == ["3 Oct 2026", "4"]


def test_each_model_has_its_colour():
    rows, _ = a_place(CHAT, EDIT)
    page = parsed(table("Costs", ("task",), rows, (COST,), colours={"chat": 0, "edit": 6}))
    assert [one.attributes["class"] for one in page.all("i")] == ["dot series-0", "dot series-6"]


def test_the_dearest_come_first():
    rows, _ = a_place(
        CHAT,
        {"task": "unknown", "requests": 1, "usd": None},
        {"task": "free", "requests": 9, "usd": "0.00"},
        EDIT,
    )
    assert [row["task"].text for row in by_cost(rows)] == ["edit", "chat", "free", "unknown"]


def test_a_cell_carries_its_heading_and_every_part_its_role():
    rows, total = a_place(CHAT, EDIT)
    page = parsed(table("Costs", ("task",), rows, (REQUESTS,), total=total))
    assert {one.attributes["data-head"] for one in page.all("td")} == {"Requests"}
    parts = ("table", "thead", "tbody", "tfoot", "tr", "th", "td")
    assert all("role" in one.attributes for one in page if one.tag in parts)
    assert page.all("caption")[0].text == "Costs"


def test_only_so_many_rows_are_shown():
    rows, _ = a_place(*({**CHAT, "task": f"t{number}"} for number in range(MAX_ROWS + 1)))
    page = parsed(table("Costs", ("task",), rows, (REQUESTS,)))
    assert len(page.all("tr")) == 1 + MAX_ROWS
    assert page.all("code")[0].text == "farebox costs --by task"
    assert len(parsed(table("Costs", ("task",), rows, (REQUESTS,), limit=99)).all("tr")) == 2 + MAX_ROWS
