"""What may happen to the ledger's file: tokens flow on, a hard budget stops them, and nothing is forgotten.

Every fault is real. A process of its own meets it as it begins, or later, and is there when it is over.
"""

import asyncio
import sqlite3
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import pytest

from support import billing, books, faults
from support.billing import Billing, Script
from support.ledger_worker import (
    HOLD_NANODOLLARS,
    Asked,
    Worker,
    daily,
    environment,
    until,
    worker,
    write_config,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="faults of POSIX")

SCRIPT = Script(pieces=4, base=1_234, each=7)
TEXT = "word0 word1 word2 word3 "
PLENTY = daily(200 * HOLD_NANODOLLARS)
REQUESTS = 3
MENDS_S = 60.0
DISK_BYTES = 4 * 1024 * 1024


Trouble: TypeAlias = tuple[Worker, Callable[[], Awaitable[None]]]


@dataclass(frozen=True, slots=True)
class Fault:
    """``begin`` makes it, of the ledger's folder; ``words`` are said to who has a hard budget."""

    begin: Callable[[Path], AbstractContextManager[None]]
    words: str
    begins: Literal["before", "later"]
    has_disk: bool = False


def ledger_in(home: Path) -> Path:
    return home / "ledger.db"


FAULTS = {
    "locked before": Fault(lambda home: faults.locked(ledger_in(home)), "locked", "before"),
    "locked later": Fault(lambda home: faults.locked(ledger_in(home)), "locked", "later"),
    "closed": Fault(faults.closed, "readonly|unable to open|Permission denied", "before"),
    "a folder": Fault(
        lambda home: faults.replaced_by_a_folder(ledger_in(home)), "not a plain file", "before"
    ),
    "newer": Fault(lambda home: faults.of_a_newer_version(ledger_in(home)), "newer farebox", "before"),
    "full before": Fault(faults.full, "full|I/O error", "before", has_disk=True),
    "full later": Fault(faults.full, "full|I/O error", "later", has_disk=True),
    "read-only": Fault(faults.read_only_disk, "readonly|unable to open|Read-only", "before", has_disk=True),
}


@pytest.fixture
def provider(tmp_path: Path) -> Generator[Billing]:
    with billing.provider(environment(tmp_path)) as provider:
        yield provider


@pytest.fixture(params=FAULTS)
def fault(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Fault]:
    fault = FAULTS[request.param]
    with ExitStack() as stack:
        if fault.has_disk:
            try:
                stack.enter_context(faults.disk(tmp_path / "farebox", size_bytes=DISK_BYTES))
            except faults.NoMounts as error:
                pytest.skip(f"no disk can be mounted: {error}")
        yield fault


async def ask(one: Worker, name: str, count: int = REQUESTS) -> list[Asked]:
    """Have a process send some requests at once."""
    return await asyncio.gather(*(one.ask(f"{name}-{number}", SCRIPT) for number in range(count)))


async def refused(one: Worker) -> Asked:
    """Have a process send requests until one is refused: a full disk may have room for some more."""
    for number in range(20):
        asked = await one.ask(f"refused-{number}", SCRIPT)
        if asked.kind != "ok":
            return asked
    raise AssertionError("nothing was refused")


async def all_kept(one: Worker) -> None:
    """Wait until a process says that it keeps its last requests, with what they cost."""
    async with asyncio.timeout(MENDS_S):
        while await one.unwritten() != [REQUESTS, REQUESTS * SCRIPT.most_nanodollars]:
            pass


async def arrives(folder: Path, provider: Billing) -> None:
    """Wait until the rows are those of the bill."""
    billed = provider.billed()
    await until(lambda: is_booked(folder, billed), MENDS_S)


def is_booked(folder: Path, billed: dict[str, int]) -> bool:
    try:
        return books.audit(folder, billed).faults == {}
    except sqlite3.Error:
        return False


@asynccontextmanager
async def in_trouble(folder: Path, provider: Billing, fault: Fault) -> AsyncGenerator[Trouble]:
    """Have a process meet a fault, with a ledger that has some rows already; it can be mended."""
    async with worker(folder) as earlier:
        assert {(await earlier.ask(f"earlier-{number}", SCRIPT)).kind for number in range(3)} == {"ok"}
    async with AsyncExitStack() as trouble:
        if fault.begins == "before":
            trouble.enter_context(fault.begin(folder / "farebox"))
        async with worker(folder) as one:
            if fault.begins == "later":
                assert {asked.kind for asked in await ask(one, "before")} == {"ok"}
                await arrives(folder, provider)
                trouble.enter_context(fault.begin(folder / "farebox"))
            yield one, trouble.aclose


