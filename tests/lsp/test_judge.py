"""The judge of all messages is itself judged: what is wrong must not pass."""

import io

import pytest

from support.metamodel import Json, error_problems, has_meta_model, problems
from support.traffic import Malformed, frame, judge, read_all

HERE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
ITEM = {"insertText": "x", "range": HERE, "command": {"title": "t", "command": "c", "arguments": ["i"]}}
ASKED: Json = {"jsonrpc": "2.0", "id": 1, "method": "shutdown"}
ANSWER: Json = {"jsonrpc": "2.0", "id": 1, "result": None}
HINTED = {"kind": "config", "hint": "Do it."}


def test_a_valid_answer_passes() -> None:
    assert list(problems("textDocument/inlineCompletion", "result", {"items": [ITEM]})) == []
    assert judge([ASKED], [ANSWER]) == []


@pytest.mark.parametrize(
    ("method", "part", "value"),
    [
        pytest.param("textDocument/inlineCompletion", "result", {"items": [{"insert_text": "x"}]}, id="case"),
        pytest.param(
            "textDocument/inlineCompletion", "result", {"items": [{**ITEM, "x": 1}]}, id="extra key"
        ),
        pytest.param("textDocument/inlineCompletion", "result", {}, id="missing key"),
        pytest.param("initialize", "result", {"capabilities": {"hoverProvide": True}}, id="capability"),
        pytest.param("window/showMessage", "params", {"type": 9, "message": "x"}, id="enumeration"),
        pytest.param("farebox/status", "params", {"state": "fine", "message": "x"}, id="our state"),
        pytest.param("farebox/chatEvent", "params", {"conversation": "c", "turn": "t"}, id="our event"),
        pytest.param("farebox/setModel", "result", {"extra": 1}, id="our result"),
        pytest.param("farebox/nothing", "params", {}, id="no such method"),
    ],
)
def test_what_no_specification_allows_is_found(method: str, part: str, value: Json) -> None:
    found = list(problems(method, part, value))
    assert found
    if has_meta_model() and not method.startswith("farebox/"):
        assert len(found) >= 2, "one of the two sources lets it pass"


@pytest.mark.parametrize(
    "error",
    [
        pytest.param({"code": -32050, "message": "x"}, id="no kind"),
        pytest.param({"code": -32051, "message": "x", "data": HINTED}, id="another kind's code"),
        pytest.param({"code": -32050, "message": "x", "data": {**HINTED, "hint": ""}}, id="no hint"),
        pytest.param({"code": -1, "message": "x"}, id="an unknown code"),
        pytest.param({"code": -32603, "message": "Traceback (most recent call last)"}, id="a traceback"),
    ],
)
def test_an_error_of_the_wrong_form_is_found(error: Json) -> None:
    assert list(error_problems(error))
    assert not list(error_problems({"code": -32050, "message": "x", "data": HINTED}))


@pytest.mark.parametrize(
    ("received", "words"),
    [
        pytest.param([], "answered 0 times", id="no answer"),
        pytest.param([ANSWER, ANSWER], "answered 2 times", id="two answers"),
        pytest.param([ANSWER, {**ANSWER, "id": "1"}], "an answer to no request", id="another id"),
        pytest.param([{**ANSWER, "error": {}}], "not exactly one", id="result and error"),
    ],
)
def test_a_request_is_answered_exactly_once(received: list[Json], words: str) -> None:
    assert any(words in fault for fault in judge([ASKED], received))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"hello\n" + frame(ANSWER), id="before"),
        pytest.param(frame(ANSWER) + b"hello\n", id="after"),
        pytest.param(frame(ANSWER)[:-1], id="cut off"),
        pytest.param(b'Content-Length: 31\r\n\r\n{"jsonrpc":"2.0","result":NaN  }', id="NaN"),
        pytest.param(frame({**ANSWER, "result": "\ud800"}), id="half a character"),
        pytest.param(frame([]), id="no object"),  # pyright: ignore[reportArgumentType]  that is the point
    ],
)
def test_whatever_is_no_message_is_found_on_stdout(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_all(io.BytesIO(raw))
    assert read_all(io.BytesIO(frame(ANSWER) * 2)) == [ANSWER, ANSWER]


def test_what_the_client_has_not_offered_is_found() -> None:
    asked: Json = {"jsonrpc": "2.0", "id": "s1", "method": "workspace/workspaceFolders", "params": None}
    assert any("offered" in fault for fault in judge([ASKED], [ANSWER, asked]))

    params = {
        "processId": None,
        "rootUri": None,
        "capabilities": {"general": {"positionEncodings": ["utf-32"]}},
    }
    initialize: Json = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    for chosen, is_offered in (("utf-8", False), ("utf-16", True), ("utf-32", True)):
        faults = judge([initialize], [{**ANSWER, "result": {"capabilities": {"positionEncoding": chosen}}}])
        assert any("offered" in fault for fault in faults) is not is_offered
