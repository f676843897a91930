"""What a migration tells: values alone, none of which holds a secret or an account. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MigrationDetail:
    """What became of one old session: its new topic, or a plain line that says why it stays where it is."""

    old_session_id: str | None = None
    """The old session's own id, else the place where it lies."""
    new_topic: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a run did, or would do; ``success`` where nothing failed. ``timestamp`` is epoch seconds.

    Each old session counts; several of one account become one session and name the same new topic.
    """

    success: bool
    migrated_count: int
    failed_count: int
    timestamp: float
    details: tuple[MigrationDetail, ...] = ()


@dataclass(frozen=True, slots=True)
class Compatibility:
    """Whether a migration can run here, and what stands in its way or could not be read."""

    compatible: bool
    issues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of old sessions: the storage key it lies under, and when it was made, epoch seconds."""

    key: str
    timestamp: float


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """Whether the old sessions have been brought along, and when, epoch seconds."""

    has_migrated: bool
    timestamp: float | None = None


@dataclass(frozen=True, slots=True)
class OldEntry:
    """What lies under one old key, told without its value."""

    key: str
    what: str
    sessions: int = 0
    """How many sessions in it can be brought along."""
    size: int = 0
    """Bytes, 2 for a UTF-16 unit of key and value; 0 where the value is not looked at."""
    stays: bool = True
    """Whether a migration leaves it where it is."""


@dataclass(frozen=True, slots=True)
class MigrationSummary:
    """The whole in short. ``old_sessions_found`` counts those that could be brought along now."""

    old_sessions_found: int
    new_sessions_count: int
    migration_status: Literal["pending", "completed"]
    recommendations: tuple[str, ...] = ()
