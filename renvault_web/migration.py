"""SessionMigrationService: what older builds knew of the user's accounts, brought along so that nothing can get lost.

The order is always the same: a sealed backup of the old bytes, the new records, those read back, and only then the old
entry is removed; last, the migration counts as completed. Each step finds out for itself what is done already, so that
a page killed anywhere is followed by one that completes it. What cannot be read, has expired or belongs to another
library is reported and stays.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from .backups import CIPHER_LIMIT, BackupContent, Backups, backup_time, same_text
from .error_text import presentable
from .errors import CorruptRecordError, MigrationError, NotStartedError, RenvaultError, StorageError
from .events import Listeners
from .known_account import KnownAccount
from .legacy import OldEntryRead, read_old_backup
from .legacy_keys import MNEMONIC, SESSION, old_backup_time
from .migration_report import Compatibility, MigrationDetail, MigrationReport, MigrationSummary
from .old_storage import OldStorage
from .record import Purpose
from .sealing import open_records, storage_keys
from .stored import StoredSession, parse_body, stored_size
from .texts import texts_under
from .timing import answered_within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from .migration_report import Backup, MigrationStatus, OldEntry
    from .ports import Cipher, Clock, Storage, Unsubscribe
    from .session import WalletSession
    from .storage import EncryptedSessionStorage

T = TypeVar("T")

RUN_LIMIT = 60.0
"""Seconds that a run may take, its wait for another one included."""

_RECORD_SIZE = 4096  # bytes that a new record takes at most, to judge whether there is room

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Outcome:
    """What a run has come to so far."""

    details: list[MigrationDetail]
    again: bool = False
    """Whether something failed that may go well at the next start."""

    def report(self, now: float) -> MigrationReport:
        failed = sum(detail.error is not None for detail in self.details)
        return MigrationReport(
            success=failed == 0,
            migrated_count=len(self.details) - failed,
            failed_count=failed,
            timestamp=now,
            details=tuple(self.details),
        )


class SessionMigrationService:
    """Brings along the sessions of older builds as known accounts that need to be connected again.

    Args:
        storage: where the old entries lie, and the new records too.
        sessions: the encrypted session storage over it, opened by the caller.
        cipher: what seals the backups.
        clock: for time limits, and to know what has expired.

    """

    def __init__(self, *, storage: Storage, sessions: EncryptedSessionStorage, cipher: Cipher, clock: Clock) -> None:
        self._storage = storage
        self._sessions = sessions
        self._cipher = cipher
        self._clock = clock
        self._old = OldStorage(storage=storage, clock=clock)
        self._backups = Backups(storage=storage, cipher=cipher, clock=clock)
        self._listeners = Listeners[[]]()
        self._turn = asyncio.Lock()

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call ``listener()`` after each change of what the getters return."""
        return self._listeners.add(listener)

    # What is there

    def has_old_sessions(self) -> bool:
        """Return whether there are old sessions, those that cannot be read any more too.

        What other libraries keep counts until the migration is completed: it stays where it is.
        """
        return self._old.has_sessions()

    def old_session(self) -> WalletSession | None:
        """Return what the old build's one session becomes, expired or not; None where there is none to be read."""
        text = self._storage.get(SESSION)
        return None if text is None else self._first_session(self._old.read_texts({SESSION: text}))

    def old_entries(self) -> tuple[OldEntry, ...]:
        """Return everything old that lies in localStorage, also what stays as it is, each with a word on it."""
        return tuple(self._old.entries())

    @property
    def auto_connect(self) -> bool | None:
        """What the user once chose in the old settings: whether to connect without being asked; None for no choice."""
        return self._old.auto_connect

    def validate_migration_compatibility(self) -> Compatibility:
        """Return whether a migration can run here; ``issues`` name what is in its way, and what cannot be read."""
        entries = self._old.read()
        obstacles = self._obstacles(entries)
        found = [one for entry in entries for one in entry.found]
        unreadable = [f"{one.old_id}: {one.reason}" for one in found if not isinstance(one, KnownAccount)]
        nothing_readable = bool(unreadable) and len(unreadable) == len(found)
        return Compatibility(not obstacles and not nothing_readable, (*obstacles, *unreadable))

    def list_backups(self) -> tuple[Backup, ...]:
        """Return the backups, the newest first; the guide's own too."""
        return tuple(self._backups.listed())

    def generate_migration_summary(self) -> MigrationSummary:
        """Return the whole in short, with what the user may want to do."""
        now, status = self._clock.now(), self.get_migration_status()
        entries = [entry for entry in self._old.read() if entry.is_ours or not status.has_migrated]
        return MigrationSummary(
            old_sessions_found=sum(len(entry.accounts(now)) for entry in entries),
            new_sessions_count=self._new_sessions_count(),
            migration_status="completed" if status.has_migrated else "pending",
            recommendations=tuple(self._recommendations(entries, now)),
        )

    def _recommendations(self, entries: list[OldEntryRead], now: float) -> Iterable[str]:
        if self._old.has_mnemonic:
            yield (
                f"An old build left a recovery phrase in plain text under {MNEMONIC}. Keep the phrase safe elsewhere, "
                "delete that entry, and move your funds if anyone else may have used this device."
            )
        if any(entry.accounts(now) for entry in entries):
            yield "There are old sessions. Run the migration to see their accounts here."
        if any(entry.refused(now) for entry in entries):
            yield "Old sessions have expired or cannot be read. They stay where they are; connect those wallets again."
        if self._old.is_rolled_back:
            yield "The migration was rolled back. It does not run by itself until it is asked for."
        if self._old.auto_connect is False:
            yield "Your old settings say not to connect without being asked."
        yield from self._obstacles(entries)

    def _new_sessions_count(self) -> int:
        try:
            return len(self._sessions.retrieve_all_sessions())
        except NotStartedError:
            return 0

    # The flag

    def get_migration_status(self) -> MigrationStatus:
        """Return whether the old sessions have been brought along, and when."""
        return self._old.status()

    def mark_migration_completed(self) -> None:
        """Have no start run the migration by itself any more."""
        self._old.mark_completed()
        self._listeners.call()

    def reset_migration_status(self) -> None:
        """Have the next start run the migration again where it finds old sessions."""
        self._old.reset()
        self._listeners.call()

    # The migration

    async def run_startup_migration(self) -> MigrationReport | None:
        """Migrate where there are old sessions and nobody has said that it is done; None where there is nothing to do.

        What fails is in the report: a page starts whatever lies in its storage.
        """
        try:
            if self._old.status().has_migrated or self._old.is_rolled_back or not self._old.has_sessions():
                return None
            report = await self.migrate_from_old_storage()
        except Exception as error:
            _log.warning("The migration did not run: %s", _said(error))
            return _Outcome([MigrationDetail(error=_said(error))]).report(self._clock.now())
        _log.info("Old sessions: %d brought along, %d stay.", report.migrated_count, report.failed_count)
        return report

    async def migrate_from_old_storage(self) -> MigrationReport:
        """Bring along what can be, and report on each old session; what fails stays as it was.

        Raises ``StorageError`` where the store as a whole fails or does not answer.
        """
        return await self._exclusively(self._migrate)

    async def dry_run(self) -> MigrationReport:
        """Return the report that a migration would give now. Nothing is written."""
        entries, now = self._old.read(), self._clock.now()
        obstacles = self._obstacles(entries)
        outcome = _Outcome(_refusals(entries, now))
        for entry in entries:
            outcome.details += [
                MigrationDetail(one.old_id, error=obstacles[0]) if obstacles else MigrationDetail(one.old_id, one.topic)
                for one in entry.accounts(now)
            ]
        return outcome.report(now)

    async def _migrate(self) -> MigrationReport:
        entries, now = self._old.read(), self._clock.now()
        outcome = _Outcome(_refusals(entries, now))
        try:
            obstacles = self._obstacles(entries)
            if obstacles:
                raise MigrationError(obstacles[0])
            await self._back_up(entries, now)
        except RenvaultError as error:
            accounts = [one for entry in entries for one in entry.accounts(now)]
            outcome.details += [MigrationDetail(one.old_id, error=_said(error)) for one in accounts]
            _log.warning("Old sessions stay where they are: %s", _said(error))
            return outcome.report(now)
        for entry in entries:
            await self._convert(entry, now, outcome)
        if not outcome.again:
            self._old.mark_completed()
        return outcome.report(now)

    async def _back_up(self, entries: list[OldEntryRead], now: float) -> None:
        """Keep the old bytes of all that is about to be converted; a backup that has them already is enough."""
        converted = {entry.key: entry.text for entry in entries if entry.is_ours and entry.accounts(now)}
        topics = {one.topic for entry in entries for one in entry.accounts(now)}
        if not topics:
            return
        newest = await self._backups.newest_migration()
        made = sorted(topic for topic in topics if not self._sessions.has_session(topic))
        if newest and newest[1].covers(converted) and set(made) <= set(newest[1].topics):
            return  # by a run that was cut short, or rolled back
        await self._backups.keep(converted, made="migration", topics=made, room=self._sessions.room())

    async def _convert(self, entry: OldEntryRead, now: float, outcome: _Outcome) -> None:
        """Write what the entry becomes, read it back, and remove the entry if nothing else is in it."""
        accounts = entry.accounts(now)
        error: str | None = None
        try:
            new = {one.topic: one.session(now) for one in accounts if not self._sessions.has_session(one.topic)}
            if new:
                await self._sessions.store_sessions(new.values())
            await self._prove(accounts)
            if accounts and entry.is_ours and not entry.refused(now):
                self._remove(entry)
        except RenvaultError as failure:
            error, outcome.again = _said(failure), True
            _log.warning("An old session stays where it is: %s", error)
        outcome.details += [
            MigrationDetail(one.old_id, error=error) if error else MigrationDetail(one.old_id, one.topic)
            for one in accounts
        ]

    async def _prove(self, accounts: list[KnownAccount]) -> None:
        """Read the new records as the next page will; ``StorageError`` where one is not as it should be."""
        owners = [(Purpose.SESSION, one.topic) for one in accounts]
        keys = await answered_within(self._clock, CIPHER_LIMIT, storage_keys(self._cipher, owners))
        texts = texts_under(self._storage, keys)
        encrypted = self._sessions.get_config().encryption_enabled
        opening = open_records(self._cipher, texts, parse_body, encrypted=encrypted)
        opened = await answered_within(self._clock, CIPHER_LIMIT, opening)
        for key, one in zip(keys, accounts, strict=True):
            stored = opened.get(key)
            if not isinstance(stored, StoredSession) or stored.session.accounts != (one.account,):
                raise StorageError("The new record of an old session did not read back. The old one stays.")

    def _remove(self, entry: OldEntryRead) -> None:
        there = self._storage.get(entry.key)
        if there is None:
            return  # another page was faster, or an older build, which deletes what has ended
        if there != entry.text:
            raise MigrationError("An older build changed it meanwhile. The next start looks at it again.")
        self._storage.remove(entry.key)
        if self._storage.get(entry.key) is not None:
            raise StorageError("An old entry is still there after it was removed. The browser may be blocking storage.")

    # Backups and the way back

    async def backup_old_session(self, key: str | None = None) -> str | None:
        """Keep a sealed copy of all that older builds left of sessions; return where it lies, None without any.

        ``key``: the name to keep it under, if it has been promised to somebody already.
        """
        return await self._exclusively(lambda: self._back_up_now(key))

    async def _back_up_now(self, key: str | None) -> str | None:
        entries = {entry.key: entry.text for entry in self._old.read() if entry.is_ours and entry.found}
        if not entries:
            return None
        return await self._backups.keep(entries, made="user", key=key, room=self._sessions.room())

    async def restore_from_backup(self, key: str) -> WalletSession:
        """Return the session in the backup; nothing is written. ``MigrationError`` where there is none to be read."""
        text = self._storage.get(key) if backup_time(key) is not None else None
        if text is None:
            raise MigrationError("There is no such backup.")
        if old_backup_time(key) is not None:
            session = read_old_backup(text, key)
            return session.session(self._clock.now()) if isinstance(session, KnownAccount) else session
        content = (await self._backups.opened([key])).get(key)
        if not isinstance(content, BackupContent):
            reason = str(content) if isinstance(content, CorruptRecordError) else "It was removed meanwhile."
            raise MigrationError(f"The backup cannot be read. {reason}")
        session_found = self._first_session(self._old.read_texts(content.entries))
        if session_found is None:
            raise MigrationError("The backup holds no session that can be read.")
        return session_found

    async def newest_migration_backup(self) -> str | None:
        """Return the key of the newest backup that a migration made; None without any."""
        newest = await self._backups.newest_migration()
        return newest[0] if newest else None

    async def cleanup_old_backups(self, keep: int = 3) -> int:
        """Delete all backups but the ``keep`` newest, at least one; return how many. See ``Backups.clean_up``."""
        return await self._exclusively(lambda: self._backups.clean_up(keep))

    async def roll_back(self) -> int:
        """Write the old bytes of the last migration back, remove what it made of them; return how many old keys.

        Afterwards nothing has been migrated, and no start does it by itself until ``reset_migration_status`` or a
        migration that is asked for. What an older build has written there meanwhile is kept in a backup. Killed on
        the way, it goes on when it is called again. 0 where there is nothing to roll back.
        """
        return await self._exclusively(self._roll_back)

    async def _roll_back(self) -> int:
        if self._old.is_rolled_back and not self._old.status().has_migrated:
            return 0
        newest = await self._backups.newest_migration()
        if newest is None:
            if any(old_backup_time(backup.key) is None for backup in self._backups.listed()):
                raise MigrationError("No backup of a migration can be read. The backups stay where they are.")
            return 0
        content = newest[1]
        self._old.begin_roll_back()
        there = texts_under(self._storage, content.entries)
        newer = {key: text for key, text in there.items() if not same_text(text, content.entries[key])}
        if newer:
            await self._backups.keep(newer, made="user", room=self._sessions.room())
        for key, text in content.entries.items():
            self._storage.set(key, text)
            if self._storage.get(key) != text:
                raise StorageError("An old entry did not read back as it was written. The new records stay.")
        for topic in content.topics:
            await self._sessions.remove_session(topic)
        self._old.end_roll_back()
        return len(content.entries)

    # Within

    def _first_session(self, entries: list[OldEntryRead]) -> WalletSession | None:
        accounts = [one for entry in entries for one in entry.found if isinstance(one, KnownAccount)]
        return accounts[0].session(self._clock.now()) if accounts else None

    def _obstacles(self, entries: list[OldEntryRead]) -> list[str]:
        """Return what is in the way of a migration, in plain lines."""
        if not self._sessions.persistent:
            return ["This browser gives the page no lasting storage or no lasting key. Old sessions stay as they are."]
        try:
            self._sessions.others_changed()
            statistics = self._sessions.get_statistics()
        except NotStartedError:
            return ["The session storage is not open. Old sessions stay as they are."]
        now = self._clock.now()
        converted = [entry for entry in entries if entry.accounts(now)]
        records = sum(len(entry.accounts(now)) for entry in converted) * _RECORD_SIZE
        copies = sum(stored_size(entry.key, entry.text) for entry in converted if entry.is_ours)
        if converted and statistics.total_size + records + copies > statistics.max_size:
            return ["There is no room for a backup and the new records. Disconnect sessions you no longer need."]
        return []

    async def _exclusively(self, work: Callable[[], Awaitable[T]]) -> T:
        async def in_turn() -> T:
            async with self._turn:
                return await work()

        try:
            return await answered_within(self._clock, RUN_LIMIT, in_turn())
        finally:
            self._sessions.others_changed()
            self._listeners.call()


def _refusals(entries: list[OldEntryRead], now: float) -> list[MigrationDetail]:
    return [MigrationDetail(one.old_id, error=one.reason) for entry in entries for one in entry.refused(now)]


def _said(error: Exception) -> str:
    return presentable(str(error)) or type(error).__name__
