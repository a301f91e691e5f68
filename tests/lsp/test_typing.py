"""Typing over real stdio: storms, pastes and undos leave no stale ghost, and each key has a reason."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.client import AUTOMATIC, Client, Failed
from support.desk import LLAMA, begun, whole
from support.metamodel import Json
from support.upstream import Answer, Upstream

URI, OTHER = "file:///ws/area.py", "file:///ws/other.py"
TEXT = "import os\n\n\ndef main():\n    x = \n    z = \n"
LINE, END = 4, 8
CANCELLED = -32800
STORM_EDITS = 1_000
STORM_WAIT_S = 90.0
DEBOUNCE_S = 0.05

Edit = Callable[[Client], tuple[str, int, int]]
"""Changes something, and says where the cursor is then."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        yield server


def client_of(folder: Path, upstream: Upstream, *changes: tuple[str, str]) -> Client:
    config = LLAMA.format(upstream.base_url)
    for old, new in changes:
        config = config.replace(old, new)
    return Client(folder, config=config)


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    with client_of(tmp_path, upstream) as client:
        client.initialize()
        client.open(URI, TEXT)
        client.request("farebox/costReport")  # all is loaded now
        yield client


def ghost(client: Client, line: int = LINE, character: int = END, uri: str = URI) -> str | None:
    items = client.ghost(uri, line, character, AUTOMATIC)
    return str(items[0]["insertText"]) if items else None


def error_code(message: Json) -> object:
    error = message.get("error")
    return error["code"] if isinstance(error, dict) else None


def cancelled(client: Client, request: int) -> bool:
    with pytest.raises(Failed) as failed:
        client.answer(request)
    return bool(failed.value.code == CANCELLED)


# --- edits ----------------------------------------------------------------------------------------


def paste(client: Client) -> tuple[str, int, int]:
    client.type(URI, LINE, END, "[\n" + "        foo(bar),\n" * 20 + "    ]\n    y = ")
    return URI, LINE + 22, END


def undo(client: Client) -> tuple[str, int, int]:
    client.edit(URI, ((LINE, 4), (LINE, 8), "value = "), ((0, 0), (0, 9), "import sys"))
    return URI, LINE, 12


def type_at_two_cursors(client: Client) -> tuple[str, int, int]:
    client.edit(URI, ((LINE + 1, END), (LINE + 1, END), "f"), ((LINE, END), (LINE, END), "f"))
    return URI, LINE, END + 1


def replace_the_word(client: Client) -> tuple[str, int, int]:
    client.edit(URI, ((LINE, 4), (LINE, 8), "y = "))
    return URI, LINE, END


def replace_all(client: Client) -> tuple[str, int, int]:
    document = {"uri": URI, "version": 7}
    text = TEXT.replace("x", "y")
    client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
    return URI, LINE, END


def delete_the_line_above(client: Client) -> tuple[str, int, int]:
    client.edit(URI, ((2, 0), (3, 0), ""))
    return URI, LINE - 1, END


def switch_the_file(client: Client) -> tuple[str, int, int]:
    client.open(OTHER, TEXT.replace("main", "other"))
    return OTHER, LINE, END


EDITS = [
    pytest.param(paste, id="a-paste"),
    pytest.param(undo, id="an-undo"),
    pytest.param(type_at_two_cursors, id="two-cursors"),
    pytest.param(replace_the_word, id="another-word"),
    pytest.param(replace_all, id="the-whole-document"),
    pytest.param(delete_the_line_above, id="a-line-deleted"),
]


@pytest.mark.parametrize("edit", [*EDITS, pytest.param(switch_the_file, id="another-file")])
def test_what_was_expected_before_an_edit_is_not_shown_after_it(
    client: Client, upstream: Upstream, edit: Edit
) -> None:
    upstream.queue(begun("foo(bar)\n    y"), whole("new(thing)"))
    assert ghost(client) == "foo(bar)"
    uri, line, character = edit(client)
    assert ghost(client, line, character, uri) == "new(thing)"
    assert upstream.wait_for(upstream.requests[0].closed.is_set), "the provider's socket was not closed"
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("edit", EDITS)
def test_who_waits_when_the_text_is_edited_is_told_so(client: Client, upstream: Upstream, edit: Edit) -> None:
    upstream.queue(begun("fo"), whole("new(thing)"))
    waiting = client.ask_ghost(URI, LINE, END, AUTOMATIC)
    assert upstream.wait_for(lambda: bool(upstream.requests))
    uri, line, character = edit(client)
    assert cancelled(client, waiting)
    assert client.request("farebox/explain")["silence"] == "changed"
    assert upstream.wait_for(upstream.requests[0].closed.is_set), "the provider's socket was not closed"
    assert ghost(client, line, character, uri) == "new(thing)"


