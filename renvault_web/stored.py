"""What the records of the session storage hold, and the view of them between ``open`` and ``close``. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import CorruptRecordError, StorageFullError, WalletError
from .record import Purpose, pack
from .session import WalletSession, parse_session, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .ports import Json

NOTES = "notes"
"""The identity of the one record of notes."""

MAX_STORAGE_SIZE = 10 * 1024 * 1024
"""Bytes that our records may take unless a host says otherwise: the guide's default."""


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """The store in figures, zeros while it is not open; sizes in bytes, 2 for a UTF-16 unit of key and value."""

    total_sessions: int = 0
    total_size: int = 0
    max_size: int = MAX_STORAGE_SIZE
    usage_percent: float = 0.0
    quarantined: int = 0
    """Records that cannot be read; they are kept. Those whose place was needed count here and not in the sizes."""
    persistent: bool = True
    """False where everything stored dies with the page."""


MAX_SESSION = 256 * 1024
"""Bytes of a session's body before it is compressed; a real one has a few thousand. No wallet may fill the store."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What a session's record holds. The times are epoch seconds."""

    session: WalletSession
    created_at: float
    """When the session was first stored here."""
    used_at: float
    """When it was last used; at first, when it was stored."""


@dataclass(slots=True)
class View:
    """What is known of the store between ``open`` and ``close``; ``texts`` are our records as last seen."""

    sessions: dict[str, StoredSession] = field(default_factory=dict)
    expired: dict[str, StoredSession] = field(default_factory=dict)
    """What ``open`` removed: a client may know of more time, and what is stored again keeps its times."""
    notes: dict[str, Any] = field(default_factory=dict)
    notes_key: str | None = None
    keys: dict[str, str] = field(default_factory=dict)  # topic: storage key
    topics: dict[str, str] = field(default_factory=dict)  # the way back
    texts: dict[str, str] = field(default_factory=dict)  # storage key: record
    unreadable: set[str] = field(default_factory=set)  # storage keys
    aside: int = 0
    """How many records are kept aside (``quarantine.py``)."""
    size: int = 0
    """Bytes that our records take, those kept aside left out."""

    def put(self, key: str, text: str, value: StoredSession | Json) -> None:
        """Take over a record that was read or written."""
        self._put_text(key, text)
        self.unreadable.discard(key)
        if isinstance(value, StoredSession):
            topic = value.session.topic
            self.sessions[topic], self.keys[topic], self.topics[key] = value, key, topic
        else:
            self.notes, self.notes_key = value, key

    def put_unreadable(self, key: str, text: str) -> None:
        """Take note of a record that cannot be read."""
        self._put_text(key, text)
        self.unreadable.add(key)

    def drop(self, key: str) -> None:
        """Forget a record."""
        self._put_text(key, None)
        self.unreadable.discard(key)
        topic = self.topics.pop(key, None)
        if topic is not None:
            del self.sessions[topic], self.keys[topic]
        if key == self.notes_key:
            self.notes, self.notes_key = {}, None

    def require_room(self, texts: Mapping[str, str], limit: int) -> None:
        """Raise ``StorageFullError`` where ``texts`` in place of what is there would go beyond ``limit`` bytes."""
        more = sum(stored_size(key, text) - stored_size(key, self.texts.get(key)) for key, text in texts.items())
        if more > 0 and self.size + more > limit:
            figures = f"{more} bytes more: {self.size} of {limit} are used"
            raise StorageFullError(f"There is no room for {figures}. Disconnect sessions you no longer need.")

    def sort(self) -> None:
        """Bring the sessions into the order in which they were first stored."""
        self.sessions = dict(sorted(self.sessions.items(), key=lambda item: item[1].created_at))

    def _put_text(self, key: str, text: str | None) -> None:
        self.size += stored_size(key, text) - stored_size(key, self.texts.pop(key, None))
        if text is not None:
            self.texts[key] = text


def renewed(session: WalletSession, before: StoredSession | None, used_at: float | None, now: float) -> StoredSession:
    """Return the session as it is to be stored over ``before``."""
    if before is None:
        return StoredSession(session, created_at=now, used_at=now if used_at is None else used_at)
    return StoredSession(session, before.created_at, before.used_at if used_at is None else used_at)


def body_of(stored: StoredSession) -> Json:
    """Return the body of the session's record."""
    return {"session": to_json(stored.session), "created": stored.created_at, "used": stored.used_at}


def packed_session(stored: StoredSession, *, compress: bool) -> tuple[int, bytes]:
    """Return flags and body of the session's record; ``StorageError`` that names a session no record can hold."""
    return pack(body_of(stored), compress=compress, name=f"Session {stored.session.topic[:8]}", limit=MAX_SESSION)


def parse_body(purpose: int, data: Json) -> tuple[Purpose, str, StoredSession | Json]:
    """Return purpose, identity and content of a record's body; ``CorruptRecordError`` where it is not one of ours."""
    if purpose == Purpose.SESSION:
        try:
            session = parse_session(data.get("session"))
        except WalletError as error:
            raise CorruptRecordError("The record's session is not complete.") from error
        return Purpose.SESSION, session.topic, StoredSession(session, _time(data, "created"), _time(data, "used"))
    if purpose == Purpose.NOTES:
        notes = data.get("notes")
        if not isinstance(notes, dict):
            raise CorruptRecordError("The record's notes are not an object.")
        return Purpose.NOTES, NOTES, notes
    raise CorruptRecordError(f"The record has purpose {purpose}, which this page does not know.")


def _time(data: Json, name: str) -> float:
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CorruptRecordError(f"The record's time {name!r} is not a number.")
    return float(value)


def stored_size(key: str, text: str | None) -> int:
    """Return the bytes that ``text`` takes under ``key``, 2 for a UTF-16 unit; 0 for no text."""
    if text is None:
        return 0
    both = key + text
    # Our records are ASCII; what lies under a key of ours need not be. The codec utf-16-le is not in the page's Python.
    return 2 * (len(both) if both.isascii() else len(both) + sum(character > "\uffff" for character in both))
