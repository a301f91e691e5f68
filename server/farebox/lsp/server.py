"""The language server: registers everything with pygls and turns errors into replies. Decides nothing."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from lsprotocol import types
from pygls.exceptions import FeatureRequestError
from pygls.lsp.server import LanguageServer

import farebox
from farebox import crash, logs, places
from farebox.errors import FareboxError
from farebox.lsp import ballast, parent
from farebox.lsp.addresses import folder_paths
from farebox.lsp.documents import Documents, encoding_of
from farebox.lsp.ending import FLUSH_S, SETTLE_S, Ending, end_now
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
from farebox.lsp.outbox import Outbox
from farebox.lsp.own_settings import own_section, settings_of
from farebox.lsp.protocol import Protocol, fast_converter, initialization_options
from farebox.lsp.session import Session
from farebox.lsp.stdio import Stdin, listen
from farebox.unseen import shown, shown_in

if TYPE_CHECKING:
    from farebox.app import Client
    from farebox.lsp.features import Context

_log = logging.getLogger("farebox.lsp")

SWITCH_S = 0.0002
"""How long a thread that learns files may keep the interpreter from one that has a key to answer."""


class Server(LanguageServer):
    """farebox behind pygls. One process serves one client."""

    protocol: Protocol  # pyright: ignore[reportIncompatibleVariableOverride]  set once, by the base class

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  its **kwargs are untyped
            "farebox", farebox.__version__, protocol_cls=Protocol, converter_factory=fast_converter
        )
        self.documents = Documents()
        self.session = Session(self)
        self.ending = Ending()
        self._initialize: types.InitializeParams | None = None
        self._settings: dict[str, object] = {}
        self.protocol.on_dropped = self._on_dropped
        self._register()

    # --- lifecycle -----------------------------------------------------------------------------

    def start_io(self, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> None:
        """Speak on two streams until there is a reason to end; the process ends with that."""
        source = (sys.stdin.buffer if stdin is None else stdin).fileno()
        sink = (sys.stdout.buffer if stdout is None else stdout).fileno()
        try:
            asyncio.Runner().run(self._speak(source, sink))
        except Exception as error:  # noqa: BLE001  the loop has died, or could not begin: to close it may take for ever
            self.ending.begin(1)
            crash.note(error, "loop")
            with contextlib.suppress(Exception):
                self.session.close_now()
            self.ending.end()

    async def _speak(self, source: int, sink: int) -> None:
        self._outbox = self.protocol.outbox = Outbox(sink, self._end)
        reading = asyncio.get_running_loop().create_task(self._listen(source))
        code = await self.ending.begun()
        try:
            reading.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    await self.session.close()
            await self._outbox.close(FLUSH_S)
            self.session.close_now()
        finally:
            end_now(code)

    async def _listen(self, source: int) -> None:
        try:
            await listen(Stdin(source), self.protocol)
        except Exception as error:  # noqa: BLE001  the edge
            crash.note(error, "loop")
        finally:
            self._end()

    def _end(self, reason: str = "") -> None:
        """Begin to end; a client that has not asked for it gets the code that the specification wants."""
        self.ending.begin(0 if self.protocol.ended_well else 1, reason)

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
        self._on(DID_FOCUS, self._on_focused)
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
        self.documents = Documents(encoding_of(self.workspace.position_encoding))
        self.session.begin(self._describe_client)
        crash.watch(asyncio.get_running_loop())
        parent.watch(params.process_id, self._end)

    def _on_initialized(self, _params: object) -> None:
        self.session.in_background(self.session.warm_up())

    async def _on_shutdown(self, _params: object) -> None:
        await self.session.close()

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
            roots=folder_paths(self.workspace),
            trusted=trusted is not False,
        )

    # --- requests ------------------------------------------------------------------------------

    async def _answer(self, name: str, params: object = None) -> object:
        """Answer one of our own methods."""
        from farebox.lsp import features  # noqa: PLC0415  deferred for start-up

        with self.session.stoppable(), _answered():
            documents = self.documents.as_now(features.named(params))  # not as when the App has been built
            context = await self._context(documents)
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
        document = self.documents.get(params.text_document.uri)
        revision = document.revision if document is not None else 0
        completer = await self.session.completer()
        app = await self.session.app()
        self.session.stand_at(ghosts.kept_here(app, self.documents, params.text_document.uri))
        if document is None:
            return types.InlineCompletionList(items=[])
        if not self.documents.is_at(document, revision):  # edited while the App was built
            raise ghosts.Superseded
        try:
            if invoked:
                async with self.session.request(quietly=False):
                    items = await ghosts.ghost_text(app, completer, self.documents, params)
            else:
                items = await ghosts.ghost_text(app, completer, self.documents, params)
        except FareboxError as error:
            if invoked:
                raise
            # Nobody asked: no error at every key. The status says what is wrong.
            self.session.fail_quietly(error)
            return types.InlineCompletionList(items=[])
        position = document.within(params.position)
        here = types.Range(start=position, end=position)
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

    async def _context(self, documents: Documents) -> "Context":
        from farebox.lsp.events import Telling  # noqa: PLC0415  deferred for start-up
        from farebox.lsp.features import Context  # noqa: PLC0415  deferred for start-up

        completer = await self.session.completer()
        telling = partial(Telling, self.protocol, self._outbox)
        return Context(await self.session.app(), documents, completer, telling)

    # --- documents ----------------------------------------------------------------------------------

    def _on_opened(self, params: types.DidOpenTextDocumentParams) -> None:
        self._close(params.text_document.uri)  # some editors open again what is open
        if (document := self.documents.open(params)) is not None:
            self.session.with_editing(lambda editing: editing.opened(document))

    def _on_changed(self, params: types.DidChangeTextDocumentParams) -> None:
        document = self.documents.change(params)
        if document is None:
            return
        if document in self.documents:
            self.session.with_editing(lambda editing: editing.changed(document, params.content_changes))
        else:
            self.session.with_editing(lambda editing: editing.closed(document))

    def _on_closed(self, params: types.DidCloseTextDocumentParams) -> None:
        self._close(params.text_document.uri)

    def _on_dropped(self, method: str, params: object) -> None:
        """Close a document whose text has come to be another than we know: nothing stale may be sent."""
        uri = _document_of(params)
        if method in (types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE) and uri is not None:
            self._close(uri)

    def _close(self, uri: str) -> None:
        if (document := self.documents.close(uri)) is not None:
            self.session.with_editing(lambda editing: editing.closed(document))

    async def _on_focused(self, params: object) -> None:
        from farebox.lsp import ghosts  # noqa: PLC0415  deferred for start-up

        uri = _document_of(params)
        app = await self.session.app()
        self.session.stand_at(ghosts.kept_here(app, self.documents, uri) if uri is not None else None)

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
        """Send a notification of our own, of which only the last counts."""
        self._outbox.put_newest(method, self.protocol.notification(method, shown_in(params)))

    def show_warning(self, message: str) -> None:
        """Show the user a warning."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, shown(message)))

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log what went wrong outside any request, by its type alone: its text may hold code."""
        if source is FeatureRequestError:
            return  # it has been answered
        _log.error("the connection has a complaint", extra={"error": type(error).__name__})


@contextlib.contextmanager
def _answered() -> Generator[None]:
    """Turn an error that is meant for the user into a reply; the protocol does that with any other."""
    try:
        yield
    except FareboxError as error:
        raise response_error(error) from None


def _document_of(params: object) -> str | None:
    """Find the address of the document that a notification is about."""
    match params:
        case {"textDocument": {"uri": str() as uri}}:
            return uri
        case _:
            return None


def _item_id(params: object) -> str | None:
    """Find the completion's id in the item that a client sends back."""
    match params:
        case {"item": {"command": {"arguments": [str() as item]}}}:
            return item
        case _:
            return None


def _data_folder() -> Path:
    return places.data_folder(os.environ)


def serve() -> None:
    """Speak LSP on stdin and stdout; the process ends with the connection, see ``ending``."""
    logs.begin(_data_folder, is_debug=os.environ.get("FAREBOX_DEBUG") == "1")
    crash.begin(_data_folder)
    crash.catch_all()
    # pygls logs whole messages: prompts and code.
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
    server = Server()
    sys.setswitchinterval(SWITCH_S)
    ballast.drop(types)
    ballast.share_heap()
    ballast.begin()
    # Whatever prints by mistake must not end up in the middle of a message.
    wire = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server.ending.hear_signals()
    server.start_io(stdout=wire)
