"""Which edits leave an answer running; and who learns from the user's files hears of all of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from lsprotocol import types

from farebox.completion.outcome import Outcome
from farebox.lsp.documents import Documents
from farebox.lsp.editing import MAX_TYPED_LINES, Editing
from support.desk import AFTER, BEFORE, HOLE, Desk, begun
from support.patience import WAIT_S
from support.upstream import Upstream

URI = HOLE.key
LINE, END = 4, 8


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def desk(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Desk]:
    desk = Desk.at(tmp_path, upstream.base_url)
    yield desk
    await desk.close()


def documents_of(text: str = BEFORE + AFTER) -> Documents:
    documents = Documents()
    documents.open(types.DidOpenTextDocumentParams(types.TextDocumentItem(URI, "python", 1, text)))
    return documents


def change(
    text: str, start: tuple[int, int] = (LINE, END), end: tuple[int, int] | None = None
) -> types.TextDocumentContentChangePartial:
    span = types.Range(types.Position(*start), types.Position(*(end or start)))
    return types.TextDocumentContentChangePartial(span, text)


def edit(editing: Editing, documents: Documents, *changes: types.TextDocumentContentChangeEvent) -> None:
    """Change the document, and tell of it."""
    version = types.VersionedTextDocumentIdentifier(2, URI)
    document = documents.change(types.DidChangeTextDocumentParams(version, changes))
    assert document is not None
    editing.changed(document, changes)


async def shown(desk: Desk, upstream: Upstream, text: str) -> Outcome:
    """Show the first line of an answer that goes on."""
    upstream.queue(begun(text))
    outcome = await desk.ghost()
    assert outcome.items
    assert desk.completer.heeds(URI)
    return outcome


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([change("f")], id="a-letter"),
        pytest.param([change("foo(bar")], id="a-word"),
        pytest.param([change("foo(bar)\n    y")], id="a-line"),
        pytest.param([change("x = foo", (LINE, 4), (LINE, END))], id="the-word-before-put-in-again"),
        pytest.param([change("")], id="nothing"),
    ],
)
async def test_an_edit_that_agrees_leaves_the_answer_running(
    desk: Desk, upstream: Upstream, changes: list[types.TextDocumentContentChangeEvent]
):
    await shown(desk, upstream, "foo(bar)\n    y = 1\n")
    edit(Editing(desk.completer, desk.app.library), documents_of(), *changes)
    assert desk.completer.heeds(URI)


@pytest.mark.parametrize(
    ("expected", "typed"),
    [
        pytest.param("(a, b)\n    y", "()", id="brackets"),
        pytest.param('"a" + b\n    y', '""', id="quotes"),
    ],
)
async def test_what_an_editor_closes_by_itself_stands_behind_the_cursor(
    desk: Desk, upstream: Upstream, expected: str, typed: str
):
    await shown(desk, upstream, expected)
    edit(Editing(desk.completer, desk.app.library), documents_of(), change(typed))
    assert desk.completer.heeds(URI)


async def test_a_line_break_between_two_brackets_moves_the_closing_one_down(desk: Desk, upstream: Upstream):
    upstream.queue(begun("\n        1,\n        2,\n"))
    hole = replace(HOLE, document=URI, prefix=BEFORE + "[", suffix="]\n")
    request = asyncio.create_task(desk.completer.ghost(hole))
    await asyncio.wait_for(upstream.arrived.wait(), WAIT_S)
    editing = Editing(desk.completer, desk.app.library)
    edit(editing, documents_of(BEFORE + "[]\n"), change("\n        \n    ", (LINE, END + 1)))
    assert (await request).silence in (None, "changed")
    assert desk.completer.heeds(URI)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([change("z")], id="another-letter"),
        pytest.param([change("", (LINE, 4), (LINE, END))], id="a-word-deleted"),
        pytest.param([change("", (LINE - 1, 0), (LINE, 0))], id="a-line-deleted"),
        pytest.param([change("f"), change("f", (0, 0))], id="two-cursors"),
        pytest.param([change("import sys\n", (0, 0))], id="elsewhere"),
        pytest.param([change("foo(bar)\n" * (MAX_TYPED_LINES + 1))], id="a-paste"),
        pytest.param([types.TextDocumentContentChangeWholeDocument(BEFORE)], id="the-whole-document"),
    ],
)
async def test_any_other_edit_closes_the_answer(
    desk: Desk, upstream: Upstream, changes: list[types.TextDocumentContentChangeEvent]
):
    await shown(desk, upstream, "foo(bar)\n    y = 1\n")
    edit(Editing(desk.completer, desk.app.library), documents_of(), *changes)
    assert not desk.completer.heeds(URI)
    await desk.settle()


async def test_the_cursor_counts_in_the_editors_units(desk: Desk, upstream: Upstream):
    await shown(desk, upstream, "'😀' + x\n    y")
    documents = documents_of()
    edit(Editing(desk.completer, desk.app.library), documents, change("'😀' +"))
    assert desk.completer.heeds(URI)
    assert [item.text for item in (await desk.ghost("'😀' +")).items] == [" x"]


OWN = "def send(message):\n    connection.write(message.encoded())\n    connection.flush()\n\n\n"
SEND = "import os\n\n\ndef send(message):\n    connection.write("


async def test_whoever_learns_from_the_users_files_hears_of_what_is_open_changed_and_closed(desk: Desk):
    library = desk.app.library()
    editing = Editing(desk.completer, desk.app.library)
    documents = documents_of(OWN * 8)
    (document,) = documents
    editing.begin(documents)
    window = HOLE.window().after("")
    asked = type(window)("b.py", "python", SEND, "\n")
    assert library.settle(WAIT_S)
    assert (library.suggest(asked) or "").startswith("message.encoded()")
    editing.closed(document)
    assert library.settle(WAIT_S)
    assert library.suggest(asked) is None
    editing.opened(document)
    assert library.settle(WAIT_S)
    assert (library.suggest(asked) or "").startswith("message.encoded()")
    whole = types.TextDocumentContentChangeWholeDocument(OWN.replace("message.encoded()", "b''") * 8)
    edit(editing, documents, whole)
    assert library.settle(WAIT_S)
    assert (library.suggest(asked) or "").startswith("b''")
