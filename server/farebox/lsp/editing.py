"""What happens to documents, as completion hears of it: opened, changed, closed.

A change is only looked at closely where an answer is under way; nothing here waits for anything.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from lsprotocol import types

from farebox.completion.completer import Completer
from farebox.completion.library import Library
from farebox.lsp.documents import Document, Documents

PAIRS = ("()", "[]", "{}", "<>", '""', "''", "``")

MAX_TYPED_LINES = 8
"""A longer insertion is a paste: nothing that was expected before it stays."""

FOLLOWED_S: Final = 0.05
"""How long edits count on what the settings were: to look at their files takes longer than an edit."""


class Editing:
    """Tells the completer, and whoever learns from the user's files, what is edited."""

    def __init__(self, completer: Completer, library: Callable[[], Library]) -> None:
        self.completer = completer
        self._library = library
        self._followed_s = 0.0
        self._known: Library | None = None

    def library(self) -> Library:
        """Return who learns, by settings that are at most FOLLOWED_S old."""
        now_s = time.monotonic()
        if self._known is None or now_s - self._followed_s > FOLLOWED_S:
            self._known, self._followed_s = self._library(), now_s
        return self._known

    def begin(self, documents: Documents) -> None:
        """Hear of what is open already."""
        for document in documents:
            self.opened(document)

    def opened(self, document: Document) -> None:
        """Hear of a document that is open now."""
        if _is_learned(document.uri):
            self.library().opened(document.path, document.language, document.read)

    def changed(self, document: Document, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """Hear of an edit."""
        if _is_learned(document.uri):
            self.library().changed(document.path, document.language, document.read, _first_line(changes))
        if not self.completer.heeds(document.uri):
            return
        cursor = _cursor(document, changes)
        if cursor is None:
            self.completer.changed(document.uri, None)
        else:
            around = document.around(cursor)
            self.completer.changed(document.uri, around.prefix, around.suffix)

    def closed(self, document: Document) -> None:
        """Hear that a document was closed."""
        self.completer.closed(document.uri)
        if _is_learned(document.uri):
            self.library().closed(document.path)


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
    document: Document, changes: Sequence[types.TextDocumentContentChangeEvent]
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
    units = document.text.units
    if not head and "\n" not in text:
        return types.Position(span.start.line, span.start.character + units(text))
    return types.Position(span.start.line + text.count("\n"), units(last))


def _without_added(text: str) -> str:
    """Leave out what editors put behind the cursor: a pair's closer, or its line break in a pair."""
    if text in PAIRS:
        return text[:1]
    if text.isspace() and text.count("\n") == 2:  # noqa: PLR2004  of the line below the cursor
        return text[: text.rfind("\n")].removesuffix("\r")
    return text
