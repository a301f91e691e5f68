"""Addresses: whatever an editor calls a document, there is a path that a rule can match."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import Workspace

from farebox.lsp.addresses import folder_paths, key_of, path_of
from support.client import Client
from support.environment import openrouter_config
from support.upstream import Answer, Upstream, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}


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
        ("file://host/share/a.py", "//host/share/a.py"),
        ("file:///C%3A/a.py", "c:/a.py"),
        ("file:///x/a;b.py", "/x/a;b.py"),
        ("file:///w/caf%E9.py", "/w/caf\udce9.py"),
        ("untitled:caf%E9", "caf\udce9"),
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
        pytest.param("file:///w/caf%E9", "file:///w/caf%E8", False, id="not-UTF-8"),
        pytest.param("file:///x/a%2520b", "file:///x/a%20b", False, id="a-percent-in-the-name"),
    ],
)
def test_two_spellings_of_one_address_have_one_key(one: str, other: str, is_same: bool) -> None:
    assert (key_of(one) == key_of(other)) is is_same


# --- from outside: names that are not UTF-8 --------------------------------------------------------


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        body = openrouter_stream("<COMPLETION>1</COMPLETION>", {"prompt_tokens": 20, "cost": 0.0})
        server.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream"))
        yield server


def test_names_that_are_not_utf_8_stay_apart_and_are_worked_with(tmp_path: Path, upstream: Upstream) -> None:
    one, other = "file:///w/caf%E9/a.py", "file:///w/caf%E8/a.py"
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize(rootUri="file:///w/caf%E9")
        client.open(one, "ONE = \n")
        client.open(other, "OTHER = \n")
        assert client.chat("?", attachments=[{"uri": one}])["text"]
        assert "ONE = " in str(upstream.requests[-1].json)
        assert client.ghost(one, 0, 6)
        hole = {"uri": one, "position": {"line": 0, "character": 6}}
        assert client.request("farebox/complete", hole)["items"]
        assert client.request("farebox/costReport", {"by": ["workspace"]})["rows"]
