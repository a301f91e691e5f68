"""What the recorded requests would have cost under another policy. Nothing is sent.

Each request that ``auto`` had decided is planned again, from what the ledger holds of it: by the settings,
keys and prices of today, with everybody in good health and no daily or monthly budget in the way. What the
user had named stays as it was. The usage is the recorded one, with its cached tokens: how much of a prompt
another model would have had cached, and how long its answer would have been, nobody knows. Where a
conversation's prompt is cached counts for the plan of its next step, as for a real one, and follows what the
replay itself has chosen.

``strongest`` is no plan but what savings are measured against: every request at its baseline, also one that
named a model. So it differs from what was paid by exactly what the report calls saved.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias, get_args

from farebox import prices
from farebox.errors import FareboxError, InvalidParams
from farebox.ledger.past import Past
from farebox.ledger.queries import Query
from farebox.ledger.records import Routing
from farebox.ledger.store import Ledger
from farebox.messages import Call, Chat, Strategy, Target, Task
from farebox.providers.directory import DEFAULT_MODEL
from farebox.router.classify import Facts, Work
from farebox.router.health import Health
from farebox.router.plan import Planner
from farebox.router.request import CACHE_S, MIN_CACHED_TOKENS, Kept, Request, Serving

Policy: TypeAlias = Strategy | Literal["strongest"]
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)
POLICIES: Final[tuple[Policy, ...]] = (*STRATEGIES, "strongest")

MAX_REQUESTS: Final = 200_000
"""Some minutes of planning; more than a person asks in a year."""

MAX_CONVERSATIONS: Final = 1_000
"""How many conversations are followed at once: none is cached for longer than a few minutes."""

Reason: TypeAlias = Literal["named", "failed", "unpriced", "unrecorded", "unplannable"]
"""Why a request stays as it was: the user had named its model; it failed; what it cost, or would cost, is not
known; it is older than the record of routes; no model that could take it is set up today."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Requests and the sum of their known costs; None if there are requests and none of these is known."""

    requests: int = 0
    nanodollars: int | None = 0

    def plus(self, nanodollars: int | None) -> "Sum":
        """Return it with one more request."""
        so_far = self.nanodollars if self.requests else None
        known = [amount for amount in (so_far, nanodollars) if amount is not None]
        return Sum(self.requests + 1, sum(known) if known else None)


@dataclass(frozen=True, slots=True)
class Model:
    """What went to one model, and what would have gone there."""

    name: str
    recorded: Sum
    replayed: Sum


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the requests come to under one policy.

    ``replanned`` counts those that were decided anew, ``kept`` the others, by the reason. ``difference`` is
    what the policy would have cost more, and None where no cost is known.
    """

    policy: Policy
    replanned: int
    kept: tuple[tuple[Reason, int], ...]
    nanodollars: int | None
    difference_nanodollars: int | None
    models: tuple[Model, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """What was recorded, as the report of the same time sums it up, and what each policy makes of it.

    Requests without a known cost are in ``requests`` and in no sum; ``unpriced`` names their models.
    """

    since_ms: int | None
    until_ms: int | None
    requests: int
    nanodollars: int | None
    baseline_nanodollars: int | None
    saved_nanodollars: int | None
    unpriced: tuple[str, ...]
    outcomes: tuple[Outcome, ...]


async def replay(
    ledger: Ledger,
    planner: Planner,
    query: Query,
    policies: tuple[Policy, ...] = POLICIES,
    *,
    most: int = MAX_REQUESTS,
) -> Replay:
    """Plan what the ledger holds of a time again. Raises InvalidParams if that is too much."""
    if not prices.loaded():
        await asyncio.to_thread(prices.preload)
    calm = replace(planner, health=Health())
    record = _Record()
    walks = [_Walk(policy, calm) for policy in policies]
    async with aclosing(_bounded(ledger, query, most)) as rows:
        async for past in rows:
            record.take(past)
            for walk in walks:
                walk.take(past)
    return Replay(
        since_ms=query.since_ms,
        until_ms=query.until_ms,
        requests=record.paid.requests,
        nanodollars=record.paid.nanodollars,
        baseline_nanodollars=record.baseline_nanodollars,
        saved_nanodollars=record.saved_nanodollars,
        unpriced=tuple(sorted(record.unpriced)),
        outcomes=tuple(walk.outcome(record) for walk in walks),
    )


async def _bounded(ledger: Ledger, query: Query, most: int) -> AsyncGenerator[Past]:
    count = 0
    async with aclosing(ledger.past(query)) as rows:
        async for past in rows:
            count += 1
            if count > most:
                raise InvalidParams(
                    f"there are more than {most} requests to be replayed",
                    hint="ask for a shorter time",
                )
            yield past


@dataclass(slots=True)
class _Record:
    """What was paid, summed up as the report does."""

    paid: Sum = Sum()
    baseline: Sum = Sum()
    paid_with_baseline: int = 0
    models: dict[str, Sum] = field(default_factory=dict[str, Sum])
    unpriced: set[str] = field(default_factory=set[str])

    @property
    def baseline_nanodollars(self) -> int | None:
        return self.baseline.nanodollars if self.baseline.requests else None

    @property
    def saved_nanodollars(self) -> int | None:
        at_baseline = self.baseline_nanodollars
        return None if at_baseline is None else at_baseline - self.paid_with_baseline

    def take(self, past: Past) -> None:
        name, cost = past.target.name, past.cost_nanodollars
        self.paid = self.paid.plus(cost)
        self.models[name] = self.models.get(name, Sum()).plus(cost)
        if cost is None:
            self.unpriced.add(name)
        elif past.baseline_nanodollars is not None:
            self.baseline = self.baseline.plus(past.baseline_nanodollars)
            self.paid_with_baseline += cost


@dataclass(frozen=True, slots=True)
class _Cached:
    """What a conversation has left at a model that the replay had sent it to."""

    tokens: int
    ended_ms: int


_Prompt: TypeAlias = tuple[Target, Task]
"""Whose cache, and the task that was asked for: its system text begins the prompt. Some tasks share one, and
an agent's own serves all; the ledger does not tell, so these count as different too."""


