"""Questions to the ledger: moments, days and months in local time, and sums that are exact."""

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox import costs
from farebox.budget_settings import Budgets
from farebox.costs import BasisCounts, BudgetLine, Lost, parse_moment
from farebox.errors import InvalidParams
from farebox.ledger.limits import Limit, limits_from
from farebox.ledger.queries import MAX_GROUPS
from farebox.ledger.records import MAX_CALL_NANODOLLARS, Hold, Settlement
from farebox.ledger.store import Ledger
from farebox.messages import UNKNOWN_COST, Cost, Target, Usage

NOW = datetime(2026, 3, 11, 15, 30, tzinfo=UTC)  # a Wednesday
needs_tzset = pytest.mark.skipif(not hasattr(time, "tzset"), reason="can't change the time zone in a process")


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from zone("UTC0", monkeypatch)


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from zone("EST5EDT,M3.2.0,M11.1.0", monkeypatch)


def zone(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", name)
        if hasattr(time, "tzset"):
            time.tzset()
        yield
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.fixture
async def ledger(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    await ledger.close()


def unix_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


async def pay(
    ledger: Ledger, call_id: str, cost: Cost, *, model: str = "m", at: datetime = NOW, workspace: str = "/w"
) -> None:
    await ledger.hold(
        Hold(call_id, call_id, 0, "chat", Target("p", model), None, unix_ms(at), workspace=workspace), ()
    )
    ledger.settle(Settlement(call_id, "ok", Usage(100, 40, 10, 20, 5), cost))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-03-01", "2026-03-01T00:00:00+00:00", id="a date"),
        pytest.param("2026-03-01T14:05", "2026-03-01T14:05:00+00:00", id="a local time"),
        pytest.param("2026-03-01T14:05:00+02:00", "2026-03-01T12:05:00+00:00", id="a time with an offset"),
        pytest.param("2026-03-01T14:05:00Z", "2026-03-01T14:05:00+00:00", id="a time in UTC"),
        pytest.param("today", "2026-03-11T00:00:00+00:00", id="today"),
        pytest.param(" Yesterday ", "2026-03-10T00:00:00+00:00", id="yesterday, written loosely"),
        pytest.param("7d", "2026-03-04T15:30:00+00:00", id="days ago"),
        pytest.param("24h", "2026-03-10T15:30:00+00:00", id="hours ago"),
        pytest.param("week", "2026-03-09T00:00:00+00:00", id="since Monday"),
        pytest.param("month", "2026-03-01T00:00:00+00:00", id="since the first"),
    ],
)
def test_a_moment_is_read_as_a_person_writes_it(text: str, expected: str):
    assert parse_moment(text, NOW).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "7w",
        "-7d",
        "99999d",
        "2026-13-01",
        "2026-02-30",
        "0001-01-01",
        "9999-12-31",
        "\u0667d",
        "7d\n8d",
        "1e9",
    ],
)
def test_what_is_no_moment_is_refused_with_examples(text: str):
    with pytest.raises(InvalidParams) as caught:
        parse_moment(text, NOW)
    assert "yesterday" in caught.value.hint


@given(st.text(max_size=30))
def test_no_text_makes_the_parser_fail_in_another_way(text: str):
    try:
        moment = parse_moment(text, NOW)
    except InvalidParams:
        return
    assert moment.tzinfo is not None


def limits(
    daily_usd: int | None = None, monthly_usd: int | None = None, now: datetime = NOW
) -> tuple[Limit, ...]:
    usd = [None if amount is None else Decimal(amount) for amount in (daily_usd, monthly_usd)]
    return limits_from(Budgets(daily_usd=usd[0], monthly_usd=usd[1]), now=now)


@needs_tzset
@pytest.mark.usefixtures("in_new_york")
def test_days_begin_at_local_midnight_also_across_a_change_of_the_clock():
    assert parse_moment("2026-03-08", NOW).isoformat() == "2026-03-08T00:00:00-05:00"
    assert parse_moment("today", NOW).isoformat() == "2026-03-11T00:00:00-04:00"
    daily, monthly = limits(5, 50, datetime(2026, 3, 8, 18, 0, tzinfo=UTC))
    assert daily.since_ms == unix_ms(datetime(2026, 3, 8, 5, 0, tzinfo=UTC))
    assert daily.resets_at == "2026-03-09T00:00:00-04:00"
    assert monthly.since_ms == unix_ms(datetime(2026, 3, 1, 5, 0, tzinfo=UTC))
    assert monthly.resets_at == "2026-04-01T00:00:00-04:00"


