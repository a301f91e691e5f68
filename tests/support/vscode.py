"""A real VS Code in a real Chromium without a window, driven by keys: what a test types, sees and waits for.

The extension in it is the one that is packaged for users (``vscode_extension.py``). Nothing of the
developer's set-up is read. Tests take the fixture ``chromium`` and open windows with ``window``::

    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\\n")
        code.wait("a suggestion", code.ghost)
"""

import io
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Frame, Page, sync_playwright
from playwright.sync_api import Error as PageMoved

from support import tap
from support.browser import PROGRAMS
from support.environment import clean_environment, openrouter_config
from support.metamodel import Json
from support.patience import WAIT_S
from support.programs import missing
from support.traffic import Malformed, read_message
from support.upstream import Upstream
from support.vscode_extension import installation, modules, package_into, packaged
from support.vscode_server import POLL_S, TRAFFIC, farebox_pids, server_command, vscode_server

SOON_MS = 1500
WIDTH, HEIGHT = 1280, 800

Theme = Literal["dark", "light", "highContrast", "highContrastLight"]
THEMES: Mapping[Theme, str] = {
    "dark": "Default Dark Modern",
    "light": "Default Light Modern",
    "highContrast": "Default High Contrast",
    "highContrastLight": "Default High Contrast Light",
}

SETTINGS: Mapping[str, object] = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "workbench.editor.useModal": "off",
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "chat.disableAIFeatures": True,
    "security.workspace.trust.enabled": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "editor.minimap.enabled": False,
    "editor.acceptSuggestionOnEnter": "off",
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "files.hotExit": "off",
    "window.dialogStyle": "custom",
}
"""What every window begins with: no noise of VS Code's own, and no brackets that it closes by itself."""

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}

Seen = TypeVar("Seen")


