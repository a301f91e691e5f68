"""An answer ends where what follows begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.overlap import suffix_reached, without_overlap
from farebox.completion.surroundings import around
from farebox.completion.trim import trim
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


@pytest.mark.parametrize(
    ("before", "answer", "after", "kept"),
    [
        pytest.param("const s = '", "abc';", "'", "abc", id="a-quote"),
        pytest.param("foo('", "abc');", "')", "abc", id="a-quote-and-a-bracket"),
        pytest.param("foo('", "abc');\nbar();", "');", "abc", id="and-more-lines"),
        pytest.param("foo('", "abc', 'd');", "')", "abc', 'd", id="the-last-of-two-strings"),
        pytest.param("x = ['", "abc', 'd'];", "']", "abc', 'd", id="in-a-list"),
        pytest.param("foo('", "abc') + bar('d');", "')", "abc') + bar('d", id="in-a-bracket-of-its-own"),
        pytest.param("foo('", "abc', {k: 'd'});", "')", "abc", id="not-in-an-inner-bracket"),
        pytest.param("foo('", "abc', x);", "')", "abc", id="no-such-run-of-closers"),
        pytest.param("foo('", "it\\'s');", "')", "it\\'s", id="an-escaped-quote"),
        pytest.param("foo('", "abc', \"d')\");", "')", "abc", id="not-in-another-kind-of-string"),
        pytest.param("foo('", "abc'); // it's", "')", "abc", id="not-in-a-comment"),
        pytest.param("foo(`a${", "total}b`", "}`)", "total", id="an-interpolation"),
        pytest.param("foo(`a${", "total}b`);", "}`)", "total", id="an-interpolation-and-more"),
        pytest.param("foo(`a${", "total}b${x}`);", "}`)", "total}b${x", id="the-last-interpolation"),
        pytest.param("foo(`a${", "f({a: 1})}b`);", "}`)", "f({a: 1})", id="a-bracket-in-it"),
        pytest.param("s = '(", "a)';", ")'", "a", id="a-bracket-in-a-string"),
        pytest.param("foo(", "items, total);", ")", "items, total", id="a-bracket-alone"),
        # as they are
        pytest.param("foo('", "abc", "')", "abc", id="what-fits"),
        pytest.param("foo('", "abc', 'd", "')", "abc', 'd", id="another-string-that-is-left-open"),
        pytest.param("foo('", "a');\nbar('b", "')", "a');\nbar('b", id="one-in-another-line"),
        pytest.param("foo(`a${", "total}b${x", "}`)", "total}b${x", id="another-interpolation"),
        pytest.param("foo('", "abc');", "', x)", "abc');", id="words-behind"),
        pytest.param("foo(", "'abc", "'b')", "'abc", id="a-quote-that-opens"),
        pytest.param("s = 'a", "b)';", ")'", "b)';", id="a-bracket-that-nothing-opened"),
    ],
)  # fmt: skip
def test_a_string_that_is_closed_behind_the_cursor_is_not_closed_twice(
    before: str, answer: str, after: str, kept: str
):
    assert trim(answer, Window("a.js", "javascript", before, after + "\n")) == kept


@given(
    said=st.text("abc ,", min_size=1, max_size=8).filter(str.strip),
    more=st.lists(st.text("abc", max_size=4), max_size=3),
    ends=st.sampled_from(["');", "')", "');\nnext();", "')  // it's"]),
    quote=st.sampled_from("'\"`"),
)
def test_whatever_follows_the_end_of_a_call_its_strings_stay(
    said: str, more: list[str], ends: str, quote: str
):
    kept = "', '".join([said, *more]).replace("'", quote)
    here = around(Window("a.js", "javascript", f"foo({quote}", f"{quote})\n"))
    assert without_overlap(kept, here) == kept
    assert without_overlap(kept + ends.replace("')", f"{quote})"), here) == kept


def test_the_next_line_is_known_when_it_comes():
    here = around(Window("a.py", "python", "", "\n\n  b = 1\n"))
    assert suffix_reached("  b = 1 ", here)
    assert not suffix_reached("b = 1", here)
