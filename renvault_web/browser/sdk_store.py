"""The SDK's own store behind its port: a thin face over the bridge's ``sdk`` (``web/src/sdk-store.ts``)."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from ..errors import StorageError
from ..jsontext import parse_json, write_json
from ..ports import SdkEntries
from .adapters import told_as

if TYPE_CHECKING:
    from ..ports import Json

_WHAT = "The browser could not use the store of the wallet connection"


class BrowserSdkStore:
    """The entries of WalletConnect's client in IndexedDB, sealed by the browser's keys."""

    def __init__(self, bridge: Any) -> None:
        self._sdk = bridge.sdk

    async def entries(self) -> SdkEntries:
        """Return the entries without the client seed, and without what nests too deep."""
        with told_as(StorageError, _WHAT):
            found = parse_json(await self._sdk.entries())
        return SdkEntries(found["values"], found["unreadable"], found["leftOut"])

    async def stage(self, entries: Json) -> None:
        """Keep ``entries``, sealed, for the SDK's next start."""
        with told_as(StorageError, _WHAT):
            await self._sdk.stage(write_json(entries))

    async def reseal(self) -> int:
        """Seal again what an older key sealed; return how many records."""
        with told_as(StorageError, _WHAT):
            return int(await self._sdk.reseal())

    async def key_ids(self) -> list[bytes]:
        """Return the ids of the keys that the records name."""
        with told_as(StorageError, _WHAT):
            text: str = await self._sdk.keyIds()
        return [b64decode(key_id) for key_id in json.loads(text)]

    async def forget(self) -> None:
        """Delete every record."""
        with told_as(StorageError, _WHAT):
            await self._sdk.forget()
