"""Neovim, the real server and a provider on loopback: from the keys of a user to the rows of the ledger."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from support.environment import clean_environment, ledger_rows, openrouter_config
from support.neovim import Editor, running
from support.upstream import Answer, Recorded, Upstream, openrouter_stream

pytestmark = pytest.mark.slow

STREAM = "text/event-stream"
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
PATH = "/v1/chat/completions"
KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
COMMAND = f"cmd = {{ [==[{sys.executable}]==], '-m', 'farebox', 'lsp' }}"
MINE = "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
SOURCE = "import math\n\n\ndef area(radius):\n    return math.pi * radius ** 2\n\n\n"
WATCH_ACCEPTED = """
vim.api.nvim_create_autocmd('User', { pattern = 'FareboxGhostAccepted', callback = function(event)
  accepted_id = event.data.id
end })
"""
VISIBLE = "return require('farebox.ghost').is_visible()"
NO_REQUEST = "return vim.tbl_count(require('farebox.server').client().requests) == 0"


def ghost(text: str) -> Answer:
    return Answer(body=openrouter_stream(f"<COMPLETION>{text}</COMPLETION>", USAGE), content_type=STREAM)


def answer(text: str, **options: object) -> Answer:
    return Answer(body=openrouter_stream(text, USAGE), content_type=STREAM, **options)  # type: ignore[arg-type]


@pytest.fixture
def upstream() -> Generator[Upstream]:
    with Upstream.in_thread() as upstream:
        yield upstream


@contextmanager
def editing(
    version: str,
    folder: Path,
    upstream: Upstream | None,
    *,
    more: str = "",
    environment: Mapping[str, str] = KEY,
    columns: int = 100,
    lines: int = 30,
) -> Generator[Editor]:
    """Start Neovim with the real server, whose every model is asked at the upstream."""
    if upstream is not None:
        (folder / "config.toml").write_text(openrouter_config(upstream.base_url, more=more), "utf-8")
    variables = {**clean_environment(folder), **environment}
    options = f"{{ {COMMAND} }}"
    with running(
        version, folder, setup=options, environment=variables, columns=columns, lines=lines
    ) as editor:
        yield editor


def opened(editor: Editor, name: str = "work/area.py", text: str = SOURCE) -> None:
    editor.open(name, text)
    editor.wait("the server", MINE)


def server_pid(editor: Editor) -> int:
    """Return the process of the server: a child of Neovim's."""
    parent = editor.lua("return vim.uv.os_getpid()")
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=True)
    (pid,) = found.stdout.split()
    return int(pid)


def settled_rows(editor: Editor, folder: Path) -> list[dict[str, Any]]:
    """Return the ledger's calls once none of them is under way: an answer is shown before it is booked."""

    def rows() -> list[dict[str, Any]]:
        found = ledger_rows(folder)
        return found if all(row["state"] == "settled" for row in found) else []

    return editor.wait("what it cost, in the ledger", rows)


def calm(editor: Editor) -> None:
    messages = editor.messages()
    assert "Error" not in messages, messages
    assert "E5" not in messages, messages


def test_ghost_text_comes_from_the_model_and_each_cent_is_in_the_report(
    version: str, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, ghost("return 2 * math.pi * radius"))
    with editing(version, tmp_path, upstream) as editor:
        editor.lua(WATCH_ACCEPTED)
        opened(editor)
        editor.keys("Go")
        editor.text("def girth(radius):\n")
        editor.wait("a suggestion", VISIBLE)
        assert "    return 2 * math.pi * radius" in editor.screen()
        editor.keys("<Tab><Esc>")
        assert editor.lines()[-1] == "    return 2 * math.pi * radius"
        explained = editor.wait(
            "its acceptance",
            """
            local found
            local server = require('farebox.server')
            server.call('explain', { id = accepted_id }, function(result) found = result end)
            vim.wait(2000, function() return found end, 5)
            return found and found.accepted and found
            """,
        )
        assert explained["shown"] is True
        editor.wait("a report with each cent", lambda: each_cent_is_reported(editor, tmp_path))
        calm(editor)


