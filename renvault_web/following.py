"""What the other pages of this origin stored, followed: for each of their messages the store is read again."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from .errors import RenvaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .ports import Json, Tabs, Unsubscribe

CHANGED = "records"
"""The kind of the message; ``web/src/bridge.ts`` makes the same of a write of which only the browser told."""

_log = logging.getLogger(__name__)


class Following:
    """Tells the other pages of changes, and has ``reload`` called for theirs; without ``tabs`` it does nothing."""

    def __init__(self, *, tabs: Tabs | None, reload: Callable[[], Awaitable[None]]) -> None:
        self._tabs = tabs
        self._reload = reload
        self._unsubscribe: Unsubscribe | None = None
        self._task: asyncio.Task[None] | None = None
        self._stale = False

    def start(self) -> None:
        """Follow from now on."""
        if self._tabs and not self._unsubscribe:
            self._unsubscribe = self._tabs.subscribe(self._on_message)

    def stop(self) -> None:
        """Follow no longer."""
        if self._unsubscribe:
            self._unsubscribe()
            self._unsubscribe = None
        if self._task:
            self._task.cancel()
            self._task = None

    def tell(self) -> None:
        """Tell the other pages that the store has changed."""
        if self._tabs:
            self._tabs.post({"kind": CHANGED})

    def _on_message(self, message: Json) -> None:
        if message.get("kind") != CHANGED:
            return
        self._stale = True
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        while self._stale:
            self._stale = False
            try:
                await self._reload()
            except RenvaultError as error:
                _log.warning("What another page stored could not be read: %s", error)
