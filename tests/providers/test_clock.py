"""The clock of an answer: late is late, a token starts the wait anew, an outside cancellation stays one."""

import asyncio

import pytest

from farebox.providers.base import Deadlines
from farebox.providers.clock import Clock

SOON = Deadlines(first_token_s=0.05, gap_s=0.05, total_s=10.0)
NEVER = Deadlines(first_token_s=60.0, gap_s=60.0, total_s=60.0)


async def wait_for_ever(clock: Clock) -> None:
    with clock:
        await asyncio.Event().wait()


async def test_a_wait_ends_when_its_moment_has_come():
    clock = Clock(SOON)
    with pytest.raises(TimeoutError):
        await wait_for_ever(clock)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0, "the task is not left cancelled"
    await asyncio.sleep(0)


async def tokens_for_ever(clock: Clock) -> None:
    while True:
        with clock:
            await asyncio.sleep(0.05)
        clock.progress()


async def test_each_token_starts_the_wait_anew_up_to_the_end_of_the_whole():
    clock = Clock(Deadlines(first_token_s=0.2, gap_s=0.2, total_s=0.5))
    started = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await tokens_for_ever(clock)
    assert asyncio.get_running_loop().time() - started >= 0.5


async def test_time_that_the_reader_takes_is_not_counted_against_it_while_it_does_not_wait():
    clock = Clock(SOON)
    with clock:
        pass
    await asyncio.sleep(0.1)  # past the deadline, and nobody waits: nothing rings
    with pytest.raises(TimeoutError):
        await wait_for_ever(clock)


async def test_a_cancellation_from_outside_passes_through():
    task = asyncio.create_task(wait_for_ever(Clock(NEVER)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_outside_wins_over_the_alarm():
    clock = Clock(SOON)

    async def wait() -> None:
        with clock:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()  # from outside, at the same moment
                raise

    task = asyncio.create_task(wait())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_wait_passes_through():
    with pytest.raises(KeyError), Clock(NEVER):
        raise KeyError


async def test_a_clock_that_is_stopped_leaves_no_timer():
    clock = Clock(NEVER)
    with clock:
        await asyncio.sleep(0)
    clock.stop()
    handles = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    assert all(handle.cancelled() for handle in handles if "Clock" in repr(handle))


async def test_a_wait_that_ends_in_time_is_left_alone():
    clock = Clock(SOON)
    for _ in range(20):
        with clock:
            await asyncio.sleep(0.01)
        clock.progress()
