"""An answer closes what it opens, and what nobody else closes."""

import pytest

from farebox.completion.closers import is_even, without_closers
from farebox.completion.surroundings import around
from farebox.completion.trim import trim
from farebox.completion.window import Window


@pytest.mark.parametrize(
    ("answer", "before", "after", "kept"),
    [
        pytest.param("return a)", "", "", "return a", id="nobody-opened-it"),
        pytest.param("a)", "f(", "", "a)", id="opened-before"),
        pytest.param("a)", "f(", ")", "a", id="closed-behind"),
        pytest.param("a))", "g(f(", ")", "a)", id="one-of-two"),
        pytest.param("  a();\n}", "if (x) {\n", "\n", "  a();\n}", id="its-block"),
        pytest.param("  a();\n}", "if (x) {\n", "\n}\n", "  a();", id="a-block-that-is-closed"),
        pytest.param(
            "    a();\n  }", "f {\n  if (x) {\n", "\n}\n", "    a();\n  }",
            id="the-inner-block-alone",
        ),
        pytest.param(
            "  a();\n} else {\n  b();", "if (x) {\n", "\n}\n", "  a();\n} else {\n  b();",
            id="and-opens-another",
        ),
        pytest.param(
            "if (a) {}", "f {\n  ", "\n    b()\n  }\n}\n", "if (a) {",
            id="a-block-whose-end-follows",
        ),
        pytest.param("')'", "", "", "')'", id="in-a-string"),
        pytest.param("f(a)", "", "\n)\n", "f(a)", id="a-stray-one-behind"),
    ],
)  # fmt: skip
def test_a_closer_too_many_is_cut(answer: str, before: str, after: str, kept: str):
    assert without_closers(answer, around(Window("a.js", "javascript", before, after))) == kept


def test_prose_may_close_what_it_likes():
    here = around(Window("a.md", "markdown", "", ""))
    assert without_closers("a) first", here) == "a) first"


def test_a_pattern_in_a_shell_s_case_closes_nothing():
    here = around(Window("a.sh", "shellscript", "case $x in\n", "\nesac\n"))
    assert without_closers("  a) b ;;", here) == "  a) b ;;"


@pytest.mark.parametrize(
    ("language", "answer", "before", "after"),
    [
        pytest.param("python", "b)", "foo(bar(", ")\n", id="a-call"),
        pytest.param("go", "x)", "foo(len(", ")\n", id="go"),
        pytest.param("python", "3, 4]", "[[1, 2], [", "]\n", id="a-list"),
    ],
)
def test_a_clean_answer_keeps_the_closer_that_leaves_the_other_one(
    language: str, answer: str, before: str, after: str
):
    window = Window("a", language, before, after)
    assert is_even(answer, around(window))
    assert trim(answer, window) == answer


def test_many_closers_are_read_in_one_go():
    count = 5_000
    here = around(Window("a.js", "javascript", "f(" * count, ")" * count))
    assert without_closers("a" + ")" * count, here) == "a"


def test_even_is_what_leaves_the_rest_to_the_suffix():
    here = around(Window("a.py", "python", "f(", ")"))
    assert is_even("a", here)
    assert is_even("g(a)", here)
    assert not is_even("a)", here)
