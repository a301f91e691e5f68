"""The configured budgets as limits on sums of the ledger: from when they count, and when they begin anew.

Days begin at the user's own midnight, months on their first.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from time import localtime
from typing import Final, Literal, TypeAlias, assert_never

from farebox.errors import ConfigError
from farebox.messages import nanodollars_from_usd

Amount: TypeAlias = Decimal | float | int

ScopeKind: TypeAlias = Literal["all", "workspace", "task", "provider"]

Step: TypeAlias = Literal["ok", "warn", "cheaper", "local", "stop"]
"""How far a budget is used up: the rungs of the ladder that the user has set, the lowest first."""


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
                return self.scope.value == workspace
            case _:
                assert_never(self.scope.kind)

    def step(self, nanodollars: int) -> Step:
        """Say which rung of the ladder an amount has reached."""
        steps = self.steps
        rungs: tuple[tuple[Step, int | None], ...] = (
            ("stop", steps.stop_nanodollars),
            ("local", steps.local_nanodollars),
            ("cheaper", steps.cheaper_nanodollars),
            ("warn", steps.warn_nanodollars),
        )
        return next((step for step, begins in rungs if begins is not None and nanodollars >= begins), "ok")


def limits_from(
    daily_usd: Amount | None, monthly_usd: Amount | None, now: datetime | None = None
) -> tuple[Limit, ...]:
    """Turn the configured budgets into limits that begin at local midnight and on the first of the month."""
    if daily_usd is None and monthly_usd is None:
        return ()
    here = localtime(None if now is None else now.timestamp())
    today = date(here.tm_year, here.tm_mon, here.tm_mday)
    return _limits_on(today, here.tm_gmtoff, daily_usd, monthly_usd)


@lru_cache(maxsize=8)
def _limits_on(
    today: date, _utc_offset_s: int, daily_usd: Amount | None, monthly_usd: Amount | None
) -> tuple[Limit, ...]:
    """Work out the limits of a day, once; the offset is here for who travels."""
    first = today.replace(day=1)
    next_first = (first + timedelta(days=31)).replace(day=1)
    periods = (
        ("daily", daily_usd, today, today + timedelta(days=1)),
        ("monthly", monthly_usd, first, next_first),
    )
    return tuple(_limit(name, usd, start, end) for name, usd, start, end in periods if usd is not None)


def _limit(name: str, usd: Amount, start: date, end: date) -> Limit:
    nanodollars = nanodollars_from_usd(usd)
    if nanodollars is None:
        raise ConfigError(
            f"[budgets] {name}_usd = {usd} is no amount of dollars", hint="write a number such as 5.0"
        )
    return Limit(name, nanodollars, unix_ms(midnight(start)), midnight(end).isoformat(timespec="seconds"))


def local(now: datetime | None) -> datetime:
    """Return a moment, by default this one, in the user's own time."""
    return datetime.now().astimezone() if now is None else now.astimezone()


def midnight(day: date) -> datetime:
    """Return the first moment of a day in the user's own time."""
    return datetime.combine(day, time.min).astimezone()


def unix_ms(moment: datetime) -> int:
    """Return a moment in milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
