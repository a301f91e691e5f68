"""A thread that does one job after the other, at little cost: an event loop waits for it before each request.

``concurrent.futures`` does the same with a lock and several objects for each job, which takes half as long
again. Knows nothing of what the jobs do.
"""

import asyncio
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias, TypeVar

Job: TypeAlias = Callable[[], None]
"""Must not raise."""

_Jobs: TypeAlias = "SimpleQueue[Job | None]"
_T = TypeVar("_T")


class Chores(Protocol):
    """What is done between jobs: ``due_s`` says when, by ``time.monotonic``; each job may change it."""

    due_s: float

    def look_after(self) -> None:
        """Do what is due, and say when again. Must not raise."""
        ...


class NotTaken(Exception):
    """The worker takes no job: it is closed, or the system gives it no thread."""


def _nothing() -> None:
    """Have no chores."""


class Worker:
    """One thread, started with the first job. It does chores as well, for as long as somebody has them.

    The end of the process waits for what was handed over, but no longer than ``exit_timeout_s``.
    """

    def __init__(
        self, name: str, *, exit_timeout_s: float, chores: Callable[[], Chores | None] = _nothing
    ) -> None:
        self._name = name
        self._chores = chores
        self._exit_timeout_s = exit_timeout_s
        self._jobs: _Jobs = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Job) -> None:
        """Hand over a job, from any thread. Raises NotTaken."""
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = self._start()
            if self._closed or self._thread is None or not self._thread.is_alive():
                raise NotTaken
            self._jobs.put(job)

    async def ask(self, job: Callable[[], _T]) -> _T:
        """Have a job done and wait for what it returns or raises; if cancelled by then, it is not done.

        Raises NotTaken.
        """
        return await self.begin(job)

    def begin(self, job: Callable[[], _T]) -> "asyncio.Future[_T]":
        """Hand over a job as ``ask`` does, to be waited for later. Raises NotTaken."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()

        def run() -> None:
            if answer.cancelled():
                return
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
                _post(loop, _fail, answer, error)
            else:
                _post(loop, _give, answer, result)

        self.submit(run)
        return answer

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
        work = (self._jobs, self._chores)
        thread = threading.Thread(target=_work, args=work, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # too many, or the process is about to end
            raise NotTaken from error
        weakref.finalize(self, _finish, self._jobs, thread, self._exit_timeout_s)
        return thread


def _work(jobs: _Jobs, chores: Callable[[], Chores | None]) -> None:
    job = jobs.get()
    while job is not None:
        job()
        del job  # or its data would live until the next one comes
        job = _next(jobs, chores)


def _next(jobs: _Jobs, chores: Callable[[], Chores | None]) -> Job | None:
    """Return the next job; do meanwhile the chores that are due."""
    while (known := chores()) is not None:
        wait_s = max(known.due_s - time.monotonic(), 0)
        if not wait_s and jobs.empty():
            known.look_after()
            continue
        del known  # whoever is forgotten while we wait has no chores left
        with suppress(Empty):
            return jobs.get(timeout=wait_s)
    return jobs.get()


def _finish(jobs: _Jobs, thread: threading.Thread, timeout_s: float) -> None:
    """Have the thread end, at the end of the process or of its worker; see ``weakref.finalize``.

    A worker that is forgotten has no job left: each of them holds whoever asked.
    """
    jobs.put(None)
    if thread is not threading.current_thread():
        thread.join(timeout_s)


def _post(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *arguments: object) -> None:
    with suppress(RuntimeError):  # the loop has ended: nobody waits
        loop.call_soon_threadsafe(call, *arguments)


def _give(answer: "asyncio.Future[_T]", result: _T) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[_T]", error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
