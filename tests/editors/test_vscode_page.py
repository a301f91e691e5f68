"""The chat's page by itself in a real browser: what it shows of a chat, and what it tells the extension."""

import pytest

from support.vscode_page import (
    ANSWER,
    BAR,
    FAILED,
    PENDING,
    WHOLE,
    ChatPage,
    a_turn,
    chat,
    text,
    turn,
)

pytestmark = pytest.mark.slow

PIECE_CHARS = 7
LONG_CHARS = 100_000
LONG_MS = 10_000


# --- answers -------------------------------------------------------------------------------------------


def test_a_code_block_is_copied_inserted_and_applied_by_keyboard(shown: ChatPage) -> None:
    shown.tell(chat(a_turn("7", "a\n\n```py title=x\n\tdef f():\n\t\treturn '<b>'\n```\n")))
    shown.told()
    code = "\tdef f():\n\t\treturn '<b>'"
    shown.page.get_by_role("button", name="Copy", exact=True).focus()
    for _ in range(3):
        shown.page.keyboard.press("Enter")
        shown.page.keyboard.press("Tab")
    assert shown.told() == [
        {"type": "copy", "text": code},
        {"type": "insert", "text": code},
        {"type": "apply", "turn": "7", "code": code, "language": "py"},
    ]
    assert shown.page.get_by_role("status").inner_text() == "Copied"


def test_code_that_is_not_whole_cannot_be_applied(shown: ChatPage) -> None:
    shown.tell(turn("1", state="running"), text("1", "```py\nx = "))
    assert shown.page.get_by_role("button", name="Apply").count() == 0
    shown.tell(text("1", "1\n```\n"))
    assert shown.page.get_by_role("button", name="Apply").count() == 1
    assert shown.page.locator("pre").inner_text() == "x = 1"


def test_an_answer_that_was_cut_off_in_its_code_can_be_copied(shown: ChatPage) -> None:
    shown.tell(turn("1", state="running"), text("1", "```py\nx = "), turn("1", "```py\nx = ", state="cut"))
    shown.page.get_by_role("button", name="Copy", exact=True).click()
    assert {"type": "copy", "text": "x = "} in shown.told()


def test_what_is_there_stays_while_the_answer_grows(shown: ChatPage) -> None:
    shown.tell(turn("1", state="running"), text("1", "first\n\n- one\n- tw"))
    shown.page.evaluate("getSelection().selectAllChildren(document.querySelector('.answer li'))")
    shown.tell(text("1", "o\n- three\n\nlast **wo"), text("1", "rd**"))
    assert shown.page.evaluate("getSelection().toString()") == "one"
    assert shown.page.locator(".answer").inner_text().split() == [
        "first",
        "one",
        "two",
        "three",
        "last",
        "word",
    ]


def test_an_answer_in_pieces_is_drawn_as_in_one(shown: ChatPage) -> None:
    shown.tell(turn("1", state="running"), turn("2", ANSWER))
    for at in range(0, len(ANSWER), PIECE_CHARS):
        shown.tell(text("1", ANSWER[at : at + PIECE_CHARS]))
    pieces, whole = shown.page.locator(".answer").evaluate_all("(all) => all.map((one) => one.innerHTML)")
    assert pieces == whole


def test_the_extension_has_the_last_word_on_an_answer(shown: ChatPage) -> None:
    shown.tell(turn("1", state="running"), text("1", "wrong"), turn("1", "right", footer=["m"]))
    assert shown.page.locator(".answer").inner_text() == "right"
    shown.tell(turn("2"), {"type": "removed", "turn": "1"})
    assert shown.page.locator("article").count() == 1


