"""Money set aside: no budget is ever exceeded, a dead process blocks nobody for long, a cost counts once."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import BudgetExceeded
from farebox.ledger import holds, repair, schema, sums
from farebox.ledger.limits import Limit, Scope, Steps
from farebox.ledger.records import (
    MAX_CALL_NANODOLLARS,
    MAX_TOKENS,
    Hold,
    Mark,
    Settlement,
    Shown,
    Spent,
    bookable,
)
from farebox.messages import UNKNOWN_COST, Cost, Target, Usage, minute_text
from support.guard.sitecustomize import watched
from support.patience import WAIT_S

NOW_MS = 1_772_000_000_000
DAY_START_MS = NOW_MS - 3_600_000
TTL_MS = sums.OWNERLESS_TTL_S * 1000
DAILY = Limit("daily", 1_000, DAY_START_MS, "2026-03-02T00:00:00+01:00", setting="[budgets] daily_usd")
MONTHLY = Limit("monthly", 5_000, DAY_START_MS - 86_400_000, "2026-04-01T00:00:00+02:00")

SPENDER = """
import sqlite3, sys
from farebox.errors import BudgetExceeded
from farebox.ledger import holds
from farebox.ledger.limits import Limit
from farebox.ledger.records import Hold
from farebox.messages import Target
path, me, now_ms = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = sqlite3.connect(path, timeout=30, isolation_level=None)
limit = Limit("daily", 1_000, now_ms - 1, "later")
placed = 0
for number in range(20):
    hold = Hold(f"{me}-{number}", f"{me}-{number}", 0, "chat", Target("p", "m"), 30, now_ms)
    try:
        holds.place(connection, hold, (limit,))
        placed += 1
    except BudgetExceeded:
        pass
