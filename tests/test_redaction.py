"""A key in other people's words: found however it is written, and nothing else taken out."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.redaction import Redaction

PLAIN = "abcDEF0123456789zyxWVU9876543210"


def all_as(form: str, key: str = PLAIN) -> str:
    return "".join(form.format(letter, ord(letter)) for letter in key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(f"bad key {PLAIN}, {PLAIN}", "bad key <secret>, <secret>", id="as it is"),
        pytest.param(f"oops {PLAIN[:28]} is wrong", "oops <secret> is wrong", id="its beginning"),
        pytest.param(f"oops …{PLAIN[20:]}", "oops …<secret>", id="its last twelve characters"),
        pytest.param(f"{PLAIN[:14]}...{PLAIN[-14:]}", "<secret>...<secret>", id="without its middle"),
        pytest.param(f"no {PLAIN.lower()}", "no <secret>", id="in small letters"),
        pytest.param(f"no {PLAIN.upper()}", "no <secret>", id="in large letters"),
        pytest.param(f'x {{"k":"{PLAIN}"', 'x {"k":"<secret>"', id="in broken JSON"),
        pytest.param(f'{{"k":"{all_as(chr(92) + "u{1:04x}")}"', '{"k":"<secret>"', id="in escapes"),
        pytest.param(f"k={all_as(chr(92) * 4 + 'u{1:04X}')}.", "k=<secret>.", id="in escapes of escapes"),
        pytest.param(f"b'{all_as(chr(92) + 'x{1:02x}')}'", "b'<secret>'", id="in bytes"),
        pytest.param(f"?k={all_as('%{1:02x}')}&a", "?k=<secret>&a", id="in an address"),
        pytest.param(f"?k={all_as('%25{1:02X}')}&a", "?k=<secret>&a", id="in an address twice"),
        pytest.param(f"{PLAIN[:9]}%{ord(PLAIN[9]):x}{PLAIN[10:]}", "<secret>", id="one letter in an escape"),
        pytest.param(f"{PLAIN[:9]}\n{PLAIN[9:]}", "<secret>", id="on two lines"),
        pytest.param(f"{PLAIN[:9]}\\r\\n{PLAIN[9:]}", "<secret>", id="on two lines in JSON"),
        pytest.param("\u200b".join(PLAIN), "<secret>", id="with what does not show"),
        pytest.param(f"{PLAIN}{PLAIN}", "<secret>", id="twice at once"),
        pytest.param("abcDEF01234 zyxWVU98765", "abcDEF01234 zyxWVU98765", id="too little of it"),
        pytest.param("100% of C:\\new\\x, caf\u00e9", "100% of C:\\new\\x, caf\u00e9", id="words"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_key_and_its_parts_are_taken_out_of_a_text(text: str, shown: str):
    assert Redaction(PLAIN).redact(text) == shown
    assert Redaction(PLAIN).is_in(text) == ("<secret>" in shown)


@pytest.mark.parametrize(
    ("key", "text", "shown"),
    [
        pytest.param("hunter2", "x-hunter2-y, HUNTER2z", "x-<secret>-y, <secret>z", id="short: anywhere"),
        pytest.param("hunter2", "hunter is fine, and unter2", "hunter is fine, and unter2", id="as a whole"),
        pytest.param("ab/cd/e", "no ab\\/cd\\/e", "no <secret>", id="with slashes, as PHP writes them"),
        pytest.param('a\\b"c%41d', 'no a\\\\b\\"c%41d', "no <secret>", id="with quotes, in JSON"),
        pytest.param("41abcdef", "%41abcdef \\41abcdef", "%<secret> \\<secret>", id="after half an escape"),
        pytest.param("none", "none; is None known?", "<secret>; is <secret> known?", id="a placeholder"),
        pytest.param("k", "a key: k", "a key: <secret>", id="a letter"),
        pytest.param("\\\\\\n\\n\\n", "an n, \\\\\\n\\n\\n", "an n, <secret>", id="nothing but escapes"),
    ],
)
def test_a_short_or_strange_key_is_taken_out_as_a_whole(key: str, text: str, shown: str):
    assert Redaction(key).redact(text) == shown


def test_a_placeholder_is_in_no_text():
    """Its words are no secret, and a model that is called so must not get lost."""
    assert not Redaction("none").is_in("none")
    assert Redaction("hunter2").is_in("qwen-hunter2")


@given(
    key=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=12, max_size=60),
    before=st.text(max_size=30),
    after=st.text(max_size=30),
)
def test_whatever_is_around_a_key_it_does_not_stay(key: str, before: str, after: str):
    shown = Redaction(key).redact(f"{before}{key}{after}")
    assert key not in shown.replace("<secret>", "\0")
    assert Redaction(key).redact("") == ""


@pytest.mark.parametrize("key", ["a" * 4095 + "b", "k" * 4096, PLAIN], ids=["near", "alike", "usual"])
@pytest.mark.parametrize("piece", ["a", "k", "\\", "%25", "\\u0061", "\u200b", PLAIN[:12], PLAIN])
def test_no_text_takes_long_to_redact(key: str, piece: str):
    redaction, text = Redaction(key), piece * (200_000 // len(piece))
    started_s = time.process_time()
    redaction.redact(text)
    assert time.process_time() - started_s < 2