@needs_tzset
def test_a_budget_follows_who_travels(monkeypatch: pytest.MonkeyPatch):
    began = [
        limits(5)[0].since_ms
        for name in ("UTC0", "EST5EDT,M3.2.0,M11.1.0", "UTC0")
        for _ in zone(name, monkeypatch)
    ]
    assert began == [began[0], began[0] + 4 * 3_600_000, began[0]]


async def test_a_report_covers_seven_days_by_day_and_model_unless_told_otherwise(ledger: Ledger):
    await pay(ledger, "old", Cost(1, "computed"), at=NOW - timedelta(days=8))
    await pay(ledger, "c1", Cost(2, "computed"), at=NOW - timedelta(days=1))
    await pay(ledger, "c2", Cost(3, "computed"), model="n")
    await pay(ledger, "c3", Cost(4, "computed"))
    report = await costs.report(ledger, now=NOW)
    assert report.by == ("day", "model")
    assert (report.since, report.until) == ("2026-03-04T15:30:00+00:00", None)
    assert [(row.keys, row.cost_nanodollars) for row in report.rows] == [
        ((("day", "2026-03-10"), ("model", "p/m")), 2),
        ((("day", "2026-03-11"), ("model", "p/m")), 4),
        ((("day", "2026-03-11"), ("model", "p/n")), 3),
    ]
    assert (report.total.keys, report.total.requests, report.total.cost_nanodollars) == ((), 3, 9)
    assert report.total.usage == Usage(300, 120, 30, 60, 15)


async def test_an_end_that_names_a_day_includes_that_day(ledger: Ledger):
    await pay(ledger, "c1", Cost(1, "computed"), at=NOW - timedelta(days=1))
    await pay(ledger, "c2", Cost(2, "computed"))
    one_day = await costs.report(ledger, since="yesterday", until="yesterday", by=("model",), now=NOW)
    assert one_day.total.cost_nanodollars == 1
    assert one_day.until == "2026-03-11T00:00:00+00:00"
    both = await costs.report(ledger, since="2026-03-10", until="2026-03-11", by=("model",), now=NOW)
    assert both.total.cost_nanodollars == 3
    exact = await costs.report(ledger, since="2026-03-10", until="2026-03-11T15:30", by=("model",), now=NOW)
    assert exact.total.cost_nanodollars == 1


@pytest.mark.parametrize(
    ("since", "until"),
    [
        pytest.param("today", "yesterday", id="days"),
        pytest.param("2026-03-11T15:00", "2026-03-11T14:59", id="times"),
        pytest.param("2026-03-11T15:00", "2026-03-11T15:00", id="a moment"),
        pytest.param(None, "2026-03-01", id="before what is taken without a since"),
    ],
)
async def test_a_time_that_ends_before_it_begins_is_refused(ledger: Ledger, since: str | None, until: str):
    with pytest.raises(InvalidParams, match=f"between since {since or '7d'} and until {until}"):
        await costs.report(ledger, since=since, until=until, now=NOW)


async def test_a_since_that_is_empty_is_no_moment(ledger: Ledger):
    with pytest.raises(InvalidParams, match="no moment"):
        await costs.report(ledger, since="", now=NOW)


