"""Words that come in pieces: put together in order, within their bound, and cheap to keep."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.providers.sse import TooLong
from farebox.providers.words import Words


@given(pieces=st.lists(st.text(max_size=9)))
def test_pieces_are_put_together_in_order(pieces: list[str]):
    words = Words(10_000, "they are")
    for piece in pieces:
        words.add(piece)
    assert words.whole() == "".join(pieces)
    assert len(words) == len(words.whole())


def test_beyond_the_bound_they_are_named():
    words = Words(5, "its thoughts are")
    words.add("12345")
    with pytest.raises(TooLong, match="its thoughts are longer than 5 characters"):
        words.add("6")


def test_single_characters_take_no_more_than_the_text_of_them():
    words = Words(1_000_000, "they are")
    tracemalloc.start()
    for _ in range(500_000):
        words.add("中")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 500_000 * 12
