"""The ledger's answers: "how much, by what" as one grouped sum over the settled calls, and these one by one.

A dimension becomes a column through a fixed table, so no word from outside ever reaches the SQL.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from farebox.ledger.records import Outcome, Routing, storable_text
from farebox.messages import Complexity, Evidence, Phase, Strategy, Target, Task, Tier, Usage

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

Dimension: TypeAlias = Literal[
    "day", "hour", "model", "provider", "task", "workspace", "conversation", "client", "language"
]

MAX_GROUPS = 10_000
"""One more than this is fetched at most, so that a caller can tell that there are too many."""

_COLUMNS: dict[Dimension, str] = {
    "day": "day",
    "hour": "hour",
    "model": "model",
    "provider": "provider",
    "task": "task",
    "workspace": "workspace",
    "conversation": "conversation",
    "client": "client",
    "language": "language",
}

_SETTLED = "state = 'settled'"
_BOTH_KNOWN = "cost_nanodollars IS NOT NULL AND baseline_nanodollars IS NOT NULL"
_SUMS = (
    f"COALESCE(SUM(CASE WHEN {_SETTLED} THEN 1 ELSE 0 END), 0)",
    "COALESCE(SUM(CASE WHEN state = 'held' THEN 1 ELSE 0 END), 0)",
    "COALESCE(SUM(input_tokens), 0)",
    "COALESCE(SUM(cached_input_tokens), 0)",
    "COALESCE(SUM(cache_write_tokens), 0)",
    "COALESCE(SUM(output_tokens), 0)",
    "COALESCE(SUM(reasoning_tokens), 0)",
    "COALESCE(SUM(cost_nanodollars), 0)",
    f"SUM(CASE WHEN {_BOTH_KNOWN} THEN baseline_nanodollars END)",
    f"SUM(CASE WHEN {_BOTH_KNOWN} THEN baseline_nanodollars - cost_nanodollars END)",
    *(
        f"COALESCE(SUM(CASE WHEN {_SETTLED} AND basis = '{basis}' THEN 1 ELSE 0 END), 0)"
        for basis in ("reported", "computed", "estimated", "unknown")
    ),
)

_Sums: TypeAlias = tuple[int, int, int, int, int, int, int, int, int | None, int | None, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Latency:
    """Half, nine in ten, and all but one in a hundred requests took no longer, within 3 %; milliseconds."""

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

    ``requests`` counts settled calls and ``held`` those that are running or were never settled.
    ``cost_nanodollars`` sums the known costs; ``baseline`` and ``saved`` sum the calls where both the
    cost and the baseline are known, and are None if there are none.
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


def groups(connection: "Connection", query: Query) -> tuple[Group, ...]:
    """Sum the calls of a query, ordered by their keys, those without a key last."""
    columns = tuple(_COLUMNS[dimension] for dimension in query.by)
    where, values = _where(query)
    grouped = f" GROUP BY {', '.join(columns)}" if columns else ""
    sql = f"SELECT {', '.join(columns + _SUMS)} FROM calls{where}{grouped} LIMIT ?"  # noqa: S608 own names
    rows = cast(
        "list[tuple[str | int | None, ...]]", connection.execute(sql, (*values, MAX_GROUPS + 1)).fetchall()
    )
    found = (_group(row, len(columns)) for row in rows)
    return tuple(sorted((group for group in found if group.requests or group.held), key=_order))


def _where(query: Query) -> tuple[str, tuple[str | int, ...]]:
    conditions = (
        ("started_ms >= ?", query.since_ms),
        ("started_ms < ?", query.until_ms),
        ("workspace = ?", storable_text(query.workspace)),
    )
    used = [(sql, value) for sql, value in conditions if value is not None]
    if not used:
        return "", ()
    return " WHERE " + " AND ".join(sql for sql, _ in used), tuple(value for _, value in used)


def _group(row: tuple[str | int | None, ...], key_count: int) -> Group:
    sums = cast("_Sums", row[key_count:])
    return Group(
        keys=cast("tuple[str | None, ...]", row[:key_count]),
        requests=sums[0],
        held=sums[1],
        usage=Usage(*sums[2:7]),
        cost_nanodollars=sums[7],
        baseline_nanodollars=sums[8],
        saved_nanodollars=sums[9],
        reported=sums[10],
        computed=sums[11],
        estimated=sums[12],
        unknown=sums[13],
    )


def _order(group: Group) -> tuple[tuple[bool, str], ...]:
    return tuple((key is None, key or "") for key in group.keys)


# --- one by one ----------------------------------------------------------------------------------

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
    where, values = _where(query)
    where = f"{where} AND {_SETTLED}" if where else f" WHERE {_SETTLED}"
    if after is not None:
        where += " AND (started_ms, call_id) > (?, ?)"
        values = (*values, after.started_ms, after.call_id)
    sql = f"SELECT {_PAST_COLUMNS} FROM calls{where} ORDER BY started_ms, call_id LIMIT ?"  # noqa: S608 own names
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
