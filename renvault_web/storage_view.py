"""What is known of the session storage while it is open: the opened sessions, and what lies where. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import NotStartedError
from .record import Purpose, claimed_purpose
from .stored import RecordState, StorageNotice, StorageStatistics, StoredSession, stored_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .ports import Json


@dataclass(slots=True)
class View:
    """What is known of the store; ``texts`` are the records of sessions and notes as last seen."""

    sessions: dict[str, StoredSession] = field(default_factory=dict)
    expired: dict[str, StoredSession] = field(default_factory=dict)
    """What ``open`` removed: a client may know of more time, and what is stored again keeps its times."""
    notes: dict[str, Any] = field(default_factory=dict)
    notes_key: str | None = None
    keys: dict[str, str] = field(default_factory=dict)  # topic: storage key
    topics: dict[str, str] = field(default_factory=dict)  # the way back
    texts: dict[str, str] = field(default_factory=dict)  # storage key: record
    unreadable: dict[str, RecordState] = field(default_factory=dict)  # storage key: why
    others: dict[str, int] = field(default_factory=dict)
    """Bytes of what else is ours, by storage key, as last seen: backups, history, records kept aside."""
    aside: int = 0
    """How many records are kept aside (``aside.py``)."""
    full: bool = False
    """Whether the last write that needed more room found none."""
    closed: bool = False
    """Whether the storage has been closed since: what goes on with this view is to end."""
    packed_bytes: int = 0
    json_bytes: int = 0
    """What the bodies opened and written here took in all, packed and as JSON."""
    _records_size: int = 0

    @property
    def size(self) -> int:
        """Bytes that everything of ours takes, 2 for a UTF-16 unit of key and text."""
        return self._records_size + sum(self.others.values())

    @property
    def compression_ratio(self) -> float:
        """What the packed bodies are of their JSON, 1.0 where there were none."""
        return round(self.packed_bytes / self.json_bytes, 4) if self.json_bytes else 1.0

    def put(self, key: str, text: str, value: StoredSession | Json) -> None:
        """Take over a record that was read or written."""
        self._put_text(key, text)
        self.unreadable.pop(key, None)
        if isinstance(value, StoredSession):
            topic = value.session.topic
            self.sessions[topic], self.keys[topic], self.topics[key] = value, key, topic
        else:
            self.notes, self.notes_key = value, key

    def put_unreadable(self, key: str, text: str, state: RecordState) -> None:
        """Take note of a record that cannot be read."""
        self._put_text(key, text)
        self.unreadable[key] = state

    def drop(self, key: str) -> None:
        """Forget a record."""
        self._put_text(key, None)
        self.unreadable.pop(key, None)
        topic = self.topics.pop(key, None)
        if topic is not None:
            del self.sessions[topic], self.keys[topic]
        if key == self.notes_key:
            self.notes, self.notes_key = {}, None

    def require_open(self) -> None:
        """Raise ``NotStartedError`` where the storage was closed."""
        if self.closed:
            raise NotStartedError("The session storage was closed meanwhile.")

    def measure(self, packed: int, plain: int) -> None:
        """Take note of what a body takes, packed and as JSON."""
        self.packed_bytes += packed
        self.json_bytes += plain

    def growth(self, texts: Mapping[str, str]) -> int:
        """Return how many bytes more ``texts`` take than what lies in their places."""
        return sum(stored_size(key, text) - stored_size(key, self.texts.get(key)) for key, text in texts.items())

    def lost_sessions(self) -> list[str]:
        """Return the storage keys of the sessions that are there and whose key is gone."""
        lost = [key for key, state in self.unreadable.items() if state is RecordState.LOST_KEY]
        return [key for key in lost if claimed_purpose(self.texts[key]) == Purpose.SESSION]

    def statistics(self, limit: int, *, persistent: bool) -> StorageStatistics:
        """Return the store in figures, where it may take ``limit`` bytes."""
        return StorageStatistics(
            total_sessions=len(self.sessions),
            total_size=self.size,
            max_size=limit,
            usage_percent=round(100 * self.size / limit, 2),
            quarantined=len(self.unreadable) + self.aside,
            persistent=persistent,
            compression_ratio=self.compression_ratio,
        )

    def notices(self) -> tuple[StorageNotice, ...]:
        """Return what the user should know of a store that lasts."""
        lost = len(self.lost_sessions())
        notices = (StorageNotice("full") if self.full else None, StorageNotice("lost_key", lost) if lost else None)
        return tuple(notice for notice in notices if notice)

    def sort(self) -> None:
        """Bring the sessions into the order in which they were first stored."""
        self.sessions = dict(sorted(self.sessions.items(), key=lambda item: item[1].created_at))

    def _put_text(self, key: str, text: str | None) -> None:
        self._records_size += stored_size(key, text) - stored_size(key, self.texts.pop(key, None))
        if text is not None:
            self.texts[key] = text
