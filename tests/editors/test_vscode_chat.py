"""The chat view in the real window: VS Code, the real server and a provider on loopback."""

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Frame

from support.environment import ledger_rows
from support.upstream import Answer, Recorded, Upstream, openrouter_stream
from support.vscode import Window, window

pytestmark = pytest.mark.slow

STREAM = "text/event-stream"
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
PATH = "/v1/chat/completions"
MODEL = "openrouter/openai/gpt-4o-mini"
SOURCE = "import math\n\n\ndef area(radius):\n    return math.pi * radius ** 2\n"
BETTER = "Shorter:\n\n```python\ndef area(radius):\n    return math.pi * radius * radius\n```\n\nThat is all."


def answer(text: str, **options: Any) -> Answer:
    return Answer(body=openrouter_stream(text, USAGE), content_type=STREAM, **options)


def begun(text: str) -> Answer:
    """Return an answer that never ends."""
    body = openrouter_stream(text).partition(b"data: [DONE]")[0].rpartition(b"data: ")[0]
    return Answer(body=body, content_type=STREAM, hang=True)


@pytest.fixture
def upstream() -> Generator[Upstream]:
    with Upstream.in_thread() as upstream:
        yield upstream


def chats(upstream: Upstream) -> list[Recorded]:
    """Return the questions that came to the provider, oldest first."""
    return [request for request in upstream.requests if b"<COMPLETION>" not in request.raw]


def said(request: Recorded) -> list[tuple[str, str]]:
    """Return who said what, of what a provider was sent."""
    messages = cast("list[dict[str, str]]", request.json["messages"])
    return [(message["role"], message["content"]) for message in messages]


def settled_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the ledger's calls that are booked: an answer is shown before it is."""
    return [row for row in ledger_rows(folder) if row["state"] == "settled"]


def opened(code: Window) -> Frame:
    """Wait for the chat, which a command has opened."""
    code.wait("the chat", lambda: code.frame("#farebox textarea"))
    return code.chat()


def ask(code: Window, question: str) -> Frame:
    """Type a question into the chat, and send it."""
    chat = code.chat()
    chat.locator("textarea").click()
    code.type(question)
    code.press("Enter")
    return chat


def answers(chat: Frame) -> list[str]:
    return chat.locator(".answer").all_inner_texts()


def footers(chat: Frame) -> list[str]:
    """Return what stands under each answer that has ended; empty under one that runs."""
    shown = [one.text_content() or "" for one in chat.locator(".turn-footer").all()]
    return [one.replace("\u00a0", " ").removesuffix(" · Why?") for one in shown]


def ended(code: Window, count: int = 1) -> str:
    """Wait until so many answers have ended; return what stands under the last one."""

    def last() -> str:
        found = footers(code.chat())
        return found[count - 1] if len(found) >= count else ""

    return code.wait("the end of the answer", last)


def test_an_answer_streams_and_says_what_it_cost_and_why(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer("It is the area\nof a **circle**.", chunk_sizes=[7], delay_s=0.002))
    with window(chromium, tmp_path, upstream=upstream) as code:
        chat = ask(code, "What is it?")
        footer = ended(code)
        (row,) = code.wait(
            "its row", lambda: [one for one in ledger_rows(tmp_path) if one["state"] == "settled"]
        )
        tokens = f"{row['input_tokens']} in, {row['output_tokens']} out"
        assert footer.startswith(f"{MODEL} · {tokens} · $0.00021 · ")
        assert answers(chat) == ["It is the area of a circle."]
        assert chat.locator(".spent").inner_text() == "$0.00021"
        assert said(chats(upstream)[0])[-1] == ("user", "What is it?")
        chat.locator("button.why").click()
        code.wait("the explanation", lambda: "An answer of the chat" in code.text())
        assert "$0.000213, as the provider has reported it" in code.text()
        assert footer.rpartition(" · ")[2] in code.text(), "both say why"
        assert code.notifications() == []


