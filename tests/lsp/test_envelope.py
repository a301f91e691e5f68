"""Which JSON values are messages, and with which id the others are answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.lsp.envelope import MAX_ID_CHARS, Answer, Invalid, Notification, Request, read
from support.metamodel import Json

V: Json = {"jsonrpc": "2.0"}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON_VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=7), inner, max_size=3),
)
NAMES = st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({**V, "id": 1, "method": "a"}, Request(1, "a", None)),
        ({**V, "id": "x", "method": "a", "params": [1]}, Request("x", "a", [1])),
        ({**V, "id": 0, "method": "a", "params": {}}, Request(0, "a", {})),
        ({**V, "method": "a", "params": None}, Notification("a", None)),
        ({**V, "id": 1, "result": None}, Answer(1, None, None)),
        ({**V, "id": "x", "error": {"code": 1}}, Answer("x", None, {"code": 1})),
        ({**V, "id": None, "error": {"code": 1}}, Answer(None, None, {"code": 1})),
    ],
)
def test_a_message_is_read_for_what_it_is(value: Json, expected: object) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("value", "message_id"),
    [
        ([{**V, "id": 1, "method": "a"}], None),
        ([], None),
        (5, None),
        ("a", None),
        (None, None),
        ({}, None),
        ({"id": 1, "method": "a"}, 1),
        ({"jsonrpc": "1.0", "id": "x", "method": "a"}, "x"),
        ({"jsonrpc": 2.0, "id": 1, "method": "a"}, 1),
        ({**V, "id": 7}, 7),
        ({**V, "id": 7, "method": 5}, 7),
        ({**V, "method": None}, None),
        ({**V, "id": None, "method": "a"}, None),
        ({**V, "id": True, "method": "a"}, None),
        ({**V, "id": 1.5, "method": "a"}, None),
        ({**V, "id": [1], "method": "a"}, None),
        ({**V, "id": "x" * (MAX_ID_CHARS + 1), "method": "a"}, None),
    ],
)
def test_what_is_no_message_is_answered_with_its_id_if_it_has_one(value: object, message_id: object) -> None:
    invalid = read(value)
    assert isinstance(invalid, Invalid)
    assert invalid.id == message_id
    assert type(invalid.id) is type(message_id)
    assert invalid.words


@given(JSON_VALUES | st.dictionaries(NAMES, JSON_VALUES | st.just("2.0")))
def test_every_value_is_one_of_the_four(value: object) -> None:
    assert isinstance(read(value), Request | Notification | Answer | Invalid)
