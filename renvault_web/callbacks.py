"""A host's own functions, called for it: they may be async, and what they raise is logged and stops nothing of ours."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING

from .log_text import loggable

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Callbacks:
    """The calls that still run."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def call(self, callback: Callable[..., object] | None, *args: object) -> None:
        """Call ``callback``, if there is one, in a task of its own."""
        if callback is not None:
            task = asyncio.ensure_future(_called(callback, *args))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Give up the calls that still run, but the one that asks for it."""
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()


async def _called(callback: Callable[..., object], *args: object) -> None:
    try:
        result = callback(*args)
        if inspect.isawaitable(result):
            await result
    except Exception as error:
        _log.error("A function of the host raised: %s", loggable(error))