def each_cent_is_reported(editor: Editor, folder: Path) -> bool:
    """Compare the report with the ledger, which may grow meanwhile: the next lines are asked for ahead."""
    spent = sum(row["cost_nanodollars"] for row in settled_rows(editor, folder))
    editor.command("Farebox costs")
    editor.wait_for_text("openrouter/openai/gpt-4o-mini")
    is_reported = f"${Decimal(spent) / 10**9}" in editor.screen()
    editor.keys("q")
    return spent > 0 and is_reported


def test_what_is_typed_against_is_stopped_at_the_provider(version: str, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, Answer(hang=True))
    with editing(version, tmp_path, upstream) as editor:
        opened(editor)
        editor.keys("Go")
        editor.text("x = ")
        assert upstream.wait_for(lambda: len(upstream.requests) >= 1)
        editor.keys("<Esc>")
        assert upstream.wait_for(lambda: all(request.closed.is_set() for request in upstream.requests))
        editor.wait("no open request", NO_REQUEST)
        calm(editor)


def test_without_a_key_suggestions_come_from_the_users_own_files(version: str, tmp_path: Path):
    with editing(version, tmp_path, None, environment={}) as editor:
        body = "def total_of_prices(prices):\n    total_of_all = sum(prices)\n    return total_of_all\n\n\n"
        opened(editor, "work/shop.py", body * 3)
        editor.keys("Go")
        editor.text("def total_of_prices(prices):\ntotal_of_all = su")
        editor.wait("a suggestion", VISIBLE)
        assert "    total_of_all = sum(prices)" in editor.screen()
        editor.keys("<Tab><Esc>")
        told = [line for line in editor.messages().split("\n") if "farebox" in line and "/" not in line]
        assert len(told) <= 1, "who has no key is told so once"
        assert all("provider" in line or "key" in line for line in told)
        assert ledger_rows(tmp_path) == [] if (tmp_path / "farebox" / "ledger.db").exists() else True
        calm(editor)


def test_two_projects_share_one_server_and_its_end_is_the_editors(
    version: str, tmp_path: Path, upstream: Upstream
):
    with editing(version, tmp_path, upstream) as editor:
        for root in ("one", "two"):
            (tmp_path / root / ".git").mkdir(parents=True)
            opened(editor, f"{root}/area.py")
        pid = server_pid(editor)
        folders = editor.lua("return require('farebox.server').client().workspace_folders")
        assert [Path(folder["name"]).name for folder in folders] == ["one", "two"]
    Editor.wait_for_end(pid)


def test_a_real_server_that_is_killed_comes_back_and_goes_on(
    version: str, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, ghost("return 1"))
    with editing(version, tmp_path, upstream) as editor:
        opened(editor)
        # Three ends within a minute, however long they take here.
        editor.lua("local now = vim.uv.now(); vim.uv.now = function() return now end")
        for times in (1, 2):
            pid = server_pid(editor)
            os.kill(pid, signal.SIGKILL)
            editor.wait("its return", f"return require('farebox.server').generation() == {times + 1}")
            editor.wait("the buffer", MINE)
            editor.keys("Go")
            editor.text("def f():\n")
            editor.wait("a suggestion", VISIBLE)
            editor.keys("<Esc>")
        os.kill(server_pid(editor), signal.SIGKILL)
        editor.wait("the reason", lambda: "stays down" in editor.messages())
        told = [line for line in editor.messages().split("\n") if line.startswith("farebox: the server")]
        assert len(told) == 3
        editor.keys("Gox<Esc>")
        calm(editor)


def test_a_budget_that_is_nearly_spent_is_told_once_and_one_that_is_spent_stops_what_costs(
    version: str, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, ghost("return 1"))
    with editing(version, tmp_path, upstream, more="[budgets]\ndaily_usd = 0.01\n") as editor:
        opened(editor)
        for number in range(60):
            editor.keys("Go")
            editor.text(f"def f{number}():\n")
            editor.wait("an answer", NO_REQUEST)
            editor.keys("<Esc>")
            if "budget" in editor.lua("return require('farebox.status').current().message"):
                break
        told = [line for line in editor.messages().split("\n") if "budget" in line]
        assert len(told) == 1, editor.messages()
        calm(editor)


# --- the chat ---------------------------------------------------------------------------------------------

BETTER = "Shorter:\n\n```python\ndef area(radius):\n    return math.pi * radius * radius\n```\n\nThat is all."
CHOOSE = """
vim.ui.select = function(items, options, on_choice)
  for _, item in ipairs(items) do
    if vim.startswith(options.format_item(item), wanted .. " ") then return on_choice(item) end
  end
  error("there is no " .. wanted)
end
"""


