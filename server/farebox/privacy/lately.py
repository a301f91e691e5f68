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
        remembered = lru_cache(maxsize=most)(ask)
        answer = cast("Callable[Asked, Answer]", remembered)
        period = clock() // within_s

        @wraps(ask)
        def ask_lately(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
            nonlocal period
            if (now := clock() // within_s) != period:
                period = now
                remembered.cache_clear()
            return answer(*args, **kwargs)

        return ask_lately

    return decorate
