"""Documents: what is open, as an editor has it, however it spells the address; and nothing else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lsprotocol import types

from farebox.lsp.documents import (
    MAX_ALL_CHARS,
    MAX_CHANGES,
    MAX_DOCUMENT_CHARS,
    MAX_DOCUMENTS,
    Document,
    Documents,
    encoding_of,
)
from farebox.lsp.params import UNVERSIONED
from support.client import AUTOMATIC, Client, Failed
from support.environment import openrouter_config
from support.traffic import frame
from support.upstream import Answer, Upstream, openrouter_stream

Place = tuple[int, int]
URI = "file:///x/a.py"
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.0}
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
        body = openrouter_stream("<COMPLETION>1</COMPLETION>", USAGE)
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


def test_a_document_keeps_the_path_it_was_opened_with() -> None:
    documents = Documents()
    opened = documents.open(opening("K=1\n", "file:///x/a%23.env"))
    for uri in ("file:///x/a%23.env", "file:///x/a#.env"):
        document = documents.get(uri)
        assert document is not None
        assert document is opened
        assert document.around(types.Position(0, 2)).path == "/x/a#.env"


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
    document = opened_in(Documents(), text)
    position = types.Position(line, character)
    split = document.around(position)
    assert (split.prefix, split.prefix + split.suffix) == (prefix, text)
    assert document.excerpt(types.Range(types.Position(0, 0), position)) == prefix
    assert document.excerpt(types.Range(position, types.Position(0, 0))) == prefix
    assert document.excerpt(None) == text


# --- the store --------------------------------------------------------------------------------------


def opening(text: str, uri: str = URI, version: int = 1) -> types.DidOpenTextDocumentParams:
    return types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", version, text))


def opened_in(documents: Documents, text: str, uri: str = URI) -> Document:
    document = documents.open(opening(text, uri))
    assert document is not None
    return document


def changing(version: int, *changes: tuple[Place, Place, str] | str) -> types.DidChangeTextDocumentParams:
    """Each change is a text in the place of a range, or of all."""
    events: list[types.TextDocumentContentChangeEvent] = []
    for change in changes:
        if isinstance(change, str):
            events.append(types.TextDocumentContentChangeWholeDocument(change))
        else:
            start, end, text = change
            span = types.Range(types.Position(*start), types.Position(*end))
            events.append(types.TextDocumentContentChangePartial(span, text))
    return types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(version, URI), events)


@pytest.mark.parametrize(
    ("encoding", "character"),
    [pytest.param("utf-8", 5), pytest.param("utf-16", 3), pytest.param("utf-32", 2)],
)
def test_changes_are_applied_in_their_order_in_the_editors_units(encoding: str, character: int) -> None:
    documents = Documents(encoding_of(encoding))
    document = opened_in(documents, "x😀y\n")
    changes = (((0, 0), (0, 0), "\n"), ((1, character), (1, character), "|"), ((0, 0), (1, 0), ""))
    assert documents.change(changing(2, *changes)) is document
    assert document.read() == "x😀|y\n"
    assert documents.change(changing(3, "a\nb", ((1, 0), (1, 1), "c"))) is document
    assert document.read() == "a\nc"


def test_positions_are_utf_16_where_nothing_else_was_agreed_on() -> None:
    assert [encoding_of(one) for one in ("utf-8", "utf-32")] == ["utf-8", "utf-32"]
    assert {encoding_of(one) for one in ("utf-16", None, "?")} == {"utf-16"}


def test_a_version_that_goes_back_is_left_out_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    documents = Documents()
    document = opened_in(documents, "a")
    assert documents.change(changing(7, "b")) is document
    for version in (6, -1, 6):
        assert documents.change(changing(version, "old")) is None
    assert (document.read(), document.version, document.revision) == ("b", 7, 1)
    assert documents.change(changing(7, "c")) is document
    assert (document.read(), document.revision) == ("c", 2), "the same version may be used again"
    assert len(caplog.records) == 1


def test_what_is_not_open_changes_nothing() -> None:
    documents = Documents()
    assert documents.change(changing(2, "b")) is None
    assert documents.close(URI) is None
    assert documents.get(URI) is None
    assert list(documents) == []


def test_a_document_that_is_opened_again_is_another_one() -> None:
    documents = Documents()
    first = opened_in(documents, "a")
    second = opened_in(documents, "b")
    assert list(documents) == [second]
    assert second in documents
    assert first not in documents
    assert documents.close(URI) is second
    assert second not in documents


def test_a_document_that_is_too_long_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    documents = Documents()
    assert documents.open(opening("x" * (MAX_DOCUMENT_CHARS + 1))) is None
    assert documents.get(URI) is None
    document = opened_in(documents, "x" * MAX_DOCUMENT_CHARS)
    assert documents.change(changing(2, ((0, 0), (0, 1), "y"))) is document
    assert document in documents
    assert documents.change(changing(3, ((0, 0), (0, 0), "z"))) is document
    assert document not in documents
    assert len(caplog.records) == 2


def test_a_document_that_one_message_changes_too_often_is_not_kept() -> None:
    documents = Documents()
    document = opened_in(documents, "")
    assert documents.change(changing(2, *([""] * (MAX_CHANGES + 1)))) is document
    assert document not in documents


def test_one_document_too_many_is_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    documents = Documents()
    for number in range(MAX_DOCUMENTS):
        opened_in(documents, "", f"untitled:{number}")
    assert documents.open(opening("")) is None
    assert documents.open(opening("again", "untitled:0")) is not None, "it takes the place of one"
    documents.close("untitled:1")
    assert documents.open(opening("")) is not None
    assert len(caplog.records) == 1


def test_all_documents_together_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    documents = Documents()
    text = "x" * MAX_DOCUMENT_CHARS
    for number in range(MAX_ALL_CHARS // MAX_DOCUMENT_CHARS):
        opened_in(documents, text, f"untitled:{number}")
    assert documents.open(opening("one more")) is None
    documents.close("untitled:0")
    small = opened_in(documents, "x")
    assert documents.change(changing(2, text)) is small
    assert small in documents
    assert documents.change(changing(3, "x")) is small
    opened_in(documents, text[:-1], "untitled:0")
    assert documents.change(changing(4, "xx")) is small
    assert small not in documents
    opened_in(documents, "x")
    assert len(caplog.records) == 2


def test_a_change_without_a_version_is_the_next() -> None:
    documents = Documents()
    document = opened_in(documents, "a")
    for version, text in ((UNVERSIONED, "b"), (2, "c"), (UNVERSIONED, "d")):
        assert documents.change(changing(version, text)) is document
        assert document.read() == text
    assert document.version == 2


def test_documents_as_they_were_stay_so() -> None:
    documents = Documents()
    document = opened_in(documents, "a\nb")
    then = documents.as_now([URI, "file:///x/none.py", URI])
    assert documents.change(changing(2, ((0, 0), (1, 0), "new "))) is document
    assert [one.read() for one in then] == ["a\nb"]
    assert document.read() == "new b"
    assert documents.is_at(document, 1)
    assert not documents.is_at(document, 0)
    documents.close(URI)
    assert not documents.is_at(document, 1)
    assert then.get(URI) is not None


# --- as a model sees them ---------------------------------------------------------------------------


def replace_all(client: Client, uri: str, version: int, text: str) -> None:
    document = {"uri": uri, "version": version}
    client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})


def go_back(client: Client, uri: str) -> None:
    replace_all(client, uri, 5, "newer")
    replace_all(client, uri, 4, "older")


CHANGES: dict[str, tuple[Callable[[Client, str], object], str]] = {
    "an inverted range": (lambda client, uri: client.edit(uri, ((1, 4), (1, 2), "Z")), "first\nabZef"),
    "past the last line's end": (
        lambda client, uri: client.edit(uri, ((1, 99), (1, 200), "Z")),
        "first\nabcdefZ",
    ),
    "a version that goes back": (go_back, "newer"),
}


def test_a_model_is_shown_what_the_editor_has(client: Client, upstream: Upstream) -> None:
    for label, (change, text) in CHANGES.items():
        uri = f"untitled:{label}"
        client.open(uri, "first\nabcdef")
        change(client, uri)
        client.chat("?", attachments=[{"uri": uri}])
        (request,) = (one for one in upstream.requests if one.path == "/v1/chat/completions")
        upstream.requests.clear()
        assert f"\n{text}\n" in json.dumps(request.json["messages"]).replace("\\n", "\n"), label


def test_a_document_of_many_lines_is_what_was_typed_into_it(client: Client, upstream: Upstream) -> None:
    lines, keys = 100_000, 300
    client.open(URI, "".join(f"line {number}\n" for number in range(lines)))
    for number in range(keys):
        client.type(URI, lines // 2, number, "abc"[number % 3])
    span = {"start": {"line": lines // 2, "character": 0}, "end": {"line": lines // 2 + 1, "character": 4}}
    client.chat("?", attachments=[{"uri": URI, "range": span}])
    text = "abc" * (keys // 3) + f"line {lines // 2}\nline"
    assert text in json.dumps(upstream.requests[-1].json["messages"]).replace("\\n", "\n")


def test_a_ghost_stands_in_the_document(client: Client) -> None:
    client.open(URI, "x = \ny = ")
    for asked, place in (((0, 4), (0, 4)), ((0, 999), (0, 4)), ((99, 7), (1, 4))):
        (item, *_) = client.ghost(URI, *asked)
        here = {"line": place[0], "character": place[1]}
        assert item["range"] == {"start": here, "end": here}


def test_a_document_that_is_not_open_is_never_read_from_disk(
    client: Client, upstream: Upstream, tmp_path: Path
) -> None:
    file = tmp_path / "closed.py"
    file.write_text("CLOSED_ON_DISK = 1\n")
    uri = file.as_uri()
    position = {"line": 0, "character": 14}
    for _ in ("never opened", "opened and closed"):
        with pytest.raises(Failed, match="not open"):
            client.chat("?", attachments=[{"uri": uri}])
        with pytest.raises(Failed, match="not open"):
            client.request("farebox/complete", {"uri": uri, "position": position})
        assert client.ghost(uri, 0, 14) == []
        assert client.ghost(uri, 0, 14, AUTOMATIC) == []
        replace_all(client, uri, 9, "CHANGED = 1\n")
        client.open(uri, "OPEN_IN_EDITOR = 1\n")
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert upstream.requests == []


@pytest.mark.parametrize("method", ["textDocument/didChange", "textDocument/didOpen"])
def test_a_document_whose_edit_can_not_be_read_is_closed(
    client: Client, upstream: Upstream, method: str
) -> None:
    client.open(URI, "STALE = 1\n")
    params = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": 5}]}
    client.send_bytes(frame({"jsonrpc": "2.0", "method": method, "params": params}))
    with pytest.raises(Failed, match="not open"):
        client.chat("?", attachments=[{"uri": URI}])
    assert client.ghost(URI, 0, 9) == []
    client.open(URI, "x = \n")
    assert client.ghost(URI, 0, 4)
    assert "a notification was dropped" in client.log
    assert all("STALE" not in str(request.json) for request in upstream.requests)
