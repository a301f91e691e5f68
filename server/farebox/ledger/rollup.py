"""Sums that the ledger keeps beside its calls, so that neither a report nor a budget has to read all of them.

Triggers keep them in the transaction that changes a call: whoever changes one, be it an older farebox or a
person with a SQL shell, the sums are those of the rows. All of it is SQL text and part of a migration: a
change here needs a new one.

- ``hourly``: every sum of a report, for each hour and each combination of what a report is grouped by.
- ``latencies``: how many calls took how long, in steps of 10 %, for each day of UTC.
- ``counters``: what was spent since a moment in a budget's scope; a row for each limit that was checked.
"""

from typing import Final

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

DIMENSIONS: Final = ("day", "hour", "task", "provider", "model", "workspace", "client", "language")
"""What ``hourly`` can be grouped by. It has no NULL: nothing is written as an empty text there."""

_OPTIONAL: Final = ("workspace", "client", "language")

_BOTH_KNOWN = "{0}cost_nanodollars IS NOT NULL AND {0}baseline_nanodollars IS NOT NULL"
_TWICE_KNOWN = "{0}reported_nanodollars IS NOT NULL AND {0}computed_nanodollars IS NOT NULL"

SUMS: Final[dict[str, str]] = {
    "requests": "1",
    "failed": "({0}outcome = 'failed')",
    "cancelled": "({0}outcome = 'cancelled')",
    "uncertain": "(COALESCE({0}error_kind, '') = 'uncertain')",
    "input_tokens": "{0}input_tokens",
    "cached_input_tokens": "{0}cached_input_tokens",
    "cache_write_tokens": "{0}cache_write_tokens",
    "output_tokens": "{0}output_tokens",
    "reasoning_tokens": "{0}reasoning_tokens",
    "cost_nanodollars": "COALESCE({0}cost_nanodollars, 0)",
    "compared": f"({_BOTH_KNOWN})",
    "baseline_nanodollars": f"CASE WHEN {_BOTH_KNOWN} THEN {{0}}baseline_nanodollars ELSE 0 END",
    "saved_nanodollars": f"CASE WHEN {_BOTH_KNOWN} "
    "THEN {0}baseline_nanodollars - {0}cost_nanodollars ELSE 0 END",
    "reported": "({0}basis = 'reported')",
    "computed": "({0}basis = 'computed')",
    "estimated": "({0}basis = 'estimated')",
    "unknown": "({0}basis = 'unknown')",
    "completion_nanodollars": "CASE WHEN {0}task = 'complete' "
    "THEN COALESCE({0}cost_nanodollars, 0) ELSE 0 END",
    "drifts": f"({_TWICE_KNOWN})",
    "drift_reported": f"CASE WHEN {_TWICE_KNOWN} THEN {{0}}reported_nanodollars ELSE 0 END",
    "drift_computed": f"CASE WHEN {_TWICE_KNOWN} THEN {{0}}computed_nanodollars ELSE 0 END",
    "shown": "{0}shown",
    "accepted": "{0}accepted",
    "partly": "{0}partly",
}
"""The columns of ``hourly``, and what a settled call adds to each; ``{0}`` stands before its columns."""

_LAST_STEP_MS = 1_000_000


