"""One expected text: where it may be shown, when it is enough, and how a look-ahead takes it on."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.spot import spot_in
from farebox.completion.strand import MAX_LEAD_CHARS, Strand, Wanted
from farebox.completion.window import Window, window

BEFORE = "import os\n\n\ndef main():\n    x = "
LINES = "foo(bar)\n    y = 1\n    z = 2\n    w = 3\n"
MANY = 10_000


def around(prefix: str, suffix: str = "\n") -> Window:
    return window("a.py", "python", prefix, suffix)


def strand_of(text: str, *, lines: int = 3, chars: int = MANY, is_whole: bool = False) -> Strand:
    wanted = Wanted(lines, chars)
    asked = around(BEFORE)
    strand = Strand("s1", spot_in("a.py", BEFORE, "\n"), asked, asked.one_line, wanted, 0.0, text)
    if is_whole:
        strand.asked, strand.is_whole = None, True
    return strand


def ghost(strand: Strand, typed: str = "") -> str | None:
    now = around(BEFORE + typed)
    return strand.ghost_at(spot_in("a.py", BEFORE + typed, "\n"), now, one_line=now.one_line)


def rest(strand: Strand, typed: str) -> str | None:
    return strand.rest_at(spot_in("a.py", BEFORE + typed, "\n"))


@given(st.integers(min_value=0, max_value=len(LINES)))
def test_what_is_typed_along_leaves_the_rest(count: int):
    strand = strand_of(LINES, is_whole=True)
    assert rest(strand, LINES[:count]) == LINES[count:]
    assert rest(strand, LINES[:count] + "!") is None


def test_of_growing_text_a_whole_line_is_shown():
    assert ghost(strand_of("foo(ba")) is None
    assert ghost(strand_of("foo(bar)\n")) == "foo(bar)"
    assert ghost(strand_of("foo(bar)\n    y ="), "foo(b") == "ar)"


def test_of_a_whole_answer_the_last_line_needs_no_end():
    assert ghost(strand_of("foo(bar)", is_whole=True)) == "foo(bar)"
    assert ghost(strand_of("foo(bar)", is_whole=True), "foo(bar)") is None
    assert ghost(strand_of("foo(bar)", is_whole=True), "fou") is None


def test_typing_may_be_a_little_ahead_of_growing_text():
    strand = strand_of("fo")
    assert rest(strand, "foo(") == ""
    assert rest(strand, "fu") is None
    assert rest(strand, "fo" + "o" * MAX_LEAD_CHARS) == ""
    assert rest(strand, "fo" + "o" * (MAX_LEAD_CHARS + 1)) is None
    strand.stop()
    assert rest(strand, "foo(") is None


def test_an_answer_is_enough_when_its_lines_are_there():
    for text, is_enough in (("foo(bar)\n    y = 1\n", False), (LINES, True)):
        assert strand_of(text).is_enough is is_enough
    assert strand_of("foo(bar)\n", lines=1).is_enough


def test_two_long_lines_are_enough_too():
    assert strand_of("foo(bar)\n    y = 1\n", chars=15).is_enough
    assert not strand_of("foo(bar)\n", chars=5).is_enough


def test_a_bracket_that_is_never_closed_is_not_waited_for_endlessly():
    assert strand_of("foo(\n" + "        a,\n" * 100).is_enough


def test_whole_lines_beyond_what_was_wanted_are_kept():
    strand = strand_of("foo(bar)\n    y = 1\n    z", lines=1)
    assert strand.is_enough
    strand.finish()
    assert strand.text == "foo(bar)\n    y = 1\n"
    assert (strand.is_running, strand.is_whole) == (False, True)
    assert rest(strand, "foo(bar)") == "\n    y = 1\n"


def looked_ahead(text: str = "foo(bar)") -> Strand:
    """Return a strand of one line whose next ones are asked for."""
    strand = strand_of(text + "\n", is_whole=True)
    strand.go_on(around(BEFORE + text), text, 1.0, Wanted(3, MANY), "c2")
    return strand


def test_a_look_ahead_goes_on_behind_the_text():
    strand = looked_ahead()
    assert (strand.is_running, strand.is_whole, strand.is_ahead, strand.asked_from) == (True, False, True, 8)
    strand.text += "\n    y = 1\n"
    assert not strand.is_enough
    assert ghost(strand, "foo(bar)") == "\n    y = 1"


def test_calls_whose_text_has_been_typed_are_forgotten():
    strand = strand_of("x\n", is_whole=True)
    strand.calls = ((0, "c0"),)
    for number in range(1, 100):
        strand.go_on(around(BEFORE), strand.text, 1.0, Wanted(3, MANY), f"c{number}")
        strand.text += "y = 1\n"
        strand.finish()
        strand.forget_typed(strand.text[:-3])
        assert strand.call_at(strand.text) == f"c{number}"
    assert strand.calls == ((0, "c99"),)
    strand.go_on(around(BEFORE), strand.text, 1.0, Wanted(3, MANY), "next")
    strand.text += "z = 1\n"
    strand.forget_typed(" ")
    assert [strand.call_at(rest) for rest in ("1\nz = 1\n", "z = 1\n", "")] == ["c99", "next", "next"]


@pytest.mark.parametrize(
    ("text", "goes_astray"),
    [("", False), ("  ", False), ("\n    y", False), (" \n", False), ("y = 1", True), ("  # so", True)],
)
def test_a_look_ahead_that_goes_on_in_the_same_line_is_taken_back(*, text: str, goes_astray: bool):
    strand = looked_ahead()
    strand.text += text
    assert strand.goes_astray is goes_astray
    strand.give_up()
    assert (strand.text, strand.is_running, strand.is_closed) == ("foo(bar)", False, True)
    assert ghost(strand) == "foo(bar)"


@pytest.mark.parametrize("has_stopped", [False, True], ids=["running", "stopped"])
def test_what_was_whole_before_a_look_ahead_stays_worth_showing(has_stopped: bool):
    strand = looked_ahead()
    if has_stopped:
        strand.stop()
    assert ghost(strand) == "foo(bar)"
    assert ghost(strand, "foo(") == "bar)"


@pytest.mark.parametrize("end", [Strand.finish, Strand.give_up, Strand.stop])
def test_what_has_ended_keeps_nothing_of_the_document(end: Callable[[Strand], None]):
    strand = looked_ahead()
    end(strand)
    assert (strand.asked, strand.is_running) == (None, False)


@given(st.lists(st.integers(min_value=1, max_value=9), max_size=12), st.data())
def test_what_is_shown_of_growing_text_never_changes(sizes: list[int], data: st.DataObject):
    strand = strand_of("")
    shown: str | None = None
    text = data.draw(
        st.sampled_from([LINES, "[\n        1,\n        2,\n    ]\n    y\n", "a\n", "\n\n  a\n\n"])
    )
    for size in sizes:
        strand.text = text[: len(strand.text) + size]
        now = ghost(strand)
        assert shown is None or now == shown
        shown = now
