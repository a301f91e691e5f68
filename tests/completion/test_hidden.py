"""What nobody would see keeps a suggestion back, unless the document holds it already; and it is named."""

import pytest

from farebox.completion.hidden import MAX_NAMED, hidden_in, why_withheld
from farebox.completion.trim import hidden
from farebox.completion.window import Window


@pytest.mark.parametrize(
    ("text", "before", "after", "found"),
    [
        ("a\u202eb", "", "", ("\u202e",)),
        ("a\u200bb", "\u200b", "", ()),
        ("a\u200bb", "", "\u200b", ()),
        ("a\u200bb\x1b", "\u200b", "", ("\x1b",)),
        ("a\u202eb", "\u202e", "", ("\u202e",)),
        ("\u2066a\u2069", "", "\u2066\u2069", ("\u2066", "\u2069")),
        ("a\U000e0041", "\U000e0041", "", ("\U000e0041",)),
        ("\u200cخ", "API", "", ()),
        ("a\0", "\0", "", ("\0",)),
        ("a\ud800", "\ud800", "", ("\ud800",)),
        ("a\tb\n😀 é", "", "", ()),
    ],
)
def test_what_would_not_be_seen_is_found(text: str, before: str, after: str, found: tuple[str, ...]):
    assert hidden_in(text, Window("a", "python", before, after)) == found


def test_only_what_would_be_shown_of_an_answer_counts():
    window = Window("a", "python", "return ", "\n")
    assert hidden("r * r<|endoftext|>\u202e", window) == ()
    assert hidden("r\u202e * r", window) == ("\u202e",)
    assert hidden(" \n ", window) == ()


def test_a_reason_names_the_characters_and_not_the_text():
    assert why_withheld(("\u202e", "\U000e0041")).endswith(": U+202E, U+E0041")
    assert "U+0008" not in why_withheld(tuple(map(chr, range(30))))
    assert why_withheld(tuple(map(chr, range(30)))).count("U+") == MAX_NAMED
    assert why_withheld(("<secret: password>",)).endswith(
        "stands for a secret in the prompt: <secret: password>"
    )
