"""``farebox schema``: the machine-readable contract of our own methods and notifications."""

from typing import cast

from pydantic import TypeAdapter

from farebox.cli.terminal import show_json
from farebox.lsp.errors import CODES
from farebox.lsp.methods import METHOD_SHAPES
from farebox.lsp.names import CHAT_EVENT, COMMAND_PREFIX, PREFIX, PROTOCOL_VERSION, STATUS
from farebox.lsp.notifications import ChatEventParams, StatusParams
from farebox.shapes import Shape


def schema() -> dict[str, object]:
    """Return one JSON schema document: ``$defs`` and, for each method, references into it."""
    notifications: dict[str, type[Shape]] = {CHAT_EVENT: ChatEventParams, STATUS: StatusParams}
    methods: dict[str, object] = {}
    definitions: dict[str, object] = {}
    for name, (params, result) in METHOD_SHAPES.items():
        methods[name] = {
            "request": PREFIX + name,
            "command": COMMAND_PREFIX + name,
            "params": _definition(cast("type[Shape]", params), definitions),
            "result": _definition(result, definitions),
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "farebox protocol",
        "version": PROTOCOL_VERSION,
        "methods": methods,
        "notifications": {
            name: {"params": _definition(params, definitions)} for name, params in notifications.items()
        },
        "errorCodes": CODES,
        "$defs": definitions,
    }


def print_schema() -> int:
    """Print the schema."""
    show_json(schema())
    return 0


def _definition(shape: type[Shape], definitions: dict[str, object]) -> dict[str, object]:
    """Add a shape and all that it refers to; return the reference."""
    table = TypeAdapter(shape).json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions.update(cast("dict[str, object]", table.pop("$defs", {})))
    name = table.get("title")
    if not isinstance(name, str) or "anyOf" in table:
        return table
    definitions[name] = table
    return {"$ref": f"#/$defs/{name}"}
