"""Whether this machine has slept: after that a connection may be dead without ever saying so.

The clock that deadlines go by stands still meanwhile, on Linux and macOS. On Windows it goes on, so there
deadlines have passed, and idle connections have expired, by the time the machine is awake.
"""

import sys
import time
from collections.abc import Callable
from typing import Final

SLEPT_S: Final = 30.0
"""So long a sleep ends what is under way: a shorter one a connection may well have outlived."""


def asleep_s() -> float:
    """Return how long the machine has slept since it started; 0 where its system does not tell."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC_RAW) - time.clock_gettime(time.CLOCK_UPTIME_RAW)
    return 0.0


class Nap:
    """Tells whether the machine has slept since this was made."""

    def __init__(self, asleep: Callable[[], float] = asleep_s) -> None:
        self._asleep = asleep
        self._before_s = asleep()

    @property
    def was_taken(self) -> bool:
        """Whether it has slept long enough to matter."""
        return self._asleep() - self._before_s > SLEPT_S
