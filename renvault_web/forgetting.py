"""The end of all of ours on this device: records, flags, the SDK's sealed store, and the keys that could open them.

Older builds' plain sessions, and their backups, are ours too and go. What is not ours stays: the host's own keys,
wallets' backups and recovery phrases, settings, other libraries' accounts and a plain store of the SDK. These accounts
would come back by themselves at the next start, so the old sessions count as brought along: a flag, which holds a time
and a version, is left. Then the keys go, after which a browser stores nothing more for this page, and no copy of
anything they sealed can be read by anyone; last, what another page has stored meanwhile.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .errors import RenvaultError, StorageError
from .legacy_keys import is_session_data
from .old_storage import OldStorage
from .record import ASIDE_PREFIX, SEALED_PREFIXES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .ports import Cipher, Clock, SdkStore, Storage

_PREFIXES = (*SEALED_PREFIXES, ASIDE_PREFIX, "rv.")

_STATUS = "renvault:status"  # web/src/last-status.ts

_log = logging.getLogger(__name__)


async def forget(storage: Storage, sdk: SdkStore | None, cipher: Cipher, clock: Clock) -> None:
    """Delete everything of ours; ``StorageError`` where a step failed, after the others have been tried."""

    async def records() -> None:
        for key in storage.keys():  # noqa: SIM118 - a port, no dict
            if key.startswith(_PREFIXES) or key == _STATUS or is_session_data(key):
                storage.remove(key)

    async def completed() -> None:
        OldStorage(storage=storage, clock=clock).mark_completed()

    stores: list[Callable[[], Awaitable[None]]] = [records, *([sdk.forget] if sdk else [])]
    steps = [*stores, completed, cipher.forget, *stores]
    failed: RenvaultError | None = None
    for step in steps:
        try:
            await step()
        except RenvaultError as error:
            _log.warning("Not everything could be deleted: %s", error)
            failed = failed or error
    if failed:
        raise StorageError("Not everything could be deleted. Try again.") from failed
