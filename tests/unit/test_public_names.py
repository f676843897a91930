"""What Python users may rely on. A change here is a change for them: it belongs into the changelog."""

from __future__ import annotations

import pytest

import renvault_web
from renvault_web import (
    AutomaticReconnectionService,
    SessionManager,
    SessionMigrationService,
    WalletKitSessionIntegration,
)

NAMES = [
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


def test_the_package_offers_these_names() -> None:
    assert renvault_web.__all__ == NAMES
    assert all(hasattr(renvault_web, name) for name in NAMES)


METHODS: dict[type, str] = {
    WalletKitSessionIntegration: """
        destroy disconnect_session end_from_tab extend_session get_active_sessions get_all_sessions get_primary_session
        get_session get_session_stats has_client has_session initialize is_session_expired keys_in_clear live_topics
        look off on ping_session reconcile session_status set_primary start subscribe
    """,
    AutomaticReconnectionService: """
        destroy get_config get_status initialize is_online_now leave_other off on reconnect set_has_sessions start
        subscribe update_config
    """,
    SessionMigrationService: """
        auto_connect backup_old_session cleanup_old_backups dry_run generate_migration_summary get_migration_status
        has_old_sessions list_backups mark_migration_completed migrate_from_old_storage newest_migration_backup
        old_entries old_session reset_migration_status restore_from_backup roll_back run_startup_migration subscribe
        validate_migration_compatibility
    """,
    SessionManager: """
        clear_all_sessions destroy disconnect_session export_backup export_diagnostics export_sessions extend_session
        forget_everything get_active_sessions get_all_sessions get_config get_primary_session get_reconnection_status
        get_session get_storage_stats has_session history import_backup import_sessions initialize integration
        late_services migration ping_session problems reconnect reconnection session_status start start_late storage
        subscribe update_config
    """,
}


@pytest.mark.parametrize("service", METHODS, ids=lambda service: service.__name__)
def test_the_services_offer_these_methods(service: type) -> None:
    public = [name for name in dir(service) if not name.startswith("_")]
    assert public == METHODS[service].split()


def test_what_comes_late_is_not_imported_with_the_package() -> None:
    assert {"SessionMigrationService", "MigrationReport", "ImportReport", "EventHistory"} & vars(
        renvault_web
    ).keys() == set()
    assert renvault_web.MigrationReport.__module__ == "renvault_web.migration_report"
    with pytest.raises(AttributeError, match="'renvault_web' has no attribute 'Nothing'"):
        renvault_web.Nothing  # noqa: B018 - the access is what is tested
