"""What happens to documents, as completion hears of it: opened, changed, closed.

A change is only looked at closely where an answer is under way; nothing here waits for anything.
"""

from collections.abc import Callable, Sequence

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

from farebox.completion.completer import Completer
from farebox.completion.library import Library
from farebox.lsp import documents

PAIRS = ("()", "[]", "{}", "<>", '""', "''", "``")

MAX_TYPED_LINES = 8
"""A longer insertion is a paste: nothing that was expected before it stays."""


class Editing:
    """Tells the completer, and whoever learns from the user's files, what is edited."""

    def __init__(self, completer: Completer, library: Callable[[], Library]) -> None:
        self.completer = completer
        self.library = library

    def begin(self, workspace: Workspace) -> None:
        """Hear of what is open already."""
        for document in workspace.text_documents.values():
            self._learn(document)

    def opened(self, workspace: Workspace, params: types.DidOpenTextDocumentParams) -> None:
        """Hear of a document that is open now."""
        document = documents.open_document(workspace, params.text_document.uri)
        if document is not None:
            self._learn(document)

    def changed(self, workspace: Workspace, params: types.DidChangeTextDocumentParams) -> None:
        """Hear of an edit."""
        document = documents.open_document(workspace, params.text_document.uri)
        if document is None:
            return
        if _is_learned(document.uri):
            line = _first_line(params.content_changes)
            path = documents.path_of(document.uri)
            self.library().changed(path, document.language_id or "", document.source, line)
        uri = params.text_document.uri
        if not self.completer.heeds(uri):
            return
        cursor = _cursor(document, params.content_changes)
        around = None if cursor is None else documents.around(workspace, document.uri, cursor)
        if around is None:
            self.completer.changed(uri, None)
        else:
            self.completer.changed(uri, around.prefix, around.suffix)

    def closed(self, params: types.DidCloseTextDocumentParams) -> None:
        """Hear that a document was closed."""
        uri = params.text_document.uri
        self.completer.closed(uri)
        if _is_learned(uri):
            self.library().closed(documents.path_of(uri))

    def _learn(self, document: TextDocument) -> None:
        if _is_learned(document.uri):
            path = documents.path_of(document.uri)
            self.library().opened(path, document.language_id or "", document.source)


def _is_learned(uri: str) -> bool:
    """Whether a document's path is its own: an older revision, or a cell of a notebook, shares another's."""
    return uri.startswith(("file:", "untitled:"))


def _first_line(changes: Sequence[types.TextDocumentContentChangeEvent]) -> int | None:
    match changes:
        case [types.TextDocumentContentChangePartial(range=span), *_]:
            return span.start.line
        case _:
            return None


def _cursor(
    document: TextDocument, changes: Sequence[types.TextDocumentContentChangeEvent]
) -> types.Position | None:
    """Return where the cursor is after an edit that looks like typing: one, small, within a line."""
    match changes:
        case [types.TextDocumentContentChangePartial(range=span, text=text)]:
            pass
        case _:
            return None
    if span.end.line != span.start.line or text.count("\n") > MAX_TYPED_LINES:
        return None
    text = _without_added(text)
    head, _, last = text.rpartition("\n")
    codec = document.position_codec
    if not head and "\n" not in text:
        return types.Position(span.start.line, span.start.character + codec.client_num_units(text))
    return types.Position(span.start.line + text.count("\n"), codec.client_num_units(last))


def _without_added(text: str) -> str:
    """Leave out what editors put behind the cursor: a pair's closer, or its line break in a pair."""
    if text in PAIRS:
        return text[:1]
    if text.isspace() and text.count("\n") == 2:  # noqa: PLR2004  of the line below the cursor
        return text[: text.rfind("\n")].removesuffix("\r")
    return text
