"""Marks: by the clock, as long as an attempt runs, and only where there is something new to say."""

import asyncio
import gc
import os
import sqlite3
import sys
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.ledger.records import Hold
from farebox.ledger.store import Ledger
from farebox.messages import Begun, Call, Chat, Target, Text
from farebox.providers.base import Endpoint
from farebox.providers.listing_file import ListingFile
from farebox.router.charge import Charge
from farebox.router.correction import correct_due
from farebox.router.marks import marking
from farebox.router.pricing import Pricing
from farebox.router.request import Request
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, sse

MODEL = Target("openai", "gpt-5-mini")  # $0.25 in, $2 out for a million tokens
AT_ONCE = 0.0
SOON = 0.01


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    await ledger.close()


async def a_running_charge(ledger: Ledger) -> Charge:
    request = Request("chat", lambda serving: Call(serving.model, Chat(())), 400, 100)
    endpoint = Endpoint("openai", "openai", "http://127.0.0.1:9/v1", price_id="openai")
    charge = Charge(request, MODEL, endpoint, Pricing(ListingFile(Path("no-such-folder"))), None)
    await ledger.hold(
        Hold(charge.call_id, charge.call_id, 1, "chat", MODEL, 10**6, round(1_000 * time.time())), ()
    )
    return charge


def marked(path: Path, call_id: str | None = None) -> tuple[int | None, str | None]:
    """Read the first row, or that of a call, as another program would."""
    sql = "SELECT seen_nanodollars, generation_id FROM calls WHERE call_id = ? OR ? IS NULL ORDER BY rowid"
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, (call_id, call_id)).fetchone()


async def mark_of(ledger: Ledger, call_id: str | None = None) -> tuple[int | None, str | None]:
    await ledger.check()  # what was handed over before is written now
    return marked(ledger.path, call_id)


async def until_marked(
    ledger: Ledger, expected: tuple[int | None, str | None], call_id: str | None = None
) -> None:
    async with asyncio.timeout(WAIT_S):
        while await mark_of(ledger, call_id) != expected:  # noqa: ASYNC110  a file has no event
            await asyncio.sleep(SOON)


async def test_a_running_attempt_is_marked_again_and_again_with_what_has_come(ledger: Ledger):
    charge = await a_running_charge(ledger)
    with marking(ledger, charge, first_s=AT_ONCE, every_s=SOON):
        await until_marked(ledger, (25_000, None))
        charge.note(Begun("gen-1"))
        charge.note(Text("eight ch"))
        await until_marked(ledger, (29_000, "gen-1"))


async def test_an_attempt_that_ends_soon_is_never_marked(ledger: Ledger):
    charge = await a_running_charge(ledger)
    with marking(ledger, charge):
        charge.note(Text("eight ch"))
    assert await mark_of(ledger) == (None, None)


async def test_nothing_is_marked_any_more_once_the_attempt_has_ended(ledger: Ledger):
    charge = await a_running_charge(ledger)
    with marking(ledger, charge, first_s=AT_ONCE, every_s=SOON):
        await until_marked(ledger, (25_000, None))
    charge.note(Text("eight ch"))
    await some_rounds(ledger)
    assert await mark_of(ledger) == (25_000, None)


async def test_silence_is_marked_once(ledger: Ledger):
    charge = await a_running_charge(ledger)
    with marking(ledger, charge, first_s=AT_ONCE, every_s=SOON):
        await until_marked(ledger, (25_000, None))
        with closing(sqlite3.connect(ledger.path)) as connection, connection:
            connection.execute("UPDATE calls SET seen_nanodollars = NULL")
        await some_rounds(ledger)
        assert await mark_of(ledger) == (None, None)


async def some_rounds(ledger: Ledger) -> None:
    """Wait until another attempt has been marked time and again, as often as any that still runs."""
    charge = await a_running_charge(ledger)
    with marking(ledger, charge, first_s=SOON, every_s=SOON):
        for nanodollars in (29_000, 33_000, 37_000):
            charge.note(Text("eight ch"))
            await until_marked(ledger, (nanodollars, None), charge.call_id)


async def test_what_was_marked_is_kept_by_nothing_when_it_has_ended(ledger: Ledger):
    charge = await a_running_charge(ledger)
    kept = weakref.ref(charge.request.render)
    with marking(ledger, charge, first_s=AT_ONCE, every_s=SOON):
        charge.note(Text("eight ch"))
        await until_marked(ledger, (29_000, None), charge.call_id)
    gc.disable()  # it would come to the rescue, some time
    try:
        del charge
        await ledger.check()  # what was handed over has been written
        await asyncio.sleep(0)
        assert kept() is None
    finally:
        gc.enable()


# --- a process that is killed --------------------------------------------------------------------

GIVEN_UP = [("settled", "uncertain", 29_000, "estimated", 0)]
CORRECTED = [("settled", "uncertain", 213_457, "reported", None)]
ASK = """
import asyncio, sys
from farebox.app import App, Client
from farebox.messages import Call, Chat, Message
from farebox.router.request import Request

async def ask():
    request = Request(
        "chat", lambda serving: Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100),
        400, 100, requested="openrouter/openai/gpt-5-mini",
    )
    async for _ in App(Client(name="doomed")).door().send(request).events():
        pass

asyncio.run(ask())
"""


async def rows_of(ledger: Ledger) -> list[tuple[object, ...]]:
    await ledger.check()
    with closing(sqlite3.connect(ledger.path)) as connection:
        columns = "state, error_kind, cost_nanodollars, basis, ask_at_ms"
        return connection.execute(f"SELECT {columns} FROM calls").fetchall()


async def test_a_killed_process_leaves_a_name_by_which_the_next_one_learns_the_cost(tmp_path: Path):
    async with Upstream() as upstream:
        body = sse(chunk({"content": "eight ch"}), done=False)
        upstream.queue(Answer(body=body, content_type="text/event-stream", hang=True))
        config = tmp_path / "config.toml"
        config.write_text(f'[providers.openrouter]\nbase_url = "{upstream.base_url}"\n', "utf-8")
        own = {"FAREBOX_HOME": str(tmp_path), "FAREBOX_CONFIG": str(config), "OPENROUTER_API_KEY": "k"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ASK, env={**os.environ, **own}, cwd=tmp_path
        )
        async with asyncio.timeout(WAIT_S):
            await upstream.arrived.wait()
            while marked(tmp_path / "ledger.db") != (29_000, "gen-1"):  # noqa: ASYNC110  a file has no event
                await asyncio.sleep(SOON)
        process.kill()
        await process.wait()
        heir = App(Client(name="heir"), environment=own)
        async with asyncio.timeout(WAIT_S):
            while await rows_of(heir.ledger) != GIVEN_UP:  # noqa: ASYNC110  a file has no event
                await asyncio.sleep(SOON)
        upstream.answer("/v1/generation", json_answer({"data": {"total_cost": 0.000213457}}))
        assert await correct_due(heir.ledger, heir.http, heir.door().planner) == 1
        assert await rows_of(heir.ledger) == CORRECTED
        await heir.close()
