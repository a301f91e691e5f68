"""The real window of VS Code: a key from the input box to the provider's request, and nowhere else."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from support.upstream import Answer, Upstream, json_answer, openrouter_stream
from support.vscode import Window, window

pytestmark = pytest.mark.slow

USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
PATH, KEY_PATH = "/v1/chat/completions", "/v1/key"
BODY = "return 2 * math.pi * radius"
BY_HAND = {"farebox.completion.trigger": "manual"}
SECRET = "sk-or-v1-typed-into-the-box-4711"


@pytest.fixture
def upstream() -> Generator[Upstream]:
    with Upstream.in_thread() as upstream:
        body = openrouter_stream(f"<COMPLETION>{BODY}</COMPLETION>", USAGE)
        upstream.answer(PATH, Answer(body=body, content_type="text/event-stream"))
        upstream.answer(KEY_PATH, json_answer({"data": {"limit_remaining": None}}))
        yield upstream


def add_key(code: Window, secret: str) -> None:
    code.command("farebox: Add a Key")
    code.page.locator(".quick-input-title", has_text="add a key").wait_for()
    code.choose("openrouter")
    box = code.page.locator(".quick-input-widget input[type=password]")
    box.wait_for()
    box.fill(secret)
    code.press("Enter")


def told(code: Window, words: str) -> None:
    code.wait(f"a message: {words}", lambda: any(words in one for one in code.notifications()))


def ask(code: Window, name: str) -> None:
    """Ask for a suggestion in a file of its own, so that no earlier answer will do."""
    code.open(f"{name}.py", f"import math\n\n\ndef {name}(radius):\n    ")
    code.command("Trigger Inline Suggestion")


def authorizations(upstream: Upstream) -> list[str]:
    """Return what came with each prompt."""
    return [one.headers.get("authorization", "") for one in upstream.requests if one.path == PATH]


def files_with(secret: str, folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if secret.encode() in path.read_bytes()]


def test_a_key_that_is_typed_goes_with_the_next_request_and_into_no_file(
    chromium: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    with window(chromium, tmp_path, upstream=upstream, environment={}, settings=BY_HAND) as code:
        add_key(code, SECRET)
        told(code, "takes it")
        ask(code, "girth")
        assert upstream.wait_for(lambda: f"Bearer {SECRET}" in authorizations(upstream))
        assert SECRET not in code.words()
        code.command("farebox: Show the Log")
        code.page.locator(".part.panel .view-lines").wait_for()
        assert SECRET not in code.words()
        assert files_with(SECRET, tmp_path) == []
    assert files_with(SECRET, tmp_path) == []


def test_a_key_is_there_again_after_a_restart_and_gone_when_it_was_removed(
    chromium: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    with window(chromium, tmp_path, upstream=upstream, environment={}, settings=BY_HAND) as code:
        add_key(code, SECRET)
        told(code, "takes it")
        before = code.server_pid()
        code.command("farebox: Restart the Server")
        code.wait("another server", lambda: _other_pid(code, before))
        ask(code, "girth")
        assert upstream.wait_for(lambda: f"Bearer {SECRET}" in authorizations(upstream))
        code.command("farebox: Remove a Key")
        code.choose("openrouter")
        told(code, "was removed")
        count = len(authorizations(upstream))
        ask(code, "outline")
        code.wait("what is missing", lambda: "key" in code.status())
        assert len(authorizations(upstream)) == count


def _other_pid(code: Window, before: int) -> bool:
    try:
        return code.server_pid() != before
    except ValueError:  # there is none, or two, for a moment
        return False


def test_a_key_that_the_provider_refuses_is_an_error_that_asks_for_another(
    chromium: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    refusal = {"error": {"code": 401, "message": "No auth credentials found"}}
    upstream.answer(KEY_PATH, json_answer(refusal, status=401))
    with window(chromium, tmp_path, upstream=upstream, environment={}, settings=BY_HAND) as code:
        add_key(code, SECRET)
        toast = code.page.locator(".notification-toast", has_text="key")
        toast.locator("a.monaco-button", has_text="Add a Key").wait_for()
        assert SECRET not in toast.inner_text()


def test_what_can_be_no_key_is_refused_while_it_is_typed(
    chromium: Browser, tmp_path: Path, upstream: Upstream
) -> None:
    with window(chromium, tmp_path, upstream=upstream, environment={}, settings=BY_HAND) as code:
        add_key(code, "sk-or-1 sk-or-2")
        code.page.locator(".quick-input-message", has_text="Copy it again, alone").wait_for()
        assert code.notifications() == []
