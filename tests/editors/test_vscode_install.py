"""The server that the extension installs for itself, from the wheel in the vsix into a folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.guard.sitecustomize import LOG
from support.patience import WAIT_S
from support.vscode import Window, window
from support.vscode_server import farebox_pids

INSTALL_S = 240
INSTALL = "farebox: Install the Server"
USUAL_FOLDERS = ("/usr/bin", "/bin")
SOURCE = """\
def cheapest(lines):
    prices = [line.price * line.count for line in lines]
    return min(prices)


def dearest(lines):
    prices = [line.price * line.count for line in lines]
    return max(prices)


"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(INSTALL_S + 120)]


@pytest.fixture
def newcomer(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has Python, and no farebox."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    return {"PATH": os.pathsep.join([str(programs), *USUAL_FOLDERS])}


def for_pip() -> dict[str, str]:
    """Return what pip needs of this machine; it may use the network."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    settings = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    return {**kept, LOG: "", "XDG_CONFIG_HOME": str(settings)}


def installations(code: Window) -> list[Path]:
    storage = code.home / "data" / "User" / "globalStorage" / "farebox.farebox" / "server"
    return list(storage.iterdir()) if storage.is_dir() else []


def wait_for_server(code: Window) -> int:
    """Wait longer than for anything else: packages are fetched and unpacked."""
    code.page.locator(".notification-toast", has_text="is installed, and runs").wait_for(
        timeout=INSTALL_S * 1000
    )
    return code.wait("its process", lambda: farebox_pids(code.process_id))[0]


@pytest.mark.network
def test_a_newcomer_installs_the_server_and_sees_a_suggestion_without_a_key(
    chromium: Browser, tmp_path: Path, newcomer: dict[str, str]
) -> None:
    with window(chromium, tmp_path, environment=newcomer | for_pip(), finds_server=False) as code:
        toast = code.page.locator(".notification-toast", has_text="farebox")
        toast.locator("a.monaco-button", has_text="Install").click()
        pid = wait_for_server(code)
        (folder,) = installations(code)
        assert folder.name.startswith("farebox-0.1.0-")
        assert str(folder) in _command(pid)
        code.open("prices.py", SOURCE)
        code.type("def total(lines):\nprices = [line")
        code.wait("a suggestion", lambda: ".price * line.count" in code.ghost())
        _asks_without_a_key(code)
        code.command(INSTALL)  # which changes nothing
        code.wait("another server", lambda: farebox_pids(code.process_id) not in ([pid], []))
        assert installations(code) == [folder]


def _asks_without_a_key(code: Window) -> None:
    """Ask in the chat, whose answer says how to add a key; nothing in the window looks broken."""
    chat = code.chat()
    chat.locator("textarea").fill("What is a monad?")
    chat.locator("textarea").press("Enter")
    failure = chat.locator(".failure", has_text="no model provider is set up")
    failure.wait_for()
    assert "Set a key such as OPENROUTER_API_KEY" in failure.inner_text()
    assert "no model provider is set up" in code.status()
    looks = code.page.locator(".statusbar-item[id^='farebox.farebox']").first.get_attribute("class") or ""
    assert not any(sign in looks for sign in ("error-kind", "warning-kind", "has-background-color"))
    failure.get_by_role("button", name="Add a Key").click()
    code.page.locator(".quick-input-title", has_text="farebox: add a key").wait_for()
    code.press("Escape")


def _command(pid: int) -> str:
    listed = subprocess.run(
        ["ps", "-wwo", "args=", "-p", str(pid)], capture_output=True, text=True, check=True, timeout=WAIT_S
    )
    return listed.stdout


def test_without_an_index_one_message_says_so_and_nothing_is_left(
    chromium: Browser, tmp_path: Path, newcomer: dict[str, str]
) -> None:
    offline = {
        **newcomer,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",  # nobody listens there
        "PIP_RETRIES": "1",  # with none pip says no word about the connection
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
    }
    with window(chromium, tmp_path, environment=offline, finds_server=False) as code:
        code.command(INSTALL)
        said = code.page.locator(".notification-toast", has_text="the package index could not be reached")
        said.wait_for(timeout=INSTALL_S * 1000)
        assert installations(code) == []
        said.locator("a.monaco-button", has_text="Install").wait_for()


def test_without_a_python_one_message_says_where_to_get_it(chromium: Browser, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("sh", "env", "uname", "ps"):
        if found := shutil.which(name):
            (bare / name).symlink_to(found)
    with window(chromium, tmp_path, environment={"PATH": str(bare)}, finds_server=False) as code:
        code.command(INSTALL)
        said = code.page.locator(".notification-toast", has_text="the server needs Python 3.11 or newer")
        said.wait_for()
        assert said.locator("a", has_text="python.org").get_attribute("href") == (
            "https://www.python.org/downloads/"
        )


@pytest.mark.network
def test_an_installation_that_is_stopped_leaves_nothing(
    chromium: Browser, tmp_path: Path, newcomer: dict[str, str]
) -> None:
    with window(chromium, tmp_path, environment=newcomer | for_pip(), finds_server=False) as code:
        code.command(INSTALL)
        going_on = code.page.locator(".notification-toast", has_text="installing it and what it needs")
        going_on.wait_for()
        going_on.locator("a.monaco-button", has_text="Cancel").click()
        code.wait("no folder", lambda: installations(code) == [])
        assert farebox_pids(code.process_id) == []