@dataclass(slots=True)
class _Walk:
    """One policy on its way through the record, in the order in which the requests were made."""

    policy: Policy
    planner: Planner
    replanned: int = 0
    kept: Counter[Reason] = field(default_factory=Counter["Reason"])
    total: Sum = Sum()
    models: dict[str, Sum] = field(default_factory=dict[str, Sum])
    cached: OrderedDict[str, dict[_Prompt, _Cached]] = field(
        default_factory=OrderedDict[str, "dict[_Prompt, _Cached]"]
    )

    def take(self, past: Past) -> None:
        """Decide one request anew, or keep it as it was."""
        found = self._strongest(past) if self.policy == "strongest" else self._planned(past, self.policy)
        if isinstance(found, tuple):
            self.replanned += 1
            target, cost = found
        else:
            self.kept[found] += 1
            target, cost = past.target, past.cost_nanodollars
        self.total = self.total.plus(cost)
        self.models[target.name] = self.models.get(target.name, Sum()).plus(cost)
        self._note(past, target)

    def outcome(self, record: _Record) -> Outcome:
        paid, would_be = record.paid.nanodollars, self.total.nanodollars
        names = sorted({*record.models, *self.models})
        return Outcome(
            policy=self.policy,
            replanned=self.replanned,
            kept=tuple((reason, self.kept[reason]) for reason in get_args(Reason) if self.kept[reason]),
            nanodollars=would_be,
            difference_nanodollars=None if paid is None or would_be is None else would_be - paid,
            models=tuple(
                Model(name, record.models.get(name, Sum()), self.models.get(name, Sum())) for name in names
            ),
        )

    def _strongest(self, past: Past) -> tuple[Target, int] | Reason:
        """Put a request where savings are measured from; without a recorded baseline none was measured."""
        if past.cost_nanodollars is None or past.baseline_nanodollars is None:
            return "unpriced"
        target = self.planner.baseline()
        if target is None:
            return "unplannable"
        cost = past.baseline_nanodollars if target.name == past.baseline_model else self._price(past, target)
        return "unpriced" if cost is None else (target, cost)

    def _planned(self, past: Past, strategy: Strategy) -> tuple[Target, int] | Reason:
        if past.cost_nanodollars is None:
            return "unpriced"
        if past.outcome == "failed":
            return "failed"
        routing = past.routing
        if routing is None:
            return "unrecorded"
        if routing.tier is None:
            return "named"
        request = _request(routing, strategy, self._cached_before(past))
        try:
            target = self.planner.plan(request).target
        except FareboxError:
            return "unplannable"
        if target.model == DEFAULT_MODEL and target.provider == past.target.provider:
            target = past.target  # the model that such a server has loaded is known once it has answered
        if target == past.target:
            return target, past.cost_nanodollars
        at_baseline = past.baseline_nanodollars if target.name == past.baseline_model else None
        cost = self._price(past, target) if at_baseline is None else at_baseline
        return "unpriced" if cost is None else (target, cost)

    def _price(self, past: Past, target: Target) -> int | None:
        seller = self.planner.seller(target)
        if seller is None:
            return None
        return self.planner.pricing.cost_nanodollars(seller, target.model, past.usage)

    def _cached_before(self, past: Past) -> tuple[Kept, ...]:
        left = self.cached.get(past.conversation, {}) if past.conversation is not None else {}
        found = (
            Kept(target, one.tokens, age_s=(past.started_ms - one.ended_ms) / 1000)
            for (target, task), one in left.items()
            if task == past.task
        )
        return tuple(sorted(found, key=lambda kept: kept.age_s))

    def _note(self, past: Past, target: Target) -> None:
        """Remember where the conversation is cached now; what has failed is followed by another attempt."""
        if past.conversation is None or past.outcome == "failed":
            return
        tokens = past.usage.input_tokens + past.usage.output_tokens
        if tokens < MIN_CACHED_TOKENS:
            return
        ended_ms = past.started_ms + past.total_ms
        left = self.cached.pop(past.conversation, {})
        warm = {one: what for one, what in left.items() if ended_ms - what.ended_ms <= CACHE_S * 1000}
        warm[target, past.task] = _Cached(tokens, ended_ms)
        self.cached[past.conversation] = warm
        if len(self.cached) > MAX_CONVERSATIONS:
            self.cached.popitem(last=False)


def _request(routing: Routing, strategy: Strategy, kept: tuple[Kept, ...]) -> Request:
    """Make a request of what the ledger holds of one: what a plan depends on, and no text."""
    return Request(
        routing.task,
        _never_sent,
        routing.input_bytes,
        routing.max_output_tokens,
        requested=f"auto:{strategy}",
        images=routing.images,
        caches=routing.caches,
        facts=Facts(tools=routing.tools),
        evidence=routing.evidence,
        kept=kept,
        known_work=Work(routing.task, routing.phase, routing.complexity),
    )


def _never_sent(serving: Serving) -> Call:
    return Call(serving.model, Chat(()))
