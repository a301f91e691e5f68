"""What real clients, and bugs of theirs, send over a real pipe: each is answered, and so is what follows.

Every row is something that stops pygls 2.1.1, makes it answer nothing, or makes it say too much.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from farebox.lsp.protocol import MAX_RUNNING_REQUESTS
from support.client import Client, Failed
from support.environment import openrouter_config
from support.metamodel import Json
from support.patience import WAIT_S
from support.traffic import frame
from support.upstream import Answer, Upstream

RAW = 1_000_000
"""Ids from here on are sent past the judge of all messages."""
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS, BUSY = -32700, -32600, -32601, -32602, -32803
NOT_INITIALIZED, CANCELLED = -32002, -32800
URI = "file:///ws/a.py"
NOWHERE: Json = {"textDocument": {"uri": URI}, "context": {"triggerKind": 1}}


class Row(NamedTuple):
    """What is sent, and the ids and codes that answer it: a request for a method that there is not."""

    sent: bytes
    answers: Sequence[tuple[object, int]]


def request(request_id: object = RAW, method: object = "$/nothing", **more: object) -> Json:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, **more}


def body(message: object = None) -> bytes:
    return json.dumps(request() if message is None else message).encode()


def framed(content: bytes, header: bytes = b"Content-Length: %d\r\n\r\n", *, wrong_by: int = 0) -> bytes:
    return header % (len(content) + wrong_by) + content


def length(text: bytes) -> bytes:
    return b"Content-Length: %b\r\n\r\n" % text


def at(line: object) -> Json:
    return request(
        method="textDocument/inlineCompletion", params={**NOWHERE, "position": {"line": line, "character": 0}}
    )


SERVED = [(RAW, NO_METHOD)]
UNREAD = [(None, PARSE_ERROR)]
REFUSED = [(None, INVALID_REQUEST)]
BAD_PARAMS = [(RAW, INVALID_PARAMS)]
DUPLICATE = b"Content-Length: %d\r\n" % len(body())

ROWS = {
    "content-length:": Row(framed(body(), b"content-length: %d\r\n\r\n"), SERVED),
    "Content-Length:54": Row(framed(body(), b"Content-Length:%d\r\n\r\n"), SERVED),
    "LF-only headers": Row(framed(body(), b"Content-Length: %d\n\n"), SERVED),
    "another header": Row(framed(body(), b"Content-Type: x\r\nContent-Length: %d\r\n\r\n"), SERVED),
    "a BOM": Row(framed(b"\xef\xbb\xbf" + body()), SERVED),
    "length too small": Row(framed(body(), wrong_by=-5), UNREAD),
    "length too large": Row(framed(body(), wrong_by=5), SERVED),
    "length too large, by a message": Row(framed(body(), wrong_by=40) + framed(body()), [*SERVED, *SERVED]),
    "length duplicated": Row(DUPLICATE + framed(body()), SERVED),
    "length contradicted": Row(
        b"Content-Length: 7\r\n" + framed(body()) + framed(body()), [*UNREAD, *SERVED]
    ),
    "length 10^12": Row(length(b"1" + b"0" * 12), UNREAD),
    "length 10^30": Row(length(b"1" + b"0" * 30), UNREAD),
    "length -1": Row(length(b"-1"), UNREAD),
    "length a": Row(length(b"a"), UNREAD),
    "length 0": Row(length(b"0"), UNREAD),
    "a print on the pipe": Row(b"hello, world\n" + framed(body()), [*UNREAD, *SERVED]),
    "bad JSON": Row(framed(b'{"jsonrpc": "2.0", "id": 1,'), UNREAD),
    "bad UTF-8": Row(framed(b'{"jsonrpc": "2.0", "id": 1, "method": "\xff"}'), UNREAD),
    "batch": Row(framed(body([request()])), REFUSED),
    "scalar": Row(framed(b"5"), REFUSED),
    "no jsonrpc": Row(framed(body({"id": RAW, "method": "$/nothing"})), [(RAW, INVALID_REQUEST)]),
    "no jsonrpc, no id": Row(framed(body({"method": "$/nothing"})), REFUSED),
    "method 5": Row(framed(body(request(method=5))), [(RAW, INVALID_REQUEST)]),
    "id null": Row(framed(body(request(None))), REFUSED),
    "id 1.5": Row(framed(body(request(1.5))), REFUSED),
    "id true": Row(framed(body(request(True))), REFUSED),
    "id {}": Row(framed(body(request({}))), REFUSED),
    "a large id": Row(framed(body(request(RAW + 2**70))), [(RAW + 2**70, NO_METHOD)]),
    "NaN": Row(framed(body(request(params={"a": float("nan")}))), UNREAD),
    "1e999": Row(framed(body().replace(b"}", b', "params": {"a": 1e999}}')), UNREAD),
    "5,000-digit int": Row(framed(body().replace(b"}", b', "params": {"a": %b}}' % (b"7" * 5_000))), UNREAD),
    "nesting 100k": Row(framed(b"[" * 100_000 + b"]" * 100_000), UNREAD),
    "lone surrogate": Row(framed(body(request(params={"a": "\ud800"}))), SERVED),
    "no params": Row(framed(body(request(method="textDocument/inlineCompletion"))), BAD_PARAMS),
    "params 5": Row(framed(body(request(method="textDocument/inlineCompletion", params=5))), BAD_PARAMS),
    "params []": Row(framed(body(request(method="textDocument/inlineCompletion", params=[]))), BAD_PARAMS),
    **{
        f"line {line!r}": Row(framed(body(at(line))), BAD_PARAMS)
        for line in ("5", -1, 2**40, 1.5, True, None)
    },
    "a command that is none": Row(
        framed(body(request(method="workspace/executeCommand", params={"command": "secret-command"}))),
        BAD_PARAMS,
    ),
    "a second initialize": Row(
        framed(body(request(method="initialize", params={"processId": None, "rootUri": None}))),
        [(RAW, INVALID_REQUEST)],
    ),
}

IGNORED: dict[str, object] = {
    "a notification that nobody knows": {"method": "$/nothing"},
    "a change with a line of text": {
        "method": "textDocument/didChange",
        "params": {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": 5, "text": ""}]},
    },
    "a change of what is not open": {
        "method": "textDocument/didChange",
        "params": {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": ""}]},
    },
    "an open document without text": {"method": "textDocument/didOpen", "params": {"textDocument": {}}},
    "a notebook": {
        "method": "notebookDocument/didOpen",
        "params": {
            "notebookDocument": {"uri": URI, "notebookType": "x", "version": 1, "cells": []},
            "cellTextDocuments": [],
        },
    },
    "a notebook that is not open": {
        "method": "notebookDocument/didClose",
        "params": {"notebookDocument": {"uri": URI}, "cellTextDocuments": []},
    },
    "a cancel of nothing": {"method": "$/cancelRequest", "params": {"id": 12345}},
    "a cancel without an id": {"method": "$/cancelRequest", "params": {}},
    "a cancel with a strange id": {"method": "$/cancelRequest", "params": {"id": {"a": [1]}}},
    "a cancel without params": {"method": "$/cancelRequest"},
    "a cancel with a list": {"method": "$/cancelRequest", "params": [1]},
    "a progress that nobody made": {"method": "window/workDoneProgress/cancel", "params": {"token": "x"}},
    "folders of the wrong form": {"method": "workspace/didChangeWorkspaceFolders", "params": {"event": 5}},
    "the root as a folder that goes": {
        "method": "workspace/didChangeWorkspaceFolders",
        "params": {"event": {"added": [], "removed": [{"uri": "file:///no", "name": "no"}]}},
    },
    "a trace": {"method": "$/setTrace", "params": {"value": "loud"}},
    "what was shown, of the wrong form": {"method": "textDocument/didShowCompletion", "params": 5},
    "an answer to nothing": {"id": "nobody asked", "result": {"a": 1}},
    "an error to nothing": {"id": "nobody asked", "error": 5},
    "an error without an id": {"id": None, "error": {"code": -32700, "message": "x"}},
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for all rows: each must leave it whole for the next."""
    with Client(tmp_path_factory.mktemp("wire")) as client:
        client.initialize()
        yield client
    assert "Traceback" not in client.log
    assert "secret-command" not in client.log