async def test_an_unknown_price_is_counted_and_is_no_zero(ledger: Ledger):
    await pay(ledger, "c1", UNKNOWN_COST, model="secret")
    await pay(ledger, "c2", UNKNOWN_COST, model="mixed")
    await pay(ledger, "c3", Cost(5, "reported", "p/big", 9), model="mixed")
    await pay(ledger, "c4", Cost(0, "computed"), model="free")
    report = await costs.report(ledger, by=("model",), now=NOW)
    rows = {row.keys[0][1]: row for row in report.rows}
    assert rows["p/secret"].cost_nanodollars is None
    assert rows["p/secret"].basis == BasisCounts(unknown=1)
    assert (rows["p/mixed"].cost_nanodollars, rows["p/mixed"].saved_nanodollars) == (5, 4)
    assert rows["p/mixed"].basis == BasisCounts(reported=1, unknown=1)
    assert (rows["p/free"].cost_nanodollars, rows["p/free"].saved_nanodollars) == (0, None)
    assert (report.total.cost_nanodollars, report.total.saved_nanodollars) == (5, 4)
    assert report.total.basis == BasisCounts(reported=1, computed=1, unknown=2)


async def test_an_empty_ledger_has_cost_nothing(ledger: Ledger):
    report = await costs.report(ledger, now=NOW)
    assert report.rows == ()
    assert (report.total.requests, report.total.cost_nanodollars, report.total.saved_nanodollars) == (
        0,
        0,
        None,
    )


async def test_requests_without_an_end_are_counted_apart(ledger: Ledger):
    await ledger.hold(Hold("c1", "c1", 0, "chat", Target("p", "m"), 100, unix_ms(NOW)), ())
    report = await costs.report(ledger, limits=limits(1), now=NOW)
    assert (report.rows, report.held_requests) == ((), 1)
    assert report.budgets == (BudgetLine("daily", 10**9, 0, 100, "2026-03-12T00:00:00+00:00"),)


async def note_damage(ledger: Ledger, at: datetime, saved_calls: int = 3) -> None:
    await ledger.check()
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute(
            "INSERT INTO damages (at_ms, file, saved_calls) VALUES (?, 'ledger.db', ?)",
            (unix_ms(at), saved_calls),
        )


async def test_a_damage_is_told_of_a_time_and_of_budgets_that_began_before_it(ledger: Ledger):
    await note_damage(ledger, NOW - timedelta(days=2))
    report = await costs.report(ledger, since="7d", limits=limits(1, 2), now=NOW)
    assert report.damages == (Lost("2026-03-09T15:30:00+00:00", "ledger.db", 3),)
    assert [line.is_unchecked for line in report.budgets] == [False, True]
    assert (await costs.report(ledger, since="today", now=NOW)).damages == ()
    await ledger.accept_damage()
    accepted = await costs.report(ledger, since="7d", limits=limits(1, 2), now=NOW)
    assert (accepted.damages, [line.is_unchecked for line in accepted.budgets]) == ((), [False, False])


@pytest.mark.parametrize(
    ("limit", "spent", "held", "percent", "is_used_up"),
    [(0, 5, 5, None, False), (10, 5, 4, 90, False), (10, 5, 5, 100, True), (1_000, 995, 4, 99, False)],
)
def test_a_budget_counts_what_is_held_and_a_ban_is_never_used_up(
    limit: int, spent: int, held: int, percent: int | None, *, is_used_up: bool
):
    line = BudgetLine("daily", limit, spent, held, "2026-03-12T00:00:00+00:00")
    assert (line.percent, line.is_used_up) == (percent, is_used_up)


async def test_an_overview_is_of_one_moment_and_says_of_whom_and_why_there_is_no_budget(ledger: Ledger):
    await pay(ledger, "c1", Cost(1, "computed"), workspace="/a")
    await pay(ledger, "c2", Cost(2, "computed"), workspace="/b")
    whole = await costs.overview(ledger, workspace="/b", budgets_error="line 2", now=NOW)
    assert [one.by for one in whole.reports] == list(costs.OVERVIEW)
    assert {one.total.cost_nanodollars for one in whole.reports} == {2}
    assert {(one.workspace, one.budgets_error) for one in whole.reports} == {("/b", "line 2")}


async def test_budgets_tell_what_is_spent_in_their_own_time_whatever_the_report_covers(ledger: Ledger):
    await pay(ledger, "c1", Cost(30, "computed"), at=NOW - timedelta(days=2))
    await pay(ledger, "c2", Cost(7, "computed"))
    report = await costs.report(ledger, since="1h", by=("model",), limits=limits(1, 2), now=NOW)
    assert [(line.name, line.spent_nanodollars) for line in report.budgets] == [("daily", 7), ("monthly", 37)]