def chats(upstream: Upstream) -> list[Recorded]:
    """Return the questions that came to the provider, oldest first."""
    return [request for request in upstream.requests if request.path == PATH]


def said(request: Recorded) -> list[tuple[str, str]]:
    """Return who said what, of what a provider was sent."""
    messages = cast("list[dict[str, str]]", request.json["messages"])
    return [(message["role"], message["content"]) for message in messages]


def ask(editor: Editor, question: str) -> None:
    """Type a question at the end of the chat, and send it."""
    editor.keys("Go<Esc>")
    editor.text(f"A{question}")
    editor.keys("<Esc><CR>")


def footers(editor: Editor) -> list[str]:
    return [line for line in editor.lines() if line.startswith("> ")]


def ended(editor: Editor, count: int = 1) -> str:
    """Wait until so many answers have ended; return what stands under the last one."""
    return str(editor.wait("the end of the answer", lambda: footers(editor)[count - 1 :])[-1])


def test_an_answer_about_selected_lines_goes_through_a_review_into_the_file(
    version: str, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer(BETTER, chunk_sizes=[7], delay_s=0.001))
    with editing(version, tmp_path, upstream, columns=140) as editor:
        opened(editor)
        file = editor.nvim.current.buffer
        editor.command("4,5Farebox chat Shorter, please.")
        footer = ended(editor)
        (row,) = [row for row in settled_rows(editor, tmp_path) if row["task"] == "chat"]
        dollars = f"${Decimal(row['cost_nanodollars']) / 10**9}"
        assert dollars == f"${USAGE['cost']}"
        tokens = f"{row['input_tokens']} in, {row['output_tokens']} out"
        assert footer.startswith(f"> openrouter/openai/gpt-4o-mini · {tokens} · $0.00021 · ")
        assert "\n".join(BETTER.split("\n")) in editor.buffer_text
        *_, (role, question) = said(chats(upstream)[0])
        assert role == "user"
        assert "Shorter, please." in question
        assert "def area(radius):\n    return math.pi * radius ** 2" in question
        assert "import math" not in question, "only what was selected is sent"
        editor.command("Farebox explain")
        screen = editor.wait_for_text("An answer of the chat")
        assert dollars in screen
        assert footer.rpartition(" · ")[2] in screen, "both say why"
        editor.keys("q")
        editor.keys("ga")
        assert editor.nvim.current.buffer == file
        assert "hunk 1 of 1" in editor.screen()
        assert editor.buffer_text == SOURCE.removesuffix("\n"), "nothing is taken before it is accepted"
        editor.keys("gha")
        assert editor.buffer_text == SOURCE.removesuffix("\n").replace("radius ** 2", "radius * radius")
        calm(editor)


def test_stop_closes_the_connection_to_the_provider_and_the_chat_goes_on(
    version: str, tmp_path: Path, upstream: Upstream
):
    begun = openrouter_stream("One two three").partition(b"data: [DONE]")[0]
    upstream.queue(Answer(body=begun.rpartition(b"data: ")[0], content_type=STREAM, hang=True))
    upstream.answer(PATH, answer("Four."))
    with editing(version, tmp_path, upstream) as editor:
        editor.command("Farebox chat Count.")
        editor.wait("the beginning", lambda: "One two three" in editor.lines())
        editor.keys("<C-c>")
        assert footers(editor)[0].startswith("> stopped")
        assert upstream.wait_for(chats(upstream)[0].closed.is_set)
        editor.text("iGo on.")
        editor.keys("<Esc><CR>")
        assert ended(editor, 2).startswith("> openrouter/openai/gpt-4o-mini · ")
        assert editor.wait("what the stopped one has cost", lambda: "in, " in footers(editor)[0])
        assert said(chats(upstream)[1])[-3:] == [
            ("user", "Count."),
            ("assistant", "One two three"),
            ("user", "Go on."),
        ]
        calm(editor)


