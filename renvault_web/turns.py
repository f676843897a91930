"""Operations that come one after the other, each with a time limit that its wait for those before it counts to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from .errors import StorageError
from .timing import within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .ports import Clock

T = TypeVar("T")


class Turns:
    """The turns of one store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = asyncio.Lock()

    async def take(self, work: Callable[[], Awaitable[T]], limit: float) -> T:
        """Return the result of ``work()``, run alone; ``StorageError`` after ``limit`` seconds."""

        async def in_turn() -> T:
            async with self._lock:
                return await work()

        try:
            return await within(self._clock, limit, in_turn())
        except TimeoutError as error:
            raise StorageError(
                f"The browser did not finish within {limit:.0f} s. Nothing is lost; try again."
            ) from error
