"""The configured budgets as limits on sums of the ledger: from when they count, and when they begin anew.

All by the user's own clock: an hour is one of its hours, days begin at midnight, weeks on Monday, months on
their first. What was spent is not known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import PurePath
from time import localtime
from time import time as seconds_since_1970
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

from farebox.ledger.records import storable_text
from farebox.messages import nanodollars_from_usd

if TYPE_CHECKING:  # `farebox status` without budgets is answered before pydantic is imported
    from farebox.budget_settings import Budgets, Ceilings, Rungs, WorkspaceBudgets

ScopeKind: TypeAlias = Literal["all", "workspace", "task", "provider"]

Step: TypeAlias = Literal["ok", "warn", "cheaper", "local", "stop"]
"""How far a budget is used up: the rungs of the ladder that the user has set, the lowest first."""

STEP_WORDS: Final[dict[Step, str]] = {
    "ok": "within budget",
    "warn": "nearly used up",
    "cheaper": "auto takes cheaper models",
    "local": "only what costs nothing is sent",
    "stop": "nothing is sent",
}
"""What a rung means for the next request; a first rung that begins early is ``past N %`` instead."""

USED_UP: Final = "used up: nothing that costs money is sent any more"
BANNED: Final = "nothing that costs money may be sent"
"""A budget of nothing is a ban, and never used up."""
UNCHECKED: Final = "can't be checked: the ledger was damaged"
NEARLY_PERCENT: Final = 80
"""Less than this is not nearly used up, wherever the user has put the first rung."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose spending a budget counts: everybody's, or that of one workspace, task or provider."""

    kind: ScopeKind = "all"
    value: str = ""


EVERYTHING: Final = Scope()


@dataclass(frozen=True, slots=True)
class Steps:
    """From which amount on each rung of the ladder begins, in nano-dollars; None is a rung that is not used.

    ``warn``: tell the user. ``cheaper``: ``auto`` chooses as ``auto:cheap`` does. ``local``: nothing that
    costs money is sent any more. ``stop``: nothing at all, not even what is free.
    """

    warn_nanodollars: int | None = None
    cheaper_nanodollars: int | None = None
    local_nanodollars: int | None = None
    stop_nanodollars: int | None = None


NO_STEPS: Final = Steps()


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget of this moment: what may be spent since ``since_ms`` by whoever is in its scope.

    ``name`` is what it is called in messages (``daily``; ``hourly complete``), ``setting`` where it is set
    (``[budgets] daily_usd``). ``resets_at`` is ISO 8601, local time.
    """

    name: str
    limit_nanodollars: int
    since_ms: int
    resets_at: str
    scope: Scope = EVERYTHING
    setting: str = ""
    steps: Steps = NO_STEPS

    def covers(self, task: str, provider: str, workspace: str | None) -> bool:
        """Say whether a request counts against it."""
        match self.scope.kind:
            case "all":
                return True
            case "task":
                return self.scope.value == task
            case "provider":
                return self.scope.value == provider
            case "workspace":
                return storable_text(self.scope.value) == storable_text(workspace)
            case _:
                assert_never(self.scope.kind)

    def percent(self, nanodollars: int) -> int | None:
        """Return an amount as whole percent of it, perhaps more than 100; None for a budget of nothing."""
        return 100 * nanodollars // self.limit_nanodollars if self.limit_nanodollars else None

    def is_used_up(self, nanodollars: int) -> bool:
        """Say whether an amount leaves nothing of it."""
        return 0 < self.limit_nanodollars <= nanodollars

    def step(self, nanodollars: int) -> Step:
        """Say which rung of the ladder an amount has reached."""
        steps = self.steps
        rungs: tuple[tuple[Step, int | None], ...] = (
            ("stop", steps.stop_nanodollars),
            ("local", steps.local_nanodollars),
            ("cheaper", steps.cheaper_nanodollars),
            ("warn", steps.warn_nanodollars),
        )
        for step, begins in rungs:
            if begins is not None and nanodollars >= begins:
                return step
        return "ok"


def standing_words(step: Step, percent: int | None, *, unchecked: bool = False, written: str = "") -> str:
    """Say how a budget stands: one wording for every surface.

    ``percent`` is what is spent and held of it, None for a budget of nothing; ``written`` is how a surface
    writes that, by default ``52 %``. ``unchecked``: a damage may have lost what counts against it.
    """
    if percent is None:
        return BANNED
    if unchecked:
        return UNCHECKED
    if percent >= 100:  # noqa: PLR2004  all of it
        return f"used up: {STEP_WORDS[step]}" if step == "stop" else USED_UP
    if step == "warn" and percent < NEARLY_PERCENT:
        return f"past {written or f'{percent} %'}"
    return STEP_WORDS[step]


def limits_from(
    budgets: "Budgets | WorkspaceBudgets", workspace: str | None = None, now: datetime | None = None
) -> tuple[Limit, ...]:
    """Turn the configured budgets into the limits of a moment, for who works in a workspace's folder.

    All of them, whatever is asked of whom: ``Limit.covers`` says which count for a request. Every request
    wants them, so they are worked out once an hour; where there are no budgets not even the clock is read.
    """
    if not budgets.has_ceilings:
        return ()
    now_s = int(seconds_since_1970() if now is None else now.timestamp())
    here = localtime(now_s)
    hour_s = now_s - here.tm_min * 60 - here.tm_sec
    today = date(here.tm_year, here.tm_mon, here.tm_mday)
    return _limits_at(hour_s, today, here.tm_gmtoff, budgets, workspace)


@dataclass(frozen=True, slots=True)
class _Period:
    """A length of time that is running: its name, the setting that limits it, its first moment, its end."""

    name: str
    setting: str
    start: datetime
    end: datetime


@lru_cache(maxsize=16)
def _limits_at(
    hour_s: int, today: date, _utc_offset_s: int, budgets: "Budgets | WorkspaceBudgets", workspace: str | None
) -> tuple[Limit, ...]:
    """Work out the limits of an hour, once; the offset is here for who travels."""
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    next_first = (first + timedelta(days=31)).replace(day=1)
    periods = (
        _Period("hourly", "hourly_usd", _at(hour_s), _at(hour_s + 3600)),
        _Period("daily", "daily_usd", midnight(today), midnight(today + timedelta(days=1))),
        _Period("weekly", "weekly_usd", midnight(monday), midnight(monday + timedelta(days=7))),
        _Period("monthly", "monthly_usd", midnight(first), midnight(next_first)),
    )
    return tuple(
        _limit(table, period, usd, budgets.ladder)
        for table in _tables(budgets, workspace)
        for period in periods
        if (usd := getattr(table.ceilings, period.setting)) is not None
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of ceilings: whose they are, by what name in messages, and where it is written."""

    scope: Scope
    name: str
    path: str
    ceilings: "Ceilings"


