"""The single door to every model: plans, guards, holds, asks, falls back, charges.

Every request of every feature comes through here, so every one is checked for privacy, held against
the budget before it leaves, and charged whatever its end. What fails before its first event is tried again
where that helps, then elsewhere (``router.walk``); once an event of an answer has reached the caller,
nothing is retried or rerouted behind their back.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from farebox import prices
from farebox.errors import BudgetExceeded, FareboxError, ProviderError
from farebox.ledger.limits import Limit, limits_from
from farebox.ledger.records import Outcome, Settlement
from farebox.ledger.schema import LedgerUnusable
from farebox.ledger.store import Ledger, Placing
from farebox.messages import (
    Attempt,
    Begun,
    Call,
    Candidate,
    Done,
    Event,
    Finish,
    Retrying,
    Route,
    Routed,
    Target,
    Task,
    ToolCall,
    Trace,
    Traits,
)
from farebox.providers.base import Endpoint
from farebox.providers.directory import Directory, Opened
from farebox.router import guard
from farebox.router.bill import total_cost, total_usage
from farebox.router.charge import Charge
from farebox.router.echo import drop_echo
from farebox.router.health import Visit
from farebox.router.marks import marking
from farebox.router.plan import Planner
from farebox.router.purse import is_in_plenty, is_short, room_left
from farebox.router.request import NOBODY, Origin, Request, Serving, clamped_output, new_id
from farebox.router.retry import RetryBudget
from farebox.router.walk import Walk


@dataclass(frozen=True, slots=True)
class Door:
    """The door of one configuration; cheap to make anew when the configuration changes."""

    planner: Planner
    directory: Directory
    ledger: Ledger
    trusted: bool = True
    retries: RetryBudget = field(default_factory=RetryBudget)

    def require_trust(self) -> "Door":
        """Return itself if requests may leave at all. Raises Excluded."""
        guard.require_trust(trusted=self.trusted)
        return self

    async def route(self, request: Request) -> Route:
        """Show where a request would go. Nothing leaves. Raises what a real request would."""
        await self._let_pass(request)
        return self.planner.plan(request, await room_left(self.ledger, self.limits(request.origin), request))

    async def plan(self, request: Request) -> Route:
        """Decide where a request goes, as ``route`` does.

        Where the budgets had room in plenty a moment ago they are not summed up for the plan: the hold of
        this request will do that in any case.
        """
        await self._let_pass(request)
        if not (limits := self.limits(request.origin)):
            return self.planner.plan(request)
        with contextlib.suppress(FareboxError):  # with the budgets it may be another one
            route = self.planner.plan(request)
            if self._is_in_plenty(route, request, limits):
                return route
        return self.planner.plan(request, await room_left(self.ledger, limits, request))

    def _is_in_plenty(self, route: Route, request: Request, limits: tuple[Limit, ...]) -> bool:
        """Say whether no budget would change a plan, as far as is known, whoever of it is asked.

        Also those that it dropped, if they can be asked at all: their reason may be another when money is
        looked at as well.
        """
        planner = self.planner
        known = [(limit, self.ledger.last_known(limit)) for limit in limits]
        for one in route.candidates:
            most = one.estimated_nanodollars
            if one.verdict == "dropped":
                if planner.seller(one.target) is None:
                    continue
                most = planner.estimate(one.target, request)
            provider, workspace = one.target.provider, request.origin.workspace
            for limit, spent in known:
                if limit.covers(request.task, provider, workspace) and not is_in_plenty(limit, spent, most):
                    return False
        return True

    def limits(self, origin: Origin = NOBODY) -> tuple[Limit, ...]:
        """Return the budgets of this moment, for requests from there."""
        return limits_from(self.planner.config.budgets, origin.workspace)

    def is_money_short(self, task: Task, origin: Origin = NOBODY) -> bool:
        """Say whether a budget for a task is nearly spent, as far as is known without asking the ledger."""
        return is_short(task, ((limit, self.ledger.last_known(limit)) for limit in self.limits(origin)))

    def visit(self, target: Target) -> Visit:
        """Take note that a request goes there now."""
        return self.planner.health.begin(self.planner.menus.place(target))

    def is_paused(self, target: Target) -> bool:
        """Say whether a target is to be left alone now."""
        return self.planner.health.trouble(self.planner.menus.place(target)) is not None

    def send(self, request: Request) -> "Reply":
        """Start a request: iterate the reply's events, then read what it came to."""
        return Reply(self, request)

    async def _let_pass(self, request: Request) -> None:
        """Get ready to plan. Raises Excluded."""
        if not prices.loaded():
            await asyncio.to_thread(prices.preload)
        guard.let_pass(request, self.planner.config.privacy, trusted=self.trusted)


