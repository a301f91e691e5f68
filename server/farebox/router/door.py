"""The single door to every model: plans, guards, holds, asks, falls back, charges.

Every request of every feature comes through here, so every one is checked for privacy, held against
the budget before it leaves, and charged whatever its end. Once an event of an answer has reached the
caller, nothing is retried or rerouted behind their back.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from farebox import prices, privacy
from farebox.errors import Excluded, FareboxError, NoRouteLeft, ProviderError
from farebox.ledger.holds import Outcome, Settlement
from farebox.ledger.limits import limits_from
from farebox.ledger.store import Ledger
from farebox.messages import Attempt, Done, Event, FellBack, Finish, Route, Routed, Target
from farebox.providers.directory import Directory, Opened
from farebox.router.charge import Charge
from farebox.router.plan import Planner
from farebox.router.request import Request, Serving


@dataclass(frozen=True, slots=True)
class Door:
    """The door of one configuration; cheap to make anew when the configuration changes."""

    planner: Planner
    directory: Directory
    ledger: Ledger
    trusted: bool = True

    async def route(self, request: Request) -> Route:
        """Show where a request would go. Nothing leaves. Raises what a real request would."""
        await asyncio.to_thread(prices.preload)
        self._guard(request)
        return self.planner.plan(request)

    def send(self, request: Request) -> "Reply":
        """Start a request: iterate the reply's events, then read what it came to."""
        return Reply(self, request)

    def _guard(self, request: Request) -> None:
        """Raise Excluded if the request may not leave the machine at all."""
        if not self.trusted:
            raise Excluded(
                "this workspace is not trusted, so nothing of it is sent",
                hint="Trust the workspace in your editor to use completion and chat here.",
            )
        exclude = tuple(self.planner.config.privacy.exclude)
        privacy.check(request.sources, exclude=exclude, roots=request.roots)


class Reply:
    """One request on its way. ``done`` says what it came to, also when it was cancelled or failed."""

    def __init__(self, door: Door, request: Request) -> None:
        self._door = door
        self._request = request
        self._request_id = uuid.uuid4().hex
        self._attempts: list[Attempt] = []
        self.done: Done | None = None

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield the answer's events; the last one is Done. Raises FareboxError.

        Closing the generator, or cancelling the task that iterates it, closes the provider's socket.
        """
        route = await self._door.route(self._request)
        yield Routed(route)
        targets = (route.target, *route.fallbacks)
        failures: list[FareboxError] = []
        for number, target in enumerate(targets, start=1):
            try:
                async with aclosing(self._attempt(route, target, number)) as events:
                    async for event in events:
                        yield event
                return
            except ProviderError as error:
                failures.append(error)
                if error.after_first_event or not error.retryable or number == len(targets):
                    break
                yield FellBack(number, len(targets), failed=target, error=error.message)
        raise failures[0] if len(failures) == 1 else _no_route_left(failures)

    async def _attempt(self, route: Route, target: Target, number: int) -> AsyncGenerator[Event, None]:
        """Ask one target, with a row in the ledger from before the request leaves to its end."""
        opened = await self._open(target)
        target = Target(target.provider, opened.model)  # `default` has a name by now
        charge = self._charge(target, opened)
        call = self._request.render(self._serving(target, opened))
        budgets = self._door.planner.config.budgets
        limits = limits_from(budgets.daily_usd, budgets.monthly_usd)
        estimate = self._door.planner.estimate(target, self._request)
        await self._door.ledger.hold(charge.hold(self._request_id, number, estimate), limits)
        outcome: Outcome = "failed"
        kind: str | None = None
        try:
            async with aclosing(opened.provider.stream(call)) as deltas:
                async for delta in deltas:
                    charge.note(delta)
                    if not isinstance(delta, Finish):
                        yield delta
            outcome = "ok"
        except (asyncio.CancelledError, GeneratorExit):
            outcome = "cancelled"
            raise
        except ProviderError as error:
            kind = error.kind
            error.after_first_event = charge.passed_something
            self._door.directory.forget(target.provider)
            raise
        finally:
            # No await here: this also runs while the task is being cancelled.
            settlement = charge.settle(outcome, error_kind=kind)
            self._door.ledger.settle(settlement)
            self._attempts.append(Attempt(target, kind or outcome, charge.total_ms))
            self.done = self._finished(route, target, settlement)
        yield self.done

    async def _open(self, target: Target) -> Opened:
        try:
            return await self._door.directory.open(target)
        except ProviderError as error:
            self._attempts.append(Attempt(target, error.kind, 0))
            raise

    def _charge(self, target: Target, opened: Opened) -> Charge:
        baseline = self._door.planner.baseline()
        priced = None
        if baseline is not None:
            priced = (baseline, self._door.directory.endpoint(baseline.provider).price_id)
        return Charge(self._request, target, opened.endpoint, priced)

    def _serving(self, target: Target, opened: Opened) -> Serving:
        info = self._door.planner.catalog.info(target.provider, target.model)
        if info is None:
            return Serving(target, opened.model, opened.endpoint.fill)
        reasons = "reasoning" in info.capabilities
        return Serving(target, opened.model, opened.endpoint.fill, info.max_output_tokens, reasons=reasons)

    def _finished(self, route: Route, target: Target, settlement: Settlement) -> Done:
        return Done(
            finish_reason=settlement.finish_reason or "stop",
            usage=settlement.usage,
            cost=settlement.cost,
            route=replace(route, target=target, attempts=tuple(self._attempts)),
            cancelled=settlement.outcome == "cancelled",
            first_token_ms=settlement.first_token_ms,
            total_ms=settlement.total_ms or 0,
        )


def _no_route_left(failures: list[FareboxError]) -> NoRouteLeft:
    tried = "; ".join(failure.message for failure in failures)
    return NoRouteLeft(
        f"every model that could answer failed: {tried}",
        hint=failures[-1].hint,
        failures=tuple(failures),
    )
