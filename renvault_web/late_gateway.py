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
from .errors import CorruptRecordError, NotStartedError, RenvaultError, StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .chronicle import HistoryEntry
    from .manager import SessionManager
    from .migration_report import MigrationReport
    from .ports import Json, Unsubscribe
    from .session import WalletSession

AT_ONCE = 20
"""Backups that are looked into before others have a turn."""

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
        # Of each backup, by its key: the fingerprint of its text, and the session in it.
        self._restored: dict[str, tuple[int, WalletSession | None]] = {}
        self._kept: str | None = None  # the newest that a migration made, of those in _restored
        self._section: Json | None = None
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
            "migration.refresh": self._asked(lambda: None),
            "storage.verify": self._verify,
            "storage.rotateKey": manager.storage.rotate_key,
            "storage.forgetEverything": self._asked(manager.forget_everything),
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
            await self._look_into_backups()
            if not self._is_open():
                self._restored = {}
            old_entries = migration.old_entries()[:MOST_OLD_ENTRIES]
            self._section = {
                "hasOld": migration.has_old_sessions(),
                "seen": {key: late_wire.fingerprint(text) for key, text in self._late.old_texts().items()},
                "compatibility": late_wire.migration_compatibility_to_js(migration.validate_migration_compatibility()),
                "status": late_wire.migration_status_to_js(migration.get_migration_status()),
                "summary": late_wire.migration_summary_to_js(migration.generate_migration_summary()),
                "backups": [
                    late_wire.backup_to_js(backup, *self._restored.get(backup.key, (None, None)))
                    for backup in migration.list_backups()
                ],
                "keptBackup": self._kept,
                "oldEntries": [late_wire.old_entry_to_js(entry) for entry in old_entries],
                "oldSession": late_wire.old_session_to_js(migration.old_session() if self._is_open() else None),
            }
        except RenvaultError as error:
            _log.warning("What is known of old sessions may be out of date: %s", error)
        else:
            self._migration = json.dumps(self._section)
        self._changed()

    def look_again(self) -> None:
        """Look again soon."""
        self._follow()

    def clear(self) -> None:
        """Show no more what was decrypted: of a backup there is only its name then."""
        self._restored = {}
        if self._section is not None:
            backups = [{**backup, "session": None, "seen": None} for backup in self._section["backups"]]
            self._section |= {"backups": backups, "oldSession": None}
            self._migration = json.dumps(self._section)

    def _is_open(self) -> bool:
        try:
            self._manager.storage.retrieve_all_sessions()
        except NotStartedError:
            return False
        return True

    async def _look_into_backups(self) -> None:
        """Open the backups that were not there the last time, or not as they are."""
        restored: dict[str, tuple[int, WalletSession | None]] = {}
        for number, backup in enumerate(self._late.migration.list_backups(), 1):
            text = self._late.text(backup.key)
            if text is not None and self._is_open():
                seen = late_wire.fingerprint(text)
                known = self._restored.get(backup.key)
                restored[backup.key] = known if known and known[0] == seen else (seen, await self._restore(backup.key))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        if restored != self._restored:
            self._restored = restored
            self._kept = await self._late.migration.newest_migration_backup()

    async def _restore(self, key: str) -> WalletSession | None:
        try:
            return await self._late.migration.restore_from_backup(key)
        except RenvaultError as error:
            if isinstance(error, StorageError) and not isinstance(error, CorruptRecordError):
                raise  # the store or the browser, not the backup
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
