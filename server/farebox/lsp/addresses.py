"""Editor addresses to paths: what names a document, for rules about files and for people. Reads no file."""

import re
from urllib.parse import unquote

from pygls.uris import to_fs_path
from pygls.workspace import Workspace

_BESIDE_PATH = re.compile(r"^(?:[^:/?#]+:)?(?://[^/?#]*)?|[?#].*", re.DOTALL)
"""What is not the path in an address, as RFC 3986 splits it."""


def key_of(uri: str) -> str:
    """Return what an address and every other spelling of it have in common."""
    return unquote(uri)


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
