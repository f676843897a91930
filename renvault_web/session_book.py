"""The sessions that are known, from the storage and from the client, and what each is good for now.

Holds no session of its own but those the client lists; the rest is read from the storage's open view each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import NotStartedError
from .session import (
    RESTORING_LIMIT,
    USABLE,
    SessionStats,
    SessionStatus,
    WalletSession,
    expires_soon,
    is_local,
    status_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ports import Clock
    from .storage import EncryptedSessionStorage
    from .stored import StoredSession


class SessionBook:
    """What is known; records of which ``is_leaving(topic)`` are on their way out and not shown."""

    def __init__(self, *, clock: Clock, storage: EncryptedSessionStorage, is_leaving: Callable[[str], bool]) -> None:
        self.live: dict[str, WalletSession] = {}
        """What the client lists, by topic."""
        self.asked = False
        """Whether a client has been asked."""
        self.ended: set[str] = set()
        """Topics that have ended here. They never come back: what a client still lists of them is stale."""
        self.chosen: str | None = None
        """The topic that the user made primary."""
        self._opened_at = 0.0
        self._clock = clock
        self._storage = storage
        self._is_leaving = is_leaving

    def open(self) -> None:
        """Forget the client; the time begins that the next one has to confirm what is stored."""
        self.live.clear()
        self.asked = False
        self._opened_at = self._clock.now()

    def known(self) -> list[WalletSession]:
        """Return every known session, the oldest first."""
        sessions = {session.topic: session for session in self._stored() if not self._is_leaving(session.topic)}
        return list((sessions | self.live).values())

    def find(self, topic: str) -> WalletSession | None:
        """Return the session with the topic, or None."""
        if topic in self.live:
            return self.live[topic]
        record = None if self._is_leaving(topic) else self._record(topic)
        return record.session if record else None

    def status(self, session: WalletSession) -> SessionStatus:
        """Return what the session is good for now; one that was imported, nothing until a client lists it."""
        live = session.topic in self.live if self.asked or self.is_imported(session.topic) else None
        return status_of(session, self._clock.now(), live=live, opened_at=self._opened_at)

    def is_imported(self, topic: str) -> bool:
        """Return whether what is stored of the topic came with an import, and no client has listed it since."""
        record = self._record(topic)
        return record is not None and record.imported

    def usable(self) -> list[WalletSession]:
        """Return the sessions that are active or being restored."""
        return [session for session in self.known() if self.status(session) in USABLE]

    def primary(self) -> WalletSession | None:
        """Return the usable session that the user chose, else the one used last."""
        usable = self.usable()
        chosen = [session for session in usable if session.topic == self.chosen]
        return max(chosen or usable, key=self._last_use, default=None)

    def stats(self) -> SessionStats:
        """Return the sessions in figures."""
        usable, now = self.usable(), self._clock.now()
        return SessionStats(
            total_sessions=len(self.known()),
            active_sessions=len(usable),
            expiring_soon=sum(expires_soon(session, now) for session in usable),
        )

    def due(self) -> list[WalletSession]:
        """Return the sessions whose time is over and that have not left yet."""
        return [session for session in self._staying() if self.status(session) is SessionStatus.EXPIRED]

    def next_moment(self) -> float | None:
        """Return when a status next changes by itself, None where nothing ends."""
        moments = [session.expiry for session in self._staying() if not is_local(session)]
        if moments and not self.asked and self._opened_at + RESTORING_LIMIT > self._clock.now():
            moments.append(self._opened_at + RESTORING_LIMIT)
        return min(moments, default=None)

    def _staying(self) -> list[WalletSession]:
        return [session for session in self.known() if session.topic not in self.ended]

    def _last_use(self, session: WalletSession) -> float:
        record = self._record(session.topic)
        return record.used_at if record else 0.0

    def _record(self, topic: str) -> StoredSession | None:
        try:
            return self._storage.stored_session(topic)
        except NotStartedError:
            return None

    def _stored(self) -> list[WalletSession]:
        try:
            return self._storage.retrieve_all_sessions()
        except NotStartedError:
            return []
