"""The ledger's thread: jobs in order, answers where they are waited for, nothing left undone at the end."""

import asyncio
import gc
import subprocess
import sys
import threading
from functools import partial

import pytest

from farebox.ledger.worker import Closed, Worker

TIMEOUT_S = 5.0


def nothing() -> None:
    pass


def until(event: threading.Event) -> None:
    event.wait(TIMEOUT_S)


async def test_jobs_are_done_one_after_the_other_in_the_order_they_came():
    worker = Worker("w")
    done: list[int] = []
    for number in range(100):
        worker.submit(partial(done.append, number))
    assert await worker.ask(lambda: list(done)) == list(range(100))
    threads = {await worker.ask(threading.current_thread) for _ in range(3)}
    assert [thread.name for thread in threads] == ["w"]
    assert worker.close(nothing, timeout_s=TIMEOUT_S)


async def test_what_a_job_raises_is_raised_where_it_is_waited_for_and_the_next_is_done():
    worker = Worker("w")
    with pytest.raises(ZeroDivisionError):
        await worker.ask(lambda: 1 // 0)
    assert await worker.ask(lambda: 1) == 1
    assert worker.close(nothing, timeout_s=TIMEOUT_S)


async def test_nobody_has_to_wait_for_an_answer_any_more():
    worker = Worker("w")
    go = threading.Event()
    asked = [asyncio.create_task(worker.ask(partial(go.wait, TIMEOUT_S))) for _ in range(2)]
    await asyncio.sleep(0)
    asked[1].cancel()
    go.set()
    assert await asked[0]
    assert await worker.ask(lambda: 2) == 2
    assert asked[1].cancelled()
    assert worker.close(nothing, timeout_s=TIMEOUT_S)


def test_an_event_loop_that_has_ended_gets_no_answer_and_stops_nothing():
    worker = Worker("w")
    go = threading.Event()

    async def leave() -> None:
        asked = asyncio.create_task(worker.ask(partial(go.wait, TIMEOUT_S)))
        await asyncio.sleep(0)
        asked.cancel()

    asyncio.run(leave())
    go.set()
    assert asyncio.run(worker.ask(lambda: 3)) == 3
    assert worker.close(nothing, timeout_s=TIMEOUT_S)


async def test_closing_does_what_waits_then_the_last_job_and_takes_no_more():
    worker = Worker("w")
    done: list[str] = []
    for name in ("a", "b"):
        worker.submit(partial(done.append, name))
    assert worker.close(lambda: done.append("last"), timeout_s=TIMEOUT_S)
    assert worker.close(lambda: done.append("again"), timeout_s=TIMEOUT_S)
    assert done == ["a", "b", "last"]
    with pytest.raises(Closed):
        worker.submit(nothing)
    with pytest.raises(Closed):
        await worker.ask(nothing)


def test_closing_says_so_where_a_job_takes_too_long():
    worker = Worker("w")
    go = threading.Event()
    worker.submit(lambda: until(go))
    assert not worker.close(nothing, timeout_s=0.01)
    go.set()


def test_a_worker_without_a_job_has_no_thread():
    before = threading.active_count()
    worker = Worker("w")
    assert threading.active_count() == before
    assert worker.close(nothing, timeout_s=TIMEOUT_S)
    assert threading.active_count() == before


def test_a_worker_that_nobody_knows_any_more_ends_its_thread():
    worker = Worker("forgotten")
    worker.submit(nothing)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "forgotten"]
    del worker
    gc.collect()
    thread.join(TIMEOUT_S)
    assert not thread.is_alive()


def test_the_end_of_the_process_waits_for_what_was_handed_over():
    program = """
import time
from farebox.ledger.worker import Worker
worker = Worker("w")
worker.submit(lambda: time.sleep(0.2))
worker.submit(lambda: print("written", flush=True))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "written\n"
