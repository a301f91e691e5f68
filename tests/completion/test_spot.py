"""Places in a document, and what was typed between two of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.spot import (
    AFTER_CHARS,
    BEFORE_CHARS,
    MAX_TYPED_CHARS,
    Spot,
    spot_in,
    typed_between,
)

TEXTS = st.text(alphabet="ab(){}\"' \n", max_size=40)
LONG = "".join(f"line {number}\n" for number in range(400))


def at(text: str, document: str = "a.py") -> Spot:
    """Return the place of the bar in a text."""
    prefix, _, suffix = text.partition("|")
    return spot_in(document, prefix, suffix)


@given(TEXTS, TEXTS, st.text(alphabet="xyz(\n", max_size=40))
def test_what_was_put_in_at_the_cursor_was_typed(before: str, after: str, typed: str):
    now = spot_in("a.py", before + typed, after)
    assert typed_between(spot_in("a.py", before, after), now) == typed


@given(TEXTS, TEXTS, TEXTS)
def test_a_place_onward_is_the_place_after_typing(before: str, after: str, typed: str):
    assert spot_in("a.py", before, after).onward(typed) == spot_in("a.py", before + typed, after)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_what_was_typed_is_what_stands_before_the_cursor(one: str, rest: str, other: str, now_rest: str):
    now = spot_in("a.py", other, now_rest)
    typed = typed_between(spot_in("a.py", one, rest), now)
    assert typed is None or one + typed == other


@pytest.mark.parametrize("size", [0, 1, MAX_TYPED_CHARS, MAX_TYPED_CHARS + 1])
def test_a_place_far_into_a_long_document_is_compared_by_what_is_near(size: int):
    start = spot_in("a.py", LONG, LONG)
    now = start.onward("x" * size)
    assert len(now.before) <= BEFORE_CHARS
    assert len(start.after) <= AFTER_CHARS
    assert typed_between(start, now) == ("x" * size if size <= MAX_TYPED_CHARS else None)


@pytest.mark.parametrize(
    ("start", "now", "typed"),
    [
        pytest.param("f|", "f(|)", "(", id="a-bracket-that-the-editor-closed"),
        pytest.param("f|", "f([|])", "([", id="two-of-them"),
        pytest.param("f|", 'f("a|")', '("a', id="a-bracket-and-a-quote"),
        pytest.param("f(|)", "f(a)|", "a)", id="a-closer-typed-over"),
        pytest.param("f([|])", "f([a])|", "a])", id="two-typed-over"),
        pytest.param("f(|)\nx = 1", "f(a)|\nx = 1", "a)", id="typed-over-before-other-lines"),
        pytest.param("if a:|\nb", "if a:\n    |\nb", "\n    ", id="a-line-that-the-editor-indented"),
        pytest.param("f {|}", "f {\n  |\n}", "\n  ", id="a-line-break-between-two-brackets"),
        pytest.param("f {|}\ng", "f {\n    |\n}\ng", "\n    ", id="a-line-break-before-other-lines"),
    ],
)
def test_what_an_editor_does_by_itself_is_no_other_text(start: str, now: str, typed: str):
    assert typed_between(at(start), at(now)) == typed


@pytest.mark.parametrize(
    ("start", "now"),
    [
        pytest.param("f|", "|", id="deleted"),
        pytest.param("abc|", "abd|", id="replaced"),
        pytest.param("abc|", "xbcd|", id="changed-above"),
        pytest.param("a|\nb", "a1|\nc", id="changed-below"),
        pytest.param("a|\nb", "a|\nc", id="changed-below-alone"),
        pytest.param("a|b", "a1|", id="the-rest-deleted"),
        pytest.param("f|", "f|)", id="a-closer-that-nobody-opened"),
        pytest.param("f(|)", "f(a|", id="a-closer-that-is-gone"),
        pytest.param("a|", "aa\nb|\nc", id="text-on-both-sides"),
    ],
)
def test_another_edit_is_no_typing(start: str, now: str):
    assert typed_between(at(start), at(now)) is None


def test_another_document_is_another_place():
    assert typed_between(at("a|"), at("ab|", "b.py")) is None
