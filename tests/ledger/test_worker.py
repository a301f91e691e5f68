"""The ledger's thread: jobs in order, answers where they are waited for, nothing left undone at the end."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from functools import partial

import pytest

from farebox.ledger.worker import NotTaken, Worker
from support.patience import WAIT_S


def a_worker(name: str = "w") -> Worker:
    return Worker(name, exit_timeout_s=WAIT_S)


def nothing() -> None:
    pass


def refused(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


class Held:
    """A job that says when it has begun and then waits."""

    def __init__(self, *, fails: bool = False) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self._fails = fails

    def __call__(self) -> None:
        self.begun.set()
        self.go.wait(WAIT_S)
        if self._fails:
            raise ValueError


async def test_jobs_are_done_one_after_the_other_in_the_order_they_came():
    worker = a_worker()
    done: list[int] = []
    for number in range(100):
        worker.submit(partial(done.append, number))
    assert await worker.ask(lambda: list(done)) == list(range(100))
    threads = {await worker.ask(threading.current_thread) for _ in range(3)}
    assert [thread.name for thread in threads] == ["w"]
    assert worker.close(nothing, timeout_s=WAIT_S)


async def test_what_a_job_raises_is_raised_where_it_is_waited_for_and_the_next_is_done():
    worker = a_worker()
    with pytest.raises(ZeroDivisionError):
        await worker.ask(lambda: 1 // 0)
    assert await worker.ask(lambda: 1) == 1
    assert worker.close(nothing, timeout_s=WAIT_S)


@pytest.mark.parametrize("fails", [False, True])
async def test_nobody_has_to_wait_for_an_answer_any_more(fails: bool):
    worker, job = a_worker(), Held(fails=fails)
    wrong: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: wrong.append(context))
    asked = asyncio.create_task(worker.ask(job))
    assert await asyncio.to_thread(job.begun.wait, WAIT_S)
    asked.cancel()
    await asyncio.wait([asked])
    job.go.set()
    assert await worker.ask(lambda: 2) == 2
    assert asked.cancelled()
    assert wrong == []
    assert worker.close(nothing, timeout_s=WAIT_S)


async def test_what_nobody_waits_for_any_more_is_not_begun():
    worker, job = a_worker(), Held()
    done: list[str] = []
    worker.submit(job)
    asked = asyncio.create_task(worker.ask(partial(done.append, "asked")))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    job.go.set()
    assert await worker.ask(lambda: list(done)) == []
    assert worker.close(nothing, timeout_s=WAIT_S)


def test_what_a_job_holds_is_let_go_once_it_is_done():
    worker = a_worker()
    thing = threading.Event()
    known = weakref.ref(thing)
    worker.submit(thing.set)
    assert thing.wait(WAIT_S)
    del thing
    passed = threading.Event()
    worker.submit(passed.set)
    assert passed.wait(WAIT_S)
    gc.collect()
    assert known() is None
    assert worker.close(nothing, timeout_s=WAIT_S)


def test_an_event_loop_that_has_ended_gets_no_answer_and_stops_nothing():
    worker, job = a_worker(), Held()

    async def leave() -> None:
        asked = asyncio.create_task(worker.ask(job))
        assert await asyncio.to_thread(job.begun.wait, WAIT_S)
        asked.cancel()

    asyncio.run(leave())
    job.go.set()
    assert asyncio.run(asyncio.wait_for(worker.ask(lambda: 3), WAIT_S)) == 3
    assert worker.close(nothing, timeout_s=WAIT_S)


async def test_closing_does_what_waits_then_the_last_job_and_takes_no_more():
    worker = a_worker()
    done: list[str] = []
    for name in ("a", "b"):
        worker.submit(partial(done.append, name))
    assert worker.close(lambda: done.append("last"), timeout_s=WAIT_S)
    assert worker.close(lambda: done.append("again"), timeout_s=WAIT_S)
    assert done == ["a", "b", "last"]
    with pytest.raises(NotTaken):
        worker.submit(nothing)
    with pytest.raises(NotTaken):
        await worker.ask(nothing)


def test_closing_says_so_where_a_job_takes_too_long():
    worker, job = a_worker(), Held()
    worker.submit(job)
    assert not worker.close(nothing, timeout_s=0.01)
    job.go.set()


def test_a_thread_that_the_system_does_not_give_is_asked_for_again(monkeypatch: pytest.MonkeyPatch):
    worker = a_worker()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with pytest.raises(NotTaken):
            worker.submit(nothing)
    worker.submit(nothing)
    assert worker.close(nothing, timeout_s=WAIT_S)


def test_a_worker_without_a_job_has_no_thread():
    before = threading.active_count()
    worker = a_worker()
    assert threading.active_count() == before
    assert worker.close(nothing, timeout_s=WAIT_S)
    assert threading.active_count() == before


def test_a_worker_that_nobody_knows_any_more_ends_its_thread():
    worker = a_worker("forgotten")
    worker.submit(nothing)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "forgotten"]
    del worker
    gc.collect()
    thread.join(WAIT_S)
    assert not thread.is_alive()


def test_the_end_of_the_process_waits_for_what_was_handed_over():
    program = """
import threading
from farebox.ledger.worker import Worker
worker = Worker("w", exit_timeout_s=60)
worker.submit(threading.main_thread().join)  # until the process is about to end
worker.submit(lambda: print("written", flush=True))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "written\n"


def test_what_comes_after_the_end_is_refused():
    program = """
import atexit
from farebox.ledger.worker import NotTaken, Worker
def late():
    try:
        worker.submit(lambda: None)
    except NotTaken:
        print("refused", flush=True)
atexit.register(late)  # runs after what was registered later
worker = Worker("w", exit_timeout_s=60)
worker.submit(lambda: None)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
