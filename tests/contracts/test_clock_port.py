"""What every Clock does: the manual one here, the device's in the page."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from renvault_web.testing import ManualClock

if TYPE_CHECKING:
    from renvault_web.ports import Clock


class Time:
    """A clock, and what lets its time pass."""

    def __init__(self) -> None:
        self._manual: ManualClock | None = None
        if sys.platform == "emscripten":
            from renvault_web.browser.adapters import BrowserClock

            self.clock: Clock = BrowserClock()
        else:
            self.clock = self._manual = ManualClock()

    async def passes(self, seconds: float) -> None:
        if self._manual is not None:
            await self._manual.advance(seconds)
        else:
            await asyncio.sleep(seconds)


@pytest.fixture
def time() -> Time:
    return Time()


def test_now_is_the_wall_clock_in_epoch_seconds(time: Time) -> None:
    assert 1_600_000_000 < time.clock.now() < 4_000_000_000


async def test_both_clocks_go_forward_with_time(time: Time) -> None:
    now, steady = time.clock.now(), time.clock.steady()
    await time.passes(0.1)
    assert 0.09 < time.clock.now() - now < 2
    assert 0.09 < time.clock.steady() - steady < 2


async def test_a_sleep_ends_when_its_time_has_passed_and_not_before(time: Time) -> None:
    start = time.clock.steady()
    sleep = asyncio.ensure_future(time.clock.sleep(0.1))
    await time.passes(0.05)
    assert not sleep.done()
    await time.passes(0.2)
    assert sleep.done()
    assert time.clock.steady() - start > 0.09


async def test_sleeps_end_in_the_order_of_their_ends(time: Time) -> None:
    ended: list[str] = []

    async def sleep(name: str, seconds: float) -> None:
        await time.clock.sleep(seconds)
        ended.append(name)

    tasks = [asyncio.ensure_future(sleep("long", 0.15)), asyncio.ensure_future(sleep("short", 0.05))]
    await time.passes(0.3)
    assert ended == ["short", "long"]
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_sleep_of_no_time_ends_at_once(time: Time, seconds: float) -> None:
    sleep = asyncio.ensure_future(time.clock.sleep(seconds))
    await time.passes(0.01)
    assert sleep.done()


async def test_a_sleep_can_be_cancelled(time: Time) -> None:
    sleep = asyncio.ensure_future(time.clock.sleep(60))
    await time.passes(0.01)
    sleep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleep
