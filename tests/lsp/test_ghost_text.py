"""Ghost text over real stdio: what an item is, which request wins, and what is said when none can come."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import AUTOMATIC, INVOKED, Client, Failed
from support.environment import ledger_rows, openrouter_config
from support.metamodel import Json
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
STREAM = "text/event-stream"
URI = "file:///ws/area.py"


def completion(text: str) -> Answer:
    usage = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
    return Answer(
        body=openrouter_stream(f"<COMPLETION>{text}</COMPLETION>", usage), content_type=STREAM, seed=1
    )


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        server.answer("/v1/chat/completions", completion("math.pi * radius ** 2"))
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize()
        client.open(URI, "def area(radius):\n    return \n")
        yield client


@pytest.mark.parametrize("kind", [INVOKED, AUTOMATIC], ids=["invoked", "automatic"])
def test_an_item_has_a_text_a_range_and_a_command(client: Client, kind: int) -> None:
    (item,) = client.ghost(URI, 1, 11, kind)
    here = {"line": 1, "character": 11}
    assert item["insertText"] == "math.pi * radius ** 2"
    assert item["range"] == {"start": here, "end": here}
    command = item["command"]
    assert isinstance(command, dict)
    assert command["command"] == "farebox.didAcceptCompletionItem"
    entry = client.request("farebox/explain", {"id": command["arguments"][0]})
    assert (entry["kind"], entry["accepted"], entry["cost"]["usd"]) == ("completion", False, "0.000213")


def test_accepting_an_item_is_noted(client: Client) -> None:
    (item,) = client.ghost(URI, 1, 11)
    command = item["command"]
    assert isinstance(command, dict)
    client.notify("textDocument/didShowCompletion", {"item": item})
    client.notify("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": 4})
    accept = {"command": command["command"], "arguments": command["arguments"]}
    assert client.raw_answer(client.ask("workspace/executeCommand", accept)) is None
    entry = client.request("farebox/explain", {})
    assert (entry["shown"], entry["accepted"]) == (True, True)


def shown_and_taken(client: Client) -> list[tuple[int, int, int, str]]:
    """Read from the ledger what became of each call's ghost text, when all that was told is written."""
    client.request("farebox/costReport")
    rows = ledger_rows(client.folder)
    return [(row["shown"], row["accepted"], row["partly"], row["language"]) for row in rows]


def accept(client: Client, item: Json) -> None:
    """Do what VS Code and Neovim do once an item has been accepted."""
    command = item["command"]
    asked = {"command": command["command"], "arguments": command["arguments"]}
    assert client.raw_answer(client.ask("workspace/executeCommand", asked)) is None


def ghost_after(client: Client, letter: str, at: int) -> Json:
    """Type what contradicts all that was expected, and ask again."""
    client.type(URI, 1, at, letter)
    (item,) = client.ghost(URI, 1, at + 1)
    return item


def test_the_ledger_counts_what_was_shown_and_taken_once(client: Client) -> None:
    (item,) = client.ghost(URI, 1, 11)
    for _ in range(2):
        client.notify("textDocument/didShowCompletion", {"item": item})
    assert shown_and_taken(client) == [(1, 0, 0, "python")]
    for length in (0, 5, 8):
        told = {"item": item, "acceptedLength": length}
        client.notify("textDocument/didPartiallyAcceptCompletion", told)
    assert shown_and_taken(client) == [(1, 1, 1, "python")]
    for _ in range(2):
        accept(client, item)
    assert shown_and_taken(client) == [(1, 1, 0, "python")]


def test_of_an_editor_that_tells_nothing_but_the_command_every_answer_counts_as_shown(client: Client) -> None:
    (item,) = client.ghost(URI, 1, 11)
    accept(client, item)
    ghost_after(client, "x", 11)
    assert shown_and_taken(client) == [(1, 1, 0, "python"), (1, 0, 0, "python")]


def test_each_request_counts_for_the_workspace_that_its_document_is_in(
    tmp_path: Path, upstream: Upstream
) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    uri = (folders[1] / "area.py").as_uri()
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize(
            workspaceFolders=[{"uri": folder.as_uri(), "name": folder.name} for folder in folders]
        )
        client.open(uri, "def area(radius):\n    return \n")
        client.ghost(uri, 1, 11)
        client.request("farebox/complete", {"uri": uri, "position": {"line": 1, "character": 11}})
        client.chat("Why?", attachments=[{"uri": uri}])
        client.chat("Why?")
        client.close()
    first, second = map(str, folders)
    assert [row["workspace"] for row in ledger_rows(tmp_path)] == [second, second, second, first]


