"""How hard a model should think, as each kind of vendor is told."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import UNKNOWN_TRAITS, Call, Chat, Message, ReasoningEffort, Tool, Traits
from farebox.providers.base import Quirks, ReasoningField
from farebox.providers.openai_effort import (
    BUDGET_TOKENS,
    MIN_BUDGET_TOKENS,
    effort_of,
    nearest,
    reasoning_fields,
)

HELLO = Chat((Message("user", "Hello"),))
EFFORTS: tuple[ReasoningEffort, ...] = get_args(ReasoningEffort)


def check(
    reasoning: ReasoningEffort | int | None,
    field: ReasoningField,
    *,
    traits: Traits = UNKNOWN_TRAITS,
    **quirks: tuple[str, ...],
) -> dict[str, object]:
    call = Call("m-1", HELLO, reasoning=reasoning, traits=traits)
    return reasoning_fields(call, Quirks(reasoning_field=field, **quirks))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reasoning", "field", "expected"),
    [
        pytest.param(None, "reasoning_effort", {}, id="nothing is asked for"),
        pytest.param("high", "reasoning_effort", {"reasoning_effort": "high"}, id="an effort"),
        pytest.param("none", "reasoning_effort", {"reasoning_effort": "none"}, id="no effort"),
        pytest.param(2000, "reasoning_effort", {"reasoning_effort": "medium"}, id="tokens as an effort"),
        pytest.param("high", "reasoning", {"reasoning": {"effort": "high"}}, id="OpenRouter, an effort"),
        pytest.param("none", "reasoning", {"reasoning": {"effort": "none"}}, id="OpenRouter, none"),
        pytest.param(2000, "reasoning", {"reasoning": {"max_tokens": 2000}}, id="OpenRouter, tokens"),
        pytest.param(
            "max",
            "thinking",
            {"thinking": {"type": "enabled"}, "reasoning_effort": "max"},
            id="a toggle with an effort beside it",
        ),
        pytest.param("none", "thinking", {"thinking": {"type": "disabled"}}, id="a toggle, off"),
        pytest.param(0, "thinking", {"thinking": {"type": "disabled"}}, id="a toggle, no tokens"),
        pytest.param("high", "none", {}, id="a vendor without any field"),
    ],
)
def test_reasoning_is_asked_for_by(
    reasoning: ReasoningEffort | int | None, field: ReasoningField, expected: dict[str, object]
):
    assert check(reasoning, field) == expected


@pytest.mark.parametrize(
    ("budget", "limit", "expected"),
    [
        pytest.param(0, None, {"effort": "none"}, id="no tokens"),
        pytest.param(0, 500, {"effort": "none"}, id="no tokens, with a limit"),
        pytest.param(4000, 4000, {"max_tokens": 3999}, id="as many as may be written"),
        pytest.param(2000, 4000, {"max_tokens": 2000}, id="fewer than may be written"),
        pytest.param(8000, MIN_BUDGET_TOKENS + 1, {"max_tokens": MIN_BUDGET_TOKENS}, id="the fewest"),
        pytest.param(8000, MIN_BUDGET_TOKENS, {"effort": "low"}, id="too few are left"),
        pytest.param(100, None, {"effort": "low"}, id="too few are asked for"),
    ],
)
def test_a_budget_at_openrouter_leaves_room_for_the_answer(
    budget: int, limit: int | None, expected: dict[str, object]
):
    call = Call("m-1", HELLO, reasoning=budget, max_output_tokens=limit)
    assert reasoning_fields(call, Quirks(reasoning_field="reasoning")) == {"reasoning": expected}


def test_an_effort_in_place_of_a_budget_is_one_that_the_model_takes():
    call = Call("m-1", HELLO, reasoning=8000, max_output_tokens=500, traits=Traits(efforts=("high",)))
    fields = reasoning_fields(call, Quirks(reasoning_field="reasoning"))
    assert fields == {"reasoning": {"effort": "high"}}


def test_an_effort_is_one_that_the_model_takes():
    traits = Traits(efforts=("low", "high"))
    assert check("max", "reasoning_effort", traits=traits) == {"reasoning_effort": "high"}
    assert check("max", "reasoning", traits=traits) == {"reasoning": {"effort": "high"}}


def test_the_vendors_efforts_count_only_where_the_models_own_are_not_known():
    assert check("xhigh", "reasoning_effort", efforts=("none", "high")) == {"reasoning_effort": "high"}
    traits = Traits(efforts=("xhigh",))
    assert check("xhigh", "reasoning_effort", traits=traits, efforts=("none", "high")) == {
        "reasoning_effort": "xhigh"
    }


def test_a_model_that_takes_no_effort_is_told_none():
    assert check("high", "reasoning_effort", no_effort=("m-*",)) == {}
    assert check("high", "reasoning_effort", no_effort=("n-*",)) == {"reasoning_effort": "high"}


@pytest.mark.parametrize("reasoning", [None, "high", 2000])
def test_a_model_that_takes_tools_only_without_reasoning_is_told_so_with_tools_alone(
    reasoning: ReasoningEffort | int | None,
):
    quirks = Quirks(tools_without_reasoning=("m-*",))
    tools = (Tool("f", "", {}),)
    with_tools = Call("m-1", HELLO, reasoning=reasoning, tools=tools)
    assert reasoning_fields(with_tools, quirks) == {"reasoning_effort": "none"}
    without = Call("m-1", HELLO, reasoning=reasoning)
    assert reasoning_fields(without, quirks) == reasoning_fields(without, Quirks())


@pytest.mark.parametrize(
    ("wanted", "supported", "expected"),
    [
        pytest.param("high", (), "high", id="nothing is known"),
        pytest.param("medium", ("low", "high"), "low", id="the cheaper of two"),
        pytest.param("minimal", ("none", "high"), "high", id="some is not none"),
        pytest.param("none", ("low", "high"), "low", id="the least, where it always reasons"),
        pytest.param("high", ("none",), "none", id="a model that can't"),
        pytest.param("max", ("high", "low"), "high", id="whatever their order"),
    ],
)
def test_the_nearest_effort_is(
    wanted: ReasoningEffort, supported: tuple[ReasoningEffort, ...], expected: ReasoningEffort
):
    assert nearest(wanted, supported) == expected


@given(st.sampled_from(EFFORTS), st.lists(st.sampled_from(EFFORTS), min_size=1, unique=True))
def test_the_nearest_effort_is_always_a_supported_one(
    wanted: ReasoningEffort, supported: list[ReasoningEffort]
):
    assert nearest(wanted, tuple(supported)) in supported


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_more_tokens_are_never_a_weaker_effort(fewer: int, more: int):
    fewer, more = sorted((fewer, more))
    assert EFFORTS.index(effort_of(fewer)) <= EFFORTS.index(effort_of(more))


@pytest.mark.parametrize("effort", EFFORTS)
def test_an_efforts_own_budget_is_that_effort(effort: ReasoningEffort):
    assert effort_of(BUDGET_TOKENS[effort]) == effort
