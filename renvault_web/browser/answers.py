"""Promises of the page, awaited without that they cross, and without a turn of the event loop.

``await`` on a promise itself takes Pyodide some ten times as long as what a cipher does to a record. Here a task goes
on at the moment at which the page tells the answer (``web/src/answer.ts``), as JavaScript's own ``await`` does: it is
told as a promise's reaction, when no Python runs.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

from pyodide.ffi import create_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Context

_waiting: dict[int, _Answer] = {}
_numbers = count()


async def answer(ask: Any, *args: str) -> str:
    """Call ``ask(number, tell, *args)`` and return what it tells under that number; raises its ``JsException``."""
    global _told  # one proxy, for as long as the page lives
    _told = _told or create_proxy(_tell)
    number = next(_numbers)
    _waiting[number] = awaited = _Answer()
    try:
        ask(number, _told, *args)
        return await awaited
    finally:
        _waiting.pop(number, None)


class _Answer:
    """What a task can wait for; of asyncio's futures no more than that (``asyncio.isfuture``)."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asyncio_future_blocking = False
        self._waits: tuple[Callable[[Any], object], Context] | None = None
        self._text = ""
        self._error: BaseException | None = None

    def __await__(self) -> Generator[Any, None, str]:
        self._asyncio_future_blocking = True  # says to the task that it is to wait
        yield self
        return self.result()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context) -> None:
        self._waits = callback, context

    def result(self) -> str:
        if self._error is not None:
            raise self._error
        return self._text

    def cancel(self, msg: object = None) -> bool:
        """Have the task go on without an answer, in the loop's next turn: it is another one that runs now."""
        self._error = asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg)
        self._loop.call_soon(self._go_on)
        return True

    def settle(self, text: str, error: BaseException | None) -> None:
        """Have the task go on now, unless it was cancelled."""
        if self._error is None:
            self._text, self._error = text, error
            self._go_on()

    def _go_on(self) -> None:
        if self._waits is not None:
            (callback, context), self._waits = self._waits, None
            asyncio._set_running_loop(self._loop)
            context.run(callback, self)


def _tell(number: int, text: str, error: BaseException | None = None) -> None:
    awaited = _waiting.pop(number, None)
    if awaited is not None:
        awaited.settle(text, error if isinstance(error, BaseException) else None)


_told: Any = None