class Window:
    """One window of VS Code: a page, and the folder that is open in it."""

    def __init__(self, page: Page, folder: Path, home: Path, server: "subprocess.Popen[bytes]") -> None:
        self.page = page
        self.folder = folder
        self.home = home
        """Where all of VS Code's and farebox's own files are."""
        self.process_id = server.pid
        """The process of VS Code's server, which all others are below."""

    # --- doing ---

    def open(self, name: str, text: str | None = None) -> Path:
        """Open a file of the folder, with a text if it is not there yet, and put the cursor at its end."""
        file = self.folder / name
        if text is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        self.page.keyboard.press("Control+p")
        picker = self.page.locator(".quick-input-widget input[type=text]")
        picker.wait_for()
        picker.fill(str(file))
        label = self.page.locator(".quick-input-list .monaco-list-row", has_text=file.name).first
        label.wait_for()
        self.page.keyboard.press("Enter")
        self.wait("the file", lambda: self._is_shown(file.name))
        self.focus_editor()
        self.page.keyboard.press("Control+End")
        return file

    def _is_shown(self, name: str) -> bool:
        tab = self.page.locator(".tab.active", has_text=name)
        return tab.count() > 0 and self.page.locator(".editor-instance .view-lines").count() > 0

    def focus_editor(self) -> None:
        """Put the keyboard into the text."""
        self.page.locator(".editor-instance .view-lines").first.click()

    def type(self, text: str, *, delay_s: float = 0.03) -> None:
        """Type a text, a key at a time."""
        self.page.keyboard.type(text, delay=delay_s * 1000)

    def press(self, *keys: str) -> None:
        """Press keys, written as Playwright does: ``Control+Enter``."""
        for key in keys:
            self.page.keyboard.press(key)

    def command(self, title: str) -> None:
        """Run a command of the palette by its whole title, such as ``farebox: Open Chat``."""
        picker = self.page.locator(".quick-input-widget input[type=text]")
        row = self.page.locator(
            ".quick-input-list .monaco-list-row", has_text=title.rpartition(": ")[2]
        ).first

        def is_found() -> bool:
            if not picker.is_visible():
                self.page.keyboard.press("F1")
            picker.fill(f">{title}", timeout=SOON_MS)
            row.wait_for(timeout=SOON_MS)
            return True

        self.wait("the command", is_found)  # what closes meanwhile takes the palette along
        self.page.keyboard.press("Enter")

    def choose(self, text: str) -> None:
        """Take the row of an open picker that has a text in it."""
        self.page.locator(".quick-input-list .monaco-list-row", has_text=text).first.click()

    def answer_input(self, text: str) -> None:
        """Fill an open input box, and press Enter."""
        box = self.page.locator(".quick-input-widget input")
        box.wait_for()
        box.fill(text)
        self.page.keyboard.press("Enter")

    def set_settings(self, settings: Mapping[str, object]) -> None:
        """Change the user's settings in their file, as users do."""
        file = self.home / "data" / "User" / "settings.json"
        whole = json.dumps({**json.loads(file.read_text("utf-8")), **settings})
        self.command("Preferences: Open User Settings (JSON)")
        self.wait("the settings", lambda: self._is_shown(file.name))
        self.focus_editor()
        self.press("Control+a", "Delete")
        self.page.keyboard.insert_text(whole)
        self.press("Control+s")
        self.wait("its new text", lambda: file.read_text("utf-8") == whole)
        self.press("Control+F4")

    # --- seeing ---

    def wait(self, what: str, condition: Callable[[], Seen]) -> Seen:
        """Wait until a function returns something true, and return it."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            with suppress(PageMoved):
                if found := condition():
                    return found
            self.page.wait_for_timeout(POLL_S * 1000)  # what Playwright has to hear is heard meanwhile
        raise AssertionError(f"{what} never came; the window says: {self.words()!r}")

    def text(self) -> str:
        """Return what the editor shows, without ghost text."""
        lines: list[str] = self.page.evaluate(
            """() => {
                const shown = [...document.querySelectorAll('.editor-instance .view-lines .view-line')];
                const top = (line) => parseFloat(line.style.top);
                return shown.sort((one, other) => top(one) - top(other)).map((line) => {
                    const copy = line.cloneNode(true);
                    copy.querySelectorAll('[class*=ghost-text]').forEach((ghost) => ghost.remove());
                    return copy.textContent;
                });
            }"""
        )
        return "\n".join(lines).replace("\u00a0", " ")

    def ghost(self) -> str:
        """Return the ghost text that is shown, its lines one below another; empty if none is."""
        lines: list[str] = self.page.evaluate(
            """() => {
                const top = (line) => line.getBoundingClientRect().top;
                const ghosts = [...document.querySelectorAll('.editor-instance [class*=ghost-text]')];
                const lines = new Set(ghosts.flatMap((ghost) => {
                    const line = ghost.closest('.view-line');
                    return line ? [line] : [...ghost.querySelectorAll('.view-line')];
                }));
                const isOurs = (part) => part.matches('[class*=ghost-text]') && !part.children.length;
                const inLine = (line) => [...line.querySelectorAll('*')].filter(isOurs)
                    .map((part) => part.textContent).join('');
                return [...lines].sort((one, other) => top(one) - top(other))
                    .map((line) => line.closest('.view-zones') ? line.textContent : inLine(line));
            }"""
        )
        return "\n".join(lines).replace("\u00a0", " ")

    def status(self) -> str:
        """Return what farebox says in the status bar; empty without it."""
        item = self.page.locator(".statusbar-item[id^='farebox.farebox']")
        return (item.first.get_attribute("aria-label") or "") if item.count() else ""

    def is_ready(self) -> bool:
        """Say whether farebox's server has begun."""
        said = self.status()
        return said != "" and "starting" not in said

    def notifications(self) -> list[str]:
        """Return the messages that are shown, oldest last."""
        return self.page.locator(".notification-toast .notification-list-item-message").all_inner_texts()

    def frame(self, inside: str) -> Frame | None:
        """Return the page of a webview, by a selector of something in it."""
        for frame in self.page.frames:
            with suppress(PageMoved):
                if frame.query_selector(inside):
                    return frame
        return None

    def chat(self) -> Frame:
        """Open the chat, if it is not, and return its page."""
        if self.frame("#farebox") is None:
            self.command("farebox: Open Chat")
        return self.wait("the chat", lambda: self.frame("#farebox textarea") and self.frame("#farebox"))  # type: ignore[return-value]

    def words(self) -> str:
        """Return what there is to read in the window."""
        with suppress(PageMoved):
            return self.page.locator("body").inner_text()[-2000:]
        return ""

    def screenshot(self, file: Path) -> None:
        """Take a picture of the window."""
        self.page.screenshot(path=file)

    def traffic(self) -> tuple[list[Json], list[Json]]:
        """Return what the extension and the server have said to each other so far: sent, received."""
        (folder,) = (self.home / TRAFFIC).iterdir()
        return _messages(folder / tap.SENT), _messages(folder / tap.RECEIVED)

    def server_pid(self) -> int:
        """Return the process of farebox's server."""
        (pid,) = farebox_pids(self.process_id)
        return pid


