"""The shell around the flow, with a real App and real sockets: what is sent and stopped, who is answered."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.completion.outcome import Outcome, completion_of
from farebox.errors import ConfigError, Overloaded
from support.desk import AFTER, BEFORE, HOLE, Desk, OpenDesk, after, begun, whole
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, json_answer


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def open_desk(tmp_path: Path, upstream: Upstream) -> AsyncIterator[OpenDesk]:
    opened: list[Desk] = []

    def make(more: str = "") -> Desk:
        opened.append(Desk.at(tmp_path, upstream.base_url, more))
        return opened[-1]

    yield make
    for desk in opened:
        await desk.close()


def texts(outcome: Outcome) -> list[str]:
    return [item.text for item in outcome.items]


async def closed(upstream: Upstream, number: int = 0) -> bool:
    """Wait until a request's socket is closed before its answer was whole."""
    return await asyncio.wait_for(upstream.requests[number].closed.wait(), WAIT_S)


async def arrived(upstream: Upstream) -> None:
    await asyncio.wait_for(upstream.arrived.wait(), WAIT_S)
    upstream.arrived.clear()


# --- one answer -----------------------------------------------------------------------------------


async def test_an_answer_has_a_ghost_a_source_and_the_call_behind_it(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(whole("foo(bar)"))
    desk = open_desk()
    outcome = await desk.ghost()
    assert texts(outcome) == ["foo(bar)"]
    assert (outcome.source, outcome.silence, outcome.shut) == ("model", None, None)
    completion = completion_of(outcome)
    assert completion.usage.output_tokens == 8
    assert completion.call_id is not None
    assert outcome.asking is not None
    assert [asking.done is not None for asking in desk.done] == [True]


async def test_typing_across_a_running_generation_sends_one_request(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(begun("foo(bar, baz)\n    y"))
    desk = open_desk()
    first = await desk.ghost()
    outcomes = [await desk.ghost("foo(bar, baz"[:count]) for count in (1, 2, 3, 6)]
    assert [texts(outcome) for outcome in outcomes] == [
        ["oo(bar, baz)"],
        ["o(bar, baz)"],
        ["(bar, baz)"],
        ["r, baz)"],
    ]
    assert {outcome.items[0].id for outcome in outcomes} == {first.items[0].id}
    assert len(upstream.requests) == 1
    assert not upstream.requests[0].closed.is_set()


async def test_what_a_running_answer_has_cost_is_known_by_its_call_before_it_ends(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.queue(begun("foo(bar)\n    y"))
    completion = completion_of(await open_desk().ghost())
    assert completion.call_id is not None
    assert completion.route is not None
    assert (completion.cost, completion.total_ms) == (None, None)


async def test_cancelling_a_request_leaves_its_answer_to_the_next_one(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.queue(whole("foo(bar)", delay_s=0.3))
    desk = open_desk()
    request = desk.ask()
    await arrived(upstream)
    request.cancel()
    await asyncio.wait([request])
    assert texts(await desk.ghost("f")) == ["oo(bar)"]
    assert len(upstream.requests) == 1
    assert not upstream.requests[0].closed.is_set()


async def test_divergence_closes_the_socket_and_asks_anew(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(begun("foo(bar)\n    y"), whole("oo(baz)"))
    desk = open_desk()
    assert texts(await desk.ghost()) == ["foo(bar)"]
    assert texts(await desk.ghost("z")) == ["oo(baz)"]
    assert await closed(upstream)
    await desk.settle()
    assert [asking.done is not None for asking in desk.done] == [True, True], "both are charged"


async def test_an_answer_that_says_enough_is_closed_early(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(begun("foo(bar)\n    y = 1\n    z = 2\n    w = 3\n"))
    desk = open_desk()
    assert texts(await desk.ghost()) == ["foo(bar)"]
    assert await closed(upstream)
    assert texts(await desk.ghost("foo(bar)")) == ["\n    y = 1"]
    assert len(upstream.requests) == 1


async def test_a_newer_request_ends_the_older_one(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(begun("fo"), whole("oo(baz)"))
    desk = open_desk()
    older = desk.ask()
    await arrived(upstream)
    assert texts(await desk.ghost("z")) == ["oo(baz)"]
    assert (await older).silence == "superseded"


@pytest.mark.parametrize("prefix", [None, BEFORE + "z"], ids=["elsewhere", "typed"])
async def test_an_edit_ends_who_waits_and_closes_what_it_contradicts(
    open_desk: OpenDesk, upstream: Upstream, prefix: str | None
):
    upstream.queue(begun("fo"))
    desk = open_desk()
    request = desk.ask()
    await arrived(upstream)
    while desk.completer.heeds(HOLE.key) and not upstream.requests[0].closed.is_set():
        desk.completer.changed(HOLE.key, prefix, AFTER)
        await asyncio.wait([request, asyncio.create_task(upstream.requests[0].closed.wait())], timeout=0.05)
    assert (await request).silence == "changed"
    assert await closed(upstream)


async def test_closing_the_document_ends_who_waits_and_the_answer(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(begun("fo"))
    desk = open_desk()
    request = desk.ask()
    await arrived(upstream)
    desk.completer.closed(HOLE.key)
    assert (await request).silence == "changed"
    assert await closed(upstream)
    assert not desk.completer.heeds(HOLE.key)


async def test_another_document_closes_the_socket_that_nobody_waits_for(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.queue(begun("foo(bar)\n    y"), whole("foo(bar)"))
    desk = open_desk()
    await desk.ghost()
    await asyncio.wait_for(desk.completer.ghost(replace(HOLE, document="file:///ws/other.py")), WAIT_S)
    assert await closed(upstream)


async def test_where_the_gate_is_shut_nothing_is_asked(open_desk: OpenDesk, upstream: Upstream):
    desk = open_desk()
    outcome = await asyncio.wait_for(desk.completer.ghost(replace(HOLE, suffix="rest\n")), WAIT_S)
    assert outcome.shut is not None
    assert outcome.shut.reason == "midWord"
    assert upstream.connections == 0


# --- trouble --------------------------------------------------------------------------------------


async def test_a_failure_is_told_with_the_call_that_failed_and_pauses(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.answer("/infill", json_answer({}, status=500))
    desk = open_desk()
    first, second = await desk.ghost(), await desk.ghost("z")
    assert (first.silence, second.silence) == ("failed", "backOff")
    assert (first.asking is not None, second.asking) == (True, None)
    for outcome in (first, second):
        assert isinstance(outcome.error, Overloaded)
    assert len(upstream.requests) == 1


async def test_new_settings_end_the_pause(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(json_answer({}, status=500), whole("foo(bar)"))
    desk = open_desk()
    await desk.ghost()
    desk.config_file.write_text(desk.config_file.read_text("utf-8") + "candidates = 2\n", "utf-8")
    assert texts(await desk.ghost()) == ["foo(bar)"]


async def test_settings_that_break_while_one_waits_leave_nobody_waiting(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.answer("/infill", json_answer({}, status=500))
    desk = open_desk()
    request = desk.ask()
    await asyncio.wait([asyncio.create_task(arrived(upstream))])
    desk.config_file.write_text("[completion", "utf-8")
    assert (await asyncio.wait_for(request, WAIT_S)).items == ()
    with pytest.raises(ConfigError):
        await desk.ghost()


async def test_a_bug_in_a_model_call_leaves_nobody_waiting(open_desk: OpenDesk):
    @asynccontextmanager
    async def broken() -> AsyncGenerator[None]:
        raise ZeroDivisionError
        yield

    desk = open_desk()
    desk.completer.during = broken
    assert (await desk.ghost()).items == ()
    await desk.settle()
    assert [type(error) for error in desk.errors] == [ZeroDivisionError]


OWN = "def send(message):\n    connection.write(message.encoded())\n    connection.flush()\n\n\n"


async def test_where_no_model_answers_the_users_own_files_speak(open_desk: OpenDesk, upstream: Upstream):
    upstream.answer("/infill", json_answer({}, status=500))
    desk = open_desk()
    library = desk.app.library()
    for number in range(4):
        library.opened(f"/ws/own{number}.py", "python", lambda: OWN * 3)
    assert await asyncio.to_thread(library.settle, WAIT_S)
    hole = replace(HOLE, prefix="import os\n\n\ndef send(message):\n    connection.write(")
    outcome = await asyncio.wait_for(desk.completer.ghost(hole), WAIT_S)
    assert (outcome.source, outcome.asking) == ("embedded", None)
    assert texts(outcome)[0].startswith("message.encoded()")
    off = desk.config_file.read_text("utf-8") + "embedded = false\n"
    desk.config_file.write_text(off, "utf-8")
    other = replace(hole, document="file:///ws/second.py")
    assert (await asyncio.wait_for(desk.completer.ghost(other), WAIT_S)).items == ()


async def test_lines_that_end_as_on_windows_are_expected_and_inserted_so(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.queue(begun("foo(\n        bar,\n    )\n    y = 1\n"))
    desk = open_desk()
    prefix = BEFORE.replace("\n", "\r\n")
    hole = replace(HOLE, prefix=prefix, suffix="\r\n")
    outcome = await asyncio.wait_for(desk.completer.ghost(hole), WAIT_S)
    assert outcome.items
    further = replace(hole, prefix=prefix + "foo(\r\n        ba")
    outcome = await asyncio.wait_for(desk.completer.ghost(further), WAIT_S)
    assert texts(outcome)[0].startswith("r,")
    assert "\n" not in texts(outcome)[0].replace("\r\n", "")
    assert len([one for one in upstream.requests if one.path == "/infill"]) == 1


# --- by hand --------------------------------------------------------------------------------------


async def by_hand(desk: Desk, typed: str = "") -> Outcome:
    hole = replace(after(typed), invoked=True)
    return await asyncio.wait_for(desk.completer.candidates(hole), WAIT_S)


async def test_several_candidates_are_distinct_and_each_has_its_own_id_and_row(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.queue(whole("foo(1)"), whole("foo(2)"), whole("foo(1)"))
    desk = open_desk()
    outcome = await by_hand(desk)
    assert sorted(texts(outcome)) == ["foo(1)", "foo(2)"]
    assert outcome.source == "model"
    calls = [desk.completer.asking_of(item.id) for item in outcome.items]
    call_ids = {asking.done.call_id for asking in calls if asking is not None and asking.done is not None}
    await desk.app.ledger.check()
    with closing(sqlite3.connect(desk.app.ledger.path)) as connection:
        rows = {row for (row,) in connection.execute("SELECT call_id FROM calls").fetchall()}
    assert len(rows) == 3
    assert len(call_ids) == 2
    assert call_ids < rows


async def test_all_but_the_first_candidate_are_asked_for_with_some_chance(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.queue(*(whole(f"foo({number})") for number in range(3)))
    await by_hand(open_desk())
    heats = sorted(float(str(request.json["temperature"])) for request in upstream.requests)
    assert heats[0] == 0
    assert min(heats[1:]) > 0


async def test_what_is_known_already_is_the_first_candidate(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(whole("foo(1)"), whole("oo(2)"), whole("oo(3)"))
    desk = open_desk()
    known = await desk.ghost()
    outcome = await by_hand(desk, "f")
    assert texts(outcome)[0] == "oo(1)"
    assert outcome.items[0].id == known.items[0].id
    assert sorted(texts(outcome)) == ["oo(1)", "oo(2)", "oo(3)"]
    assert len(upstream.requests) == 3


async def test_what_was_asked_for_by_hand_is_there_while_typing(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(*(whole("foo(1)") for _ in range(3)))
    desk = open_desk()
    await by_hand(desk)
    assert texts(await desk.ghost("fo")) == ["o(1)"]
    assert len(upstream.requests) == 3


async def test_one_candidate_that_fails_is_no_failure_and_all_of_them_are_one(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.queue(json_answer({}, status=400), whole("foo(1)"), whole("foo(1)"))
    desk = open_desk()
    assert texts(await by_hand(desk)) == ["foo(1)"]
    upstream.answer("/infill", json_answer({}, status=500))
    with pytest.raises(Overloaded):
        await by_hand(desk, "zzz")


async def test_an_edit_cancels_what_was_asked_for_by_hand_and_closes_its_sockets(
    open_desk: OpenDesk, upstream: Upstream
):
    upstream.queue(*(Answer(hang=True) for _ in range(3)))
    desk = open_desk()
    request = asyncio.create_task(by_hand(desk))
    await arrived(upstream)
    assert desk.completer.heeds(HOLE.key)
    desk.completer.changed(HOLE.key, None)
    await asyncio.wait([request], timeout=WAIT_S)
    assert request.cancelled()
    assert await closed(upstream)
    assert not desk.completer.heeds(HOLE.key)


async def test_closing_stops_all_that_runs(open_desk: OpenDesk, upstream: Upstream):
    upstream.queue(begun("foo(bar)\n    y"))
    desk = open_desk()
    await desk.ghost()
    desk.completer.close()
    assert await closed(upstream)
