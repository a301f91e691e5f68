"""The params of the standard's methods: whatever is odd in a part that nobody reads, the rest is served."""

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from farebox.lsp.params import UNVERSIONED, tidied, whole
from farebox.lsp.protocol import fast_converter
from support.metamodel import Json

CONVERTER = fast_converter()
URI = "file:///x/a.py"
HERE: Json = {"start": {"line": 0, "character": 1.0}, "end": {"line": 0, "character": 2}}


def read(method: str, params: object) -> Any:
    """Return what the server makes of params."""
    kind = cast("type[object]", types.METHOD_TO_TYPES[method][2])
    return CONVERTER.structure(tidied(method, params), kind)


def changed(document: Json, *changes: object) -> types.DidChangeTextDocumentParams:
    params = {"textDocument": {"uri": URI, **document}, "contentChanges": list(changes)}
    return read("textDocument/didChange", params)


def test_of_initialize_each_part_that_can_be_read_counts() -> None:
    folders = [{"uri": "file:///w"}, {"name": "no address"}, 5, {"uri": "file:///v", "name": "v"}]
    params = read(
        "initialize",
        {
            "processId": 1234.0,
            "clientInfo": {"name": "ed", "version": 7},
            "rootUri": "file:///w",
            "workspaceFolders": folders,
            "initializationOptions": {"workspaceTrusted": False},
            "trace": "compact",
            "capabilities": {"general": {"positionEncodings": ["utf-7", 5, "utf-8"]}, "window": 5},
        },
    )
    assert (params.process_id, params.client_info.name, params.root_uri) == (1234, "ed", "file:///w")
    assert [(one.uri, one.name) for one in params.workspace_folders] == [
        ("file:///w", "file:///w"),
        ("file:///v", "v"),
    ]
    assert params.initialization_options == {"workspaceTrusted": False}
    assert params.capabilities.general.position_encodings == ("utf-7", "utf-8")


def test_a_root_may_be_given_as_a_path() -> None:
    assert read("initialize", {"rootUri": None, "rootPath": "/w x"}).root_uri == "file:///w%20x"
    assert read("initialize", {"rootUri": "file:///v", "rootPath": "/w"}).root_uri == "file:///v"
    assert read("initialize", {"rootPath": ""}).root_uri is None


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "processId",
                "clientInfo",
                "rootUri",
                "rootPath",
                "workspaceFolders",
                "initializationOptions",
                "capabilities",
                "trace",
            ),
            st.recursive(
                st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["name", "uri", "general", "x"]), inner, max_size=3)
                ),
                max_leaves=8,
            ),
        ),
    )
)
def test_whatever_the_parts_of_initialize_are_the_whole_is_read(params: Json) -> None:
    before = json.dumps(params)
    assert isinstance(read("initialize", params), types.InitializeParams)
    assert json.dumps(params) == before


@pytest.mark.parametrize("version", [{}, {"version": None}, {"version": "7"}])
def test_a_change_without_a_version_is_read(version: Json) -> None:
    assert changed(version).text_document.version == UNVERSIONED


def test_a_change_has_a_range_or_is_of_the_whole_text() -> None:
    part, every, all_of_it = changed(
        {"version": 2.0},
        {"range": HERE, "rangeLength": "one", "text": "a"},
        {"range": None, "rangeLength": None, "text": "b"},
        {"text": "c"},
    ).content_changes
    assert isinstance(part, types.TextDocumentContentChangePartial)
    assert part.range.start.character == 1
    for one in (every, all_of_it):
        assert isinstance(one, types.TextDocumentContentChangeWholeDocument)


@pytest.mark.parametrize("change", [{}, {"text": None}, 5, {"range": {"start": {}}, "text": ""}], ids=str)
def test_a_change_whose_text_or_place_is_not_told_can_not_be_read(change: object) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        changed({"version": 2}, change)


def test_a_document_may_be_opened_without_a_language_or_a_version() -> None:
    for more in ({}, {"version": None, "languageId": None}):
        item = read("textDocument/didOpen", {"textDocument": {"uri": URI, "text": "x", **more}}).text_document
        assert (item.language_id, item.version, item.text) == ("", 0, "x")


@pytest.mark.parametrize(("number", "kind"), [(0, 1), (1, 1), (2, 2), (2.0, 2)])
def test_the_number_that_an_editor_has_for_invoked_is_taken_for_it(number: float, kind: int) -> None:
    place = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}}
    params = read("textDocument/inlineCompletion", {**place, "context": {"triggerKind": number}})
    assert params.context.trigger_kind.value == kind


def test_folders_need_no_names() -> None:
    event = read("workspace/didChangeWorkspaceFolders", {"event": {"added": [{"uri": "file:///w"}]}}).event
    assert [one.uri for one in event.added] == ["file:///w"]
    assert list(event.removed) == []


def test_what_is_whole_is_a_number_and_no_other_value() -> None:
    assert [whole(one) for one in (5, 5.0, -0.0)] == [5, 5, 0]
    assert {whole(one) for one in (5.5, True, "5", None, float("inf"), float("nan"))} == {None}
