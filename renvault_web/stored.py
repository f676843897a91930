"""What the records of the session storage hold, and what is told of them: figures, notices, reports. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

from .errors import NEWER, ConfigError, CorruptRecordError, WalletError
from .record import Purpose, decode_record, pack
from .session import WalletSession, parse_session, to_json

if TYPE_CHECKING:
    from collections.abc import Container

    from .ports import Json
    from .record import Measure

NOTES = "notes"
"""The identity of the one record of notes."""

MAX_STORAGE_SIZE = 10 * 1024 * 1024
"""Bytes that our records may take unless a host says otherwise: the guide's default."""


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """How much may be stored, in bytes as the browser counts them, and how new records are written."""

    max_storage_size: int = MAX_STORAGE_SIZE
    encryption_enabled: bool = True
    """Where it is false, new records are plain, and plain ones are read."""
    compression_enabled: bool = True

    def __post_init__(self) -> None:
        size: object = self.max_storage_size  # hosts set it; types do not bind them
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ConfigError(f"max_storage_size is {size!r:.40}; it must be a whole number of bytes, at least 1.")
        switches: dict[str, object] = {
            "encryption_enabled": self.encryption_enabled,
            "compression_enabled": self.compression_enabled,
        }
        for name, value in switches.items():
            if not isinstance(value, bool):
                raise ConfigError(f"{name} is {value!r:.40}; it must be true or false.")

    def changed(self, **changes: object) -> StorageConfig:
        """Return the configuration with ``changes``; ``ConfigError`` for a name that is none of its settings."""
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise ConfigError(f"There is no setting {name!r:.40}; there are: {', '.join(known)}.")
        return replace(self, **changes)  # type: ignore[arg-type]  # their types are checked above


@dataclass(frozen=True, slots=True)
class StorageStatistics:
    """The store in figures, zeros while it is not open; sizes in bytes, 2 for a UTF-16 unit of key and value."""

    total_sessions: int = 0
    total_size: int = 0
    """Everything of ours: records, backups, history, and what is kept aside."""
    max_size: int = MAX_STORAGE_SIZE
    usage_percent: float = 0.0
    quarantined: int = 0
    """Records that cannot be read; they are kept, in their place or aside."""
    persistent: bool = True
    """False where everything stored dies with the page."""
    compression_ratio: float = 1.0
    """What the bodies that this page opened or wrote took, as part of their JSON; 1.0 where there were none."""


@dataclass(frozen=True, slots=True)
class StorageNotice:
    """What the user should know: storage is full, nothing outlives the page, the key of ``count`` sessions is gone."""

    kind: Literal["full", "memory", "lost_key"]
    count: int = 0


class RecordState(Enum):
    """What a record is good for."""

    OK = "ok"
    UNREADABLE = "unreadable"  # changed, cut short, moved, or nothing of ours
    LOST_KEY = "lost_key"
    NEWER = "newer_version"
    PLAIN = "plain"  # not sealed, while encryption is on
    ASIDE = "aside"


RecordKind: TypeAlias = Literal["session", "notes", "backup", "history", "unknown"]


@dataclass(frozen=True, slots=True)
class RecordReport:
    """What ``verify`` says of one record: where it lies, what it is, never what it holds."""

    key: str
    kind: RecordKind
    """What its header claims."""
    size: int
    state: RecordState
    reason: str | None = None
    """Why it cannot be read, for people."""


def state_of(text: str, error: CorruptRecordError, key_ids: Container[bytes], *, encrypted: bool) -> RecordState:
    """Return what keeps the record ``text`` from being read: ``error`` came of it."""
    if error.code == NEWER:
        return RecordState.NEWER
    try:
        item = decode_record(text)
    except CorruptRecordError:
        return RecordState.UNREADABLE
    if not item.is_sealed:
        return RecordState.PLAIN if encrypted else RecordState.UNREADABLE
    return RecordState.UNREADABLE if item.key_id in key_ids else RecordState.LOST_KEY


MAX_SESSION = 256 * 1024
"""Bytes of a session's body before it is compressed; a real one has a few thousand. No wallet may fill the store."""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What a session's record holds. The times are epoch seconds."""

    session: WalletSession
    created_at: float
    """When the session was first stored here."""
    used_at: float
    """When it was last used; at first, when it was stored; 0 where it was imported and never used here."""
    imported: bool = False
    """Whether it came with an import, and no client has listed it since: nobody vouches for it."""


def renewed(session: WalletSession, before: StoredSession | None, used_at: float | None, now: float) -> StoredSession:
    """Return the session as it is to be stored over ``before``."""
    if before is None:
        return StoredSession(session, created_at=now, used_at=now if used_at is None else used_at)
    return StoredSession(session, before.created_at, before.used_at if used_at is None else used_at)


def body_of(stored: StoredSession) -> Json:
    """Return the body of the session's record."""
    body = {"session": to_json(stored.session), "created": stored.created_at, "used": stored.used_at}
    return {**body, "imported": True} if stored.imported else body


def pack_stored(value: StoredSession | Json, *, compress: bool, measure: Measure | None = None) -> tuple[int, bytes]:
    """Return flags and body of the record of a session, or of the notes.

    ``StorageError`` names a session that no record can hold.
    """
    if isinstance(value, StoredSession):
        name = f"Session {value.session.topic[:8]}"
        return pack(body_of(value), compress=compress, name=name, limit=MAX_SESSION, measure=measure)
    return pack({"notes": value}, compress=compress, measure=measure)


def parse_body(purpose: int, data: Json) -> tuple[Purpose, str, StoredSession | Json]:
    """Return purpose, identity and content of a record's body; ``CorruptRecordError`` where it is not one of ours."""
    if purpose == Purpose.SESSION:
        try:
            session = parse_session(data.get("session"))
        except WalletError as error:
            raise CorruptRecordError("The record's session is not complete.") from error
        created, used = _time(data, "created"), _time(data, "used")
        return Purpose.SESSION, session.topic, StoredSession(session, created, used, data.get("imported") is True)
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
