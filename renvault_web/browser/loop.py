"""Quicker turns of the event loop: what waits for one is kept here, and the page calls once for all of it.

Pyodide's own loop runs each callback on a stack and a thread state of its own, so that it may block. Nothing of ours
blocks, and that takes longer than most of what a turn does; a timer of it that was cancelled still wakes the page up.
Here, as in asyncio's own loops, callbacks stand in a queue and timers in a heap; the other end is ``web/src/loop.ts``.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, cast

from pyodide.ffi import create_proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

LONGEST = 24 * 3600.0
"""Seconds that the browser is asked to wait at most; its own most is 24 days."""


class QuickTurns:
    """Takes over ``call_soon`` and ``call_later`` of the running loop, for as long as the page lives."""

    def __init__(self, bridge: Any) -> None:
        self._page = bridge.loop
        self._loop = cast("Any", asyncio.get_running_loop())
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[asyncio.TimerHandle] = []
        self._called = False
        self._wakes_at = math.inf
        self._page.start(create_proxy(self._run))  # the page keeps it as long as it lives
        self._loop.call_soon, self._loop.call_later = self._call_soon, self._call_later

    def _call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self._loop, context)
        self._ready.append(handle)
        self._call()
        return handle

    def _call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(self._loop.time() + delay, callback, args, self._loop, context)
        heappush(self._timers, timer)
        self._wake()
        return timer

    def _call(self) -> None:
        if not self._called:
            self._called = True
            self._page.soon()

    def _wake(self) -> None:
        """Have the page call when the first timer is due."""
        while self._timers and self._timers[0].cancelled():
            heappop(self._timers)
        if self._timers and self._timers[0].when() < self._wakes_at:
            now = self._loop.time()
            left = min(max(self._timers[0].when() - now, 0), LONGEST)
            self._wakes_at = now + left
            self._page.later(math.ceil(left * 1000))

    def _run(self, woken: bool) -> None:
        """Run what is ready now, as asyncio does: what that makes ready has the next turn."""
        asyncio._set_running_loop(self._loop)
        if woken:
            self._wakes_at = math.inf
        else:
            self._called = False
        now = self._loop.time()
        while self._timers and self._timers[0].when() <= now:
            self._ready.append(heappop(self._timers))
        try:
            for _ in range(len(self._ready)):
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            if self._ready:
                self._call()
            self._wake()