class Reply:
    """One request on its way. ``done`` says what it came to, also when it was cancelled or failed."""

    def __init__(self, door: Door, request: Request) -> None:
        self._door = door
        self._request = request
        self._request_id = new_id()
        self._attempts: list[Attempt] = []
        self._settlements: list[Settlement] = []
        self._trace: Trace | None = None
        self._is_told = False
        self._is_replanned = False
        self.call_id: str | None = None
        """The ledger's row of the attempt under way, or of the last one."""
        self.done: Done | None = None

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield the answer's events; the last one is Done. Raises FareboxError.

        Closing the generator, or cancelling the task that iterates it, closes the provider's socket.
        """
        route = await self._door.plan(self._request)
        visit, walk = self._set_out(route)
        try:
            while True:
                try:
                    async with aclosing(self._attempt(route, walk.target, visit)) as events:
                        async for event in events:
                            yield event
                    return
                except BudgetExceeded as error:
                    visit.abandoned()
                    if (other := await self._replan(route, error)) is not None:
                        route = other
                        visit, walk = self._set_out(route)
                        continue
                    step = walk.after(error)
                except ProviderError as error:
                    visit.failed(error)
                    step = walk.after(error)
                if not self._is_told:
                    self._is_told = True
                    yield Routed(route)
                if isinstance(step, FareboxError):
                    raise step
                if isinstance(step, Retrying):
                    yield step
                    await asyncio.sleep(step.wait_s)
                    visit = self._door.visit(walk.target)
                else:
                    visit = self._door.visit(walk.target)
                    yield step
        except (asyncio.CancelledError, GeneratorExit):
            self._note_stop()
            raise
        finally:
            visit.abandoned()  # unless it has reported already

    def _set_out(self, route: Route) -> tuple[Visit, Walk]:
        """Begin a route, with nothing awaited since its plan: nobody else takes the probe of its target."""
        door = self._door
        walk = Walk(route, door.retries, self._request.work.task, is_paused=door.is_paused)
        return door.visit(route.target), walk

    async def _replan(self, route: Route, error: BudgetExceeded) -> Route | None:
        """Plan anew, once, where the hold knew better what the budgets leave; None if that is no help.

        Nothing has left, and nobody was told of the first plan: as far as anyone can see it never was.
        """
        if self._is_told or self._is_replanned or isinstance(error.__cause__, LedgerUnusable):
            return None
        self._is_replanned = True
        other = await self._door.plan(self._request)
        if other.target == route.target:
            return None
        self._attempts.clear()
        return other

    def _note_stop(self) -> None:
        """Call a request cancelled that was stopped between a failed attempt and the next."""
        if self.done is None or self._settlements[-1].outcome != "failed":
            return
        route = replace(self.done.route, attempts=tuple(self._attempts))
        self.done = replace(self.done, finish_reason="cancelled", cancelled=True, route=route)

    async def _attempt(self, route: Route, target: Target, visit: Visit) -> AsyncGenerator[Event, None]:
        """Ask one target, with a row in the ledger from before the request leaves to its end."""
        opened = await self._open(route, target)
        planned, target = target, Target(target.provider, opened.model)  # `default` has a name by now
        charge = self._charge(target, opened.endpoint)
        call = await self._held(charge, route, lambda: self._call(target, opened))
        outcome: Outcome = "failed"
        kind: str | None = None
        may_be_billed = False
        try:
            if not self._is_told:
                self._is_told = True
                yield Routed(route)
            may_be_billed = True
            with marking(self._door.ledger, charge):
                async with aclosing(opened.provider.stream(call)) as deltas:
                    async for delta in deltas:
                        if charge.note(delta):
                            visit.answers()
                        charge.check_size()
                        if not isinstance(delta, (Begun, Finish)):
                            yield charge.shown(delta) if isinstance(delta, ToolCall) else delta
            outcome = "ok"
            visit.succeeded(charge.first_token_ms)
        except (asyncio.CancelledError, GeneratorExit):
            outcome = "cancelled"
            if charge.passed_something:
                visit.succeeded(charge.first_token_ms)
            raise
        except ProviderError as error:
            kind, may_be_billed = error.kind, error.may_be_billed
            error.after_first_event = charge.passed_something
            drop_echo(error, call.prompt)
            self._door.directory.forget(target.provider)
            raise
        except FareboxError as error:  # ours alone, such as LocalOnly: nothing has left
            kind, may_be_billed = error.kind, False
            raise
        finally:
            self.done = self._end(route, planned, charge, outcome, kind=kind, may_be_billed=may_be_billed)
        yield self.done

    async def _held(self, charge: Charge, route: Route, render: Callable[[], Call]) -> Call:
        """Place the row of an attempt, and write the call while the ledger is at it. Nothing leaves yet."""
        self.call_id = charge.call_id
        estimate = self._door.planner.estimate(charge.target, self._request)
        placing = self._place(charge, route, estimate)
        try:
            call = render()
        except BaseException:
            self._door.ledger.withdraw(placing)
            raise
        await self._placed(placing)
        return call

    def _place(self, charge: Charge, route: Route, nanodollars: int | None) -> Placing:
        limits = self._door.limits(self._request.origin)  # first: the row must not be older than its budgets
        hold = charge.hold(self._request_id, len(self._attempts) + 1, nanodollars, route)
        return self._door.ledger.place(hold, limits)

    async def _placed(self, placing: Placing) -> None:
        try:
            await self._door.ledger.placed(placing)
        except BudgetExceeded as error:
            self._attempts.append(Attempt(placing.hold.target, error.kind, 0))
            raise

    async def _open(self, route: Route, target: Target) -> Opened:
        """Get ready to ask; a server of the user's own is asked what it is, which may fail as any attempt."""
        endpoint = self._door.planner.seller(target)
        charge = self._charge(target, endpoint) if endpoint is not None else None
        try:
            return await self._door.directory.open(target)
        except ProviderError as error:
            if charge is not None:
                await self._placed(self._place(charge, route, 0))
                self.done = self._end(route, target, charge, "failed", kind=error.kind, may_be_billed=False)
            raise

    def _end(
        self,
        route: Route,
        planned: Target,
        charge: Charge,
        outcome: Outcome,
        *,
        kind: str | None,
        may_be_billed: bool,
    ) -> Done:
        """Settle an attempt, and sum up. No await here: this also runs while the task is being cancelled."""
        settlement = charge.settle(outcome, error_kind=kind, may_be_billed=may_be_billed)
        self._door.ledger.settle(settlement)
        self._attempts.append(Attempt(charge.target, kind or outcome, charge.total_ms))
        self._settlements.append(settlement)
        self._trace = charge.trace
        return self._done(self._taken(route, planned, charge.target))

    def _charge(self, target: Target, endpoint: Endpoint) -> Charge:
        planner = self._door.planner
        baseline = planner.baseline()
        seller = planner.seller(baseline) if baseline is not None else None
        priced = (baseline, seller) if baseline is not None and seller is not None else None
        return Charge(self._request, target, endpoint, planner.pricing, priced)

    def _call(self, target: Target, opened: Opened) -> Call:
        """Let the room write the call for this target; add what is known of its model; take secrets out."""
        traits = _known(self._door.planner.traits(target), opened)
        serving = Serving(
            target,
            opened.model,
            opened.endpoint.fill,
            traits.max_output_tokens,
            reasons=traits.reasons,
        )
        call = self._request.render(serving)
        call = replace(
            call,
            max_output_tokens=clamped_output(call.max_output_tokens, self._request.input_tokens, traits),
            conversation=self._request.origin.conversation,
            traits=traits,
        )
        door = self._door
        return guard.screened(call, self._request, door.planner.config.privacy, door.directory.known_keys())

    def _done(self, route: Route) -> Done:
        """Sum up the attempts so far: what an earlier one cost is part of what the request cost."""
        last = self._settlements[-1]
        return Done(
            finish_reason=last.finish_reason or "stop",
            usage=total_usage([settlement.usage for settlement in self._settlements]),
            cost=total_cost([settlement.cost for settlement in self._settlements]),
            route=route,
            cancelled=last.outcome == "cancelled",
            first_token_ms=last.first_token_ms,
            total_ms=last.total_ms or 0,
            trace=self._trace,
            call_id=last.call_id,
        )

    def _taken(self, route: Route, planned: Target, served: Target) -> Route:
        """Return the route that was really taken: what failed is dropped, what answers is chosen."""
        attempts = tuple(self._attempts)
        if served == planned == route.target:
            return replace(route, attempts=attempts)
        tried = {attempt.target: attempt.outcome for attempt in self._attempts[:-1]}
        targets = (route.target, *route.fallbacks)
        place = targets.index(planned)
        candidates: list[Candidate] = []
        for candidate in route.candidates:
            if candidate.target == planned:
                candidates.append(replace(candidate, target=served, verdict="chosen"))
            elif candidate.target in targets[:place]:
                outcome = tried.get(candidate.target)
                why = f"tried: {outcome}" if outcome else "not tried: it was left alone by then"
                candidates.append(replace(candidate, verdict="dropped", why=why))
            else:
                candidates.append(candidate)
        why = next(candidate.why for candidate in route.candidates if candidate.target == planned)
        return replace(
            route,
            target=served,
            reason=f"{why}; what comes before it failed" if place else why,
            fallbacks=targets[place + 1 :],
            candidates=tuple(candidates),
            estimate=self._door.planner.estimate_with_baseline(served, self._request),
            attempts=attempts,
        )


def _known(traits: Traits, opened: Opened) -> Traits:
    """Put what the user or the server itself says of a model before what the catalogue does."""
    return replace(
        traits,
        context_window=opened.context_window or traits.context_window,
        reasons=traits.reasons if opened.reasons is None else opened.reasons,
    )
