"""Questions to the ledger: what was spent on what, and how much of each budget is left.

It never touches the router or a provider. Amounts are integers from the ledger to the surface. A price
that is not known is counted, and never turned into a zero. Days begin at the user's own midnight.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, cast, get_args

from farebox.errors import InvalidParams
from farebox.ledger.limits import Limit, Step, iso_text, local, midnight, unix_ms
from farebox.ledger.queries import MAX_GROUPS, Dimension, Group, Latency, Query
from farebox.messages import Usage

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported, and store.py imports it
    from farebox.ledger.repair import Damage
    from farebox.ledger.store import Ledger

DEFAULT_SINCE = "7d"
DEFAULT_BY: tuple[Dimension, ...] = ("day", "model")
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

_FIRST_YEAR, _LAST_YEAR = 1971, 9000
_AGO = re.compile(r"([0-9]{1,4})([dh])")
_MOMENT_HINT = (
    "write a date (2026-03-01), a time (2026-03-01T14:00), today, yesterday, 7d, 24h, week or month"
)


@dataclass(frozen=True, slots=True)
class BasisCounts:
    """How many requests have a cost that a provider reported, that was computed, estimated, or is unknown."""

    reported: int = 0
    computed: int = 0
    estimated: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What became of ghost text, and what it cost.

    ``accepted`` counts those of which anything was taken, ``partly_accepted`` those of them that were never
    taken whole. ``cost_nanodollars`` is the known cost of all tab completion in the group, shown or not.
    """

    shown: int = 0
    accepted: int = 0
    partly_accepted: int = 0
    cost_nanodollars: int = 0

    @property
    def nanodollars_per_accepted(self) -> int | None:
        """What each accepted completion has cost, those that were not accepted included; None without any."""
        return round(Fraction(self.cost_nanodollars, self.accepted)) if self.accepted else None

    @property
    def accepted_percent(self) -> int | None:
        """How many of a hundred that were shown were accepted; None if none was shown."""
        return round(Fraction(100 * self.accepted, self.shown)) if self.shown else None


@dataclass(frozen=True, slots=True)
class Drift:
    """The requests whose cost is known twice: as the provider has reported it, and as our table has it."""

    requests: int = 0
    reported_nanodollars: int = 0
    computed_nanodollars: int = 0

    @property
    def percent(self) -> float | None:
        """How far the table is from what was reported, of that; None where nothing was reported."""
        if not self.reported_nanodollars:
            return None
        off = self.computed_nanodollars - self.reported_nanodollars
        return round(100 * off / self.reported_nanodollars, 1)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """The sums of one group.

    ``cost_nanodollars`` sums the known costs and is None if there are requests and no cost of theirs is
    known; ``saved_nanodollars`` is None if no request has both a cost and a baseline. ``uncertain`` counts
    those whose process died before it knew what they came to. ``first_token`` and ``total`` are latencies;
    None where there are none.
    """

    keys: tuple[tuple[Dimension, str | None], ...]
    requests: int
    usage: Usage
    cost_nanodollars: int | None
    saved_nanodollars: int | None
    basis: BasisCounts
    failed: int = 0
    cancelled: int = 0
    uncertain: int = 0
    first_token: Latency | None = None
    total: Latency | None = None
    drift: Drift = Drift()
    suggestions: Suggestions = Suggestions()


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One budget and what has become of it; ``is_unchecked`` if a damage may have lost what counts."""

    name: str
    limit_nanodollars: int
    spent_nanodollars: int
    held_nanodollars: int
    resets_at: str
    step: Step = "ok"
    is_unchecked: bool = False

    @property
    def percent(self) -> int | None:
        """How much of it is spent or held, in whole percent; None for a budget of nothing, which is a ban."""
        used = self.spent_nanodollars + self.held_nanodollars
        return 100 * used // self.limit_nanodollars if self.limit_nanodollars else None

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left of it, so that nothing that costs money is sent any more."""
        return 0 < self.limit_nanodollars <= self.spent_nanodollars + self.held_nanodollars


@dataclass(frozen=True, slots=True)
class Lost:
    """A damage of the ledger that nobody has accepted: when it was found (ISO 8601), what could be saved."""

    at: str
    file: str
    saved_calls: int


