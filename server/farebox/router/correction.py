"""Estimates made right: providers that can tell are asked what a request came to that ended without usage.

Whoever stops an answer never hears its cost, and a process that was killed could not write it down. The
ledger knows what is due to be asked about and when again, ``providers.generation`` how one asks; here is who
may be asked now, and when to look again. No request waits for this, and nothing runs while nothing is due.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from farebox import prices
from farebox.errors import FareboxError
from farebox.ledger.records import Correction, Estimated, Settlement, believable
from farebox.ledger.store import Ledger
from farebox.messages import Usage
from farebox.providers import generation
from farebox.providers.base import Endpoint
from farebox.providers.generation import Billed
from farebox.providers.http import Http
from farebox.router.charge import priced_model
from farebox.router.plan import Planner
from farebox.router.pricing import Pricing

MAX_AT_ONCE: Final = 8
MAX_ROUND: Final = 64
REST_S: Final = 60.0
"""Between two looks at what is due but may not be asked."""

_ZERO_BELIEVED_FROM: Final = 2
"""How often was asked before a cost of nothing is believed: it may stand there until something is booked."""

LONGEST_WAIT_S: Final = 600.0
"""Clocks jump, machines sleep, and other processes die."""


class Corrector:
    """Asks, while ``run`` runs, whenever something is due. ``planner`` gives the settings of that moment."""

    def __init__(self, ledger: Ledger, http: Http, planner: Callable[[], Planner]) -> None:
        self._ledger = ledger
        self._http = http
        self._planner = planner
        self._wake: Callable[[], object] | None = None

    def note(self, settlement: Settlement) -> None:
        """Hear of a settlement that has been written, in whatever thread."""
        wake = self._wake
        if settlement.correctable and wake is not None:
            with suppress(RuntimeError):  # its event loop has ended
                wake()

    async def run(self) -> None:
        """Correct what is due now, and what will be, until cancelled."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(changed.set)
        with suppress(FareboxError):
            await self._left_s()  # opens the ledger, which then settles for the dead: more may be due
        while True:
            changed.clear()
            wait_s = await self._round()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await changed.wait()

    async def _round(self) -> float:
        """Ask what is due, if anything is; return in how many seconds to look again."""
        asked = 0
        try:
            if await self._left_s() <= 0:
                asked = await correct_due(self._ledger, self._http, self._planner())
            left_s = await self._left_s()
        except FareboxError:  # the config or the ledger is broken: requests say so
            return LONGEST_WAIT_S
        if left_s <= 0 and not asked:
            return REST_S
        return min(max(left_s, 0), LONGEST_WAIT_S)

    async def _left_s(self) -> float:
        """Return in how many seconds something is due; none or fewer if it is now."""
        next_ms = await self._ledger.next_correction_ms()
        return LONGEST_WAIT_S if next_ms is None else next_ms / 1000 - time.time()


async def correct_due(ledger: Ledger, http: Http, planner: Planner) -> int:
    """Ask about estimates that are due, MAX_ROUND at most; return how many had their turn.

    Nothing is asked in local-only mode, nor a provider that is not set up or has no key any more.
    Raises LedgerUnusable.
    """
    if planner.config.privacy.local_only:
        return 0
    due = await ledger.due_for_correction(MAX_ROUND)
    if due and not prices.loaded():
        await asyncio.to_thread(prices.preload)
    asking = asyncio.Semaphore(MAX_AT_ONCE)

    async def correct(one: Estimated) -> None:
        async with asking:
            correction = await _asked(one, http, planner)
        if correction is not None:
            ledger.correct(correction)

    await asyncio.gather(*map(correct, due))
    return len(due)


async def _asked(one: Estimated, http: Http, planner: Planner) -> Correction | None:
    endpoint = planner.seller(one.target)
    if endpoint is None:
        return None
    billed = await generation.lookup(http, endpoint, one.generation_id, pace=generation.ONCE)
    return None if billed is None else _correction(one, endpoint, planner.pricing, billed)


def _correction(one: Estimated, endpoint: Endpoint, pricing: Pricing, billed: Billed) -> Correction | None:
    """Return what is to be booked; None if it has no price. Counts without a cost are priced by the table."""
    served = billed.served_model
    if served is not None and endpoint.credential is not None:
        served = endpoint.credential.secret.redact(served)
    reported = believable(billed.reported_nanodollars)
    if reported == 0 and one.asked < _ZERO_BELIEVED_FROM:
        return None
    if reported is not None:
        usage = billed.usage if billed.usage != Usage() else None
        return Correction(one.call_id, usage, reported, served)
    model = priced_model(endpoint, one.target, served)
    computed = believable(pricing.cost_nanodollars(endpoint, model, billed.usage))
    return None if computed is None else Correction(one.call_id, billed.usage, computed, served, "computed")