def is_raw(message: Json) -> bool:
    """Say whether a message answers what was sent past the judge."""
    if "method" in message:
        return False
    return message["id"] is None or (isinstance(message["id"], int) and message["id"] >= RAW)


def answers(client: Client, count: int) -> list[tuple[object, int]]:
    """Wait for answers to what was sent past the judge, and take them away from him."""

    def all_of_them() -> list[Json] | None:
        found = [message for message in client.received if is_raw(message)]
        return found if len(found) >= count else None

    found = client.wait(all_of_them, f"{count} answers", WAIT_S)
    client.received[:] = [message for message in client.received if not is_raw(message)]
    assert "Traceback" not in json.dumps(found)
    assert "secret-command" not in json.dumps(found)
    return [(message["id"], message["error"]["code"]) for message in found]


def assert_serves(client: Client) -> None:
    with pytest.raises(Failed) as failed:
        client.raw_answer(client.ask("$/nothing"), WAIT_S)
    assert failed.value.code == NO_METHOD


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in ROWS.items()])
def test_whatever_comes_is_answered_and_so_is_what_follows(client: Client, row: Row) -> None:
    client.send_bytes(row.sent)
    assert answers(client, len(row.answers)) == [*row.answers]
    assert_serves(client)
    assert answers(client, 0) == [], "something was answered twice"