def test_an_editor_that_tells_what_it_shows_is_believed(client: Client) -> None:
    (first,) = client.ghost(URI, 1, 11)
    client.notify("textDocument/didShowCompletion", {"item": first})
    ghost_after(client, "x", 11)
    third = ghost_after(client, "y", 12)
    client.notify("textDocument/didShowCompletion", {"item": third})
    assert [row[:3] for row in shown_and_taken(client)] == [(1, 0, 0), (0, 0, 0), (1, 0, 0)]


def test_a_part_that_is_all_of_it_in_utf16_units_is_no_part(client: Client, upstream: Upstream) -> None:
    upstream.queue(completion('"😀😀"'), completion('"😀😀"'))
    for length, expected in ((5, (1, 1, 1, "python")), (6, (1, 1, 0, "python"))):
        (item,) = client.ghost(URI, 1, 11)
        told = {"item": item, "acceptedLength": length}
        client.notify("textDocument/didPartiallyAcceptCompletion", told)
        assert shown_and_taken(client)[-1] == expected


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({"item": None}, id="no item"),
        pytest.param({"item": {"insertText": "x"}}, id="no command"),
        pytest.param({"item": {"command": {"arguments": []}}}, id="no id"),
        pytest.param({"item": {"command": {"arguments": [7]}}}, id="no text for an id"),
        pytest.param({"item": {"command": {"arguments": ["unheard of"]}}}, id="an unknown id"),
    ],
)
def test_what_no_item_is_told_by_changes_nothing(client: Client, told: object) -> None:
    (item,) = client.ghost(URI, 1, 11)
    client.notify("textDocument/didShowCompletion", told)
    partly = {**told, "acceptedLength": 3} if isinstance(told, dict) else told
    client.notify("textDocument/didPartiallyAcceptCompletion", partly)
    for length in ("3", True, None, [3]):
        unread = {"item": item, "acceptedLength": length}
        client.notify("textDocument/didPartiallyAcceptCompletion", unread)
    client.notify("textDocument/didPartiallyAcceptCompletion", {"item": item})
    assert shown_and_taken(client) == [(1, 0, 0, "python")], "an answer, and no more"


def test_a_newer_request_supersedes_the_older_one(client: Client, upstream: Upstream) -> None:
    upstream.queue(Answer(hang=True))
    older = client.ask_ghost(URI, 1, 11)
    assert upstream.wait_for(lambda: bool(upstream.requests))
    client.type(URI, 1, 11, "m")
    newer = client.ask_ghost(URI, 1, 12)
    with pytest.raises(Failed) as failed:
        client.answer(older)
    assert failed.value.code == -32800
    assert client.answer(newer)["items"]
    assert upstream.wait_for(upstream.requests[0].closed.is_set), "the provider's socket was not closed"
    client.close()
    assert [row["outcome"] for row in ledger_rows(client.folder)] == ["cancelled", "ok"]


def test_another_document_supersedes_nothing(client: Client, upstream: Upstream) -> None:
    upstream.queue(Answer(hang=True))
    older = client.ask_ghost(URI, 1, 11)
    assert upstream.wait_for(lambda: bool(upstream.requests))
    client.open("file:///ws/other.py", "y = \n")
    assert client.ghost("file:///ws/other.py", 0, 4)
    assert not upstream.requests[0].closed.is_set()
    client.cancel(older)
    with pytest.raises(Failed) as failed:
        client.answer(older)
    assert failed.value.code == -32800


def test_a_burst_of_typing_costs_one_request(tmp_path: Path, upstream: Upstream) -> None:
    burst = "debounce_ms = 1500\nlook_ahead = false"
    config = openrouter_config(upstream.base_url).replace("debounce_ms = 0", burst)
    with Client(tmp_path, config=config, environment=KEY) as client:
        client.initialize()
        client.open(URI, "import math\nx = \n")
        client.request("farebox/models")  # everything is loaded now, prices too
        asked: list[int] = []
        for at, letter in enumerate("math."):
            client.type(URI, 1, 4 + at, letter)
            asked.append(client.ask_ghost(URI, 1, 5 + at, AUTOMATIC))
        for request_id in asked[:-1]:
            with pytest.raises(Failed) as failed:
                client.answer(request_id)
            assert failed.value.code == -32800
        assert client.answer(asked[-1])["items"]
    assert len(upstream.requests) == 1
    assert "x = math.{{FILL_HERE}}" in str(upstream.requests[0].json["messages"])


def test_the_gate_lets_no_automatic_request_out_in_the_middle_of_a_line(
    client: Client, upstream: Upstream
) -> None:
    assert client.ghost(URI, 0, 3, AUTOMATIC) == []
    assert upstream.requests == []
    assert client.request("farebox/explain")["silence"] == "midLine"


