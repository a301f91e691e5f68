"""What nobody sees is written out where it stands out of place, and what people write is untouched."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farebox.unseen import MAX_WRITTEN, Running, clean, code_point, out_of_place, shown, shown_in
from support.unseen import LEGITIMATE, dangerous

MISPLACED = {
    "escape": ("\x1b[2J", "\\u{1b}[2J"),
    "title": ("\x1b]0;pwned\x07", "\\u{1b}]0;pwned\\u{7}"),
    "clipboard": ("\x1b]52;c;cm0=\x07", "\\u{1b}]52;c;cm0=\\u{7}"),
    "one-byte-escape": ("\x9b1A", "\\u{9b}1A"),
    "backspace": ("ab\b\bcd", "ab\\u{8}\\u{8}cd"),
    "null": ("a\0b", "a\\u{0}b"),
    "lone-carriage-return": ("safe\revil", "safe\\u{d}evil"),
    "delete": ("\x7f", "\\u{7f}"),
    "trojan-source": ("/*\u202e } \u2066if\u2069*/", "/*\\u{202e} } \\u{2066}if\\u{2069}*/"),
    "bidi-control-beside-hebrew": ("א\u202eב", "א\\u{202e}ב"),
    "mark-in-latin": ("admin\u200f", "admin\\u{200f}"),
    "two-marks": ("א\u200f\u200f", "א\u200f\\u{200f}"),
    "no-width": ("pass\u200bword", "pass\\u{200b}word"),
    "joiner-in-latin": ("pass\u200dword", "pass\\u{200d}word"),
    "joiner-behind-a-picture": ("😀\u200dx", "😀\\u{200d}x"),
    "joiner-before-a-latin-letter": ("API\u200cs", "API\\u{200c}s"),
    "joiner-alone": ("\u200cخ", "\\u{200c}خ"),
    "zero-width-joiner-before-persian": ("API\u200dخ", "API\\u{200d}خ"),
    "form-behind-a-letter": ("a\U000e0100", "a\\u{e0100}"),
    "two-forms": ("葛\U000e0100\U000e0100", "葛\U000e0100\\u{e0100}"),
    "no-form": ("葛\U000e01f0", "葛\\u{e01f0}"),
    "two-joiners": ("می\u200c\u200cخ", "می\u200c\\u{200c}خ"),
    "style-behind-a-letter": ("a\ufe0f", "a\\u{fe0f}"),
    "style-behind-a-digit": ("1\ufe0f2", "1\\u{fe0f}2"),
    "style-alone": ("\ufe0f\u20e3", "\\u{fe0f}\u20e3"),
    "two-styles": ("❤\ufe0f\ufe0f", "❤\ufe0f\\u{fe0f}"),
    "hidden-bytes": ("😀\U000e0100\U000e0101", "😀\\u{e0100}\\u{e0101}"),
    "tags": ("hi\U000e0068\U000e0069", "hi\\u{e0068}\\u{e0069}"),
    "a-flag-of-nowhere": ("🏴\U000e0061\U000e007f", "🏴\\u{e0061}\\u{e007f}"),
    "soft-hyphen": ("pass\u00adword", "pass\\u{ad}word"),
    "annotation": ("\ufff9a\ufffab\ufffb", "\\u{fff9}a\\u{fffa}b\\u{fffb}"),
    "hangul-filler": ("const \u3164 = 1", "const \\u{3164} = 1"),
    "byte-order-mark": ("a\ufeffb", "a\\u{feff}b"),
    "line-separator": ("a // \u2028b()", "a // \\u{2028}b()"),
    "half-a-character": ("\ud83d!", "\\u{d83d}!"),
}

UNSEEN = "".join(text for text, _ in MISPLACED.values())
ALPHABET = (
    UNSEEN + "".join(LEGITIMATE.values()) + "\u200c\u200d\u200e\u200f\ufe0e\ufe0f\ude00\ufeff\r\n aZ1א😀❤🏴"
)
TEXT = st.one_of(st.text(ALPHABET), st.text(), st.lists(st.sampled_from([*LEGITIMATE.values()])).map("".join))
CUTS = st.lists(st.integers(0, 60), max_size=8)


def in_pieces(text: str, cuts: list[int]) -> str:
    running, at, given = Running(), 0, ""
    for cut in sorted(cuts):
        given += running.more(text[at : max(at, cut)])
        at = max(at, cut)
    return given + running.more(text[at:]) + running.end()


@pytest.mark.parametrize("text", LEGITIMATE.values(), ids=LEGITIMATE)
def test_what_people_write_is_untouched(text: str):
    assert shown(text) == text
    assert clean(text) == text.translate(dict.fromkeys(map(ord, "\r\n\t")))
    assert out_of_place(text) == ()
    assert out_of_place(text, "x = '", "'\n") == ()


@pytest.mark.parametrize(("text", "written"), MISPLACED.values(), ids=MISPLACED)
def test_what_is_out_of_place_is_written_out(text: str, written: str):
    assert shown(text) == written
    assert out_of_place(text)
    assert clean(text) == written


@given(text=TEXT)
def test_nothing_dangerous_is_left(text: str):
    assert not dangerous(shown(text))
    assert not dangerous(clean(text), kept="")
    assert clean(shown(text)) == clean(text)


@given(text=TEXT)
@example("א" + "\0" * 40 + "\u200f")
@example("א\u200f\n\u200fא")
@example("\0\ufe0f\u20e3")
def test_what_was_written_out_once_stays_as_it_is(text: str):
    once = shown(text)
    assert shown(once) == once
    assert clean(clean(text)) == clean(text)


@given(text=TEXT, cuts=CUTS)
@example("\ud83d\ude00", [1])
@example("a\r\nb", [2])
@example("👩🏽\u200d💻", [2, 3])
@example("\u200f(((((((א", [1, 3])
@example("API\u200cخ", [3, 4])
@example("葛\U000e0100", [1])
def test_pieces_give_what_the_whole_gives(text: str, cuts: list[int]):
    assert in_pieces(text, cuts) == shown(text)


@given(text=TEXT, before=TEXT, after=TEXT)
def test_only_what_is_in_the_text_is_named(text: str, before: str, after: str):
    assert set(out_of_place(text, before, after)) <= set(text)


@given(text=st.text(ALPHABET))
def test_what_belongs_is_what_is_not_named(text: str):
    bare = text.removeprefix("\ufeff")
    assert (shown(bare) == bare) == (not out_of_place(bare, "x"))


def test_a_piece_without_anything_unseen_is_given_at_once():
    running = Running()
    assert [running.more(piece) for piece in ("Hello ", "יש ", "👍")] == ["Hello ", "יש ", "👍"]
    assert running.end() == ""


def test_what_is_held_back_is_short():
    running = Running()
    assert running.more("x" * 1_000 + "\u200f" + "y" * 5) == "x" * 1_000
    assert running.more("y" * 100) + running.end() == "\\u{200f}" + "y" * 105


def test_the_halves_of_a_character_are_put_together_even_if_the_stream_was_cut_between_them():
    running = Running()
    assert running.more("a\ud83d") + running.more("\ude00b") + running.end() == "a😀b"


@pytest.mark.parametrize("text", ["\ufeffimport os\n", "\ufeff"])
def test_a_byte_order_mark_belongs_where_a_document_begins(text: str):
    assert out_of_place(text) == ()
    assert out_of_place(text, "x = 1\n") == ("\ufeff",)


def test_what_goes_before_tells_what_belongs():
    assert out_of_place("\u200d💻", "👩") == ()
    assert out_of_place("\u200d💻", "a") == ("\u200d",)
    assert out_of_place("\u200f!", "שלום") == ()
    assert out_of_place("\u200f", "", "שלום") == ()


def test_each_character_is_named_once_as_unicode_names_it():
    assert [*map(code_point, out_of_place("a\x1b\u202e\x1b\U000e0041"))] == ["U+001B", "U+202E", "U+E0041"]


def test_in_a_json_value_every_text_is_shown_and_the_names_of_fields_too():
    value = {"a\x1b": ["b\u202e", {"c": "d\0"}], "n": 1, "t": True, "z": None, "f": 1.5}
    assert shown_in(value) == {
        "a\\u{1b}": ["b\\u{202e}", {"c": "d\\u{0}"}], "n": 1, "t": True, "z": None, "f": 1.5,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["\0", "\u200f", "a\u200b", "א\u200f\u200f", "🏴\U000e0067"])
def test_a_flood_neither_grows_without_bound_nor_takes_long(text: str):
    flood = text * 200_000
    begun_s = time.monotonic()
    assert len(shown(flood)) <= len(flood) + 9 * MAX_WRITTEN
    assert not dangerous(shown(flood))
    assert time.monotonic() - begun_s < 20
