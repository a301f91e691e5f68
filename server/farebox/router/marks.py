"""Marks of a running attempt in the ledger, by which it is charged should this process be killed.

By the clock and not by what comes: a model that thinks, or writes a long tool call, passes on nothing for
minutes; and an event of an answer costs nothing here. What a mark says is the meter's business.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from farebox.ledger.records import Mark
from farebox.ledger.store import Ledger
from farebox.router.charge import Charge

FIRST_MARK_S: Final = 1.0
"""Most completions have ended by then, and need none."""

MARK_EVERY_S: Final = 5.0


@dataclass(slots=True)
class _Marks:
    """No closure: one that sets its own timer knows itself, and would keep the prompt with it."""

    ledger: Ledger
    charge: Charge
    every_s: float
    last: Mark | None = None
    timer: asyncio.TimerHandle = field(init=False)

    def set_timer(self, delay_s: float) -> None:
        self.timer = asyncio.get_running_loop().call_later(delay_s, self._mark)

    def _mark(self) -> None:
        self.set_timer(self.every_s)
        if (now := self.charge.mark()) != self.last:
            self.last = now
            self.ledger.mark(now)


@contextmanager
def marking(
    ledger: Ledger, charge: Charge, *, first_s: float = FIRST_MARK_S, every_s: float = MARK_EVERY_S
) -> Generator[None]:
    """Mark in the ledger how far an attempt has come, as long as the block runs. Nothing waits for it."""
    marks = _Marks(ledger, charge, every_s)
    marks.set_timer(first_s)
    try:
        yield
    finally:
        marks.timer.cancel()
