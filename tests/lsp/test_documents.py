"""Addresses: however an editor spells one, its document is found, and no rule about its path is missed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import Workspace

from farebox.lsp.documents import around, excerpt, folder_paths, path_of, utf16_length
from support.client import AUTOMATIC, Client, Failed
from support.environment import openrouter_config
from support.upstream import Answer, Upstream, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
SECRETS = (
    "vscode-vfs://github/x/.env?ref=1",
    "git:/p/.env?x",
    "vscode-notebook-cell:/p/.env#W0s",
    "untitled:.env",
)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        body = openrouter_stream("<COMPLETION>1</COMPLETION>")
        server.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream"))
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize()
        yield client


@pytest.mark.parametrize(
    ("opened", "asked"),
    [
        pytest.param("file:///x/a%20b.py", "file:///x/a%20b.py", id="space"),
        pytest.param("file:///x/%C3%A9.py", "file:///x/é.py", id="accent"),
        pytest.param("file:///c%3A/x/a.py", "file:///c:/x/a.py", id="drive"),
        pytest.param("file:///x/a%2520b.py", "file:///x/a%2520b.py", id="percent-in-the-name"),
    ],
)
def test_a_document_is_open_however_its_address_is_spelled(client: Client, opened: str, asked: str) -> None:
    client.open(opened, "x = \n")
    for uri in (opened, asked):
        assert client.ghost(uri, 0, 4)
        assert client.chat("?", attachments=[{"uri": uri}])["text"]
        hole = {"uri": uri, "position": {"line": 0, "character": 4}}
        assert client.request("farebox/complete", hole)["items"]


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


def test_a_document_keeps_the_path_it_was_opened_with() -> None:
    workspace = Workspace(None)
    workspace.put_text_document(types.TextDocumentItem("file:///x/a%23.env", "python", 1, "K=1\n"))
    for uri in ("file:///x/a%23.env", "file:///x/a#.env"):
        split, part = around(workspace, uri, types.Position(0, 2)), excerpt(workspace, uri, None)
        assert split is not None
        assert (split.path, part) == ("/x/a#.env", ("/x/a#.env", "K=1\n"))


@pytest.mark.parametrize("name", ["c#proj", "p%20q", "ordinary"])
def test_a_folders_path_is_read_once(name: str) -> None:
    folder = Path("/ws") / name
    folders = [types.WorkspaceFolder(folder.as_uri(), name)]
    assert folder_paths(Workspace(None, workspace_folders=folders)) == (str(folder),)
    assert folder_paths(Workspace(folder.as_uri())) == (str(folder),)


def test_the_file_of_a_folder_with_an_odd_name_counts(tmp_path: Path, upstream: Upstream) -> None:
    root = tmp_path / "c#p%20q"
    root.mkdir()
    (root / ".farebox.toml").write_text("[budgets]\ndaily_usd = 0\n")
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize(workspaceFolders=[{"uri": root.as_uri(), "name": "odd"}])
        with pytest.raises(Failed) as failed:
            client.chat("Hello")
    assert failed.value.data["kind"] == "budgetExceeded"


def test_a_secret_that_is_no_file_of_this_machine_is_never_sent(client: Client, upstream: Upstream) -> None:
    for uri in SECRETS:
        client.open(uri, "TOKEN=\n", "dotenv")
        with pytest.raises(Failed, match="stays on this machine"):
            client.chat("?", attachments=[{"uri": uri}])
        with pytest.raises(Failed, match="stays on this machine"):
            client.ghost(uri, 0, 6)
        assert client.ghost(uri, 0, 6, AUTOMATIC) == []
    with pytest.raises(Failed, match="stays on this machine"):
        client.chat("?", attachments=[{"name": ".env", "text": "TOKEN=1"}])
    assert upstream.requests == []


def test_an_address_may_be_longer_than_an_id(client: Client) -> None:
    uri = f"file:///{'x' * 8000}/a.py"
    client.open(uri, "x = 1\n")
    assert client.chat("?", attachments=[{"uri": uri}])["text"]
    with pytest.raises(Failed, match="8192"):
        client.chat("?", attachments=[{"uri": f"{uri}{'y' * 200}"}])
    assert client.request("farebox/costReport", {"workspace": "/w" * 400})["rows"] == []


@pytest.mark.parametrize(
    ("text", "units"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("abc", 3, id="ASCII"),
        pytest.param("é€", 2, id="one unit each"),
        pytest.param("a😀b", 4, id="two units for one"),
        pytest.param("a\ud83d", 2, id="half a pair"),
    ],
)
def test_the_length_of_a_text_in_utf16_units_is(text: str, units: int) -> None:
    assert utf16_length(text) == units


@pytest.mark.parametrize(
    ("text", "line", "character", "prefix"),
    [
        pytest.param("a\x0cb\nsecond\n", 1, 3, "a\x0cb\nsec", id="form-feed"),
        pytest.param("a\u2028b\x85c\x0bd\nsecond\n", 1, 3, "a\u2028b\x85c\x0bd\nsec", id="other-separators"),
        pytest.param("a\x0cb\nsecond\n", 0, 3, "a\x0cb", id="behind-a-form-feed"),
        pytest.param("a\r\nb\rc\nd", 3, 1, "a\r\nb\rc\nd", id="every-line-end"),
        pytest.param("a\r\nb", 0, 9, "a", id="past-the-end-of-a-line"),
        pytest.param("ab", 0, 9, "ab", id="past-the-end-of-the-last-line"),
        pytest.param("a\nb\n", 2, 0, "a\nb\n", id="on-the-empty-last-line"),
        pytest.param("a\nb\n", 9, 4, "a\nb\n", id="past-the-last-line"),
        pytest.param("x\n😀é\n", 1, 2, "x\n😀", id="two-units"),
        pytest.param("x\n😀é\n", 1, 3, "x\n😀é", id="two-units-and-one"),
        pytest.param("", 0, 0, "", id="nothing"),
    ],
)
def test_lines_end_where_the_protocol_says(text: str, line: int, character: int, prefix: str) -> None:
    workspace = Workspace(None)
    workspace.put_text_document(types.TextDocumentItem("file:///x/a.py", "python", 1, text))
    position = types.Position(line, character)
    split = around(workspace, "file:///x/a.py", position)
    assert split is not None
    assert (split.prefix, split.prefix + split.suffix) == (prefix, text)
    assert position == types.Position(line, character), "it is the caller's"
    span = types.Range(types.Position(0, 0), position)
    assert excerpt(workspace, "file:///x/a.py", span) == ("/x/a.py", prefix)
