"""What a request came to: the sum of its attempts, and as uncertain as what adds to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import UNKNOWN_COST, Cost, CostBasis, Usage
from farebox.router.bill import total_cost, total_usage

REFUSED = Cost(0, "computed")
FREE = Cost(0, "estimated", "a/strong", 0)
BROKEN = Cost(250_000, "estimated", "a/strong", 900_000)
REPORTED = Cost(500_000_000, "reported", "a/strong", 700_000_000)
COMPUTED = Cost(3, "computed", "a/strong", 7)
UNPRICED = Cost(None, "unknown", "a/strong", 50)
UNCOMPARED = Cost(4, "reported", "a/strong", None)

AMOUNTS = st.none() | st.integers(0, 10**15)
KNOWN: st.SearchStrategy[CostBasis] = st.sampled_from(["reported", "computed", "estimated"])
COSTS = st.builds(Cost, st.integers(0, 10**15), KNOWN, st.just("a/strong"), AMOUNTS) | st.sampled_from(
    [UNKNOWN_COST, UNPRICED, REFUSED]
)


@pytest.mark.parametrize(
    ("costs", "total"),
    [
        pytest.param(
            [BROKEN, REPORTED], Cost(500_250_000, "estimated", "a/strong", 700_900_000), id="broken"
        ),
        pytest.param([REPORTED, COMPUTED], Cost(500_000_003, "computed", "a/strong", 700_000_007), id="both"),
        pytest.param([REFUSED, REPORTED], REPORTED, id="refused"),
        pytest.param([FREE, REPORTED], REPORTED, id="free"),
        pytest.param([REFUSED, FREE], Cost(0, "estimated", "a/strong", 0), id="refused-and-free"),
        pytest.param([REFUSED, UNPRICED], UNPRICED, id="refused-and-unknown"),
        pytest.param([REFUSED, REFUSED], REFUSED, id="refused-twice"),
        pytest.param(
            [UNPRICED, REPORTED], Cost(None, "unknown", "a/strong", 700_000_050), id="unknown-first"
        ),
        pytest.param([REPORTED, UNKNOWN_COST], Cost(None, "unknown", "a/strong", None), id="unknown-last"),
        pytest.param([UNCOMPARED, COMPUTED], Cost(7, "computed", "a/strong", None), id="half-a-baseline"),
    ],
)
def test_the_costs_of_all_attempts_add_up(costs: list[Cost], total: Cost):
    assert total_cost(costs) == total


@given(cost=COSTS)
def test_one_attempt_is_the_whole_request(cost: Cost):
    assert total_cost([cost]) == cost


@given(costs=st.lists(COSTS, min_size=1, max_size=8))
def test_what_is_saved_is_what_the_report_says_of_the_same_rows(costs: list[Cost]):
    total = total_cost(costs)
    saved = [cost.saved_nanodollars for cost in costs if cost.saved_nanodollars is not None]
    assert total.saved_nanodollars in (None, sum(saved))
    if all(cost.saved_nanodollars is not None for cost in costs):
        assert total.saved_nanodollars is not None


@given(costs=st.lists(COSTS, min_size=1, max_size=8), at=st.integers(0, 8))
def test_one_unknown_cost_makes_the_sum_unknown(costs: list[Cost], at: int):
    total = total_cost([*costs[:at], UNKNOWN_COST, *costs[at:]])
    assert (total.nanodollars, total.basis) == (None, "unknown")


def test_the_tokens_of_all_attempts_add_up():
    assert total_usage([Usage(1, 2, 3, 4, 5), Usage(10, 20, 30, 40, 50)]) == Usage(11, 22, 33, 44, 55)
