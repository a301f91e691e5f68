"""The meter of one attempt: when it started, what came, what it cost in the end.

A provider's own figure wins; then the price table times the usage; then an estimate from what was sent
and seen; and where no price is known, the cost is unknown and stays so.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from farebox.errors import BrokenReply
from farebox.ledger.records import Hold, Mark, Outcome, Routing, Settlement, believable, bookable
from farebox.messages import (
    Begun,
    Cost,
    CostBasis,
    Delta,
    Finish,
    FinishReason,
    Reasoning,
    Route,
    Target,
    Text,
    ToolCall,
    Trace,
    Usage,
)
from farebox.providers import generation
from farebox.providers.base import Endpoint
from farebox.router.pricing import Pricing
from farebox.router.request import Request, bytes_in, new_id, tokens_in

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""Of text, reasoning and tool calls together: twenty times what a model can write at once."""


@dataclass(slots=True)
class Charge:
    """One attempt's meter. ``baseline`` is the strongest model's target and who sells it."""

    request: Request
    target: Target
    endpoint: Endpoint
    pricing: Pricing
    baseline: tuple[Target, Endpoint] | None
    call_id: str = field(default_factory=new_id)
    started_s: float = field(default_factory=time.monotonic)
    first_token_s: float | None = None
    output_bytes: int = 0
    reasoning_bytes: int = 0
    begun: Begun | None = None
    finish: Finish | None = None
    held_nanodollars: int | None = None

    def hold(self, request_id: str, attempt: int, hold_nanodollars: int | None, route: Route) -> Hold:
        """Return the row that must stand before the request leaves; it dates from this moment."""
        self.held_nanodollars = hold_nanodollars
        origin = self.request.origin
        return Hold(
            call_id=self.call_id,
            request_id=request_id,
            attempt=attempt,
            task=self.request.task,
            target=self.target,
            hold_nanodollars=hold_nanodollars,
            started_ms=time.time_ns() // 1_000_000,
            workspace=origin.workspace,
            client=origin.client,
            conversation=origin.conversation,
            language=self.request.language,
            routing=self._routing(route),
        )

    def _routing(self, route: Route) -> Routing:
        """Write down what the plan was made of; the request's own text is no part of it."""
        request = self.request
        return Routing(
            requested=route.requested,
            strategy=route.strategy,
            phase=route.phase,
            complexity=route.complexity,
            tier=route.tier,
            evidence=request.evidence,
            images=request.images,
            tools=request.facts.tools,
            caches=request.caches,
            input_bytes=request.input_bytes,
            max_output_tokens=request.max_output_tokens,
            task=route.task,
        )

    def note(self, delta: Delta) -> bool:
        """Take note of an event as it passes; say whether it is the first of the answer."""
        match delta:
            case Text(text):
                self.output_bytes += bytes_in(text)
            case Reasoning(text):
                self.reasoning_bytes += bytes_in(text)
            case ToolCall():
                self.output_bytes += bytes_in(delta.name + delta.arguments)
            case Begun():
                self.begun = delta
                return False
            case Finish():
                self.finish = delta
                return False
            case _:
                assert_never(delta)
        if self.first_token_s is not None:
            return False
        self.first_token_s = time.monotonic()
        return True

    def mark(self) -> Mark:
        """Say how far the attempt has come: what it would be charged if this process died now."""
        estimated = believable(self._computed(self._estimated_usage()))
        return Mark(self.call_id, estimated, self._generation_id)

    def check_size(self) -> None:
        """Raise BrokenReply for an answer that no model writes: whoever reads it keeps it in memory."""
        if self.output_bytes + self.reasoning_bytes > MAX_ANSWER_BYTES:
            raise BrokenReply(
                f"{self.target.provider} sent an answer of more than {MAX_ANSWER_BYTES} bytes",
                hint="This is no answer of a model. Check the provider's base_url.",
                provider=self.target.provider,
            )

    def shown(self, call: ToolCall) -> ToolCall:
        """Return a tool call as it goes to the caller: its id and name without the key."""
        return replace(call, id=self._without_key(call.id) or "", name=self._without_key(call.name) or "")

    @property
    def trace(self) -> Trace | None:
        """The answer's reasoning as it goes back with the next turn; None if its model's name holds a key."""
        trace = self.finish.trace if self.finish is not None else None
        return trace if trace is None or trace.model == self._without_key(trace.model) else None

    @property
    def passed_something(self) -> bool:
        """True once an event of the answer has gone to the caller."""
        return self.first_token_s is not None

    @property
    def total_ms(self) -> int:
        """Milliseconds since the attempt began."""
        return round((time.monotonic() - self.started_s) * 1000)

    @property
    def first_token_ms(self) -> int | None:
        """Milliseconds to the first event, if there was one."""
        return None if self.first_token_s is None else round((self.first_token_s - self.started_s) * 1000)

    def settle(
        self, outcome: Outcome, *, error_kind: str | None = None, may_be_billed: bool = True
    ) -> Settlement:
        """Say what the attempt came to; ``may_be_billed`` is False if the provider refused or never heard."""
        usage, cost, computed = self._bill(may_be_billed=may_be_billed or self.passed_something)
        finish = self.finish
        is_guess = self._is_guess(usage, cost)
        reasons: dict[Outcome, FinishReason] = {"cancelled": "cancelled", "failed": "error"}
        settlement = Settlement(
            call_id=self.call_id,
            outcome=outcome,
            error_kind=error_kind,
            finish_reason=finish.reason if finish is not None else reasons.get(outcome, "stop"),
            usage=usage,
            cost=cost,
            reported_nanodollars=finish.reported_nanodollars if finish is not None else None,
            computed_nanodollars=computed,
            served_model=self._without_key(finish.served_model) if finish is not None else None,
            generation_id=self._generation_id,
            first_token_ms=self.first_token_ms,
            total_ms=self.total_ms,
            target=self.target,
            task=self.request.task,
            correctable=is_guess and generation.can_ask(self.endpoint, self._generation_id),
        )
        return bookable(settlement)

    @property
    def _generation_id(self) -> str | None:
        told = self.finish.generation_id if self.finish is not None else None
        return self._without_key(told or (self.begun.generation_id if self.begun is not None else None))

    def _is_guess(self, usage: Usage, cost: Cost) -> bool:
        """Say whether both the cost and the usage are our own guess, not what a provider has told."""
        told = self.finish.usage if self.finish is not None else None
        return cost.basis in ("estimated", "unknown") and usage != told

    def _without_key(self, text: str | None) -> str | None:
        """Return a name as a provider gave it; a key that it repeats there must not get into the ledger."""
        credential = self.endpoint.credential
        return credential.secret.redact(text) if text and credential is not None else text

    def _bill(self, *, may_be_billed: bool) -> tuple[Usage, Cost, int | None]:
        told = self.finish.usage if self.finish is not None else None
        reported = believable(self.finish.reported_nanodollars) if self.finish is not None else None
        if told is not None:
            usage = self._at_least_seen(told)
            computed = self._computed(usage)
            if reported is not None:
                return usage, self._cost(usage, reported, "reported"), computed
            known: CostBasis = "computed" if usage == told else "estimated"
            return usage, self._cost(usage, computed, known if computed is not None else "unknown"), computed
        if reported is None and not may_be_billed:
            return Usage(), Cost(nanodollars=0, basis="computed"), 0
        usage = self._estimated_usage()
        if reported is not None:
            return usage, self._cost(usage, reported, "reported"), None
        estimated = self._computed(usage)
        return usage, self._cost(usage, estimated, "estimated" if estimated is not None else "unknown"), None

    def _at_least_seen(self, told: Usage) -> Usage:
        """Raise the count of an answer that broke off: it was told before what came last."""
        if self.finish is None or self.finish.reason != "error":
            return told
        seen = self._estimated_usage().output_tokens
        return replace(told, output_tokens=max(seen, told.output_tokens))

    def _estimated_usage(self) -> Usage:
        reasoning_tokens = tokens_in(self.reasoning_bytes)
        return Usage(
            input_tokens=self.request.input_tokens,
            output_tokens=tokens_in(self.output_bytes) + reasoning_tokens,
            reasoning_tokens=reasoning_tokens,
        )

    def _computed(self, usage: Usage) -> int | None:
        served = self.finish.served_model if self.finish is not None else None
        return self.pricing.cost_nanodollars(
            self.endpoint, priced_model(self.endpoint, self.target, served), usage
        )

    def _cost(self, usage: Usage, nanodollars: int | None, basis: CostBasis) -> Cost:
        """Return a cost with its baseline. One that nobody can say counts as what was held for it, if that is
        known: a budget must not grow by it.
        """
        if nanodollars is None and self.held_nanodollars is not None:
            nanodollars, basis = self.held_nanodollars, "estimated"
        if self.baseline is None:
            return Cost(nanodollars, basis)
        baseline, seller = self.baseline
        at_baseline = self.pricing.cost_nanodollars(seller, baseline.model, usage)
        return Cost(nanodollars, basis, baseline_model=baseline.name, baseline_nanodollars=at_baseline)


def priced_model(endpoint: Endpoint, target: Target, served: str | None) -> str:
    """Return the model that is charged: where another of the user's list may answer, the one that did."""
    may_differ = endpoint.routing is not None and endpoint.routing.models
    return served if may_differ and served else target.model
