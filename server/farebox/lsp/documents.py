"""Editor addresses to plain text: URIs to paths, positions to what stands before and after them."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument, Workspace

_BESIDE_PATH = re.compile(r"^(?:[^:/?#]+:)?(?://[^/?#]*)?|[?#].*", re.DOTALL)
"""What is not the path in an address, as RFC 3986 splits it."""


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


def _offset(document: TextDocument, position: types.Position) -> int:
    """Return where a position is in the text. pygls would cut the text into lines twice."""
    lines = document.lines
    place = document.position_codec.position_from_client_units(lines, position)
    return place.character + sum(map(len, lines[: place.line]))


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
