"""A text that may be cut in pieces: no secret in it, and its lines where they were."""

import base64
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from farebox.privacy.blanks import blanked
from farebox.privacy.texts import secrets_in

BODY = [base64.b64encode(hashlib.sha384(bytes([number])).digest()).decode() for number in range(8)]
KEY = "\n".join(["-----BEGIN PRIVATE KEY-----", *BODY, "-----END PRIVATE KEY-----"])
NAMED = 'api_key = "q8Zt2LmX9vRb4KcW7nYd"'
PIECES = st.lists(st.sampled_from([KEY, NAMED, "a = 1", "é😀", "\r\n", "\n", ""]), max_size=8)


@given(pieces=PIECES)
def test_nothing_of_a_secret_is_left_and_every_line_is_at_its_place(pieces: list[str]):
    text = "\n".join(pieces)
    left = blanked(text)
    assert left.count("\n") == text.count("\n")
    assert not any(line in left for line in (*BODY, NAMED[11:-1]))
    assert "<secret" not in left, "nobody shall be offered a mask as code"
    if not secrets_in(text):
        assert left == text


def test_what_stands_around_a_secret_stays():
    assert blanked(f"a\n{NAMED}\nb\n") == 'a\napi_key = ""\nb\n'
