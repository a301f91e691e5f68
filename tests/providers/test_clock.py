"""The clock of an answer: late is late, a token starts the wait anew, an outside cancellation stays one.

Time is the event loop's own, which the tests put forward: no machine is too slow for them.
"""

import asyncio
from collections.abc import Callable

import pytest

from farebox.providers.base import Deadlines
from farebox.providers.clock import LOOKS_EACH_S, Clock
from farebox.providers.nap import SLEPT_S

DEADLINES = Deadlines(first_token_s=60.0, gap_s=60.0, total_s=170.0)

Later = Callable[[float], None]


@pytest.fixture
async def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Put the event loop's time forward by some seconds."""
    loop = asyncio.get_running_loop()
    real, ahead_s = loop.time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: real() + sum(ahead_s))
    return ahead_s.append


async def wait_for_ever(clock: Clock) -> None:
    with clock:
        await asyncio.Event().wait()


async def waiting(clock: Clock) -> asyncio.Task[None]:
    task = asyncio.create_task(wait_for_ever(clock))
    await turns()
    return task


async def turns() -> None:
    """Let everything happen that is due."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_wait_ends_when_its_moment_has_come(later: Later):
    task = await waiting(Clock(DEADLINES))
    later(59)
    await turns()
    assert not task.done()
    later(1)
    with pytest.raises(TimeoutError):
        await task
    assert task.cancelling() == 0, "the task is not left cancelled"


async def test_each_token_starts_the_wait_anew_up_to_the_end_of_the_whole(later: Later):
    clock = Clock(DEADLINES)
    for _ in range(3):  # 150 of 170 s, never more than 50 at a time
        with clock:
            later(50)
            await turns()
        clock.progress()
    task = await waiting(clock)
    later(19)
    await turns()
    assert not task.done()
    later(1)
    with pytest.raises(TimeoutError):
        await task


async def test_what_is_no_token_does_not_start_the_wait_anew(later: Later):
    clock = Clock(DEADLINES)
    with clock:
        later(50)
        await turns()
    task = await waiting(clock)
    later(10)
    with pytest.raises(TimeoutError):
        await task


async def test_in_a_hurry_the_whole_ends_sooner_and_never_later(later: Later):
    clock = Clock(DEADLINES)
    with clock:
        await turns()
    clock.hurry(5)
    clock.hurry(500)
    task = await waiting(clock)
    later(4)
    await turns()
    assert not task.done()
    later(1)
    with pytest.raises(TimeoutError):
        await task


async def test_time_that_the_reader_takes_is_not_counted_against_it_while_it_does_not_wait(later: Later):
    clock = Clock(DEADLINES)
    with clock:
        await turns()
    later(61)  # nobody waits: nothing rings
    await turns()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    with pytest.raises(TimeoutError):
        await wait_for_ever(clock)


async def test_a_cancellation_from_outside_passes_through():
    task = await waiting(Clock(DEADLINES))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_outside_wins_over_the_alarm(later: Later):
    clock = Clock(DEADLINES)

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
    await turns()
    later(61)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_wait_passes_through():
    with pytest.raises(KeyError), Clock(DEADLINES):
        raise KeyError


async def test_a_clock_that_is_stopped_leaves_no_timer():
    clock = Clock(DEADLINES)
    with clock:
        await turns()
    clock.stop()
    handles = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    assert all(handle.cancelled() for handle in handles if "Clock" in repr(handle))


@pytest.mark.parametrize(("slept_s", "ends"), [(SLEPT_S, False), (SLEPT_S + 1, True)])
async def test_a_wait_ends_soon_after_the_machine_has_slept(later: Later, slept_s: float, ends: bool):
    asleep_s = [1_000.0]
    task = await waiting(Clock(DEADLINES, lambda: sum(asleep_s)))
    asleep_s.append(slept_s)
    later(LOOKS_EACH_S)
    await turns()
    assert task.done() == ends
    task.cancel()
    with pytest.raises(TimeoutError if ends else asyncio.CancelledError):
        await task


async def test_whoever_looks_whether_the_machine_has_slept_moves_no_deadline(later: Later):
    task = await waiting(Clock(DEADLINES))
    for _ in range(11):
        later(LOOKS_EACH_S)
        await turns()
    assert not task.done()
    later(LOOKS_EACH_S)
    with pytest.raises(TimeoutError):
        await task