def test_positions_count_in_the_encoding_that_was_agreed_on(tmp_path: Path, upstream: Upstream) -> None:
    for encoding, character in (("utf-8", 13), ("utf-16", 11), ("utf-32", 10)):
        folder = tmp_path / encoding
        folder.mkdir()
        capabilities: Json = {"general": {"positionEncodings": [encoding]}}
        with Client(folder, config=openrouter_config(upstream.base_url), environment=KEY) as client:
            agreed = client.initialize(capabilities=capabilities)["capabilities"]
            assert isinstance(agreed, dict)
            assert agreed["positionEncoding"] == encoding
            client.open(URI, 'smile = "😀"\n')
            client.ghost(URI, 0, character)
        assert 'smile = "😀{{FILL_HERE}}"' in str(upstream.requests[-1].json["messages"])


@pytest.mark.parametrize("kind", [INVOKED, AUTOMATIC], ids=["invoked", "automatic"])
def test_a_completion_that_failed_is_explained(client: Client, upstream: Upstream, kind: int) -> None:
    assert client.ghost(URI, 1, 11)
    assert isinstance(client.request("farebox/explain")["totalMs"], int)
    upstream.queue(json_answer({"error": {"message": "out of paper"}}, status=400))
    client.type(URI, 1, 11, "x")
    if kind == AUTOMATIC:
        assert client.ghost(URI, 1, 12, kind) == []
    else:
        with pytest.raises(Failed, match="out of paper"):
            client.ghost(URI, 1, 12, kind)
    entry = client.request("farebox/explain")
    assert (entry["kind"], entry["shown"]) == ("completion", False)
    assert "out of paper" in str(entry["reason"])


def test_a_pause_keeps_ghost_text_away_but_not_from_who_asks(client: Client, upstream: Upstream) -> None:
    client.request("farebox/pause", {"paused": True})
    client.wait_notification("farebox/status", lambda status: "paused" in str(status["message"]))
    assert client.ghost(URI, 1, 11, AUTOMATIC) == []
    assert client.request("farebox/explain")["silence"] == "paused"
    assert upstream.requests == []
    assert client.ghost(URI, 1, 11, INVOKED)
    client.request("farebox/pause", {"paused": False})
    assert client.ghost(URI, 1, 11, AUTOMATIC)


def several(folder: Path, upstream: Upstream) -> Client:
    config = openrouter_config(upstream.base_url).replace("candidates = 1", "candidates = 3")
    return Client(folder, config=config, environment=KEY)


def test_who_asks_by_hand_gets_several_items_and_each_is_counted_by_itself(
    tmp_path: Path, upstream: Upstream
) -> None:
    with several(tmp_path, upstream) as client:
        client.initialize()
        client.open(URI, "def area(radius):\n    return \n")
        upstream.queue(completion("math.pi"), completion("radius"), completion("math.pi"))
        items = client.ghost(URI, 1, 11)
        assert sorted(str(item["insertText"]) for item in items) == ["math.pi", "radius"]
        for item in items:
            client.notify("textDocument/didShowCompletion", {"item": item})
        accept(client, items[1])
        counts = [(shown, taken) for shown, taken, _, _ in shown_and_taken(client)]
    assert sorted(counts) == [(0, 0), (1, 0), (1, 1)]


def test_a_newer_request_by_hand_ends_the_older_one_and_all_its_calls(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.queue(*(Answer(hang=True) for _ in range(3)))
    with several(tmp_path, upstream) as client:
        client.initialize()
        client.open(URI, "def area(radius):\n    return \n")
        older = client.ask_ghost(URI, 1, 11)
        assert upstream.wait_for(lambda: len(upstream.requests) == 3)
        assert client.ghost(URI, 1, 11)
        with pytest.raises(Failed) as failed:
            client.answer(older)
        assert failed.value.code == -32800
        closed = [request.closed for request in upstream.requests[:3]]
        assert upstream.wait_for(lambda: all(one.is_set() for one in closed))


def test_what_is_typed_along_is_one_completion_and_one_row(client: Client) -> None:
    (first,) = (rest,) = client.ghost(URI, 1, 11, AUTOMATIC)
    client.notify("textDocument/didShowCompletion", {"item": first})
    for at, letter in enumerate("math"):
        client.type(URI, 1, 11 + at, letter)
        (rest,) = client.ghost(URI, 1, 12 + at, AUTOMATIC)
        client.notify("textDocument/didShowCompletion", {"item": rest})
    assert rest["insertText"] == ".pi * radius ** 2"
    assert rest["command"] == first["command"]
    accept(client, rest)
    assert shown_and_taken(client)[0] == (1, 1, 0, "python")
    assert [row[:3] for row in shown_and_taken(client)[1:]] in ([], [(0, 0, 0)]), "what was asked for ahead"