def test_back_in_the_first_file_what_was_known_there_is_shown_again(
    client: Client, upstream: Upstream
) -> None:
    upstream.queue(whole("foo(bar)"), whole("new(thing)"))
    assert ghost(client) == "foo(bar)"
    uri, line, character = switch_the_file(client)
    assert ghost(client, line, character, uri) == "new(thing)"
    assert ghost(client) == "foo(bar)"
    assert client.request("farebox/explain")["source"] == "cache"


# --- typing along ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "at", "rest"),
    [
        pytest.param("foo", 3, "(bar, baz)", id="letters"),
        pytest.param("foo(", 4, "bar, baz)", id="a-bracket"),
        pytest.param("foo()", 4, "bar, baz", id="a-bracket-that-the-editor-closes"),
    ],
)
def test_typing_across_a_running_answer_sends_one_request(
    *, client: Client, upstream: Upstream, typed: str, at: int, rest: str
) -> None:
    upstream.queue(begun("foo(bar, baz)\n    y"))
    assert ghost(client) == "foo(bar, baz)"
    for number, letter in enumerate(typed[:3]):
        client.type(URI, LINE, END + number, letter)
        ghost(client, LINE, END + number + 1)
    if typed[3:]:
        client.type(URI, LINE, END + 3, typed[3:])
    assert ghost(client, LINE, END + at) == rest
    assert len(upstream.requests) == 1
    assert not upstream.requests[0].closed.is_set()


def test_a_cancelled_request_leaves_its_answer_to_the_next_one(client: Client, upstream: Upstream) -> None:
    upstream.queue(whole("foo(bar)", delay_s=0.5))
    first = client.ask_ghost(URI, LINE, END, AUTOMATIC)
    assert upstream.wait_for(lambda: bool(upstream.requests))
    client.cancel(first)
    assert cancelled(client, first)
    client.type(URI, LINE, END, "f")
    assert ghost(client, LINE, END + 1) == "oo(bar)"
    assert len(upstream.requests) == 1
    assert not upstream.requests[0].closed.is_set()


# --- storms ---------------------------------------------------------------------------------------


@pytest.mark.timeout(150)
def test_a_storm_sends_one_request_in_each_debounce_window(tmp_path: Path, upstream: Upstream) -> None:
    upstream.answer("/infill", whole("zzz(zzz)"))
    with client_of(tmp_path, upstream, ("debounce_ms = 0", "debounce_ms = 50")) as client:
        client.initialize()
        client.open(URI, TEXT)
        client.request("farebox/costReport")
        began_s = time.monotonic()
        asked: list[int] = []
        line, character = LINE, END
        for number in range(STORM_EDITS):
            letter = "\n" if number % 40 == 39 else "abcd "[number % 5]
            client.type(URI, line, character, letter)
            line, character = (line + 1, 0) if letter == "\n" else (line, character + 1)
            asked.append(client.ask_ghost(URI, line, character, AUTOMATIC))
        last = client.answer(asked[-1], STORM_WAIT_S)["items"]
        elapsed_s = time.monotonic() - began_s
        assert isinstance(last, list)
        answers = [message for message in client.received if message.get("id") in asked]
        assert [message["id"] for message in answers if "error" in message] != []
        assert {error_code(message) for message in answers} <= {None, CANCELLED}
        assert len(upstream.requests) <= 1 + elapsed_s / DEBOUNCE_S
        entry = client.request("farebox/explain")
        assert entry["source"] or entry["silence"]


def test_edits_alone_ask_for_nothing(client: Client, upstream: Upstream) -> None:
    for number in range(500):
        client.type(URI, LINE, END + number, "a")
    client.request("farebox/costReport")
    assert upstream.requests == []


# --- why ------------------------------------------------------------------------------------------


def test_for_every_key_it_is_told_why_there_was_a_ghost_or_none(client: Client, upstream: Upstream) -> None:
    upstream.answer("/infill", whole("foo(bar)"))
    entries: list[Json] = []
    character = END
    for letter in "foo(bar) + 1  # so":
        client.type(URI, LINE, character, letter)
        character += 1
        items = client.ghost(URI, LINE, character, AUTOMATIC)
        entry = client.request("farebox/explain")
        assert (entry["source"] is None) is (not items)
        assert (entry["silence"] is None) is bool(items)
        assert entry["reason"]
        assert isinstance(entry["waitedMs"], int)
        entries.append(entry)
    assert ghost(client, 0, 2) is None
    entries.append(client.request("farebox/explain"))
    assert entries[-1]["silence"] in ("midWord", "midLine")
    assert {entry["source"] for entry in entries} > {None}


def test_an_answer_that_fails_names_what_failed(client: Client, upstream: Upstream) -> None:
    upstream.answer("/infill", Answer(status=500))
    assert ghost(client) is None
    first = client.request("farebox/explain")
    client.type(URI, LINE, END, "f")
    assert ghost(client, LINE, END + 1) is None
    second = client.request("farebox/explain")
    assert first["silence"] in ("failed", "backOff")
    assert second["silence"] == "backOff"
    assert "500" in str(first["reason"])
    assert "500" in str(second["reason"])
