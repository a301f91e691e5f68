"""The one choice that is read, wherever it stands among others."""

import pytest

from farebox.providers.json_value import JsonObject
from farebox.providers.openai_choice import first_choice

A, B = {"index": 0, "text": "a"}, {"index": 1, "text": "b"}


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        pytest.param({"choices": [A, B]}, A, id="the first"),
        pytest.param({"choices": [B, A]}, A, id="by its index, not by its place"),
        pytest.param({"choices": [B]}, {}, id="another alone"),
        pytest.param({"choices": [{"text": "a"}]}, {"text": "a"}, id="without an index"),
        pytest.param({"choices": [{"index": None}]}, {"index": None}, id="an index that is null"),
        pytest.param({"choices": [{"index": "0"}]}, {"index": "0"}, id="an index that is no number"),
        pytest.param({"choices": [7, None]}, {}, id="nonsense"),
        pytest.param({"choices": None}, {}, id="null"),
        pytest.param({"choices": []}, {}, id="none"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_the_choice_that_is_read_is(chunk: JsonObject, expected: JsonObject):
    assert first_choice(chunk) == expected
