"""From a position in an open document to items: what the diary, and with it ``explain``, says of each."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from lsprotocol import types

from farebox.completion.engine import Item
from farebox.diary import Entry
from farebox.errors import Overloaded
from farebox.lsp.documents import Documents
from farebox.lsp.ghosts import Superseded, completed, ghost_text
from support.desk import AFTER, BEFORE, HOLE, Desk, begun, whole
from support.patience import WAIT_S
from support.upstream import Upstream, json_answer

URI = HOLE.key
LINE, END = 4, 8
AUTOMATIC = types.InlineCompletionTriggerKind.Automatic
INVOKED = types.InlineCompletionTriggerKind.Invoked
Happening = Callable[[Documents], object]


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def desk(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Desk]:
    desk = Desk.at(tmp_path, upstream.base_url)
    yield desk
    await desk.close()


def documents_of(typed: str = "") -> Documents:
    documents = Documents()
    documents.open(opening(BEFORE + typed + AFTER))
    return documents


def opening(text: str) -> types.DidOpenTextDocumentParams:
    return types.DidOpenTextDocumentParams(types.TextDocumentItem(URI, "python", 1, text))


async def ghost(
    desk: Desk,
    typed: str = "",
    kind: types.InlineCompletionTriggerKind = AUTOMATIC,
    place: tuple[int, int] | None = None,
    documents: Documents | None = None,
) -> tuple[Item, ...]:
    """Ask behind what was typed, or somewhere else."""
    documents = documents or documents_of(typed)
    line, character = place or (LINE, END + len(typed))
    params = types.InlineCompletionParams(
        types.InlineCompletionContext(kind),
        types.TextDocumentIdentifier(URI),
        types.Position(line, character),
    )
    return await asyncio.wait_for(ghost_text(desk.app, desk.completer, documents, params), WAIT_S)


def last(desk: Desk) -> Entry:
    return desk.app.diary.read(None)


async def test_an_item_can_be_explained(desk: Desk, upstream: Upstream):
    upstream.queue(whole("foo(bar)"))
    (item,) = await ghost(desk)
    entry = desk.app.diary.read(item.id)
    assert (entry.source, entry.silence, entry.length, entry.shown) == ("model", None, 8, True)
    assert entry.waited_ms is not None
    assert entry.snippets == 0
    assert entry.call_id is not None
    assert entry.reason.startswith("asked for here: ")


async def test_each_source_has_its_own_words(desk: Desk, upstream: Upstream):
    upstream.queue(begun("foo(bar, baz)\n    y = 1\n    z"), whole("f(1)"))
    reasons: dict[str | None, str] = {}
    for typed in ("", "foo(b", "i", "foo"):
        assert await ghost(desk, typed)
        reasons[last(desk).source] = last(desk).reason
    assert len(set(reasons.values())) == len(reasons)
    assert {"model", "running"} <= set(reasons) | {"running"}


async def test_along_one_answer_the_entry_stays_one(desk: Desk, upstream: Upstream):
    upstream.queue(begun("foo(bar, baz)\n    y"))
    ids = {(await ghost(desk, "foo(bar"[:count]))[0].id for count in range(4)}
    assert len(ids) == 1
    assert (last(desk).length, last(desk).shown) == (len("(bar, baz)"), True)


async def test_what_is_accepted_of_a_running_answer_reaches_the_ledger(desk: Desk, upstream: Upstream):
    upstream.queue(begun("foo(bar, baz)\n    y"))
    (item,) = await ghost(desk)
    assert last(desk).cost is None, "it still runs"
    await ghost(desk, "f")
    desk.app.diary.mark_accepted(item.id)
    desk.completer.close()
    await desk.settle()
    await desk.app.ledger.check()
    with closing(sqlite3.connect(desk.app.ledger.path)) as connection:
        rows = connection.execute("SELECT call_id, shown, accepted FROM calls").fetchall()
    assert rows == [(last(desk).call_id, 1, 1)]


@pytest.mark.parametrize(
    ("place", "silence", "words"),
    [
        pytest.param((0, 3), "midWord", "not asked: midWord: ", id="mid-word"),
        pytest.param((0, 6), "midLine", "not asked: midLine: ", id="mid-line"),
    ],
)
async def test_where_the_gate_is_shut_it_is_named(
    desk: Desk, upstream: Upstream, place: tuple[int, int], silence: str, words: str
):
    assert await ghost(desk, place=place) == ()
    assert last(desk).silence == silence
    assert last(desk).reason.startswith(words)
    assert upstream.connections == 0


async def test_an_empty_answer_is_nothing_worth_showing(desk: Desk, upstream: Upstream):
    upstream.queue(whole(""))
    assert await ghost(desk) == ()
    assert (last(desk).silence, last(desk).reason) == ("nothing", "nothing worth showing came")
    assert last(desk).call_id is None or last(desk).length is None


async def test_a_failure_is_named_now_and_while_it_keeps_models_away(desk: Desk, upstream: Upstream):
    upstream.queue(json_answer({}, status=500))
    assert await ghost(desk) == ()
    first = last(desk)
    assert await ghost(desk, "z") == ()
    assert first.silence in ("failed", "backOff")
    assert last(desk).silence == "backOff"
    assert "500" in first.reason
    assert "500" in last(desk).reason


async def test_a_newer_request_supersedes_the_older_one_and_says_so(desk: Desk, upstream: Upstream):
    upstream.queue(begun("fo"), whole("oo(baz)"))
    older = asyncio.create_task(ghost(desk))
    await asyncio.wait_for(upstream.arrived.wait(), WAIT_S)
    assert await ghost(desk, "z")
    await asyncio.wait([older])
    assert older.cancelled()
    silences = {entry.silence for entry in desk.app.diary._entries.values()}
    assert silences == {"superseded", None}


async def test_an_edit_supersedes_and_says_so(desk: Desk, upstream: Upstream):
    upstream.queue(begun("fo"))
    request = asyncio.create_task(ghost(desk))
    await asyncio.wait_for(upstream.arrived.wait(), WAIT_S)
    desk.completer.changed(URI, None)
    await asyncio.wait([request])
    assert request.cancelled()
    assert last(desk).silence == "changed"
    assert issubclass(Superseded, asyncio.CancelledError)


def change(documents: Documents) -> None:
    """Edit without another version."""
    text = types.TextDocumentContentChangeWholeDocument("y = 1\n")
    version = types.VersionedTextDocumentIdentifier(1, URI)
    documents.change(types.DidChangeTextDocumentParams(version, [text]))


@pytest.mark.parametrize("kind", [AUTOMATIC, INVOKED])
@pytest.mark.parametrize(
    "happen",
    [
        pytest.param(change, id="changed"),
        pytest.param(lambda documents: documents.open(opening(BEFORE + AFTER)), id="opened-again"),
        pytest.param(lambda documents: documents.close(URI), id="closed"),
    ],
)
async def test_an_answer_for_another_text_is_never_shown(
    desk: Desk,
    upstream: Upstream,
    happen: Callable[[Documents], object],
    kind: types.InlineCompletionTriggerKind,
):
    """The completer has not heard of it: so it is when the answer and the edit come at once."""
    upstream.queue(*(whole("foo(bar)", delay_s=0.2) for _ in range(3)))
    documents = documents_of()
    request = asyncio.create_task(ghost(desk, kind=kind, documents=documents))
    await asyncio.wait_for(upstream.arrived.wait(), WAIT_S)
    happen(documents)
    await asyncio.wait([request])
    assert request.cancelled()
    assert last(desk).silence == "changed"


async def test_what_was_asked_for_by_hand_fails_aloud(desk: Desk, upstream: Upstream):
    upstream.answer("/infill", json_answer({}, status=500))
    with pytest.raises(Overloaded):
        await ghost(desk, kind=INVOKED)
    assert last(desk).silence == "failed: overloaded"


async def test_each_candidate_has_an_entry_of_its_own(desk: Desk, upstream: Upstream):
    upstream.queue(*(whole(f"foo({number})") for number in range(3)))
    items = await ghost(desk, kind=INVOKED)
    assert len(items) == 3
    entries = [desk.app.diary.read(item.id) for item in items]
    assert [entry.shown for entry in entries] == [True, False, False]
    assert {entry.source for entry in entries} == {"model"}
    assert len({entry.call_id for entry in entries}) == 3


async def test_a_document_that_is_not_open_has_no_ghost(desk: Desk):
    params = types.InlineCompletionParams(
        types.InlineCompletionContext(AUTOMATIC),
        types.TextDocumentIdentifier("file:///ws/closed.py"),
        types.Position(0, 0),
    )
    assert await ghost_text(desk.app, desk.completer, Documents(), params) == ()


async def test_a_fill_that_a_command_asks_for_is_written_down_too(desk: Desk, upstream: Upstream):
    upstream.queue(whole("foo(bar)"), whole(""), json_answer({}, status=500))
    upstream.answer("/infill", json_answer({}, status=500))
    hole = replace(HOLE, invoked=True)
    answer = await completed(desk.app, hole)
    assert desk.app.diary.read(answer.items[0].id).source == "model"
    await completed(desk.app, hole)
    assert last(desk).silence == "nothing"
    with pytest.raises(Overloaded):
        await completed(desk.app, hole)
    assert last(desk).silence == "failed: overloaded"
