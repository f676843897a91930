"""Where records go that cannot be read, once their place is needed: kept aside, so that nothing is written over them.

A newer version of this page, or a key that comes back, may read them yet; they are then put back by themselves where
their place is free. What the user removes is removed here too. A record kept aside is its own text under
``rvq1.`` + when that was (13 digits, epoch milliseconds) + ``.`` + its storage key without the prefix. What was kept
first goes first, when there are too many or they take too much; the latest one always stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import StorageError
from .record import ASIDE_PREFIX, KEY_PREFIX
from .stored import stored_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ports import Storage

MAX_RECORDS = 50

MAX_SIZE = 1024 * 1024
"""Bytes as the browser counts them: about a tenth of the room that it gives an origin."""


def place_of(key: str) -> str:
    """Return the storage key under which the record lay that is kept aside under ``key``."""
    return KEY_PREFIX + key[len(ASIDE_PREFIX) :].partition(".")[2]


class AsideRecords:
    """The records kept aside in ``storage``."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def keys(self) -> list[str]:
        """Return the keys of what is kept aside, the oldest first."""
        return sorted(key for key in self._storage.keys() if key.startswith(ASIDE_PREFIX))  # noqa: SIM118 - a port, no dict

    def keep(self, place: str, text: str, now: float, put: Callable[[str, str], None] | None = None) -> str:
        """Keep a copy of the record that lies under the storage key ``place``; return under which key.

        ``put`` stores it, if the store itself is not to do so. ``StorageError`` where that fails.
        """
        kept = self.keys()
        name = place.removeprefix(KEY_PREFIX)
        for key in kept:
            if place_of(key) == place and self._storage.get(key) == text:
                return key  # by a page that ended before it wrote over it
        at = int(now * 1000)
        while (key := f"{ASIDE_PREFIX}{at:013d}.{name}") in kept:
            at += 1
        (put or self._storage.set)(key, text)
        if self._storage.get(key) != text:
            raise StorageError("A record that cannot be read could not be kept aside, and nothing was written over it.")
        self._make_room(kept, stored_size(key, text))
        return key

    def _make_room(self, kept: list[str], size: int) -> None:
        records = 1
        for key in reversed(kept):
            records += 1
            size += stored_size(key, self._storage.get(key))
            if records > MAX_RECORDS or size > MAX_SIZE:
                self._storage.remove(key)
