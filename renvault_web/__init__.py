"""Wallet sessions that survive: lifecycle, reconnection and encrypted records for WalletConnect, in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import (
    ConfigError,
    CorruptRecordError,
    MigrationError,
    NotStartedError,
    RenvaultError,
    StorageError,
    StorageFullError,
    WalletError,
)
from .integration import WalletKitSessionIntegration
from .manager import ManagerConfig, SessionManager
from .reconnect import ConnectionState, ReconnectionConfig, ReconnectionStatus
from .reconnection import AutomaticReconnectionService
from .session import SessionStats, SessionStatus, WalletSession, parse_session, to_json
from .storage import EncryptedSessionStorage
from .stored import RecordReport, RecordState, StorageConfig, StorageNotice, StorageStatistics

if TYPE_CHECKING:
    from .chronicle import HistoryEntry
    from .history import EventHistory
    from .imports import ImportDetail, ImportReport
    from .migration import SessionMigrationService
    from .migration_report import (
        Backup,
        Compatibility,
        MigrationDetail,
        MigrationReport,
        MigrationStatus,
        MigrationSummary,
        OldEntry,
    )

__all__ = [
    "AutomaticReconnectionService",
    "Backup",
    "Compatibility",
    "ConfigError",
    "ConnectionState",
    "CorruptRecordError",
    "EncryptedSessionStorage",
    "EventHistory",
    "HistoryEntry",
    "ImportDetail",
    "ImportReport",
    "ManagerConfig",
    "MigrationDetail",
    "MigrationError",
    "MigrationReport",
    "MigrationStatus",
    "MigrationSummary",
    "NotStartedError",
    "OldEntry",
    "ReconnectionConfig",
    "ReconnectionStatus",
    "RecordReport",
    "RecordState",
    "RenvaultError",
    "SessionManager",
    "SessionMigrationService",
    "SessionStats",
    "SessionStatus",
    "StorageConfig",
    "StorageError",
    "StorageFullError",
    "StorageNotice",
    "StorageStatistics",
    "WalletError",
    "WalletKitSessionIntegration",
    "WalletSession",
    "parse_session",
    "to_json",
]

_LATE = {
    "EventHistory": "history",
    "HistoryEntry": "chronicle",
    "ImportDetail": "imports",
    "ImportReport": "imports",
    "SessionMigrationService": "migration",
}
"""Where what comes late is, but for the values of ``migration_report``."""


def __getattr__(name: str) -> object:
    """Import what no page needs for its first picture when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LATE.get(name, 'migration_report')}", __name__), name)