def _tables(budgets: "Budgets | WorkspaceBudgets", workspace: str | None) -> Iterator[_Table]:
    yield _Table(EVERYTHING, "", "budgets", budgets.own)
    for task, ceilings in budgets.of_tasks:
        yield _Table(Scope("task", task), task, f"budgets.tasks.{task}", ceilings)
    for provider, ceilings in budgets.providers.items():
        yield _Table(Scope("provider", provider), provider, f"budgets.providers.{provider}", ceilings)
    if workspace is not None:
        folder = PurePath(workspace).name or workspace
        path = f'budgets.workspaces."{budgets.workspace_key(workspace)}"'
        yield _Table(Scope("workspace", workspace), folder, path, budgets.of_workspace(workspace))


def _limit(table: _Table, period: _Period, usd: Decimal, ladder: "Rungs") -> Limit:
    nanodollars = nanodollars_from_usd(usd)
    assert nanodollars is not None  # noqa: S101  settings have bounds
    return Limit(
        f"{period.name} {table.name}".rstrip(),
        nanodollars,
        unix_ms(period.start),
        period.end.isoformat(timespec="seconds"),
        table.scope,
        f"[{table.path}] {period.setting}",
        _steps(ladder, nanodollars),
    )


def _steps(ladder: "Rungs", nanodollars: int) -> Steps:
    """Turn percent into amounts. A budget of nothing has no rungs: it is but a ban of what costs."""

    def amount(percent: int | None) -> int | None:
        return None if percent is None else -(-nanodollars * percent // 100)

    if nanodollars == 0:
        return NO_STEPS
    return Steps(amount(ladder.warn), amount(ladder.cheaper), amount(ladder.local), amount(ladder.stop))


def _at(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s).astimezone()


def local(now: datetime | None) -> datetime:
    """Return a moment, by default this one, in the user's own time."""
    return datetime.now().astimezone() if now is None else now.astimezone()


def midnight(day: date) -> datetime:
    """Return the first moment of a day in the user's own time; it is later where the clocks skip midnight."""
    first = datetime.combine(day, time.min)
    moment = first.astimezone()
    return moment if moment.date() == day else first.replace(fold=1).astimezone()


def unix_ms(moment: datetime) -> int:
    """Return a moment in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def iso_text(at_ms: int) -> str:
    """Write a moment in milliseconds since 1970 as ISO 8601, local time."""
    return datetime.fromtimestamp(at_ms / 1000).astimezone().isoformat(timespec="seconds")
