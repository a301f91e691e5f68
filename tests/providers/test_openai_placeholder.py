"""Reasoning that is none is not shown; all other reasoning is, whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.providers.openai_placeholder import MAX_HELD_CHARS, PlaceholderFilter


def check(*pieces: str) -> list[str]:
    """Return what is shown after each piece and at the end."""
    placeholders = PlaceholderFilter()
    return [*(placeholders.feed(piece) for piece in pieces), placeholders.end()]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(["Thinking..."], id="once"),
        pytest.param(["Thinking...", " ", "Thinking... "], id="again and again"),
        pytest.param(["\nThin", "king", ".", "..\n\nThinking…"], id="in fragments"),
        pytest.param(["Thinking... "] * MAX_HELD_CHARS, id="without end"),
        pytest.param([""], id="nothing"),
    ],
)
def test_a_placeholder_is_not_shown(pieces: list[str]):
    assert "".join(check(*pieces)) == ""


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param(["So", " be it"], ["So", " be it", ""], id="anything else, at once"),
        pytest.param(["Thinking", " about it"], ["", "Thinking about it", ""], id="begins alike"),
        pytest.param(["Thinking... ", "Now"], ["", "Thinking... Now", ""], id="after a placeholder"),
        pytest.param(["Thinking"], ["", "Thinking"], id="the bare word, at the end"),
        pytest.param(
            ["x", "Thinking..."], ["x", "Thinking...", ""], id="a placeholder inside real reasoning"
        ),
        pytest.param([" ", "\n"], ["", "", " \n"], id="blanks"),
    ],
)
def test_real_reasoning_is_shown(pieces: list[str], expected: list[str]):
    assert check(*pieces) == expected


@given(
    st.text(st.sampled_from("Thinkg.… x"), max_size=60)
    | st.sampled_from(["Thinking... Thinking...", "Think"]),
    st.data(),
)
def test_however_it_is_split_reasoning_is_shown_whole_or_not_at_all(words: str, data: st.DataObject):
    pieces: list[str] = []
    rest = words
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.append(rest[:size])
        rest = rest[size:]
    hidden = re.fullmatch(r"\s*(Thinking(\.\.\.|…)\s*)+", words) is not None
    assert "".join(check(*pieces)) == ("" if hidden else words)
