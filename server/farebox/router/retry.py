"""When a failed attempt is made again at the same target: a policy that is pure, and a budget that is not.

What an error means is said by who raised it; how often and after how long it is tried again is decided here.
The numbers are those of the official ``openai`` and ``anthropic`` clients (two more attempts, 0.5 s doubling
to 8 s), the jitter is full (AWS Architecture Blog, "Exponential Backoff And Jitter"), the budget a token
bucket (Google SRE Book, chapter 21): while a provider is down, requests to it grow by a tenth at most.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from farebox.errors import ProviderError, RateLimited
from farebox.messages import Task

MAX_ATTEMPTS: Final = 3
"""At one target, the first included."""

BASE_S: Final = 0.5
MAX_BACKOFF_S: Final = 8.0
MAX_HINT_S: Final = 30.0
"""A provider that asks for a longer pause is not waited for."""

RESERVE: Final = 6.0
"""Retries that may be made at once, before any call has earned one: three requests in a row."""

EARNED_BY_A_CALL: Final = 0.1


def wait_s(
    error: ProviderError, *, task: Task, attempts: int, others_left: bool, chance: float
) -> float | None:
    """Return how long to wait before the target is asked again, in seconds; None if it is not.

    ``attempts`` have been made at it, ``chance`` is drawn evenly from 0 to 1. A completion is stale before a
    second attempt could end. While another target is left that may do better, neither a rate limit nor a
    provider that can't be reached is waited for.
    """
    if task == "complete" or attempts >= MAX_ATTEMPTS or not error.transient or error.after_first_event:
        return None
    if others_left and (isinstance(error, RateLimited) or error.whole_provider):
        return None
    hint_s = error.retry_after_s or 0.0
    if hint_s > MAX_HINT_S:
        return None
    return max(hint_s, chance * min(MAX_BACKOFF_S, BASE_S * 2 ** (attempts - 1)))


@dataclass(slots=True)
class RetryBudget:
    """How many retries each provider has left. Lives as long as the App; tests inject ``chance``."""

    chance: Callable[[], float] = random.random
    _left: dict[str, float] = field(default_factory=dict[str, float])

    def earn(self, provider: str) -> None:
        """Take note of a request's first attempt at a provider."""
        self._left[provider] = min(RESERVE, self._left.get(provider, RESERVE) + EARNED_BY_A_CALL)

    def spend(self, provider: str) -> bool:
        """Take one retry, if there is one left."""
        left = self._left.get(provider, RESERVE)
        if left < 1:
            return False
        self._left[provider] = left - 1
        return True

    def wait_s(self, error: ProviderError, *, task: Task, attempts: int, others_left: bool) -> float | None:
        """Return how long to wait before a retry that has been paid for; None if there is none."""
        wait = wait_s(error, task=task, attempts=attempts, others_left=others_left, chance=self.chance())
        return wait if wait is not None and self.spend(error.provider) else None
