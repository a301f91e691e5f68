"""The places of a text that share most with some words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.windows import CHARS_AFTER, CHARS_BEFORE, lines_around, lines_of, stretches

FILLER = "nothing here\n" * 60


def test_the_place_with_most_of_the_words_comes_first_and_no_other_is_near_it():
    text = "alpha\n" + FILLER + "alpha\nbeta\n" + FILLER + "beta\n"
    found = stretches(text, [("alpha", 1.0), ("beta", 0.5)], most=3)
    assert [stretch.score for stretch in found] == [1.5, 1.0, 0.5]
    assert text[found[0].at :].startswith("alpha\nbeta")
    assert len(stretches(text, [("alpha", 1.0), ("beta", 0.5)], most=1)) == 1


def test_a_word_that_is_repeated_counts_once():
    found = stretches("alpha alpha alpha\n", [("alpha", 1.0)], most=5)
    assert [stretch.score for stretch in found] == [1.0]


@given(text=st.text("ab \n", max_size=2_000), most=st.integers(1, 5))
def test_places_are_apart_and_count_what_is_there(text: str, most: int):
    words = [("a", 0.5), ("ab", 1.0), ("ba", 2.0)]
    found = stretches(text, words, most=most)
    assert len(found) <= most
    for stretch in found:
        near = text[max(0, stretch.at - CHARS_BEFORE) : stretch.at + CHARS_AFTER + 2]
        assert 0 < stretch.score <= sum(weight for word, weight in words if word in near) + 1e-9
        assert sum(abs(stretch.at - other.at) <= CHARS_BEFORE + CHARS_AFTER for other in found) == 1


@given(
    lines=st.lists(st.text("ab", max_size=5), min_size=1, max_size=30),
    place=st.integers(0, 10_000),
    before=st.integers(0, 4),
    after=st.integers(1, 6),
)
def test_lines_around_a_place_are_whole_lines(lines: list[str], place: int, before: int, after: int):
    text = "\n".join(lines)
    at = place % max(1, len(text))
    number = text.count("\n", 0, at)
    start, cut = lines_around(text, at, before=before, after=after)
    first = max(0, number - before)
    assert text.count("\n", 0, start) == first
    assert cut == lines[first : first + len(cut)]
    assert first <= number < first + len(cut) or text[at : at + 1] == "\n"


@given(lines=st.lists(st.text("ab", max_size=5), min_size=1, max_size=30), first=st.integers(0, 40))
@pytest.mark.parametrize("count", [0, 1, 5])
def test_lines_by_their_numbers_are_those_of_the_text(lines: list[str], first: int, count: int):
    assert lines_of("\n".join(lines), first, first + count) == lines[first : first + count]
