"""Rotation of the key that seals: all records sealed again by a new key, old keys deleted once nothing needs them.

What is not finished says the list of keys alone: while there is more than one, the next start goes on. Both keys open
all along, and a record is replaced whole or not at all, so that a page may be killed anywhere:

- before the new key is on disk: nothing has begun;
- from then on: some records name the old key, some the new one, and ``resume`` seals the rest again;
- within seconds of a write: the browser may give back the old text (it keeps ``localStorage`` in memory for a while),
  whose key is still there;
- after an old key was deleted: no record named it any more at a start, and the browser has had ``SETTLED`` seconds
  since then to bring to the disk what that start has read.

Between the look at a record and its replacement nothing is awaited. All the same another page, in a process of its own,
may write within the milliseconds that browsers take to tell processes of each other's ``localStorage``: then the record
that was resealed wins, as the last of two writers always does there, and what it loses is one change of one record. A
session comes right with the next look at the client. A lock around every write would cost each of them more than that.

A record that cannot be opened stays as it is, and what may still open it some day stays too: the key it names. A
record of a version not known here could need any of them.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from .errors import StorageError
from .record import ASIDE_PREFIX, HEADER_SIZE, SEALED_PREFIXES, VERSION
from .sealing import reseal
from .texts import keys_under, texts_under

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ports import Cipher, Clock, SdkStore, Storage

DAY = 24 * 60 * 60.0  # seconds

MAX_AGE = 90 * DAY
"""Seconds after which another key is to seal."""

SETTLED = 5 * 60.0
"""Seconds that a browser is given to bring ``localStorage`` to the disk. Chromium writes it after 5 s, and after much
data later: at most 10 MiB an hour."""

BATCH = 50  # records that cross to the cipher at once

_START_SIZE = 16  # characters of a record, which hold its header


class KeyRotation:
    """Seals everything again that lies in ``storage`` and in the SDK's store ``sdk``.

    Where ``sdk`` is not given, nobody knows which keys the SDK's records name, and none is deleted.
    """

    def __init__(self, *, storage: Storage, cipher: Cipher, clock: Clock, sdk: SdkStore | None = None) -> None:
        self._storage = storage
        self._cipher = cipher
        self._clock = clock
        self._sdk = sdk
        self._unneeded: Sequence[bytes] = ()  # keys with which this page has found nothing sealed at its start

    def due(self) -> bool:
        """Whether the key that seals is too old, or was made at a time that has not come yet."""
        age = self._clock.now() - self._cipher.key_created_at
        return self._cipher.persistent and not -DAY < age < MAX_AGE

    async def rotate(self) -> int:
        """Make a new key and seal everything again by it; return how many records.

        What fails stays as it was and can be read; the rest is sealed again all the same. Then the first error is
        raised: a later ``resume`` goes on.
        """
        self._unneeded = ()
        await self._cipher.rotate()
        return await self._reseal()

    async def resume(self) -> int:
        """Seal again, at the start of a page, what a rotation has left; return how many records. Raises as above."""
        self._unneeded = ()
        *old, _ = self._cipher.key_ids()
        if not old:
            return 0
        resealed = await self._reseal()
        if not resealed:
            self._unneeded = old
        return resealed

    async def retire(self) -> list[bytes]:
        """Delete the old keys that no record names and no page may seal with; return their ids.

        Nothing is deleted where ``resume`` has not been called before, or had anything to do. Takes ``SETTLED``
        seconds, and may be cancelled.
        """
        if not self._unneeded or self._sdk is None:
            return []
        await self._clock.sleep(SETTLED)
        named = await self._sdk.key_ids()
        # From here to the cipher nothing is awaited: what moves between its place and aside is seen.
        texts = texts_under(self._storage, keys_under(self._storage, *SEALED_PREFIXES, ASIDE_PREFIX))
        starts = [_start(text) for text in texts.values()]
        needed = {key_id for key_id in self._unneeded if any(_may_need(start, key_id) for start in starts)}
        return await self._cipher.retire([key_id for key_id in self._unneeded if key_id not in {*needed, *named}])

    async def _reseal(self) -> int:
        resealed, errors = 0, []
        keys = keys_under(self._storage, *SEALED_PREFIXES)
        for first in range(0, len(keys), BATCH):
            try:
                again = await self._reseal_batch(keys[first : first + BATCH])
            except StorageError as error:
                errors.append(error)
                continue
            for key, (before, text) in again.items():
                try:
                    resealed += self._replace(key, before, text)
                except StorageError as error:
                    errors.append(error)
        if self._sdk is not None:
            try:
                resealed += await self._sdk.reseal()
            except StorageError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return resealed

    async def _reseal_batch(self, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return the text as it was and the one to take its place, by storage key."""
        texts = texts_under(self._storage, keys)
        again = await reseal(self._cipher, texts)
        if self._storage.persistent and not self._cipher.persistent:
            raise StorageError("The browser keeps no key any more. What was stored stays as it was.")
        return {key: (texts[key], text) for key, text in again.items() if isinstance(text, str)}

    def _replace(self, key: str, before: str, text: str) -> bool:
        """Put ``text`` under ``key``; return False, for a later time, where it is not ``before`` that lies there."""
        if self._storage.get(key) != before:
            return False
        self._storage.set(key, text)  # as long as the one before: a store that is full has room for it
        if self._storage.get(key) != text:
            raise StorageError("A record did not read back as it was written. The browser may be blocking storage.")
        return True


def _start(text: str) -> bytes:
    """Return the header that a record's text begins with, whether the rest is sound or not; else nothing."""
    try:
        return b64decode(text[:_START_SIZE], altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _may_need(start: bytes, key_id: bytes) -> bool:
    """Whether the record that begins so could ever be opened by that key."""
    return start != b"" and (start[0] != VERSION or start[3:HEADER_SIZE] == key_id)
