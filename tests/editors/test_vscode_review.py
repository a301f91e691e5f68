"""VS Code: the code of an answer, proposed as a difference, and accepted, discarded or overtaken by edits."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator

from support.upstream import Answer, Upstream, openrouter_stream
from support.vscode import Window, window

pytestmark = pytest.mark.slow

PATH = "/v1/chat/completions"
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
SOURCE = "import math\n\n\ndef area(r):\n    return r * r\n\n\ndef girth(r):\n    return 2 * r\n"
CODE = "def area(r):\n    return math.pi * r ** 2\n"
MENDED = SOURCE.replace("return r * r", "return math.pi * r ** 2")
BOTH = CODE + "\n\ndef girth(r):\n    return 2 * math.pi * r\n"
BOTH_MENDED = MENDED.replace("return 2 * r", "return 2 * math.pi * r")
TITLE = "area.py: proposed change"


@pytest.fixture
def upstream() -> Generator[Upstream]:
    with Upstream.in_thread() as upstream:
        yield upstream


def answer(code: str) -> Answer:
    text = f"Like this:\n\n```python\n{code}```\n"
    return Answer(body=openrouter_stream(text, USAGE), content_type="text/event-stream")


def ask(code: Window, question: str = "Mend it.") -> None:
    """Ask in the chat."""
    chat = code.chat()
    box = chat.locator("textarea")
    box.fill(question)
    box.press("Enter")


def apply(code: Window) -> None:
    """Ask, and apply the code block of the answer."""
    ask(code)
    code.chat().get_by_role("button", name="Apply").last.click()
    code.wait("the difference", lambda: diff(code).count() == 1)
    code.wait("its text", lambda: proposed(code) != "")


def diff(code: Window) -> Locator:
    return code.page.locator(".tab", has_text=TITLE)


def lines(code: Window, selector: str) -> str:
    """Return what the first editor shows that a selector finds."""
    found: list[str] = code.page.evaluate(
        """(selector) => {
            const editor = document.querySelector(selector);
            const shown = editor ? [...editor.querySelectorAll('.view-lines .view-line')] : [];
            const lines = shown.filter((line) => !line.closest('.view-zones')); // no lines that go
            const top = (line) => parseFloat(line.style.top);
            return lines.sort((one, other) => top(one) - top(other)).map((line) => line.textContent);
        }""",
        selector,
    )
    return "\n".join(found).replace("\u00a0", " ")


def proposed(code: Window) -> str:
    return lines(code, ".monaco-diff-editor .editor.modified")


def text(code: Window) -> str:
    """Return what the document shows that is no difference."""
    return lines(code, ".editor-instance:not(:has(.monaco-diff-editor))")


def button(code: Window, title: str) -> Locator:
    return code.page.locator(f".editor-actions [aria-label^='{title}']")


def undo(code: Window) -> None:
    code.focus_editor()
    code.press("Control+z")


def outcomes(code: Window) -> list[str]:
    """Return what the server was told of answers."""
    sent: list[Any] = code.traffic()[0]
    return [one["params"]["outcome"] for one in sent if one.get("method") == "farebox/feedback"]


def test_a_code_block_is_accepted_with_the_button_and_one_undo_takes_it_back(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer(BOTH))
    with window(chromium, tmp_path, upstream=upstream, is_tapped=True) as code:
        file = code.open("area.py", SOURCE)
        apply(code)
        assert proposed(code) == BOTH_MENDED
        assert file.read_text("utf-8") == SOURCE
        button(code, "Accept the Proposed Change").click()
        code.wait("the document", lambda: code.text() == BOTH_MENDED and diff(code).count() == 0)
        code.wait("the outcome", lambda: outcomes(code) == ["applied"])
        undo(code)
        code.wait("the text as it was", lambda: code.text() == SOURCE)
        assert code.notifications() == []


def test_keys_accept_and_discard(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, answer(CODE))
    with window(chromium, tmp_path, upstream=upstream, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        apply(code)
        code.press("Control+Backspace")
        code.wait("the document", lambda: diff(code).count() == 0 and code.text() == SOURCE)
        apply(code)
        code.press("Control+Enter")
        code.wait("the change", lambda: diff(code).count() == 0 and code.text() == MENDED)
        code.wait("the outcomes", lambda: outcomes(code) == ["rejected", "applied"])


def test_a_tab_that_is_closed_is_a_change_that_was_discarded(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer(CODE))
    with window(chromium, tmp_path, upstream=upstream, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        apply(code)
        diff(code).locator("[aria-label^='Close']").click()
        code.wait("the outcome", lambda: outcomes(code) == ["rejected"])
        code.wait("the document", lambda: code.text() == SOURCE)
        apply(code)
        code.command("farebox: Discard the Proposed Change")
        code.wait("the outcomes", lambda: outcomes(code) == ["rejected", "rejected"])
        code.wait("the document", lambda: diff(code).count() == 0)


def test_edits_meanwhile_stay_and_a_change_whose_lines_have_changed_is_left_out(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer(BOTH))
    with window(chromium, tmp_path, upstream=upstream, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        code.command("View: Split Editor Right")
        apply(code)
        code.press("Control+1", "Control+Home")
        code.type("# above\n")
        code.wait("the difference of now", lambda: proposed(code) == f"# above\n{BOTH_MENDED}")
        code.press("Control+End", "ArrowUp", "End")
        code.type(" + 1")
        edited = f"# above\n{SOURCE}".replace("2 * r", "2 * r + 1")
        mended = edited.replace("return r * r", "return math.pi * r ** 2")
        code.wait("what still fits", lambda: proposed(code) == mended)
        code.command("farebox: Accept the Proposed Change")
        code.wait("the document", lambda: diff(code).count() == 0 and text(code) == mended)
        left_out = "farebox: one change was left out because the lines have changed"
        code.wait("a word of it", lambda: code.notifications() == [left_out])
        code.wait("the outcome", lambda: outcomes(code) == ["applied"])


def test_a_change_that_fits_no_more_is_proposed_again_only_when_that_is_wanted(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer(CODE))
    with window(chromium, tmp_path, upstream=upstream, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        code.command("View: Split Editor Right")
        apply(code)
        code.press("Control+1", "Control+Home", *["ArrowDown"] * 4, "End")
        code.type(" * 3")
        edited = SOURCE.replace("r * r", "r * r * 3")
        code.wait("nothing to do", lambda: proposed(code) == edited)
        code.command("farebox: Accept the Proposed Change")
        code.wait("a word of it", lambda: any("is left as it is" in said for said in code.notifications()))
        assert text(code) == edited
        code.page.get_by_role("button", name="Propose Again").click()
        code.wait("the change to what is there now", lambda: proposed(code) == MENDED)
        code.command("farebox: Accept the Proposed Change")
        code.wait("the document", lambda: diff(code).count() == 0 and text(code) == MENDED)


def test_what_cannot_be_proposed_is_said(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, answer(SOURCE))
    with window(chromium, tmp_path, upstream=upstream) as code:
        ask(code)
        apply_button = code.chat().get_by_role("button", name="Apply").last
        apply_button.click()
        nowhere = "farebox: there is no open file that the code could go into"
        code.wait("a word of it", lambda: nowhere in code.notifications())
        code.open("area.py", SOURCE)
        apply_button.click()
        code.wait("a word of it", lambda: "farebox: area.py already has this" in code.notifications())
        assert diff(code).count() == 0
