"""``farebox schema``: one JSON schema document that holds together and leaves no method out."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from farebox.cli.schema import schema
from farebox.errors import Kind
from farebox.lsp.names import CHAT_EVENT, METHODS, STATUS
from support.environment import clean_environment
from support.patience import WAIT_S

DOCUMENT: dict[str, Any] = json.loads(json.dumps(schema()))


def everything(value: object) -> Iterator[dict[str, object]]:
    """Yield every object of a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from everything(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner)


def validator(reference: object) -> Draft202012Validator:
    assert isinstance(reference, dict)
    return Draft202012Validator({**reference, "$defs": DOCUMENT["$defs"]})


def test_the_command_prints_it(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "farebox", "schema"],
        env=clean_environment(tmp_path),
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=True,
    )
    assert json.loads(done.stdout) == DOCUMENT


def test_it_is_a_valid_schema():
    assert DOCUMENT["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(DOCUMENT)
    for definition in DOCUMENT["$defs"].values():
        Draft202012Validator.check_schema(definition)


def test_every_method_is_there_as_a_request_and_as_a_command():
    assert set(DOCUMENT["methods"]) == set(METHODS)
    for name, method in DOCUMENT["methods"].items():
        assert (method["request"], method["command"]) == (f"farebox/{name}", f"farebox.{name}")
        assert set(method) == {"request", "command", "params", "result"}
    assert set(DOCUMENT["notifications"]) == {CHAT_EVENT, STATUS}


def test_every_reference_leads_somewhere():
    references = [one["$ref"] for one in everything(DOCUMENT) if isinstance(one.get("$ref"), str)]
    assert len(references) > len(METHODS)
    for reference in references:
        _, definitions, name = str(reference).split("/")
        assert definitions == "$defs"
        assert name in DOCUMENT["$defs"]


def test_every_kind_of_error_has_a_code_of_its_own():
    codes = DOCUMENT["errorCodes"]
    assert set(codes) == set(get_args(Kind))
    assert len(set(codes.values())) == len(codes)
    assert all(-32099 <= code <= -32050 for code in codes.values())


def test_keys_are_camel_case():
    for definition in DOCUMENT["$defs"].values():
        for name in definition.get("properties", {}):
            assert "_" not in name
            assert name[0].islower()


@pytest.mark.parametrize(
    ("method", "params", "valid"),
    [
        pytest.param("chat", {"text": "hi"}, True, id="chat"),
        pytest.param(
            "chat", {"text": "hi", "attachments": [{"name": "a", "text": "b"}]}, True, id="attached"
        ),
        pytest.param("chat", {}, False, id="chat-without-text"),
        pytest.param("chat", {"text": "hi", "colour": "red"}, False, id="unknown-field"),
        pytest.param(
            "complete", {"uri": "file:///a", "position": {"line": 0, "character": 0}}, True, id="uri"
        ),
        pytest.param("complete", {"path": "a", "language": "b", "prefix": "", "suffix": ""}, True, id="text"),
        pytest.param("costReport", {"by": ["day", "model"]}, True, id="report"),
        pytest.param("costReport", {"by": ["language"], "format": "csv"}, True, id="report-as-text"),
        pytest.param("costReport", {"by": ["mood"]}, False, id="unknown-dimension"),
        pytest.param("setCredential", {"provider": "openai", "secret": None}, True, id="forget"),
        pytest.param("setCredential", {"provider": "openai"}, False, id="no-secret"),
        pytest.param("doctor", {}, True, id="no-params"),
        pytest.param("doctor", {"probe": True}, True, id="doctor-that-probes"),
    ],
)
def test_it_says_what_a_client_may_send(method: str, params: dict[str, Any], valid: bool):
    assert validator(DOCUMENT["methods"][method]["params"]).is_valid(params) == valid