async def test_without_a_budget_tokens_flow_and_all_is_written_once_it_can_be(
    tmp_path: Path, provider: Billing, fault: Fault
):
    write_config(tmp_path, provider.base_url)
    async with in_trouble(tmp_path, provider, fault) as (one, mend):
        asked = await ask(one, "during")
        assert [(each.kind, each.text) for each in asked] == [("ok", TEXT)] * REQUESTS
        print("first tokens:", [round(each.first_ms or 0) for each in asked], "ms")
        stopped = await one.ask("stopped", Script(pieces=50, pause_ms=5), stop_after=2)
        assert stopped.kind == "cancelled"
        await mend()
        await arrives(tmp_path, provider)
        assert {asked.kind for asked in await ask(one, "after")} == {"ok"}
        await arrives(tmp_path, provider)
        assert await one.unwritten() == [0, 0]


async def test_a_hard_budget_fails_closed_with_the_reason_and_holds_again_afterwards(
    tmp_path: Path, provider: Billing, fault: Fault
):
    write_config(tmp_path, provider.base_url, PLENTY)
    async with in_trouble(tmp_path, provider, fault) as (one, mend):
        refusal = await refused(one)
        assert refusal.kind == "budgetExceeded"
        assert "the daily budget can't be checked: the ledger " in refusal.words
        assert "or remove [budgets] daily_usd to go on without a budget" in refusal.words
        assert any(words in refusal.words for words in fault.words.split("|")), refusal.words
        assert refusal.marker not in provider.billed()
        await mend()
        assert {asked.kind for asked in await ask(one, "after")} == {"ok"}
        await arrives(tmp_path, provider)
        assert await one.spent() == sum(provider.billed().values())


async def test_where_no_file_may_grow_nothing_is_lost(tmp_path: Path, provider: Billing):
    write_config(tmp_path, provider.base_url)
    async with worker(tmp_path) as one:
        await ask(one, "before")
        await arrives(tmp_path, provider)
        await one.limit_files(0)
        assert {asked.kind for asked in await ask(one, "during")} == {"ok"}
        await all_kept(one)
        write_config(tmp_path, provider.base_url, PLENTY)
        refusal = await refused(one)
        assert "the daily budget can't be checked: the ledger " in refusal.words
        await one.limit_files(-1)
        assert {asked.kind for asked in await ask(one, "after")} == {"ok"}
        await arrives(tmp_path, provider)


async def test_what_could_not_be_written_is_written_by_others_if_its_process_is_killed(
    tmp_path: Path, provider: Billing
):
    write_config(tmp_path, provider.base_url)
    async with worker(tmp_path) as heir, worker(tmp_path) as killed:
        assert {await heir.look(), await killed.look()} == {"ok"}
        with faults.locked(books.ledger_file(tmp_path)):
            assert {asked.kind for asked in await ask(killed, "during")} == {"ok"}
            await all_kept(killed)
            await killed.die()
        await arrives(tmp_path, provider)


# --- damage ----------------------------------------------------------------------------------------

MANY = 120
"""Requests of a ledger that is to be damaged: some dozens of pages."""

DAMAGES: dict[str, Callable[[Path], None]] = {
    "pages": faults.overwrite_pages,
    "header": faults.overwrite_header,
    "truncated": lambda file: faults.truncate(file, share=0.5),
    "shortened": lambda file: faults.truncate(file, share=0.8),
    "empty": lambda file: faults.truncate(file, share=0),
}


