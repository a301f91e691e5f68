"""Marks of a running attempt in the ledger, by which it is charged should this process be killed.

By the clock and not by what comes: a model that thinks, or writes a long tool call, passes on nothing for
minutes; and an event of an answer costs nothing here. What a mark says is the meter's business.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from farebox.ledger.records import Mark
from farebox.ledger.store import Ledger
from farebox.router.charge import Charge

FIRST_MARK_S: Final = 1.0
"""Most completions have ended by then, and need none."""

MARK_EVERY_S: Final = 5.0


@contextmanager
def marking(
    ledger: Ledger, charge: Charge, *, first_s: float = FIRST_MARK_S, every_s: float = MARK_EVERY_S
) -> Generator[None]:
    """Mark in the ledger how far an attempt has come, as long as the block runs. Nothing waits for it."""
    loop = asyncio.get_running_loop()
    last: Mark | None = None

    def mark() -> None:
        nonlocal last, timer
        timer = loop.call_later(every_s, mark)
        if (now := charge.mark()) != last:
            last = now
            ledger.mark(now)

    timer = loop.call_later(first_s, mark)
    try:
        yield
    finally:
        timer.cancel()
