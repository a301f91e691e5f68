"""No prompt and no code in an error, however a provider quotes them; its other words stay."""

import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import ProviderError
from farebox.messages import Chat, Image, Infill, Message, Prompt, RawText, ToolCall
from farebox.providers import failures
from farebox.providers.base import Endpoint
from farebox.router.echo import ECHO_CHARS, MAX_COMPARED_CHARS, drop_echo

ENDPOINT = Endpoint(provider="own", dialect="openai", base_url="http://127.0.0.1:9/v1")
CODE = 'def f(x):\n    return x + "SECRET"\ndef g():\n\tpass  # größer <b>\n'

Quote = Callable[[str], str]
QUOTES: dict[str, Quote] = {
    "verbatim": str,
    "on one line": lambda text: " ".join(text.split()),
    "JSON": json.dumps,
    "JSON with its letters": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON as Go writes it": lambda text: json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e"),
    "Python": repr,
    "HTML": html.escape,
    "HTML in HTML": lambda text: html.escape(html.escape(text)),
    "HTML by numbers": lambda text: "".join(f"&#{ord(a)};" if a.isprintable() else a for a in text),
    "bytes": lambda text: repr(text.encode("utf-8", "replace")),
    "an address": quote_plus,
}


def said(words: str) -> ProviderError:
    body = json.dumps({"error": {"message": words}})
    return failures.from_status(ENDPOINT, model="m", status=400, headers={}, body=body)


def check(prompt: Prompt, words: str) -> str:
    """Return what is left of an error that says these words to this prompt."""
    error = said(words)
    drop_echo(error, prompt)
    assert str(error) == error.message
    return error.message


def is_dropped(message: str) -> bool:
    kinds = ("refused", "contextTooLong")  # the second is read from words such as "context length"
    return message in {f"own failed ({kind}); its words repeat the prompt and are left out" for kind in kinds}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param(Chat((Message("system", "Be brief."), Message("user", CODE))), id="chat"),
        pytest.param(Infill(CODE, "\n"), id="prefix"),
        pytest.param(Infill("", CODE), id="suffix"),
        pytest.param(Infill("", "", (("a.py", CODE),)), id="a piece of another file"),
        pytest.param(RawText(f"<PRE>{CODE}"), id="raw"),
    ],
)
def test_code_is_recognised_however_it_is_quoted(prompt: Prompt, quote: Quote):
    assert is_dropped(check(prompt, f"invalid prompt: {quote(CODE)}"))
    assert is_dropped(check(prompt, f"invalid prompt: {quote(CODE[: ECHO_CHARS * 2])} and so on"))


@given(text=st.text(st.characters(codec="utf-8") | st.sampled_from("\\\"'nrtux0& ;<\n\t"), max_size=20))
@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_any_text_is_recognised_however_it_is_quoted(quote: Quote, text: str):
    prompt = RawText(f"x = compute({text})")
    assert is_dropped(check(prompt, f"bad: {quote(prompt.text)}"))


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param("my pin is 1234", id="short"),
        pytest.param("rotate sk-or-v1-0123456789abcdef now", id="around-a-key"),
        pytest.param("请把这个函数改成异步的", id="Chinese"),
    ],
)
def test_a_short_prompt_is_recognised_as_a_whole(prompt: str):
    assert is_dropped(check(Chat((Message("user", prompt),)), f"can't do: {prompt}"))


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        pytest.param("hi", "this model is not hired", id="a-greeting"),
        pytest.param(CODE, "max_tokens must be at most 4096", id="code"),
        pytest.param("Which models does it know?", "it does not know the model m", id="common-words"),
        pytest.param("", "empty prompt", id="nothing"),
        pytest.param(" \n\t", "a b c d", id="blanks"),
    ],
)
def test_words_that_repeat_nothing_stay(prompt: str, words: str):
    assert check(RawText(prompt), words) == f"own answered 400: {words}"


def test_code_in_capitals_is_recognised():
    assert is_dropped(check(RawText(CODE), CODE.upper()))


def test_the_arguments_of_an_earlier_tool_call_are_recognised_too():
    turn = Message("assistant", "", tool_calls=(ToolCall("1", "write", CODE),))
    assert is_dropped(check(Chat((turn,)), f"invalid arguments: {CODE}"))


def test_a_picture_is_recognised_too():
    picture = Image("image/png", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAf")
    prompt = Chat((Message("user", "what is it?", (picture,)),))
    assert is_dropped(check(prompt, f"bad image: {picture.data}"))


def test_a_prompt_too_long_to_compare_is_kept_back_from_the_words():
    message = check(RawText("x" * (MAX_COMPARED_CHARS + 1)), "anything")
    assert message == "own failed (refused); the prompt is too long to compare its words with"


@pytest.mark.parametrize("unit", ["\\", "\\x4", "\\xe9", "&amp;", "&#9", "%C3", "&", " ", "sk-", "a"])
def test_no_prompt_takes_long_to_compare(unit: str):
    prompt = RawText((unit * MAX_COMPARED_CHARS)[:MAX_COMPARED_CHARS])
    begun = time.process_time()
    check(prompt, "invalid: " + unit * 40)
    assert time.process_time() - begun < 2, "some 50 ms are usual; going back and forth takes minutes"


def test_a_hint_that_repeats_the_prompt_is_replaced():
    table = {"error": {"message": "gone", "availability": {"fallback_models": [CODE.replace(" ", "")]}}}
    error = failures.from_event(ENDPOINT, model="m", table=table)
    drop_echo(error, RawText(CODE.replace(" ", "")))
    assert "suggests" not in error.hint
