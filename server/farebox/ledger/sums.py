"""What was spent and what is held within a budget, exactly and without reading every call.

What is settled comes from a counter, where the budget was checked before, else from the hourly sums and the
calls of the first hour; holds are few, and are read one by one.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from farebox.ledger.limits import Limit, Scope
from farebox.ledger.records import Spent, storable_text
from farebox.ledger.rollup import HOUR_MS

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

OWNERLESS_TTL_S = 15 * 60
"""How long a hold without an owner counts: its request has ended by then.

Only an older farebox writes such holds, and one where files can't be locked.
"""

_KEEP_COUNTERS_MS = 100 * 24 * HOUR_MS
_MAX_COUNTERS = 64

_Held = tuple[int, str, str, str | None, int, int]


def spent_by(
    connection: "Connection", limits: Sequence[Limit], *, now_ms: int, remember: bool = False
) -> tuple[Spent, ...]:
    """Sum what counts against each limit. ``remember`` it for the next check, inside a write transaction."""
    if not limits:
        return ()
    held = _held(connection, now_ms)
    return tuple(
        Spent(_settled(connection, limit, remember=remember), _held_for(limit, held)) for limit in limits
    )


def _held(connection: "Connection", now_ms: int) -> list[_Held]:
    rows = connection.execute(
        "SELECT started_ms, task, provider, workspace, hold_nanodollars, owner IS NULL FROM calls"
        " WHERE state = 'held' AND hold_nanodollars > 0"
    )
    oldest_ms = now_ms - OWNERLESS_TTL_S * 1000
    return [row for row in cast("Iterable[_Held]", rows) if not row[5] or row[0] > oldest_ms]


def _held_for(limit: Limit, held: Iterable[_Held]) -> int:
    return sum(
        nanodollars
        for started_ms, task, provider, workspace, nanodollars, _ in held
        if started_ms >= limit.since_ms and limit.covers(task, provider, workspace)
    )


def _settled(connection: "Connection", limit: Limit, *, remember: bool) -> int:
    name = _name(limit.scope)
    row = cast(
        "tuple[int] | None",
        connection.execute(
            "SELECT nanodollars FROM counters WHERE scope = ? AND since_ms = ?", (name, limit.since_ms)
        ).fetchone(),
    )
    if row is not None:
        return row[0]
    nanodollars = settled_since(connection, limit.since_ms, limit.scope)
    if remember:
        _remember(connection, name, limit.since_ms, nanodollars)
    return nanodollars


def _remember(connection: "Connection", name: str, since_ms: int, nanodollars: int) -> None:
    connection.execute("DELETE FROM counters WHERE since_ms < ?", (since_ms - _KEEP_COUNTERS_MS,))
    (count,) = cast("tuple[int]", connection.execute("SELECT COUNT(*) FROM counters").fetchone())
    if count >= _MAX_COUNTERS:
        connection.execute("DELETE FROM counters")
    connection.execute("INSERT INTO counters VALUES (?, ?, ?)", (name, since_ms, nanodollars))


def settled_since(connection: "Connection", since_ms: int, scope: Scope) -> int:
    """Sum the settled calls of a scope that have started since a moment: nano-dollars, exact."""
    full_ms = -(-since_ms // HOUR_MS) * HOUR_MS
    where, values = _condition(scope)
    hours = f"SELECT COALESCE(SUM(cost_nanodollars), 0) FROM hourly WHERE hour_ms >= ?{where}"  # noqa: S608
    calls = (
        "SELECT COALESCE(SUM(cost_nanodollars), 0) FROM calls"  # noqa: S608 own column names
        f" WHERE state = 'settled' AND started_ms >= ? AND started_ms < ?{where}"
    )
    (in_hours,) = cast("tuple[int]", connection.execute(hours, (full_ms, *values)).fetchone())
    (before,) = cast("tuple[int]", connection.execute(calls, (since_ms, full_ms, *values)).fetchone())
    return in_hours + before


def _condition(scope: Scope) -> tuple[str, tuple[str, ...]]:
    if scope.kind == "all":
        return "", ()
    return f" AND {scope.kind} = ?", (storable_text(scope.value) or "",)


def _name(scope: Scope) -> str:
    """Name a scope as the trigger does that adds to its counters."""
    return "all" if scope.kind == "all" else f"{scope.kind}:{storable_text(scope.value)}"
