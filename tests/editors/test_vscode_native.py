"""VS Code's own chat: farebox's models and participant are there while its setting says so, and only then."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.upstream import Answer, Upstream, json_answer, openrouter_stream
from support.vscode import Window, window
from support.vscode_host import in_host

pytestmark = pytest.mark.slow

PATH = "/v1/chat/completions"
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
AI = {"chat.disableAIFeatures": False}
ON = {**AI, "farebox.chat.native": True}


@pytest.fixture
def upstream() -> Generator[Upstream]:
    with Upstream.in_thread() as upstream:
        yield upstream


def answer(text: str, **options: Any) -> Answer:
    return Answer(body=openrouter_stream(text, USAGE), content_type="text/event-stream", **options)


def host(
    chromium: Browser, folder: Path, upstream: Upstream, settings: Mapping[str, object]
) -> dict[str, Any]:
    said = in_host(chromium, folder, "native", upstream=upstream, settings=settings)
    return {one["what"]: one["value"] for one in said if "what" in one}


def sent(upstream: Upstream, index: int) -> list[tuple[str, str]]:
    """Return who said what, of what the provider was sent; the system's words are not of interest here."""
    messages: Any = upstream.requests[index].json["messages"]
    return [(one["role"], words(one["content"])) for one in messages if one["role"] != "system"]


def words(content: str | list[dict[str, str]]) -> str:
    """Return the text of a message, whether or not it is in parts."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def open_chat(code: Window, mode: str) -> None:
    """Open VS Code's own chat."""
    code.command(f"Chat: Open Chat ({mode})")
    code.page.locator(".auxiliarybar .interactive-input-part [aria-label]", has_text=mode).wait_for()


def ask(code: Window, question: str) -> None:
    """Type into VS Code's own chat, and send it."""
    code.page.locator(".auxiliarybar .interactive-input-part .monaco-editor").first.click()
    code.type(question)
    code.press("Enter")


def answers(code: Window) -> str:
    shown = code.page.locator(".auxiliarybar .interactive-response").all_inner_texts()
    return "\n".join(shown).replace("\u00a0", " ")


def test_other_extensions_can_ask_the_models_while_the_setting_is_on(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.queue(
        answer("*2*, as ever."), json_answer({"error": {"message": "no money", "code": 402}}, status=402)
    )
    upstream.answer(PATH, answer("For ever", hang=True))
    said = host(chromium, tmp_path, upstream, ON)
    assert said["before"][0]["id"] == "auto"
    assert {one["vendor"] for one in said["before"]} == {"farebox"}
    assert said["tokens"] == 10
    assert said["answer"] == "*2*, as ever."
    first, second, last = sent(upstream, 0)
    assert [first, second] == [("user", "One?"), ("assistant", "1")]
    assert "a file" in last[1]
    assert "Two?" in last[1]
    assert "userRequest" not in last[1]
    assert "no money. Add credits" in said["refused"]
    assert said["stopped"]
    assert upstream.wait_for(upstream.requests[-1].closed.is_set), "stop closes the connection"


def test_without_the_setting_nothing_is_there_and_with_it_the_models_are(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer("2"))
    said = host(chromium, tmp_path, upstream, {**AI})
    assert said["before"] == []
    assert {"id": "auto", "vendor": "farebox"} in said["offered"]
    assert said["after"] == []


def test_the_participant_answers_with_what_it_cost(chromium: Browser, tmp_path: Path, upstream: Upstream):
    upstream.queue(answer("It is **a monoid**."), answer("In the category of endofunctors."))
    with window(chromium, tmp_path, upstream=upstream, settings=ON) as code:
        open_chat(code, "Ask")
        ask(code, "@farebox What is a monad?")
        code.wait("the answer", lambda: "It is a monoid." in answers(code))
        code.wait("its cost", lambda: "20 in, 4 out · $0.00021 · auto: " in answers(code))
        ask(code, "Where?")
        code.wait("the next answer", lambda: "In the category of endofunctors." in answers(code))
        assert sent(upstream, 1) == [
            ("user", "What is a monad?"),
            ("assistant", "It is **a monoid**."),
            ("user", "Where?"),
        ]


def test_agent_mode_has_none_of_the_models_for_they_call_no_tools(
    chromium: Browser, tmp_path: Path, upstream: Upstream
):
    upstream.answer(PATH, answer("It is a monoid."))
    with window(chromium, tmp_path, upstream=upstream, settings=ON) as code:
        open_chat(code, "Agent")
        ask(code, "@farebox What is a monad?")
        code.wait("VS Code's own words", lambda: "Language model unavailable" in answers(code))
        assert upstream.requests == []
        open_chat(code, "Ask")
        ask(code, "@farebox What is a monad?")
        code.wait("the answer", lambda: "It is a monoid." in answers(code))
