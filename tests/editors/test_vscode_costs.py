"""The real window of VS Code: today's spend in the status bar, and the report that a click on it opens."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame

from support.colours import contrast, light
from support.environment import ledger_rows
from support.upstream import Answer, Upstream, openrouter_stream
from support.vscode import THEMES, Theme, Window, window

pytestmark = pytest.mark.slow

USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
PATH = "/v1/chat/completions"
SOURCE = "import math\n\n\ndef area(radius):\n    return math.pi * radius ** 2\n\n\n"
BODY = "return 2 * math.pi * radius"
ONE_REQUEST = "look_ahead = false\n"
BY_HAND = {"farebox.completion.trigger": "manual"}
ASK = "Trigger Inline Suggestion"

READABLE = 4.5
"""The contrast that text needs, by WCAG."""

INK_AND_PAPER = """(part) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    const shade = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const hex = (shade) => "#" + shade.slice(0, 3).map((one) => one.toString(16).padStart(2, "0")).join("");
    const paper = (one) => shade(getComputedStyle(one).backgroundColor);
    let behind = part;
    while (paper(behind)[3] === 0 && behind.parentElement) behind = behind.parentElement;
    return [hex(shade(getComputedStyle(part).color)), hex(paper(behind))];
}"""
"""The colour of an element's text, and of what is behind it."""


@pytest.fixture
def upstream() -> Generator[Upstream]:
    with Upstream.in_thread() as upstream:
        body = openrouter_stream(f"<COMPLETION>{BODY}</COMPLETION>", USAGE)
        upstream.answer(PATH, Answer(body=body, content_type="text/event-stream"))
        yield upstream


def complete(code: Window) -> None:
    """Have one suggestion, which costs what ``USAGE`` says."""
    code.open("area.py", SOURCE)
    code.type("def girth(radius):\n")
    code.command(ASK)
    code.wait("a suggestion", lambda: code.ghost() == BODY)
    code.wait("what it cost", lambda: "$0.00021 today" in code.status())


def status_item(code: Window):
    return code.page.locator(".statusbar-item[id='farebox.farebox.farebox.status']")


def report(code: Window) -> Frame:
    frame = code.wait("the report", lambda: code.frame("main .tiles, main .nothing"))
    assert frame is not None
    return frame


def spent(code: Window) -> str:
    """Return the first figure of the report, exactly."""
    figure = report(code).locator(".tiles .figure [title]").first
    return figure.get_attribute("title") or ""


def test_todays_spend_is_in_the_status_bar_and_a_click_shows_each_cent(
    chromium: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    with window(chromium, tmp_path, upstream=upstream, more=ONE_REQUEST, settings=BY_HAND) as code:
        complete(code)
        assert code.status() == "farebox: $0.00021 today, model gpt-4o-mini, ready"
        assert "$0.00021 · gpt-4o-mini" in status_item(code).inner_text()
        status_item(code).click()
        code.wait("its tab", lambda: code.page.locator(".tab.active", has_text="Costs: today").count())
        assert spent(code) == "$0.000213"
        assert "openrouter/openai/gpt-4o-mini" in report(code).locator("main").inner_text()
        assert [row["cost_nanodollars"] for row in ledger_rows(tmp_path)] == [213_000]
        assert code.notifications() == []


def test_the_report_is_of_another_time_and_up_to_date_when_it_is_seen_again(
    chromium: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    with window(chromium, tmp_path, upstream=upstream, more=ONE_REQUEST, settings=BY_HAND) as code:
        code.open("area.py", SOURCE)
        code.command("farebox: Show Costs")
        assert "Nothing was spent" in report(code).locator("main").inner_text()
        code.command("farebox: Show Costs")
        code.choose("all of it")
        code.wait("its tab", lambda: code.page.locator(".tab.active", has_text="Costs: all of it").count())
        code.page.locator(".tab", has_text="area.py").click()
        code.focus_editor()
        code.press("Control+End")
        code.type("def girth(radius):\n")
        code.command(ASK)
        code.wait("what it cost", lambda: "$0.00021 today" in code.status())
        code.page.locator(".tab", has_text="Costs").click()
        code.wait(
            "the new sum", lambda: report(code).locator(".tiles").count() and spent(code) == "$0.000213"
        )


def test_the_tooltip_has_a_table_of_what_is_spent_and_what_is_left(
    chromium: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    with window(
        chromium,
        tmp_path,
        upstream=upstream,
        more=f"{ONE_REQUEST}[budgets]\ndaily_usd = 2\n",
        settings=BY_HAND,
    ) as code:
        complete(code)
        status_item(code).hover()
        tooltip = code.page.locator(".monaco-hover:visible table")
        tooltip.wait_for()
        rows = [row.locator("th, td").all_inner_texts() for row in tooltip.locator("tr").all()]
        assert [row[:3] for row in rows] == [
            ["", "spent", "limit"],
            ["today", "$0.00021", ""],
            ["daily budget", "$0.00021 (0 %)", "$2.00"],
        ]
        code.page.locator(".monaco-hover:visible a", has_text="Show Costs").click()
        assert spent(code) == "$0.000213"


def test_a_budget_that_is_used_up_is_an_error_and_a_click_shows_what_may_be_done(
    chromium: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    more = f"{ONE_REQUEST}[budgets]\ndaily_usd = 0.0002\n[budgets.ladder]\nwarn = 50\n"
    with window(chromium, tmp_path, upstream=upstream, more=more, settings=BY_HAND) as code:
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\n")
        code.command(ASK)
        code.wait("what it cost", lambda: "0.00021" in code.status())
        code.type("x")
        code.command(ASK)  # for which nothing is left
        item = status_item(code)
        code.wait("its colour", lambda: "error-kind" in (item.get_attribute("class") or ""))
        item.click()
        code.page.locator(".quick-input-list .monaco-list-row", has_text="Show Costs").first.wait_for()


@pytest.mark.parametrize("theme", THEMES)
def test_the_report_can_be_read_in_every_theme(
    chromium: Browser, tmp_path: Path, upstream: Upstream, theme: Theme
) -> None:
    with window(
        chromium, tmp_path, upstream=upstream, more=ONE_REQUEST, settings=BY_HAND, theme=theme
    ) as code:
        complete(code)
        code.command("farebox: Show Costs")
        frame = report(code)
        for part in ("h1", ".tiles dt", ".tiles .figure", "td"):
            ink, paper = frame.locator(part).first.evaluate(INK_AND_PAPER)
            assert contrast(ink, paper) >= READABLE, (part, ink, paper)
            assert (light(paper)[1] < 0.5) == (theme in ("dark", "highContrast"))
        code.screenshot(tmp_path / f"costs-{theme}.png")
