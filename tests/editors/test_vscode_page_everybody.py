"""The chat's page for everybody: by keyboard, by ear, narrow, zoomed, without motion, in each theme."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.vscode import Theme
from support.vscode_page import (
    BODY_CLASSES,
    FAILED,
    PENDING,
    WHOLE,
    ChatPage,
    a_turn,
    chat,
    chat_page,
    text,
    turn,
)

pytestmark = pytest.mark.slow

PICTURES = "FAREBOX_TEST_PICTURES"
"""Names a folder in which the pictures are kept."""

MIN_CONTRAST = 4.5
NARROW_PX = 250

NAMELESS = """
[...document.querySelectorAll('button, [role=link], textarea, [tabindex]')]
  .filter((one) => one.checkVisibility() && !one.getAttribute('aria-label') && !one.textContent.trim())
  .map((one) => one.outerHTML)
"""
BEYOND = """
[...document.querySelectorAll('body *')]
  .filter((one) => one.checkVisibility({visibilityProperty: true}))
  .filter((one) => !one.closest('pre, .wide, .unseen, svg'))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 200))
"""
CONTRASTS = """
() => {
  const paper = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const layers = (one) => one ? [...layers(one.parentElement), getComputedStyle(one).backgroundColor] : [];
  const light = (colours) => {
    for (const colour of colours) { paper.fillStyle = colour; paper.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...paper.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.textContent, element = walker.currentNode.parentElement;
    if (!words.trim() || !element.checkVisibility() || element.closest('.unseen')) continue;
    const behind = ['white', ...layers(element)];
    const pair = [light(behind), light([...behind, getComputedStyle(element).color])];
    found.push([(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), words.slice(0, 40)]);
  }
  return found;
}
"""


def test_screen_readers_hear_an_end_and_not_each_word(shown: ChatPage) -> None:
    log, status = shown.page.get_by_role("log"), shown.page.get_by_role("status")
    shown.tell(turn("1", state="running"))
    shown.tell(text("1", "many words"))
    assert (log.get_attribute("aria-live"), log.get_attribute("aria-busy")) == ("polite", "true")
    assert status.inner_text() == ""
    shown.tell(turn("1", "many words"))
    assert log.get_attribute("aria-busy") == "false"
    assert status.inner_text() == "The answer is complete."
    shown.tell(turn("2", state="running"), {"type": "turn", "turn": FAILED})
    assert status.inner_text() == "There is no answer. anthropic refused the key"


def test_all_that_can_be_reached_has_a_name(shown: ChatPage) -> None:
    assert shown.page.evaluate(NAMELESS) == []
    shown.tell(chat(WHOLE, FAILED, pending=PENDING))
    assert shown.page.evaluate(NAMELESS) == []
    headings = shown.page.get_by_role("heading").all_inner_texts()
    assert headings == ["You", "farebox", "What it costs", "You", "farebox"]


def test_tab_goes_through_the_answer_and_then_the_composer(shown: ChatPage) -> None:
    shown.tell(
        chat(a_turn("1", "```py\nx\n```\n[a](https://good.invalid/)", footer=["m"]), pending=PENDING[:1])
    )
    shown.page.locator("textarea").fill("x")
    shown.page.evaluate("document.activeElement.blur()")
    assert list(tabbed(shown)) == [
        *(
            "Chat",
            "Copy",
            "Insert at the cursor",
            "Apply: show the change to the file",
            "x",
            "a (https://good.invalid/)",
        ),
        *("Why?", "Copy the answer", "Ask again", "Remove basket.py"),
        *("Question. Enter sends, Shift+Enter begins a line", "Attach…", "Model: default", "Send (Enter)"),
    ]


def tabbed(shown: ChatPage) -> Iterator[str]:
    """Press Tab until the page begins anew; yield the names of what has the focus, and is seen to have it."""
    shown.page.evaluate("document.querySelector('.log').focus()")
    while True:
        name, has_outline = shown.page.evaluate(
            """() => {
                const here = document.activeElement;
                const frame = here.closest('.composer-box:focus-within') && here.localName === 'textarea';
                const seen = frame || getComputedStyle(here).outlineStyle !== 'none';
                return [here.getAttribute('aria-label') || here.innerText, Boolean(seen)];
            }"""
        )
        assert has_outline or name == "Chat", name
        yield name
        shown.page.keyboard.press("Tab")
        if shown.page.evaluate("document.activeElement.matches('body, .log')"):
            return


def test_an_empty_chat_says_what_one_may_do(shown: ChatPage) -> None:
    shown.told()
    assert "Ask about your code" in shown.page.get_by_role("log").inner_text()
    shown.page.get_by_role("button", name="Add a key").click()
    shown.page.get_by_role("button", name="Attach", exact=True).click()
    assert shown.told() == [{"type": "run", "command": "farebox.addKey"}, {"type": "attach"}]
    shown.tell(turn("1"))
    assert shown.page.locator(".welcome").count() == 0
    shown.tell(chat())
    assert shown.page.locator(".welcome").count() == 1


def test_nothing_moves_for_who_wants_no_motion(chromium: Browser, built: Path) -> None:
    with chat_page(chromium, built, has_motion=False) as still:
        still.tell(turn("1", state="running"))
        assert (
            still.page.evaluate("getComputedStyle(document.querySelector('.spinner')).animationName")
            == "none"
        )


@pytest.mark.parametrize("zoom", [1, 2])
def test_a_narrow_view_shows_all(chromium: Browser, built: Path, zoom: int) -> None:
    with chat_page(chromium, built, width=NARROW_PX) as narrow:
        narrow.page.evaluate(
            f"document.documentElement.style.setProperty('--vscode-font-size', '{13 * zoom}px')"
        )
        assert narrow.page.evaluate(BEYOND) == []
        words = "a" * 300
        long = a_turn("3", f"{words}\n\n`{words}`", question=words, attached=[words], footer=[words])
        narrow.tell(chat(WHOLE, FAILED, long, pending=PENDING, model="f" * 300))
        assert narrow.page.evaluate(BEYOND) == []
        assert narrow.page.evaluate("document.documentElement.scrollWidth") <= NARROW_PX


@pytest.mark.parametrize("theme", BODY_CLASSES)
def test_each_theme_can_be_read(chromium: Browser, built: Path, tmp_path: Path, theme: Theme) -> None:
    pictures = Path(os.environ.get(PICTURES) or tmp_path)
    with chat_page(chromium, built, theme=theme) as page:
        page.page.screenshot(path=pictures / f"vscode-page-{theme}-empty.png")
        page.tell(chat(WHOLE, FAILED, pending=PENDING))
        page.page.screenshot(path=pictures / f"vscode-page-{theme}-end.png")
        contrasts = page.page.evaluate(CONTRASTS)
        assert len(contrasts) > 50
        assert [one for one in contrasts if one[0] < MIN_CONTRAST] == []
        page.page.locator(".log").evaluate("(log) => { log.scrollTop = 0; }")
        page.page.screenshot(path=pictures / f"vscode-page-{theme}.png")