def _messages(file: Path) -> list[Json]:
    """Read what has been recorded so far; the last message may not be whole yet."""
    stream, found = io.BytesIO(file.read_bytes()), list[Json]()
    with suppress(Malformed):
        while (message := read_message(stream)) is not None:
            found.append(message)
    return found


# --- starting ------------------------------------------------------------------------------------------


@contextmanager
def running_chromium() -> Generator[Browser]:
    """Run a Chromium for many windows."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None) or missing("needs Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    chromium: Browser,
    folder: Path,
    *,
    upstream: Upstream | None = None,
    more: str = "",
    settings: Mapping[str, object] | None = None,
    environment: Mapping[str, str] = KEY,
    theme: Theme = "dark",
    is_trusted: bool = True,
    finds_server: bool = True,
    is_tapped: bool = False,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Generator[Window]:
    """Open a window on ``folder/work``, with the extension as users get it.

    Its server asks an upstream, if there is one, for every model (``more`` is added to its config.toml), and
    finds its keys in the environment. Without ``is_trusted`` it opens in restricted mode; without
    ``finds_server`` the extension has to find a server by itself. ``is_tapped``: what goes over the pipe is
    kept, for ``Window.traffic``.
    """
    extension = packaged()
    home, work = folder / "home", folder / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    variables = {**clean_environment(folder), **environment, "HOME": str(home)}
    if upstream is not None:
        (folder / "config.toml").write_text(openrouter_config(upstream.base_url, more=more), "utf-8")
    if finds_server:
        variables["FAREBOX_SERVER"] = str(server_command(home, is_tapped=is_tapped))
    chosen = {**SETTINGS, "workbench.colorTheme": THEMES[theme], **(settings or {})}
    if not is_trusted:
        chosen |= {
            "security.workspace.trust.enabled": True,
            "security.workspace.trust.startupPrompt": "never",
        }
    extensions = home / "extensions"
    if not extensions.exists():
        extensions.mkdir()
        shutil.copytree(extension, extensions / "farebox.farebox-0.1.0")
    with vscode_server(home, settings=chosen, environment=variables, extensions=extensions) as (
        port,
        process,
    ):
        context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        try:
            page = context.new_page()
            page.set_default_timeout(WAIT_S * 1000)
            payload = [["skipWelcome", "true"], ["skipReleaseNotes", "true"]]
            page.goto(
                f"http://127.0.0.1:{port}/?folder={quote(str(work))}&payload={quote(json.dumps(payload))}"
            )
            page.locator(".monaco-workbench .statusbar").wait_for()
            opened = Window(page, work, home, process)
            opened.wait("farebox's server, or that there is none", opened.is_ready)
            yield opened
        finally:
            context.close()


_folder_of_this_run: list[Path] = []


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    """A Chromium for all windows of a run, and the packaged extension."""
    installation()
    modules()
    package_into(tmp_path_factory.mktemp("vscode"))
    with running_chromium() as browser:
        yield browser
