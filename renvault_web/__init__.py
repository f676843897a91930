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


def __getattr__(name: str) -> object:
    """Import what no page needs for its first picture when it is first asked for."""
    if name == "SessionMigrationService":
        from .migration import SessionMigrationService

        return SessionMigrationService
    if name in __all__:
        from . import migration_report

        return getattr(migration_report, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
