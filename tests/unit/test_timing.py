from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from renvault_web.errors import StorageError
from renvault_web.testing import START, ManualClock, settle
from renvault_web.timing import PAUSE, Soon, answered_within, before, keep_on, sleep_until, within


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


async def test_a_browser_that_does_not_answer_in_time_is_an_error_of_the_storage() -> None:
    clock = ManualClock()
    task = asyncio.create_task(answered_within(clock, 10, answer_after(clock, 9)))
    await clock.advance(9)
    assert await task == "answer"
    task = asyncio.create_task(answered_within(clock, 10, answer_after(clock, 11)))
    await clock.advance(10)
    with pytest.raises(StorageError, match=r"did not finish within 10 s\. Nothing is lost"):
        await task
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


class Bell:
    """A clock whose sleeps all end in the very turn in which it rings, or fails."""

    def __init__(self) -> None:
        self._rings: list[asyncio.Future[None]] = []

    def now(self) -> float:
        return START

    def steady(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self._rings.append(asyncio.get_running_loop().create_future())
        await self._rings[-1]

    def ring(self, error: Exception | None = None) -> None:
        for ring in self._rings:
            if error is None:
                ring.set_result(None)
            else:
                ring.set_exception(error)


@pytest.mark.parametrize("limit_first", [True, False])
async def test_work_that_ends_in_the_turn_of_its_limit_wins(*, limit_first: bool) -> None:
    bell = Bell()
    end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        return await end

    task = asyncio.create_task(within(bell, 10, work()))
    await settle()
    if limit_first:
        bell.ring()
    end.set_result("just in time")
    if not limit_first:
        bell.ring()
    assert await task == "just in time"
    await settle()


async def test_a_limit_costs_one_task_which_ends_with_the_work() -> None:
    clock, before_it = ManualClock(), asyncio.all_tasks()
    more: list[int] = []

    async def work() -> None:
        await settle()
        more.append(len(asyncio.all_tasks() - before_it))

    await within(clock, 10, work())
    assert (more, clock.sleeping) == ([1], 0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before_it


async def test_work_without_a_wait_needs_no_turn_of_the_loop() -> None:
    async def answer() -> str:
        return "answer"

    turns: list[str] = []
    asyncio.get_running_loop().call_soon(turns.append, "turn")
    assert await within(ManualClock(), 10, answer()) == "answer"
    assert turns == []
    await settle()


@pytest.mark.parametrize("end", ["returns", "raises"])
async def test_work_that_will_not_be_cancelled_is_over_its_limit_all_the_same(end: str) -> None:
    clock = ManualClock()

    async def stubborn() -> None:
        try:
            await clock.sleep(100)
        except asyncio.CancelledError:
            await clock.sleep(1)
            if end == "raises":
                raise ValueError("no") from None

    task = asyncio.create_task(within(clock, 10, stubborn()))
    await clock.advance(10)
    assert not task.done()
    await clock.advance(1)
    with pytest.raises(TimeoutError, match="The time limit has passed"):
        await task
    assert task.cancelling() == 0


async def test_a_caller_that_is_cancelled_is_cancelled_whatever_its_work_makes_of_it() -> None:
    clock = ManualClock()

    async def stubborn() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await clock.sleep(100)
        return "answer"

    task = asyncio.create_task(within(clock, 10, stubborn()))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.sleeping == 0


async def test_a_caller_that_is_cancelled_at_its_limit_is_cancelled() -> None:
    bell = Bell()
    task = asyncio.create_task(within(bell, 10, asyncio.Event().wait()))
    await settle()
    bell.ring()
    for _ in range(2):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_limits_within_limits_each_end_their_own_work() -> None:
    clock = ManualClock()

    async def inner(seconds: float) -> str:
        try:
            await within(clock, seconds, asyncio.Event().wait())
        except TimeoutError:
            return "the inner limit"
        return "no limit"

    task = asyncio.create_task(within(clock, 10, inner(3)))
    await clock.advance(3)
    assert await task == "the inner limit"
    task = asyncio.create_task(within(clock, 3, inner(10)))
    await clock.advance(3)
    with pytest.raises(TimeoutError):
        await task
    bell = Bell()

    async def both() -> None:
        await within(bell, 1, asyncio.Event().wait())

    task_of_both = asyncio.create_task(within(bell, 1, both()))
    await settle()
    bell.ring()
    with pytest.raises(TimeoutError):
        await task_of_both
    assert task_of_both.cancelling() == 0


async def test_a_clock_that_fails_fails_what_it_limits() -> None:
    bell = Bell()
    task = asyncio.create_task(within(bell, 10, asyncio.Event().wait()))
    await settle()
    bell.ring(RuntimeError("broken"))
    with pytest.raises(RuntimeError, match="broken"):
        await task


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


async def test_a_lifelong_task_that_stumbles_says_so_without_secrets_pauses_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    turns: list[float] = []

    async def turn() -> None:
        turns.append(clock.now() - START)
        if len(turns) < 3:
            raise KeyError(f"wc:{'a' * 64}@2?symKey=secret")
        await clock.sleep(100)

    with caplog.at_level(logging.ERROR):
        task = asyncio.create_task(keep_on(clock, "The watch", turn))
        await clock.advance(150)
    assert turns == [0, PAUSE, 2 * PAUSE, 2 * PAUSE + 100]
    message = caplog.messages[0]
    assert message.startswith("The watch stumbled over KeyError ('wc:…') in turn, test_timing.py:")
    assert "secret" not in caplog.text
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.sleeping == 0


async def test_what_is_planned_several_times_is_done_once_in_the_next_turn() -> None:
    done: list[str] = []
    soon = Soon(lambda: done.append("done"))
    soon.plan()
    soon.plan()
    assert done == []
    await settle()
    assert done == ["done"]
    soon.plan()
    await settle()
    assert done == ["done", "done"]


async def test_what_is_planned_may_plan_itself_again() -> None:
    turns: list[str] = []

    def work() -> None:
        turns.append("turn")
        if len(turns) == 1:
            soon.plan()

    soon = Soon(work)
    soon.plan()
    await settle()
    assert turns == ["turn", "turn"]


async def test_what_is_cancelled_is_not_done_but_can_be_planned_again() -> None:
    done: list[str] = []
    soon = Soon(lambda: done.append("done"))
    soon.cancel()
    soon.plan()
    soon.cancel()
    await settle()
    assert done == []
    soon.plan()
    await settle()
    assert done == ["done"]
