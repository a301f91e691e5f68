"""Estimates that become the provider's own figure later: which are due to be asked about, what came of it.

Knows when to ask, not how: that is the router's.
"""

from typing import TYPE_CHECKING, Final, cast

from farebox.ledger.records import MAX_TOKENS, Correction, Estimated, believable, storable_text
from farebox.messages import Target, Usage

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

FIRST_LOOK_MS: Final = 2_000
"""A provider has booked a stream a moment after its end (OpenRouter's API reference, ``/generation``)."""

_WAITS_MS: Final = (30_000, 10 * 60_000, 6 * 3_600_000)
"""How long after each question without an answer the next one is asked; after the last, no more."""


_MAY_BE_ASKED = "ask_at_ms IS NOT NULL AND state = 'settled' AND generation_id IS NOT NULL"


def due(connection: "Connection", *, now_ms: int, most: int) -> tuple[Estimated, ...]:
    """Return estimates that are to be asked about now; the next time for them is set at once."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        rows = cast(
            "list[tuple[str, str, str, str, int]]",
            connection.execute(
                "SELECT call_id, provider, model, generation_id, asked FROM calls"  # noqa: S608 own names
                f" WHERE {_MAY_BE_ASKED} AND ask_at_ms <= ?"
                " ORDER BY ask_at_ms LIMIT ?",
                (now_ms, most),
            ).fetchall(),
        )
        for call_id, *_, asked in rows:
            next_ms = now_ms + _WAITS_MS[asked] if asked < len(_WAITS_MS) else None
            connection.execute(
                "UPDATE calls SET ask_at_ms = ?, asked = asked + 1 WHERE call_id = ?", (next_ms, call_id)
            )
    return tuple(
        Estimated(call_id, Target(provider, model.removeprefix(f"{provider}/")), generation_id, asked)
        for call_id, provider, model, generation_id, asked in rows
    )


def next_due_ms(connection: "Connection") -> int | None:
    """Return when the next estimate is to be asked about, in milliseconds since 1970; None if none is."""
    sql = f"SELECT MIN(ask_at_ms) FROM calls WHERE {_MAY_BE_ASKED}"  # noqa: S608 own names
    row = connection.execute(sql).fetchone()
    return cast("tuple[int | None]", row)[0]


def correct(connection: "Connection", correction: Correction) -> bool:
    """Put a provider's figure in place of an estimate; False, changing nothing, if there is none."""
    cost = believable(correction.cost_nanodollars)
    if cost is None:
        return False
    columns: dict[str, str | int | None] = {
        **(_counts(correction.usage) if correction.usage is not None else {}),
        "cost_nanodollars": cost,
        "basis": correction.basis,
        "reported_nanodollars": cost if correction.basis == "reported" else None,
        "ask_at_ms": None,
    }
    assignments = ", ".join(f"{column} = ?" for column in columns)
    cursor = connection.execute(
        f"UPDATE calls SET {assignments}, served_model = COALESCE(?, served_model) "  # noqa: S608 own names
        "WHERE call_id = ? AND state = 'settled' AND basis IN ('estimated', 'unknown')",
        (*columns.values(), storable_text(correction.served_model), correction.call_id),
    )
    return cursor.rowcount == 1


def _counts(usage: Usage) -> dict[str, int]:
    counts = {
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }
    return {name: min(max(count, 0), MAX_TOKENS) for name, count in counts.items()}
