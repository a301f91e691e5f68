"""Editor addresses to plain text: URIs to paths, positions to what stands before and after them."""

import re
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument, Workspace

_BESIDE_PATH = re.compile(r"^(?:[^:/?#]+:)?(?://[^/?#]*)?|[?#].*", re.DOTALL)
"""What is not the path in an address, as RFC 3986 splits it."""

_LINE_END = re.compile(r"\r\n|\n|\r")
"""All that ends a line by the protocol. To Python a form feed does too, and some more."""


@dataclass(frozen=True, slots=True)
class Around:
    """A document split at a position."""

    path: str
    language: str
    prefix: str
    suffix: str


def around(workspace: Workspace, uri: str, position: types.Position) -> Around | None:
    """Split an open document; None if it is not open: a closed file is never read from disk."""
    document = open_document(workspace, uri)
    if document is None:
        return None
    text = document.source
    offset = _offset(document, position)
    return Around(path_of(document.uri), document.language_id or "", text[:offset], text[offset:])


def _line_start(text: str, line: int) -> int | None:
    """Return where a line begins; None if there are not as many."""
    if line == 0:
        return 0
    if "\r" not in text:  # the usual case, ten times as fast
        rest = text.split("\n", line)
        return len(text) - len(rest[-1]) if len(rest) > line else None
    ended = next(islice(_LINE_END.finditer(text), line - 1, None), None)
    return ended.end() if ended is not None else None


def _offset(document: TextDocument, position: types.Position) -> int:
    """Return where a position is in the text; what lies past a line's end, or the last line, is that end.

    pygls would cut the text into all of its lines, and also where the protocol knows no line's end.
    """
    text = document.source
    start = _line_start(text, position.line)
    if start is None:
        return len(text)
    end = _LINE_END.search(text, start)
    line = text[start : end.start() if end is not None else len(text)]
    codec = document.position_codec
    if position.character >= codec.client_num_units(line):
        return start + len(line)
    within = types.Position(0, position.character)
    return start + codec.position_from_client_units((line,), within).character


def excerpt(workspace: Workspace, uri: str, span: types.Range | None) -> tuple[str, str] | None:
    """Return an open document's path and its text, or a range of it; None if it is not open."""
    document = open_document(workspace, uri)
    if document is None:
        return None
    path = path_of(document.uri)
    if span is None:
        return path, document.source
    start, end = _offset(document, span.start), _offset(document, span.end)
    return path, document.source[min(start, end) : max(start, end)]


def utf16_length(text: str) -> int:
    """Count a text's UTF-16 code units, whatever the positions of this connection count."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def path_of(uri: str) -> str:
    """Return the file's path; of any other address its path too, so that privacy rules can match it."""
    try:
        path = to_fs_path(uri)
    except ValueError:  # no address at all
        path = None
    return path or unquote(_BESIDE_PATH.sub("", uri)) or uri


def folder_paths(workspace: Workspace) -> tuple[str, ...]:
    """Return the paths of the workspace's folders."""
    uris = [folder.uri for folder in workspace.folders.values()]
    if not uris and workspace.root_uri:
        uris = [workspace.root_uri]
    return tuple(path_of(uri) for uri in uris if uri.startswith("file:"))


def open_document(workspace: Workspace, uri: str) -> TextDocument | None:
    """Look a document up as pygls keeps it: two spellings of one address are one document."""
    return workspace.text_documents.get(unquote(uri))