@pytest.mark.parametrize(
    ("begins", "damage"),
    [
        *(("before", damage) for damage in DAMAGES),
        *(("later", damage) for damage in DAMAGES if damage != "shortened"),  # nobody may read what is gone
    ],
)
async def test_a_damaged_ledger_is_kept_and_nothing_is_thought_to_be_unspent(
    tmp_path: Path, provider: Billing, damage: str, begins: str
):
    write_config(tmp_path, provider.base_url)
    ledger = tmp_path / "farebox" / "ledger.db"
    async with worker(tmp_path) as earlier:
        await asyncio.gather(*(earlier.ask(f"earlier-{number}", SCRIPT) for number in range(MANY)))
    if begins == "before":
        DAMAGES[damage](ledger)
    async with worker(tmp_path) as one:
        if begins == "later":
            assert (await one.ask("before", SCRIPT)).kind == "ok"
            DAMAGES[damage](ledger)
        assert [(asked.kind, asked.text) for asked in await ask(one, "during")] == [("ok", TEXT)] * REQUESTS
        write_config(tmp_path, provider.base_url, PLENTY)
        async with worker(tmp_path) as newcomer:  # sees what the first may still have in its memory
            assert await newcomer.look() == "ok"
        asked = await one.ask("with-a-budget", SCRIPT)
        await until(lambda: not books.audit(tmp_path, provider.billed()).held, MENDS_S)
        audit = books.audit(tmp_path, provider.billed())
        print(f"{damage}, {begins}: {audit.rows} rows, {len(audit.missing)} missing; {asked.words}")
        assert (audit.integrity, audit.sums, audit.doubled, audit.held) == ("ok", (), (), ())
        if audit.missing:
            assert asked.kind == "budgetExceeded"
            assert "the ledger was damaged" in asked.words
            assert "farebox doctor --accept-damage" in asked.words
            assert ledger.exists()
            assert await one.accept_damage() == 1
        if damage == "shortened":
            assert len(audit.missing) < MANY, "what is left of the file is saved"
        assert {asked.kind for asked in await ask(one, "after")} == {"ok"}
    found = books.audit(tmp_path, provider.billed())
    assert not [marker for marker in found.missing if marker.startswith("after")]


async def test_a_log_of_noise_is_not_taken_for_an_empty_one(tmp_path: Path, provider: Billing):
    """What was written last is in the write-ahead log alone, if a process was killed."""
    write_config(tmp_path, provider.base_url, PLENTY)
    async with worker(tmp_path) as killed:
        await killed.ask("before", SCRIPT)
        await killed.die()
    faults.overwrite_header(tmp_path / "farebox" / "ledger.db-wal", size_bytes=32)
    async with worker(tmp_path) as one:
        asked = await one.ask("after", SCRIPT)
    assert asked.kind == "budgetExceeded"
    assert "the ledger was damaged" in asked.words


async def test_a_ledger_that_was_deleted_is_begun_anew_by_who_used_it(tmp_path: Path, provider: Billing):
    write_config(tmp_path, provider.base_url)
    async with worker(tmp_path) as one:
        await one.ask("before", SCRIPT)
        await until(lambda: books.costs(tmp_path) == {"before": SCRIPT.most_nanodollars}, MENDS_S)
        for file in (tmp_path / "farebox").glob("ledger.db*"):
            if file.is_file():
                file.unlink()
        assert (await one.ask("after", SCRIPT)).kind == "ok"
        await until(lambda: books.costs(tmp_path) == {"after": SCRIPT.most_nanodollars}, MENDS_S)