def test_a_long_answer_comes_smoothly(shown: ChatPage) -> None:
    paragraph = "Some *words* of `code`, and [a link](https://good.invalid/).\n\n"
    piece = (paragraph * 3 + "```py\n" + "x = 1\n" * 40 + "```\n\n" + "- an item\n" * 10)[:1000]
    took_ms = shown.page.evaluate(
        """async ([turn, piece, count]) => {
            const tell = (data) => window.dispatchEvent(new MessageEvent('message', {data}));
            tell(turn);
            let busy = 0;
            for (let at = 0; at < count; at += 1) {
                const begin = performance.now();
                tell({type: 'text', turn: turn.turn.id, text: piece});
                await new Promise(requestAnimationFrame);
                busy += performance.now() - begin;
            }
            return busy;
        }""",
        [turn("1", state="running"), piece, LONG_CHARS // len(piece)],
    )
    assert took_ms < LONG_MS
    assert shown.page.locator(".code").count() > 50


# --- turns ---------------------------------------------------------------------------------------------


def test_what_an_answer_cost_is_under_it_with_a_reason_for_who_asks(shown: ChatPage) -> None:
    shown.tell(chat(WHOLE))
    shown.told()
    footer = shown.page.locator(".turn-footer").inner_text()
    assert "anthropic/claude-sonnet-4.5 · 1842 in, 412 out · $0.0117" in footer.replace("\u00a0", " ")
    shown.page.get_by_role("button", name="Why?").click()
    shown.page.get_by_role("button", name="Copy the answer").click()
    assert shown.told() == [{"type": "explain", "turn": "1"}, {"type": "copy", "text": ANSWER}]


def test_a_failure_says_what_to_do_and_only_the_last_question_is_asked_again(shown: ChatPage) -> None:
    shown.tell(chat(WHOLE, FAILED))
    shown.told()
    shown.page.get_by_role("button", name="Add a Key").click()
    shown.page.get_by_role("button", name="Ask again").click()
    assert shown.told() == [{"type": "run", "command": "farebox.addKey"}, {"type": "retry"}]


def test_what_goes_on_is_shown_until_there_is_text(shown: ChatPage) -> None:
    shown.tell(turn("1", state="running"))
    assert shown.page.locator(".hint").inner_text() == "asking…"
    shown.tell(turn("1", state="running", hint="tiny-model…"))
    assert shown.page.locator(".hint").inner_text() == "tiny-model…"
    shown.tell(text("1", "It is"))
    assert shown.page.locator(".hint").inner_text() == ""
    assert shown.page.locator(".spinner").count() == 1
    shown.tell(turn("1", "It is", state="stopped"))
    assert shown.page.locator(".spinner").count() == 0


def test_who_reads_stays_where_they_are_and_who_is_at_the_end_goes_along(shown: ChatPage) -> None:
    def below() -> float:
        return shown.page.evaluate(
            "(() => { const log = document.querySelector('.log'); "
            "return log.scrollHeight - log.scrollTop - log.clientHeight; })()"
        )

    shown.tell(chat(WHOLE, pending=PENDING), turn("2", state="running"))
    shown.tell(text("2", "line\n\n" * 20))
    assert below() < 2
    shown.page.mouse.move(200, 200)
    shown.page.mouse.wheel(0, -300)
    shown.page.wait_for_function("document.querySelector('.to-end').classList.contains('is-shown')")
    top = shown.page.evaluate("document.querySelector('.log').scrollTop")
    shown.tell(text("2", "line\n\n" * 20))
    assert shown.page.evaluate("document.querySelector('.log').scrollTop") == top
    shown.page.get_by_role("button", name="Go to the end").click()
    shown.tell(text("2", "line\n\n" * 20))
    assert below() < 2


# --- the composer --------------------------------------------------------------------------------------


def test_enter_sends_and_shift_enter_begins_a_line(shown: ChatPage) -> None:
    assert shown.told() == [{"type": "ready"}]
    shown.tell({"type": "focus"})
    keyboard = shown.page.keyboard
    keyboard.press("Enter")
    keyboard.type("one")
    height = shown.page.locator("textarea").bounding_box()
    keyboard.press("Shift+Enter")
    keyboard.type("two")
    grown = shown.page.locator("textarea").bounding_box()
    assert height is not None
    assert grown is not None
    assert grown["height"] > height["height"]
    keyboard.press("Enter")
    assert shown.told() == [{"type": "send", "text": "one\ntwo"}]
    assert shown.page.locator("textarea").input_value() == ""


def test_enter_of_an_input_method_sends_nothing(shown: ChatPage) -> None:
    shown.page.locator("textarea").fill("にほん")
    shown.told()
    shown.page.locator("textarea").dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    assert shown.told() == []


@pytest.mark.parametrize("way", ["Escape", "button"])
def test_an_answer_is_stopped_and_no_second_question_is_sent_meanwhile(shown: ChatPage, way: str) -> None:
    shown.tell(turn("1", state="running"))
    shown.page.locator("textarea").fill("next")
    shown.told()
    shown.page.locator("textarea").press("Enter")
    if way == "Escape":
        shown.page.locator("textarea").press("Escape")
    else:
        shown.page.get_by_role("button", name="Stop").click()
    assert shown.told() == [{"type": "stop"}]
    shown.tell(turn("1", state="stopped"))
    shown.page.locator("textarea").press("Escape")
    shown.page.locator("textarea").press("Enter")
    assert shown.told() == [{"type": "send", "text": "next"}]


def test_the_up_arrow_recalls_questions_but_never_over_what_is_typed(shown: ChatPage) -> None:
    shown.tell(chat(a_turn("1", "x", question="first"), a_turn("2", "y", question="second")))
    box = shown.page.locator("textarea")
    seen = list[str]()
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"):
        box.press(key)
        seen.append(box.input_value())
    assert seen == ["second", "first", "first", "second", ""]
    box.fill("mine")
    box.press("ArrowUp")
    assert box.input_value() == "mine"


def test_a_draft_is_told_and_the_page_keeps_nothing(shown: ChatPage) -> None:
    """VS Code would write to disk what a page keeps, and its state is not even there."""
    shown.tell(chat(WHOLE))
    shown.page.locator("textarea").fill("half a thought")
    assert shown.page.evaluate("window.posted.at(-1)") == {"type": "typed", "text": "half a thought"}
    assert shown.page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0


def test_a_question_that_comes_back_stands_before_what_is_typed(shown: ChatPage) -> None:
    shown.tell({"type": "draft", "text": "asked"})
    assert shown.page.locator("textarea").input_value() == "asked"
    shown.tell({"type": "draft", "text": "before"})
    assert shown.page.locator("textarea").input_value() == "before\nasked"
    assert shown.page.evaluate("document.activeElement.localName") == "textarea"


def test_what_goes_with_a_question_is_chosen_and_removed(shown: ChatPage) -> None:
    shown.tell(chat(pending=PENDING, model="tiny"))
    shown.told()
    shown.page.get_by_role("button", name="Remove basket.py").click()
    shown.tell({"type": "bar", "bar": {**BAR, "pending": PENDING[1:]}})
    assert shown.page.evaluate("document.activeElement.localName") == "textarea"
    shown.page.get_by_role("button", name="Attach…").click()
    shown.page.get_by_role("button", name="Model: default").click()
    assert shown.told() == [{"type": "detach", "id": "a"}, {"type": "attach"}, {"type": "chooseModel"}]
