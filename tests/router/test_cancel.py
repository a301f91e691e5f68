"""A request can be cancelled at any moment: nothing of it is left, and what comes next works.

How soon the socket closes is measured by ``tests/bench/cancel.py``: a test on a busy machine is no clock.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.messages import Done, Text
from farebox.providers.http import MAX_CONNECTIONS
from farebox.router.door import Reply
from support.dangling import PHASES, Dangling, Phase, ask, listen, no_socket_is_left
from support.environment import ledger_rows

CANCELS = 1_000
AT_ONCE = 20
MOST_TURNS = 40
"""A request to a server on loopback has sent its first byte after fewer turns of the event loop."""

assert AT_ONCE < MAX_CONNECTIONS


@pytest.fixture
async def dangling() -> AsyncIterator[Dangling]:
    with no_socket_is_left():
        async with Dangling() as dangling:
            yield dangling


@pytest.fixture
async def app(tmp_path: Path, dangling: Dangling) -> AsyncIterator[App]:
    config = tmp_path / "config.toml"
    config.write_text(dangling.config(), "utf-8")
    folders = {"FAREBOX_HOME": str(tmp_path / "farebox"), "FAREBOX_CONFIG": str(config)}
    app = App(Client("test"), environment=folders)
    app.warm_up()
    yield app
    await app.close()


async def turns(count: int) -> None:
    """Let the event loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def cancel_in(app: App, dangling: Dangling, phase: Phase, number: int) -> Reply:
    """Start a request, cancel it in a phase, and wait until it has ended."""
    reply, heard = ask(app, phase), asyncio.Event()
    task = asyncio.create_task(listen(reply, heard))
    if phase == "connecting":
        await turns(MOST_TURNS)  # nobody can tell from outside; the ledger's thread may need more
    elif phase == "streaming":
        await heard.wait()
    else:
        await dangling.stopped[phase].get()
    await turns(number % 7)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return reply


async def nothing_is_left(app: App, dangling: Dangling, folder: Path) -> None:
    """Check that no task, no connection, no place in the pool and no hold is left."""
    await dangling.emptied()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    pool = app.http._transport._pool  # type: ignore[union-attr]
    assert pool.connections == []
    assert pool._requests == []
    await app.ledger.check()  # comes after all that was handed over before
    rows = ledger_rows(folder)
    assert {row["state"] for row in rows} <= {"settled"}
    assert {row["outcome"] for row in rows} <= {"cancelled"}


async def the_next_call_works(app: App) -> None:
    """Ask a provider that answers, more often than there are connections."""
    for _ in range(MAX_CONNECTIONS + 1):
        events = [event async for event in ask(app, "whole").events()]
        assert isinstance(events[-1], Done)
        assert events[-1].finish_reason == "stop"


@pytest.mark.skipif(sys.platform != "linux", reason="a full backlog makes others wait only on Linux")
async def test_of_a_thousand_cancelled_requests_nothing_is_left(
    app: App, dangling: Dangling, tmp_path: Path
) -> None:
    count = 0
    while count < CANCELS:
        phases: list[Phase] = [PHASES[number % len(PHASES)] for number in range(count, count + AT_ONCE)]
        replies = await asyncio.gather(
            *(cancel_in(app, dangling, phase, count + place) for place, phase in enumerate(phases))
        )
        count += len(replies)
        for phase, reply in zip(phases, replies, strict=True):
            if phase != "connecting":  # may have been cancelled before its row was written
                assert reply.done is not None
                assert (reply.done.cancelled, reply.done.finish_reason) == (True, "cancelled")
    await nothing_is_left(app, dangling, tmp_path)
    assert len(ledger_rows(tmp_path)) >= CANCELS * (len(PHASES) - 1) // len(PHASES)
    await the_next_call_works(app)


@pytest.mark.parametrize("provider", ["waiting", "thinking", "streaming", "handshake"])
async def test_a_request_that_is_cancelled_after_any_turn_of_the_loop_leaves_nothing(
    app: App, dangling: Dangling, tmp_path: Path, provider: Phase
) -> None:
    for count in range(MOST_TURNS):
        task = asyncio.create_task(listen(ask(app, provider), asyncio.Event()))
        await turns(count)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await nothing_is_left(app, dangling, tmp_path)
    await the_next_call_works(app)


async def test_a_reader_that_stops_reading_leaves_nothing(
    app: App, dangling: Dangling, tmp_path: Path
) -> None:
    for _ in range(MAX_CONNECTIONS + 1):
        events = ask(app, "streaming").events()
        async for event in events:
            if isinstance(event, Text):
                break
        await events.aclose()
    await nothing_is_left(app, dangling, tmp_path)
    await the_next_call_works(app)
