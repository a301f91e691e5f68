"""JSON that is none is refused on its way in, and never written on its way out."""

import json
import math
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.lsp.strict_json import NotJson, dump, is_json, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    assert parse(dump(value)) == value


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"{} {}", id="two-values"),
        pytest.param(b"{'secret': 1}", id="another-language"),
        pytest.param(b'"\xff secret"', id="no-UTF-8"),
        pytest.param('"secret"'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'"\xed\xa0\x80"', id="a-surrogate-in-UTF-8"),
        pytest.param(b'["secret", NaN]', id="NaN"),
        pytest.param(b"-Infinity", id="infinity"),
        pytest.param(b"1e999", id="an-infinity-in-digits"),
        pytest.param(b"9" * 5_000, id="5000-digits"),
        pytest.param(b"[" * 100_000, id="depth"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="depth-of-objects"),
        pytest.param(b'"secret\n"', id="a-line-end-in-text"),
    ],
)
def test_what_is_no_json_is_refused_without_a_word_of_it(body: bytes) -> None:
    with pytest.raises(NotJson) as refused:
        parse(body)
    assert not is_json(body)
    assert str(refused.value)
    assert "secret" not in str(refused.value)
    assert "9" not in str(refused.value)


def test_a_byte_order_mark_and_spaces_around_are_no_fault() -> None:
    assert parse(b'\xef\xbb\xbf {"a": [1.5]}\r\n') == {"a": [1.5]}


@pytest.mark.parametrize("value", [math.nan, [math.inf], object(), {"a": {1, 2}}, {(1,): 2}])
def test_what_json_can_not_say_is_not_written(value: object) -> None:
    with pytest.raises(NotJson):
        dump(value)


def test_what_is_nested_in_itself_is_not_written() -> None:
    knot: list[object] = []
    knot.append(knot)
    with pytest.raises(NotJson):
        dump(knot)


def test_another_value_is_written_as_what_stands_for_it() -> None:
    assert json.loads(dump({"a": {3}}, default=lambda one: [*cast("set[int]", one)])) == {"a": [3]}


def test_half_a_character_is_written_as_a_replacement_and_two_halves_as_one() -> None:
    assert dump(["\ud800x", "\ude00", "\ud83d" + "\ude00"]) == '["\ufffdx","\ufffd","😀"]'.encode()
    assert dump({"\udfff": "é"}) == '{"\ufffd":"é"}'.encode()


def test_half_a_character_that_is_escaped_is_read() -> None:
    assert parse(rb'"\ud800"') == "\ud800"
