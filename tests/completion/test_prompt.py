"""A hole as each model wants it, and the insertion found in what a chat model wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.context import Window
from farebox.completion.prompt import (
    HOLE,
    MAX_BLOCK_TOKENS,
    MAX_LINE_TOKENS,
    TAG_TOKENS,
    all_markers,
    family_of,
    read_chat_answer,
    render,
)
from farebox.config import FillStyle
from farebox.messages import Call, Chat, Infill, RawText, Target
from farebox.router.request import Serving

BAR = "\uff5c"  # DeepSeek's bar is a full-width one

BLOCK = Window("area.py", "python", "P\n    ", "\nS")
LINE = Window("area.py", "python", "P = ", ")\nS")


def check(fill: FillStyle, window: Window = BLOCK, *, model: str = "m", reasons: bool = False) -> Call:
    call = render(window, Serving(Target("here", model), model, fill, reasons=reasons))
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
    ("model", "raw"),
    [
        pytest.param(
            "qwen2.5-coder:1.5b", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>", id="qwen2.5-coder"
        ),
        pytest.param(
            "Qwen/Qwen3-Coder-30B-A3B", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>", id="qwen3-coder"
        ),
        pytest.param("codestral-22b", "[SUFFIX]S[PREFIX]P", id="codestral-suffix-first"),
        pytest.param(
            "deepseek-coder:6.7b-base",
            f"<{BAR}fim▁begin{BAR}>P<{BAR}fim▁hole{BAR}>S<{BAR}fim▁end{BAR}>",
            id="deepseek-coder",
        ),
        pytest.param("starcoder2:3b", "<fim_prefix>P<fim_suffix>S<fim_middle>", id="starcoder2"),
        pytest.param("stable-code:3b", "<fim_prefix>P<fim_suffix>S<fim_middle>", id="stable-code"),
        pytest.param("codeqwen:7b", "<fim_prefix>P<fim_suffix>S<fim_middle>", id="codeqwen1.5"),
        pytest.param("codellama:7b-code", "<PRE> P <SUF>S <MID>", id="codellama"),
        pytest.param("codegemma:2b", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>", id="codegemma"),
        pytest.param("granite4:3b", "<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>", id="granite4"),
        pytest.param("granite3.3:2b", "<fim_prefix>P<fim_suffix>S<fim_middle>", id="granite3"),
    ],
)
def test_a_family_is_rendered_as_its_authors_publish_it(model: str, raw: str):
    call = check("tokens", Window("a.py", "python", "P", "S"), model=model)
    assert call.prompt == RawText(raw)
    assert 1 <= len(call.stop) <= 4


@pytest.mark.parametrize(
    ("model", "stops"),
    [
        pytest.param(
            "qwen2.5-coder",
            ("<|endoftext|>", "<|fim_prefix|>", "<|file_sep|>", "<|repo_name|>"),
            id="qwen-coder",
        ),
        pytest.param("codellama", ("<EOT>", "<PRE>", "<SUF>", "<MID>"), id="codellama"),
        pytest.param(
            "codegemma", ("<|file_separator|>", "<end_of_turn>", "<|fim_prefix|>", "<eos>"), id="codegemma"
        ),
        pytest.param(
            "deepseek-coder",
            (
                f"<{BAR}fim▁begin{BAR}>",
                f"<{BAR}fim▁hole{BAR}>",
                f"<{BAR}fim▁end{BAR}>",
                f"<{BAR}end▁of▁sentence{BAR}>",
            ),
            id="deepseek-coder",
        ),
    ],
)
def test_a_family_stops_at_its_own_tokens(model: str, stops: tuple[str, ...]):
    assert check("tokens", model=model).stop == stops


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


def test_markers_are_whole_tokens_longest_first():
    markers = all_markers()
    assert "<|fim_middle|>" in markers
    assert "<MID>" in markers
    assert all(marker == marker.strip() and marker for marker in markers)
    assert list(markers) == sorted(markers, key=len, reverse=True)


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
    assert call.stop == ()
    assert call.max_output_tokens == MAX_LINE_TOKENS + TAG_TOKENS


@pytest.mark.parametrize(
    ("reasons", "effort"),
    [pytest.param(True, "none", id="reasons"), pytest.param(False, None, id="does-not")],
)
def test_a_model_that_reasons_is_told_not_to(reasons: bool, effort: str | None):
    assert check("chat", reasons=reasons).reasoning == effort


@pytest.mark.parametrize(
    ("answer", "insertion"),
    [
        pytest.param("<COMPLETION>r * r</COMPLETION>", "r * r", id="tags"),
        pytest.param("Sure!\n<COMPLETION>r * r</COMPLETION> Enjoy", "r * r", id="prose-around-tags"),
        pytest.param("<COMPLETION>r * r", "r * r", id="no-closing-tag"),
        pytest.param("r * r</COMPLETION>", "r * r", id="no-opening-tag"),
        pytest.param("r * r", "r * r", id="no-tags"),
        pytest.param("<COMPLETION></COMPLETION>", "", id="nothing-is-missing"),
        pytest.param("<COMPLETION>a\n    b\n</COMPLETION>", "a\n    b\n", id="several-lines"),
        pytest.param("```python\nr * r\n```", "r * r", id="fence"),
        pytest.param("```\nr * r", "r * r", id="open-fence"),
        pytest.param("Here is the code:\n```python\nr * r\n```\nIt works.", "r * r", id="prose-and-fence"),
        pytest.param(
            "<COMPLETION>\n```python\nr * r\n```\n</COMPLETION>", "r * r", id="fence-within-the-tags"
        ),
        pytest.param("Here is what is missing: r * r", "", id="prose"),
        pytest.param("here's your code", "", id="prose-in-lower-case"),
        pytest.param("Sure, r * r", "", id="prose-that-agrees"),
        pytest.param("I think r * r fits", "", id="prose-in-the-first-person"),
        pytest.param("i += 1", "i += 1", id="a-variable-called-i-is-no-prose"),
        pytest.param("sure_thing = 1", "sure_thing = 1", id="a-name-like-sure-is-no-prose"),
        pytest.param("<think>hm <COMPLETION>x</COMPLETION></think>r * r", "r * r", id="thoughts"),
        pytest.param("<think>hm, and then", "", id="thoughts-without-an-end"),
        pytest.param("hm, so it is\n</think>r * r", "r * r", id="thoughts-without-a-beginning"),
        pytest.param("<COMPLETION>    return r * r</COMPLETION>", "r * r", id="echo-of-the-line"),
        pytest.param("<COMPLETION>return r * r</COMPLETION>", "r * r", id="echo-without-its-indent"),
        pytest.param(f"r * r{HOLE}\nprint()", "r * r", id="the-hole-itself"),
    ],
)
def test_the_insertion_is_found(answer: str, insertion: str):
    window = Window("area.py", "python", "def area(r):\n    return ", "\n")
    assert read_chat_answer(answer, window) == insertion


def test_an_indent_alone_is_no_echo():
    window = Window("area.py", "python", "def area(r):\n    ", "\n")
    assert read_chat_answer("<COMPLETION>    x</COMPLETION>", window) == "    x"


PIECES = ["<COMPLETION>", "</COMPLETION>", "<think>", "</think>", "```", "\n", HOLE, "x = 1", "Sure", "I "]


@given(answer=st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_any_answer_is_read_and_no_tag_of_ours_is_left_open(answer: str):
    insertion = read_chat_answer(answer, LINE)
    assert HOLE not in insertion
    assert "</COMPLETION>" not in insertion
    assert "</think>" not in insertion
