"""The settled calls of a query one by one, oldest first: for who wants to plan them again.

A page is read at a time, and each follows on the last call of the one before.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias, cast

from farebox.ledger.queries import Query, condition
from farebox.ledger.records import Outcome, Routing
from farebox.messages import Complexity, Evidence, Phase, Strategy, Target, Task, Tier, Usage

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

MAX_PAGE = 500
"""How many calls are read at once."""

_PAST_COLUMNS = (
    "call_id, started_ms, total_ms, outcome, task, provider, model, conversation, cost_nanodollars,"
    " baseline_model, baseline_nanodollars, input_tokens, cached_input_tokens, cache_write_tokens,"
    " output_tokens, reasoning_tokens, requested, strategy, phase, complexity, tier, evidence, images, tools,"
    " caches, input_bytes, max_output_tokens, taken_for"
)


@dataclass(frozen=True, slots=True)
class Past:
    """One settled attempt as it was; ``routing`` is None for one from before that was written down."""

    call_id: str
    started_ms: int
    total_ms: int
    outcome: Outcome
    task: Task
    target: Target
    conversation: str | None
    cost_nanodollars: int | None
    baseline_model: str | None
    baseline_nanodollars: int | None
    usage: Usage
    routing: Routing | None


def page(connection: "Connection", query: Query, after: Past | None, size: int) -> tuple[Past, ...]:
    """Return the next settled calls of a query, oldest first, those that follow on one; none at the end."""
    if after is not None:  # the index finds a moment, and no pair of columns
        query = replace(query, since_ms=after.started_ms)
    where, values = condition(query)
    where += " AND state = 'settled'"
    if after is not None:
        where += " AND (started_ms, call_id) > (?, ?)"
        values = (*values, after.started_ms, after.call_id)
    sql = f"SELECT {_PAST_COLUMNS} FROM calls WHERE {where} ORDER BY started_ms, call_id LIMIT ?"  # noqa: S608 own names
    rows = cast("list[_PastRow]", connection.execute(sql, (*values, size)).fetchall())
    return tuple(map(_past, rows))


_PastRow: TypeAlias = tuple[
    *tuple[str, int, int | None, Outcome, Task, str, str, str | None, int | None, str | None, int | None],
    *tuple[int, int, int, int, int],
    *tuple[str | None, Strategy, Phase, Complexity, Tier | None, str | None, int, int, int, int, int, Task],
]


def _past(row: _PastRow) -> Past:
    call_id, started_ms, total_ms, outcome, task, provider, model, conversation, cost, *_ = row
    return Past(
        call_id,
        started_ms,
        total_ms or 0,
        outcome,
        task,
        Target(provider, model.removeprefix(f"{provider}/")),
        conversation,
        cost,
        baseline_model=row[9],
        baseline_nanodollars=row[10],
        usage=Usage(*row[11:16]),
        routing=_routing(row),
    )


def _routing(row: _PastRow) -> Routing | None:
    requested, strategy, phase, complexity, tier, evidence, images, tools, caches, size, most, task = row[16:]
    if requested is None:
        return None
    return Routing(
        requested,
        strategy,
        phase,
        complexity,
        tier,
        evidence=cast("tuple[Evidence, ...]", tuple(evidence.split(",")) if evidence else ()),
        images=images,
        tools=bool(tools),
        caches=bool(caches),
        input_bytes=size,
        max_output_tokens=most,
        task=task,
    )
