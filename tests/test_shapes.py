"""The public JSON: camelCase keys as the protocol writes them, exact dollars, null for what is unknown."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from farebox.messages import UNKNOWN_COST, Attempt, Candidate, Cost, Estimate, Route, Target, Usage
from farebox.shapes import (
    RouteShape,
    UsageShape,
    cost_shape,
    route_shape,
    usage_shape,
)

TARGET, OTHER = Target("openrouter", "acme/m"), Target("local", "x")
ROUTE = Route(
    requested="auto",
    task="chat",
    phase="act",
    complexity="low",
    strategy="balanced",
    target=TARGET,
    reason="auto: the strategy is balanced",
    fallbacks=(OTHER,),
    candidates=(
        Candidate(TARGET, "chosen", "because", None),
        Candidate(OTHER, "fallback", "next", 0),
    ),
    estimate=Estimate(213_000, "openrouter/big", 426_000),
)


def test_usage_has_the_protocols_keys():
    assert usage_shape(Usage(10, 4, 3, 2, 1)).json_value() == {
        "inputTokens": 10,
        "cachedInputTokens": 4,
        "cacheWriteTokens": 3,
        "outputTokens": 2,
        "reasoningTokens": 1,
    }


@pytest.mark.parametrize(
    ("cost", "usd", "baseline_usd", "saved_usd"),
    [
        pytest.param(Cost(213_000, "reported", "b", 300_000), "0.000213", "0.0003", "0.000087", id="known"),
        pytest.param(Cost(0, "computed", "b", 300_000), "0.00", "0.0003", "0.0003", id="free-is-not-null"),
        pytest.param(Cost(2, "computed", "b", 1), "0.000000002", "0.000000001", "-0.000000001", id="dearer"),
        pytest.param(Cost(None, "unknown", "b", 300_000), None, "0.0003", None, id="unknown-is-null"),
        pytest.param(Cost(1, "estimated", "b", None), "0.000000001", None, None, id="unknown-baseline"),
    ],
)
def test_a_cost_is_exact_dollars_or_null(
    cost: Cost, usd: str | None, baseline_usd: str | None, saved_usd: str | None
):
    assert cost_shape(cost).json_value() == {
        "usd": usd,
        "basis": cost.basis,
        "baseline": "b",
        "baselineUsd": baseline_usd,
        "savedUsd": saved_usd,
    }


def test_without_a_baseline_its_keys_are_null_and_there():
    assert cost_shape(UNKNOWN_COST).json_value() == {
        "usd": None,
        "basis": "unknown",
        "baseline": None,
        "baselineUsd": None,
        "savedUsd": None,
    }


def test_a_route_has_the_protocols_keys_and_full_model_names():
    assert route_shape(ROUTE).json_value() == {
        "requested": "auto",
        "task": "chat",
        "phase": "act",
        "complexity": "low",
        "strategy": "balanced",
        "taskFrom": "asked",
        "tier": None,
        "evidence": [],
        "model": "openrouter/acme/m",
        "provider": "openrouter",
        "reason": "auto: the strategy is balanced",
        "fallbackChain": [{"model": "local/x", "provider": "local"}],
        "candidates": [
            {
                "model": "openrouter/acme/m",
                "provider": "openrouter",
                "verdict": "chosen",
                "why": "because",
                "estimatedUsd": None,
            },
            {
                "model": "local/x",
                "provider": "local",
                "verdict": "fallback",
                "why": "next",
                "estimatedUsd": "0.00",
            },
        ],
        "estimate": {
            "usd": "0.000213",
            "baseline": "openrouter/big",
            "baselineUsd": "0.000426",
            "savedPercent": 50,
        },
    }


def test_attempts_are_there_once_something_was_tried():
    assert "attempts" not in route_shape(ROUTE).json_value()
    tried = replace(ROUTE, attempts=(Attempt(OTHER, "rateLimited", 12), Attempt(TARGET, "ok", 340)))
    assert route_shape(tried).json_value()["attempts"] == [
        {"model": "local/x", "provider": "local", "outcome": "rateLimited", "ms": 12},
        {"model": "openrouter/acme/m", "provider": "openrouter", "outcome": "ok", "ms": 340},
    ]


def test_what_is_written_can_be_read_back():
    value = json.loads(json.dumps(route_shape(ROUTE).json_value()))
    assert RouteShape.model_validate(value) == route_shape(ROUTE)


def test_unknown_keys_are_refused():
    known = usage_shape(Usage()).json_value()
    with pytest.raises(ValidationError):
        UsageShape.model_validate({**known, "price": 1})
