"""The language server: registers everything with pygls and turns errors into replies. Decides nothing."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, cast

from lsprotocol import types
from pygls.exceptions import FeatureRequestError, JsonRpcException
from pygls.io_ import StdoutWriter, run_async
from pygls.lsp.server import LanguageServer

import farebox
from farebox.errors import FareboxError
from farebox.lsp import documents
from farebox.lsp.errors import response_error
from farebox.lsp.names import (
    COMMAND_PREFIX,
    DID_ACCEPT,
    DID_FOCUS,
    DID_PARTIALLY_ACCEPT,
    DID_SHOW,
    METHODS,
    PREFIX,
)
from farebox.lsp.protocol import Protocol, fast_converter, initialization_options
from farebox.lsp.session import Session, own_section, settings_of
from farebox.lsp.stdio import Source, Stdin

if TYPE_CHECKING:
    from farebox.app import Client
    from farebox.lsp.features import Context

_log = logging.getLogger("farebox.lsp")

EXIT_INTERRUPTED = 130
SWITCH_S = 0.0002
"""How long a thread that learns files may keep the interpreter from one that has a key to answer."""


class Server(LanguageServer):
    """farebox behind pygls. One process serves one client."""

    protocol: Protocol  # pyright: ignore[reportIncompatibleVariableOverride]  set once, by the base class

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  its **kwargs are untyped
            "farebox", farebox.__version__, protocol_cls=Protocol, converter_factory=fast_converter
        )
        self.session = Session(self)
        self._initialize: types.InitializeParams | None = None
        self._settings: dict[str, object] = {}
        self._terminating: asyncio.Task[None] | None = None
        self._register()

    # --- lifecycle -----------------------------------------------------------------------------

    def start_io(self, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> None:
        """Speak on two streams until the client ends the connection: pygls' way, with our own reader."""
        self._stop_event = threading.Event()
        source = sys.stdin.buffer if stdin is None else stdin
        self.protocol.set_writer(StdoutWriter(sys.stdout.buffer if stdout is None else stdout))
        messages = run_async(
            stop_event=self._stop_event,
            reader=Stdin(cast("Source", source), self.thread_pool),
            protocol=self.protocol,
            error_handler=self.report_server_error,
        )
        try:
            asyncio.run(messages)
        except (BrokenPipeError, KeyboardInterrupt, SystemExit):
            pass
        finally:
            self.shutdown()

    def _register(self) -> None:
        self._on(types.INITIALIZE, self._on_initialize)
        self._on(types.INITIALIZED, self._on_initialized)
        self._on(types.SHUTDOWN, self._on_shutdown)
        self._on(types.WORKSPACE_DID_CHANGE_CONFIGURATION, self._on_configuration)
        self._on(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, self._on_folders)
        # Without options pygls does not advertise the capability.
        options = types.InlineCompletionOptions()
        self._on(types.TEXT_DOCUMENT_INLINE_COMPLETION, self._inline_completion, options)
        self._on(types.TEXT_DOCUMENT_DID_OPEN, self._on_opened)
        self._on(types.TEXT_DOCUMENT_DID_CHANGE, self._on_changed)
        self._on(types.TEXT_DOCUMENT_DID_CLOSE, self._on_closed)
        self._on(DID_SHOW, self._on_shown)
        self._on(DID_PARTIALLY_ACCEPT, self._on_partially_accepted)
        self._on(DID_FOCUS, _ignore)
        self.protocol.commands[DID_ACCEPT] = self._on_accepted
        for name in METHODS:
            method = partial(self._answer, name)
            self._on(PREFIX + name, method)
            self.protocol.commands[COMMAND_PREFIX + name] = method

    def _on(self, method: str, handler: Callable[..., object], options: object = None) -> None:
        """Register a handler; pygls writes attributes on it, which a bound method does not take."""
        self.feature(method, options)(partial(handler))

    def _on_initialize(self, params: types.InitializeParams) -> None:
        self._initialize = params
        self._settings = settings_of(initialization_options(params))
        self.session.begin(self._describe_client)
        with contextlib.suppress(NotImplementedError):  # Windows has no such signal
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._on_terminate)

    def _on_initialized(self, _params: object) -> None:
        self.session.in_background(self.session.warm_up())

    async def _on_shutdown(self, _params: object) -> None:
        await self.session.close()

    def _on_terminate(self) -> None:
        """Settle what runs, then let the signal do what it does; a second one does so at once."""
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGTERM)
        closing = loop.create_task(self.session.close())
        closing.add_done_callback(lambda _: signal.raise_signal(signal.SIGTERM))
        self._terminating = closing

    def end_at_interrupt(self) -> None:
        """Let Ctrl-C settle what runs and end the process; a second one does so at once.

        The thread that waits for stdin can't be woken, and pygls and Python would wait for it.
        """
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is to be ignored
            signal.signal(signal.SIGINT, self._on_interrupt)

    def _on_interrupt(self, _number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            asyncio.get_running_loop().call_soon_threadsafe(self._begin_to_end)
        except RuntimeError:  # there is none yet, or none any more: nothing runs
            raise KeyboardInterrupt from None

    def _begin_to_end(self) -> None:
        self._terminating = asyncio.get_running_loop().create_task(self._end_interrupted())

    async def _end_interrupted(self) -> None:
        try:
            await self.session.close()
        finally:
            os._exit(EXIT_INTERRUPTED)

    def _on_configuration(self, params: types.DidChangeConfigurationParams) -> None:
        own = own_section(cast("object", params.settings))
        if own is not None:  # some clients send null, or all settings but ours: those change nothing
            self._settings = own
            self.session.client_changed()

    def _on_folders(self, _params: object) -> None:
        self.session.client_changed()

    def _describe_client(self) -> "Client":
        from farebox.app import Client  # noqa: PLC0415  deferred for start-up

        assert self._initialize is not None  # noqa: S101  it has been answered
        info = self._initialize.client_info
        trusted = initialization_options(self._initialize).get("workspaceTrusted")
        return Client(
            name=info.name if info is not None else "an editor",
            settings=self._settings,
            roots=documents.folder_paths(self.workspace),
            trusted=trusted is not False,
        )

    # --- requests ------------------------------------------------------------------------------

    async def _answer(self, name: str, params: object = None) -> object:
        """Answer one of our own methods."""
        from farebox.lsp import features  # noqa: PLC0415  deferred for start-up

        with self.session.stoppable(), _answered():
            context = await self._context()
            if name not in ("chat", "complete"):
                result = await features.call(context, name, params)
                if name == "pause":
                    self.session.tell_standing()
                return result
            async with self.session.request(quietly=False):
                return await features.call(context, name, params)

    async def _inline_completion(self, params: types.InlineCompletionParams) -> types.InlineCompletionList:
        """Answer with ghost text. A newer request for the document, or an edit of it, cancels this one."""
        with self.session.stoppable(), _answered():
            return await self._ghost_text(params)

    async def _ghost_text(self, params: types.InlineCompletionParams) -> types.InlineCompletionList:
        from farebox.lsp import ghosts  # noqa: PLC0415  deferred for start-up

        invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        completer = await self.session.completer()
        app = await self.session.app()
        try:
            if invoked:
                async with self.session.request(quietly=False):
                    items = await ghosts.ghost_text(app, completer, self.workspace, params)
            else:
                items = await ghosts.ghost_text(app, completer, self.workspace, params)
        except FareboxError as error:
            if invoked:
                raise
            # Nobody asked: no error at every key. The status says what is wrong.
            self.session.fail_quietly(error)
            return types.InlineCompletionList(items=[])
        here = types.Range(start=params.position, end=params.position)
        return types.InlineCompletionList(
            items=[
                types.InlineCompletionItem(
                    insert_text=item.text,
                    range=here,
                    command=types.Command(title="accepted", command=DID_ACCEPT, arguments=[item.id]),
                )
                for item in items
            ]
        )

    async def _context(self) -> "Context":
        from farebox.lsp.features import Context  # noqa: PLC0415  deferred for start-up

        completer = await self.session.completer()
        return Context(await self.session.app(), self.workspace, completer, self.notify_json)

    # --- documents ----------------------------------------------------------------------------------

    def _on_opened(self, params: types.DidOpenTextDocumentParams) -> None:
        self.session.with_editing(lambda editing: editing.opened(self.workspace, params))

    def _on_changed(self, params: types.DidChangeTextDocumentParams) -> None:
        self.session.with_editing(lambda editing: editing.changed(self.workspace, params))

    def _on_closed(self, params: types.DidCloseTextDocumentParams) -> None:
        self.session.with_editing(lambda editing: editing.closed(params))

    # --- what the user did with a completion -------------------------------------------------------

    async def _on_accepted(self, argument: object) -> None:
        app = await self.session.app()
        if isinstance(argument, str):
            app.diary.mark_accepted(argument)

    async def _on_shown(self, params: object) -> None:
        app = await self.session.app()
        if (item := _item_id(params)) is not None:
            app.diary.mark_shown(item)

    async def _on_partially_accepted(self, params: object) -> None:
        app = await self.session.app()
        match params:
            case {"acceptedLength": int() as length} if not isinstance(length, bool):
                if (item := _item_id(params)) is not None:
                    app.diary.mark_accepted(item, length)
            case _:
                pass

    # --- notifications -------------------------------------------------------------------------------

    def notify_json(self, method: str, params: object) -> None:
        """Send a notification of our own."""
        self.protocol.call(method, params)

    def show_warning(self, message: str) -> None:
        """Show the user a warning."""
        self.window_show_message(types.ShowMessageParams(type=types.MessageType.Warning, message=message))

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log what went wrong outside any request, by its type alone: its text may hold code."""
        if source is FeatureRequestError:
            return  # it has been answered
        _log.error("the connection reported %s", type(error).__name__)


@contextlib.contextmanager
def _answered() -> Generator[None]:
    """Turn whatever goes wrong into a reply; a bug of ours must not end the server."""
    try:
        yield
    except FareboxError as error:
        raise response_error(error) from None
    except (JsonRpcException, asyncio.CancelledError):
        raise
    except Exception as error:  # noqa: BLE001  the edge
        _log.error("an internal error: %s", type(error).__name__)
        raise JsonRpcException(f"an internal error: {type(error).__name__}", code=-32603) from None


def _ignore(_params: object) -> None:
    """Take a notification that is of no use yet."""


def _item_id(params: object) -> str | None:
    """Find the completion's id in the item that a client sends back."""
    match params:
        case {"item": {"command": {"arguments": [str() as item]}}}:
            return item
        case _:
            return None


def serve() -> None:
    """Speak LSP on stdin and stdout until the client ends the connection.

    Raises SystemExit with 1 if it did so without ``shutdown``, as the specification asks.
    """
    level = logging.DEBUG if os.environ.get("FAREBOX_DEBUG") == "1" else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(name)s: %(message)s")
    # pygls logs whole messages: prompts and code.
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
    server = Server()
    sys.setswitchinterval(SWITCH_S)
    gc.enable()
    gc.freeze()
    # Whatever prints by mistake must not end up in the middle of a message.
    wire = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server.end_at_interrupt()
    try:
        server.start_io(stdout=wire)
    finally:
        server.session.close_now()
    if not server.protocol.ended_well:
        sys.exit(1)