def test_a_server_that_dies_within_an_answer_takes_nothing_of_the_chat_along(
    version: str, tmp_path: Path, upstream: Upstream
):
    begun = openrouter_stream("It is the").partition(b"data: [DONE]")[0]
    upstream.queue(
        answer("A circle."), Answer(body=begun.rpartition(b"data: ")[0], content_type=STREAM, hang=True)
    )
    upstream.answer(PATH, answer("Yes."))
    with editing(version, tmp_path, upstream) as editor:
        opened(editor)
        editor.command("4,5Farebox chat What is it about?")
        ended(editor)
        ask(editor, "And radius?")
        editor.wait("the beginning", lambda: "It is the" in editor.lines())
        before = editor.lines()
        editor.text("iA draft.")
        editor.keys("<Esc>")
        os.kill(server_pid(editor), signal.SIGKILL)
        assert ended(editor, 4).startswith("> openrouter/openai/gpt-4o-mini · cost unknown")
        assert footers(editor)[1:3] == ["> the server has ended", "> Ask again."]
        assert editor.lines()[: before.index("It is the") + 1] == before[: before.index("It is the") + 1]
        assert editor.lines()[-1] == "A draft."
        editor.keys("<CR>")
        assert ended(editor, 5).startswith("> openrouter/openai/gpt-4o-mini · ")
        assert "Yes." in editor.lines()
        first, *later = said(chats(upstream)[2])[-5:]
        assert "What is it about?" in first[1]
        assert "def area(radius):" in first[1], "with what was attached to it"
        assert later == [
            ("assistant", "A circle."),
            ("user", "And radius?"),
            ("assistant", "It is the"),
            ("user", "A draft."),
        ]
        calm(editor)


def test_the_model_that_is_chosen_is_asked_and_a_rejected_answer_lifts_the_next(
    version: str, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer(BETTER))
    with editing(version, tmp_path, upstream, columns=140) as editor:
        editor.lua(CHOOSE)
        opened(editor)
        editor.command("4,5Farebox chat Shorter, please.")
        ended(editor)

        def choose(name: str) -> None:
            editor.lua("wanted = ...", name)
            editor.keys("gm")
            shown = name.rpartition("/")[2]
            editor.wait("the choice above the chat", lambda: f"{shown} · " in editor.screen())

        choose("openrouter/openai/gpt-5-mini")
        ask(editor, "Is it faster?")
        assert ended(editor, 2).startswith("> openrouter/openai/gpt-5-mini · ")
        choose("auto:cheap")
        ask(editor, "Is it shorter?")
        cheap = ended(editor, 3)
        editor.keys("ga")
        editor.keys("ghR")
        editor.command("Farebox chat")
        ask(editor, "Then write it otherwise.")
        ended(editor, 4)
        assert [request.json["model"] for request in chats(upstream)[:2]] == [
            "openai/gpt-4o-mini",
            "openai/gpt-5-mini",
        ]
        assert f"> openrouter/{chats(upstream)[2].json['model']} · " in cheap
        editor.keys("gx")
        screen = editor.wait_for_text("An answer of the chat")
        assert "Lifted by  rejected" in screen, screen
        editor.keys("q")
        editor.command("Farebox model chat openrouter/openai/gpt-5-nano")
        editor.command("Farebox new")
        ask(editor, "And by default?")
        ended(editor)
        assert chats(upstream)[-1].json["model"] == "openai/gpt-5-nano"
        calm(editor)


def test_a_question_asked_again_takes_the_place_of_its_answer_and_asks_a_better_model(
    version: str, tmp_path: Path, upstream: Upstream
):
    upstream.queue(answer("A square."), answer("A circle."))
    with editing(version, tmp_path, upstream, columns=140) as editor:
        opened(editor)
        editor.command("Farebox model chat auto:cheap")
        editor.command("4,5Farebox chat What is it about?")
        ended(editor)
        editor.keys("gR")
        editor.wait("the other answer", lambda: "A circle." in editor.lines() and footers(editor))
        assert "A square." not in editor.lines()
        first, again = chats(upstream)
        assert [role for role, _ in said(again)] == ["system", "user"], "it is not shown what was not wanted"
        assert b"What is it about?" in again.raw
        assert b"A square." not in again.raw
        assert again.json["session_id"] == first.json["session_id"]
        assert again.json["model"] != first.json["model"]
        editor.keys("gx")
        screen = editor.wait_for_text("An answer of the chat")
        assert "Lifted by  regenerated" in screen, screen
        editor.keys("q")
        calm(editor)
