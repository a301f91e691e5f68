"""Ghost text in the real window: VS Code, the real server and a provider on loopback."""

import json
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.environment import ledger_rows
from support.traffic import judge
from support.upstream import Answer, Upstream, openrouter_stream
from support.vscode import Window, window
from support.vscode_server import farebox_pids

pytestmark = pytest.mark.slow

USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
PATH = "/v1/chat/completions"
SOURCE = "import math\n\n\ndef area(radius):\n    return math.pi * radius ** 2\n\n\n"
BODY = "return 2 * math.pi * radius"
TYPED = """\
def circumference_of_circle(radius):
    diameter = 2 * radius
    return math.pi * diameter


print"""
"""A hundred characters."""

LINES = ["total = 0", "    for side in sides:", "        total += side", "    return total"]
FOREIGN = "zebra_crossing()"
CANCELLED = -32800
DEBOUNCE_MS = 150


def ghost(text: str, **options: Any) -> Answer:
    body = openrouter_stream(f"<COMPLETION>{text}</COMPLETION>", USAGE)
    return Answer(body=body, content_type="text/event-stream", **options)


@pytest.fixture
def upstream() -> Generator[Upstream]:
    with Upstream.in_thread() as upstream:
        yield upstream


def test_tab_accepts_what_is_shown_and_it_is_counted(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, ghost(BODY))
    with window(chromium, tmp_path, upstream=upstream, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\n")
        code.wait("a suggestion", lambda: code.ghost() == BODY)
        code.press("Tab")
        code.wait("the line", lambda: f"    {BODY}" in code.text())
        code.wait("no ghost", lambda: BODY not in code.ghost())
        said = code.wait("word of it", lambda: told(code, "workspace/executeCommand"))
        assert [one["params"]["command"] for one in said] == ["farebox.didAcceptCompletionItem"]
        shown = [one["params"]["item"]["command"] for one in told(code, "textDocument/didShowCompletion")]
        assert said[0]["params"]["arguments"] in [one["arguments"] for one in shown]
        assert code.notifications() == []


def told(code: Window, method: str) -> list[dict[str, Any]]:
    return [one for one in code.traffic()[0] if one.get("method") == method]


def test_a_suggestion_of_many_lines_is_shown_whole(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, ghost("\n".join(LINES)))
    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("area.py", SOURCE)
        code.type("def outline(sides):\n")
        code.wait("all of it", lambda: code.ghost().split("\n") == LINES)


def test_what_is_accepted_by_word_is_told_with_its_length(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, ghost(BODY))
    with window(chromium, tmp_path, upstream=upstream, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\n")
        code.wait("a suggestion", lambda: code.ghost() == BODY)
        code.press("Control+ArrowRight")
        code.wait("a word", lambda: code.text().endswith("    return"))
        partial = code.wait("its length", lambda: told(code, "textDocument/didPartiallyAcceptCompletion"))
        assert [one["params"]["acceptedLength"] for one in partial] == [len("return")]


def test_a_hundred_characters_make_no_error_no_stale_ghost_and_few_requests(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    """The provider is slower than the fingers, and always answers with the same, which fits nowhere."""
    upstream.answer(PATH, ghost(FOREIGN, delay_s=0.2))
    assert len(TYPED) == 100
    plain = {"editor.autoIndent": "none", "farebox.settings": {"completion": {"debounce_ms": DEBOUNCE_MS}}}
    with window(chromium, tmp_path, upstream=upstream, settings=plain, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        began = time.monotonic()
        for character in TYPED:
            code.type(character, delay_s=0.06)
            shown = code.ghost().strip()
            assert FOREIGN.endswith(shown) or shown in SOURCE + TYPED, shown
        took_s = time.monotonic() - began
        code.wait("what was typed", lambda: code.text().endswith(TYPED))
        code.wait("every answer", lambda: everything_answered(code))
        sent, received = code.traffic()
        assert judge(sent, received) == []
        asked = [one for one in sent if one.get("method") == "textDocument/inlineCompletion"]
        taken_back = {one["params"]["id"] for one in sent if one.get("method") == "$/cancelRequest"}
        answers = {one["id"]: one for one in received if "id" in one and "method" not in one}
        refused = [one for one in received if "error" in one and one["error"]["code"] != CANCELLED]
        assert refused == []
        assert {one["id"] for one in asked} <= set(answers)
        assert taken_back <= set(answers)
        assert 0 < len(upstream.requests) <= 1 + took_s * 1000 / DEBOUNCE_MS, "one in each debounce window"
        assert code.notifications() == []


def everything_answered(code: Window) -> bool:
    sent, received = code.traffic()
    asked = {one["id"] for one in sent if "id" in one and "method" in one}
    answered = {one["id"] for one in received if "id" in one and "method" not in one}
    return asked <= answered


def test_by_hand_alone_where_the_setting_says_so(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, ghost(BODY))
    with window(
        chromium,
        tmp_path,
        upstream=upstream,
        settings={"farebox.completion.trigger": "manual"},
        is_tapped=True,
    ) as code:
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\n")
        code.wait("what was typed", lambda: "girth(radius):" in code.text())
        code.command("Trigger Inline Suggestion")
        code.wait("a suggestion", lambda: code.ghost() == BODY)
        kinds = {
            one["params"]["context"]["triggerKind"] for one in told(code, "textDocument/inlineCompletion")
        }
        assert kinds == {1}, "nothing but what was asked for by hand"


def test_no_ghost_in_a_language_that_is_switched_off(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, ghost(BODY))
    languages = {"farebox.completion.languages": {"*": True, "markdown": False}}
    with window(chromium, tmp_path, upstream=upstream, settings=languages, is_tapped=True) as code:
        code.open("notes.md", "# Notes\n\n")
        code.type("The area of a circle is ")
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\n")
        code.wait("a suggestion", lambda: code.ghost() == BODY)
        names = {one["params"]["textDocument"]["uri"] for one in told(code, "textDocument/inlineCompletion")}
        assert [Path(name).name for name in names] == ["area.py"]


def test_settings_of_the_user_reach_the_server_as_they_are_changed(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, ghost(BODY))
    off, on = ({"farebox.settings": {"completion": {"enabled": is_on}}} for is_on in (False, True))
    with window(chromium, tmp_path, upstream=upstream, settings=off, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\n")
        code.wait("a request", lambda: told(code, "textDocument/inlineCompletion"))
        code.wait("its answer", lambda: everything_answered(code))
        assert code.ghost() == ""
        assert upstream.requests == []
        code.set_settings(on)
        code.wait("word of it", lambda: told(code, "workspace/didChangeConfiguration"))
        code.focus_editor()
        code.press("Control+End")
        code.type("return 2")
        code.wait("a suggestion", code.ghost)


def test_a_folder_can_set_nothing(chromium: Browser, tmp_path: Path, upstream: Upstream):
    """Its settings would switch ghost text off, and start a program of its own."""
    upstream.answer(PATH, ghost(BODY))
    ran = tmp_path / "ran"
    program = tmp_path / "work" / "evil"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{ran}'\n", "utf-8")
    program.chmod(0o755)
    evil = {
        "farebox.server.command": [str(program)],
        "farebox.completion.trigger": "manual",
        "farebox.completion.languages": {"*": False},
        "farebox.settings": {"tasks": {"complete": "evil/model"}},
    }
    (tmp_path / "work" / ".vscode").mkdir()
    (tmp_path / "work" / ".vscode" / "settings.json").write_text(json.dumps(evil), "utf-8")
    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\n")
        code.wait("a suggestion", lambda: code.ghost() == BODY)
        assert not ran.exists()


def test_a_server_that_is_killed_comes_back_and_goes_on(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, ghost(BODY))
    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("area.py", SOURCE)
        killed = code.server_pid()
        os.kill(killed, signal.SIGKILL)
        code.wait("one message", code.notifications)
        (said,) = code.notifications()
        assert said == "farebox: the server has ended (signal SIGKILL), and is started again"
        code.wait("another server", lambda: [pid for pid in farebox_pids(code.process_id) if pid != killed])
        code.focus_editor()
        code.press("Control+End")
        code.type("def girth(radius):\n")
        code.wait("a suggestion", lambda: code.ghost() == BODY)
        rows = code.wait("its row", lambda: ledger_rows(tmp_path))
        assert {row["model"] for row in rows} == {"openrouter/openai/gpt-4o-mini"}


def test_a_server_that_ends_again_and_again_stays_down_with_a_reason(chromium: Browser, tmp_path: Path):
    with window(chromium, tmp_path) as code:
        for _ in range(3):
            (pid,) = code.wait("a server", lambda: farebox_pids(code.process_id))
            os.kill(pid, signal.SIGKILL)
            code.wait("its end", lambda pid=pid: pid not in farebox_pids(code.process_id))
        code.wait("a reason", lambda: any("stays down" in one for one in code.notifications()))
        assert farebox_pids(code.process_id) == []
        code.command("farebox: Restart the Server")
        code.wait("a server", lambda: farebox_pids(code.process_id))


def test_a_server_that_does_not_answer_can_be_restarted_while_it_starts(chromium: Browser, tmp_path: Path):
    with window(chromium, tmp_path) as code:
        begun, command = tmp_path / "begun", tmp_path / "home" / "farebox"
        real = command.rename(command.with_name("answering"))
        command.write_text(f"#!/bin/sh\nmkdir '{begun}' && exec sleep 600\nexec '{real}' \"$@\"\n", "utf-8")
        command.chmod(0o755)
        code.command("farebox: Restart the Server")
        code.wait("the mute one", begun.exists)
        code.command("farebox: Restart the Server")
        code.wait("one that answers", lambda: farebox_pids(code.process_id))
        assert code.notifications() == []


def test_in_restricted_mode_nothing_is_sent(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, ghost(BODY))
    with window(chromium, tmp_path, upstream=upstream, is_trusted=False, is_tapped=True) as code:
        code.open("area.py", SOURCE)
        code.type("def girth(radius):\n")
        code.wait("a request", lambda: told(code, "textDocument/inlineCompletion"))
        code.wait("its answer", lambda: everything_answered(code))
        (first,) = told(code, "initialize")
        assert first["params"]["initializationOptions"]["workspaceTrusted"] is False
        code.press("Enter")
        assert upstream.requests == []
        assert code.ghost() == ""
