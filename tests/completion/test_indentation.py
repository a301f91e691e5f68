"""An answer stands where its place is: level, first line, tabs or spaces."""

import pytest

from farebox.completion.indentation import indented
from farebox.completion.surroundings import around
from farebox.completion.window import Window


@pytest.mark.parametrize(
    ("answer", "before", "after", "kept"),
    [
        pytest.param("    a = 1\n    b = 2", "def f():\n    ", "", "a = 1\n    b = 2", id="indented-twice"),
        pytest.param("    a = 1", "def f():\n", "", "    a = 1", id="as-it-should-be"),
        pytest.param("    a = 1", "if x:\n    if y:\n    ", "", "    a = 1", id="deeper-by-right"),
        pytest.param("if a:\n    b", "def f():\n    ", "", "if a:\n        b", id="written-at-the-edge"),
        pytest.param(
            "a = 1\nb = 2", "    x\n", "\n    y\n", "    a = 1\n    b = 2", id="at-the-edge-of-a-block"
        ),
        pytest.param("a = 1", "    x\n", "\ny\n", "a = 1", id="behind-a-block"),
        pytest.param("# a", "    x\n", "\n    y\n", "# a", id="a-comment-stays"),
        pytest.param("x", "y = ", "", "x", id="within-a-line"),
    ],
)
def test_the_level_is_put_right(answer: str, before: str, after: str, kept: str):
    assert indented(answer, around(Window("a.py", "python", before, after))) == kept


@pytest.mark.parametrize(
    ("answer", "before", "kept"),
    [
        pytest.param("    a\n        b", "f {\n\tx\n\ty\n", "\ta\n\t\tb", id="tabs"),
        pytest.param("  a\n    b", "f {\n\tx\n\ty\n", "\ta\n\t\tb", id="tabs-for-two"),
        pytest.param("\ta\n\t\tb", "f {\n  x\n  y\n", "  a\n    b", id="two-spaces"),
        pytest.param("\ta", "f {\n    x\n\ty\n", "\ta", id="mixed-as-it-is"),
        pytest.param(" * a", "\tx\n\ty\n", " * a", id="a-comment-s-column"),
    ],
)
def test_the_file_says_tabs_or_spaces(answer: str, before: str, kept: str):
    assert indented(answer, around(Window("a.c", "c", before, ""))) == kept
