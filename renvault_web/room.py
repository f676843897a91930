"""Room for what is to be stored, where the limit or the browser's quota leaves none: what matters less goes first.

In this order, each time the oldest: pages of the event history, but the newest; backups of old session data, but the
newest, and the newest of a migration; records kept aside. Sessions never go, nor does anything that is not ours. Where
all of that is not enough, it is put back, and ``StorageFullError`` says so.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .errors import StorageFullError
from .record import ASIDE_PREFIX, BACKUP_PREFIX, HISTORY_PREFIX
from .stored import stored_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .ports import Storage

_log = logging.getLogger(__name__)

_TIME_DIGITS = 13  # epoch milliseconds in the names of what may go


class Room:
    """The room that one operation needs in ``storage``; what lies under ``may_go`` may go for it, the first first."""

    def __init__(self, storage: Storage, may_go: Sequence[str] = ()) -> None:
        self._storage = storage
        self._may_go = list(may_go)
        self._gone: list[tuple[str, str]] = []

    @property
    def made(self) -> bool:
        """Whether anything had to go."""
        return bool(self._gone)

    def spare(self, key: str) -> None:
        """Keep what lies under ``key``: this operation has put it there."""
        self._may_go = [other for other in self._may_go if other != key]

    def fit(self, more: int, size: int, limit: int) -> None:
        """Make room for ``more`` bytes beside ``size`` under ``limit``; nothing goes where it would not be enough."""
        if more <= 0 or size + more <= limit:
            return
        going, left = 0, size + more - limit
        while left > 0 and going < len(self._may_go):
            key = self._may_go[going]
            left -= stored_size(key, self._storage.get(key))
            going += 1
        if left > 0:
            raise StorageFullError(
                f"There is no room for {more} bytes more: {size} of {limit} are used. "
                "Disconnect sessions you no longer need."
            )
        for _ in range(going):
            self._give_up(self._may_go.pop(0))

    def set(self, key: str, text: str) -> None:
        """Store ``text``, however much has to go for it; ``StorageFullError`` once nothing is left that may go."""
        while True:
            try:
                self._storage.set(key, text)
            except StorageFullError:
                if not self._may_go:
                    raise
                self._give_up(self._may_go.pop(0))
            else:
                return

    def put_back(self) -> None:
        """Put back what went in vain, what matters most first."""
        while self._gone:
            key, text = self._gone.pop()
            try:
                self._storage.set(key, text)
            except StorageFullError:
                _log.warning("%d records gave their room to others in vain.", len(self._gone) + 1)
                self._gone.clear()

    def _give_up(self, key: str) -> None:
        text = self._storage.get(key)
        if text is not None:
            self._storage.remove(key)
            self._gone.append((key, text))


def expendable(keys: Iterable[str], migration_backup: str | None) -> list[str]:
    """Return which of the storage's keys may go, what matters least first, and not the ``migration_backup``."""
    keys = list(keys)
    order = [*_by_age(keys, HISTORY_PREFIX)[:-1], *_by_age(keys, BACKUP_PREFIX)[:-1], *_by_age(keys, ASIDE_PREFIX)]
    return [key for key in order if key != migration_backup]


def _by_age(keys: list[str], prefix: str) -> list[str]:
    """Return the keys with ``prefix``, the oldest first; those whose name tells no time before all others."""

    def age(key: str) -> tuple[bool, str]:
        time = key[len(prefix) : len(prefix) + _TIME_DIGITS]
        return len(time) == _TIME_DIGITS and time.isascii() and time.isdigit(), key

    return sorted((key for key in keys if key.startswith(prefix)), key=age)
