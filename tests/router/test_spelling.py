"""One slip of the finger is understood, two are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.router.spelling import LONGEST_REPAIRED, meant_by, slips_of

SLIPS = slips_of(["refactor", "explain", "test"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("refactor", "refactor", id="as-it-is"),
        pytest.param("refacor", "refactor", id="forgotten"),
        pytest.param("reffactor", "refactor", id="added"),
        pytest.param("refaktor", "refactor", id="replaced"),
        pytest.param("erfactor", "refactor", id="swapped"),
        pytest.param("explian", "explain", id="swapped-near-the-end"),
        pytest.param("rfactro", None, id="two-slips"),
        pytest.param("tst", None, id="too-short"),
        pytest.param("text", "test", id="another-word"),
        pytest.param("r" * (LONGEST_REPAIRED + 1), None, id="too-long"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_what_was_meant(typed: str, meant: str | None) -> None:
    assert meant_by(typed, SLIPS) == meant


@given(st.sampled_from(["refactor", "explain"]), st.data())
def test_any_word_with_one_slip_is_understood(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    for typed in (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        swapped,
    ):
        assert meant_by(typed, SLIPS) == word


@given(st.text(max_size=20))
def test_whatever_is_typed_only_known_words_are_meant(typed: str) -> None:
    assert meant_by(typed, SLIPS) in (None, "refactor", "explain", "test")
