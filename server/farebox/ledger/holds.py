"""Money that is set aside before a request leaves, and what became of it.

A hold is placed and every budget is checked in one write transaction, so that two editors can't both
spend the last cent. Sums are integers from end to end. An amount that is not known is NULL, never 0.
"""

from collections.abc import Sequence
from time import localtime
from typing import TYPE_CHECKING, TypeAlias

from farebox.errors import BudgetExceeded
from farebox.ledger import repair
from farebox.ledger import sums as sums_of
from farebox.ledger.corrections import FIRST_LOOK_MS
from farebox.ledger.limits import Limit
from farebox.ledger.records import (
    MAX_CALL_NANODOLLARS,
    Hold,
    Mark,
    Routing,
    Settlement,
    Shown,
    Spent,
    believable,
    bookable,
    storable_text,
)
from farebox.ledger.sums import OWNERLESS_TTL_S
from farebox.messages import minute_text, usd_text

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

_GIVE_UP = (
    "UPDATE calls SET state = 'settled', outcome = 'failed', error_kind = 'uncertain', "
    "finish_reason = 'error', cost_nanodollars = COALESCE(seen_nanodollars, hold_nanodollars), "
    "basis = CASE WHEN COALESCE(seen_nanodollars, hold_nanodollars) IS NULL THEN 'unknown' "
    "ELSE 'estimated' END, ask_at_ms = CASE WHEN generation_id IS NULL THEN NULL ELSE 0 END WHERE "
)

_Columns: TypeAlias = dict[str, str | int | None]


