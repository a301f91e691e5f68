"""What the budgets leave: which of them count for a request, how each stands, and when nobody need ask."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.errors import BudgetExceeded
from farebox.ledger.limits import EVERYTHING, Limit, Scope, Step, Steps
from farebox.ledger.records import Hold, Settlement, Spent
from farebox.ledger.store import Ledger
from farebox.messages import Call, Chat, Cost, Target, Task, Usage
from farebox.router.purse import is_in_plenty, room_left, spending
from farebox.router.request import Origin, Request, Serving
from support.standing import RESETS_AT, ladder, room, standing

EVERY_RUNG = ladder(100, warn=80, cheaper=90, local=95, stop=100)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    await ledger.close()


def _render(serving: Serving) -> Call:
    return Call(serving.model, Chat(()))


def a_request(task: Task = "chat", workspace: str | None = None) -> Request:
    return Request(task, _render, 40, 100, origin=Origin(workspace=workspace))


def limit(name: str, scope: Scope = EVERYTHING) -> Limit:
    return Limit(name, 1_000, 0, RESETS_AT, scope)


LIMITS = (
    limit("all"),
    limit("complete", Scope("task", "complete")),
    limit("p", Scope("provider", "p")),
    limit("acme", Scope("workspace", "/acme")),
)


async def pay(ledger: Ledger, name: str, provider: str, task: Task, *, workspace: str | None = None) -> None:
    hold = Hold(name, name, 1, task, Target(provider, "m"), 10, 5_000, workspace=workspace)
    await ledger.hold(hold, ())
    ledger.settle(Settlement(name, "ok", Usage(), Cost(7, "computed")))


async def test_a_request_is_told_how_each_budget_stands_that_may_count_for_it(ledger: Ledger):
    await pay(ledger, "a", "p", "chat", workspace="/acme")
    await pay(ledger, "b", "q", "complete")
    left = await room_left(ledger, LIMITS, a_request("chat", "/acme"))
    assert left is not None
    assert [one.limit.name for one in left.standings] == ["all", "p", "acme"]
    assert [(one.limit.name, one.spent.settled_nanodollars) for one in left.at("p")] == [
        ("all", 14),
        ("p", 7),
        ("acme", 7),
    ]
    assert [one.limit.name for one in left.at("q")] == ["all", "acme"]
    typed = await room_left(ledger, LIMITS, a_request("complete"))
    assert typed is not None
    assert [one.limit.name for one in typed.at("q")] == ["all", "complete"]


async def test_where_no_budget_counts_the_ledger_is_not_asked(ledger: Ledger):
    assert await room_left(ledger, LIMITS[3:], a_request()) is None
    assert not ledger.path.exists()


async def test_a_ledger_that_can_not_say_leaves_it_to_the_hold(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    ledger = Ledger(tmp_path / "folder")
    assert await room_left(ledger, LIMITS, a_request()) is None
    await ledger.close()


async def test_what_today_has_cost_comes_with_how_all_budgets_stand(ledger: Ledger):
    await pay(ledger, "old", "p", "chat")  # in 1970
    found = await spending(ledger, LIMITS[:2])
    assert found.today_nanodollars == 0
    assert [(one.limit.name, one.spent) for one in found.standings] == [
        ("all", Spent(7, 0)),
        ("complete", Spent(0, 0)),
    ]


async def test_what_a_damage_may_have_lost_is_told_in_the_words_of_the_hold(ledger: Ledger):
    await ledger.check()
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute("INSERT INTO damages (at_ms, file, saved_calls) VALUES (5000, 'ledger.db', 12)")
    later = replace(LIMITS[0], since_ms=5_001)
    left = await room_left(ledger, (LIMITS[0], later), a_request())
    assert left is not None
    told = [one.unchecked for one in left.standings]
    with pytest.raises(BudgetExceeded) as refused:
        await ledger.hold(Hold("h", "h", 1, "chat", Target("p", "m"), 10, 5_000), LIMITS[:1])
    assert [one and (one.message, one.hint) for one in told] == [
        (refused.value.message, refused.value.hint),
        None,
    ]
    assert [one.unchecked is None for one in (await spending(ledger, (later,))).standings] == [True]
    await ledger.accept_damage()
    (accepted,) = (await spending(ledger, LIMITS[:1])).standings
    assert accepted.unchecked is None


def test_what_is_held_counts_as_spent():
    one = standing(100, 85, EVERY_RUNG, held=11)
    assert (one.step, one.percent, one.left_nanodollars) == ("local", 96, 4)
    assert one.rung == "[budgets.ladder] local = 95"
    assert standing(100, 120).left_nanodollars == 0
    assert standing(0, 0).percent == 100


@pytest.mark.parametrize(
    ("spent", "provider", "brakes"),
    [(89, "p", False), (90, "p", True), (94, "p", True), (90, "q", False)],
)
def test_a_budget_asks_for_cheaper_models_of_those_whom_it_covers(spent: int, provider: str, *, brakes: bool):
    one = standing(100, spent, EVERY_RUNG, scope=Scope("provider", "p"))
    assert room(one).brake(provider) is (one if brakes else None)


@pytest.mark.parametrize(
    ("steps", "spent", "most", "is_enough"),
    [
        pytest.param(Steps(), Spent(90, 5), 5, True, id="to-the-last"),
        pytest.param(Steps(), Spent(90, 5), 6, False, id="one-too-many"),
        pytest.param(Steps(), Spent(90, 50), 0, True, id="free"),
        pytest.param(Steps(), Spent(0, 0), None, False, id="no-known-price"),
        pytest.param(Steps(), None, 0, True, id="nothing-known-but-free"),
        pytest.param(Steps(), None, 1, False, id="nothing-known"),
        pytest.param(EVERY_RUNG, None, 0, False, id="nothing-known-and-a-ladder"),
        pytest.param(EVERY_RUNG, Spent(80, 0), 9, True, id="warned-is-not-changed"),
        pytest.param(EVERY_RUNG, Spent(80, 0), 10, False, id="cheaper-may-be-reached"),
        pytest.param(EVERY_RUNG, Spent(100, 0), 0, False, id="stopped-though-free"),
    ],
)
def test_a_budget_in_plenty_need_not_be_asked_about(
    *, steps: Steps, spent: Spent | None, most: int | None, is_enough: bool
):
    limit = Limit("daily", 100, 0, RESETS_AT, steps=steps)
    assert is_in_plenty(limit, spent, most) is is_enough


@pytest.mark.parametrize("step", ["warn", "cheaper", "local", "stop"])
def test_a_rung_is_told_as_it_is_set(step: Step):
    steps = ladder(1_000, **{step: 70})
    assert standing(1_000, 700, steps).rung == f"[budgets.ladder] {step} = 70"
