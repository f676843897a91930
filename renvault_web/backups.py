"""Backups of old session data: the old keys and values exactly as they lay there, sealed, each under a name of its own.

A backup lies under ``rvb1.`` + when it was made (13 digits, epoch milliseconds; after those there are, whatever the
clock says), so that a list of them needs no key and no Python. Inside is JSON: ``entries``, pairs of old key and old
value; ``topics``, the local ids that a migration made of them; ``made``, by a ``migration`` or by the ``user``. The
guide's own backups are listed and read, not written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .errors import CorruptRecordError, MigrationError, StorageError, StorageFullError
from .jsontext import write_json
from .legacy_keys import old_backup_time
from .migration_report import Backup
from .record import BACKUP_PREFIX, Purpose, pack
from .sealing import open_named, seal
from .stored import stored_size
from .texts import next_time, texts_under
from .timing import answered_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .ports import Cipher, Clock, Storage

Maker = Literal["migration", "user"]

CIPHER_LIMIT = 10.0
"""Seconds the browser may take to seal or open; it needs milliseconds."""

_NAME = re.compile(re.escape(BACKUP_PREFIX) + r"([0-9]{13})")


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What is inside a backup of ours."""

    entries: dict[str, str]
    topics: tuple[str, ...]
    made: Maker

    def covers(self, entries: Mapping[str, str]) -> bool:
        """Return whether all of ``entries`` are in it, unit for unit."""
        return all(key in self.entries and same_text(self.entries[key], text) for key, text in entries.items())


class Backups:
    """The backups in ``storage``."""

    def __init__(self, *, storage: Storage, cipher: Cipher, clock: Clock) -> None:
        self._storage = storage
        self._cipher = cipher
        self._clock = clock

    def listed(self) -> list[Backup]:
        """Return every backup, the guide's too, the newest first."""
        found = [Backup(key, time) for key in self._storage.keys() if (time := backup_time(key)) is not None]  # noqa: SIM118 - a port
        return sorted(found, key=lambda backup: (backup.timestamp, backup.key), reverse=True)

    async def keep(
        self,
        entries: Mapping[str, str],
        *,
        made: Maker,
        topics: Iterable[str] = (),
        key: str | None = None,
        room: int | None = None,
    ) -> str:
        """Seal ``entries``, write them, read them back, and return the key they lie under: ``key`` if it is given.

        Raises ``StorageFullError`` where they need more than ``room`` bytes or the browser has none left,
        ``MigrationError`` for a key that is no backup's or is taken.
        """
        if key is not None and not _NAME.fullmatch(key):
            raise MigrationError(f"A backup's key is {BACKUP_PREFIX} and 13 digits.")
        content = {"entries": [list(entry) for entry in entries.items()], "topics": list(topics), "made": made}
        body = pack(content, name="The backup of the old sessions")
        while True:
            name = key or self._free_key()
            sealing = seal(self._cipher, [(name, Purpose.BACKUP, body)])
            [text] = await answered_within(self._clock, CIPHER_LIMIT, sealing)
            if room is not None and stored_size(name, text) > room:
                raise StorageFullError("There is no room for a backup of the old sessions. They stay as they are.")
            if self._storage.get(name) is None:
                break
            if key is not None:
                raise MigrationError("There is a backup under this key already.")
        self._storage.set(name, text)
        kept = (await self.opened([name])).get(name)
        if not isinstance(kept, BackupContent) or not kept.covers(entries):
            raise StorageError("The backup did not read back as it was written. Nothing was changed.")
        return name

    async def opened(self, keys: Iterable[str]) -> dict[str, BackupContent | CorruptRecordError]:
        """Open backups of ours; what is not there is left out."""
        opening = open_named(self._cipher, texts_under(self._storage, keys), Purpose.BACKUP)
        found = await answered_within(self._clock, CIPHER_LIMIT, opening)
        return {key: data if isinstance(data, CorruptRecordError) else _parsed(data) for key, data in found.items()}

    async def newest_migration(self) -> tuple[str, BackupContent] | None:
        """Return the newest backup that a migration made and that can be opened, with its key."""
        sealed = [backup.key for backup in self.listed() if _NAME.fullmatch(backup.key)]
        opened = await self.opened(sealed)
        for key in sealed:
            content = opened.get(key)
            if isinstance(content, BackupContent) and content.made == "migration":
                return key, content
        return None

    async def clean_up(self, keep: int) -> int:
        """Delete all but the ``keep`` newest, at least one, and return how many.

        Where two or more stay, the newest that a migration made is one of them, in the place of the oldest.
        """
        listed = [backup.key for backup in self.listed()]
        migration = await self.newest_migration()
        staying = listed[: max(keep, 1)]
        if migration and len(staying) > 1 and migration[0] not in staying:
            staying[-1] = migration[0]
        for key in listed:
            if key not in staying:
                self._storage.remove(key)
        return len(listed) - len(staying)

    def _free_key(self) -> str:
        return f"{BACKUP_PREFIX}{next_time(self._storage, BACKUP_PREFIX, self._clock.now()):013d}"


def backup_time(key: str) -> float | None:
    """Return when the backup under ``key`` was made, epoch seconds, ours or the guide's; None for any other key."""
    found = _NAME.fullmatch(key)
    return int(found[1]) / 1000 if found else old_backup_time(key)


def same_text(one: str, other: str) -> bool:
    """Return whether two texts are the same in UTF-16, where two surrogates that make a pair are one character."""
    return one == other or write_json(one) == write_json(other)


def _parsed(data: dict[str, Any]) -> BackupContent | CorruptRecordError:
    entries, topics, made = data.get("entries"), data.get("topics"), data.get("made")
    if isinstance(entries, list) and isinstance(topics, list) and made in ("migration", "user"):
        pairs = [pair for pair in entries if isinstance(pair, list) and len(pair) == 2]
        texts = {key: text for key, text in pairs if isinstance(key, str) and isinstance(text, str)}
        if len(texts) == len(entries):
            return BackupContent(texts, tuple(topic for topic in topics if isinstance(topic, str)), made)
    return CorruptRecordError("The backup is not complete.")
