"""pygls' protocol, adjusted: cheaper start, plain params for our methods, an answer to every request.

What is corrected here, each found in pygls 2.1.1: params that can't be read and requests after
``shutdown`` were never answered; requests before ``initialize`` were served; ``exit`` without ``shutdown``
was no failure; a cancelled ``workspace/executeCommand`` went on running; an internal error sent a
traceback to the client; the log held message bodies.
"""

from collections.abc import Awaitable, Callable, Generator
from typing import TypeAlias, cast

from cattrs import Converter
from lsprotocol import converters, types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    lsp_method,
)
from pygls.protocol.json_rpc import RPCMessage, RPCRequest

from farebox.lsp.names import PROTOCOL_VERSION

Command: TypeAlias = Callable[[object], Awaitable[object]]
"""Runs a command with its first argument."""


def fast_converter() -> Converter:
    """Build the converter without detailed validation (35 ms of start-up); our own params stay dicts."""
    converter = converters.get_converter(Converter(detailed_validation=False))
    for message in (JsonRPCRequestMessage, JsonRPCNotification):
        # JSON-RPC lets a client leave params out.
        converter.register_structure_hook(message, lambda value, cls: cls(**{"params": None, **value}))
    converter.register_structure_hook(JsonRPCResponseMessage, lambda value, cls: cls(**value))
    return converter


class Protocol(LanguageServerProtocol):
    """The JSON-RPC side of the server."""

    _initialized = False
    _closing = False

    @property
    def ended_well(self) -> bool:
        """Say whether the client has asked for ``shutdown``: the process's exit code must tell."""
        return self._shutdown

    @property
    def commands(self) -> dict[str, Command]:
        """The commands by name; pygls advertises what is in here."""
        return cast("dict[str, Command]", self.fm.commands)  # pyright: ignore[reportUnknownMemberType]  untyped there

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[object, object, types.InitializeResult]:
        """Answer with our own protocol's version beside the standard capabilities."""
        self._initialized = True
        result = yield from super().lsp_initialize(params)
        result.capabilities.experimental = {"farebox": {"protocol": PROTOCOL_VERSION}}
        return result

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]  a task, so that cancelling it reaches the command
        """Run a command with its first argument as params."""
        handler = self.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"there is no command {params.command}")
        arguments = params.arguments or [None]
        return await handler(arguments[0])

    def structure_message(self, data: dict[str, object]) -> object:
        """Read a message; one that can't be read is answered and dropped."""
        if "jsonrpc" in data and not isinstance(data.get("method", ""), str):
            self._refuse(data, JsonRpcInvalidRequest("method must be a string"))
            return JsonRPCNotification(method="", jsonrpc=self.VERSION, params=None)
        try:
            return super().structure_message(data)
        except JsonRpcException:
            self._refuse(data, JsonRpcInvalidParams(f"the params of {data.get('method')} can't be read"))
            return JsonRPCNotification(method="", jsonrpc=self.VERSION, params=None)

    def handle_message(self, message: RPCMessage) -> None:
        """Hand a message on; a request at the wrong time is answered, neither served nor ignored."""
        if isinstance(message, RPCRequest) and (error := self._untimely(message)) is not None:
            self._send_response(message.id, error=error.to_response_error())
            return
        if isinstance(message, RPCRequest) and message.method == types.SHUTDOWN:
            self._closing = True  # pygls says so only once it has been answered
        super().handle_message(message)

    def _untimely(self, request: RPCRequest) -> JsonRpcException | None:
        if self._closing:
            return JsonRpcInvalidRequest("the server is shutting down")
        if self._initialized and request.method == types.INITIALIZE:
            return JsonRpcInvalidRequest("initialize has been answered already")
        if not self._initialized and request.method != types.INITIALIZE:
            return JsonRpcServerNotInitialized("the first request must be initialize")
        return None

    def _refuse(self, data: dict[str, object], error: JsonRpcException) -> None:
        message_id = data.get("id")
        if isinstance(message_id, int | str) and "method" in data:
            self._send_response(message_id, error=error.to_response_error())

    def call(self, method: str, params: object) -> None:
        """Send a notification with plain JSON params."""
        self._send_data(JsonRPCNotification(method=method, jsonrpc=self.VERSION, params=params))


def initialization_options(params: types.InitializeParams) -> dict[str, object]:
    """Return the client's initialization options as a plain dict."""
    options = params.initialization_options
    return cast("dict[str, object]", options) if isinstance(options, dict) else {}
