"""The ledger's answers: "how much, by what" as sums over the settled calls.

They come from the hourly sums, and from the calls themselves in the first and the last hour of a time that
begins or ends within one, and where conversations are asked for. Which of them answers changes no figure. A
dimension becomes a column through a fixed table, so no word from outside ever reaches the SQL.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from farebox.ledger.records import storable_text
from farebox.ledger.rollup import (
    DAY_MS,
    HOUR_MS,
    LATENCY_GROUP,
    LATENCY_STEPS_MS,
    SUMS,
    key_of,
    latency_of,
    sum_of,
)
from farebox.messages import Usage

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

Dimension: TypeAlias = Literal[
    "day", "hour", "model", "provider", "task", "workspace", "conversation", "client", "language"
]

MAX_GROUPS: Final = 10_000
"""One more than this is fetched at most, so that a caller can tell that there are too many."""

_KEPT_BY: Final = frozenset[Dimension]({"day", "model", "provider", "task"})
"""What the kept latencies can be grouped by; for all else the calls are read."""

MAX_MEASURED: Final = 50_000
"""Of more calls than this, latencies that are not kept are not told: it would take seconds to read them."""

_KINDS: Final = ("first", "total")
_STEPS: Final = {str(begins_ms): step for step, begins_ms in enumerate(LATENCY_STEPS_MS)}
_EVER_MS: Final = 10**10 * DAY_MS

_Keys: TypeAlias = tuple[str | None, ...]
_Values: TypeAlias = tuple[str | int, ...]
_Row: TypeAlias = tuple[str | int | None, ...]
_Steps: TypeAlias = dict[str, dict[int, int]]
"""How many calls are in each step of latency, for each kind."""
_Span: TypeAlias = tuple[int, int]
"""From a moment up to, and not including, another."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Half, nine in ten, and all but one in a hundred calls took no longer, within 5 %; milliseconds."""

    p50_ms: int
    p90_ms: int
    p99_ms: int


