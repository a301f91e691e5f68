"""What an answer used and cost, wherever its provider writes it and however it counts."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import Usage
from farebox.providers.json_value import JsonObject, parse_object
from farebox.providers.openai_choice import first_choice
from farebox.providers.openai_usage import reported_nanodollars, usage_of, usage_tables

FIVE = {"prompt_tokens": 5}


@pytest.mark.parametrize(
    "where",
    [
        pytest.param({"choices": [], "usage": FIVE}, id="in the last chunk"),
        pytest.param({"choices": [], "x_groq": {"usage": FIVE}}, id="in Groq's own object"),
        pytest.param({"choices": [{"delta": {}, "usage": FIVE}]}, id="in the choice"),
        pytest.param({"usage": FIVE}, id="alone"),
    ],
)
def test_usage_is_found(where: JsonObject):
    assert usage_tables(where, first_choice(where)) == (FIVE,)


@pytest.mark.parametrize("nothing", [{}, {"usage": None}, {"usage": {}}, {"usage": 7}, {"choices": [7]}])
def test_no_usage_is_found(nothing: JsonObject):
    assert usage_tables(nothing, first_choice(nothing)) == ()


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 10},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(100, 80, 10, 50, 20),
            id="OpenAI and OpenRouter",
        ),
        pytest.param(
            {"prompt_tokens": 100, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
            Usage(100, 64),
            id="DeepSeek",
        ),
        pytest.param({"prompt_tokens": 100, "cached_tokens": 64}, Usage(100, 64), id="Moonshot"),
        pytest.param(
            {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}},
            Usage(5, 5),
            id="no more from the cache than there was",
        ),
        pytest.param(
            {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 4}},
            Usage(5, 4, 1),
            id="no more into the cache than was not from it",
        ),
        pytest.param({"prompt_tokens": 5, "prompt_tokens_details": None}, Usage(5), id="null details"),
        pytest.param(
            {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": "4"}},
            Usage(5, 0, 0, 3),
            id="a detail that is nonsense",
        ),
        pytest.param({"prompt_tokens": 0, "completion_tokens": 0}, Usage(), id="zeros are a count"),
    ],
)
def test_usage_reads_as(table: JsonObject, expected: Usage):
    assert usage_of(table) == expected


@pytest.mark.parametrize(
    "table",
    [
        '{"total_tokens": 7}',
        '{"prompt_tokens": null, "completion_tokens": null}',
        '{"prompt_tokens": -1, "completion_tokens": 3}',
        '{"prompt_tokens": 5, "completion_tokens": "3"}',
        '{"prompt_tokens": 5, "completion_tokens": NaN}',
        '{"prompt_tokens": 5, "completion_tokens": 3.5}',
        '{"prompt_tokens": 5, "completion_tokens": true}',
        '{"prompt_tokens": 1e400, "completion_tokens": 3}',
        '{"prompt_tokens": 10000000000, "completion_tokens": 3}',
    ],
)
def test_counts_that_are_missing_or_nonsense_are_not_known_and_not_zero(table: str):
    parsed = parse_object(table)
    assert parsed is not None
    assert usage_of(parsed) is None


def counted(prompt: int, written: int, reasoning: int | None, total: int | None) -> JsonObject:
    table: dict[str, object] = {"prompt_tokens": prompt, "completion_tokens": written}
    if reasoning is not None:
        table["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    if total is not None:
        table["total_tokens"] = total
    return table


@pytest.mark.parametrize(
    ("table", "beside", "output", "reasoning"),
    [
        pytest.param(counted(10, 50, 20, 60), False, 50, 20, id="inside, says the total"),
        pytest.param(counted(10, 50, 20, 60), True, 50, 20, id="inside, says the total, whatever is usual"),
        pytest.param(counted(10, 50, 20, None), False, 50, 20, id="inside, without a total"),
        pytest.param(counted(10, 30, 20, 60), False, 50, 20, id="beside, says the total"),
        pytest.param(counted(10, 30, 20, 60), True, 50, 20, id="beside, as is usual there"),
        pytest.param(counted(10, 30, 20, None), True, 50, 20, id="beside, without a total"),
        pytest.param(counted(10, 30, None, 60), True, 50, 20, id="hidden in the total, at Gemini"),
        pytest.param(counted(10, 30, None, 60), False, 30, 0, id="a total that nobody explains"),
        pytest.param(counted(10, 30, 40, 40), False, 30, 30, id="no more reasoning than output"),
        pytest.param(counted(10, 30, 20, 5), True, 30, 20, id="a total that is too small"),
    ],
)
def test_reasoning_is_inside_the_output_wherever_it_was_counted(
    table: JsonObject, beside: bool, output: int, reasoning: int
):
    usage = usage_of(table, reasoning_beside_output=beside)
    assert usage == Usage(10, output_tokens=output, reasoning_tokens=reasoning)


ANYTHING = st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats() | st.text(max_size=3)
DETAILS = st.dictionaries(
    st.sampled_from(["cached_tokens", "cache_write_tokens", "reasoning_tokens"]), ANYTHING
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "prompt_tokens": ANYTHING,
            "completion_tokens": ANYTHING,
            "total_tokens": ANYTHING,
            "cached_tokens": ANYTHING,
            "prompt_tokens_details": ANYTHING | DETAILS,
            "completion_tokens_details": ANYTHING | DETAILS,
        },
    ),
    st.booleans(),
)
def test_whatever_is_reported_the_counts_add_up(table: dict[str, object], beside: bool):
    usage = usage_of(cast("JsonObject", table), reasoning_beside_output=beside)
    if usage is not None:
        assert 0 <= usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert 0 <= usage.reasoning_tokens <= usage.output_tokens


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param('{"cost": 0.0160614}', 16_061_400, id="a plain cost"),
        pytest.param('{"cost": 0.0000000014}', 1, id="rounded down"),
        pytest.param('{"cost": 0.0000000015}', 2, id="a half is rounded up"),
        pytest.param('{"cost": 0}', 0, id="free is a price"),
        pytest.param('{"cost": null}', None, id="null"),
        pytest.param('{"cost": -1}', None, id="negative"),
        pytest.param('{"cost": "0.1"}', None, id="a string"),
        pytest.param("{}", None, id="none"),
        pytest.param(
            '{"cost": 0.1, "is_byok": false, "cost_details": {"upstream_inference_cost": 0.1}}',
            100_000_000,
            id="the upstream's part is inside the cost",
        ),
        pytest.param(
            '{"cost": 0.1, "cost_details": {"upstream_inference_cost": 0.1}}',
            100_000_000,
            id="the upstream's part is inside the cost, also where nothing is said of the key",
        ),
        pytest.param(
            '{"cost": 0.005, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.1}}',
            105_000_000,
            id="the user's own key paid the upstream, on top",
        ),
        pytest.param('{"cost": 0.005, "is_byok": true}', 5_000_000, id="own key, upstream unknown"),
    ],
)
def test_the_reported_cost_is(usage: str, expected: int | None):
    table = parse_object(usage)
    assert table is not None
    assert reported_nanodollars(table) == expected
