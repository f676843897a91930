"""What the store should hold, written in the background: the newest state of each topic, one write at a time.

Events come faster than writes end, and for one topic in any order with them. Here only the newest counts, so that a
session that was deleted is never written again by a write that was under way.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import NotStartedError, RenvaultError, StorageError
from .log_text import loggable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .session import WalletSession
    from .storage import EncryptedSessionStorage

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Pending:
    session: WalletSession | None  # None: no record
    used_at: float | None = None


class SessionWriter:
    """Writes sessions and removals to the storage; ``report(topic, error)`` is told of each that failed."""

    def __init__(self, *, storage: EncryptedSessionStorage, report: Callable[[str, RenvaultError], None]) -> None:
        self._storage = storage
        self._report = report
        self._waiting: dict[str, _Pending] = {}
        self._writing: dict[str, _Pending] = {}
        self._task: asyncio.Task[None] | None = None
        self._removing: set[str] = set()

    def store(self, session: WalletSession, *, used_at: float | None = None) -> None:
        """Have the session stored soon; ``used_at`` when the user used it just now."""
        earlier = self._waiting.get(session.topic)
        if used_at is None and earlier is not None:
            used_at = earlier.used_at
        self._removing.discard(session.topic)
        self._put(session.topic, _Pending(session, used_at))

    def remove(self, topic: str) -> None:
        """Have the session's record removed soon."""
        self._removing.add(topic)
        self._put(topic, _Pending(None))

    def is_removing(self, topic: str) -> bool:
        """Return whether the record is on its way out, and its session not to be shown any more."""
        return topic in self._removing

    def is_pending(self, topic: str) -> bool:
        """Return whether what the storage has of the topic is about to be replaced."""
        return topic in self._waiting or topic in self._writing

    @property
    def idle(self) -> bool:
        """Whether nothing is left to write."""
        return self._task is None

    async def flush(self) -> None:
        """Return when all that was to be written has been, or has failed and been reported."""
        while self._task is not None:
            await asyncio.wait({self._task})

    def cancel(self) -> None:
        """Give up what is not written yet."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def _put(self, topic: str, pending: _Pending) -> None:
        self._waiting[topic] = pending
        if self._task is None:
            self._begin()

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._write())
        self._task.add_done_callback(self._ended)

    async def _write(self) -> None:
        while self._waiting:
            self._writing, self._waiting = self._waiting, {}
            pending = self._writing
            plain = {topic: one.session for topic, one in pending.items() if one.session and not one.used_at}
            if len(plain) > 1 and await self._store_all(plain.values()):
                pending = {topic: one for topic, one in pending.items() if topic not in plain}
            for topic, one in pending.items():
                await self._carry_out(topic, one)

    def _ended(self, _: asyncio.Task[None]) -> None:
        """Clean up, also after a task that was cancelled before it began."""
        self._task = None
        self._writing = {}
        self._removing &= self._waiting.keys()
        if self._waiting:  # put there between the last write and this
            self._begin()

    async def _store_all(self, sessions: Collection[WalletSession]) -> bool:
        """Store all in one go; False where that failed and each has to be tried alone."""
        try:
            await self._storage.store_sessions(sessions)
        except Exception as error:
            count = len(sessions)
            _log.info("%d sessions could not be stored in one go (%s); each is tried alone.", count, loggable(error))
            return False
        return True

    async def _carry_out(self, topic: str, pending: _Pending) -> None:
        try:
            if pending.session is None:
                await self._storage.remove_session(topic)
            else:
                await self._storage.store_session(pending.session, used_at=pending.used_at)
        except NotStartedError:
            _log.info("A session was not stored: the storage is not open.")
        except RenvaultError as error:
            _log.warning("A session could not be stored: %s", loggable(error))
            self._report(topic, error)
        except Exception as error:
            _log.error("A session could not be stored: %s", loggable(error))
            self._report(topic, StorageError(f"Session {topic[:8]} could not be stored: {type(error).__name__}."))
        finally:
            if pending.session is None:
                self._removing.discard(topic)
