"""The cost report of a month in a real browser: looked at wide and narrow, light and dark, and on paper."""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from farebox.costs import Overview, overview
from farebox.ledger.limits import Limit, Steps, midnight, unix_ms
from farebox.ledger.store import Ledger
from farebox.messages import Target
from farebox.report.page import to_page
from farebox.report.shapes import report_shape
from support.browser import Browser, Scheme, Tab, chromium
from support.month import CODESTRAL, DAYS, FIRST_DAY, FOLDERS, Attempt, attempts, fill
from support.page import parsed, wrong_figures

pytestmark = pytest.mark.slow

PICTURES = "FAREBOX_TEST_PICTURES"
"""Names a folder in which the pictures are kept."""

NARROW_PX, WIDE_PX = 400, 1_400
MIN_CONTRAST = 4.5
ACTIVE = (
    '<b>\u202e&amp;\x1b[2J"><img src=a.png onerror=alert(1)><svg onload=alert(1)> [x](javascript:alert(1))'
)
"""A name that is markup, a script and a link."""

LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)
DOLLAR = 10**9

POOR_CONTRASTS = """
(() => {
  const paper = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    paper.clearRect(0, 0, 1, 1); paper.fillStyle = colour; paper.fillRect(0, 0, 1, 1);
    return [...paper.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [r, g, b] = rgba(colour).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return 'white';
  };
  const poor = [], seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('title, desc')) continue;
    const styles = [getComputedStyle(element), getComputedStyle(element, '::before')];
    for (const style of styles) {
      const [a, b] = [element instanceof SVGElement ? style.fill : style.color, behind(element)].map(light);
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      seen.push(contrast);
      if (contrast < LEAST) poor.push([walker.currentNode.data.trim(), contrast]);
    }
  }
  return {poor, seen: seen.length};
})()
"""
BROKEN_LINES = """
[...document.querySelectorAll('data, time')].filter(one => one.getClientRects().length > 1)
  .map(one => one.textContent)
"""
TOO_WIDE = """
[...document.querySelectorAll('body *')].filter(one => {
  const box = one.getBoundingClientRect();
  return box.right > innerWidth + 0.5 || box.left < -0.5;
}).map(one => one.outerHTML.slice(0, 200))
"""


def budgets() -> tuple[Limit, ...]:
    """Return a budget on each step of the ladder."""
    since, resets_at = unix_ms(midnight(FIRST_DAY)), midnight(LAST_DAY + timedelta(days=1)).isoformat()
    return (
        Limit("monthly", 60 * DOLLAR, since, resets_at, steps=Steps(48 * DOLLAR)),
        Limit("weekly", 14 * DOLLAR, since, resets_at, steps=Steps(11 * DOLLAR)),
        Limit("daily", 2 * DOLLAR, since, resets_at, steps=Steps(1, 1, 1, 2 * DOLLAR)),
    )


async def of_a_month(folder: Path, *, days: int = DAYS, renamed: str | None = None) -> Overview:
    """Return what a real ledger tells of a month, one model and folder of it perhaps renamed."""
    month = attempts(days=days)
    if renamed is not None:
        month = tuple(renamed_in(attempt, renamed) for attempt in month)
    ledger = Ledger(folder / "ledger.db")
    try:
        await fill(ledger, month)
        return await overview(
            ledger, since=FIRST_DAY.isoformat(), until=LAST_DAY.isoformat(), limits=budgets()
        )
    finally:
        await ledger.close()


