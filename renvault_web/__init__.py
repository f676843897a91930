"""Wallet sessions that survive: lifecycle, reconnection and encrypted records for WalletConnect, in the browser."""

from __future__ import annotations

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

__all__ = [
    "AutomaticReconnectionService",
    "ConfigError",
    "ConnectionState",
    "CorruptRecordError",
    "EncryptedSessionStorage",
    "ManagerConfig",
    "MigrationError",
    "NotStartedError",
    "ReconnectionConfig",
    "ReconnectionStatus",
    "RecordReport",
    "RecordState",
    "RenvaultError",
    "SessionManager",
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
