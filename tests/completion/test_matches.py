"""What a pattern finds, one by one."""

import re
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.index import IDENTIFIER, identifiers
from farebox.completion.matches import matches
from farebox.completion.nearby import nearby
from farebox.completion.window import Window
from farebox.privacy.texts import secrets_in

LONG = "value = measure(other)\n" * 4_000


def nearby_in(text: str) -> object:
    return nearby(Window("a.py", "python", text, ""), count=lambda _: 1, files=2)


@given(st.text())
def test_it_finds_what_findall_does(text: str):
    assert list(matches(IDENTIFIER, text)) == IDENTIFIER.findall(text)


def test_words_are_those_of_the_whole_match():
    assert list(matches(re.compile("b."), "abcabd")) == ["bc", "bd"]


@pytest.mark.parametrize("read", [identifiers, secrets_in, nearby_in])
def test_the_words_of_a_long_text_are_never_all_there_at_once(read: Callable[[str], object]):
    read(LONG)  # what the first one leaves for the next ones is no part of it
    tracemalloc.start()
    try:
        read(LONG)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * len(LONG)  # some copies of the text; a list of its words takes eight to twelve
