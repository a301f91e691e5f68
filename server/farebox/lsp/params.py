"""What a client says in the standard's methods, with what is used of it alone, in the form of the standard.

Clients get much of it wrong that nobody reads here: such a part is left out, never the whole. Pure: JSON in,
JSON out; what can't do without a part raises TypeError, or is refused by whoever makes objects of it.
"""

from collections.abc import Mapping
from typing import Final, cast

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path

_MAX_INTEGER: Final = 2**31 - 1

UNVERSIONED: Final = -_MAX_INTEGER
"""The version of a change whose editor counts none."""

_INVOKED_BY_VSCODE: Final = 0
"""Its API counts from 0 where LSP counts from 1; some clients pass its number on."""

_Json = Mapping[str, object]


def tidied(method: str, params: object) -> object:
    """Return params with what is used of them, as the standard wants it; others as they are."""
    if not isinstance(params, dict):
        return params
    said = cast("_Json", params)
    match method:
        case types.INITIALIZE:
            return _initialize(said)
        case types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS:
            event = _object(said, "event")
            return {"event": {name: _folders(event.get(name)) for name in ("added", "removed")}}
        case types.TEXT_DOCUMENT_DID_OPEN:
            return _did_open(said)
        case types.TEXT_DOCUMENT_DID_CHANGE:
            return _did_change(said)
        case types.TEXT_DOCUMENT_INLINE_COMPLETION:
            return _inline_completion(said)
        case _:
            return said


def whole(value: object) -> int | None:
    """Return a whole number, however it is written: Lua and JavaScript know no other than 5.0."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float() if value.is_integer():
            return int(value)
        case _:
            return None


def _initialize(said: _Json) -> _Json:
    encodings = _object(_object(said, "capabilities"), "general").get("positionEncodings")
    client = _object(said, "clientInfo")
    name = _text(client, "name")
    process = whole(said.get("processId"))
    return {
        "processId": process if process is not None and abs(process) <= _MAX_INTEGER else None,
        "clientInfo": None if name is None else {"name": name},
        "rootUri": _root(said),
        "workspaceFolders": _folders(said.get("workspaceFolders")),
        "initializationOptions": said.get("initializationOptions"),
        "capabilities": {
            "general": {"positionEncodings": [one for one in _list(encodings) if _is_text(one)]}
        },
    }


def _root(said: _Json) -> str | None:
    uri, path = _text(said, "rootUri"), _text(said, "rootPath")
    try:
        root = uri if uri is not None or not path else from_fs_path(path)
        to_fs_path(root or "")  # as pygls will, where it is the whole that then fails
    except ValueError:
        return None
    return root


def _folders(value: object) -> list[_Json]:
    folders = [cast("_Json", one) for one in _list(value) if isinstance(one, dict)]
    named = [(_text(one, "uri"), _text(one, "name")) for one in folders]
    return [{"uri": uri, "name": name or uri} for uri, name in named if uri is not None]


def _did_open(said: _Json) -> _Json:
    item = _object(said, "textDocument")
    version = whole(item.get("version"))
    return {
        "textDocument": {
            "uri": item.get("uri"),
            "languageId": _text(item, "languageId") or "",
            "version": 0 if version is None else version,
            "text": item.get("text"),
        }
    }


def _did_change(said: _Json) -> _Json:
    changes = said.get("contentChanges")
    if not isinstance(changes, list):
        raise TypeError("a list expected")
    item = _object(said, "textDocument")
    version = whole(item.get("version"))
    return {
        "textDocument": {"uri": item.get("uri"), "version": UNVERSIONED if version is None else version},
        "contentChanges": [_change(one) for one in cast("list[object]", changes)],
    }


def _change(value: object) -> object:
    """Return a change with its range, if it has one, and its text; its length says the same once more."""
    if not isinstance(value, dict):
        return value
    said = cast("_Json", value)
    span = said.get("range")
    return {"text": said.get("text"), **({} if span is None else {"range": span})}


def _inline_completion(said: _Json) -> _Json:
    context = _object(said, "context")
    if whole(context.get("triggerKind")) != _INVOKED_BY_VSCODE:
        return said
    return {**said, "context": {**context, "triggerKind": types.InlineCompletionTriggerKind.Invoked.value}}


def _object(said: _Json, name: str) -> _Json:
    value = said.get(name)
    return cast("_Json", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _text(said: _Json, name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)