def to_check(hold: Hold, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits that a hold depends on: what costs nothing has room, unless a ladder stops it."""
    covering = [limit for limit in limits if limit.covers(hold.task, hold.target.provider, hold.workspace)]
    if hold.hold_nanodollars == 0:
        return [limit for limit in covering if limit.steps.stop_nanodollars is not None]
    return covering


def place(
    connection: "Connection", hold: Hold, limits: Sequence[Limit] = (), *, owner: str | None = None
) -> dict[Limit, Spent]:
    """Write the row of a request that is about to leave, or raise BudgetExceeded and write nothing.

    Return the sums of those limits that had to be looked at, with the hold.
    """
    limits, amount = to_check(hold, limits), hold.hold_nanodollars
    if not limits:
        insert(connection, hold, owner)
        return {}
    if amount is None:
        raise _unknown_price(hold, limits[0])
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        damages = repair.damages(connection)
        sums = sums_of.spent_by(connection, limits, now_ms=hold.started_ms, remember=True)
        for limit, spent in zip(limits, sums, strict=True):
            if (error := repair.unchecked(limit, damages)) is not None:
                raise error
            _refuse(limit, spent, amount)
        insert(connection, hold, owner)
    return {limit: spent.holding(amount) for limit, spent in zip(limits, sums, strict=True)}


def _refuse(limit: Limit, spent: Spent, amount: int) -> None:
    """Raise BudgetExceeded where a limit, or a rung of its ladder, has no room for an amount."""
    match limit.step(spent.nanodollars):
        case "stop":
            raise _stopped(limit, spent, "nothing is sent any more")
        case "local" if amount:
            raise _stopped(limit, spent, "only models on this machine are asked")
        case _:
            pass
    if amount and spent.nanodollars + amount > limit.limit_nanodollars:
        raise _no_room(amount, limit, spent)


def settle(connection: "Connection", settlement: Settlement, *, now_ms: int) -> bool:
    """Turn a hold into its cost, once; return False, changing nothing, if it has been settled before.

    A call that was given up as uncertain is a hold: its process was only thought to be dead. So is one that
    the ledger has lost: what was spent gets a row of its own.
    """
    columns = _settled_columns(bookable(settlement), now_ms)
    assignments = ", ".join(f"{column} = ?" for column in columns)
    cursor = connection.execute(
        f"UPDATE calls SET {assignments} WHERE call_id = ?"  # noqa: S608 own column names
        " AND (state = 'held' OR (error_kind = 'uncertain' AND basis IN ('estimated', 'unknown')))",
        (*columns.values(), settlement.call_id),
    )
    if (
        cursor.rowcount == 0
        and not _is_known(connection, settlement.call_id)
        and _restore(connection, settlement, now_ms)
    ):
        return settle(connection, settlement, now_ms=now_ms)
    return cursor.rowcount == 1


def _is_known(connection: "Connection", call_id: str) -> bool:
    found = connection.execute("SELECT 1 FROM calls WHERE call_id = ?", (call_id,)).fetchone()
    return found is not None


def _restore(connection: "Connection", settlement: Settlement, now_ms: int) -> bool:
    """Write the row of a call whose own was lost; False if the settlement does not say whose it is."""
    if settlement.target is None or settlement.task is None:
        return False
    call_id, started_ms = settlement.call_id, now_ms - (settlement.total_ms or 0)
    lost = Hold(call_id, call_id, 1, settlement.task, settlement.target, None, started_ms)
    insert(connection, lost, None)
    return True


def mark(connection: "Connection", record: Mark) -> None:
    """Write down how far a running attempt has come; nothing of one that has ended."""
    connection.execute(
        "UPDATE calls SET seen_nanodollars = ?, generation_id = COALESCE(?, generation_id)"
        " WHERE call_id = ? AND state = 'held'",
        (believable(record.cost_nanodollars), storable_text(record.generation_id), record.call_id),
    )


def tell(connection: "Connection", record: Shown) -> None:
    """Add what a user did with a call's ghost text."""
    connection.execute(
        "UPDATE calls SET shown = MAX(shown + ?, 0), accepted = MAX(accepted + ?, 0),"
        " partly = MAX(partly + ?, 0) WHERE call_id = ?",
        (record.shown, record.accepted, record.partly, record.call_id),
    )


def give_up(connection: "Connection", owner: str) -> int:
    """Settle what a dead owner has held, as far as it had come or else for all that it may have cost.

    Return how many. They stand as uncertain, and their provider is asked what they came to where it can tell.
    """
    return connection.execute(f"{_GIVE_UP}owner = ? AND state = 'held'", (owner,)).rowcount


def give_up_old(connection: "Connection", now_ms: int) -> None:
    """Settle as ``give_up`` does what has no owner, once its request must have ended."""
    oldest_ms = now_ms - OWNERLESS_TTL_S * 1000
    connection.execute(f"{_GIVE_UP}state = 'held' AND owner IS NULL AND started_ms < ?", (oldest_ms,))


def withdraw(connection: "Connection", call_id: str) -> None:
    """Take back the hold of a request that never left."""
    connection.execute("DELETE FROM calls WHERE call_id = ? AND state = 'held'", (call_id,))


def _unknown_price(hold: Hold, limit: Limit) -> BudgetExceeded:
    return BudgetExceeded(
        f"the price of {hold.target.name} is not known, so the {limit.name} budget of "
        f"${usd_text(limit.limit_nanodollars)} can't be kept",
        hint=f"If it costs nothing set free = true in [providers.{hold.target.provider}]; else choose a "
        f"model with a known price, or remove {limit.setting}.",
    )


def _no_room(amount: int, limit: Limit, spent: Spent) -> BudgetExceeded:
    return BudgetExceeded(
        f"the {limit.name} budget of ${usd_text(limit.limit_nanodollars)} has no room for this request: "
        f"${usd_text(spent.settled_nanodollars)} spent, ${usd_text(spent.held_nanodollars)} held for "
        f"running requests, up to ${usd_text(amount)} needed",
        hint=f"Raise {limit.setting}, choose a cheaper model, "
        f"or wait until it resets at {minute_text(limit.resets_at)}.",
    )


def _stopped(limit: Limit, spent: Spent, what: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"${usd_text(spent.nanodollars)} of the {limit.name} budget of ${usd_text(limit.limit_nanodollars)} "
        f"is spent or held, and from there on {what}",
        hint=f"Raise {limit.setting} or the step in [budgets.ladder], "
        f"or wait until it resets at {minute_text(limit.resets_at)}.",
    )


def insert(connection: "Connection", hold: Hold, owner: str | None) -> None:
    """Write the row of a request, whatever the budgets say; once, also where it is told again."""
    started = localtime(hold.started_ms // 1000)
    day = f"{started.tm_year:04}-{started.tm_mon:02}-{started.tm_mday:02}"
    connection.execute(
        "INSERT INTO calls (state, call_id, request_id, attempt, task, provider, model, conversation,"
        " workspace, client, started_ms, day, hour, hold_nanodollars, requested, strategy, phase, complexity,"
        " tier, evidence, images, tools, caches, input_bytes, max_output_tokens, taken_for, language, owner)"
        " VALUES ('held', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (call_id) DO NOTHING",
        (
            hold.call_id,
            hold.request_id,
            hold.attempt,
            hold.task,
            storable_text(hold.target.provider),
            storable_text(hold.target.name),
            storable_text(hold.conversation) or None,
            storable_text(hold.workspace) or None,
            storable_text(hold.client) or None,
            hold.started_ms,
            day,
            f"{day} {started.tm_hour:02}:00",
            _bounded(hold.hold_nanodollars),
            *_routed_values(hold.routing),
            storable_text(hold.language) or None,
            owner,
        ),
    )


def _bounded(nanodollars: int | None) -> int | None:
    """Return an amount to hold: one beyond belief is held as the most that is believed."""
    return None if nanodollars is None else min(max(nanodollars, 0), MAX_CALL_NANODOLLARS)


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


def _settled_columns(settlement: Settlement, settled_ms: int) -> _Columns:
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
        "ask_at_ms": settled_ms + FIRST_LOOK_MS if settlement.correctable else None,
        "first_token_ms": settlement.first_token_ms,
        "total_ms": settlement.total_ms,
    }
