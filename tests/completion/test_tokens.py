"""A text as tokens, and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.completion.tokens import UNSAID, kind_of, pieces, text_of, token_of

TEXTS = st.text(st.sampled_from("ab_ 1(\n\t=\"'é"), max_size=60)


@given(TEXTS)
@settings(deadline=None)
def test_pieces_joined_are_the_text(text: str):
    assert "".join(pieces(text)) == text


@given(TEXTS)
@settings(deadline=None)
def test_a_text_comes_back_but_for_what_does_not_show(text: str):
    said: list[str] = []
    indent = shown_indent = ""
    for piece in pieces(text):
        token, indent = token_of(piece, indent)
        written = text_of(token, shown_indent, "\n")
        assert written is not None
        shown, shown_indent = written
        said.append(shown)
        assert shown_indent == indent
    assert "".join("".join(said).split()) == "".join(text.split())
    assert "".join(said).count("\n") <= text.count("\n")


@pytest.mark.parametrize(
    ("piece", "indent", "token", "below"),
    [
        pytest.param("\n    ", "    ", "\n>", "    ", id="same"),
        pytest.param("\n        ", "    ", "\n>    ", "        ", id="deeper"),
        pytest.param("  \n\n    ", "        ", "\n\n<4", "    ", id="back-after-a-blank-line"),
        pytest.param("\r\n\t", "    ", "\n=\t", "\t", id="tab-after-spaces"),
        pytest.param("\n\n\n\n\n", "", "\n\n\n>", "", id="many-blank-lines"),
    ],
)
def test_a_line_break_is_told_by_the_change_of_indentation(piece: str, indent: str, token: str, below: str):
    assert token_of(piece, indent) == (token, below)


def test_a_line_break_can_be_taken_to_another_depth():
    assert text_of("\n>    ", "\t", "\r\n") == ("\r\n\t    ", "\t    ")
    assert text_of("\n<4", "        ", "\n") == ("\n    ", "    ")
    assert text_of("\n<4", "  ", "\n") is None


def test_what_looks_like_a_key_is_no_token():
    assert token_of(" A1b2C3d4E5f6G7h8I9", "") == (UNSAID, "")
    assert token_of("x" * 65, "") == (UNSAID, "")
    assert text_of(UNSAID, "", "\n") is None


def test_words_that_begin_alike_are_of_one_kind():
    assert kind_of(" register") == kind_of("reg") != 0
    assert kind_of("register") != kind_of("reader")
    assert kind_of("re") == kind_of("\n>   ") == kind_of("  ") == kind_of("123") == 0
