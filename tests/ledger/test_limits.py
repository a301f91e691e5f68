"""Limits: when each period begins and ends by the user's own clock, what they are called, whom they cover."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from farebox.budget_settings import Budgets, Ceilings, Ladder, TaskBudgets
from farebox.ledger.limits import Limit, Scope, Step, Steps, iso_text, limits_from, standing_words, unix_ms

NOW = datetime(2026, 3, 12, 14, 30, 59, tzinfo=UTC)  # a Thursday
ONE = Decimal(1)
EVERY_PERIOD = Ceilings(hourly_usd=ONE, daily_usd=ONE, weekly_usd=ONE, monthly_usd=ONE)
BUDGETS = Budgets(**dict(EVERY_PERIOD))


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from _in_zone(monkeypatch, "UTC0")


def _in_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("a zone can't be set here")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def moment(limit: Limit) -> str:
    return datetime.fromtimestamp(limit.since_ms / 1000).astimezone().isoformat(timespec="seconds")


def test_each_period_begins_and_ends_by_the_local_clock():
    assert [(one.name, moment(one)[:16], one.resets_at[:16]) for one in limits_from(BUDGETS, now=NOW)] == [
        ("hourly", "2026-03-12T14:00", "2026-03-12T15:00"),
        ("daily", "2026-03-12T00:00", "2026-03-13T00:00"),
        ("weekly", "2026-03-09T00:00", "2026-03-16T00:00"),
        ("monthly", "2026-03-01T00:00", "2026-04-01T00:00"),
    ]


def test_a_month_at_the_years_end_resets_in_the_next():
    *_, monthly = limits_from(BUDGETS, now=datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert (moment(monthly)[:10], monthly.resets_at[:10]) == ("2026-12-01", "2027-01-01")


@pytest.mark.parametrize(
    ("zone", "now", "hour", "day", "resets"),
    [
        pytest.param(
            "CET-1CEST,M3.5.0,M10.5.0/3",
            datetime(2026, 3, 29, 1, 10, tzinfo=UTC),
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T00:00:00+01:00",
            "2026-03-30T00:00:00+02:00",
            id="the-hour-after-the-clock-went-forward",
        ),
        pytest.param(
            "CET-1CEST,M3.5.0,M10.5.0/3",
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T00:00:00+02:00",
            "2026-10-26T00:00:00+01:00",
            id="the-hour-that-comes-twice",
        ),
        pytest.param(
            "CET-1CEST,M3.5.0,M10.5.0/3",
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T00:00:00+02:00",
            "2026-10-26T00:00:00+01:00",
            id="and-its-second-coming",
        ),
        pytest.param(
            "IST-5:30",
            datetime(2026, 3, 12, 14, 45, tzinfo=UTC),
            "2026-03-12T20:00:00+05:30",
            "2026-03-12T00:00:00+05:30",
            "2026-03-13T00:00:00+05:30",
            id="half-an-hour-off",
        ),
    ],
)
def test_hours_and_days_are_the_clocks_where_it_jumps_too(
    *, monkeypatch: pytest.MonkeyPatch, zone: str, now: datetime, hour: str, day: str, resets: str
):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    hourly, daily, *_ = limits_from(BUDGETS, now=now)
    assert (moment(hourly), moment(daily), daily.resets_at) == (hour, day, resets)


def test_each_scope_has_its_limits_by_name_and_says_where_they_are_set():
    some = Ceilings(daily_usd=ONE)
    budgets = Budgets(
        daily_usd=ONE,
        tasks=TaskBudgets(complete=Ceilings(hourly_usd=Decimal("0.25"))),
        providers={"openrouter": Ceilings(monthly_usd=ONE)},
        workspaces={"/src/acme": some, "*": some},
    )
    found = limits_from(budgets, "/src/acme", now=NOW)
    assert [(one.name, one.setting, one.scope) for one in found] == [
        ("daily", "[budgets] daily_usd", Scope()),
        ("hourly complete", "[budgets.tasks.complete] hourly_usd", Scope("task", "complete")),
        ("monthly openrouter", "[budgets.providers.openrouter] monthly_usd", Scope("provider", "openrouter")),
        (
            "daily acme",
            '[budgets.workspaces."/src/acme"] daily_usd',
            Scope("workspace", "/src/acme"),
        ),
    ]
    assert found[1].limit_nanodollars == 250_000_000
    assert limits_from(budgets, "/src/new", now=NOW)[-1].setting == '[budgets.workspaces."*"] daily_usd'
    assert [one.scope.kind for one in limits_from(budgets, now=NOW)] == ["all", "task", "provider"]


@pytest.mark.parametrize(
    ("scope", "task", "provider", "workspace", "covers"),
    [
        (Scope(), "chat", "p", None, True),
        (Scope("task", "complete"), "complete", "p", None, True),
        (Scope("task", "complete"), "chat", "p", None, False),
        (Scope("provider", "p"), "chat", "p", None, True),
        (Scope("provider", "p"), "chat", "q", None, False),
        (Scope("workspace", "/w"), "chat", "p", "/w", True),
        (Scope("workspace", "/w"), "chat", "p", None, False),
    ],
)
def test_a_limit_covers_what_is_in_its_scope(
    *, scope: Scope, task: str, provider: str, workspace: str | None, covers: bool
):
    assert Limit("a", 1, 0, "", scope).covers(task, provider, workspace) is covers


@pytest.mark.parametrize(
    ("usd", "nanodollars"),
    [
        pytest.param(Decimal("5.0"), 5_000_000_000, id="dollars"),
        pytest.param(Decimal(0), 0, id="nothing may be spent"),
        pytest.param(Decimal("0.000000001"), 1, id="one nano-dollar"),
    ],
)
def test_a_budget_is_exact(usd: Decimal, nanodollars: int):
    (limit,) = limits_from(Budgets(daily_usd=usd), now=NOW)
    assert limit.limit_nanodollars == nanodollars


def test_rungs_are_amounts_rounded_up():
    budgets = Budgets(daily_usd=Decimal("0.000000011"), ladder=Ladder(warn=50, local=95, stop=100))
    (limit,) = limits_from(budgets, now=NOW)
    assert limit.steps == Steps(6, None, 11, 11)
    assert [limit.step(spent) for spent in (5, 6, 10, 11, 12)] == ["ok", "warn", "warn", "stop", "stop"]


def test_a_budget_of_nothing_has_no_rungs():
    (limit,) = limits_from(Budgets(daily_usd=Decimal(0), ladder=Ladder(stop=100)), now=NOW)
    assert limit.step(0) == "ok"


def test_limits_are_worked_out_once_in_an_hour():
    first = limits_from(BUDGETS, "/w", now=NOW)
    assert limits_from(BUDGETS, "/w", now=NOW.replace(minute=59)) is first
    assert limits_from(BUDGETS, "/w", now=NOW.replace(hour=15)) is not first


def test_without_budgets_there_are_no_limits():
    assert limits_from(Budgets(request_usd=ONE), "/w") == ()


@pytest.mark.parametrize(
    ("limit", "nanodollars", "percent", "is_used_up"),
    [(0, 5, None, False), (200, 199, 99, False), (200, 200, 100, True), (200, 300, 150, True)],
)
def test_a_limit_is_used_up_at_all_of_it_and_a_limit_of_nothing_never(
    limit: int, nanodollars: int, percent: int | None, *, is_used_up: bool
):
    daily = Limit("daily", limit, 0, "")
    assert (daily.percent(nanodollars), daily.is_used_up(nanodollars)) == (percent, is_used_up)


@pytest.mark.parametrize(
    ("step", "percent", "words"),
    [
        ("ok", 10, "within budget"),
        ("warn", 52, "past 52 %"),
        ("warn", 80, "nearly used up"),
        ("cheaper", 50, "auto takes cheaper models"),
        ("local", 95, "only what costs nothing is sent"),
        ("stop", 95, "nothing is sent"),
        ("ok", 100, "used up: nothing that costs money is sent any more"),
        ("local", 130, "used up: nothing that costs money is sent any more"),
        ("stop", 100, "used up: nothing is sent"),
        ("ok", None, "nothing that costs money may be sent"),
    ],
)
def test_how_a_budget_stands_has_one_wording(step: Step, percent: int | None, words: str):
    assert standing_words(step, percent) == words


def test_a_damage_goes_before_any_rung():
    assert standing_words("ok", 10, unchecked=True) == "can't be checked: the ledger was damaged"
    assert standing_words("warn", 52, written="<b>52 %</b>") == "past <b>52 %</b>"


def test_a_moment_is_written_in_local_time_and_read_back():
    assert iso_text(unix_ms(NOW)) == "2026-03-12T14:30:59+00:00"