async def test_a_report_may_be_of_one_workspace_and_of_no_dimension(ledger: Ledger):
    await pay(ledger, "c1", Cost(1, "computed"), workspace="/a")
    await pay(ledger, "c2", Cost(2, "computed"), workspace="/b")
    report = await costs.report(ledger, by=(), workspace="/b", now=NOW)
    assert [(row.keys, row.cost_nanodollars) for row in report.rows] == [((), 2)]


async def test_a_dimension_is_one_of_ours_and_counts_once(ledger: Ledger):
    with pytest.raises(InvalidParams) as caught:
        await costs.report(ledger, by=("day", "1; DROP TABLE calls"), now=NOW)
    assert "conversation" in caught.value.hint
    await pay(ledger, "c1", Cost(1, "computed"))
    report = await costs.report(ledger, by=("model", "model"), now=NOW)
    assert report.by == ("model",)


@pytest.mark.parametrize("dimension", costs.DIMENSIONS)
async def test_every_dimension_can_be_asked_for(ledger: Ledger, dimension: str):
    await pay(ledger, "c1", Cost(1, "computed"))
    report = await costs.report(ledger, by=(dimension,), now=NOW)
    assert report.rows[0].keys[0][0] == dimension


async def test_a_report_with_too_many_rows_is_refused_and_never_cut(ledger: Ledger):
    await pay(ledger, "0", Cost(1, "computed"))
    await ledger.check()  # a settlement is written before what is asked for after it
    connection = sqlite3.connect(ledger.path)
    copied = "state, outcome, task, provider, model, started_ms, day, hour, basis, cost_nanodollars"
    connection.executemany(
        f"INSERT INTO calls (call_id, request_id, attempt, conversation, {copied})"
        f" SELECT ?1, ?1, 0, ?1, {copied} FROM calls WHERE call_id = '0'",
        ((str(number),) for number in range(1, MAX_GROUPS + 1)),
    )
    connection.commit()
    connection.close()
    assert (await costs.report(ledger, now=NOW)).total.requests == MAX_GROUPS + 1
    with pytest.raises(InvalidParams, match="more than 10000 rows"):
        await costs.report(ledger, by=("conversation",), now=NOW)


amounts = st.integers(0, MAX_CALL_NANODOLLARS)
paid = st.builds(
    Cost,
    amounts,
    st.sampled_from(["reported", "computed", "estimated"]),
    st.just("p/big"),
    st.none() | amounts,
)
calls = st.lists(
    st.tuples(st.just(UNKNOWN_COST) | paid, st.sampled_from(["a", "b", "c"]), st.integers(0, 60 * 24 * 6)),
    max_size=15,
)


@given(calls, st.lists(st.sampled_from(costs.DIMENSIONS), max_size=3))
@settings(max_examples=40, deadline=None)
async def test_the_rows_sum_to_the_total_and_the_total_to_what_was_settled(
    calls: list[tuple[Cost, str, int]], by: list[str]
):
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.db")
        for number, (cost, model, minutes_ago) in enumerate(calls):
            await pay(ledger, str(number), cost, model=model, at=NOW - timedelta(minutes=minutes_ago))
        report = await costs.report(ledger, by=tuple(by), now=NOW)
        await ledger.close()
    known = [cost.nanodollars for cost, _, _ in calls if cost.nanodollars is not None]
    saved = [cost.saved_nanodollars for cost, _, _ in calls if cost.saved_nanodollars is not None]
    assert (
        sum(row.cost_nanodollars or 0 for row in report.rows)
        == (report.total.cost_nanodollars or 0)
        == sum(known)
    )
    assert (
        sum(row.saved_nanodollars or 0 for row in report.rows)
        == (report.total.saved_nanodollars or 0)
        == sum(saved)
    )
    assert sum(row.requests for row in report.rows) == report.total.requests == len(calls)
    assert report.total.basis.unknown == len(calls) - len(known)
    assert (report.total.cost_nanodollars is None) == (bool(calls) and not known)
    assert (
        sum(row.usage.input_tokens for row in report.rows)
        == report.total.usage.input_tokens
        == 100 * len(calls)
    )
