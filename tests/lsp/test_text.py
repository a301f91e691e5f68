"""A document's text is what the editor has, after any edit and in any units."""

import random
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.lsp.text import Encoding, Text, utf16_length

Place = tuple[int, int]
PLACES = st.tuples(st.integers(-1, 5), st.integers(-1, 9) | st.just(2**31 - 1))
TEXTS = st.text(
    st.sampled_from(["a", "é", "😀", "\n", "\r", "\f", "\u2028", "\ud83d", "\ude00"]), max_size=12
)
ENCODINGS: st.SearchStrategy[Encoding] = st.sampled_from(("utf-8", "utf-16", "utf-32"))


def edited(source: str, start: Place, end: Place, new: str, encoding: Encoding = "utf-16") -> str:
    text = Text(source, encoding)
    text.replace(*start, *end, new)
    assert text.length == len(text.source)
    return text.source


@pytest.mark.parametrize(
    ("source", "start", "end", "new", "then"),
    [
        pytest.param("abcdef", (0, 4), (0, 2), "Z", "abZef", id="an inverted range"),
        pytest.param("a\nb\nc", (2, 0), (0, 1), "", "ac", id="lines that are inverted"),
        pytest.param("abcdef", (0, 9), (0, 9), "!", "abcdef!", id="past the end of the last line"),
        pytest.param("ab\ncd", (0, 9), (0, 9), "!", "ab!\ncd", id="past the end of a line"),
        pytest.param("ab\r\ncd", (0, 9), (1, 0), "", "abcd", id="a line's end alone"),
        pytest.param("ab\n", (7, 3), (9, 1), "!", "ab\n!", id="past the last line"),
        pytest.param("ab", (-1, -1), (0, -3), "!", "!ab", id="before the first line"),
        pytest.param("a\fb\u2028c\x85d\ng", (1, 0), (1, 1), "h", "a\fb\u2028c\x85d\nh", id="no ends"),
        pytest.param("", (0, 0), (0, 0), "a\nb\n", "a\nb\n", id="an empty text"),
        pytest.param("a\nb\nc\n", (0, 0), (3, 0), "", "", id="all of it"),
    ],
)  # fmt: skip
def test_an_edit_is_made_where_the_editor_made_it(
    source: str, start: Place, end: Place, new: str, then: str
) -> None:
    assert edited(source, start, end, new) == then


@pytest.mark.parametrize(
    ("encoding", "character"),
    [pytest.param("utf-8", 6), pytest.param("utf-16", 3), pytest.param("utf-32", 2)],
)
def test_positions_count_in_the_units_that_were_agreed_on(encoding: Encoding, character: int) -> None:
    assert edited("é😀b", (0, character), (0, character), "|", encoding) == "é😀|b"
    assert Text("é😀b", encoding).units("é😀") == character


@pytest.mark.parametrize("character", [3, 4, 5])
def test_in_the_middle_of_a_character_of_utf_8_is_before_it(character: int) -> None:
    assert edited("é😀b", (0, character), (0, character), "|", "utf-8") == "é|😀b"


def test_a_pair_that_is_cut_in_two_is_whole_again_when_its_halves_meet() -> None:
    text = Text("a😀b")
    text.replace(0, 2, 0, 2, "x\n")
    assert text.source == "a\ud83dx\n\ude00b"
    text.replace(0, 2, 1, 0, "")
    assert (text.source, text.length) == ("a😀b", 3)
    assert Text("\ud83d" + "\ude00").source == "😀"


def test_a_position_in_the_middle_of_a_pair_is_read_as_before_it() -> None:
    text = Text("a😀b")
    assert text.around(0, 2) == ("a", "😀b")
    assert text.between(0, 2, 0, 4) == "😀b"
    assert text.within(0, 2) == (0, 1)


def test_a_carriage_return_and_a_line_feed_that_meet_end_one_line() -> None:
    text = Text("a\rb\nc")
    text.replace(1, 0, 1, 1, "")
    assert text.source == "a\r\nc"
    text.replace(1, 0, 1, 0, "|")
    assert text.source == "a\r\n|c"
    text.replace(1, 0, 1, 0, "\n")
    assert text.around(2, 0) == ("a\r\n\n", "|c")


def test_what_was_read_before_an_edit_is_not_read_after_it() -> None:
    text = Text("ab\ncd")
    assert text.source == text.snapshot() == "ab\ncd"
    text.replace(0, 1, 1, 1, "")
    assert text.source == text.snapshot() == "ad"


@given(TEXTS, ENCODINGS, st.lists(st.tuples(PLACES, PLACES, TEXTS), max_size=5), PLACES, PLACES)
def test_whatever_is_edited_and_read_the_parts_make_the_whole(
    source: str, encoding: Encoding, edits: list[tuple[Place, Place, str]], one: Place, other: Place
) -> None:
    text = Text(source, encoding)
    for start, end, new in edits:
        text.replace(*start, *end, new)
    assert text.length == len(text.source)
    assert text.source == Text(text.source, encoding).source, "no two halves stand side by side"
    assert "".join(text.around(*one)) == text.source
    assert text.around(*text.within(*one)) == text.around(*one)
    part = text.between(*one, *other)
    first, last = sorted((text.within(*one), text.within(*other)))
    assert text.around(*first)[0] + part == text.around(*last)[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_long_text_is_parted_anew_after_edits_near_and_far(seed: int) -> None:
    dice = random.Random(seed)
    text = Text("".join(f"line {number}\n" for number in range(3_000)))
    lines = text.source.splitlines(keepends=True)
    for step in range(200):
        around = 1_500 if step % 20 else dice.randrange(len(lines))
        at, looked = (min(len(lines), max(0, around + dice.randrange(-300, 300))) for _ in range(2))
        gone, new = dice.choice((0, 1, 2)), [f"new {step}\n"] * dice.choice((0, 1, 3))
        lines[at : at + gone] = new
        text.replace(at, 0, at + gone, 0, "".join(new))
        looked = min(looked, len(lines))
        assert text.around(looked, 0) == ("".join(lines[:looked]), "".join(lines[looked:]))


def test_an_edit_touches_no_line_but_its_own() -> None:
    """Not a matter of time: the texts of all other lines stay the very same ones."""
    text = Text("".join(f"line {number}\n" for number in range(1_000)))
    before = list(text._lines)
    text.replace(500, 2, 501, 3, "x\ny")
    kept = zip(chain(before[:500], before[502:]), chain(text._lines[:500], text._lines[502:]), strict=True)
    assert all(one is other for one, other in kept)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("abc", 3, id="ASCII"),
        pytest.param("é€", 2, id="one unit each"),
        pytest.param("a😀b", 4, id="two units for one"),
        pytest.param("a\ud83d", 2, id="half a pair"),
    ],
)
def test_the_length_of_a_text_in_utf16_units_is(text: str, units: int) -> None:
    assert utf16_length(text) == units
