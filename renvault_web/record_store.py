"""The records of sessions and notes as they lie in the store: read into the view, written and read back, removed.

A record that cannot be read stays where it is. Before its place is written to, it is kept aside (``aside.py``) unless
it is plain: a copy would keep in clear what is to be sealed. It comes back by itself once it can be read and its place
is free. Where there is no room, ``room.py`` makes some.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

from .aside import AsideRecords, place_of
from .errors import CorruptRecordError, StorageError, StorageFullError
from .record import ASIDE_PREFIX, BACKUP_PREFIX, HISTORY_PREFIX, KEY_PREFIX, Purpose, claimed_purpose
from .room import Room
from .sealing import open_records, seal, storage_keys
from .session import is_expired
from .stored import RecordState, StoredSession, pack_stored, parse_body, state_of, stored_size

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from .ports import Cipher, Clock, Json, Storage
    from .session import WalletSession
    from .storage_view import View
    from .stored import StorageConfig

Found: TypeAlias = "dict[str, tuple[str, StoredSession | Json | CorruptRecordError] | None]"
"""What lies under each storage key: its text, and its content or why it cannot be read; None where it is gone."""

OTHERS = (BACKUP_PREFIX, HISTORY_PREFIX, ASIDE_PREFIX)
"""What the storage keys of everything else of ours begin with."""

UNSEEN = 1024 * 1024
"""Bytes by which what lies beside the records may have grown since the last look at it: other pages' history. Nearer
than this to the limit, each write looks first."""

_log = logging.getLogger(__name__)


class RecordStore:
    """The records in ``storage``, opened by ``cipher``; ``expendable`` tells what may go for them (``room.py``)."""

    def __init__(
        self, *, storage: Storage, cipher: Cipher, clock: Clock, expendable: Callable[[], Awaitable[Sequence[str]]]
    ) -> None:
        self._storage = storage
        self._cipher = cipher
        self._clock = clock
        self._expendable = expendable
        self._aside = AsideRecords(storage)

    # Reading

    async def changes(self, view: View, *, encrypted: bool) -> Found:
        """Open what the store has that the view has not."""
        keys = self._storage.keys()
        self.look_at_others(view, keys)
        texts = {k: text for k in keys if k.startswith(KEY_PREFIX) and (text := self._storage.get(k)) is not None}
        changed = {key: text for key, text in texts.items() if view.texts.get(key) != text}
        opened = await open_records(self._cipher, changed, parse_body, encrypted=encrypted, measure=view.measure)
        found: Found = dict.fromkeys(view.texts.keys() - texts.keys())
        return found | {key: (changed[key], value) for key, value in opened.items()}

    def take(self, view: View, found: Found, *, encrypted: bool) -> None:
        """Bring the view up to ``found``."""
        unreadable, key_ids = [], self._cipher.key_ids()
        for key, record in found.items():
            view.drop(key)
            if record is None:
                continue
            text, value = record
            if isinstance(value, CorruptRecordError):
                view.put_unreadable(key, text, state_of(text, value, key_ids, encrypted=encrypted))
                unreadable.append(f"{key}: {value}")
            else:
                view.put(key, text, value)
        view.sort()
        if unreadable:
            _log.warning(
                "Records that cannot be read, left in place: %d. The first: %s", len(unreadable), unreadable[0]
            )

    def look_at_others(self, view: View, keys: list[str] | None = None) -> None:
        """Bring the view up to what lies beside the records. ``keys``: those of the store, if they are known."""
        keys = self._storage.keys() if keys is None else keys
        others = {key: stored_size(key, self._storage.get(key)) for key in keys if key.startswith(OTHERS)}
        view.full = view.full and sum(others.values()) >= sum(view.others.values())
        view.others = others
        view.aside = sum(key.startswith(ASIDE_PREFIX) for key in keys)

    def look_again(self, view: View) -> set[str]:
        """Look at what lies beside the records; return the keys under which that has changed, none where none tells."""
        before = view.others
        try:
            self.look_at_others(view)
        except StorageError as error:
            _log.warning("How much is stored beside the sessions could not be looked up: %s", error)
        return {key for key in before.keys() | view.others.keys() if before.get(key) != view.others.get(key)}

    async def bring_back(self, view: View, *, encrypted: bool) -> int:
        """Put records kept aside that can be read by now where they belong, if nothing lies there; return how many."""
        copies = {place_of(key): key for key in self._aside.keys()}  # noqa: SIM118 - no dict; the newest of each place
        free = {place: key for place, key in copies.items() if place not in view.texts}
        texts = {place: text for place, key in free.items() if (text := self._storage.get(key)) is not None}
        opened = await open_records(self._cipher, texts, parse_body, encrypted=encrypted)
        back = 0
        for place, value in opened.items():
            if isinstance(value, CorruptRecordError) or self._storage.get(place) is not None:
                continue
            try:
                self._set(Room(self._storage), place, texts[place])
                self._storage.remove(free[place])
            except StorageError as error:  # no loss: it stays aside
                _log.warning("A record that can be read again could not be put back in its place: %s", error)
                break
            view.put(place, texts[place], value)
            back += 1
        if back:
            self.look_at_others(view)
            view.sort()
            _log.warning("Records that were kept aside can be read again, and are back in their places: %d.", back)
        return back

    async def places(self, view: View, topics: Iterable[str]) -> list[str]:
        """Return the storage key of each session."""
        known = {topic: view.keys.get(topic) for topic in topics}
        new = [topic for topic, key in known.items() if key is None]
        made = await storage_keys(self._cipher, [(Purpose.SESSION, topic) for topic in new])
        keys = {**known, **dict(zip(new, made, strict=True))}
        return [key for key in keys.values() if key]

    # Writing

    async def write(self, view: View, values: Mapping[str, StoredSession | Json], config: StorageConfig) -> None:
        """Write a record for each value under its storage key; all of ours takes ``max_storage_size`` at most.

        ``StorageFullError`` before anything is written where that leaves no room for all of them. Where the browser
        refuses one, it and those after it stay as they were.
        """
        items = [
            (
                key,
                Purpose.SESSION if isinstance(value, StoredSession) else Purpose.NOTES,
                pack_stored(value, compress=config.compression_enabled, measure=view.measure),
            )
            for key, value in values.items()
        ]
        texts = await seal(self._cipher, items, encrypted=config.encryption_enabled)
        view.require_open()
        records = {key: (text, values[key]) for key, text in zip(values, texts, strict=True)}
        limit = config.max_storage_size
        try:
            self._write(view, records, limit, Room(self._storage))
        except StorageFullError:
            room = Room(self._storage, await self._expendable())
            view.require_open()
            self._write(view, records, limit, room)

    def _write(
        self, view: View, records: Mapping[str, tuple[str, StoredSession | Json]], limit: int, room: Room
    ) -> None:
        texts = {key: text for key, (text, _) in records.items()}
        more = view.growth(texts)
        try:
            if more > 0 and view.size + more > limit - UNSEEN:
                self.look_at_others(view)
                room.fit(more, view.size, limit)
            for key, (text, value) in records.items():
                self._keep_aside(view, key, room)
                self._set(room, key, text)
                view.put(key, text, value)
        except StorageFullError:
            view.full = True
            room.put_back()
            raise
        finally:
            if room.made:
                self.look_at_others(view)
        if more > 0 or room.made:
            view.full = False
        if room.made:
            _log.warning("There was no room: old backups, history or records kept aside were given up for sessions.")

    def retire_lost(self, view: View) -> None:
        """Move the sessions whose key is gone out of their places: their wallet has been connected anew."""
        for key in view.lost_sessions():
            try:
                self._keep_aside(view, key, Room(self._storage))
            except StorageError as error:  # no loss: it stays where it is
                _log.warning("A session whose key is gone could not be put aside: %s", error)
                return
            self._storage.remove(key)
            view.drop(key)

    def remove(self, view: View, key: str) -> None:
        """Remove the record, and what was kept aside of its place: it is not to come back."""
        copies = [other for other in view.others if other.startswith(ASIDE_PREFIX) and place_of(other) == key]
        for place in (*copies, key):
            self._storage.remove(place)
            if self._storage.get(place) is not None:
                raise StorageError("A record is still there after it was removed. The browser may be blocking storage.")
        if copies:
            self.look_at_others(view)
        if copies or key in view.texts:
            view.full = False
        view.drop(key)

    def remove_expired(self, view: View) -> list[WalletSession]:
        """Remove the records of the sessions whose time is over; return these."""
        now, removed = self._clock.now(), []
        for stored in [stored for stored in view.sessions.values() if is_expired(stored.session, now)]:
            topic = stored.session.topic
            try:
                self.remove(view, view.keys[topic])
                view.expired[topic] = stored
                removed.append(stored.session)
            except StorageError as error:  # it stays in the view, where the monitor finds it expired
                _log.warning("An expired session could not be removed: %s", error)
        return removed

    def session_keys(self, view: View) -> list[str]:
        """Return the storage keys of all sessions there are, also of those that cannot be opened, or were put aside."""
        keys = self._storage.keys()
        places = [key for key in keys if key.startswith(KEY_PREFIX)]
        aside = [key for key in keys if key.startswith(ASIDE_PREFIX)]
        return [
            *(key for key in places if key in view.topics or self._claims_session(key)),
            *dict.fromkeys(place_of(key) for key in aside if self._claims_session(key)),
        ]

    def _claims_session(self, key: str) -> bool:
        return claimed_purpose(self._storage.get(key) or "") == Purpose.SESSION

    def _keep_aside(self, view: View, key: str, room: Room) -> None:
        state = view.unreadable.get(key)
        if state and state is not RecordState.PLAIN and self._storage.get(key) == view.texts[key]:
            room.spare(self._aside.keep(key, view.texts[key], self._clock.now(), put=room.set))
            self.look_at_others(view)

    def _set(self, room: Room, key: str, text: str) -> None:
        room.set(key, text)
        if self._storage.get(key) != text:
            raise StorageError("A record did not read back as it was written. The browser may be blocking storage.")