@pytest.mark.parametrize("message", [pytest.param(one, id=name) for name, one in IGNORED.items()])
def test_what_says_nothing_is_dropped_without_a_word(client: Client, message: Json) -> None:
    client.send_bytes(frame({"jsonrpc": "2.0", **message}))
    assert_serves(client)
    assert answers(client, 0) == []


def test_a_message_that_comes_slowly_is_whole(client: Client) -> None:
    stream = framed(body())
    for piece in (stream[:9], stream[9:60]):
        client.send_bytes(piece)
        with pytest.raises(AssertionError, match="did not come"):  # for longer than a stall
            client.wait(lambda: any(map(is_raw, client.received)) or None, "an answer", 0.7)
    client.send_bytes(stream[60:])
    assert answers(client, 1) == SERVED


def test_a_session_that_begins_and_ends_in_the_wrong_order_is_put_right(tmp_path: Path) -> None:
    initialize: Json = {"processId": None, "rootUri": None, "capabilities": {}}
    with Client(tmp_path) as client:

        def code(method: str, params: object = None) -> object:
            with pytest.raises(Failed) as failed:
                client.raw_answer(client.ask(method, params), WAIT_S)
            return failed.value.code

        client.notify("textDocument/didOpen", {"textDocument": {}})
        assert code("farebox/conversations") == NOT_INITIALIZED
        assert code("shutdown") == NOT_INITIALIZED
        assert code("initialize") == INVALID_PARAMS
        assert code("initialize", [initialize]) == INVALID_PARAMS
        assert code("farebox/conversations") == NOT_INITIALIZED
        assert client.request("initialize", initialize)["capabilities"]
        assert code("initialize", initialize) == INVALID_REQUEST
        assert client.raw_answer(client.ask("shutdown")) is None
        assert code("shutdown") == INVALID_REQUEST
        assert code("farebox/conversations") == INVALID_REQUEST
        client.notify("exit")
        assert client.wait_exit() == 0


def test_who_leaves_before_the_beginning_is_let_go(tmp_path: Path) -> None:
    with Client(tmp_path) as client:
        client.notify("exit")
        assert client.wait_exit() == 1


def test_only_so_many_requests_run_at_once_and_the_others_are_told_so(tmp_path: Path) -> None:
    extra = 200
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/chat/completions", Answer(hang=True))
        key = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
        with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=key) as client:
            client.initialize()
            asked = [client.ask("farebox/chat", {"text": "?"}) for _ in range(MAX_RUNNING_REQUESTS + extra)]
            for request_id in asked[MAX_RUNNING_REQUESTS:]:
                with pytest.raises(Failed) as failed:
                    client.answer(request_id)
                assert failed.value.code == BUSY
            client.send_bytes(frame(request(asked[0])))  # an id that is in use
            client.cancel(asked[1])
            client.cancel(asked[1])
            with pytest.raises(Failed) as failed:
                client.answer(asked[1])
            assert failed.value.code == CANCELLED
            assert_serves(client)
            again = [one for one in client.received if one.get("id") == asked[0]]
            assert [one["error"]["code"] for one in again] == [INVALID_REQUEST]
            client.received.remove(again[0])
            assert client.raw_answer(client.ask("shutdown")) is None
            client.notify("exit")
            assert client.wait_exit() == 0