@dataclass(frozen=True, slots=True)
class Query:
    """Which calls, by the moment they started (``until_ms`` is not included), and grouped by what."""

    since_ms: int | None = None
    until_ms: int | None = None
    by: tuple[Dimension, ...] = ()
    workspace: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The sums of one group, ``keys`` in the order of the query's dimensions.

    ``requests`` counts settled calls and ``held`` those that are running. ``cost_nanodollars`` sums the known
    costs; ``baseline`` and ``saved`` sum the calls where both the cost and the baseline are known, and are
    None if there are none. ``completion_nanodollars`` is the part of the cost that is tab completion's, the
    ``drift`` sums are those of the calls whose cost is known twice.
    """

    keys: tuple[str | None, ...]
    requests: int
    held: int
    usage: Usage
    cost_nanodollars: int
    baseline_nanodollars: int | None
    saved_nanodollars: int | None
    reported: int
    computed: int
    estimated: int
    unknown: int
    failed: int = 0
    cancelled: int = 0
    uncertain: int = 0
    completion_nanodollars: int = 0
    drifts: int = 0
    drift_reported_nanodollars: int = 0
    drift_computed_nanodollars: int = 0
    shown: int = 0
    accepted: int = 0
    partly: int = 0
    first_token: Latency | None = None
    total: Latency | None = None


def groups(connection: "Connection", query: Query) -> tuple[Group, ...]:
    """Sum the calls of a query, ordered by their keys, those without a key last."""
    ((found, _),) = reports(connection, [query])
    return found


def reports(connection: "Connection", asked: Sequence[Query]) -> tuple[tuple[tuple[Group, ...], Group], ...]:
    """Sum the calls of each query by its groups, and all of them together, all at one moment.

    Where there are more groups than MAX_GROUPS, the total is of those that were read.
    """
    connection.execute("BEGIN")
    try:
        return tuple(_report(connection, query) for query in asked)
    finally:
        connection.execute("ROLLBACK")


def _report(connection: "Connection", query: Query) -> tuple[tuple[Group, ...], Group]:
    sums, held = _sums(connection, query), _held(connection, query)
    steps = _steps(connection, query, sums)
    found = [
        _group(keys, sums.get(keys, _NOTHING), held.get(keys, 0), steps.get(keys, {}))
        for keys in {**sums, **held}
    ]
    total = _group((), _added_up(sums.values()), sum(held.values()), _merged(steps.values()))
    return tuple(sorted(found, key=_order)), total


def condition(query: Query) -> tuple[str, _Values]:
    """Return the SQL that says whether a call belongs to a query, and its values."""
    return _within([_span(query)], "started_ms", query)


def _within(spans: Iterable[_Span], column: str, query: Query) -> tuple[str, _Values]:
    spans = tuple(spans)
    any_of = " OR ".join(f"({column} >= ? AND {column} < ?)" for _ in spans) or "FALSE"
    values: _Values = tuple(moment for span in spans for moment in span)
    if query.workspace is None:
        return f"({any_of})", values
    return f"({any_of}) AND workspace = ?", (*values, storable_text(query.workspace) or "")


def _span(query: Query) -> _Span:
    since_ms = -_EVER_MS if query.since_ms is None else query.since_ms
    return since_ms, _EVER_MS if query.until_ms is None else query.until_ms


def _divided(query: Query, bucket_ms: int) -> tuple[tuple[_Span, ...], tuple[_Span, ...]]:
    """Divide a time into the whole buckets in it, and what is left at its ends."""
    since_ms, until_ms = _span(query)
    first_ms = -(-since_ms // bucket_ms) * bucket_ms
    last_ms = until_ms // bucket_ms * bucket_ms
    if first_ms >= last_ms:
        return (), ((since_ms, until_ms),)
    ends = ((since_ms, first_ms), (last_ms, until_ms))
    return ((first_ms, last_ms),), tuple(span for span in ends if span[0] < span[1])


def _keys(values: Iterable[str | int | None]) -> _Keys:
    return tuple(cast("str", value) or None for value in values)


def _order(group: Group) -> tuple[tuple[bool, str], ...]:
    return tuple((key is None, key or "") for key in group.keys)


# --- sums ----------------------------------------------------------------------------------------

_NOTHING: Final = dict.fromkeys(SUMS, 0)


def _sums(connection: "Connection", query: Query) -> dict[_Keys, dict[str, int]]:
    whole, ends = _divided(query, HOUR_MS) if "conversation" not in query.by else ((), (_span(query),))
    in_hours, hour_values = _within(whole, "hour_ms", query)
    in_calls, call_values = _within(ends, "started_ms", query)
    names = ", ".join((*query.by, *SUMS))
    of_hours = ", ".join((*("NULL" if name == "conversation" else name for name in query.by), *SUMS))
    of_calls = ", ".join((*map(key_of, query.by), *map(sum_of, SUMS)))
    totals = ", ".join((*query.by, *(f"SUM({name})" for name in SUMS)))
    sql = (
        f"WITH parts ({names}) AS (SELECT {of_hours} FROM hourly WHERE {in_hours} UNION ALL "  # noqa: S608
        f"SELECT {of_calls} FROM calls WHERE state = 'settled' AND {in_calls}) "
        f"SELECT {totals} FROM parts{_grouped(query.by)} HAVING SUM(requests) > 0 LIMIT ?"
    )
    rows = connection.execute(sql, (*hour_values, *call_values, MAX_GROUPS + 1))
    count = len(query.by)
    return {
        _keys(row[:count]): dict(zip(SUMS, cast("tuple[int, ...]", row[count:]), strict=True))
        for row in cast("Iterable[_Row]", rows)
    }


def _held(connection: "Connection", query: Query) -> dict[_Keys, int]:
    where, values = condition(query)
    columns = tuple(map(key_of, query.by))
    sql = (
        f"SELECT {', '.join((*columns, 'COUNT(*)'))} FROM calls "  # noqa: S608 own names
        f"WHERE state = 'held' AND {where}{_grouped(columns)}"
    )
    rows = cast("Iterable[_Row]", connection.execute(sql, values))
    return {_keys(row[:-1]): count for row in rows if (count := cast("int", row[-1]))}


def _grouped(columns: Iterable[str]) -> str:
    by = ", ".join(columns)
    return f" GROUP BY {by}" if by else ""


def _added_up(groups: Iterable[dict[str, int]]) -> dict[str, int]:
    total = dict(_NOTHING)
    for sums in groups:
        for name, amount in sums.items():
            total[name] += amount
    return total


def _group(keys: _Keys, sums: dict[str, int], held: int, steps: _Steps) -> Group:
    is_compared = bool(sums["compared"])
    return Group(
        keys=keys,
        requests=sums["requests"],
        held=held,
        usage=Usage(
            sums["input_tokens"],
            sums["cached_input_tokens"],
            sums["cache_write_tokens"],
            sums["output_tokens"],
            sums["reasoning_tokens"],
        ),
        cost_nanodollars=sums["cost_nanodollars"],
        baseline_nanodollars=sums["baseline_nanodollars"] if is_compared else None,
        saved_nanodollars=sums["saved_nanodollars"] if is_compared else None,
        reported=sums["reported"],
        computed=sums["computed"],
        estimated=sums["estimated"],
        unknown=sums["unknown"],
        failed=sums["failed"],
        cancelled=sums["cancelled"],
        uncertain=sums["uncertain"],
        completion_nanodollars=sums["completion_nanodollars"],
        drifts=sums["drifts"],
        drift_reported_nanodollars=sums["drift_reported"],
        drift_computed_nanodollars=sums["drift_computed"],
        shown=sums["shown"],
        accepted=sums["accepted"],
        partly=sums["partly"],
        first_token=_latency(steps.get("first")),
        total=_latency(steps.get("total")),
    )


# --- latencies -----------------------------------------------------------------------------------


def _steps(connection: "Connection", query: Query, sums: dict[_Keys, dict[str, int]]) -> dict[_Keys, _Steps]:
    """Count how many calls of each group took how long, by kind; none where that would take long."""
    is_kept = _KEPT_BY.issuperset(query.by) and query.workspace is None
    if not is_kept and sum(group["requests"] for group in sums.values()) > MAX_MEASURED:
        return {}
    steps: dict[_Keys, _Steps] = {}
    for sql, values in _latency_queries(query, is_kept=is_kept):
        for row in cast("Iterable[_Row]", connection.execute(sql, values)):
            kind, latencies = cast("tuple[str, str]", row[-2:])
            counts = steps.setdefault(_keys(row[:-2]), {}).setdefault(kind, {})
            for latency in latencies.split(","):  # tens of thousands
                latency_ms, _, calls = latency.partition(":")
                step = _STEPS.get(latency_ms)
                if step is None:
                    step = bisect_right(LATENCY_STEPS_MS, int(latency_ms)) - 1
                counts[step] = counts.get(step, 0) + int(calls)
    return steps


def _latency_queries(query: Query, *, is_kept: bool) -> Iterable[tuple[str, _Values]]:
    """Return what asks for keys, a kind and its latencies: a text of ``milliseconds:calls``, with commas.

    To fetch as many rows would take twice as long.
    """
    whole, ends = _divided(query, DAY_MS) if is_kept else ((), (_span(query),))
    if whole:
        where, values = _within(whole, "day_ms", query)
        columns = ", ".join((*query.by, "kind", "group_concat(from_ms || ':' || calls)"))
        source = f"latencies WHERE calls > 0 AND {where}"
        yield f"SELECT {columns} FROM {source} GROUP BY {LATENCY_GROUP}", values  # noqa: S608 own names
    if not ends:
        return
    where, values = _within(ends, "started_ms", query)
    keys = tuple(map(key_of, query.by))
    names = tuple(f"k{number}" for number in range(len(keys)))
    for kind in _KINDS:
        column, counts = latency_of(kind)
        inner = ", ".join((*keys, column))
        each = f"calls WHERE state = 'settled' AND {counts} AND {where} GROUP BY {inner}"
        columns = ", ".join((*names, f"'{kind}'", "group_concat(ms || ':' || number)"))
        yield (
            (
                f"WITH each ({', '.join((*names, 'ms, number'))}) AS (SELECT {inner}, COUNT(*) FROM {each}) "  # noqa: S608
                f"SELECT {columns} FROM each{_grouped(names)} HAVING COUNT(*) > 0"
            ),
            values,
        )


def _merged(groups: Iterable[_Steps]) -> _Steps:
    merged: _Steps = {kind: {} for kind in _KINDS}
    for steps in groups:
        for kind, counts in steps.items():
            total = merged[kind]
            for step, calls in counts.items():
                total[step] = total.get(step, 0) + calls
    return merged


def _latency(steps: dict[int, int] | None) -> Latency | None:
    if not steps or sum(steps.values()) <= 0:
        return None
    return Latency(*(_percentile(steps, percent) for percent in (50, 90, 99)))


def _percentile(steps: dict[int, int], percent: int) -> int:
    """Return the middle of the step that so many of a hundred calls have not gone beyond."""
    wanted = -(-sum(steps.values()) * percent // 100)
    seen = 0
    for step in sorted(steps):
        seen += steps[step]
        if seen >= wanted:
            return _middle_ms(step)
    return 0


def _middle_ms(step: int) -> int:
    begins_ms = LATENCY_STEPS_MS[step]
    is_last = step + 1 == len(LATENCY_STEPS_MS)
    return begins_ms if is_last else (begins_ms + LATENCY_STEPS_MS[step + 1] - 1) // 2