@dataclass(frozen=True, slots=True)
class Report:
    """What was spent from ``since`` up to, and not including, ``until`` (ISO 8601, local time).

    ``held_requests`` are in no row: they are still running. ``unwritten_requests`` neither: the file can't be
    written at the moment, and they are kept until it can; they have cost ``unwritten_nanodollars``.
    ``damages`` are those that may have lost requests of this time. ``workspace`` is the only one that counts,
    ``budgets_error`` why no budget could be read.
    """

    since: str | None
    until: str | None
    by: tuple[Dimension, ...]
    rows: tuple[ReportRow, ...]
    total: ReportRow
    budgets: tuple[BudgetLine, ...]
    held_requests: int = 0
    unwritten_requests: int = 0
    unwritten_nanodollars: int = 0
    damages: tuple[Lost, ...] = ()
    workspace: str | None = None
    budgets_error: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The reports that a page shows together, all of the same time: one for each of these groupings."""

    reports: tuple[Report, ...]

    def by(self, *dimensions: Dimension) -> Report:
        """Return the report of a grouping."""
        return next(report for report in self.reports if report.by == dimensions)


OVERVIEW: tuple[tuple[Dimension, ...], ...] = (
    (),
    ("day",),
    ("day", "model"),
    ("model",),
    ("provider",),
    ("task",),
    ("workspace",),
    ("client",),
    ("language",),
    ("model", "language"),
)


async def overview(
    ledger: "Ledger",
    *,
    since: str | None = None,
    until: str | None = None,
    workspace: str | None = None,
    limits: tuple[Limit, ...] = (),
    budgets_error: str | None = None,
    now: datetime | None = None,
) -> Overview:
    """Answer what a page shows: each grouping of OVERVIEW, all at one moment."""
    asked = _Asked(since, until, workspace, limits, budgets_error, local(now))
    return Overview(await _reports(ledger, OVERVIEW, asked))


async def report(
    ledger: "Ledger",
    *,
    since: str | None = None,
    until: str | None = None,
    by: tuple[str, ...] = DEFAULT_BY,
    workspace: str | None = None,
    limits: tuple[Limit, ...] = (),
    budgets_error: str | None = None,
    now: datetime | None = None,
) -> Report:
    """Answer what was spent; an ``until`` that names a whole day includes that day.

    ``budgets_error`` is why there are no ``limits``, if they could not be read.
    """
    asked = _Asked(since, until, workspace, limits, budgets_error, local(now))
    (answer,) = await _reports(ledger, (_dimensions(by),), asked)
    return answer


@dataclass(frozen=True, slots=True)
class _Asked:
    """What all reports of an answer have in common."""

    since: str | None
    until: str | None
    workspace: str | None
    limits: tuple[Limit, ...]
    budgets_error: str | None
    now: datetime


async def _reports(
    ledger: "Ledger", groupings: Sequence[tuple[Dimension, ...]], asked: _Asked
) -> tuple[Report, ...]:
    """Answer by each of these groupings, in one visit to the ledger."""
    start, end = period(asked.since, asked.until, asked.now)
    since_ms, until_ms = unix_ms(start), None if end is None else unix_ms(end)
    queries = [Query(since_ms, until_ms, by, asked.workspace) for by in groupings]
    answers = await ledger.reports(queries)
    unwritten, unwritten_nanodollars = ledger.unwritten()
    if any(len(groups) > MAX_GROUPS for groups, _ in answers):
        raise InvalidParams(
            f"the report would have more than {MAX_GROUPS} rows",
            hint="ask for a shorter time or for fewer dimensions",
        )
    damages = await ledger.damages()
    budgets = await _budget_lines(ledger, asked.limits, damages, asked.now)
    return tuple(
        Report(
            since=start.isoformat(timespec="seconds"),
            until=None if end is None else end.isoformat(timespec="seconds"),
            by=by,
            rows=tuple(_row(group, by) for group in groups if group.requests),
            total=_row(total, ()),
            budgets=budgets,
            held_requests=total.held,
            unwritten_requests=unwritten,
            unwritten_nanodollars=unwritten_nanodollars,
            damages=tuple(
                Lost(iso_text(one.at_ms), one.file, one.saved_calls)
                for one in damages
                if since_ms <= one.at_ms
            ),
            workspace=asked.workspace,
            budgets_error=asked.budgets_error,
        )
        for by, (groups, total) in zip(groupings, answers, strict=True)
    )


def period(since: str | None, until: str | None, now: datetime) -> tuple[datetime, datetime | None]:
    """Read the time that a person asks about; the end is the first moment that is not in it any more."""
    start = parse_moment(DEFAULT_SINCE if since is None else since, now)
    end = None if until is None else _end_of(until, now)
    if end is not None and end <= start:
        raise InvalidParams(
            f"there is no time between since {since or DEFAULT_SINCE} and until {until}",
            hint=f"give a since that is before until; without one it is {DEFAULT_SINCE}",
        )
    return start, end


def parse_moment(text: str, now: datetime) -> datetime:
    """Read a moment as a person writes it, in local time; a day means its first moment."""
    local_now = local(now)
    word = text.strip().lower()
    if ago := _AGO.fullmatch(word):
        count = int(ago[1])
        return local_now - (timedelta(days=count) if ago[2] == "d" else timedelta(hours=count))
    day = _day(word, local_now.date())
    moment = _iso_datetime(text.strip()) if day is None else datetime.combine(day, time.min)
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InvalidParams(f"{text[:40]!r} is no moment in time", hint=_MOMENT_HINT)
    return moment.astimezone()


def _dimensions(by: tuple[str, ...]) -> tuple[Dimension, ...]:
    for name in by:
        if name not in DIMENSIONS:
            raise InvalidParams(
                f"a report can't be grouped by {name[:40]!r}", hint=f"use {', '.join(DIMENSIONS)}"
            )
    return tuple(dict.fromkeys(cast("tuple[Dimension, ...]", by)))


def _end_of(text: str, now: datetime) -> datetime:
    day = _day(text.strip().lower(), now.date())
    moment = parse_moment(text, now)
    return moment if day is None else midnight(day + timedelta(days=1))


def _day(word: str, today: date) -> date | None:
    match word:
        case "today":
            return today
        case "yesterday":
            return today - timedelta(days=1)
        case "week":
            return today - timedelta(days=today.weekday())
        case "month":
            return today.replace(day=1)
        case _:
            pass
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def _iso_datetime(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


async def _budget_lines(
    ledger: "Ledger", limits: tuple[Limit, ...], damages: "Sequence[Damage]", now: datetime
) -> tuple[BudgetLine, ...]:
    if not limits:
        return ()
    from farebox.ledger.repair import unchecked  # noqa: PLC0415  deferred as store.py is

    sums = await ledger.spent_by(limits, now_ms=unix_ms(now))
    return tuple(
        BudgetLine(
            name=limit.name,
            limit_nanodollars=limit.limit_nanodollars,
            spent_nanodollars=spent.settled_nanodollars,
            held_nanodollars=spent.held_nanodollars,
            resets_at=limit.resets_at,
            step=limit.step(spent.nanodollars),
            is_unchecked=unchecked(limit, damages) is not None,
        )
        for limit, spent in zip(limits, sums, strict=True)
    )


def _row(group: Group, dimensions: tuple[Dimension, ...]) -> ReportRow:
    return ReportRow(
        keys=tuple(zip(dimensions, group.keys, strict=True)),
        requests=group.requests,
        usage=group.usage,
        cost_nanodollars=_known_cost(group.cost_nanodollars, requests=group.requests, unknown=group.unknown),
        saved_nanodollars=group.saved_nanodollars,
        basis=BasisCounts(group.reported, group.computed, group.estimated, group.unknown),
        failed=group.failed,
        cancelled=group.cancelled,
        uncertain=group.uncertain,
        first_token=group.first_token,
        total=group.total,
        drift=Drift(group.drifts, group.drift_reported_nanodollars, group.drift_computed_nanodollars),
        suggestions=Suggestions(group.shown, group.accepted, group.partly, group.completion_nanodollars),
    )


def _known_cost(nanodollars: int, *, requests: int, unknown: int) -> int | None:
    return None if requests and unknown == requests else nanodollars
