"""Many at once, from several processes: no budget is ever exceeded, what is stopped is paid exactly."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import chain
from pathlib import Path

import pytest

from support import billing, books
from support.billing import Billing, Script
from support.ledger_worker import HOLD_NANODOLLARS, Worker, daily, environment, until, worker, write_config

PROCESSES = 4
ROOM_FOR = 5
AT_ONCE = 50
BUDGET = ROOM_FOR * HOLD_NANODOLLARS
CANCELS = 1_000
LANES = 8
BOOKED_S = 60.0


@pytest.fixture
def provider(tmp_path: Path) -> Generator[Billing]:
    with billing.provider(environment(tmp_path)) as provider:
        yield provider


@asynccontextmanager
async def workers(folder: Path) -> AsyncGenerator[list[Worker]]:
    """Run some workers with one ledger, which is there already."""
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(worker(folder)) for _ in range(PROCESSES)]
        for one in running:
            assert await one.look() == "ok"
        yield running


class Watch:
    """Looks at a ledger from outside, over and over: the most that was ever spent and held together."""

    def __init__(self, folder: Path) -> None:
        self.most_nanodollars = 0
        self.looks = 0
        self._folder = folder
        self._stop = threading.Event()

    @classmethod
    @contextmanager
    def over(cls, folder: Path) -> "Generator[Watch]":
        """Watch for as long as a block runs."""
        watch = cls(folder)
        thread = threading.Thread(target=watch._look)
        thread.start()
        try:
            yield watch
        finally:
            watch._stop.set()
            thread.join()

    def _look(self) -> None:
        while not self._stop.is_set():
            self.most_nanodollars = max(self.most_nanodollars, books.spent_or_held(self._folder))
            self.looks += 1


async def test_of_fifty_at_once_a_budget_for_five_lets_five_pass(tmp_path: Path, provider: Billing):
    write_config(tmp_path, provider.base_url, daily(BUDGET))
    whole = Script(pieces=10, pause_ms=20, base=HOLD_NANODOLLARS - 100, each=10)
    async with workers(tmp_path) as running:
        with Watch.over(tmp_path) as watch:
            asked = await asyncio.gather(
                *(running[number % PROCESSES].ask(f"at-once-{number}", whole) for number in range(AT_ONCE))
            )
        spent = await running[0].spent()
    assert Counter(one.kind for one in asked) == {"ok": ROOM_FOR, "budgetExceeded": AT_ONCE - ROOM_FOR}
    assert watch.most_nanodollars == BUDGET == spent
    assert watch.looks > 10
    assert books.audit(tmp_path, provider.billed()).faults == {}
    assert sum(provider.billed().values()) == BUDGET
    assert all("daily budget" in one.words for one in asked if one.kind != "ok")


async def test_a_budget_holds_while_many_come_and_go_until_it_is_spent(tmp_path: Path, provider: Billing):
    write_config(tmp_path, provider.base_url, daily(BUDGET))
    async with workers(tmp_path) as running:

        async def lane(number: int) -> Counter[str]:
            kinds = Counter[str]()
            for turn in range(20):
                script = Script(pieces=1 + turn % 3, pause_ms=turn % 5, base=9_001 + 977 * number, each=13)
                asked = await running[number % PROCESSES].ask(f"lane-{number}-{turn}", script)
                kinds[asked.kind] += 1
            return kinds

        with Watch.over(tmp_path) as watch:
            kinds = sum(await asyncio.gather(*map(lane, range(AT_ONCE))), Counter[str]())
        spent = await running[0].spent()
    assert set(kinds) == {"ok", "budgetExceeded"}
    assert kinds["ok"] > ROOM_FOR
    assert watch.most_nanodollars <= BUDGET
    assert spent == sum(provider.billed().values()) <= BUDGET
    assert books.audit(tmp_path, provider.billed()).faults == {}


@pytest.mark.slow
async def test_after_a_thousand_cancels_the_rows_are_the_bill(tmp_path: Path, provider: Billing):
    """Some more are stopped before there is an answer: nobody can say whether those are charged."""
    write_config(tmp_path, provider.base_url)
    early = Script(head_ms=10_000, bills="headers")
    async with workers(tmp_path) as running:

        async def lane(number: int) -> list[str]:
            kinds: list[str] = []
            for turn in range(CANCELS // PROCESSES // LANES + 1):
                cost = Script(
                    pieces=40, pause_ms=2, base=1_009 + 31 * number, each=101 + turn, bills="headers"
                )
                asked = await running[number % PROCESSES].ask(
                    f"stop-{number}-{turn}", cost, stop_after=1 + turn % 5
                )
                kinds.append(asked.kind)
                if turn % 8 == 0:
                    await running[number % PROCESSES].ask(f"early-{number}-{turn}", early, stop_after=0)
            return kinds

        kinds = await asyncio.gather(*map(lane, range(PROCESSES * LANES)))
        counted = Counter(chain.from_iterable(kinds))
        assert set(counted) == {"cancelled"}
        assert counted.total() >= CANCELS
        bill = provider.billed()
        await until(lambda: bill.items() <= books.costs(tmp_path).items(), BOOKED_S)
    assert books.audit(tmp_path, bill).faults == {}
    assert len(bill) == counted.total()
    early_costs = {cost for marker, cost in books.costs(tmp_path).items() if marker not in bill}
    assert early_costs <= {0, 100 * 250}, "nothing, if it had not left; else what was sent, at the list price"
