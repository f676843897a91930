"""A stand-in for the WalletConnect SDK's own store; ``renvault_web.testing`` offers it with the other fakes."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from .errors import StorageError
from .ports import SdkEntries

if TYPE_CHECKING:
    from .ports import Cipher, Json

_MAX_DEPTH = 90  # as web/src/sdk-content.ts

_CLIENT_SEED = "client_ed25519_seed"


class FakeSdkStore:
    """An SdkStore in a dict: entries under the key that sealed them, and what is staged.

    ``cipher`` says which key seals; without one, every record names ``b"fake key"``.
    """

    def __init__(self, cipher: Cipher | None = None, entries: Json | None = None) -> None:
        self.staged: list[Json] = []
        self._cipher = cipher
        self._entries: Json = {}
        self._sealed_by: dict[str, bytes | None] = {}
        self._damaged: set[str] = set()
        self._fails_after: int | None = None
        for key, value in (entries or {}).items():
            self.write(key, value)

    def another(self, cipher: Cipher | None = None) -> FakeSdkStore:
        """Return the same store as a further page has it, with its own ``cipher``."""
        page = FakeSdkStore(cipher)
        page.staged, page._entries, page._sealed_by = self.staged, self._entries, self._sealed_by
        page._damaged = self._damaged
        return page

    def write(self, key: str, value: object) -> None:
        """Write an entry as the SDK does."""
        self._entries[key] = copy.deepcopy(value)
        self._damaged.discard(key)
        self._sealed_by[key] = self._key_id()

    def fail_after(self, operations: int) -> None:
        """Raise ``StorageError`` on every call after so many more: a database that answers no more."""
        self._fails_after = operations

    def damage(self, key: str) -> None:
        """Make the record of an entry one that cannot be read."""
        self._damaged.add(key)

    def seal_by_newer(self, key: str) -> None:
        """Make the record of an entry one of a newer version: it cannot be read, nor its key be named."""
        self._damaged.add(key)
        self._sealed_by[key] = None

    async def entries(self) -> SdkEntries:
        """Return the entries without the client seed, and without what nests too deep."""
        self._count()
        values: Json = {}
        left_out = 0
        for key, value in self._entries.items():
            if key in self._damaged:
                continue
            kept = _shallow(value)
            if kept is not None:
                values[key] = _seedless(kept)
                left_out += len(value) - len(kept) if key.endswith("//session") else 0
        unreadable = sum(key.endswith(("//session", "//keychain", "//pairing")) for key in self._damaged)
        return SdkEntries(values, unreadable, left_out)

    async def stage(self, entries: Json) -> None:
        """Keep a copy of ``entries`` in ``staged``."""
        self._count()
        self.staged.append(json.loads(json.dumps(entries)))
        self._sealed_by[f"staged {len(self.staged)}"] = self._key_id()

    async def reseal(self) -> int:
        """Let every record name the key that seals now; return how many named another."""
        self._count()
        old = [key for key, sealed_by in self._sealed_by.items() if sealed_by not in (None, self._key_id())]
        self._sealed_by.update(dict.fromkeys(old, self._key_id()))
        return len(old)

    async def key_ids(self) -> list[bytes]:
        """Return the ids that the records name; raise ``StorageError`` where one is of a newer version."""
        self._count()
        named = [key_id for key_id in self._sealed_by.values() if key_id is not None]
        if len(named) < len(self._sealed_by):
            raise StorageError("A record of the SDK's store is of a newer version.")
        return sorted(set(named))

    async def forget(self) -> None:
        """Delete every entry and what is staged."""
        self._count()
        self.staged.clear()
        self._entries.clear()
        self._damaged.clear()
        self._sealed_by.clear()

    def _key_id(self) -> bytes:
        return self._cipher.key_id if self._cipher else b"fake key"

    def _count(self) -> None:
        if self._fails_after is None:
            return
        if self._fails_after <= 0:
            raise StorageError("The SDK's store does not answer.")
        self._fails_after -= 1


def _shallow(value: Any) -> Any:
    """Return a value without those of its entries that nest too deep for a backup; None where there is no telling."""
    if isinstance(value, dict):
        return {key: entry for key, entry in value.items() if not _nests_deeper(entry, _MAX_DEPTH)}
    if isinstance(value, list):
        return [entry for entry in value if not _nests_deeper(entry, _MAX_DEPTH)]
    return value


def _nests_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_nests_deeper(one, levels - 1) for one in inner)


def _seedless(value: object) -> object:
    if isinstance(value, dict):
        return {tag: copy.deepcopy(entry) for tag, entry in value.items() if tag != _CLIENT_SEED}
    return copy.deepcopy(value)
