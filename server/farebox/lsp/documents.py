"""The documents that an editor has open, with the text that it has sent. No file is ever read here."""

import logging
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Final, assert_never

from lsprotocol import types

from farebox.lsp.addresses import key_of, path_of
from farebox.lsp.params import UNVERSIONED
from farebox.lsp.text import Encoding, Text

MAX_DOCUMENTS: Final = 2_000
MAX_DOCUMENT_CHARS: Final = 64_000_000
MAX_ALL_CHARS: Final = 256_000_000
"""All that are open together."""
MAX_CHANGES: Final = 100_000
"""What one message may change. Beyond any of these bounds a document is not kept: as if it were not open."""

_log = logging.getLogger("farebox.lsp")


@dataclass(frozen=True, slots=True)
class Around:
    """A document split at a position."""

    path: str
    language: str
    prefix: str
    suffix: str


class Document:
    """One open document. ``revision`` counts its changes: an editor may use a version again."""

    def __init__(self, item: types.TextDocumentItem, encoding: Encoding, number: int) -> None:
        self.uri = item.uri
        self.path = path_of(item.uri)
        self.language: str = item.language_id
        self.version = item.version
        self.text = Text(item.text, encoding)
        self.number = number
        self.revision = 0
        self.has_gone_back = False

    def copy(self) -> "Document":
        """Return a document that stays as this one is now."""
        twin = copy(self)
        twin.text = self.text.copy()
        return twin

    def around(self, position: types.Position) -> Around:
        """Split the text at a position."""
        prefix, suffix = self.text.around(position.line, position.character)
        return Around(self.path, self.language, prefix, suffix)

    def within(self, position: types.Position) -> types.Position:
        """Return the position in the text that a position stands for."""
        return types.Position(*self.text.within(position.line, position.character))

    def read(self) -> str:
        """Return the whole text, in any thread."""
        return self.text.snapshot()

    def excerpt(self, span: types.Range | None) -> str:
        """Return the text, or a range of it."""
        if span is None:
            return self.text.source
        start, end = span.start, span.end
        return self.text.between(start.line, start.character, end.line, end.character)

    def apply(self, change: types.TextDocumentContentChangeEvent) -> None:
        """Change the text."""
        match change:
            case types.TextDocumentContentChangePartial(range=span, text=text):
                start, end = span.start, span.end
                self.text.replace(start.line, start.character, end.line, end.character, text)
            case types.TextDocumentContentChangeWholeDocument(text=text):
                self.text = Text(text, self.text.encoding)
            case _:
                assert_never(change)
        self.revision += 1


class Documents:
    """All that are open, by address: two spellings of one address are one document."""

    def __init__(self, encoding: Encoding = "utf-16") -> None:
        self._encoding: Encoding = encoding
        self._open: dict[str, Document] = {}
        self._opened = 0
        self._chars = 0

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._open.values()))

    def __contains__(self, document: Document) -> bool:
        return self._open.get(key_of(document.uri)) is document

    def get(self, uri: str) -> Document | None:
        """Look a document up; None if it is not open."""
        return self._open.get(key_of(uri))

    def open(self, params: types.DidOpenTextDocumentParams) -> Document | None:
        """Keep a document, in place of one with its address; None if it is one too many, or too long."""
        item = params.text_document
        self.close(item.uri)
        self._opened += 1
        if len(self._open) >= MAX_DOCUMENTS or not self._admits(len(item.text), 0):
            _log.warning(
                "a document is not kept: too long, or one too many", extra={"document": self._opened}
            )
            return None
        document = self._open[key_of(item.uri)] = Document(item, self._encoding, self._opened)
        self._chars += document.text.length
        return document

    def change(self, params: types.DidChangeTextDocumentParams) -> Document | None:
        """Apply changes in their order; None if nothing has changed.

        The document that has changed may be one that is not kept any more.
        """
        document = self.get(params.text_document.uri)
        if document is None or not _is_next(document, params.text_document.version):
            return None
        is_kept = len(params.content_changes) <= MAX_CHANGES
        before = document.text.length
        for change in params.content_changes if is_kept else ():
            document.apply(change)
            if not self._admits(document.text.length, before):
                is_kept = False
                break
        self._chars += document.text.length - before
        if not is_kept:
            _log.warning(
                "a document is not kept any more: too long, or changed too much",
                extra={"document": document.number},
            )
            self.close(document.uri)
        return document

    def close(self, uri: str) -> Document | None:
        """Forget a document, and return it."""
        document = self._open.pop(key_of(uri), None)
        self._chars -= document.text.length if document is not None else 0
        return document

    def as_now(self, uris: Iterable[str]) -> "Documents":
        """Return a store of some documents as they are now, whatever is edited later."""
        now = Documents(self._encoding)
        found = {key_of(uri): self.get(uri) for uri in uris}
        now._open = {key: document.copy() for key, document in found.items() if document is not None}
        return now

    def is_at(self, document: Document, revision: int) -> bool:
        """Say whether a document is open, and has not been changed since it had a revision."""
        return document in self and document.revision == revision

    def _admits(self, length: int, before: int) -> bool:
        """Say whether a document may be so long that was so long before."""
        return length <= MAX_DOCUMENT_CHARS and self._chars + length - before <= MAX_ALL_CHARS


def _is_next(document: Document, version: int) -> bool:
    """Take over the version of a change; one that goes back is of a change that came too late."""
    if version == UNVERSIONED:
        return True
    if version >= document.version:
        document.version = version
        return True
    if not document.has_gone_back:
        document.has_gone_back = True
        _log.warning("changes of an older version are left out", extra={"document": document.number})
    return False


def encoding_of(kind: str | None) -> Encoding:
    """Return what positions count on a connection; by the protocol UTF-16 where nothing was agreed on."""
    match kind:
        case "utf-8":
            return "utf-8"
        case "utf-32":
            return "utf-32"
        case _:
            return "utf-16"
