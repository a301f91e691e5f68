"""pygls' protocol with a dispatch of our own: every request is answered exactly once, whatever it is.

Of pygls there remain what it says of itself at ``initialize``, the workspace's folders, and requests to the
client. Each flaw that is mended here is named beside it, as of pygls 2.1.1. Knows no bytes of input and no
feature: ``stdio`` hands it JSON values, ``server`` registers what answers.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, cast
from typing import Protocol as Interface

from cattrs import Converter
from lsprotocol import converters, types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import LanguageServerProtocol, lsp_method

from farebox import crash
from farebox.frames import without_frames
from farebox.lsp import codes, envelope, lifecycle, strict_json
from farebox.lsp.ending import STOP_S
from farebox.lsp.lifecycle import Refusal, Stage
from farebox.lsp.names import PROTOCOL_VERSION
from farebox.lsp.params import tidied, whole

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pygls.lsp.server import LanguageServer

    from farebox.lsp.envelope import Answer, MessageId, Notification, Request

_log = logging.getLogger("farebox.lsp")

MAX_RUNNING_REQUESTS: Final = 64
MAX_RUNNING_NOTIFICATIONS: Final = 1024

Command: TypeAlias = Callable[[object], Awaitable[object]]
"""Runs a command with its first argument."""
_Handler: TypeAlias = Callable[[object], object]
_Steps: TypeAlias = Generator[tuple[Callable[..., object], tuple[object, ...], object], object, object]
"""How pygls writes a built-in handler: it yields the calls that are to be made in between."""

_NOT_BUILT_IN: Final = (
    types.EXIT,
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
)
"""pygls splits lines where LSP does not, reads files, and raises for notebooks: documents are ours."""


class Sink(Interface):
    """Where messages go."""

    def put(self, body: bytes) -> None:
        """Send a message."""
        ...


def fast_converter() -> Converter:
    """Build the converter without detailed validation (35 ms of start-up), but strict in what is a number.

    cattrs turns "5", True and 1.5 into integers and anything into text. 5.0 is an integer.
    """
    converter = converters.get_converter(Converter(detailed_validation=False))
    for kind in (int, float, str, bool):
        converter.register_structure_hook(kind, _exactly)
    return converter


def _exactly(value: object, kind: type[object]) -> object:
    if type(value) is kind or (kind is float and type(value) is int):
        return value
    if kind is int and (number := whole(value)) is not None:
        return number
    if issubclass(kind, Enum) and type(value) in (int, float, str):  # the numbers and texts that have names
        return kind(value)
    raise TypeError(f"{kind.__name__} expected")


class Protocol(LanguageServerProtocol):
    """The JSON-RPC side of the server."""

    def __init__(self, server: "LanguageServer", converter: Converter) -> None:
        self._stage = Stage.BEGINNING  # the base class reads every property
        super().__init__(server, converter)
        for method in _NOT_BUILT_IN:
            self._built_in.pop(method, None)
        self.outbox: Sink | None = None
        self.on_dropped: Callable[[str, object], None] = lambda _method, _params: None
        """Hears of a notification that could not be read or done: its method and its params as they came."""
        self._running: dict[MessageId, asyncio.Task[object]] = {}
        self._told: set[asyncio.Task[object]] = set()

    @property
    def has_ended(self) -> bool:
        """Say whether the client has sent ``exit``."""
        return self._stage.is_over

    @property
    def ended_well(self) -> bool:
        """Say whether the client has asked for ``shutdown``."""
        return self._stage.is_well_ended

    @property
    def commands(self) -> dict[str, Command]:
        """The commands by name; pygls advertises what is in here."""
        return cast("dict[str, Command]", self.fm.commands)  # pyright: ignore[reportUnknownMemberType]  untyped there

    @property
    def _built_in(self) -> dict[str, _Handler]:
        return cast("dict[str, _Handler]", self.fm.builtin_features)  # pyright: ignore[reportUnknownMemberType]  untyped there

    @property
    def _features(self) -> dict[str, _Handler]:
        return cast("dict[str, _Handler]", self.fm.features)  # pyright: ignore[reportUnknownMemberType]  untyped there

    # --- what comes in ---------------------------------------------------------------------------

    def receive(self, value: object) -> bool:
        """Serve, hear or refuse a message; say whether a task has begun. Never raises.

        pygls: builds objects of every JSON object on its way; drops what is no message with a message box.
        """
        message = envelope.read(value)
        match message:
            case envelope.Request():
                return self._serve(message)
            case envelope.Notification():
                return self._hear(message)
            case envelope.Answer():
                self._take(message)
            case envelope.Invalid():
                self._refuse(message.id, Refusal(codes.INVALID_REQUEST, message.words))
        return False

    def malformed(self, reason: str) -> None:
        """Answer something that can't be read. pygls: shows a message box, or hangs, or ends."""
        self._refuse(None, Refusal(codes.PARSE_ERROR, f"a message can't be read: {reason}"))

    # --- requests --------------------------------------------------------------------------------

    def _serve(self, request: "Request") -> bool:
        handler = self._handler(request.method)
        refusal = self._refusal(request)
        if refusal is not None or handler is None:
            self._refuse(request.id, refusal or Refusal(codes.METHOD_NOT_FOUND, "there is no such method"))
            return False
        try:
            params = self._params(request.method, request.params)
        except Exception:  # noqa: BLE001  pygls: never answers params that it can't read
            words = f"the params of {request.method} can't be read"
            self._refuse(request.id, Refusal(codes.INVALID_PARAMS, words))
            return False
        self._stage = lifecycle.after(self._stage, request.method)
        try:
            outcome = handler(params)
        except Exception as error:  # noqa: BLE001  the edge
            self._answer_error(request.id, error)
            return False
        work = _work_of(outcome)
        if work is None:
            self._answer(request.id, outcome)
            return False
        task = asyncio.get_running_loop().create_task(work)
        self._running[request.id] = task
        task.add_done_callback(partial(self._finish, request.id))
        return True

    def _refusal(self, request: "Request") -> Refusal | None:
        """Return why a request is not served now."""
        # pygls: serves before initialize, initializes twice, and does not answer after shutdown.
        if (refusal := lifecycle.refusal(self._stage, request.method)) is not None:
            return refusal
        if request.id in self._running:  # pygls: forgets the first one
            return Refusal(codes.INVALID_REQUEST, "a request with this id is under way")
        if len(self._running) >= MAX_RUNNING_REQUESTS and request.method != types.SHUTDOWN:
            words = f"{MAX_RUNNING_REQUESTS} requests are under way; ask again when one is answered"
            return Refusal(codes.REQUEST_FAILED, words)  # pygls: accepts any number
        return None

    def _finish(self, message_id: "MessageId", task: "asyncio.Task[object]") -> None:
        del self._running[message_id]
        if task.cancelled():
            self._refuse(message_id, Refusal(codes.REQUEST_CANCELLED, "the request was cancelled"))
        elif (error := task.exception()) is not None:
            self._answer_error(message_id, error)
            without_frames(error)
        else:
            self._answer(message_id, task.result())

    def _answer(self, message_id: "MessageId", result: object) -> None:
        try:
            self._send({"jsonrpc": envelope.VERSION, "id": message_id, "result": result})
        except strict_json.NotJson as error:
            self._answer_error(message_id, error)

    def _answer_error(self, message_id: "MessageId", error: BaseException) -> None:
        """Answer with an error; of one that is not meant for clients only its type is told.

        pygls: sends the traceback and the words of any exception.
        """
        if isinstance(error, JsonRpcException):
            data: object = error.data
            shape = {"code": error.code, "message": error.message, **({} if data is None else {"data": data})}
            self._send({"jsonrpc": envelope.VERSION, "id": message_id, "error": shape})
            return
        crash.note(error, "request")
        words = f"an internal error: {type(error).__name__}"
        self._refuse(message_id, Refusal(codes.INTERNAL_ERROR, words))

    def _refuse(self, message_id: "MessageId | None", refusal: Refusal) -> None:
        error = {"code": refusal.code, "message": refusal.words}
        self._send({"jsonrpc": envelope.VERSION, "id": message_id, "error": error})

    # --- notifications and answers ---------------------------------------------------------------

    def _hear(self, notification: "Notification") -> bool:
        """Do what a notification says; what is wrong with it is logged, by its type alone."""
        method = notification.method
        if not lifecycle.hears(self._stage, method):
            return False
        self._stage = lifecycle.after(self._stage, method)
        if method == types.CANCEL_REQUEST:
            self._cancel(notification.params)
            return False
        handler = self._handler(method)
        if handler is None:
            return False
        try:
            outcome = handler(self._params(method, notification.params))
        except Exception as error:  # noqa: BLE001  the edge
            _log.warning("a notification was dropped", extra={"error": type(error).__name__})
            self.on_dropped(method, notification.params)
            return False
        work = _work_of(outcome)
        if work is None:
            return False
        if len(self._told) >= MAX_RUNNING_NOTIFICATIONS:
            work.close()
            _log.warning("a notification was dropped: too many are under way")
            return False
        task = asyncio.get_running_loop().create_task(work)
        self._told.add(task)
        task.add_done_callback(self._heard)
        return True

    def _heard(self, task: "asyncio.Task[object]") -> None:
        self._told.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            crash.note(error, "background")

    def _cancel(self, params: object) -> None:
        """Stop a request, once: a second cancel would end what it does to settle."""
        message_id = cast("dict[str, object]", params).get("id") if isinstance(params, dict) else None
        if not isinstance(message_id, int | str) or isinstance(message_id, bool):
            return
        task = self._running.get(message_id)
        if task is not None and not task.cancelling():
            task.cancel()

    def _take(self, answer: "Answer") -> None:
        """Take the answer to a request of ours. pygls: keeps the client's requests in the same book."""
        if answer.id is None:
            return
        future = cast("Future[object] | None", self._request_futures.pop(answer.id, None))
        kind = cast("type[object] | None", self._result_types.pop(answer.id, None))
        if future is None or future.done():
            return
        if answer.error is not None:
            future.set_exception(JsonRpcException("the client could not do it"))
            return
        try:
            shape = {"jsonrpc": envelope.VERSION, "id": answer.id, "result": answer.result}
            whole = cast("types.ShutdownResponse", self._converter.structure(shape, kind)) if kind else None
            future.set_result(answer.result if whole is None else whole.result)
        except Exception:  # noqa: BLE001  whatever the client made of it
            future.set_exception(JsonRpcException("the client's answer can't be read"))

    # --- what goes out ---------------------------------------------------------------------------

    def notification(self, method: str, params: object) -> bytes:
        """Write a notification with plain JSON params. Raises NotJson."""
        return self.encoded({"jsonrpc": envelope.VERSION, "method": method, "params": params})

    def encoded(self, message: object) -> bytes:
        """Write a message as JSON. Raises NotJson. pygls: writes NaN."""
        return strict_json.dump(message, cast("Callable[[object], object]", self._converter.unstructure))

    def _send(self, message: object) -> None:
        if self.outbox is not None:
            self.outbox.put(self.encoded(message))

    def _send_data(self, data: object) -> None:
        """Send what pygls has to say. pygls: waits for a client that does not read, and logs the message."""
        try:
            self._send(data)
        except strict_json.NotJson:
            _log.error("a message could not be written")

    # --- what pygls answers ----------------------------------------------------------------------

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[object, object, types.InitializeResult]:
        """Answer with our own protocol's version beside the standard capabilities."""
        try:
            result = yield from super().lsp_initialize(params)
        except Exception:
            self._stage = Stage.BEGINNING
            raise
        result.capabilities.experimental = {"farebox": {"protocol": PROTOCOL_VERSION}}
        return result

    @lsp_method(types.SHUTDOWN)
    async def lsp_shutdown(self, *_args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  as below
        """Let the server settle what runs, then stop what is left."""
        others = {task for task in self._running.values() if task is not asyncio.current_task()}
        try:
            if (handler := self._features.get(types.SHUTDOWN)) is not None:
                await cast("Awaitable[object]", handler(None))
        finally:
            for task in others:
                if not task.cancelling():
                    task.cancel()
            if others:
                await asyncio.wait(others, timeout=STOP_S)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]  a task, so that cancelling it reaches the command
        """Run a command with its first argument as params."""
        handler = self.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams("there is no such command")
        arguments = params.arguments or [None]
        return await handler(arguments[0])

    def _handler(self, method: str) -> _Handler | None:
        return self._built_in.get(method) or self._features.get(method)

    def _params(self, method: str, params: object) -> object:
        """Read of params what is used; those of our own methods stay as they are."""
        kind = types.METHOD_TO_TYPES.get(method, (None, None, None))[2]
        return params if kind is None else self._converter.structure(tidied(method, params), kind)


def _work_of(outcome: object) -> "Coroutine[object, object, object] | None":
    """Return what is still to be done for a handler's outcome; None if it is done."""
    if inspect.isgenerator(outcome):
        return _driven(cast("_Steps", outcome))
    return cast("Coroutine[object, object, object]", outcome) if inspect.iscoroutine(outcome) else None


async def _driven(steps: _Steps) -> object:
    """Make the calls that a built-in handler of pygls yields."""
    value: object = None
    while True:
        try:
            handler, arguments, _ = steps.send(value)
        except StopIteration as end:
            return cast("object", end.value)
        try:
            value = handler(*arguments)
            if inspect.isawaitable(value):
                value = await cast("Awaitable[object]", value)
        except Exception as error:
            steps.throw(error)  # pygls: leaves the built-in handler where it is
            raise


def initialization_options(params: types.InitializeParams) -> dict[str, object]:
    """Return the client's initialization options as a plain dict."""
    options = params.initialization_options
    return cast("dict[str, object]", options) if isinstance(options, dict) else {}
