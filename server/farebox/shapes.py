"""The public JSON shapes of what farebox answers: routes, usage, cost, replays.

One pydantic model for each shape of the protocol, shared by every surface that writes JSON. Keys are
camelCase, dollars are exact decimal strings, an unknown amount is null. ``report.shapes`` adds
the cost report, ``lsp.methods`` the params and results of the methods: ``farebox schema`` comes of all three.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from farebox.messages import (
    Complexity,
    Cost,
    CostBasis,
    Evidence,
    Ground,
    Phase,
    Route,
    Strategy,
    Target,
    Task,
    Tier,
    Usage,
    Verdict,
    usd_text,
)
from farebox.router.replay import Outcome, Policy, Reason, Replay, Sum
from farebox.unseen import shown_in


class Shape(BaseModel):
    """A JSON object with camelCase keys; unknown keys are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, from_attributes=True
    )

    def json_value(self) -> dict[str, object]:
        """Return the object as it is sent or printed: no text in it holds what nobody sees."""
        return {name: shown_in(value) for name, value in self.exact_value().items()}

    def exact_value(self) -> dict[str, object]:
        """Return the object as plain JSON values; fields that were not given are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class UsageShape(Shape):
    """Inclusive token counts."""

    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int


class CostShape(Shape):
    """What it cost; ``usd`` is null if no price is known."""

    usd: str | None
    basis: CostBasis
    baseline: str | None
    baseline_usd: str | None
    saved_usd: str | None


class TargetShape(Shape):
    """A model at a provider; ``model`` is the full name, as one would write it in a setting."""

    model: str
    provider: str


class CandidateShape(TargetShape):
    """A target that was considered."""

    verdict: Verdict
    why: str
    estimated_usd: str | None


class EstimateShape(Shape):
    """What a request may cost at most."""

    usd: str | None
    baseline: str | None
    baseline_usd: str | None
    saved_percent: int | None


class AttemptShape(TargetShape):
    """One try: ``outcome`` is ok, cancelled or an error kind."""

    outcome: str
    ms: int


class RouteShape(TargetShape):
    """Where a request goes, what else was considered, and why.

    ``taskFrom`` is what the task was told by, ``tier`` what ``auto`` holds it to deserve (null if the model
    was named), ``evidence`` what lifted that.
    """

    requested: str
    task: Task
    phase: Phase
    complexity: Complexity
    strategy: Strategy
    task_from: Ground
    tier: Tier | None
    evidence: list[Evidence]
    reason: str
    fallback_chain: list[TargetShape]
    candidates: list[CandidateShape]
    estimate: EstimateShape
    attempts: list[AttemptShape] = []


class SumShape(Shape):
    """Requests and what is known of their cost."""

    requests: int
    usd: str | None


class ReplayedModelShape(Shape):
    """What went to one model, and what would have gone there."""

    model: str
    recorded: SumShape
    replayed: SumShape


class OutcomeShape(Shape):
    """What the requests come to under one policy; ``kept`` counts those that stay as they were, by reason."""

    strategy: Policy
    replanned: int
    kept: dict[Reason, int]
    usd: str | None
    difference_usd: str | None
    models: list[ReplayedModelShape]


class ReplayShape(Shape):
    """What the requests of a time would have cost; ``unpriced`` are the models without a known price."""

    since: str | None
    until: str | None
    requests: int
    usd: str | None
    baseline_usd: str | None
    saved_usd: str | None
    unpriced: list[str]
    strategies: list[OutcomeShape]


def usd(nanodollars: int | None) -> str | None:
    """Write an amount as dollars; an unknown one stays null."""
    return None if nanodollars is None else usd_text(nanodollars)


def usage_shape(usage: Usage) -> UsageShape:
    """Shape token counts."""
    return UsageShape.model_validate(usage)


def cost_shape(cost: Cost) -> CostShape:
    """Shape a cost."""
    return CostShape(
        usd=usd(cost.nanodollars),
        basis=cost.basis,
        baseline=cost.baseline_model,
        baseline_usd=usd(cost.baseline_nanodollars),
        saved_usd=usd(cost.saved_nanodollars),
    )


def target_shape(target: Target) -> TargetShape:
    """Shape a target."""
    return TargetShape(model=target.name, provider=target.provider)


def route_shape(route: Route) -> RouteShape:
    """Shape a route; ``attempts`` is there once something was tried."""
    shape = RouteShape(
        requested=route.requested,
        task=route.task,
        phase=route.phase,
        complexity=route.complexity,
        strategy=route.strategy,
        task_from=route.ground,
        tier=route.tier,
        evidence=list(route.evidence),
        model=route.target.name,
        provider=route.target.provider,
        reason=route.reason,
        fallback_chain=[target_shape(target) for target in route.fallbacks],
        candidates=[
            CandidateShape(
                model=candidate.target.name,
                provider=candidate.target.provider,
                verdict=candidate.verdict,
                why=candidate.why,
                estimated_usd=usd(candidate.estimated_nanodollars),
            )
            for candidate in route.candidates
        ],
        estimate=EstimateShape(
            usd=usd(route.estimate.nanodollars),
            baseline=route.estimate.baseline_model,
            baseline_usd=usd(route.estimate.baseline_nanodollars),
            saved_percent=route.estimate.saved_percent,
        ),
    )
    attempts = [
        AttemptShape(
            model=attempt.target.name,
            provider=attempt.target.provider,
            outcome=attempt.outcome,
            ms=attempt.ms,
        )
        for attempt in route.attempts
    ]
    return shape.model_copy(update={"attempts": attempts}) if attempts else shape


def replay_shape(replay: Replay) -> ReplayShape:
    """Shape a replay."""
    return ReplayShape(
        since=_moment(replay.since_ms),
        until=_moment(replay.until_ms),
        requests=replay.requests,
        usd=usd(replay.nanodollars),
        baseline_usd=usd(replay.baseline_nanodollars),
        saved_usd=usd(replay.saved_nanodollars),
        unpriced=list(replay.unpriced),
        strategies=[_outcome_shape(outcome) for outcome in replay.outcomes],
    )


def _outcome_shape(outcome: Outcome) -> OutcomeShape:
    return OutcomeShape(
        strategy=outcome.policy,
        replanned=outcome.replanned,
        kept=dict(outcome.kept),
        usd=usd(outcome.nanodollars),
        difference_usd=usd(outcome.difference_nanodollars),
        models=[
            ReplayedModelShape(
                model=model.name, recorded=_sum_shape(model.recorded), replayed=_sum_shape(model.replayed)
            )
            for model in outcome.models
        ],
    )


def _sum_shape(one: Sum) -> SumShape:
    return SumShape(requests=one.requests, usd=usd(one.nanodollars))


def _moment(unix_ms: int | None) -> str | None:
    """Write a moment as the report does: ISO 8601, in local time."""
    if unix_ms is None:
        return None
    return datetime.fromtimestamp(unix_ms / 1000).astimezone().isoformat(timespec="seconds")
