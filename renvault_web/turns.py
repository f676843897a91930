"""Operations that come one after the other, each with a time limit.

The limit of one that waits for its turn begins anew with each success before it: a long queue that moves is no fault,
and in one that does not move nobody waits longer than the limit.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, TypeVar

from .timing import limited, unanswered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .ports import Clock

T = TypeVar("T")


class Turns:
    """The turns of one store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()
        self._moved_at = -math.inf  # on the steady clock

    async def take(self, work: Callable[[], Awaitable[T]], limit: float) -> T:
        """Return the result of ``work()``, run alone; ``StorageError`` after ``limit`` seconds without a success."""
        asked_at = self._clock.steady()

        async def in_turn() -> T:
            async with self._lock:
                result = await work()
                self._moved_at = self._clock.steady()
                return result

        async def stand() -> None:
            while (left := max(asked_at, self._moved_at) + limit - self._clock.steady()) > 0:
                await self._clock.sleep(left)

        try:
            return await limited(in_turn(), stand)
        except TimeoutError as error:
            raise unanswered(limit) from error
