"""Time limits and long sleeps, over the ``Clock`` port alone.

Services never ask the event loop for time: a manual clock then drives whole scenarios in a test, and a device that
sleeps or a page that is throttled is noticed, because every wait looks at the wall clock again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .ports import Clock

T = TypeVar("T")

LONGEST_SLEEP = 5.0
"""Seconds of one sleep at most, so that a jump of the wall clock is seen soon."""


async def sleep_until(clock: Clock, when: float) -> None:
    """Return when the wall clock shows ``when`` (epoch seconds) or later, jumps included."""
    while (left := when - clock.now()) > 0:
        await clock.sleep(min(left, LONGEST_SLEEP))


async def within(clock: Clock, seconds: float, awaitable: Awaitable[T]) -> T:
    """Return the result of ``awaitable``; after ``seconds`` cancel it and raise ``TimeoutError``."""
    return await _race(awaitable, clock.sleep(seconds))


async def before(clock: Clock, when: float, awaitable: Awaitable[T]) -> T:
    """Return the result of ``awaitable``; when the wall clock shows ``when``, cancel it and raise ``TimeoutError``."""
    return await _race(awaitable, sleep_until(clock, when))


async def _race(awaitable: Awaitable[T], limit: Awaitable[None]) -> T:
    work = asyncio.ensure_future(awaitable)
    timer = asyncio.ensure_future(limit)
    try:
        await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise TimeoutError("The time limit has passed.")
        return work.result()
    finally:
        work.cancel()
        timer.cancel()
        # Both end here, so that nothing goes on behind the caller's back.
        await asyncio.gather(work, timer, return_exceptions=True)
