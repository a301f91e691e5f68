"""A thread that does one job after the other, at little cost: an event loop waits for it before each request.

``concurrent.futures`` does the same with a lock and several objects for each job, which takes half as long
again. Knows nothing of what the jobs do.
"""

import asyncio
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

Job: TypeAlias = Callable[[], None]
"""Must not raise."""

_Jobs: TypeAlias = "SimpleQueue[Job | None]"
_T = TypeVar("_T")

EXIT_TIMEOUT_S = 2.0
"""How long the end of the process waits for jobs that are still to be done."""


class Closed(Exception):
    """The worker takes no more jobs."""


class Worker:
    """One thread, started with the first job; the end of the process waits for what was handed over."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: _Jobs = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Job) -> None:
        """Hand over a job, from any thread. Raises Closed."""
        with self._lock:
            if self._closed:
                raise Closed
            if self._thread is None:
                self._thread = self._start()
            self._jobs.put(job)

    async def ask(self, job: Callable[[], _T]) -> _T:
        """Have a job done and wait for what it returns or raises. Raises Closed."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()

        def run() -> None:
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
                _post(loop, _fail, answer, error)
            else:
                _post(loop, _give, answer, result)

        self.submit(run)
        return await answer

    def close(self, last: Job, *, timeout_s: float) -> bool:
        """Do a last job after all others, and end; say whether that was done in time.

        A worker that never had a job, or is closed already, does nothing.
        """
        with self._lock:
            if self._closed or self._thread is None:
                self._closed = True
                return True
            self._closed = True
            self._jobs.put(last)
            self._jobs.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=_work, args=(self._jobs,), name=self._name, daemon=True)
        thread.start()
        weakref.finalize(self, _finish, self._jobs, thread)
        return thread


def _work(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        job()
        del job  # or its data would live until the next one comes


def _finish(jobs: _Jobs, thread: threading.Thread) -> None:
    """Have the thread end, at the end of the process or of its worker; see ``weakref.finalize``."""
    jobs.put(None)
    if thread is not threading.current_thread():
        thread.join(EXIT_TIMEOUT_S)


def _post(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    with suppress(RuntimeError):  # the loop has ended: nobody waits
        loop.call_soon_threadsafe(call, *arguments)


def _give(answer: "asyncio.Future[_T]", result: _T) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[_T]", error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
