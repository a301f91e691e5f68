"""The door's events as a client gets them."""

import pytest

from farebox.lsp.events import shape
from farebox.messages import Retrying, Target, ToolCall


def test_a_retry_is_told_with_its_count_and_its_reason():
    sent = shape(Retrying(1, 3, Target("acme", "m"), 0.5, error="acme answered 503")).json_value()
    assert sent == {
        "type": "retry",
        "attempt": 1,
        "maxAttempts": 3,
        "model": "acme/m",
        "error": "acme answered 503",
    }


def test_arguments_are_an_object():
    assert shape(ToolCall("call_1", "f", '{"a": [1]}')).json_value()["arguments"] == {"a": [1]}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("[" * 2000 + "]" * 2000, id="too deep for the parser"),
        pytest.param('{"a":' + "[" * 400 + "]" * 400 + "}", id="too deep for what writes the message"),
    ],
)
def test_arguments_that_nest_too_deeply_are_kept_as_their_text(arguments: str):
    sent = shape(ToolCall("call_1", "f", arguments))
    assert sent.json_value()["arguments"] == {"text": arguments}
