"""Pictures of what the VS Code extension shows: ``python tests/support/vscode_pictures.py FOLDER [THEME]``.

``test_vscode_pictures.py`` takes them too; the one in the README is ``readme-dark.png``.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser

from support.upstream import Answer, Upstream, openrouter_stream
from support.vscode import THEMES, Theme, Window, running_chromium, window
from support.vscode_extension import package_into

SOURCE = """\
import math
from dataclasses import dataclass


@dataclass
class Circle:
    radius: float

    def area(self):
        return math.pi * self.radius ** 2


"""
TYPED = "def total_area(circles):\n"
GHOST = "return sum(circle.area() for circle in circles)"
QUESTION = "Can a circle with a negative radius be refused?"
ANSWER = """\
Yes: a dataclass calls `__post_init__` once its fields are set, so the check is made for **every** circle:

```python
@dataclass
class Circle:
    radius: float

    def __post_init__(self):
        if self.radius < 0:
            raise ValueError("a radius is not negative")

    def area(self):
        return math.pi * self.radius ** 2
```

1. It also runs for `Circle(radius=-1)`.
2. It does *not* run when `circle.radius` is set later.
"""
USAGE = {"prompt_tokens": 214, "completion_tokens": 96, "cost": 0.000413}
COMPLETIONS = "/v1/chat/completions"
BUDGET = "[budgets]\ndaily_usd = 0.5\n"


def take(chromium: Browser, folder: Path, theme: Theme, pictures: Path) -> dict[str, Path]:
    """Use the extension for a while in a theme; return a picture of each surface, by its name."""
    taken: dict[str, Path] = {}
    with (
        Upstream.in_thread() as upstream,
        window(chromium, folder, upstream=upstream, more=BUDGET, theme=theme, width=1200, height=760) as code,
    ):

        def picture(name: str) -> None:
            taken[name] = pictures / f"{name}-{theme}.png"
            code.screenshot(taken[name])

        upstream.answer(COMPLETIONS, _stream(ANSWER))
        code.open("shapes.py", SOURCE)
        _ask(code, QUESTION)
        picture("chat")
        upstream.answer(COMPLETIONS, _stream(f"<COMPLETION>{GHOST}</COMPLETION>"))
        code.focus_editor()
        code.press("Control+End")
        code.type(TYPED)
        code.wait("a suggestion", lambda: code.ghost() == GHOST)
        code.wait("what it cost", lambda: "$0.0" in code.status())
        picture("readme")
        code.page.locator(".statusbar-item[id^='farebox.farebox']").first.hover()
        code.page.locator(".workbench-hover, .monaco-hover").filter(has_text="today").first.wait_for()
        picture("status")
        code.press("Escape")
        chat = code.chat()
        chat.get_by_role("button", name="Apply").first.click()
        code.wait("the difference", lambda: code.page.locator(".diffEditor, .monaco-diff-editor").count())
        code.page.wait_for_timeout(500)  # its colours come in an animation that nothing tells the end of
        picture("apply")
        code.command("farebox: Discard the Proposed Change")
        code.command("farebox: Show Costs")
        code.wait("the report", lambda: code.frame("main .card, main table"))
        picture("costs")
        code.command("farebox: Add a Key")
        code.page.locator(".quick-input-widget").wait_for()
        picture("key")
        code.press("Escape")
        code.command("farebox: Show All Actions")
        code.page.locator(".quick-input-widget").wait_for()
        picture("menu")
    return taken


def _ask(code: Window, question: str) -> None:
    chat = code.chat()
    chat.locator("textarea").fill(question)
    chat.locator("textarea").press("Enter")
    code.wait("the answer", lambda: chat.get_by_text("$0.00041").count())


def _stream(text: str) -> Answer:
    return Answer(body=openrouter_stream(text, USAGE), content_type="text/event-stream")


def main(folder: Path, themes: list[Theme]) -> None:
    """Take all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp())
    try:
        package_into(work)
        with running_chromium() as chromium:
            for theme in themes:
                (work / theme).mkdir()
                print(*take(chromium, work / theme, theme, folder).values(), sep="\n")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main(Path(sys.argv[1]), cast("list[Theme]", sys.argv[2:]) or list(THEMES))
