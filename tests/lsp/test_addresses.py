"""Addresses: whatever an editor calls a document, there is a path that a rule can match."""

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import Workspace

from farebox.lsp.addresses import folder_paths, key_of, path_of


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///x/a%20b.py", "/x/a b.py"),
        ("vscode-vfs://github/x/.env?ref=1", "/x/.env"),
        ("git:/p/.env?x", "/p/.env"),
        ("vscode-notebook-cell:/p/.env#W0s", "/p/.env"),
        ("untitled:.env", ".env"),
        ("vscode-vfs://[github/x/%2Eenv#1", "/x/.env"),
        ("untitled:", "untitled:"),
    ],
)
def test_every_address_has_a_path(uri: str, path: str) -> None:
    assert path_of(uri) == path


@pytest.mark.parametrize("name", ["c#proj", "p%20q", "ordinary"])
def test_a_folders_path_is_read_once(name: str) -> None:
    folder = Path("/ws") / name
    folders = [types.WorkspaceFolder(folder.as_uri(), name)]
    assert folder_paths(Workspace(None, workspace_folders=folders)) == (str(folder),)
    assert folder_paths(Workspace(folder.as_uri())) == (str(folder),)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param("file:///x/a%20b.py", "file:///x/a b.py", True, id="space"),
        pytest.param("file:///c%3A/x", "file:///c:/x", True, id="drive"),
        pytest.param("file:///x/%C3%A9", "file:///x/é", True, id="accent"),
        pytest.param("file:///x/a%2520b", "file:///x/a%20b", False, id="a-percent-in-the-name"),
    ],
)
def test_two_spellings_of_one_address_have_one_key(one: str, other: str, is_same: bool) -> None:
    assert (key_of(one) == key_of(other)) is is_same
