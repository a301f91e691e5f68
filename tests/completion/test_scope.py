"""An answer stays in the definition that the cursor is in."""

import pytest

from farebox.completion.scope import without_next_scope
from farebox.completion.surroundings import around
from farebox.completion.window import Window


@pytest.mark.parametrize(
    ("answer", "before", "after", "kept"),
    [
        pytest.param("    a\n\n\ndef g():\n    b", "def f():\n", "", "    a", id="next-function"),
        pytest.param("    a\n\n# Test\n@x\ndef g():\n    b", "def f():\n", "", "    a", id="its-comment-too"),
        pytest.param("    a\nif x:\n    b", "def f():\n", "", "    a", id="top-level-code"),
        pytest.param("def f():\n    a\n\ndef g():\n    b", "x\n\n", "", None, id="at-the-top-level"),
        pytest.param("        a\n    b", "def f():\n    def g():\n", "", None, id="out-of-an-inner-function"),
        pytest.param(
            "        a\n\n    def h(self):\n        b", "class C:\n    def f(s):\n", "", "        a",
            id="method",
        ),
        pytest.param(
            "    a\n    if b:\n        c\n    else:\n        d", "def f():\n", "", None,
            id="branches",
        ),
        pytest.param('    a = """\nb\n"""\n    c', "def f():\n", "", None, id="text-at-the-edge"),
        pytest.param("    a = [\n1,\n]\n    c", "def f():\n", "", None, id="brackets-at-the-edge"),
        pytest.param("    a\n\ndef g():", "def f():\n", "\n    b\n", None, id="its-body-follows"),
    ],
)  # fmt: skip
def test_the_next_definition_is_cut(answer: str, before: str, after: str, kept: str | None):
    here = around(Window("a.py", "python", before, after))
    assert without_next_scope(answer, here) == (answer if kept is None else kept)


def test_a_label_at_the_edge_is_no_definition():
    here = around(Window("a.c", "c", "int f(void) {\n", "\n}\n"))
    assert without_next_scope("    goto out;\nout:\n    g();", here) == "    goto out;\nout:\n    g();"


def test_another_function_at_the_edge_is_cut_in_braces():
    here = around(Window("a.js", "javascript", "function f() {\n", "\n}\n"))
    assert without_next_scope("  a()\n\nfunction g() {\n  b()\n}", here) == "  a()"
