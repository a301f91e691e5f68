"""Where a request goes after a failure: to the same target again, to another, or to its end."""

from collections.abc import Callable

from farebox.errors import (
    BrokenReply,
    BudgetExceeded,
    FareboxError,
    NoRouteLeft,
    Overloaded,
    ProviderError,
    Refused,
    Unreachable,
)
from farebox.ledger.schema import LedgerUnusable
from farebox.messages import Estimate, FellBack, Retrying, Route, Target, Task
from farebox.router.retry import MAX_ATTEMPTS, RESERVE, RetryBudget
from farebox.router.walk import Walk

A1, A2, B1 = Target("a", "one"), Target("a", "two"), Target("b", "one")


def a_walk(
    *targets: Target,
    retries: RetryBudget | None = None,
    task: Task = "chat",
    is_paused: Callable[[Target], bool] = lambda _: False,
) -> Walk:
    route = Route("auto", task, "act", "low", "balanced", targets[0], "", targets[1:], (), Estimate(None))
    return Walk(route, retries or RetryBudget(chance=lambda: 0.5), task, is_paused=is_paused)


def failure(provider: str = "a", kind: type[ProviderError] = Overloaded, words: str = "no") -> ProviderError:
    return kind(words, hint="Wait.", provider=provider)


def passing(provider: str = "a") -> ProviderError:
    error = failure(provider)
    error.transient = True
    return error


def test_what_may_pass_is_asked_again_and_then_the_next_is():
    walk = a_walk(A1, B1)
    for attempt in range(1, MAX_ATTEMPTS):
        step = walk.after(passing())
        assert isinstance(step, Retrying)
        assert (step.attempt, step.max_attempts, step.target, walk.target) == (attempt, MAX_ATTEMPTS, A1, A1)
    assert walk.after(passing()) == FellBack(1, 2, failed=A1, error="no")
    assert walk.target == B1
    again = walk.after(passing("b"))
    assert isinstance(again, Retrying)
    assert again.attempt == 1, "each target has attempts of its own"


def test_tab_completion_goes_on_at_once():
    assert isinstance(a_walk(A1, B1, task="complete").after(passing()), FellBack)


def test_the_last_failure_ends_it_and_all_are_named():
    walk = a_walk(A1, A2, B1)
    first, second, third = failure(words="x"), failure(words="y"), failure("b", words="y")
    assert walk.after(first) == FellBack(1, 3, failed=A1, error="x")
    assert walk.after(second) == FellBack(2, 3, failed=A2, error="y")
    end = walk.after(third)
    assert isinstance(end, NoRouteLeft)
    assert end.message.endswith("failed: x; y")
    assert end.failures == (first, second, third)


def test_who_is_to_be_left_alone_by_now_is_passed_over_unless_all_are():
    alone: set[Target] = set()
    walk = a_walk(A1, A2, B1, is_paused=alone.__contains__)
    alone |= {A1, A2}
    assert walk.after(failure()) == FellBack(1, 3, failed=A1, error="no")
    assert walk.target == B1
    last = walk.after(failure("b"))
    assert isinstance(last, NoRouteLeft), "who was passed over is not come back to"
    walk = a_walk(A1, A2, B1, is_paused=alone.__contains__)
    alone.add(B1)
    walk.after(failure())
    assert walk.target == A2


def test_who_has_failed_too_often_by_now_is_asked_again_only_if_there_is_no_other():
    assert isinstance(a_walk(A1, B1, is_paused=lambda _: True).after(passing()), FellBack)
    assert isinstance(a_walk(A1, is_paused=lambda _: True).after(passing()), Retrying)


def test_a_single_failure_is_told_as_it_is():
    error = failure(kind=BrokenReply)
    assert a_walk(A1).after(error) is error


def test_a_provider_that_is_not_there_is_not_asked_for_another_model():
    walk = a_walk(A1, A2, B1)
    gone = failure(kind=Unreachable)
    gone.whole_provider = True
    assert walk.after(gone) == FellBack(1, 3, failed=A1, error="no")
    assert walk.target == B1
    alone = a_walk(A1, A2)
    assert alone.after(gone) is gone


def test_nobody_else_is_asked_after_a_refusal_or_a_first_event():
    refused = failure(kind=Refused)
    assert a_walk(A1, B1).after(refused) is refused
    begun = passing()
    begun.after_first_event = True
    assert a_walk(A1, B1).after(begun) is begun


def test_a_budget_leaves_the_others_unless_it_cannot_be_checked():
    over: FareboxError = BudgetExceeded("over", hint="Wait.")
    assert isinstance(over, BudgetExceeded)
    walk = a_walk(A1, B1)
    assert walk.after(over) == FellBack(1, 2, failed=A1, error="over")
    unchecked = BudgetExceeded("can't be checked", hint="Look.")
    unchecked.__cause__ = LedgerUnusable("no", hint="")
    assert a_walk(A1, B1).after(unchecked) is unchecked


def test_each_target_earns_its_provider_a_retry():
    retries = RetryBudget(chance=lambda: 0.0)
    for _ in range(int(RESERVE)):
        assert retries.spend("b")
    walks = [a_walk(A1, B1, retries=retries) for _ in range(11)]  # a tenth each, and floats
    for walk in walks:
        assert isinstance(walk.after(failure()), FellBack)
    assert isinstance(walks[0].after(passing("b")), Retrying)
    assert not isinstance(walks[0].after(passing("b")), Retrying)