def renamed_in(attempt: Attempt, name: str) -> Attempt:
    """Return an attempt with a name for its model, client and language, or for its folder."""
    hold = attempt.hold
    if hold.target == CODESTRAL.target:
        hold = replace(hold, target=Target(name, name), client=name, language=name)
    if hold.workspace == FOLDERS[0]:
        hold = replace(hold, workspace=name)
    return replace(attempt, hold=hold)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the page of a month, as a file, and the JSON of the same reports."""
    folder = tmp_path_factory.mktemp("month")
    reports = asyncio.run(of_a_month(folder))
    page = folder / "month.html"
    page.write_text(to_page(reports), "utf-8")
    return page, {f"by={','.join(one.by)}": report_shape(one).json_value() for one in reports.reports}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as running:
        yield running


def keep(name: str, data: bytes, folder: Path) -> None:
    """Write a picture, to be looked at."""
    kept = Path(os.environ.get(PICTURES) or folder)
    kept.mkdir(parents=True, exist_ok=True)
    (kept / name).write_bytes(data)


def complaints(tab: Tab, page: Path) -> list[str]:
    """Return what the browser has found wrong, and whom it has asked for anything but the page."""
    said = tab.told("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
    asked = [event["request"]["url"] for event in tab.told("Network.requestWillBeSent")]
    assert page.as_uri() in asked
    return [*map(json.dumps, said), *(url for url in asked if url != page.as_uri())]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [NARROW_PX, WIDE_PX])
def test_the_month_can_be_read_on_any_screen(
    browser: Browser, month: tuple[Path, dict[str, Any]], tmp_path: Path, width_px: int, scheme: Scheme
) -> None:
    page, _ = month
    tab = Tab(browser, width=width_px, scheme=scheme)
    tab.load(page)
    picture = tab.picture()
    keep(f"month-{width_px}-{scheme}.png", picture, tmp_path)
    assert picture.startswith(b"\x89PNG")
    assert tab.evaluate("innerWidth") == width_px
    assert tab.evaluate("document.documentElement.scrollWidth") <= width_px
    assert tab.evaluate(TOO_WIDE) == []
    assert tab.evaluate(BROKEN_LINES) == []
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    contrasts = tab.evaluate(POOR_CONTRASTS.replace("LEAST", str(MIN_CONTRAST)))
    assert contrasts["poor"] == []
    assert contrasts["seen"] > 300
    assert tab.evaluate(TOO_WIDE) == []
    paper: str = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) < 3 * 128) == (scheme == "dark")
    assert complaints(tab, page) == []


@pytest.mark.parametrize("width_px", [NARROW_PX, WIDE_PX])
@pytest.mark.parametrize("name", ["W" * 1_000, "w/" * 500, "long " * 200, ACTIVE])
def test_no_name_is_too_long_for_a_screen(browser: Browser, tmp_path: Path, width_px: int, name: str) -> None:
    page = tmp_path / "names.html"
    page.write_text(to_page(asyncio.run(of_a_month(tmp_path, days=9, renamed=name))), "utf-8")
    tab = Tab(browser, width=width_px)
    tab.load(page)
    tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert tab.evaluate(TOO_WIDE) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width_px
    assert complaints(tab, page) == []


def test_the_month_can_be_printed(
    browser: Browser, month: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    page, _ = month
    tab = Tab(browser, width=WIDE_PX, scheme="dark")
    tab.load(page)
    printed = tab.pdf()
    keep("month.pdf", printed, tmp_path)
    assert printed.startswith(b"%PDF-")
    assert 2 <= printed.count(b"/Type /Page\n") <= 4
    assert complaints(tab, page) == []


def test_what_the_browser_has_read_is_what_the_json_says(
    browser: Browser, month: tuple[Path, dict[str, Any]]
) -> None:
    page, reports = month
    tab = Tab(browser, width=WIDE_PX)
    tab.load(page)
    read: str = tab.evaluate("document.documentElement.outerHTML")
    assert wrong_figures(parsed(read), reports) == []


def test_a_page_that_asks_for_something_is_found_out(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        '<!doctype html><img src="missing.png"><script>console.log("x")</script>'
        '<p style="color: #999; background: #fff">faint</p><p style="width: 3000px">wide</p>'
    )
    tab = Tab(browser, width=NARROW_PX)
    tab.load(page)
    assert any("missing.png" in complaint for complaint in complaints(tab, page))
    assert any('"value": "x"' in complaint for complaint in complaints(tab, page))
    assert [text for text, _ in tab.evaluate(POOR_CONTRASTS.replace("LEAST", "4.5"))["poor"]] == ["faint"] * 2
    assert len(tab.evaluate(TOO_WIDE)) == 1
