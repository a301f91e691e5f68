"""A loop at the end is said once; what goes on is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.repetition import without_repetition


@pytest.mark.parametrize(
    ("text", "before", "kept"),
    [
        pytest.param("again()\nagain()", "", "again()\nagain()", id="twice"),
        pytest.param("again()\nagain()\nagain()\na", "", "again()", id="thrice"),
        pytest.param("again(1)\n    again(1)\n    again(1)", "    ", "again(1)", id="behind-indentation"),
        pytest.param("a_b\nc_d\na_b\nc_d\na_b\nc_d", "", "a_b\nc_d", id="two-lines"),
        pytest.param(
            "again()\nagain()\nagain()\nstop()", "", "again()\nagain()\nagain()\nstop()", id="it-ends"
        ),
        pytest.param("x = " + "abc, " * 20, "", "x = abc,", id="in-a-line"),
        pytest.param("# " + "-" * 70, "", "# " + "-" * 70, id="a-ruler"),
        pytest.param("[" + "0, " * 20, "", "[" + "0, " * 20, id="zeros"),
    ],
)
def test_a_loop_is_cut(text: str, before: str, kept: str):
    assert without_repetition(text, before).rstrip() == kept.rstrip()


@given(st.text(alphabet="ab\n ", max_size=400), st.sampled_from(["", "    "]))
def test_only_the_end_is_cut(text: str, before: str):
    assert text.startswith(without_repetition(text, before))


@pytest.mark.parametrize("piece", ["a", "ab", "a\n", "\n", "aab" * 40 + "b"])
def test_a_long_hostile_text_takes_no_longer_than_its_length(piece: str):
    assert len(without_repetition((piece * 16_000)[:16_000], "")) <= 16_000
