"""When an answer is late, and the alarm that tells so to whoever waits for its next bytes.

One timer serves a whole answer and is set anew only when it rings: ``asyncio.timeout`` for each of a thousand
pieces would cost more than reading them. It rings now and then before it is due, to see whether the machine
has slept: what was to come on that connection never will.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

from farebox.providers.base import Deadlines
from farebox.providers.nap import Nap, asleep_s

LOOKS_EACH_S: Final = 5.0


class Clock:
    """The deadlines of one answer.

    Used as a context it guards one wait: past the deadline the wait is cancelled, and TimeoutError raised in
    its place. A cancellation from outside passes through, as with ``asyncio.timeout``.
    """

    def __init__(self, deadlines: Deadlines, asleep: Callable[[], float] = asleep_s) -> None:
        self._deadlines = deadlines
        self._nap = Nap(asleep)
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._end = now + deadlines.total_s
        self._next = now + deadlines.first_token_s
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[object] | None = None
        self._cancels_before = 0
        self._has_rung = False

    @property
    def due(self) -> float:
        """The moment, in the event loop's time, by which more must have come."""
        return min(self._end, self._next)

    @property
    def left_s(self) -> float:
        """The seconds that the whole still has."""
        return max(0.0, self._end - self._loop.time())

    def progress(self) -> None:
        """Take note that a token has come; a comment or a ping that keeps a connection open is none."""
        self._next = self._loop.time() + self._deadlines.gap_s

    def hurry(self, within_s: float) -> None:
        """Let the whole end so soon at the latest."""
        self._end = min(self._end, self._loop.time() + within_s)

    def stop(self) -> None:
        """Let go of the timer: the answer has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a clock guards what a task waits for")
        self._waiting, self._cancels_before = task, task.cancelling()
        if self._timer is None or self.due < self._timer.when():
            self._set()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._waiting = self._waiting, None
        if not self._has_rung or task is None:
            return
        self._has_rung = False
        is_ours_alone = task.uncancel() <= self._cancels_before
        if is_ours_alone and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _set(self) -> None:
        self.stop()
        self._timer = self._loop.call_at(min(self.due, self._loop.time() + LOOKS_EACH_S), self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiting is None:
            return  # whoever reads is busy: the next wait sets it anew
        if self._loop.time() < self.due and not self._nap.was_taken:
            self._set()
            return
        self._has_rung = True
        self._waiting.cancel()
