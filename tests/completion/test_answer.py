"""The insertion found in what a chat model wrote, whole or still growing."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.answer import CLOSE, HOLE, OPEN, last_answer, running_answer
from farebox.completion.window import Window

RETURN = Window("area.py", "python", "def area(r):\n    return ", "\n")
LINE = Window("area.py", "python", "P = ", ")\nS")
BODY = Window("area.py", "python", "import math\n\ndef area(r):", "\n\nprint(area(2))\n")


def check(answer: str, window: Window = RETURN) -> str:
    """Read a whole answer."""
    return last_answer(answer, window)


@pytest.mark.parametrize(
    ("answer", "insertion"),
    [
        pytest.param("<COMPLETION>r * r</COMPLETION>", "r * r", id="tags"),
        pytest.param("<completion>r * r</completion>", "r * r", id="tags-in-lower-case"),
        pytest.param("Sure!\n<COMPLETION>r * r</COMPLETION> Enjoy", "r * r", id="prose-around-tags"),
        pytest.param("<COMPLETION>r * r", "r * r", id="no-closing-tag"),
        pytest.param("<COMPLETION>r * r</COMPL", "r * r", id="half-a-closing-tag"),
        pytest.param("<COMPLETION>r <", "r <", id="a-sign-that-could-begin-a-tag"),
        pytest.param("r * r</COMPLETION>", "r * r", id="no-opening-tag"),
        pytest.param("r * r", "r * r", id="no-tags"),
        pytest.param("<COMPLETION></COMPLETION>", "", id="nothing-is-missing"),
        pytest.param("<COMPLETION>a\n    b\n</COMPLETION>", "a\n    b\n", id="several-lines"),
        pytest.param("<COMPLETION>\nr * r\n</COMPLETION>", "r * r\n", id="tags-on-lines-of-their-own"),
        pytest.param("```python\nr * r\n```", "r * r", id="fence"),
        pytest.param("```\nr * r", "r * r", id="open-fence"),
        pytest.param("r * r\n```\nIt works.", "r * r", id="the-end-of-a-fence"),
        pytest.param("Here is the code:\n```python\nr * r\n```\nIt works.", "r * r", id="prose-and-fence"),
        pytest.param("One way:\n```python\nr * r\n```", "r * r", id="other-prose-and-fence"),
        pytest.param("One way:\n```\nr * r\n```", "r * r", id="other-prose-and-plain-fence"),
        pytest.param("<COMPLETION>\n```python\nr * r\n```\n</COMPLETION>", "r * r", id="fence-within-tags"),
        pytest.param("<COMPLETION>```\nr * r\n```", "r * r", id="fence-within-tags-without-the-last"),
        pytest.param("Here is what is missing: r * r", "", id="prose"),
        pytest.param("here's your code", "", id="prose-in-lower-case"),
        pytest.param("Sure, r * r", "", id="prose-that-agrees"),
        pytest.param("I think r * r fits", "", id="prose-in-the-first-person"),
        pytest.param("i += 1", "i += 1", id="a-variable-called-i-is-no-prose"),
        pytest.param("sure_thing = 1", "sure_thing = 1", id="a-name-like-sure-is-no-prose"),
        pytest.param("<think>hm <COMPLETION>x</COMPLETION></think>r * r", "r * r", id="thoughts"),
        pytest.param("<think>hm, and then", "", id="thoughts-without-an-end"),
        pytest.param("hm, so it is\n</think>r * r", "r * r", id="thoughts-without-a-beginning"),
        pytest.param(
            "<thinking>hm</thinking>\n<COMPLETION>r</COMPLETION>", "r", id="thoughts-by-another-name"
        ),
        pytest.param("<COMPLETION>    return r * r</COMPLETION>", "r * r", id="echo-of-the-line"),
        pytest.param("<COMPLETION>return r * r</COMPLETION>", "r * r", id="echo-without-its-indent"),
        pytest.param(
            "<COMPLETION>def area(r):\n    return r * r</COMPLETION>", "r * r", id="echo-of-two-lines"
        ),
        pytest.param("<COMPLETION>ret</COMPLETION>", "ret", id="the-beginning-of-an-echo"),
        pytest.param(f"r * r{HOLE}\nprint()", "r * r", id="the-hole-itself"),
    ],
)
def test_the_insertion_is_found(answer: str, insertion: str):
    assert check(answer) == insertion


def test_an_indent_alone_is_no_echo():
    window = Window("area.py", "python", "def area(r):\n    ", "\n")
    assert check("<COMPLETION>    x</COMPLETION>", window) == "    x"


def test_a_line_end_is_kept_where_the_line_may_be_over():
    assert check("<COMPLETION>\n    return r * r\n</COMPLETION>", BODY) == "\n    return r * r\n"


def test_a_fence_belongs_to_a_document_that_has_fences():
    window = Window("a.md", "markdown", "Run this:\n\n", "\n")
    assert check("<COMPLETION>```sh\nls\n```</COMPLETION>", window) == "```sh\nls\n```"


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        pytest.param("<COMPL", "", id="half-an-opening-tag"),
        pytest.param("<COMPLETION>", "", id="nothing-yet"),
        pytest.param("<COMPLETION>r * r</COMPLET", "r * r", id="half-a-closing-tag"),
        pytest.param("<COMPLETION>r <", "r ", id="what-may-begin-a-tag"),
        pytest.param("<COMPLETION>x{{FILL", "x", id="half-a-hole"),
        pytest.param("<COMPLETION>``", "", id="half-a-fence"),
        pytest.param("<COMPLETION>```py", "", id="a-fence-without-its-line-end"),
        pytest.param("<COMPLETION>```py\nr * r\n``", "r * r", id="half-a-closing-fence"),
        pytest.param("<COMPLETION>retu", "", id="what-may-be-an-echo"),
        pytest.param("<COMPLETION>rem", "rem", id="what-is-no-echo"),
        pytest.param("Sure, here", "", id="a-line-that-may-be-prose"),
        pytest.param("r * r", "", id="a-line-without-tags"),
        pytest.param("r * r\nprint", "r * r\nprint", id="a-whole-line-without-tags"),
        pytest.param("<think>hm", "", id="thoughts"),
    ],
)
def test_what_is_not_yet_clear_is_held_back(answer: str, known: str):
    assert running_answer(answer, RETURN) == known


# --- properties ----------------------------------------------------------------------------------

PIECES = [OPEN, CLOSE, "<think>", "</think>", "```", "\n", HOLE, "x = 1", "Sure", "I ", "return ", "P = "]


@given(answer=st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
@pytest.mark.parametrize("read", [running_answer, last_answer])
def test_any_answer_is_read_and_no_tag_of_ours_is_left(read: Callable[[str, Window], str], answer: str):
    insertion = read(answer, LINE)
    assert HOLE not in insertion
    assert CLOSE not in insertion
    assert "</think>" not in insertion


CODE = st.lists(
    st.sampled_from(
        [
            "\n",
            "    ",
            "return ",
            "def area(r):",
            "r * r",
            "<",
            "</",
            "{",
            "{{",
            "`",
            "P = ",
            "import math",
            "x",
        ]
    ),
    max_size=12,
).map("".join)


@st.composite
def answers_in_form(draw: st.DrawFn) -> str:
    """Draw what a model writes that keeps to the form: perhaps thoughts, then tagged code, perhaps fenced."""
    thoughts = draw(st.sampled_from(["", "<think>\nhm\n</think>\n\n", "\n"]))
    code = draw(CODE)
    if draw(st.booleans()):
        code = f"{draw(st.sampled_from(['', chr(10)]))}```python\n{code}\n```\n"
    return f"{thoughts}{OPEN}{code}{CLOSE}{draw(st.sampled_from(['', chr(10), ' Enjoy!']))}"


@given(answer=answers_in_form(), cuts=st.tuples(st.integers(0, 120), st.integers(0, 120)))
@pytest.mark.parametrize("window", [RETURN, LINE, BODY], ids=["return", "line", "body"])
def test_what_was_given_out_is_never_taken_back(window: Window, answer: str, cuts: tuple[int, int]):
    early, late = sorted(cuts)
    first, then = running_answer(answer[:early], window), running_answer(answer[:late], window)
    assert then.startswith(first)
    assert check(answer, window).startswith(then)


@given(code=CODE)
def test_code_between_tags_comes_out_as_it_is(code: str):
    window = Window("a.py", "python", "x = 1\n", "\n")
    if not code.lstrip().startswith("```"):
        assert check(f"{OPEN}{code}{CLOSE}", window) == code.removeprefix("\n")
