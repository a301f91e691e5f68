"""The judge of every message that the server sends: LSP 3.18, and our own schema for our own methods.

Two sources that share no code with farebox describe LSP: a schema generated from the types of npm's
``vscode-languageserver-protocol`` (in ``tests/data``), and the official ``metaModel.json`` where it is
at hand. Both are strict: a key that the specification does not know is an error.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from farebox.cli.schema import schema as own_schema
from farebox.lsp.errors import CODES

Json = dict[str, Any]

DATA = Path(__file__).parents[1] / "data"
MODEL_FILES = (
    DATA / "metaModel.json",
    Path(__file__).parents[3] / "shared" / "data" / "metaModel.json",
)
STANDARD_CODES = (-32002, *range(-32803, -32599))

_INTEGER = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
_BASE = {
    **{name: {"type": "string"} for name in ("string", "DocumentUri", "URI", "RegExp")},
    "decimal": {"type": "number"},
    "integer": _INTEGER,
    "uinteger": {**_INTEGER, "minimum": 0},
    "boolean": {"type": "boolean"},
    "null": {"type": "null"},
}
_ANYTHING = {"LSPAny": {}, "LSPObject": {"type": "object"}, "LSPArray": {"type": "array"}}


def validate(method: str, part: str, value: object) -> None:
    """Raise AssertionError unless a value is a method's ``params`` or ``result``."""
    found = list(problems(method, part, value))
    assert not found, f"{method} {part}: {'; '.join(found)}"


def problems(method: str, part: str, value: Any) -> Iterator[str]:
    """Yield all that is wrong with a method's ``params`` or ``result``."""
    judges = [judge for judge in (_own(method, part), _npm(method, part), _model(method, part)) if judge]
    if not judges:
        yield "no specification knows this"
    for judge in judges:
        for error in judge.iter_errors(value):
            yield f"{error.json_path}: {error.message[:300]}"


def error_problems(error: object) -> Iterator[str]:
    """Yield all that is wrong with the ``error`` of a response."""
    if not isinstance(error, dict) or not set(error) <= {"code", "message", "data"}:
        yield f"no error object: {error}"
        return
    code, message, data = error.get("code"), error.get("message"), error.get("data")
    if not isinstance(message, str) or not message or "Traceback" in json.dumps(error):
        yield f"no message fit for a user: {error}"
    if code in CODES.values():
        known = {"kind", "hint", "provider", "model", "retryAfterSeconds"}
        if not isinstance(data, dict) or not set(data) <= known:
            yield f"data of the wrong shape: {data}"
        elif CODES.get(data["kind"]) != code or not data["hint"]:
            yield f"kind and code do not match, or there is no hint: {error}"
    elif code not in STANDARD_CODES:
        yield f"an unknown code: {code}"


def has_meta_model() -> bool:
    """Say whether the official meta model is at hand."""
    return any(file.exists() for file in MODEL_FILES)


# --- our own methods ---------------------------------------------------------------------------


@cache
def _own(method: str, part: str) -> Validator | None:
    schema = _own_schema()
    name = method.removeprefix("farebox/").removeprefix("farebox.")
    table = {**_table(schema["methods"]), **_table(schema["notifications"])}
    entry = table.get(name if name in table else method)
    if entry is None or not method.startswith("farebox"):
        return None
    return Draft202012Validator({"$defs": schema["$defs"], **_table(_table(entry)[part])})


# --- the types of the npm package ----------------------------------------------------------------


@cache
def _npm(method: str, part: str) -> Validator | None:
    schema = json.loads((DATA / "lsp-3.18.schema.json").read_text("utf-8"))
    group = schema["properties"]["results" if part == "result" else "params"]
    if "$ref" in group:
        group = schema["definitions"][group["$ref"].rpartition("/")[2]]
    if method not in group["properties"]:
        return None
    return Draft202012Validator({"definitions": schema["definitions"], **group["properties"][method]})


# --- the meta model ------------------------------------------------------------------------------


@cache
def _model(method: str, part: str) -> Validator | None:
    definitions, methods = _meta_model()
    entry = methods.get(method, {})
    if part not in entry:
        return None
    return Draft202012Validator({"$defs": definitions, **_type(_table(entry[part]))})


@cache
def _meta_model() -> tuple[Json, dict[str, Json]]:
    file = next((file for file in MODEL_FILES if file.exists()), None)
    if file is None:
        return {}, {}
    model = json.loads(file.read_text("utf-8"))
    definitions: Json = {}
    for structure in model["structures"]:
        # A structure that others extend must be open; wherever one is used as a type it is closed.
        name = structure["name"]
        definitions[f"{name}.open"] = _open(structure)
        definitions[name] = {"$ref": f"#/$defs/{name}.open", "unevaluatedProperties": False}
    definitions |= {alias["name"]: _type(alias["type"]) for alias in model["typeAliases"]}
    definitions |= {one["name"]: _enumeration(one) for one in model["enumerations"]}
    methods = {entry["method"]: entry for entry in model["requests"] + model["notifications"]}
    return definitions | _ANYTHING, methods


def _type(table: Mapping[str, object]) -> Json:
    """Turn a type of the meta model into a JSON schema."""
    items = [_table(item) for item in _list(table.get("items"))]
    match table["kind"]:
        case "base":
            return dict(_BASE[str(table["name"])])
        case "reference":
            return {"$ref": f"#/$defs/{table['name']}"}
        case "array":
            return {"type": "array", "items": _type(_table(table["element"]))}
        case "map":
            return {"type": "object", "additionalProperties": _type(_table(table["value"]))}
        case "or":
            return {"anyOf": [_type(item) for item in items]}
        case "and":
            return {"allOf": [_open_reference(item) for item in items], "unevaluatedProperties": False}
        case "tuple":
            size = len(items)
            return {
                "type": "array",
                "prefixItems": [_type(i) for i in items],
                "minItems": size,
                "items": False,
            }
        case "literal":
            return {**_open(_table(table["value"])), "unevaluatedProperties": False}
        case _:
            return {"const": table["value"]}


def _open(structure: Mapping[str, object]) -> Json:
    properties = [_table(one) for one in _list(structure.get("properties"))]
    schema: Json = {
        "type": "object",
        "properties": {str(one["name"]): _type(_table(one["type"])) for one in properties},
        "required": [one["name"] for one in properties if not one.get("optional")],
    }
    above = [*_list(structure.get("extends")), *_list(structure.get("mixins"))]
    if above:
        schema["allOf"] = [_open_reference(_table(one)) for one in above]
    return schema


def _open_reference(table: Mapping[str, object]) -> Json:
    return {"$ref": f"#/$defs/{table['name']}.open"}


def _enumeration(table: Mapping[str, object]) -> Json:
    if table.get("supportsCustomValues"):
        return _type(_table(table["type"]))
    return {"enum": [_table(one)["value"] for one in _list(table["values"])]}


@cache
def _own_schema() -> Json:
    return own_schema()


def _table(value: object) -> Json:
    assert isinstance(value, dict)
    return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
