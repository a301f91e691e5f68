"""The words of the status about money: the worst of the budgets is named, and each is warned of by itself."""

from dataclasses import replace

import pytest

from farebox.errors import BudgetExceeded
from farebox.ledger.limits import Scope
from farebox.lsp import money
from farebox.lsp.notifications import StatusParams
from farebox.router.purse import Spending, Standing
from support.standing import RESETS_AT, ladder, standing

USD = 10**9
EVERY_RUNG = ladder(5 * USD, warn=80, cheaper=90, local=95, stop=100)
WARN = ladder(5 * USD, warn=80)


def daily(spent_usd: float, **more: object) -> Standing:
    options = {"steps": EVERY_RUNG, **more}
    return standing(5 * USD, int(spent_usd * USD), **options)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("standings", "state", "message"),
    [
        pytest.param((), "ready", "ready", id="no-budget"),
        pytest.param((daily(3.99),), "ready", "ready", id="plenty"),
        pytest.param((daily(4.2),), "ready", "ready; 84 % of the daily budget is spent", id="warn"),
        pytest.param(
            (daily(4.6),),
            "ready",
            "ready; 92 % of the daily budget is spent: auto takes cheaper models",
            id="cheaper",
        ),
        pytest.param(
            (daily(4.8),),
            "ready",
            "ready; 96 % of the daily budget is spent: only what costs nothing is sent",
            id="local",
        ),
        pytest.param(
            (daily(5.1),),
            "budget",
            "the daily budget is used up: nothing is sent",
            id="stop",
        ),
        pytest.param(
            (daily(5.1, steps=WARN),),
            "ready",
            "ready; the daily budget is used up: nothing that costs money is sent any more",
            id="used-up-without-a-ladder",
        ),
        pytest.param((daily(3, held=2 * USD),), "ready", "ready", id="held-is-not-spent-yet"),
        pytest.param((standing(0, 0),), "ready", "ready", id="nothing-may-be-spent"),
        pytest.param(
            (daily(4.2), daily(4.6, name="weekly"), daily(4.1, name="monthly")),
            "ready",
            "ready; 92 % of the weekly budget is spent: auto takes cheaper models",
            id="the-worst-counts",
        ),
        pytest.param(
            (daily(5.1, name="hourly complete", scope=Scope("task", "complete")),),
            "ready",
            "ready; the hourly complete budget is used up: nothing is sent",
            id="other-tasks-go-on",
        ),
    ],
)
def test_the_state_says_how_money_stands(standings: tuple[Standing, ...], state: str, message: str):
    assert money.standing_words(Spending(0, standings)) == (state, message)


UNCHECKED = BudgetExceeded("the daily budget can't be checked", hint="Wait")


@pytest.mark.parametrize(
    ("one", "told"),
    [
        pytest.param(daily(1), ("budget", "the daily budget can't be checked. Wait"), id="of-everything"),
        pytest.param(
            daily(5.1, scope=Scope("provider", "openai")),
            ("ready", "ready; the daily budget can't be checked. Wait"),
            id="others-go-on",
        ),
    ],
)
def test_a_budget_that_can_not_be_checked_comes_before_all_else(one: Standing, told: tuple[str, str]):
    unchecked = replace(one, unchecked=UNCHECKED)
    spending = Spending(0, (daily(5.1, name="weekly"), unchecked))
    assert money.standing_words(spending) == told
    assert [warned.message[:17] for warned in money.warnings(spending)] == ["the weekly budget"]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        pytest.param(daily(3.9), None, id="plenty"),
        pytest.param(daily(4.2), "84 % of the daily budget is spent", id="warn"),
        pytest.param(daily(5.1), "the daily budget is used up: nothing is sent", id="stop"),
        pytest.param(daily(3, held=USD), None, id="a-warning-waits-for-what-is-spent"),
        pytest.param(
            daily(3, held=2 * USD - USD // 2),
            "90 % of the daily budget is spent or held: auto takes cheaper models",
            id="held-by-others",
        ),
    ],
)
def test_who_has_an_answer_is_told_in_a_line_what_is_nearly_used_up(one: Standing, words: str | None):
    assert money.noteworthy(Spending(0, (one,))) == words


def test_each_budget_that_is_nearly_used_up_is_warned_of():
    spending = Spending(0, (daily(4.2), daily(1, name="weekly"), daily(4.6, name="monthly")))
    first, second = money.warnings(spending)
    assert first.message == (
        "84 % of the daily budget is spent. It is $5.00, set by [budgets] daily_usd, and begins anew at "
        "2026-11-22 00:00."
    )
    assert "monthly" in second.message


def test_a_warning_is_the_same_until_the_budget_begins_anew():
    before, more = daily(4.2), daily(4.9)
    later = replace(before, limit=replace(before.limit, since_ms=2_000))
    first, second, third = (money.warnings(Spending(0, (one,)))[0].period for one in (before, more, later))
    assert first == second != third


def test_the_status_lists_every_budget():
    fields = money.fields(Spending(213_000, (daily(4.2, held=USD // 2),)))
    assert fields == {
        "todayUsd": "0.000213",
        "budgets": [
            {
                "name": "daily",
                "limitUsd": "5.00",
                "spentUsd": "4.20",
                "heldUsd": "0.50",
                "resetsAt": RESETS_AT,
                "step": "cheaper",
                "percent": 94,
                "usedUp": False,
                "unchecked": False,
            }
        ],
    }
    StatusParams.model_validate({"state": "ready", "message": "ready", **fields})


def test_without_budgets_the_status_has_none():
    assert money.fields(Spending(0, ())) == {"todayUsd": "0.00"}
