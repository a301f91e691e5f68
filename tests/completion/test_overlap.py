"""An answer ends where what follows begins."""

import pytest

from farebox.completion.overlap import suffix_reached, without_overlap
from farebox.completion.surroundings import around
from farebox.completion.window import Window


@pytest.mark.parametrize(
    ("answer", "before", "after", "kept"),
    [
        pytest.param("a, b)", "f(", ")", "a, b", id="a-closer-too-many"),
        pytest.param("g(a)", "f(", ")", "g(a)", id="a-closer-of-its-own"),
        pytest.param("g(a))", "f(", ")", "g(a)", id="a-closer-of-its-own-and-one-too-many"),
        pytest.param("a[0]", "b[", "]", "a[0]", id="a-bracket-of-its-own"),
        pytest.param('hello")', 'print("', '")', "hello", id="a-quote-and-a-closer-too-many"),
        pytest.param('hello"', 'x = "', '"', "hello", id="a-quote-too-many"),
        pytest.param("f(1);", "x = ", ";", "f(1)", id="a-semicolon-too-many"),
        pytest.param("a = 1; b = total", "", " = total", "a = 1; b", id="words-too-many"),
        pytest.param("max", "foo(", "x", "max", id="a-letter-in-common"),
        pytest.param("climax", "foo(", "max", "climax", id="the-end-of-a-word-in-common"),
        pytest.param("turn number % 2", "re", "mber % 2\n", "turn nu", id="within-a-word"),
        pytest.param("a, b)\n    next()", "f(", ")\n    next()\n", "a, b", id="the-line-and-the-next"),
        pytest.param("    a = 1\n    return a", "", "\n    return a\n", "    a = 1", id="the-next-line"),
        pytest.param(
            "    a = 1\n    return a\n\ndef g():\n    b = 2", "",
    "\n    return a\n\ndef g():\n    pass", "    a = 1",
            id="several-next-lines",
        ),
        pytest.param(
            "    a = 1\n    b(1)\n    c(", "", "\n    b(1)\n    c(2)\n", "    a = 1",
            id="half-a-line",
        ),
        pytest.param("f(\n    a,\n)", "", "\n)\n", "f(\n    a,\n)", id="a-closing-line-of-its-own"),
        pytest.param(
            "if a:\n    x()\nelse:\n    y()", "", "\n    x()\n", "if a:\n    x()\nelse:\n    y()",
            id="one-line-that-repeats-by-right",
        ),
        pytest.param("    return total", "", "\n    return total\n", "", id="nothing-but-the-next-line"),
    ],
)  # fmt: skip
def test_an_answer_ends_where_the_suffix_begins(answer: str, before: str, after: str, kept: str):
    assert without_overlap(answer, around(Window("a.py", "python", before, after))).rstrip() == kept


def test_the_next_line_is_known_when_it_comes():
    here = around(Window("a.py", "python", "", "\n\n  b = 1\n"))
    assert suffix_reached("  b = 1 ", here)
    assert not suffix_reached("b = 1", here)
