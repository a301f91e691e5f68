"""VS Code: what its menu of code actions offers for a problem and for a selection, and what is asked then."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.upstream import Answer, Upstream, openrouter_stream
from support.vscode import SOON_MS, Window, window

pytestmark = pytest.mark.slow

PATH = "/v1/chat/completions"
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
BROKEN = '{\n  "one": 1,\n  "two":\n}'
PROBLEM = "Value expected"
SOURCE = "def area(r):\n    return r * r\n\n\ndef girth(r):\n    return 2 * r\n"
FIX = "Fix with farebox"
EXPLAIN = "Explain with farebox"


@pytest.fixture
def upstream() -> Generator[Upstream]:
    with Upstream.in_thread() as upstream:
        body = openrouter_stream("So it is.", USAGE)
        upstream.answer(PATH, Answer(body=body, content_type="text/event-stream"))
        yield upstream


def act(code: Window, title: str) -> None:
    """Open the menu of code actions at the cursor, and take one of them."""
    offer = code.page.locator(".action-widget .monaco-list-row.action", has_text=title)

    def is_offered() -> bool:
        code.press("Control+.")
        offer.wait_for(timeout=SOON_MS)
        return True

    code.wait("the offer", is_offered)  # what VS Code looks up by itself meanwhile closes the menu
    offer.click()


def asked(code: Window, upstream: Upstream, count: int = 1) -> str:
    """Wait for an answer in the chat; return the user's words that the last question was."""
    code.wait("the chat", lambda: code.frame("#farebox textarea"))
    code.wait("the answer", lambda: code.chat().locator(".answer", has_text="So it is.").count() == count)
    sent: Any = upstream.requests[-1].json["messages"]
    return str(next(one["content"] for one in reversed(sent) if one["role"] == "user"))


def test_a_problem_is_explained_and_fixed_in_the_chat(chromium: Browser, tmp_path: Path, upstream: Upstream):
    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("broken.json", BROKEN)
        code.wait("the problem", lambda: code.page.locator(".squiggly-error").count() > 0)
        act(code, EXPLAIN)
        words = asked(code, upstream)
        assert f"Explain this problem: {PROBLEM}" in words
        assert BROKEN in words
        code.focus_editor()
        code.press("Control+End")
        act(code, FIX)
        words = asked(code, upstream, 2)
        assert f"Fix this problem: {PROBLEM}" in words
        assert BROKEN in words
        assert code.notifications() == []


def test_a_selection_is_explained_and_without_one_nothing_is_offered(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("area.py", SOURCE)
        code.press("Control+Home", "Control+.")
        nothing = code.page.locator(".monaco-editor-overlaymessage", has_text="No code actions available")
        code.wait("a word of it", lambda: nothing.count() == 1)
        code.press("Shift+ArrowDown", "Shift+ArrowDown")
        act(code, EXPLAIN)
        words = asked(code, upstream)
        assert "Explain this code." in words
        assert "def area(r):\n    return r * r" in words
        assert "girth" not in words
