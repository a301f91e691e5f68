"""Answers that may be a few seconds old, for those who ask the same at each key.

All of them are forgotten together when their time is over: else as many stale ones would stay as fit. Knows a
clock; not what is asked.
"""

import time
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar, cast

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def lately(
    within_s: float, *, most: int, clock: Callable[[], float] = time.monotonic
) -> Callable[[Callable[Asked, Answer]], Callable[Asked, Answer]]:
    """Remember at most ``most`` answers of a function whose arguments can be hashed, for ``within_s``."""

    def decorate(ask: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
        def forgetting() -> Callable[Asked, Answer]:
            return cast("Callable[Asked, Answer]", lru_cache(maxsize=most)(ask))

        remembered, period = forgetting(), clock() // within_s

        @wraps(ask)
        def ask_lately(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
            nonlocal remembered, period
            now = clock() // within_s
            if now != period:  # what another thread still asks goes with the old ones
                remembered, period = forgetting(), now
            return remembered(*args, **kwargs)

        return ask_lately

    return decorate