async def test_nothing_that_is_asked_after_the_damage_is_lost_between_two_processes(
    tmp_path: Path, provider: Billing
):
    write_config(tmp_path, provider.base_url)
    ledger = tmp_path / "farebox" / "ledger.db"
    async with worker(tmp_path) as one, worker(tmp_path) as other:
        for number in range(MANY // 2):
            await asyncio.gather(*(each.ask(f"{each.pid}-{number}", SCRIPT) for each in (one, other)))
        faults.overwrite_pages(ledger, share=0.5)

        async def ask(each: Worker) -> None:
            for number in range(MANY // 2):
                await each.ask(f"after-{each.pid}-{number}", SCRIPT)

        await asyncio.gather(ask(one), ask(other))
        items = provider.bill().values()
        after = {item.generation: item.nanodollars for item in items if item.marker.startswith("after")}
        await until(lambda: after.items() <= books.costs(tmp_path, by="generation_id").items(), MENDS_S)
    assert books.audit(tmp_path, {}).integrity == "ok"


async def test_while_the_file_is_locked_who_stops_keeps_nobody_else_waiting(
    tmp_path: Path, provider: Billing
):
    """It has left, for no budget has kept it: it is charged as an estimate, once, and nothing stays held."""
    write_config(tmp_path, provider.base_url)
    slow = Script(head_ms=400)
    async with worker(tmp_path) as one:
        await one.ask("before", SCRIPT)
        with faults.locked(ledger_in(tmp_path / "farebox")):
            stopped = asyncio.create_task(one.ask("stopped", slow, stop_after=0))
            assert (await stopped).kind == "cancelled"
            asked = await one.ask("next", SCRIPT)
            print(f"first token: {asked.first_ms:.0f} ms")
            assert asked.kind == "ok"
        await one.die()
    async with worker(tmp_path) as heir:
        assert await heir.look() == "ok"
        await until(lambda: books.costs(tmp_path).keys() >= {"before", "next"}, MENDS_S)
        audit = books.audit(tmp_path, provider.billed())
        assert (audit.held, audit.doubled, audit.sums) == ((), (), ())


# --- the clock -------------------------------------------------------------------------------------

HOUR_S, DAY_S = 3_600, 86_400
TO_THE_EPOCH = "to the epoch"


def seconds(shift: float | str) -> float:
    return 60 - time.time() if shift == TO_THE_EPOCH else float(shift)


@pytest.mark.parametrize("shift", [-HOUR_S, DAY_S, -40 * DAY_S, TO_THE_EPOCH])
async def test_whatever_the_clock_says_every_request_is_booked_and_took_some_time(
    tmp_path: Path, provider: Billing, shift: float | str
):
    write_config(tmp_path, provider.base_url)
    async with worker(tmp_path) as one:
        await ask(one, "before")
        running = asyncio.create_task(one.ask("meanwhile", Script(pieces=20, pause_ms=20)))
        await until(lambda: "meanwhile" in provider.billed(), MENDS_S)
        await one.shift_clock(seconds(shift))
        assert {asked.kind for asked in [await running, *await ask(one, "during")]} == {"ok"}
        await arrives(tmp_path, provider)
        await one.shift_clock(0)
        assert {asked.kind for asked in await ask(one, "after")} == {"ok"}
        await arrives(tmp_path, provider)
    with books.reading(tmp_path) as connection:
        odd = "SELECT COUNT(*) FROM calls WHERE NOT (first_token_ms BETWEEN 0 AND total_ms)"
        assert connection.execute(odd).fetchone() == (0,)


@pytest.mark.parametrize("shift", [-HOUR_S, -DAY_S, -40 * DAY_S, TO_THE_EPOCH])
async def test_a_budget_that_is_spent_is_not_opened_by_a_clock_that_is_set_back(
    tmp_path: Path, provider: Billing, shift: float | str
):
    write_config(tmp_path, provider.base_url, daily(2 * HOLD_NANODOLLARS - 1))
    all_of_it = Script(pieces=1, base=HOLD_NANODOLLARS - 1, each=1)
    async with worker(tmp_path) as one:
        assert (await one.ask("first", all_of_it)).kind == "ok"
        for name, moved in (("today", 0.0), ("earlier", seconds(shift)), ("again", 0.0)):
            await one.shift_clock(moved)
            assert (await one.ask(name, all_of_it)).kind == "budgetExceeded", name
        await one.shift_clock(DAY_S)
        assert (await one.ask("tomorrow", all_of_it)).kind == "ok"
        assert (await one.ask("tomorrow, too", all_of_it)).kind == "budgetExceeded"
        await one.shift_clock(0)
        assert (await one.ask("today, still", all_of_it)).kind == "budgetExceeded"
    assert books.audit(tmp_path, provider.billed()).faults == {}


@pytest.mark.parametrize(
    ("zone", "moments"),
    [
        pytest.param("Europe/Berlin", ("2026-10-25T00:30Z", "2026-10-25T01:30Z"), id="an hour twice"),
        pytest.param("Europe/Berlin", ("2026-03-29T00:30Z", "2026-03-29T01:30Z"), id="an hour that is not"),
        pytest.param("Asia/Kolkata", ("2026-11-20T18:35Z", "2026-11-20T18:55Z"), id="half an hour off"),
    ],
)
async def test_a_day_is_a_day_of_the_users_also_where_its_hours_are_odd(
    tmp_path: Path, provider: Billing, zone: str, moments: tuple[str, str]
):
    """The moment before a day begins is not part of it, for a budget as for a report."""
    write_config(tmp_path, provider.base_url, daily(10 * HOLD_NANODOLLARS))
    here = ZoneInfo(zone)
    first, second = (datetime.fromisoformat(moment) for moment in moments)
    midnight = first.astimezone(here).replace(hour=0, minute=0)
    async with worker(tmp_path, TZ=zone) as one:

        async def ask(name: str, moment: datetime) -> None:
            await one.shift_clock(moment.timestamp() - time.time())
            assert (await one.ask(name, SCRIPT)).kind == "ok"

        await ask("the day before", midnight - timedelta(minutes=1))
        await ask("first", first)
        await ask("second", second)
        report = await one.report(since=midnight.date().isoformat(), by=["day"])
    day = {"day": midnight.date().isoformat(), "requests": 2, "nanodollars": 2 * SCRIPT.most_nanodollars}
    assert report == {"rows": [day], "budgets": {"daily": 2 * SCRIPT.most_nanodollars}}
    assert books.audit(tmp_path, provider.billed()).faults == {}
