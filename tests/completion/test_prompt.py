"""A hole as each model wants it, and the insertion found in what a chat model wrote."""

from typing import get_args

import pytest

from farebox.completion.answer import HOLE
from farebox.completion.families import family_of
from farebox.completion.prompt import (
    MAX_BLOCK_TOKENS,
    MAX_INFILL_PREFIX_CHARS,
    MAX_INFILL_SUFFIX_CHARS,
    MAX_LINE_TOKENS,
    TAG_TOKENS,
    most_bytes,
    render,
)
from farebox.completion.window import Snippet, Window
from farebox.config import FillStyle
from farebox.messages import Call, Chat, Infill, Prompt, RawText, Target
from farebox.router.request import Serving

BAR = "\uff5c"  # DeepSeek's bar is a full-width one

BLOCK = Window("area.py", "python", "P\n    ", "\nS")
LINE = Window("area.py", "python", "P = ", ")\nS")


def check(
    fill: FillStyle,
    window: Window = BLOCK,
    *,
    model: str = "m",
    reasons: bool = False,
    snippets: tuple[Snippet, ...] = (),
) -> Call:
    serving = Serving(Target("here", model), model, fill, reasons=reasons)
    call = render(window, serving, snippets, one_line=window.one_line)
    assert call.model == model
    assert call.temperature == 0
    return call


# --- native and raw ------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", [pytest.param("infill", id="infill"), pytest.param("suffix", id="suffix")])
def test_a_server_that_knows_the_format_gets_the_two_sides(fill: FillStyle):
    call = check(fill)
    assert call.prompt == Infill("P\n    ", "\nS")
    assert (call.max_output_tokens, call.stop, call.reasoning) == (MAX_BLOCK_TOKENS, (), None)


@pytest.mark.parametrize(
    "fill",
    [
        pytest.param("infill", id="infill"),
        pytest.param("suffix", id="suffix"),
        pytest.param("tokens", id="tokens"),
    ],
)
def test_a_hole_within_a_line_stops_at_the_line_end(fill: FillStyle):
    call = check(fill, LINE, model="qwen2.5-coder")
    assert call.stop[0] == "\n"
    assert len(call.stop) <= 4
    assert call.max_output_tokens == MAX_LINE_TOKENS


def test_a_model_of_no_known_family_is_asked_in_a_chat():
    assert family_of("mystery-7b") is None
    assert isinstance(check("tokens", model="mystery-7b").prompt, Chat)


# --- by a chat -----------------------------------------------------------------------------------


def test_a_chat_prompt_holds_the_prefix_the_hole_and_the_suffix():
    call = check("chat")
    assert isinstance(call.prompt, Chat)
    system, user = call.prompt.messages
    assert (system.role, user.role) == ("system", "user")
    assert f"P\n    {HOLE}\nS" in user.text
    assert 'path="area.py"' in user.text
    assert user.text.count(HOLE) == 1
    assert "<COMPLETION>" in system.text


def test_a_chat_has_no_line_stop_because_a_tag_may_stand_on_a_line_of_its_own():
    call = check("chat", LINE)
    assert call.stop == ("</COMPLETION>",)
    assert call.max_output_tokens == MAX_LINE_TOKENS + TAG_TOKENS


@pytest.mark.parametrize(
    ("reasons", "effort"),
    [pytest.param(True, "none", id="reasons"), pytest.param(False, None, id="does-not")],
)
def test_a_model_that_reasons_is_told_not_to(reasons: bool, effort: str | None):
    assert check("chat", reasons=reasons).reasoning == effort


# --- pieces of other files ------------------------------------------------------------------------

SNIPPETS = (Snippet("/ws/shop/cart.py", "shop/cart.py", "def total(cart):\n\n    return 1"),)
COMMENTED = "# shop/cart.py\n# def total(cart):\n#\n#     return 1\n\n"


def test_llama_cpp_gets_them_beside_the_hole():
    call = check("infill", snippets=SNIPPETS)
    assert call.prompt == Infill("P\n    ", "\nS", (("shop/cart.py", "def total(cart):\n\n    return 1"),))


def test_a_native_endpoint_gets_them_as_comments_before_the_prefix():
    call = check("suffix", snippets=SNIPPETS, model="deepseek-chat")
    assert call.prompt == Infill(f"{COMMENTED}P\n    ", "\nS")


def test_codestral_gets_them_in_its_own_form():
    call = check("suffix", snippets=SNIPPETS, model="codestral-latest")
    files = "+++++ shop/cart.py\ndef total(cart):\n\n    return 1\n\n+++++ area.py\n"
    assert call.prompt == Infill(f"{files}P\n    ", "\nS")


def test_a_chat_gets_them_before_the_file():
    call = check("chat", snippets=SNIPPETS)
    assert isinstance(call.prompt, Chat)
    user = call.prompt.messages[-1].text
    assert user.startswith(
        '<context path="shop/cart.py">\ndef total(cart):\n\n    return 1\n</context>\n\n<file '
    )


@pytest.mark.parametrize("fill", get_args(FillStyle))
def test_a_model_is_told_names_and_no_paths(fill: FillStyle):
    prompt = repr(check(fill, snippets=SNIPPETS, model="qwen2.5-coder").prompt)
    assert "shop/cart.py" in prompt
    assert "/ws" not in prompt


@pytest.mark.parametrize("fill", get_args(FillStyle))
def test_the_head_stays_the_same_while_one_types(fill: FillStyle):
    prefix = "".join(f"x{number} = {number}\n" for number in range(200))
    heads: list[str] = []
    for typed in ("", "y", "y = "):
        window = Window("a.py", "python", prefix + typed, "\nz = 1\n")
        call = check(fill, window, snippets=SNIPPETS, model="qwen2.5-coder")
        heads.append(text_of(call.prompt)[: len(prefix)])
    assert len(set(heads)) == 1


def test_llama_cpp_gets_no_more_than_it_keeps_and_the_same_head_while_one_types():
    lines = "".join(f"value_{number} = {number}\n" for number in range(3_000))
    prompts = [
        check("infill", Window("a.py", "python", lines + typed, f"\n{lines}")).prompt
        for typed in ("", "y", "y = ", "y = 1\n", "y = 1\nz")
    ]
    holes = [prompt for prompt in prompts if isinstance(prompt, Infill)]
    assert all(len(hole.prefix) <= MAX_INFILL_PREFIX_CHARS for hole in holes)
    assert all(0 < len(hole.suffix) <= MAX_INFILL_SUFFIX_CHARS for hole in holes)
    assert len({hole.prefix[:2_000] for hole in holes}) == 1


def text_of(prompt: Prompt) -> str:
    """Put a prompt's parts together in the order in which a model reads them."""
    match prompt:
        case Infill(prefix, suffix, extra):
            return "".join(text for _, text in extra) + prefix + suffix
        case RawText(text):
            return text
        case Chat(messages):
            return "".join(message.text for message in messages)


@pytest.mark.parametrize("fill", get_args(FillStyle))
@pytest.mark.parametrize("lines", [1, 3_000])
def test_no_form_is_larger_than_is_said(fill: FillStyle, lines: int):
    snippets = (Snippet("/ws/a.py", "a.py", "x\n" * lines), Snippet("/ws/b.py", "b.py", "ü\n"))
    most = most_bytes(BLOCK, snippets)
    for model in ("m", "codestral", "qwen2.5-coder", "starcoder2", "codegeex4"):
        prompt = check(fill, snippets=snippets, model=model).prompt
        assert len(text_of(prompt).encode()) <= most