connection.close()
print(placed)
"""


def opened(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    schema.migrate(connection)
    return connection


@pytest.fixture
def connection(tmp_path: Path):
    connection = opened(tmp_path / "ledger.db")
    yield connection
    connection.close()


def a_hold(call_id: str = "c1", nanodollars: int | None = 400, started_ms: int = NOW_MS) -> Hold:
    return Hold(
        call_id, f"request of {call_id}", 0, "chat", Target("openrouter", "z/m"), nanodollars, started_ms
    )


def a_settlement(call_id: str = "c1", cost: Cost | None = None) -> Settlement:
    return Settlement(
        call_id, "ok", Usage(10, 4, 2, 5, 3), cost or Cost(123, "computed"), finish_reason="stop"
    )


def spent(connection: sqlite3.Connection, now_ms: int = NOW_MS) -> Spent:
    (spent,) = sums.spent_by(connection, [DAILY], now_ms=now_ms)
    return spent


def settled(connection: sqlite3.Connection, settlement: Settlement) -> bool:
    return holds.settle(connection, settlement, now_ms=NOW_MS)


def column(connection: sqlite3.Connection, name: str, call_id: str = "c1") -> object:
    return connection.execute(f"SELECT {name} FROM calls WHERE call_id = ?", (call_id,)).fetchone()[0]


def test_a_budget_may_be_spent_to_the_last_nanodollar_and_no_further(connection: sqlite3.Connection):
    holds.place(connection, a_hold("c1", 400), (DAILY,))
    holds.place(connection, a_hold("c2", 600), (DAILY,))
    with pytest.raises(BudgetExceeded):
        holds.place(connection, a_hold("c3", 1), (DAILY,))
    holds.place(connection, a_hold("free", 0), (DAILY,))
    assert spent(connection) == Spent(0, 1_000)


def test_what_costs_nothing_has_room_in_a_budget_that_is_overspent(connection: sqlite3.Connection):
    holds.place(connection, a_hold("c1", 400), (DAILY,))
    settled(connection, a_settlement("c1", Cost(DAILY.limit_nanodollars + 1, "reported")))
    with pytest.raises(BudgetExceeded):
        holds.place(connection, a_hold("c2", 1), (DAILY, MONTHLY))
    holds.place(connection, a_hold("free", 0), (DAILY, MONTHLY))
    assert column(connection, "state", "free") == "held"


def test_a_refusal_writes_nothing_and_says_which_budget_what_is_spent_and_what_to_do(
    connection: sqlite3.Connection,
):
    holds.place(connection, a_hold("c1", 400), (DAILY,))
    settled(connection, a_settlement("c1", Cost(300, "reported")))
    holds.place(connection, a_hold("c2", 400), (DAILY,))
    with pytest.raises(BudgetExceeded) as caught:
        holds.place(connection, a_hold("c3", 301), (MONTHLY, DAILY))
    message = caught.value.message
    assert "daily budget of $0.000001 " in message
    assert "$0.0000003 spent" in message
    assert "$0.0000004 held" in message
    assert "$0.000000301 needed" in message
    assert "[budgets] daily_usd" in caught.value.hint
    assert minute_text(DAILY.resets_at) in caught.value.hint
    assert connection.execute("SELECT COUNT(*) FROM calls").fetchone() == (2,)
    assert not connection.in_transaction


def test_every_budget_is_checked(connection: sqlite3.Connection):
    small_month = replace(MONTHLY, limit_nanodollars=500)
    with pytest.raises(BudgetExceeded, match="monthly"):
        holds.place(connection, a_hold("c1", 501), (DAILY, small_month))


def test_an_unknown_price_is_refused_by_a_budget_and_welcome_without_one(connection: sqlite3.Connection):
    with pytest.raises(BudgetExceeded, match="price of openrouter/z/m is not known") as caught:
        holds.place(connection, a_hold(nanodollars=None), (DAILY,))
    assert "known price" in caught.value.hint
    assert "remove [budgets] daily_usd" in caught.value.hint
    holds.place(connection, a_hold(nanodollars=None), ())
    assert column(connection, "hold_nanodollars") is None


def test_a_hold_without_an_owner_stops_counting_after_its_time(connection: sqlite3.Connection):
    holds.place(connection, a_hold("dead", 1_000), (DAILY,))
    almost = a_hold("c2", 1, started_ms=NOW_MS + TTL_MS - 1)
    with pytest.raises(BudgetExceeded):
        holds.place(connection, almost, (DAILY,))
    holds.place(connection, replace(almost, started_ms=NOW_MS + TTL_MS), (DAILY,))
    assert spent(connection, NOW_MS + TTL_MS) == Spent(0, 1)


def test_a_settlement_after_that_time_still_counts(connection: sqlite3.Connection):
    holds.place(connection, a_hold("slow", 1_000), (DAILY,))
    assert settled(connection, a_settlement("slow", Cost(900, "reported")))
    assert spent(connection, NOW_MS + 2 * TTL_MS) == Spent(900, 0)


def test_what_was_spent_before_the_budget_began_does_not_count(connection: sqlite3.Connection):
    holds.place(connection, a_hold("yesterday", 900, started_ms=DAY_START_MS - 1), (MONTHLY,))
    settled(connection, a_settlement("yesterday", Cost(900, "reported")))
    holds.place(connection, a_hold("today", 1_000), (DAILY,))
    both = sums.spent_by(connection, [DAILY, MONTHLY], now_ms=NOW_MS)
    assert both == (Spent(0, 1_000), Spent(900, 1_000))


def test_what_is_still_held_since_yesterday_does_not_count_today(connection: sqlite3.Connection):
    before_midnight, after_midnight = DAY_START_MS - 1_000, DAY_START_MS + 1_000
    late = a_hold("late", 400, started_ms=before_midnight)
    assert holds.place(connection, late, (MONTHLY,)) == {MONTHLY: Spent(0, 400)}
    both = sums.spent_by(connection, [DAILY, MONTHLY], now_ms=after_midnight)
    assert both == (Spent(0, 0), Spent(0, 400))


def test_placing_a_hold_tells_the_sums_that_it_has_found_and_itself(connection: sqlite3.Connection):
    both = holds.place(connection, a_hold("c1", 300), (DAILY, MONTHLY))
    assert both == {DAILY: Spent(0, 300), MONTHLY: Spent(0, 300)}
    settled(connection, a_settlement("c1", Cost(100, "reported")))
    assert holds.place(connection, a_hold("c2", 200), (DAILY,)) == {DAILY: Spent(100, 200)}
    assert holds.place(connection, a_hold("free", 0), (DAILY,)) == {}
    assert holds.place(connection, a_hold("unlimited", 7), ()) == {}


def test_a_hold_of_an_owner_counts_for_as_long_as_it_lives(connection: sqlite3.Connection):
    holds.place(connection, a_hold("slow", 1_000), (DAILY,), owner="me")
    assert spent(connection, NOW_MS + 10 * TTL_MS) == Spent(0, 1_000)
    assert holds.give_up(connection, "somebody else") == 0
    assert holds.give_up(connection, "me") == 1
    assert spent(connection) == Spent(1_000, 0)
    names = "outcome, error_kind, basis, cost_nanodollars"
    assert connection.execute(f"SELECT {names} FROM calls").fetchone() == (
        *("failed", "uncertain", "estimated", 1_000),
    )


def test_what_is_given_up_costs_what_it_had_come_to_by_its_last_mark(connection: sqlite3.Connection):
    holds.place(connection, a_hold("marked", 1_000), (), owner="me")
    holds.mark(connection, Mark("marked", 40, "gen-1"))
    holds.mark(connection, Mark("marked", 60))
    holds.place(connection, a_hold("unknown", None), (), owner="me")
    holds.give_up(connection, "me")
    assert column(connection, "cost_nanodollars", "marked") == 60
    assert column(connection, "generation_id", "marked") == "gen-1"
    assert column(connection, "ask_at_ms", "marked") == 0, "its provider may know better"
    assert column(connection, "basis", "unknown") == "unknown"
    assert column(connection, "ask_at_ms", "unknown") is None


def test_who_was_only_thought_to_be_dead_settles_all_the_same(connection: sqlite3.Connection):
    holds.place(connection, a_hold("slow", 1_000), (), owner="me")
    holds.give_up(connection, "me")
    assert settled(connection, a_settlement("slow", Cost(70, "reported")))
    assert spent(connection) == Spent(70, 0)
    assert column(connection, "error_kind", "slow") is None
    assert not settled(connection, a_settlement("slow", Cost(80, "reported")))


def test_holds_without_an_owner_are_given_up_in_time(connection: sqlite3.Connection):
    holds.place(connection, a_hold("old"), ())
    holds.place(connection, a_hold("owned"), (), owner="me")
    holds.give_up_old(connection, NOW_MS + TTL_MS)
    assert column(connection, "state", "old") == "held"
    holds.give_up_old(connection, NOW_MS + TTL_MS + 1)
    assert column(connection, "state", "old") == "settled"
    holds.give_up_old(connection, NOW_MS + 1_000 * TTL_MS)
    assert column(connection, "state", "owned") == "held"


def test_what_became_of_ghost_text_adds_up_and_never_below_nothing(connection: sqlite3.Connection):
    holds.place(connection, a_hold(), ())
    holds.tell(connection, Shown("c1", shown=2))
    holds.tell(connection, Shown("c1", accepted=1, partly=1))
    holds.tell(connection, Shown("c1", partly=-5))
    holds.tell(connection, Shown("nobody", shown=1))
    row = connection.execute("SELECT shown, accepted, partly FROM calls").fetchall()
    assert row == [(2, 1, 0)]


def test_a_budget_of_one_task_provider_or_workspace_counts_that_alone(connection: sqlite3.Connection):
    def scoped(scope: Scope) -> Limit:
        return replace(DAILY, name=f"daily {scope.value}", scope=scope)

    limits = [
        scoped(Scope("task", "chat")),
        scoped(Scope("provider", "openrouter")),
        scoped(Scope("workspace", "/w")),
    ]
    holds.place(connection, replace(a_hold("c1", 900), workspace="/w"), limits)
    with pytest.raises(BudgetExceeded, match="daily chat"):
        holds.place(connection, a_hold("c2", 200), limits)
    with pytest.raises(BudgetExceeded, match="daily openrouter"):
        holds.place(connection, replace(a_hold("c2", 200), task="complete"), limits)
    elsewhere = replace(a_hold("c2", 200), task="complete", target=Target("openai", "m"))
    with pytest.raises(BudgetExceeded, match="daily /w"):
        holds.place(connection, replace(elsewhere, workspace="/w"), limits)
    assert holds.place(connection, replace(elsewhere, workspace="/v"), limits) == {}
    settled(connection, a_settlement("c1", Cost(500, "reported")))
    assert sums.spent_by(connection, limits, now_ms=NOW_MS) == (Spent(500, 0),) * 3


@pytest.mark.parametrize(
    ("steps", "amount", "words"),
    [
        pytest.param(Steps(stop_nanodollars=500), 0, "nothing is sent any more", id="stop, and it is free"),
        pytest.param(Steps(stop_nanodollars=500), 1, "nothing is sent any more", id="stop"),
        pytest.param(Steps(local_nanodollars=500), 1, "only models on this machine", id="local"),
        pytest.param(Steps(local_nanodollars=500), 0, None, id="local, and it is free"),
        pytest.param(Steps(local_nanodollars=501, stop_nanodollars=501), 1, None, id="not there yet"),
        pytest.param(Steps(warn_nanodollars=1, cheaper_nanodollars=1), 1, None, id="warn and cheaper"),
    ],
)
def test_a_rung_of_the_ladder_is_kept_at_the_hold(
    connection: sqlite3.Connection, steps: Steps, amount: int, words: str | None
):
    daily = replace(DAILY, steps=steps)
    holds.place(connection, a_hold("c1", 500), ())
    if words is None:
        holds.place(connection, a_hold("c2", amount), (daily,))
        return
    with pytest.raises(BudgetExceeded, match=words) as caught:
        holds.place(connection, a_hold("c2", amount), (daily,))
    assert "[budgets.ladder]" in caught.value.hint


def test_a_budget_whose_time_includes_a_damage_is_not_thought_to_be_unspent(connection: sqlite3.Connection):
    connection.execute("INSERT INTO damages VALUES (?, 'ledger.db', 12, NULL)", (DAY_START_MS,))
    with pytest.raises(BudgetExceeded, match="damaged; 12 requests were saved from it") as caught:
        holds.place(connection, a_hold("c1", 1), (DAILY,))
    assert "farebox doctor --accept-damage" in caught.value.hint
    holds.place(connection, a_hold("free", 0), (DAILY,))
    holds.place(connection, a_hold("tomorrow", 1), (replace(DAILY, since_ms=DAY_START_MS + 1),))
    repair.accept(connection, now_ms=NOW_MS)
    holds.place(connection, a_hold("c1", 1), (DAILY,))


def test_settling_replaces_the_hold_by_the_cost(connection: sqlite3.Connection):
    holds.place(connection, a_hold("c1", 900), (DAILY,))
    assert settled(connection, a_settlement("c1", Cost(123, "computed", "a/b", 500)))
    assert spent(connection) == Spent(123, 0)
    names = "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens"
    assert connection.execute(f"SELECT {names} FROM calls").fetchone() == (10, 4, 2, 5, 3)
    assert column(connection, "baseline_nanodollars") == 500
    assert column(connection, "hold_nanodollars") == 900


def test_a_second_settlement_changes_nothing(connection: sqlite3.Connection):
    holds.place(connection, a_hold(), ())
    assert settled(connection, a_settlement(cost=Cost(100, "reported")))
    before = connection.execute("SELECT * FROM calls").fetchall()
    again = replace(a_settlement(cost=Cost(999, "estimated")), outcome="cancelled")
    assert not settled(connection, again)
    assert connection.execute("SELECT * FROM calls").fetchall() == before


def test_settling_what_was_never_held_and_is_nobodys_writes_nothing(connection: sqlite3.Connection):
    assert not settled(connection, a_settlement("nobody"))
    assert connection.execute("SELECT COUNT(*) FROM calls").fetchone() == (0,)


def test_what_was_spent_counts_also_where_its_hold_was_lost(connection: sqlite3.Connection):
    lost = replace(a_settlement("lost"), target=Target("openrouter", "z/m"), task="chat", total_ms=40)
    assert settled(connection, lost)
    assert not settled(connection, lost)
    names = "model, task, started_ms, state, cost_nanodollars"
    assert connection.execute(f"SELECT {names} FROM calls").fetchall() == [
        ("openrouter/z/m", "chat", NOW_MS - 40, "settled", 123)
    ]
    assert spent(connection) == Spent(123, 0)


def test_a_withdrawn_hold_is_gone_but_a_settled_call_can_not_be_withdrawn(connection: sqlite3.Connection):
    holds.place(connection, a_hold("c1"), ())
    holds.place(connection, a_hold("c2"), ())
    settled(connection, a_settlement("c2"))
    holds.withdraw(connection, "c1")
    holds.withdraw(connection, "c2")
    assert connection.execute("SELECT call_id FROM calls").fetchall() == [("c2",)]


@pytest.mark.parametrize(
    "cost",
    [
        pytest.param(UNKNOWN_COST, id="unknown"),
        pytest.param(Cost(None, "computed"), id="computed, but without an amount"),
        pytest.param(Cost(MAX_CALL_NANODOLLARS + 1, "reported"), id="more than a call can cost"),
        pytest.param(Cost(10**40, "reported"), id="more than a database can hold"),
        pytest.param(Cost(-5, "reported"), id="negative"),
    ],
)
def test_a_price_that_is_not_known_is_null_and_never_zero(connection: sqlite3.Connection, cost: Cost):
    holds.place(connection, a_hold(), ())
    assert settled(connection, a_settlement(cost=cost))
    assert column(connection, "cost_nanodollars") is None
    assert column(connection, "basis") == "unknown"
    assert spent(connection) == Spent(0, 0)


@given(
    usage=st.builds(Usage, *[st.integers(-5, 10**30)] * 5),
    cost=st.builds(
        Cost,
        st.none() | st.integers(-5, 10**40),
        st.sampled_from(["reported", "unknown"]),
        st.just("a/b"),
        st.none() | st.integers(-5, 10**40),
    ),
)
def test_a_row_has_the_amounts_that_the_caller_is_told(usage: Usage, cost: Cost):
    connection = opened(":memory:")
    holds.place(connection, a_hold(), ())
    settlement = replace(a_settlement(), usage=usage, cost=cost)
    told = bookable(settlement)
    assert settled(connection, settlement)
    tokens = "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens"
    row = connection.execute(
        f"SELECT cost_nanodollars, basis, baseline_model, baseline_nanodollars, {tokens} FROM calls"
    ).fetchone()
    connection.close()
    assert (Cost(*row[:4]), Usage(*row[4:])) == (told.cost, told.usage)
    assert bookable(told) == told


def test_text_and_counts_from_outside_can_not_spoil_a_row(connection: sqlite3.Connection):
    holds.place(connection, replace(a_hold(), workspace="/tmp/\udcff", client="x\0y" * 5_000), ())
    settlement = replace(
        a_settlement(),
        served_model="\ud800",
        generation_id="'; DROP TABLE calls; --",
        usage=Usage(-1, 0, 0, 10**30),
    )
    assert settled(connection, settlement)
    assert column(connection, "served_model") == "?"
    assert column(connection, "generation_id") == "'; DROP TABLE calls; --"
    assert column(connection, "input_tokens") == 0
    assert column(connection, "output_tokens") == MAX_TOKENS
    assert column(connection, "workspace") == "/tmp/?"


@pytest.mark.usefixtures("in_new_york")
def test_the_day_and_the_hour_are_the_users_own(connection: sqlite3.Connection):
    holds.place(connection, a_hold(started_ms=1_772_337_600_000), ())  # 2026-03-01T04:00Z
    assert column(connection, "day") == "2026-02-28"
    assert column(connection, "hour") == "2026-02-28 23:00"


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch):
    import time

    if not hasattr(time, "tzset"):
        pytest.skip("this system can't change its time zone in a process")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
        time.tzset()
        yield
    time.tzset()


def test_several_processes_together_never_exceed_a_budget(tmp_path: Path):
    path = tmp_path / "ledger.db"
    connection = opened(path)
    environment = watched({**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SPENDER, str(path), f"process{number}", str(NOW_MS)],
            stdout=subprocess.PIPE,
            env=environment,
        )
        for number in range(4)
    ]
    placed = [int(process.communicate(timeout=WAIT_S)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert sum(placed) == 33
    assert spent(connection) == Spent(0, 990)
    connection.close()


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.none() | st.integers(0, 400), st.integers(0, TTL_MS * 2)),
        max_size=30,
    )
)
def test_costs_and_holds_together_never_exceed_the_budget(calls: list[tuple[int, int | None, int]]):
    connection = opened(":memory:")
    paid = 0
    for number, (held, actual, later_ms) in enumerate(sorted(calls, key=lambda call: call[2])):
        now_ms = NOW_MS + later_ms
        try:
            holds.place(connection, a_hold(str(number), held, now_ms), (DAILY,))
        except BudgetExceeded:
            assert sum_of(spent(connection, now_ms)) + held > DAILY.limit_nanodollars
            continue
        assert sum_of(spent(connection, now_ms)) <= DAILY.limit_nanodollars
        if actual is not None:
            cost = min(actual, held)
            paid += cost
            settled(connection, a_settlement(str(number), Cost(cost, "computed")))
    assert spent(connection).settled_nanodollars == paid
    connection.close()


def sum_of(amounts: Spent) -> int:
    return amounts.settled_nanodollars + amounts.held_nanodollars
