"""The end of all of ours on this device: records, flags, the SDK's sealed store, and the keys that could open them.

What is not ours stays: the host's own keys, older builds' sessions and backups (the host may still read them), and a
plain store of the SDK. The keys go last; once they are gone, no copy of anything they sealed can be read by anyone.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .errors import RenvaultError, StorageError
from .quarantine import ASIDE_PREFIX
from .record import SEALED_PREFIXES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .ports import Cipher, SdkStore, Storage

_PREFIXES = (*SEALED_PREFIXES, ASIDE_PREFIX, "rv.")

_NAMES = {
    "renvault:status",  # web/src/last-status.ts
    "renvault_migration_completed",
}

_log = logging.getLogger(__name__)


async def forget(storage: Storage, sdk: SdkStore | None, cipher: Cipher) -> None:
    """Delete everything of ours; ``StorageError`` where a step failed, after the others have been tried."""

    async def records() -> None:
        for key in storage.keys():  # noqa: SIM118 - a port, no dict
            if key.startswith(_PREFIXES) or key in _NAMES:
                storage.remove(key)

    # Another page may have stored something between the first step and the last of the keys.
    steps: list[Callable[[], Awaitable[None]]] = [records, *([sdk.forget] if sdk else []), cipher.forget, records]
    failed: RenvaultError | None = None
    for step in steps:
        try:
            await step()
        except RenvaultError as error:
            _log.warning("Not everything could be deleted: %s", error)
            failed = failed or error
    if failed:
        raise StorageError("Not everything could be deleted. Try again.") from failed
