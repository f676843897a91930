"""EncryptedSessionStorage: one sealed record a session, and an opened view of all of them.

Reads are synchronous and come from the view; writes are awaited and return once the record has been read back. A
record that cannot be read is counted, reported and left where it is; before its place is written to, it is kept
aside. The other pages of this origin are told of each change, and theirs are followed. What a record is made of says
``record.py``; how it comes to the store, ``record_store.py``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import NotStartedError, StorageError
from .events import Listeners
from .following import Following
from .plain_records import PlainRecords
from .record import BACKUP_PREFIX, Purpose
from .record_store import RecordStore
from .sealing import storage_keys
from .storage_view import View
from .stored import NOTES, RecordState, StorageConfig, StorageNotice, StoredSession, renewed
from .turns import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from .ports import Cipher, Clock, Json, SdkStore, Storage, Tabs, Unsubscribe
    from .session import WalletSession
    from .stored import RecordReport, StorageStatistics
    from .upkeep import Upkeep

T = TypeVar("T")

OPERATION_LIMIT = 10.0
"""Seconds for an operation that needs milliseconds, its wait for others included while they do not end."""

LONG_LIMIT = 60.0
"""Seconds for what goes over every record there is."""

_log = logging.getLogger(__name__)


class EncryptedSessionStorage:
    """The sessions of this browser, encrypted at rest.

    Args:
        storage: where the records lie.
        cipher: what seals and opens them.
        clock: for time limits, and to know what has expired.
        tabs: the other pages of this origin, if there can be any.
        config: limits, encryption and compression.
        sdk: the SDK's own store, sealed by the same keys, if it has one with us.

    """

    def __init__(
        self,
        *,
        storage: Storage,
        cipher: Cipher,
        clock: Clock,
        tabs: Tabs | None = None,
        config: StorageConfig | None = None,
        sdk: SdkStore | None = None,
    ) -> None:
        self._storage = storage
        self._cipher = cipher
        self._clock = clock
        self._config = config or StorageConfig()
        self._sdk = sdk
        self._records = RecordStore(
            storage=storage, cipher=cipher, clock=clock, expendable=lambda: self._upkeep().expendable()
        )
        self._plain = PlainRecords(storage=storage, cipher=cipher)
        self._turns = Turns(clock)
        self._made_upkeep: Upkeep | None = None
        self._following = Following(tabs=tabs, reload=self.reload)
        self._listeners = Listeners[[]]()
        self._view: View | None = None
        self._closings = 0
        self._changed = self._written = False
        self._noticed: tuple[StorageNotice, ...] = ()

    # Life

    async def open(self) -> tuple[WalletSession, ...]:
        """Read and decrypt our records, and follow the other pages' changes; return the sessions that had expired.

        The records of these are removed. Open already, it reads what has changed, and tries again what could not be
        read. Raises ``StorageError`` where store or cipher fail as a whole.
        """
        if not self.persistent:
            _log.warning("Sessions are kept in memory only: the browser gives this page no lasting storage or no key.")
        return await self._exclusively(self._open)

    def close(self) -> None:
        """Clear the decrypted data, let go of the keys and follow the other pages no longer. It can be opened again."""
        self._closings += 1
        if self._view:
            if not self._config.encryption_enabled:
                self._plain.remember(self._view)
            self._view.closed = True
            self._view = None
        self._following.stop()
        self._cipher.close()

    @property
    def persistent(self) -> bool:
        """Whether what is stored can be read by the next page."""
        return self._storage.persistent and self._cipher.persistent

    def get_config(self) -> StorageConfig:
        """Return the configuration in force."""
        return self._config

    async def update_config(self, **changes: object) -> StorageConfig:
        """Change the configuration from the next write on, and return it; ``ConfigError`` where a change does not fit.

        With encryption turned off, plain records are read too. With it turned on again, those that this page has
        opened are sealed: the next page reads no others. Where that fails the configuration stays as it was.
        """
        before, config = self._config, self._config.changed(**changes)
        self._config = config
        turned = config.encryption_enabled != before.encryption_enabled
        if self._view is None or not (turned or (config.encryption_enabled and self._plain.opened(self._view))):
            return config
        try:
            await self._exclusively(self._seal_plain if config.encryption_enabled else self._read_plain)
        except BaseException:
            if self._config is config:
                self._config = before
            raise
        return config

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call ``listener()`` after each change of the view or the notices, whichever page made it."""
        return self._listeners.add(listener)

    # Reading: what was opened

    def retrieve_session(self, topic: str) -> WalletSession | None:
        """Return the stored session, or None."""
        stored = self.stored_session(topic)
        return stored.session if stored else None

    def retrieve_all_sessions(self) -> list[WalletSession]:
        """Return every stored session, the oldest first."""
        return [stored.session for stored in self._opened().sessions.values()]

    def has_session(self, topic: str) -> bool:
        """Return whether the session is stored."""
        return self.stored_session(topic) is not None

    def stored_session(self, topic: str) -> StoredSession | None:
        """Return the session with the times its record holds, or None."""
        return self._opened().sessions.get(topic)

    @property
    def notes(self) -> Json:
        """The facts about all sessions that ``store_notes`` keeps, such as which one is primary; a copy."""
        return dict(self._opened().notes)

    @property
    def notices(self) -> tuple[StorageNotice, ...]:
        """What the user should know; nothing while it is not open."""
        if self._view is None:
            return ()
        return self._view.notices() if self.persistent else (StorageNotice("memory"),)

    def get_statistics(self) -> StorageStatistics:
        """Return the store in figures."""
        return self._opened().statistics(self._config.max_storage_size, persistent=self.persistent)

    def room(self) -> int:
        """Return how many bytes ``max_storage_size`` leaves beside all of ours that lies there now."""
        self.others_changed()
        return self._config.max_storage_size - (self._view.size if self._view else 0)

    def others_changed(self) -> None:
        """Look again at what else of ours there is: for those who have written or deleted backups or history."""
        changed = self._records.look_again(self._view) if self._view else set()
        self._changed = self._changed or bool(changed)
        self._written = self._written or any(key.startswith(BACKUP_PREFIX) for key in changed)
        self._tell()

    # Writing: awaited and read back, one operation at a time

    async def store_session(self, session: WalletSession, *, used_at: float | None = None) -> None:
        """Store the session in place of the one with its topic. ``used_at``: when it was used, if it was now."""
        await self.store_sessions([session], used_at=used_at)

    async def store_sessions(self, sessions: Iterable[WalletSession], *, used_at: float | None = None) -> None:
        """Store the sessions, one record each.

        Raises ``StorageFullError`` before anything is written where ``max_storage_size`` has no room for all of them.
        Where the browser refuses one, it and those after it stay as they were.
        """
        by_topic = {session.topic: session for session in sessions}
        await self._exclusively(lambda: self._store(by_topic, used_at))

    async def import_sessions(self, sessions: Iterable[WalletSession]) -> None:
        """Store sessions that nobody here vouches for, as ``imported`` and never used; as ``store_sessions``, else.

        Those that are stored already otherwise than by an import stay as they are.
        """
        by_topic = {session.topic: session for session in sessions}
        await self._exclusively(lambda: self._import(by_topic))

    async def store_notes(self, notes: Mapping[str, Any]) -> None:
        """Replace the facts about all sessions."""
        await self._exclusively(lambda: self._store_notes(dict(notes)))

    async def remove_session(self, topic: str) -> None:
        """Remove the session's record, one that cannot be read too. None there is success."""
        await self._exclusively(lambda: self._remove_session(topic))

    async def clear_all_sessions(self) -> None:
        """Remove every session's record, also those of other pages, kept aside or not to be opened any more.

        What is no session's record by its header stays: notes, backups, history.
        """
        await self._exclusively(self._clear)

    async def reload(self) -> None:
        """Read again what changed in the store: what another page wrote or removed."""
        await self._exclusively(self._reload)

    # What goes over everything there is

    async def verify(self) -> tuple[RecordReport, ...]:
        """Read every record of ours again, backups, history and what is kept aside too, and report on each."""
        encrypted = self._config.encryption_enabled
        return await self._exclusively(lambda: self._upkeep().verify(encrypted=encrypted), LONG_LIMIT)

    async def rotate_key(self) -> None:
        """Seal everything again by a new key: our records, and the SDK's store.

        Sessions are read and written meanwhile. Killed on the way, ``resume_rotation`` completes it.
        """
        await self._upkeep().rotate()
        if self._view:
            await self.reload()

    async def resume_rotation(self) -> None:
        """Complete a rotation that was cut short, begin one where the key is 90 days old, delete keys nothing needs.

        For the start of a page, once it is drawn. Where there are old keys it takes minutes, and may be cancelled.
        """
        if await self._upkeep().resume() and self._view:
            await self.reload()
        await self._upkeep().retire()

    async def forget_everything(self) -> None:
        """Delete all of ours on this device: every record, the SDK's sealed store, and the keys themselves.

        What the user has to confirm first is the caller's to ask. Killed on the way, a second call completes it, and
        what is left is of no use once the keys are gone. Every step is tried; ``StorageError`` where one failed.
        """
        await self._exclusively(self._forget, LONG_LIMIT)

    # The operations, each run alone

    async def _open(self) -> tuple[WalletSession, ...]:
        view, closings = self._view or View(), self._closings
        if self._view is None and closings:
            await self._cipher.tags([])  # so that the cipher tells of its keys as they are by now
        for key in list(view.unreadable):
            view.drop(key)
        await self._read(view)
        await self._seal_trusted(view)
        if view.aside:
            await self._records.bring_back(view, encrypted=self._config.encryption_enabled)
        if self._closings != closings:
            raise NotStartedError("The session storage was closed while it was being opened.")
        self._view = view
        self._following.start()
        if expired := self._records.remove_expired(view):
            self._changed = self._written = True
        return tuple(expired)

    async def _reload(self) -> None:
        view = self._opened()
        await self._read(view)
        view.require_open()

    async def _read(self, view: View) -> None:
        encrypted, others = self._config.encryption_enabled, view.others
        found = await self._records.changes(view, encrypted=encrypted)
        self._records.take(view, found, encrypted=encrypted)
        self._changed = self._changed or bool(found) or view.others != others

    async def _store(self, by_topic: Mapping[str, WalletSession], used_at: float | None) -> None:
        view, now = self._opened(), self._clock.now()
        known = {**view.expired, **view.sessions}
        values = [renewed(session, known.get(topic), used_at, now) for topic, session in by_topic.items()]
        await self._write_sessions(view, values)
        if self.persistent and by_topic.keys() - known.keys():
            self._records.retire_lost(view)

    async def _import(self, by_topic: Mapping[str, WalletSession]) -> None:
        view, now = self._opened(), self._clock.now()
        values = [
            StoredSession(session, created_at=now, used_at=0.0, imported=True)
            for topic, session in by_topic.items()
            if (stored := view.sessions.get(topic)) is None or stored.imported
        ]
        await self._write_sessions(view, values)

    async def _write_sessions(self, view: View, values: list[StoredSession]) -> None:
        keys = await self._records.places(view, [value.session.topic for value in values])
        await self._write(view, dict(zip(keys, values, strict=True)))

    async def _store_notes(self, notes: Json) -> None:
        view = self._opened()
        [key] = await storage_keys(self._cipher, [(Purpose.NOTES, NOTES)])
        await self._write(view, {key: notes})

    async def _write(self, view: View, values: Mapping[str, StoredSession | Json]) -> None:
        before = {key: view.texts.get(key) for key in values}
        try:
            await self._records.write(view, values, self._config)
        finally:
            if any(view.texts.get(key) != text for key, text in before.items()):
                self._changed = self._written = True

    async def _seal_plain(self) -> None:
        view = self._opened()
        await self._write(view, self._plain.opened(view))
        await self._reload()

    async def _seal_trusted(self, view: View) -> None:
        try:
            if values := await self._plain.trusted(view):
                await self._write(view, values)
        except StorageError as error:  # no loss: they stay as they are
            _log.warning("Plain records could not be sealed: %s", error)

    async def _read_plain(self) -> None:
        view = self._opened()
        for key in [key for key, state in view.unreadable.items() if state is RecordState.PLAIN]:
            view.drop(key)
        await self._reload()

    async def _remove_session(self, topic: str) -> None:
        view = self._opened()
        [key] = await self._records.places(view, [topic])
        view.require_open()
        self._remove(view, key)

    async def _clear(self) -> None:
        view = self._opened()
        for key in self._records.session_keys(view):
            self._remove(view, key)

    def _remove(self, view: View, key: str) -> None:
        self._records.remove(view, key)
        self._changed = self._written = True

    async def _forget(self) -> None:
        try:
            await self._upkeep().forget()
        finally:
            self._plain.forget()
            if self._view:
                self._view.closed = True
                self._view = View()
            self._changed = self._written = True

    # Within

    async def _exclusively(self, work: Callable[[], Awaitable[T]], limit: float = OPERATION_LIMIT) -> T:
        try:
            return await self._turns.take(work, limit)
        finally:
            self._tell()
            if self._view is None and self._closings:
                self._cipher.close()  # opened again by what went on after close(), or was asked for then

    def _upkeep(self) -> Upkeep:
        from .upkeep import Upkeep  # what says its docstring

        self._made_upkeep = self._made_upkeep or Upkeep(
            storage=self._storage, cipher=self._cipher, clock=self._clock, sdk=self._sdk
        )
        return self._made_upkeep

    def _tell(self) -> None:
        noticed, self._noticed = self._noticed, self.notices
        changed, written = self._changed or noticed != self._noticed, self._written
        self._changed = self._written = False
        if written:
            self._following.tell()
        if changed and self._view:
            self._listeners.call()

    def _opened(self) -> View:
        if self._view is None:
            raise NotStartedError("The session storage is not open. Await open() first.")
        return self._view
