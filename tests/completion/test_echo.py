"""What stands before the cursor is not said again; what may stand twice is."""

import pytest

from farebox.completion.echo import without_echo
from farebox.completion.surroundings import around
from farebox.completion.window import Window


@pytest.mark.parametrize(
    ("answer", "before", "kept"),
    [
        pytest.param("    return r * r", "def f():\n    return ", "r * r", id="the-line"),
        pytest.param("return a - b", "        return ", "a - b", id="the-line-without-indentation"),
        pytest.param("i = 1", "i", "i = 1", id="a-letter-is-no-echo"),
        pytest.param("def f():\n    return 1", "def f():\n    return ", "1", id="a-line-above-as-well"),
        pytest.param("    a = 1\n    b = 2", "    a = 1\n", "    b = 2", id="a-line-above"),
        pytest.param(
            '    """\n    b = 2', '    """Doc.\n    """\n', "    b = 2", id="the-end-of-a-docstring"
        ),
        pytest.param("  x()\n\n  y()\n  z()", "  x()\n  y()\n", "  z()", id="two-lines-above"),
        pytest.param("    a = 1", "    a = 1\n", "    a = 1", id="the-same-line-alone"),
        pytest.param("a = 1\nb = 2\nc = 3", "    a = 1\n    b = 2\n", "    c = 3", id="at-the-left-edge"),
        pytest.param("return 0\nx", "    return 0\n", "return 0\nx", id="the-same-further-out"),
        pytest.param("    abc\n    b", "    abc\n    ", "b", id="the-cursor-s-indentation-too"),
    ],
)
def test_an_echo_is_dropped(answer: str, before: str, kept: str):
    assert without_echo(answer, around(Window("a.py", "python", before, ""))) == kept


def test_a_closing_line_may_stand_twice():
    here = around(Window("a.js", "javascript", "a {\n  b {\n    c {\n    }\n  ", ""))
    assert without_echo("}\n}", here) == "}\n}"


def test_a_closing_line_with_nothing_to_close_is_an_echo():
    here = around(Window("a.js", "javascript", "a {\n  b {\n  }\n", "\n}\n"))
    assert without_echo("  }\n  c()", here) == "  c()"
