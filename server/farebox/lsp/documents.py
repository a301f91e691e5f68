"""Editor addresses to plain text: URIs to paths, positions to what stands before and after them."""

from dataclasses import dataclass

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Around:
    """A document split at a position."""

    path: str
    language: str
    prefix: str
    suffix: str


def around(workspace: Workspace, uri: str, position: types.Position) -> Around | None:
    """Split an open document; None if it is not open: a closed file is never read from disk."""
    document = workspace.text_documents.get(uri)
    if document is None:
        return None
    offset = document.offset_at_position(position)
    text = document.source
    return Around(path_of(uri), document.language_id or "", text[:offset], text[offset:])


def text_of(workspace: Workspace, uri: str, span: types.Range | None) -> str | None:
    """Return an open document's text, or a range of it; None if it is not open."""
    document = workspace.text_documents.get(uri)
    if document is None:
        return None
    if span is None:
        return document.source
    start, end = document.offset_at_position(span.start), document.offset_at_position(span.end)
    return document.source[min(start, end) : max(start, end)]


def path_of(uri: str) -> str:
    """Return the file's path; an address that is no file keeps its own form."""
    return to_fs_path(uri) or uri if uri.startswith("file:") else uri


def folder_paths(workspace: Workspace) -> tuple[str, ...]:
    """Return the paths of the workspace's folders."""
    uris = list(workspace.folders) or ([workspace.root_uri] if workspace.root_uri else [])
    return tuple(path_of(uri) for uri in uris if uri.startswith("file:"))
