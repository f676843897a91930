from __future__ import annotations

import asyncio

import pytest

from renvault_web.testing import START, ManualClock, settle
from renvault_web.timing import before, sleep_until, within


async def answer_after(clock: ManualClock, seconds: float) -> str:
    await clock.sleep(seconds)
    return "answer"


async def test_within_returns_the_result() -> None:
    clock = ManualClock()
    task = asyncio.create_task(within(clock, 10, answer_after(clock, 9)))
    await clock.advance(9)
    assert await task == "answer"
    assert clock.sleeping == 0


async def test_within_raises_and_cancels_after_its_limit() -> None:
    clock = ManualClock()
    ended: list[float] = []

    async def slow() -> None:
        try:
            await clock.sleep(100)
        finally:
            ended.append(clock.now())

    task = asyncio.create_task(within(clock, 10, slow()))
    await clock.advance(9.999)
    assert not task.done()
    await clock.advance(0.001)
    with pytest.raises(TimeoutError):
        await task
    assert ended == [START + 10]
    assert clock.sleeping == 0


async def test_within_passes_the_error_of_the_work() -> None:
    clock = ManualClock()

    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await within(clock, 10, fail())
    assert clock.sleeping == 0


async def test_within_that_is_cancelled_cancels_the_work() -> None:
    clock = ManualClock()
    task = asyncio.create_task(within(clock, 10, answer_after(clock, 9)))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.sleeping == 0


async def test_a_result_at_the_very_limit_counts() -> None:
    clock = ManualClock()
    work: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(within(clock, 10, work))
    await settle()
    clock_task = asyncio.create_task(clock.advance(10))
    work.set_result("just in time")
    await clock_task
    assert await task == "just in time"


async def test_sleep_until_sleeps_five_seconds_at_most_at_a_time() -> None:
    clock = ManualClock()
    task = asyncio.create_task(sleep_until(clock, START + 12))
    await clock.advance(4)
    clock.jump(3600)
    await clock.advance(0.999)
    assert not task.done()
    await clock.advance(0.001)
    assert task.done()
    await task


async def test_sleep_until_waits_longer_when_the_wall_clock_is_set_back() -> None:
    clock = ManualClock()
    task = asyncio.create_task(sleep_until(clock, START + 8))
    await clock.advance(4)
    clock.jump(-10)
    await clock.advance(13.999)
    assert not task.done()
    await clock.advance(0.001)
    assert task.done()
    await task


async def test_sleep_until_a_past_time_returns_at_once() -> None:
    await sleep_until(ManualClock(), START)


async def test_before_ends_at_a_wall_clock_time() -> None:
    clock = ManualClock()
    task = asyncio.create_task(before(clock, START + 3600, answer_after(clock, 7200)))
    await clock.advance(1)
    clock.jump(3600)
    await clock.advance(4)
    with pytest.raises(TimeoutError):
        await task
    assert clock.sleeping == 0


async def test_before_returns_the_result() -> None:
    clock = ManualClock()
    task = asyncio.create_task(before(clock, START + 3600, answer_after(clock, 1)))
    await clock.advance(1)
    assert await task == "answer"
    assert clock.sleeping == 0