def test_stop_closes_the_connection_to_the_provider_and_the_chat_goes_on(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.queue(begun("One two three"))
    upstream.answer(PATH, answer("Four."))
    with window(chromium, tmp_path, upstream=upstream) as code:
        chat = ask(code, "Count.")
        code.wait("the beginning", lambda: answers(chat) == ["One two three"])
        assert not chats(upstream)[0].closed.is_set()
        code.press("Escape")
        assert upstream.wait_for(chats(upstream)[0].closed.is_set)
        assert ended(code).startswith("stopped · ")
        ask(code, "Go on.")
        assert ended(code, 2).startswith(f"{MODEL} · ")
        code.wait("what the stopped one has cost", lambda: "in, " in footers(chat)[0])
        assert said(chats(upstream)[1])[-3:] == [
            ("user", "Count."),
            ("assistant", "One two three"),
            ("user", "Go on."),
        ]


def test_a_question_asked_again_takes_the_place_of_its_answer(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.queue(answer("A square."), answer("A circle."))
    with window(chromium, tmp_path, upstream=upstream) as code:
        chat = ask(code, "What is it?")
        ended(code)
        chat.get_by_role("button", name="Ask again").last.click()
        code.wait("the other answer", lambda: answers(chat) == ["A circle."])
        ended(code)
        first, again = chats(upstream)
        assert [role for role, _ in said(again)] == ["system", "user"], "it is not shown what was not wanted"
        assert again.json["session_id"] == first.json["session_id"]
        assert code.wait("the cost of both", lambda: chat.locator(".spent").inner_text() == "$0.00043")


def test_a_server_that_dies_within_an_answer_takes_nothing_of_the_chat_along(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.queue(answer("A circle."), begun("It is the"))
    upstream.answer(PATH, answer("Yes."))
    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("area.py", SOURCE)
        code.command("farebox: Add File to Chat")
        opened(code)
        chat = ask(code, "What is it about?")
        ended(code)
        ask(code, "And radius?")
        code.wait("the beginning", lambda: answers(chat) == ["A circle.", "It is the"])
        code.type("A draft.")
        os.kill(code.server_pid(), signal.SIGKILL)
        code.wait("its end", lambda: chat.locator(".failure-message").all_inner_texts())
        assert chat.locator(".failure-message").inner_text().startswith("the server has ended")
        assert chat.locator(".failure-hint").inner_text() == "Ask again."
        assert "cost unknown" in footers(chat)[1]
        assert answers(chat) == ["A circle.", "It is the"]
        code.press("Enter")
        assert ended(code, 3).startswith(f"{MODEL} · ")
        assert answers(chat) == ["A circle.", "It is the", "Yes."]
        first, *later = said(chats(upstream)[2])[-5:]
        assert "What is it about?" in first[1]
        assert "def area(radius):" in first[1], "with what was attached to it"
        assert later == [
            ("assistant", "A circle."),
            ("user", "And radius?"),
            ("assistant", "It is the"),
            ("user", "A draft."),
        ]


def test_what_is_attached_goes_with_the_next_question_as_it_is_by_then(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer(BETTER))
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "notes.txt").write_text("Circles are round.\n", "utf-8")
    (tmp_path / "work" / "other.txt").write_text("Not this one.\n", "utf-8")
    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("area.py", SOURCE)
        code.press("ArrowUp", "ArrowUp", "Shift+ArrowDown", "Shift+ArrowDown")
        code.command("farebox: Add Selection to Chat")
        chat = opened(code)
        chips = chat.locator(".composer .chip")
        code.wait("its name", lambda: chips.all_inner_texts() == ["area.py:4-5"])
        code.focus_editor()
        code.press("Control+Home")
        code.type("# Areas\n")
        code.wait("the line", lambda: code.text().startswith("# Areas\n"))
        for name in ("notes.txt", "other.txt"):
            chat.get_by_role("button", name="Attach…").click()
            code.choose(name)
            code.wait("its name", lambda name=name: name in chips.all_inner_texts())
        chat.get_by_role("button", name="Remove other.txt").click()
        code.wait("two of them", lambda: chips.all_inner_texts() == ["area.py:4-5", "notes.txt"])
        ask(code, "Shorter, please.")
        ended(code)
        assert chips.all_inner_texts() == []
        assert chat.locator(".turn .attached .chip").all_inner_texts() == ["area.py:4-5", "notes.txt"]
        *_, (_, question) = said(chats(upstream)[0])
        assert "def area(radius):\n    return math.pi * radius ** 2" in question
        assert "Circles are round." in question
        assert "Not this one." not in question
        assert "# Areas" not in question, "the lines are followed while the file is edited"
        assert "import math" not in question


def test_code_of_an_answer_is_inserted_at_the_cursor_in_one_step_and_copied(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer(BETTER))
    with window(chromium, tmp_path, upstream=upstream) as code:
        code.open("area.py", SOURCE)
        chat = ask(code, "Shorter, please.")
        ended(code)
        block = chat.locator(".code")
        block.hover()
        block.get_by_role("button", name="Insert at the cursor").click()
        code.wait("the code", lambda: "radius * radius" in code.text())
        assert code.text().startswith(SOURCE.rstrip())
        block.get_by_role("button", name="Copy").click()
        copied = "def area(radius):\n    return math.pi * radius * radius"
        code.wait("the copy", lambda: code.page.evaluate("navigator.clipboard.readText()").strip() == copied)
        code.focus_editor()
        code.press("Control+z")
        code.wait("one step back", lambda: "radius * radius" not in code.text())


def test_a_budget_that_is_spent_says_so_with_what_to_do(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer("Never."))
    with window(chromium, tmp_path, upstream=upstream, more="[budgets]\ndaily_usd = 0.0000001\n") as code:
        chat = ask(code, "What is it?")
        code.wait("the reason", lambda: chat.locator(".failure-message").all_inner_texts())
        assert "budget" in chat.locator(".failure-message").inner_text()
        assert chat.locator(".failure-hint").inner_text()
        assert chat.locator(".failure-actions button").all_inner_texts()[0] == "Show Costs"
        assert footers(chat) == [""], "it has cost nothing"
        assert chats(upstream) == []


def test_a_view_that_was_hidden_shows_all_of_it_again(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.queue(answer("A circle."), begun("It is the"))
    with window(chromium, tmp_path, upstream=upstream) as code:
        ask(code, "What is it?")
        before = ended(code)
        ask(code, "And radius?")
        code.wait("the beginning", lambda: answers(code.chat()) == ["A circle.", "It is the"])
        code.type("A draft.")
        code.command("View: Show Explorer")
        code.wait("no chat", lambda: code.frame("#farebox") is None)
        chat = code.chat()
        code.wait("all of it", lambda: answers(chat) == ["A circle.", "It is the"])
        assert footers(chat)[0] == before
        code.wait("the draft", lambda: chat.locator("textarea").input_value() == "A draft.")
        chat.get_by_role("button", name="Stop").click()
        assert ended(code, 2).startswith("stopped · ")
        assert upstream.wait_for(chats(upstream)[1].closed.is_set)


def test_the_model_that_is_chosen_is_asked(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, answer("Yes."))
    with window(chromium, tmp_path, upstream=upstream) as code:
        chat = code.chat()
        chat.locator("button.model").click()
        code.wait("the models", lambda: "in, $" in code.page.locator(".quick-input-list").inner_text())
        code.type("openai/gpt-5-mini")
        code.choose("openrouter/openai/gpt-5-mini")
        code.wait("the choice", lambda: "gpt-5-mini" in chat.locator("button.model").inner_text())
        ask(code, "Is it faster?")
        assert ended(code).startswith("openrouter/openai/gpt-5-mini · ")
        code.command("farebox: Choose the Model of a Task")
        code.wait("the tasks", lambda: "commit" in code.page.locator(".quick-input-list").inner_text())
        code.choose("chat")
        code.wait("the models", lambda: "in, $" in code.page.locator(".quick-input-list").inner_text())
        code.type("openai/gpt-5-nano")
        code.choose("openrouter/openai/gpt-5-nano")
        word = "farebox: chat goes to openrouter/openai/gpt-5-nano until the server ends"
        code.wait("the word", lambda: word in code.notifications())
        code.command("farebox: New Chat")
        code.wait("a new chat", lambda: answers(code.chat()) == [])
        ask(code, "And by default?")
        ended(code)
        assert [request.json["model"] for request in chats(upstream)] == [
            "openai/gpt-5-mini",
            "openai/gpt-5-nano",
        ]


def test_an_earlier_chat_is_gone_back_to_and_deleted(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.answer(PATH, answer("A circle."))
    with window(chromium, tmp_path, upstream=upstream) as code:
        ask(code, "What is it?")
        ended(code)
        code.command("farebox: New Chat")
        code.wait("a new chat", lambda: answers(code.chat()) == [])
        code.command("farebox: Show Earlier Chats")
        code.choose("What is it?")
        chat = code.chat()
        code.wait("the chat", lambda: answers(chat) == ["A circle."])
        ask(code, "Again?")
        ended(code, 2)
        assert [role for role, _ in said(chats(upstream)[1])][-3:] == ["user", "assistant", "user"]
        code.command("farebox: Show Earlier Chats")
        row = code.page.locator(".quick-input-list .monaco-list-row", has_text="What is it?")
        row.hover()
        row.get_by_role("button", name="Delete this chat").click()
        code.wait("no such row", lambda: row.count() == 0)
        code.press("Escape")
        code.wait("no chat", lambda: answers(code.chat()) == [])


def test_in_restricted_mode_a_question_is_refused_and_nothing_is_sent(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer("Never."))
    with window(chromium, tmp_path, upstream=upstream, is_trusted=False) as code:
        chat = ask(code, "What is it?")
        code.wait("the reason", lambda: chat.locator(".failure-message").all_inner_texts())
        assert upstream.requests == []
