"""The dispatch, with handlers that go wrong in every way: each request is answered once, and says no more."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, cast

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from farebox.lsp.protocol import (
    MAX_RUNNING_NOTIFICATIONS,
    MAX_RUNNING_REQUESTS,
    Protocol,
    fast_converter,
)
from support.metamodel import Json, error_problems
from support.patience import WAIT_S

SECRET = "the words of an exception"
INITIALIZE: Json = {"processId": None, "rootUri": None, "capabilities": {}}


class Desk:
    """A server with handlers of the test's, and all that it has sent."""

    def __init__(self) -> None:
        self.server = LanguageServer("a test", "0", protocol_cls=Protocol, converter_factory=fast_converter)
        self.protocol = cast("Protocol", self.server.protocol)
        self.protocol.outbox = self
        self.sent: list[Json] = []
        self._has_sent = asyncio.Event()

    def put(self, body: bytes) -> None:
        self.sent.append(json.loads(body))
        self._has_sent.set()

    def on(self, method: str, handler: Callable[..., object]) -> None:
        self.server.feature(method)(partial(handler))

    def ask(self, request_id: object, method: str, params: object = None) -> None:
        self.protocol.receive({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})

    def tell(self, method: str, params: object = None) -> None:
        self.protocol.receive({"jsonrpc": "2.0", "method": method, "params": params})

    def answer(self, **message: object) -> None:
        self.protocol.receive({"jsonrpc": "2.0", **message})

    async def answered(self, request_id: object) -> Json:
        async with asyncio.timeout(WAIT_S):
            while not (found := [one for one in self.sent if one.get("id") == request_id]):
                self._has_sent.clear()
                await self._has_sent.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        assert len([one for one in self.sent if one.get("id") == request_id]) == 1, "answered twice"
        return found[0]

    async def code(self, request_id: object) -> int:
        error = (await self.answered(request_id))["error"]
        assert list(error_problems(error)) == []
        assert SECRET not in json.dumps(error)
        return int(error["code"])


