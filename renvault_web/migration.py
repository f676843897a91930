"""SessionMigrationService: what older builds of the frontend knew of a user's accounts, brought along safely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .events import Listeners

if TYPE_CHECKING:
    from collections.abc import Callable

    from .migration_report import Backup, Compatibility, MigrationReport, MigrationStatus, MigrationSummary, OldEntry
    from .ports import Cipher, Clock, Storage, Unsubscribe
    from .session import WalletSession
    from .storage import EncryptedSessionStorage


class SessionMigrationService:
    """Brings old sessions along."""

    def __init__(self, *, storage: Storage, sessions: EncryptedSessionStorage, cipher: Cipher, clock: Clock) -> None:
        self._storage = storage
        self._sessions = sessions
        self._cipher = cipher
        self._clock = clock
        self._listeners = Listeners[[]]()

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call ``listener()`` after each change of what the getters return."""
        return self._listeners.add(listener)

    def has_old_sessions(self) -> bool:
        raise NotImplementedError

    def old_session(self) -> WalletSession | None:
        raise NotImplementedError

    def old_entries(self) -> tuple[OldEntry, ...]:
        raise NotImplementedError

    @property
    def auto_connect(self) -> bool | None:
        raise NotImplementedError

    def validate_migration_compatibility(self) -> Compatibility:
        raise NotImplementedError

    def list_backups(self) -> tuple[Backup, ...]:
        raise NotImplementedError

    def get_migration_status(self) -> MigrationStatus:
        raise NotImplementedError

    def mark_migration_completed(self) -> None:
        raise NotImplementedError

    def reset_migration_status(self) -> None:
        raise NotImplementedError

    def generate_migration_summary(self) -> MigrationSummary:
        raise NotImplementedError

    async def migrate_from_old_storage(self) -> MigrationReport:
        raise NotImplementedError

    async def dry_run(self) -> MigrationReport:
        raise NotImplementedError

    async def roll_back(self) -> int:
        raise NotImplementedError

    async def backup_old_session(self, key: str | None = None) -> str | None:
        """Keep a sealed copy of what older builds left, under the storage key ``key`` if it is given."""
        raise NotImplementedError

    async def restore_from_backup(self, key: str) -> WalletSession:
        raise NotImplementedError

    async def cleanup_old_backups(self, keep: int = 3) -> int:
        raise NotImplementedError

    async def run_startup_migration(self) -> MigrationReport | None:
        raise NotImplementedError
