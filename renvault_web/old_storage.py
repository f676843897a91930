"""What older builds and other libraries left in localStorage, as one place to ask; and the flag that it is dealt with.

Reading never writes, and of what is only kept the value is not read. The value of a recovery phrase is not even asked
for: that it is there is told by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .jsontext import parse_json, write_json
from .legacy import OldEntryRead, read_entries
from .legacy_keys import (
    COMPLETED,
    FOREIGN_KEYS,
    KEPT,
    KEPT_PREFIXES,
    MNEMONIC,
    PREFERENCES,
    PROVIDER,
    ROLLED_BACK,
    old_backup_time,
    pending_session_keys,
    session_keys,
)
from .migration_report import MigrationStatus, OldEntry
from .session import seconds
from .stored import stored_size
from .texts import texts_under

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .ports import Clock, Json, Storage

VERSION = "1.0.0"
"""What the guide's flag says."""


class OldStorage:
    """The old entries in ``storage``."""

    def __init__(self, *, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    def read(self) -> list[OldEntryRead]:
        """Read every entry that may hold old sessions."""
        return self.read_texts(texts_under(self._storage, session_keys(self._storage.keys())))

    def read_texts(self, texts: Mapping[str, str]) -> list[OldEntryRead]:
        """Read old entries that came from elsewhere, such as a backup."""
        provider = self._storage.get(PROVIDER) if any(key in FOREIGN_KEYS for key in texts) else None
        return read_entries(texts, provider)

    def has_sessions(self) -> bool:
        """Return whether there are old sessions, unreadable ones too; other libraries' count until completed."""
        pending = pending_session_keys(self._storage.keys())
        return any(entry.found for entry in self.read_texts(texts_under(self._storage, pending)))

    def entries(self) -> list[OldEntry]:
        """Return everything old, what stays as it is too, each with a word on it."""
        now = self._clock.now()
        told = [_told(entry, now) for entry in self.read()]
        kept = [OldEntry(key, what) for key in sorted(self._storage.keys()) if (what := _kept(key))]
        return told + kept

    @property
    def has_mnemonic(self) -> bool:
        """Whether an old build left a recovery phrase."""
        return MNEMONIC in self._storage.keys()  # noqa: SIM118 - a port, no dict

    @property
    def auto_connect(self) -> bool | None:
        """What the user chose in the old settings: whether to connect without being asked; None for no choice."""
        chosen = self._json(PREFERENCES).get("autoConnect")
        return chosen if isinstance(chosen, bool) else None

    # The flag

    def status(self) -> MigrationStatus:
        """Return whether the old sessions have been brought along, and when."""
        if self._storage.get(COMPLETED) is None:
            return MigrationStatus(has_migrated=False)
        time = self._json(COMPLETED).get("timestamp")
        if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time < 1e16:
            return MigrationStatus(has_migrated=True)
        return MigrationStatus(has_migrated=True, timestamp=seconds(time))

    @property
    def is_rolled_back(self) -> bool:
        """Whether the user has gone back to the old sessions."""
        return self._storage.get(ROLLED_BACK) is not None

    def mark_completed(self) -> None:
        """Remember that the old sessions have been brought along."""
        self._mark(COMPLETED)
        self._storage.remove(ROLLED_BACK)

    def begin_roll_back(self) -> None:
        """Remember that the user wants the old sessions back.

        Both marks together say that it has begun and has not ended: a page that was killed between is found by that.
        """
        if not self.status().has_migrated:
            self._mark(COMPLETED)
        self._mark(ROLLED_BACK)

    def end_roll_back(self) -> None:
        """Forget that the old sessions have been brought along."""
        self._storage.remove(COMPLETED)

    def reset(self) -> None:
        """Forget both."""
        self._storage.remove(COMPLETED)
        self._storage.remove(ROLLED_BACK)

    def _mark(self, key: str) -> None:
        self._storage.set(key, write_json({"timestamp": int(self._clock.now() * 1000), "version": VERSION}))

    def _json(self, key: str) -> Json:
        text = self._storage.get(key)
        try:
            data = None if text is None else parse_json(text)
        except ValueError:
            data = None
        return data if isinstance(data, dict) else {}


def _told(entry: OldEntryRead, now: float) -> OldEntry:
    accounts, refused = entry.accounts(now), entry.refused(now)
    if accounts:
        what = "sessions of an older build" if entry.is_ours else "an account that another library keeps"
    else:
        what = entry.kept or " ".join(dict.fromkeys(one.reason for one in refused)) or "no sessions"
    goes = entry.is_ours and bool(accounts) and not refused
    return OldEntry(entry.key, what, len(accounts), stored_size(entry.key, entry.text), stays=not goes)


def _kept(key: str) -> str | None:
    if old_backup_time(key) is not None:
        return "a backup of an old session"
    prefix = next((prefix for prefix in KEPT_PREFIXES if key.startswith(prefix)), "")
    return KEPT.get(key) or KEPT_PREFIXES.get(prefix)