def _latency_steps() -> tuple[int, ...]:
    steps = [0]
    while steps[-1] < _LAST_STEP_MS:
        steps.append(max(steps[-1] + 1, steps[-1] * 11 // 10))
    return tuple(steps)


LATENCY_STEPS_MS: Final = _latency_steps()
"""Where each step of latency begins, in milliseconds."""


def key_of(column: str, call: str = "") -> str:
    """Return the SQL of a dimension of ``hourly`` for a call, whose columns have this prefix."""
    return f"COALESCE({call}{column}, '')" if column in _OPTIONAL else f"{call}{column}"


def sum_of(column: str, call: str = "") -> str:
    """Return the SQL of what a settled call adds to a sum."""
    return SUMS[column].format(call)


_HOURLY_KEYS = ("hour_ms", *(name for name in DIMENSIONS if name != "day"))
_HOURLY_TABLE = f"""
    CREATE TABLE hourly (
        hour_ms BIGINT NOT NULL,
        {", ".join(f"{name} TEXT NOT NULL" for name in DIMENSIONS)},
        {", ".join(f"{name} BIGINT NOT NULL DEFAULT 0" for name in SUMS)},
        PRIMARY KEY ({", ".join(_HOURLY_KEYS)})
    ) WITHOUT ROWID
"""


def _hour_of(call: str) -> str:
    return f"{call}started_ms / {HOUR_MS} * {HOUR_MS}"


def _day_of(call: str) -> str:
    return f"{call}started_ms / {DAY_MS} * {DAY_MS}"


def _hourly_change(call: str, sign: str) -> str:
    """Write what a trigger does to ``hourly`` for a settled call that comes or goes."""
    where = " AND ".join(f"{name} = {key_of(name, f'{call}.')}" for name in _HOURLY_KEYS[1:])
    changes = ", ".join(f"{name} = {name} {sign} {sum_of(name, f'{call}.')}" for name in SUMS)
    return (
        f"UPDATE hourly SET {changes} WHERE {call}.state = 'settled' "  # noqa: S608 own names
        f"AND hour_ms = {_hour_of(f'{call}.')} AND {where};"
    )


def _hourly_row(call: str) -> str:
    keys = ", ".join(key_of(name, f"{call}.") for name in DIMENSIONS)
    return (
        f"INSERT INTO hourly (hour_ms, {', '.join(DIMENSIONS)}) "  # noqa: S608 own names
        f"VALUES ({_hour_of(f'{call}.')}, {keys}) ON CONFLICT DO NOTHING;"
    )


LATENCY_GROUP: Final = "day_ms, day, provider, model, task, kind"
"""All that latencies are kept for: whoever groups by this needs no sorting."""

_LATENCY_KEYS = f"{LATENCY_GROUP}, from_ms"
_MEASURED: Final = {
    "first": ("first_token_ms", "{0}first_token_ms IS NOT NULL"),
    "total": ("total_ms", "{0}total_ms IS NOT NULL AND {0}outcome = 'ok'"),
}
"""The kinds of latency: the column, and which calls count. What was stopped says nothing of the whole."""


def latency_of(kind: str, call: str = "") -> tuple[str, str]:
    """Return the SQL of a call's latency, and of whether it has one that counts."""
    column, condition = _MEASURED[kind]
    return f"{call}{column}", condition.format(call)


def _latency_change(call: str, kind: str, sign: str) -> str:
    column, condition = latency_of(kind, f"{call}.")
    step = f"(SELECT MAX(from_ms) FROM latency_steps WHERE from_ms <= MAX({column}, 0))"  # noqa: S608
    return (
        f"INSERT INTO latencies ({_LATENCY_KEYS}, calls) "
        f"SELECT {_day_of(f'{call}.')}, {call}.day, {call}.provider, {call}.model, {call}.task, '{kind}', "
        f"{step}, {sign}1 WHERE {call}.state = 'settled' AND {condition} "
        f"ON CONFLICT DO UPDATE SET calls = calls {sign} 1;"
    )


def _counted(call: str) -> str:
    return f"CASE WHEN {call}.state = 'settled' THEN COALESCE({call}.cost_nanodollars, 0) ELSE 0 END"


def _counter_change(call: str, amount: str) -> str:
    scopes = (
        f"'all', 'task:' || {call}.task, 'provider:' || {call}.provider, "
        f"'workspace:' || COALESCE({call}.workspace, '')"
    )
    return (
        f"UPDATE counters SET nanodollars = nanodollars + {amount} "  # noqa: S608 own names
        f"WHERE since_ms <= {call}.started_ms AND scope IN ({scopes});"
    )


def _trigger(name: str, event: str, condition: str, *statements: str) -> str:
    return f"CREATE TRIGGER {name} AFTER {event} ON calls WHEN {condition} BEGIN {' '.join(statements)} END"


def _latency_changes(call: str, sign: str) -> tuple[str, ...]:
    return tuple(_latency_change(call, kind, sign) for kind in _MEASURED)


TABLES: Final = (
    _HOURLY_TABLE,
    "CREATE TABLE latency_steps (from_ms BIGINT PRIMARY KEY) WITHOUT ROWID",
    f"INSERT INTO latency_steps VALUES {', '.join(f'({step})' for step in LATENCY_STEPS_MS)}",  # noqa: S608
    """
    CREATE TABLE latencies (
        day_ms BIGINT NOT NULL, day TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
        task TEXT NOT NULL, kind TEXT NOT NULL, from_ms BIGINT NOT NULL, calls BIGINT NOT NULL,
        PRIMARY KEY (day_ms, day, provider, model, task, kind, from_ms)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE counters (
        scope TEXT NOT NULL, since_ms BIGINT NOT NULL, nanodollars BIGINT NOT NULL,
        PRIMARY KEY (scope, since_ms)
    ) WITHOUT ROWID
    """,
)

_LATENCY_CAUSES = (
    "state",
    "outcome",
    "first_token_ms",
    "total_ms",
    "started_ms",
    "model",
    "provider",
    "task",
)
_LATENCY_CHANGES = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _LATENCY_CAUSES)

TRIGGERS: Final = (
    _trigger(
        "call_changes",
        "UPDATE",
        "NEW.state = 'settled' OR OLD.state = 'settled'",
        _hourly_row("NEW"),
        _hourly_change("OLD", "-"),
        _hourly_change("NEW", "+"),
        _counter_change("OLD", f"-{_counted('OLD')}"),
        _counter_change("NEW", _counted("NEW")),
    ),
    _trigger(
        "call_takes_longer",
        "UPDATE",
        f"(NEW.state = 'settled' OR OLD.state = 'settled') AND ({_LATENCY_CHANGES})",
        *_latency_changes("OLD", "-"),
        *_latency_changes("NEW", "+"),
    ),
    _trigger(
        "call_comes",
        "INSERT",
        "NEW.state = 'settled'",
        _hourly_row("NEW"),
        _hourly_change("NEW", "+"),
        _counter_change("NEW", _counted("NEW")),
        *_latency_changes("NEW", "+"),
    ),
    _trigger(
        "call_goes",
        "DELETE",
        "OLD.state = 'settled'",
        _hourly_change("OLD", "-"),
        _counter_change("OLD", f"-{_counted('OLD')}"),
        *_latency_changes("OLD", "-"),
    ),
)

TRIGGER_NAMES: Final = ("call_changes", "call_takes_longer", "call_comes", "call_goes")


def _from_calls() -> tuple[str, ...]:
    """Write what fills the tables from the calls that are there already."""
    keys = ", ".join(key_of(name) for name in DIMENSIONS)
    sums = ", ".join(f"SUM({sum_of(name)})" for name in SUMS)
    hourly = (
        f"INSERT INTO hourly (hour_ms, {', '.join(DIMENSIONS)}, {', '.join(SUMS)}) "  # noqa: S608 own names
        f"SELECT {_hour_of('')}, {keys}, {sums} FROM calls WHERE state = 'settled' "
        f"GROUP BY {_hour_of('')}, {', '.join(key_of(name) for name in _HOURLY_KEYS[1:])}"
    )
    latencies = [
        f"INSERT INTO latencies ({_LATENCY_KEYS}, calls) "  # noqa: S608 own names
        f"SELECT {_day_of('')}, day, provider, model, task, '{kind}', "
        f"(SELECT MAX(from_ms) FROM latency_steps WHERE from_ms <= MAX({latency_of(kind)[0]}, 0)) AS step, "
        f"COUNT(*) FROM calls WHERE state = 'settled' AND {latency_of(kind)[1]} "
        f"GROUP BY {_day_of('')}, day, provider, model, task, step"
        for kind in _MEASURED
    ]
    return (hourly, *latencies)


FILL: Final = _from_calls()

REBUILD: Final = ("DELETE FROM hourly", "DELETE FROM latencies", "DELETE FROM counters", *FILL)
"""What makes all of it anew from the calls: a budget's counter comes back with the next check of it."""
