"""The late services at the page's pipe: their commands and their sections of the state, imported with them.

What of a backup or the history has to be opened first is opened here, so that a page can read it without waiting.
"""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from . import late_wire
from .errors import RenvaultError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .chronicle import HistoryEntry
    from .manager import SessionManager
    from .migration_report import MigrationReport
    from .ports import Json, Unsubscribe
    from .session import WalletSession

MOST_BACKUPS = 20
"""The newest backups, of which the page has the session at hand."""

MOST_ENTRIES = 200
"""The last entries of the history that the page has at hand."""

MOST_OLD_ENTRIES = 200
"""Old entries that are told of one by one."""

_log = logging.getLogger(__name__)


class LateGateway:
    """Commands and sections of one page's late services.

    Args:
        manager: the services.
        changed: called when a section may have changed.

    """

    def __init__(self, *, manager: SessionManager, changed: Callable[[], None]) -> None:
        self._manager = manager
        self._late = late = manager.late_services
        self._changed = changed
        self._turn = asyncio.Lock()  # what is asked of the migration is done in this order
        self._restored: dict[str, WalletSession | None] = {}  # by the backup's key
        self._kept: str | None = None  # the newest that a migration made, of those in _restored
        self._migration = "null"
        self._entries: tuple[HistoryEntry, ...] = ()
        self._history = self._explanation = "[]"
        self._stale = False
        self._follower: asyncio.Task[None] | None = None
        self._ends: list[Unsubscribe] = [
            late.migration.subscribe(self._follow),
            manager.storage.subscribe(self._follow),
        ]
        self.commands = self._make_commands()

    def close(self) -> None:
        """Follow nothing more."""
        for end in self._ends:
            end()
        self._ends.clear()
        if self._follower is not None:
            self._follower.cancel()

    # Commands

    def _make_commands(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        migration, manager = self._late.migration, self._manager
        return {
            "migration.migrateFromOldStorage": self._asked(self._reported(migration.migrate_from_old_storage)),
            "migration.dryRun": self._asked(self._reported(migration.dry_run)),
            "migration.runStartupMigration": self._asked(self._reported(migration.run_startup_migration)),
            "migration.rollBack": self._asked(migration.roll_back),
            "migration.backupOldSession": self._asked(migration.backup_old_session),
            "migration.cleanupOldBackups": self._asked(migration.cleanup_old_backups),
            "migration.markMigrationCompleted": self._asked(migration.mark_migration_completed),
            "migration.resetMigrationStatus": self._asked(migration.reset_migration_status),
            "storage.verify": self._verify,
            "storage.rotateKey": manager.storage.rotate_key,
            "storage.forgetEverything": manager.forget_everything,
            "manager.importSessions": self._import_sessions,
            "manager.exportBackup": self._export_backup,
            "manager.importBackup": self._import_backup,
            "manager.exportDiagnostics": manager.export_diagnostics,
        }

    def _asked(self, ask: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """Ask the migration in turn, and have what came of it in its section before the answer."""

        async def run(*args: object) -> Any:
            async with self._turn:
                try:
                    result = ask(*args)
                    return await result if asyncio.iscoroutine(result) else result
                finally:
                    await self.refresh()

        return run

    def _reported(self, ask: Callable[[], Awaitable[MigrationReport | None]]) -> Callable[[], Awaitable[Json | None]]:
        async def run() -> Json | None:
            return late_wire.migration_report_to_js(await ask())

        return run

    async def _verify(self) -> list[Json]:
        return [late_wire.record_report_to_js(report) for report in await self._manager.storage.verify()]

    async def _import_sessions(self, text: str) -> Json:
        return late_wire.import_report_to_js(await self._manager.import_sessions(text))

    async def _export_backup(self, passphrase: str) -> str:
        return b64encode(await self._manager.export_backup(passphrase)).decode("ascii")

    async def _import_backup(self, data: str, passphrase: str) -> Json:
        return late_wire.import_report_to_js(await self._manager.import_backup(b64decode(data), passphrase))

    # Sections

    def sections(self) -> dict[str, str]:
        """Return the sections as they are now, as JSON."""
        entries = self._late.history.entries()[-MOST_ENTRIES:]
        if entries != self._entries:
            self._entries = entries
            self._history = json.dumps([late_wire.history_entry_to_js(entry) for entry in entries])
            self._explanation = json.dumps([late_wire.line_to_js(line) for line in self._late.history.lines()])
        return {"migration": self._migration, "history": self._history, "explanation": self._explanation}

    async def refresh(self) -> None:
        """Look again at the old sessions and their backups."""
        migration = self._late.migration
        try:
            backups = migration.list_backups()[:MOST_BACKUPS]
            await self._look_into([backup.key for backup in backups])
            old_entries = migration.old_entries()[:MOST_OLD_ENTRIES]
            section = {
                "hasOld": migration.has_old_sessions(),
                "seen": self._late.old_keys(),
                "compatibility": late_wire.migration_compatibility_to_js(migration.validate_migration_compatibility()),
                "status": late_wire.migration_status_to_js(migration.get_migration_status()),
                "summary": late_wire.migration_summary_to_js(migration.generate_migration_summary()),
                "backups": [late_wire.backup_to_js(backup, self._restored[backup.key]) for backup in backups],
                "keptBackup": self._kept,
                "oldEntries": [late_wire.old_entry_to_js(entry) for entry in old_entries],
                "oldSession": late_wire.old_session_to_js(migration.old_session()),
            }
        except RenvaultError as error:
            _log.warning("What is known of old sessions may be out of date: %s", error)
        else:
            self._migration = json.dumps(section)
        self._changed()

    async def _look_into(self, keys: list[str]) -> None:
        """Open the backups that were not there the last time."""
        known = self._restored
        if known.keys() != set(keys):
            self._restored = {key: known[key] if key in known else await self._restore(key) for key in keys}
            self._kept = await self._late.migration.newest_migration_backup()

    async def _restore(self, key: str) -> WalletSession | None:
        try:
            return await self._late.migration.restore_from_backup(key)
        except RenvaultError as error:
            _log.info("A backup holds no session that can be shown: %s", error)
            return None

    def _follow(self) -> None:
        self._stale = True
        if self._follower is None or self._follower.done():
            self._follower = asyncio.ensure_future(self._refresh_while_stale())

    async def _refresh_while_stale(self) -> None:
        while self._stale:
            self._stale = False
            async with self._turn:
                await self.refresh()
