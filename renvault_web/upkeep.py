"""What goes over everything of ours in this browser: the check of every record, a new key, the end of it all.

Imported when one of them is first asked for: no boot waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .backups import Backups
from .forgetting import forget
from .room import expendable
from .rotation import KeyRotation
from .turns import Turns
from .verification import verify

if TYPE_CHECKING:
    from .ports import Cipher, Clock, SdkStore, Storage
    from .stored import RecordReport

ROTATION_LIMIT = 300.0
"""Seconds for a rotation, the SDK's store included. It goes on beside all other operations."""


class Upkeep:
    """The upkeep of ``storage``, of the SDK's store ``sdk`` and of the keys of ``cipher``."""

    def __init__(self, *, storage: Storage, cipher: Cipher, clock: Clock, sdk: SdkStore | None) -> None:
        self._storage = storage
        self._cipher = cipher
        self._clock = clock
        self._sdk = sdk
        self._backups = Backups(storage=storage, cipher=cipher, clock=clock)
        self._rotation = KeyRotation(storage=storage, cipher=cipher, clock=clock, sdk=sdk)
        self._turns = Turns(clock)

    async def verify(self, *, encrypted: bool) -> tuple[RecordReport, ...]:
        """Return a report on each record."""
        return await verify(self._storage, self._cipher, encrypted=encrypted)

    async def expendable(self) -> list[str]:
        """Return the storage keys of what may go where sessions find no room, what matters least first."""
        migration = await self._backups.newest_migration()
        return expendable(self._storage.keys(), migration and migration[0])

    async def rotate(self) -> int:
        """Seal everything again by a new key; return how many records."""
        return await self._turns.take(self._rotation.rotate, ROTATION_LIMIT)

    async def resume(self) -> int:
        """Complete a rotation that was cut short, or begin one that is due; return how many records that took."""
        due = self._rotation.due()
        return await self._turns.take(self._rotation.rotate if due else self._rotation.resume, ROTATION_LIMIT)

    async def retire(self) -> None:
        """Delete old keys that nothing needs any more. Where there are any it takes minutes, and may be cancelled."""
        await self._rotation.retire()

    async def forget(self) -> None:
        """Delete everything."""
        await forget(self._storage, self._sdk, self._cipher, self._clock)