async def some_turns() -> None:
    """Let everything that is ready to run do so: nothing here waits for time."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    desk.ask(0, "initialize", INITIALIZE)
    assert "capabilities" in (await desk.answered(0))["result"]
    return desk


def fail(_params: object) -> None:
    raise ValueError(SECRET)


async def fail_late(_params: object) -> None:
    await asyncio.sleep(0)
    raise KeyError(SECRET)


async def give(result: object, _params: object) -> object:
    await asyncio.sleep(0)
    return result


async def hang(_params: object) -> None:
    await asyncio.Event().wait()


# --- answers --------------------------------------------------------------------------------------


async def test_a_handler_may_answer_at_once_or_later(desk: Desk) -> None:
    desk.on("now", lambda params: {"got": params})
    desk.on("later", partial(give, types.InlineCompletionList(items=[])))
    desk.ask(1, "now", {"a": 1})
    desk.ask("x", "later")
    assert await desk.answered(1) == {"jsonrpc": "2.0", "id": 1, "result": {"got": {"a": 1}}}
    assert await desk.answered("x") == {"jsonrpc": "2.0", "id": "x", "result": {"items": []}}


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(fail, id="raises"),
        pytest.param(fail_late, id="raises-later"),
        pytest.param(lambda _: float("nan"), id="NaN"),
        pytest.param(partial(give, {"a": [float("inf")]}), id="infinity-later"),
        pytest.param(lambda _: object(), id="no-JSON"),
        pytest.param(partial(give, {(1,): 2}), id="no-JSON-later"),
    ],
)
async def test_whatever_goes_wrong_is_answered_without_its_words(
    desk: Desk, handler: Callable[..., object]
) -> None:
    desk.on("wrong", handler)
    desk.ask(1, "wrong")
    assert await desk.code(1) == -32603


async def test_an_error_that_is_meant_for_the_client_reaches_it(desk: Desk) -> None:
    def refuse(_params: object) -> None:
        raise JsonRpcException("no", code=-32050, data={"kind": "config", "hint": "Do it."})

    desk.on("refuse", refuse)
    desk.ask(1, "refuse")
    error = (await desk.answered(1))["error"]
    assert error == {"code": -32050, "message": "no", "data": {"kind": "config", "hint": "Do it."}}


async def test_half_a_character_does_not_get_out(desk: Desk) -> None:
    desk.on("echo", lambda params: params)
    desk.ask(1, "echo", ["\ud800"])
    assert (await desk.answered(1))["result"] == ["\ufffd"]


# --- cancel ---------------------------------------------------------------------------------------


async def test_a_cancelled_request_is_answered_once_and_may_settle_in_peace(desk: Desk) -> None:
    settled = asyncio.Event()
    begun = asyncio.Event()

    async def settle(_params: object) -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await some_turns()  # a second cancel would end it here
            settled.set()

    desk.on("settle", settle)
    desk.ask(1, "settle")
    await begun.wait()
    for _ in range(3):
        desk.tell("$/cancelRequest", {"id": 1})
        await asyncio.sleep(0)
    assert await desk.code(1) == -32800
    assert settled.is_set()
    desk.tell("$/cancelRequest", {"id": 1})
    desk.ask(1, "settle")  # its id is free again
    desk.tell("$/cancelRequest", {"id": 1.0})
    desk.tell("$/cancelRequest", {"id": True})
    await some_turns()
    assert len(desk.sent) == 2


async def test_a_handler_that_answers_though_cancelled_has_answered(desk: Desk) -> None:
    async def stubborn(_params: object) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done"
        raise AssertionError

    desk.on("stubborn", stubborn)
    desk.ask(1, "stubborn")
    await asyncio.sleep(0)
    desk.tell("$/cancelRequest", {"id": 1})
    assert (await desk.answered(1))["result"] == "done"


async def test_shutdown_stops_what_runs_and_is_served_however_much_that_is(desk: Desk) -> None:
    desk.on("hang", hang)
    for number in range(MAX_RUNNING_REQUESTS):
        desk.ask(f"r{number}", "hang")
    desk.ask(1, "hang")
    assert await desk.code(1) == -32803
    desk.ask("r0", "no/such")
    assert desk.sent.pop()["error"]["code"] in (-32600, -32601)
    desk.ask(2, "shutdown")
    assert (await desk.answered(2))["result"] is None
    assert {await desk.code(f"r{number}") for number in range(MAX_RUNNING_REQUESTS)} == {-32800}
    assert (desk.protocol.ended_well, desk.protocol.has_ended) == (True, False)
    desk.tell("exit")
    assert desk.protocol.has_ended


async def test_a_shutdown_that_fails_has_been_asked_for_all_the_same(desk: Desk) -> None:
    desk.on("shutdown", fail_late)
    desk.ask(1, "shutdown")
    assert await desk.code(1) == -32603
    assert desk.protocol.ended_well


# --- notifications --------------------------------------------------------------------------------


async def test_a_notification_that_fails_says_nothing_and_the_next_is_heard(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[object] = []
    desk.on("fail", fail)
    desk.on("failLate", fail_late)
    desk.on("hear", heard.append)
    for method in ("fail", "failLate", "none", "hear"):
        desk.tell(method, {"a": 1})
    await some_turns()
    assert heard == [{"a": 1}]
    assert len(desk.sent) == 1
    assert SECRET not in "".join(record.getMessage() for record in caplog.records)


async def test_only_so_many_notifications_are_under_way(desk: Desk) -> None:
    begun: list[object] = []

    async def begin(params: object) -> None:
        begun.append(params)
        await asyncio.Event().wait()

    desk.on("begin", begin)
    for number in range(MAX_RUNNING_NOTIFICATIONS + 10):
        desk.tell("begin", number)
    await some_turns()
    assert len(begun) == MAX_RUNNING_NOTIFICATIONS


async def test_an_initialize_that_fails_may_be_asked_again() -> None:
    failures: Iterator[bool] = iter([True, False])

    def begin(_params: object) -> None:
        if next(failures):
            raise ValueError(SECRET)

    desk = Desk()
    desk.on("initialize", begin)
    desk.ask(1, "initialize", INITIALIZE)
    assert await desk.code(1) == -32603
    desk.ask(2, "initialize", INITIALIZE)
    assert "result" in await desk.answered(2)


ODD: dict[str, Json] = {
    "trace": {"trace": "compact"},
    "symbols": {"capabilities": {"workspace": {"symbol": {"symbolKind": {"valueSet": [1, 27]}}}}},
    "tags": {"capabilities": {"textDocument": {"publishDiagnostics": {"tagSupport": True}}}},
    "formats": {"capabilities": {"textDocument": {"hover": {"contentFormat": ["html"]}}}},
    "tokens": {"capabilities": {"textDocument": {"semanticTokens": {"dynamicRegistration": True}}}},
    "a limit": {"capabilities": {"textDocument": {"foldingRange": {"rangeLimit": 5000.0}}}},
    "a number": {"capabilities": {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": 1}}}},
    "failures": {"capabilities": {"workspace": {"workspaceEdit": {"failureHandling": "any"}}}},
    "lists": {"capabilities": {"workspace": [], "textDocument": {"hover": []}, "general": []}},
    "no capabilities": {"capabilities": []},
    "encodings": {"capabilities": {"general": {"positionEncodings": ["utf-7", 5]}}},
    "a folder": {"workspaceFolders": [{"uri": "file:///w"}]},
    "folders": {"workspaceFolders": {"uri": "file:///w"}},
    "a process": {"processId": 1234.0},
    "a process's name": {"processId": "1234"},
    "a large process": {"processId": 2**40},
    "a client": {"clientInfo": {"version": 5}},
    "a root": {"rootUri": 5},
    "no address": {"rootUri": "http://[x"},
    "a path": {"rootUri": None, "rootPath": "//host"},
    "a language": {"locale": 5, "workDoneToken": {}},
}


@pytest.mark.parametrize("odd", ODD)
async def test_initialize_is_answered_whatever_nobody_reads_of_it(odd: str) -> None:
    desk = Desk()
    desk.ask(1, "initialize", {**INITIALIZE, **ODD[odd]})
    assert (await desk.answered(1))["result"]["capabilities"]["positionEncoding"] == "utf-16"


async def test_whoever_wants_to_is_told_what_was_dropped(desk: Desk) -> None:
    dropped: list[tuple[str, object]] = []
    desk.protocol.on_dropped = lambda method, params: dropped.append((method, params))
    desk.on("fail", fail)
    desk.on("textDocument/didClose", lambda _params: None)
    desk.tell("fail", {"a": 1})
    desk.tell("textDocument/didClose", {})
    desk.tell("textDocument/didClose", {"textDocument": {"uri": "file:///a"}})
    assert dropped == [("fail", {"a": 1}), ("textDocument/didClose", {})]


# --- requests of ours -----------------------------------------------------------------------------


async def test_the_client_answers_requests_of_ours(desk: Desk) -> None:
    def ask() -> tuple[str, "Future[Any]"]:
        params = types.ApplyWorkspaceEditParams(edit=types.WorkspaceEdit())
        future = desk.protocol.send_request("workspace/applyEdit", params)
        return desk.sent[-1]["id"], future

    message_id, future = ask()
    desk.answer(id=message_id, result={"applied": True})
    assert future.result(0) == types.ApplyWorkspaceEditResult(applied=True)
    desk.answer(id=message_id, result={"applied": False})

    for wrong in ({"result": 5}, {"result": {"applied": "yes"}}, {"error": {"code": 1, "message": "no"}}):
        message_id, future = ask()
        desk.answer(id=message_id, **wrong)
        assert isinstance(future.exception(0), JsonRpcException)


async def test_an_answer_with_the_id_of_a_request_that_runs_ends_nothing(desk: Desk) -> None:
    desk.on("hang", hang)
    desk.ask(1, "hang")
    desk.answer(id=1, result="mine")
    await some_turns()
    assert len(desk.sent) == 1
    desk.tell("$/cancelRequest", {"id": 1})
    assert await desk.code(1) == -32800


async def test_what_pygls_sends_goes_the_same_way(desk: Desk) -> None:
    desk.server.window_show_message(types.ShowMessageParams(type=types.MessageType.Error, message="\ud800"))
    assert desk.sent[-1]["params"] == {"type": 1, "message": "\ufffd"}
    written = desk.protocol.notification("mine", {"a": None})
    assert json.loads(written) == {"jsonrpc": "2.0", "method": "mine", "params": {"a": None}}
