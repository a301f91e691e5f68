"""Editor addresses to paths: what names a document, for rules about files and for people. Reads no file."""

import re
import sys
from typing import Final
from urllib.parse import unquote, urlsplit

from pygls.workspace import Workspace

_DRIVE: Final = re.compile(r"/[A-Za-z]:")
_BESIDE_PATH: Final = re.compile(r"^(?:[^:/?#]+:)?(?://[^/?#]*)?|[?#].*", re.DOTALL)
"""What is not the path in an address, as RFC 3986 splits it."""


def key_of(uri: str) -> str:
    """Return what an address and every other spelling of it have in common."""
    return _decoded(uri)


def path_of(uri: str) -> str:
    """Return the file's path; of any other address its path too, so that privacy rules can match it."""
    return _file_path(uri) or _decoded(_BESIDE_PATH.sub("", uri)) or uri


def folder_paths(workspace: Workspace) -> tuple[str, ...]:
    """Return the paths of the workspace's folders."""
    uris = [folder.uri for folder in workspace.folders.values()]
    if not uris and workspace.root_uri:
        uris = [workspace.root_uri]
    return tuple(path_of(uri) for uri in uris if uri.startswith("file:"))


def _file_path(uri: str) -> str | None:
    """Return the path of a file's address. pygls: takes all names that are not UTF-8 for one."""
    try:
        scheme, host, path, _, _ = urlsplit(uri)
    except ValueError:  # no address at all
        return None
    if scheme != "file":
        return None
    path = _decoded(path)
    if host and path:
        path = f"//{_decoded(host)}{path}"
    elif _DRIVE.match(path):
        path = path[1].lower() + path[2:]
    return path.replace("/", "\\") if sys.platform == "win32" else path


def _decoded(text: str) -> str:
    """Decode as Python does the names of files: bytes that are not UTF-8 stay apart."""
    return unquote(text, errors="surrogateescape")
