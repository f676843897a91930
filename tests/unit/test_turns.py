"""renvault_web.turns: one after the other, each within its limit."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from renvault_web.errors import StorageError
from renvault_web.testing import ManualClock, settle
from renvault_web.turns import Turns


async def test_they_run_in_the_order_they_were_asked_for_and_never_two_at_once() -> None:
    turns, log, go = Turns(ManualClock()), list[str](), asyncio.Event()

    async def work(name: str) -> str:
        log.append(f"{name} begins")
        await go.wait()
        log.append(f"{name} ends")
        return name

    asked = [asyncio.ensure_future(turns.take(partial(work, name), 10)) for name in "ab"]
    await settle()
    assert log == ["a begins"]
    go.set()
    assert await asyncio.gather(*asked) == ["a", "b"]
    assert log == ["a begins", "a ends", "b begins", "b ends"]


async def test_a_queue_that_moves_may_be_long() -> None:
    clock = ManualClock()
    turns = Turns(clock)
    asked = [asyncio.ensure_future(turns.take(partial(clock.sleep, 6), 10)) for _ in range(20)]
    await clock.advance(120)
    assert all(one.done() and one.exception() is None for one in asked)
    assert clock.sleeping == 0


async def test_in_a_queue_that_does_not_move_nobody_waits_longer_than_the_limit() -> None:
    clock = ManualClock()
    turns = Turns(clock)
    asked = [asyncio.ensure_future(turns.take(partial(clock.sleep, 1000), 10)) for _ in range(3)]
    await clock.advance(10)
    for one in asked:
        with pytest.raises(StorageError, match="within 10 s"):
            await one
    assert clock.sleeping == 0


async def test_the_wait_counts_to_the_limit_and_the_next_one_has_its_turn() -> None:
    clock = ManualClock()
    turns = Turns(clock)

    async def done() -> str:
        return "done"

    first = asyncio.ensure_future(turns.take(lambda: clock.sleep(100), 20))
    second = asyncio.ensure_future(turns.take(done, 10))
    third = asyncio.ensure_future(turns.take(done, 30))
    await clock.advance(10)
    with pytest.raises(StorageError, match=r"did not finish within 10 s\. Nothing is lost"):
        await second
    await clock.advance(10)
    with pytest.raises(StorageError, match="within 20 s"):
        await first
    assert await third == "done"
    assert clock.sleeping == 0


async def test_what_fails_leaves_the_turn_to_the_next() -> None:
    turns = Turns(ManualClock())

    async def fail() -> None:
        raise ValueError("no")

    async def done() -> str:
        return "done"

    with pytest.raises(ValueError, match="no"):
        await turns.take(fail, 10)
    assert await turns.take(done, 10) == "done"
