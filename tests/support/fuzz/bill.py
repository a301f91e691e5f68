"""Compares a ledger with what the provider of a fuzz has billed, request by request."""

import asyncio
import sqlite3
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from support import books
from support.fuzz.provider import Provider

SETTLE_S = 8.0
"""A provider is asked two seconds after an answer that was stopped."""
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Audit:
    """What was billed and booked, in nano-dollars, of requests that both know; and all that is wrong."""

    rows: int
    billed: int
    booked: int
    estimated: int
    faults: tuple[str, ...]


async def settled(folder: Path) -> None:
    """Wait, within bounds, until estimates have been asked about."""
    deadline = time.monotonic() + SETTLE_S
    while _to_ask(folder) and time.monotonic() < deadline:  # noqa: ASYNC110  a file tells nobody
        await asyncio.sleep(LOOK_S)


def _to_ask(folder: Path) -> int:
    sql = "SELECT COUNT(*) FROM calls WHERE ask_at_ms IS NOT NULL AND generation_id IS NOT NULL"
    with suppress(sqlite3.Error, ValueError), books.reading(folder) as connection:
        return connection.execute(sql).fetchone()[0]
    return 0  # there is none yet


def audit(folder: Path, provider: Provider) -> Audit:
    """Compare the two."""
    if not list((folder / "farebox").glob("ledger*.db")):
        return Audit(0, 0, 0, 0, () if not provider.items else ("there is no ledger",))
    with books.reading(folder) as connection:
        rows = connection.execute(
            "SELECT generation_id, state, outcome, basis, cost_nanodollars FROM calls"
        ).fetchall()
        faults = list(books.wrong_sums(connection))
    faults += [f"held: {row}" for row in rows if row[1] == "held"]
    counted = Counter(row[0] for row in rows if row[0] is not None)
    faults += [f"{name} has {count} rows" for name, count in counted.items() if count > 1]
    billed = booked = 0
    for name, _, outcome, basis, cost in rows:
        item = provider.items.get(name)
        if item is None:
            faults += [f"{name} was never billed"] if name is not None or outcome == "ok" else []
        elif basis == "reported":
            billed, booked = billed + item.nanodollars, booked + cost
            faults += [f"{name}: {cost} booked, {item} billed"] if cost != item.nanodollars else []
        elif outcome == "ok":
            faults.append(f"{name} ended well and is {basis}")
    nameless = sum(name is None for name, *_ in rows)
    missing = sum(item.nanodollars > 0 for name, item in provider.items.items() if name not in counted)
    faults += [f"{missing} billed requests have no row"] if missing > nameless else []
    estimated = sum(row[3] != "reported" for row in rows)
    return Audit(len(rows), billed, booked, estimated, tuple(faults[:5]))
