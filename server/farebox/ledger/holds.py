"""Money that is set aside before a request leaves, and what became of it.

A hold is placed and every budget is checked in one write transaction, so that two editors can't both
spend the last cent. Sums are integers from end to end. An amount that is not known is NULL, never 0.
"""

from collections.abc import Sequence
from functools import lru_cache
from time import localtime
from typing import TYPE_CHECKING, TypeAlias, cast

from farebox.errors import BudgetExceeded
from farebox.ledger.limits import Limit
from farebox.ledger.records import Hold, Routing, Settlement, Spent, believable, bookable, storable_text
from farebox.messages import (
    minute_text,
    usd_text,
)

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

_Columns: TypeAlias = dict[str, str | int | None]

HOLD_TTL_S = 15 * 60
"""A request ends within 10 minutes: a hold that is older belongs to a process that died."""


def place(connection: "Connection", hold: Hold, limits: tuple[Limit, ...]) -> tuple[Spent, ...] | None:
    """Write the row of a request that is about to leave, or raise BudgetExceeded and write nothing.

    Return what each limit's sum is now; None if nothing had to be summed: what costs nothing has room, even
    in a budget that is overspent.
    """
    if not limits or hold.hold_nanodollars == 0:
        _insert(connection, hold)
        return None
    if hold.hold_nanodollars is None:
        raise _unknown_price(hold, limits[0])
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        sums = spent_since(connection, [limit.since_ms for limit in limits], now_ms=hold.started_ms)
        for limit, spent in zip(limits, sums, strict=True):
            if spent.nanodollars + hold.hold_nanodollars > limit.limit_nanodollars:
                raise _no_room(hold.hold_nanodollars, limit, spent)
        _insert(connection, hold)
    return tuple(spent.holding(hold.hold_nanodollars) for spent in sums)


def settle(connection: "Connection", settlement: Settlement) -> bool:
    """Turn a hold into its cost, once; return False, changing nothing, if there is no such hold."""
    columns = _settled_columns(bookable(settlement))
    assignments = ", ".join(f"{column} = ?" for column in columns)
    cursor = connection.execute(
        f"UPDATE calls SET {assignments} WHERE call_id = ? AND state = 'held'",  # noqa: S608 own column names
        (*columns.values(), settlement.call_id),
    )
    return cursor.rowcount == 1


def withdraw(connection: "Connection", call_id: str) -> None:
    """Take back the hold of a request that never left."""
    connection.execute("DELETE FROM calls WHERE call_id = ? AND state = 'held'", (call_id,))


def spent_since(connection: "Connection", moments_ms: Sequence[int], *, now_ms: int) -> tuple[Spent, ...]:
    """Sum what was settled and what is still held among the calls that started since each of these moments.

    A call belongs to the day on which it started, so its hold and its cost count against one budget.
    """
    if not moments_ms:
        return ()
    alive_ms = now_ms - HOLD_TTL_S * 1000 + 1
    bounds = [bound for since_ms in moments_ms for bound in (since_ms, max(since_ms, alive_ms))]
    row = connection.execute(_sums_sql(len(moments_ms)), (*bounds, min(moments_ms))).fetchone()
    sums = cast("tuple[int, ...]", row)
    return tuple(Spent(*pair) for pair in zip(sums[::2], sums[1::2], strict=True))


@lru_cache
def _sums_sql(moments: int) -> str:
    sums = (
        "COALESCE(SUM(CASE WHEN state = 'settled' AND started_ms >= ? THEN cost_nanodollars END), 0),"
        " COALESCE(SUM(CASE WHEN state = 'held' AND started_ms >= ? THEN hold_nanodollars END), 0)"
    )
    return f"SELECT {', '.join([sums] * moments)} FROM calls WHERE started_ms >= ?"  # noqa: S608 own names


def _unknown_price(hold: Hold, limit: Limit) -> BudgetExceeded:
    return BudgetExceeded(
        f"the price of {hold.target.name} is not known, so the {limit.name} budget of "
        f"${usd_text(limit.limit_nanodollars)} can't be kept",
        hint=f"If it costs nothing set free = true in [providers.{hold.target.provider}]; else choose a "
        f"model with a known price, or remove [budgets] {limit.name}_usd.",
    )


def _no_room(amount: int, limit: Limit, spent: Spent) -> BudgetExceeded:
    return BudgetExceeded(
        f"the {limit.name} budget of ${usd_text(limit.limit_nanodollars)} has no room for this request: "
        f"${usd_text(spent.settled_nanodollars)} spent, ${usd_text(spent.held_nanodollars)} held for "
        f"running requests, up to ${usd_text(amount)} needed",
        hint=f"Raise [budgets] {limit.name}_usd, choose a cheaper model, "
        f"or wait until it resets at {minute_text(limit.resets_at)}.",
    )


def _insert(connection: "Connection", hold: Hold) -> None:
    started = localtime(hold.started_ms // 1000)
    day = f"{started.tm_year:04}-{started.tm_mon:02}-{started.tm_mday:02}"
    connection.execute(
        "INSERT INTO calls (state, call_id, request_id, attempt, task, provider, model, conversation,"
        " workspace, client, started_ms, day, hour, hold_nanodollars, requested, strategy, phase, complexity,"
        " tier, evidence, images, tools, caches, input_bytes, max_output_tokens, taken_for)"
        " VALUES ('held', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            hold.call_id,
            hold.request_id,
            hold.attempt,
            hold.task,
            storable_text(hold.target.provider),
            storable_text(hold.target.name),
            storable_text(hold.conversation),
            storable_text(hold.workspace),
            storable_text(hold.client),
            hold.started_ms,
            day,
            f"{day} {started.tm_hour:02}:00",
            believable(hold.hold_nanodollars),
            *_routed_values(hold.routing),
        ),
    )


def _routed_values(routing: Routing | None) -> tuple[str | int | None, ...]:
    if routing is None:
        return (None,) * 12
    return (
        storable_text(routing.requested),
        routing.strategy,
        routing.phase,
        routing.complexity,
        routing.tier,
        ",".join(routing.evidence) or None,
        routing.images,
        int(routing.tools),
        int(routing.caches),
        routing.input_bytes,
        routing.max_output_tokens,
        routing.task,
    )


def _settled_columns(settlement: Settlement) -> _Columns:
    usage, cost = settlement.usage, settlement.cost
    return {
        "state": "settled",
        "outcome": settlement.outcome,
        "error_kind": settlement.error_kind,
        "finish_reason": settlement.finish_reason,
        "served_model": storable_text(settlement.served_model),
        "generation_id": storable_text(settlement.generation_id),
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cost_nanodollars": cost.nanodollars,
        "basis": cost.basis,
        "reported_nanodollars": believable(settlement.reported_nanodollars),
        "computed_nanodollars": believable(settlement.computed_nanodollars),
        "baseline_model": storable_text(cost.baseline_model),
        "baseline_nanodollars": cost.baseline_nanodollars,
        "first_token_ms": settlement.first_token_ms,
        "total_ms": settlement.total_ms,
    }
