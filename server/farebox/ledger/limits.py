"""The configured budgets as limits on sums of the ledger: from when they count, and when they begin anew.

Days begin at the user's own midnight, months on their first.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from time import localtime
from typing import TypeAlias

from farebox.errors import ConfigError
from farebox.ledger.holds import Limit
from farebox.messages import nanodollars_from_usd

Amount: TypeAlias = Decimal | float | int


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
