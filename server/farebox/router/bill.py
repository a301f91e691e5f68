"""What a request came to: the sum of its attempts, each of which has a row of its own in the ledger.

A fallback that answers does not make the attempt before it free.
"""

from collections.abc import Sequence
from typing import Final

from farebox.messages import Cost, CostBasis, Usage

_WEAKEST_FIRST: Final[tuple[CostBasis, ...]] = ("unknown", "estimated", "computed", "reported")


def total_usage(usages: Sequence[Usage]) -> Usage:
    """Add up token counts."""
    if len(usages) == 1:
        return usages[0]
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in usages),
        cached_input_tokens=sum(usage.cached_input_tokens for usage in usages),
        cache_write_tokens=sum(usage.cache_write_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        reasoning_tokens=sum(usage.reasoning_tokens for usage in usages),
    )


def total_cost(costs: Sequence[Cost]) -> Cost:
    """Add up the costs of one attempt or more: one unknown makes the sum unknown, the weakest basis wins."""
    models = [cost.baseline_model for cost in costs if cost.baseline_model is not None]
    return Cost(
        nanodollars=_sum([cost.nanodollars for cost in costs]),
        basis=_weakest(costs).basis,
        baseline_model=models[-1] if models else None,
        baseline_nanodollars=_total_baseline(costs),
    )


def _weakest(costs: Sequence[Cost]) -> Cost:
    """Leave out what adds nothing: a refused attempt does not make the other's own figure less certain."""
    counted = [cost for cost in costs if cost.nanodollars != 0] or costs
    return min(counted, key=lambda cost: _WEAKEST_FIRST.index(cost.basis))


def _total_baseline(costs: Sequence[Cost]) -> int | None:
    """Leave out what cost nothing and has no baseline, as a refused attempt: the report leaves it out too."""
    counted = [cost for cost in costs if cost.nanodollars != 0 or cost.baseline_nanodollars is not None]
    return _sum([cost.baseline_nanodollars for cost in counted]) if counted else None


def _sum(amounts: Sequence[int | None]) -> int | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None
