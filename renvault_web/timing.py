"""Time limits, long sleeps and lifelong tasks, over the ``Clock`` port alone; and what is to be done once a turn.

Services never ask the event loop for time: a manual clock then drives whole scenarios in a test, and a device that
sleeps or a page that is throttled is noticed, because every wait looks at the wall clock again.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

from .error_text import presentable
from .errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .ports import Clock

T = TypeVar("T")

_log = logging.getLogger(__name__)

LONGEST_SLEEP = 5.0
"""Seconds of one sleep at most, so that a jump of the wall clock is seen soon."""

PAUSE = 5.0
"""Seconds that a lifelong task rests after a fault, so that one that lasts does not make it spin."""


async def sleep_until(clock: Clock, when: float) -> None:
    """Return when the wall clock shows ``when`` (epoch seconds) or later, jumps included."""
    while (left := when - clock.now()) > 0:
        await clock.sleep(min(left, LONGEST_SLEEP))


async def within(clock: Clock, seconds: float, awaitable: Awaitable[T]) -> T:
    """Return the result of ``awaitable``; after ``seconds`` cancel it and raise ``TimeoutError``."""
    return await limited(awaitable, lambda: clock.sleep(seconds))


async def before(clock: Clock, when: float, awaitable: Awaitable[T]) -> T:
    """Return the result of ``awaitable``; when the wall clock shows ``when``, cancel it and raise ``TimeoutError``."""
    return await limited(awaitable, lambda: sleep_until(clock, when))


async def limited(awaitable: Awaitable[T], limit: Callable[[], Awaitable[None]]) -> T:
    """Return the result of ``awaitable``; once ``limit()`` has returned, cancel it and raise ``TimeoutError``.

    It is awaited in the caller's own task, which a timer cancels: every store takes this path, and a task is not free.
    """
    caller = cast("asyncio.Task[object]", asyncio.current_task())
    cancels = caller.cancelling()
    over: Exception | None = None

    async def expire() -> None:
        nonlocal over
        try:
            await limit()
            await asyncio.sleep(0)  # work that ends at this very moment counts
            over = TimeoutError("The time limit has passed.")
        except Exception as error:
            over = error
        caller.cancel()

    timer = asyncio.ensure_future(expire())
    try:
        return await awaitable
    finally:
        # Said here, since the work may have made something else of its cancellation. The timer is not awaited: with
        # its sleep cancelled it only ends, in the loop's next turn.
        timer.cancel()
        remaining = caller.cancelling() if over is None else caller.uncancel()
        if remaining > cancels:
            raise asyncio.CancelledError
        if over is not None:
            raise over


async def keep_on(clock: Clock, what: str, turn: Callable[[], Awaitable[object]]) -> NoReturn:
    """Await ``turn()`` again and again until cancelled; what one raises is logged, and the next comes after ``PAUSE``.

    Of the fault, place and kind are logged as they are, its text without secrets.
    """
    while True:
        try:
            await turn()
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error(
                "%s stumbled over %s (%s) in %s, %s:%s; it goes on in %g s.",
                what,
                type(error).__name__,
                presentable(str(error)),
                place.name,
                place.filename.rpartition("/")[2],
                place.lineno,
                PAUSE,
            )
            await clock.sleep(PAUSE)


class Soon:
    """Calls ``work()`` in the event loop's next turn, once however often it was planned."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._planned: asyncio.Handle | None = None

    def plan(self) -> None:
        """Have the work done soon."""
        if self._planned is None:
            self._planned = asyncio.get_running_loop().call_soon(self._run)

    def cancel(self) -> None:
        """Have it not done, until it is planned again."""
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None

    def _run(self) -> None:
        self._planned = None
        self._work()


async def answered_within(clock: Clock, seconds: float, awaitable: Awaitable[T]) -> T:
    """Return the result of ``awaitable``, something of the browser's; ``StorageError`` where it takes ``seconds``."""
    try:
        return await within(clock, seconds, awaitable)
    except TimeoutError as error:
        raise unanswered(seconds) from error


def unanswered(seconds: float) -> StorageError:
    """Return the error that tells of a browser that has not answered for so long."""
    return StorageError(f"The browser did not finish within {seconds:.0f} s. Nothing is lost; try again.")
