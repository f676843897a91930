"""EncryptedSessionStorage: one sealed record a session, and an opened view of all of them.

Reads are synchronous and come from the view; writes are awaited and return once the record has been read back. A
record that cannot be read is counted, reported and left where it is; before its place is written to, it is kept
aside. The other pages of this origin are told of each change, and theirs are followed. What a record is made of says
``record.py``.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .errors import ConfigError, CorruptRecordError, NotStartedError, RenvaultError, StorageError
from .events import Listeners
from .quarantine import ASIDE_PREFIX, Quarantine
from .record import KEY_PREFIX, Purpose, claimed_purpose, pack
from .sealing import open_records, seal, storage_keys
from .session import WalletSession, is_expired
from .stored import MAX_STORAGE_SIZE, NOTES, StorageStatistics, StoredSession, View, packed_session, parse_body, renewed
from .timing import within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from .ports import Cipher, Clock, Json, Storage, Tabs, Unsubscribe

T = TypeVar("T")

_Found: TypeAlias = "dict[str, tuple[str, StoredSession | Json | CorruptRecordError] | None]"

OPERATION_LIMIT = 10.0
"""Seconds an operation may take, its wait for the one before it included. A browser needs milliseconds."""

_CHANGED = "records"  # the kind of the message to the other pages

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """How much may be stored, in bytes as the browser counts them, and whether new records are compressed."""

    max_storage_size: int = MAX_STORAGE_SIZE
    compression_enabled: bool = True

    def __post_init__(self) -> None:
        size: object = self.max_storage_size  # hosts set it; types do not bind them
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ConfigError(f"max_storage_size is {size!r:.40}; it must be a whole number of bytes, at least 1.")
        compress: object = self.compression_enabled
        if not isinstance(compress, bool):
            raise ConfigError(f"compression_enabled is {compress!r:.40}; it must be true or false.")


class EncryptedSessionStorage:
    """The sessions of this browser, encrypted at rest.

    Args:
        storage: where the records lie.
        cipher: what seals and opens them.
        clock: for time limits, and to know what has expired.
        tabs: the other pages of this origin, if there can be any.
        config: limits and compression.

    """

    def __init__(
        self,
        *,
        storage: Storage,
        cipher: Cipher,
        clock: Clock,
        tabs: Tabs | None = None,
        config: StorageConfig | None = None,
    ) -> None:
        self._storage = storage
        self._quarantine = Quarantine(storage)
        self._cipher = cipher
        self._clock = clock
        self._tabs = tabs
        self._config = config or StorageConfig()
        self._lock = asyncio.Lock()
        self._listeners = Listeners[[]]()
        self._view: View | None = None
        self._closings = 0
        self._changed = False
        self._written = False
        self._unsubscribe: Unsubscribe | None = None
        self._follower: asyncio.Task[None] | None = None
        self._stale = False

    # Life

    async def open(self) -> tuple[WalletSession, ...]:
        """Read and decrypt our records, and follow the other pages' changes; return the sessions that had expired.

        The records of these are removed. Open already, it reads what has changed. Raises ``StorageError`` where store
        or cipher fail as a whole.
        """
        if not self.persistent:
            _log.warning("Sessions are kept in memory only: the browser gives this page no lasting storage or no key.")
        return await self._exclusively(self._open)

    def close(self) -> None:
        """Clear the decrypted data and follow the other pages no longer. It can be opened again."""
        self._closings += 1
        self._view = None
        if self._unsubscribe:
            self._unsubscribe()
            self._unsubscribe = None
        if self._follower:
            self._follower.cancel()
            self._follower = None

    @property
    def persistent(self) -> bool:
        """Whether what is stored can be read by the next page."""
        return self._storage.persistent and self._cipher.persistent

    @property
    def config(self) -> StorageConfig:
        """The configuration in force."""
        return self._config

    def update_config(self, config: StorageConfig) -> None:
        """Replace the configuration, from the next write on."""
        self._config = config

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call ``listener()`` after each change of the view, whichever page made it."""
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

    def statistics(self) -> StorageStatistics:
        """Return the store in figures."""
        view = self._opened()
        size, limit = view.size, self._config.max_storage_size
        return StorageStatistics(
            total_sessions=len(view.sessions),
            total_size=size,
            max_size=limit,
            usage_percent=round(100 * size / limit, 2),
            quarantined=len(view.unreadable) + view.aside,
            persistent=self.persistent,
        )

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

    async def store_notes(self, notes: Mapping[str, Any]) -> None:
        """Replace the facts about all sessions."""
        await self._exclusively(lambda: self._store_notes(dict(notes)))

    async def remove_session(self, topic: str) -> None:
        """Remove the session's record, one that cannot be read too. None there is success."""
        await self._exclusively(lambda: self._remove_session(topic))

    async def clear_all_sessions(self) -> None:
        """Remove every session's record, also those of other pages and those that cannot be opened any more.

        What is no session's record by its header stays, and so does what was kept aside before: it goes when newer
        ones take its room.
        """
        await self._exclusively(self._clear)

    async def reload(self) -> None:
        """Read again what changed in the store: what another page wrote or removed."""
        await self._exclusively(self._reload)

    # The operations, each run alone

    async def _open(self) -> tuple[WalletSession, ...]:
        view, closings = self._view or View(), self._closings
        found = await self._read(view)
        if self._closings != closings:
            raise NotStartedError("The session storage was closed while it was being opened.")
        self._take(view, found)
        self._view = view
        if self._tabs and not self._unsubscribe:
            self._unsubscribe = self._tabs.subscribe(self._on_message)
        return tuple(self._remove_expired(view))

    def _remove_expired(self, view: View) -> list[WalletSession]:
        now, removed = self._clock.now(), []
        for stored in [stored for stored in view.sessions.values() if is_expired(stored.session, now)]:
            topic = stored.session.topic
            try:
                self._remove(view, view.keys[topic])
                view.expired[topic] = stored
                removed.append(stored.session)
            except StorageError as error:  # it stays in the view, where the monitor finds it expired
                _log.warning("An expired session could not be removed: %s", error)
        return removed

    async def _reload(self) -> None:
        view = self._opened()
        found = await self._read(view)
        self._require_current(view)
        self._take(view, found)

    async def _read(self, view: View) -> _Found:
        """Open what the store has that the view has not; None for what is gone."""
        keys = self._storage.keys()
        view.aside = sum(key.startswith(ASIDE_PREFIX) for key in keys)
        texts = {k: text for k in keys if k.startswith(KEY_PREFIX) and (text := self._storage.get(k)) is not None}
        changed = {key: text for key, text in texts.items() if view.texts.get(key) != text}
        opened = await open_records(self._cipher, changed, parse_body)
        found: _Found = dict.fromkeys(view.texts.keys() - texts.keys())
        return found | {key: (changed[key], value) for key, value in opened.items()}

    def _take(self, view: View, found: _Found) -> None:
        unreadable = []
        for key, record in found.items():
            view.drop(key)
            if record is None:
                continue
            text, value = record
            if isinstance(value, CorruptRecordError):
                view.put_unreadable(key, text)
                unreadable.append(f"{key}: {value}")
            else:
                view.put(key, text, value)
        view.sort()
        self._changed = self._changed or bool(found)
        if unreadable:
            _log.warning(
                "Records that cannot be read, left in place: %d. The first: %s", len(unreadable), unreadable[0]
            )

    async def _store(self, by_topic: Mapping[str, WalletSession], used_at: float | None) -> None:
        view, now = self._opened(), self._clock.now()
        known = {**view.expired, **view.sessions}
        values = [renewed(session, known.get(topic), used_at, now) for topic, session in by_topic.items()]
        packed = [packed_session(value, compress=self._config.compression_enabled) for value in values]
        await self._write(view, await self._keys(view, by_topic), Purpose.SESSION, values, packed)

    async def _store_notes(self, notes: Json) -> None:
        view = self._opened()
        keys = await storage_keys(self._cipher, [(Purpose.NOTES, NOTES)])
        packed = pack({"notes": notes}, compress=self._config.compression_enabled)
        await self._write(view, keys, Purpose.NOTES, [notes], [packed])

    async def _write(
        self,
        view: View,
        keys: list[str],
        purpose: Purpose,
        values: Sequence[StoredSession | Json],
        packed: Sequence[tuple[int, bytes]],
    ) -> None:
        items = [(key, purpose, body) for key, body in zip(keys, packed, strict=True)]
        texts = await seal(self._cipher, items)
        self._require_current(view)
        view.require_room(dict(zip(keys, texts, strict=True)), self._config.max_storage_size)
        for key, text, value in zip(keys, texts, values, strict=True):
            if key in view.unreadable and self._storage.get(key) == view.texts[key]:
                self._quarantine.keep(key, view.texts[key], self._clock.now())
                view.aside = len(self._quarantine.keys())
            self._storage.set(key, text)
            if self._storage.get(key) != text:
                raise StorageError("A record did not read back as it was written. The browser may be blocking storage.")
            view.put(key, text, value)
            self._changed = self._written = True

    async def _remove_session(self, topic: str) -> None:
        view = self._opened()
        [key] = await self._keys(view, [topic])
        self._require_current(view)
        self._remove(view, key)

    async def _clear(self) -> None:
        view = self._opened()
        for key in [key for key in self._storage.keys() if key.startswith(KEY_PREFIX)]:  # noqa: SIM118 - a port
            if key in view.topics or claimed_purpose(self._storage.get(key) or "") == Purpose.SESSION:
                self._remove(view, key)

    def _remove(self, view: View, key: str) -> None:
        self._storage.remove(key)
        if self._storage.get(key) is not None:
            raise StorageError("A record is still there after it was removed. The browser may be blocking storage.")
        view.drop(key)
        self._changed = self._written = True

    # Within

    async def _exclusively(self, work: Callable[[], Awaitable[T]]) -> T:
        async def in_turn() -> T:
            async with self._lock:
                return await work()

        try:
            return await within(self._clock, OPERATION_LIMIT, in_turn())
        except TimeoutError as error:
            limit = f"{OPERATION_LIMIT:.0f} s"
            raise StorageError(f"The browser did not finish within {limit}. Nothing is lost; try again.") from error
        finally:
            self._tell()

    def _tell(self) -> None:
        changed, written = self._changed, self._written
        self._changed = self._written = False
        if written and self._tabs:
            self._tabs.post({"kind": _CHANGED})
        if changed and self._view:
            self._listeners.call()

    def _on_message(self, message: Json) -> None:
        if message.get("kind") != _CHANGED:
            return
        self._stale = True
        if self._follower is None or self._follower.done():
            self._follower = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        while self._stale:
            self._stale = False
            try:
                await self.reload()
            except RenvaultError as error:
                _log.warning("What another page stored could not be read: %s", error)

    def _opened(self) -> View:
        if self._view is None:
            raise NotStartedError("The session storage is not open. Await open() first.")
        return self._view

    def _require_current(self, view: View) -> None:
        if self._view is not view:
            raise NotStartedError("The session storage was closed meanwhile.")

    async def _keys(self, view: View, topics: Iterable[str]) -> list[str]:
        known = {topic: view.keys.get(topic) for topic in topics}
        new = [topic for topic, key in known.items() if key is None]
        made = await storage_keys(self._cipher, [(Purpose.SESSION, topic) for topic in new])
        keys = {**known, **dict(zip(new, made, strict=True))}
        return [key for key in keys.values() if key]
