"""The way of one request through its route: who is asked next after a failure, or what it fails with.

Decides and waits for nothing. What an error means is said by who raised it (``errors``), how often a target
is asked again by ``retry``; here is which other target is worth a try.
"""

from collections import deque
from collections.abc import Callable

from farebox.errors import BudgetExceeded, FareboxError, NoRouteLeft, ProviderError
from farebox.ledger.schema import LedgerUnusable
from farebox.messages import FellBack, Retrying, Route, Target, Task
from farebox.router.retry import MAX_ATTEMPTS, RetryBudget


def _never(_: Target) -> bool:
    return False


class Walk:
    """Where a request is on its route: ``target`` is to be asked; if that fails, ``after`` says what next."""

    def __init__(
        self,
        route: Route,
        retries: RetryBudget,
        task: Task,
        *,
        is_paused: Callable[[Target], bool] = _never,
    ) -> None:
        self._targets = (route.target, *route.fallbacks)
        self._left = deque(route.fallbacks)
        self._retries = retries
        self._task: Task = task
        self._is_paused = is_paused
        self._attempts = 0
        self._failures: list[FareboxError] = []
        self._go_to(route.target)

    def after(self, error: BudgetExceeded | ProviderError) -> Retrying | FellBack | FareboxError:
        """Take note of a failed attempt; say how it goes on, or which error the request ends with."""
        self._attempts += 1
        wait_s = self._wait_s(error) if isinstance(error, ProviderError) else None
        if wait_s is not None:
            return Retrying(self._attempts, MAX_ATTEMPTS, self.target, wait_s, error=error.message)
        self._failures.append(error)
        if not _ends_the_walk(error):
            self._left = deque(other for other in self._left if not _fails_alike(error, other))
            if self._left:
                return self._fall_back(error)
        return error if len(self._failures) == 1 else _no_route_left(self._failures)

    def _wait_s(self, error: ProviderError) -> float | None:
        others_left = not all(_fails_alike(error, other) for other in self._left)
        if others_left and self._is_paused(self.target):
            return None  # it has failed too often by now
        return self._retries.wait_s(error, task=self._task, attempts=self._attempts, others_left=others_left)

    def _fall_back(self, error: BudgetExceeded | ProviderError) -> FellBack:
        failed, number = self.target, self._targets.index(self.target) + 1
        self._go_to(self._next())
        return FellBack(number, len(self._targets), failed=failed, error=error.message)

    def _next(self) -> Target:
        """Take the next that is well, or if none is the next: since the plan, others may have met trouble."""
        well = next((place for place, other in enumerate(self._left) if not self._is_paused(other)), 0)
        for _ in range(well):
            self._left.popleft()
        return self._left.popleft()

    def _go_to(self, target: Target) -> None:
        self.target = target
        self._attempts = 0
        self._retries.earn(target.provider)


def _ends_the_walk(error: BudgetExceeded | ProviderError) -> bool:
    """Say whether no other target is asked. A budget that another window has used up leaves the free ones."""
    if isinstance(error, ProviderError):
        return error.after_first_event or not error.retryable
    return isinstance(error.__cause__, LedgerUnusable)  # it would keep each of them waiting as long


def _fails_alike(error: BudgetExceeded | ProviderError, other: Target) -> bool:
    """Say whether a target needs no try."""
    return isinstance(error, ProviderError) and error.whole_provider and other.provider == error.provider


def _no_route_left(failures: list[FareboxError]) -> NoRouteLeft:
    tried = "; ".join(dict.fromkeys(failure.message for failure in failures))
    return NoRouteLeft(
        f"every model that could answer failed: {tried}",
        hint=failures[-1].hint,
        failures=tuple(failures),
    )
