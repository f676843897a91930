"""A stand-in for the WalletConnect SDK's own store; ``renvault_web.testing`` offers it with the other fakes."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

from .errors import StorageError

if TYPE_CHECKING:
    from .ports import Cipher, Json

_CLIENT_SEED = "client_ed25519_seed"


class FakeSdkStore:
    """An SdkStore in a dict: entries under the key that sealed them, and what is staged.

    ``cipher`` says which key seals; without one, every record names ``b"fake key"``.
    """

    def __init__(self, cipher: Cipher | None = None, entries: Json | None = None) -> None:
        self.staged: list[Json] = []
        self._cipher = cipher
        self._entries: Json = {}
        self._sealed_by: dict[str, bytes] = {}
        self._fails_after: int | None = None
        for key, value in (entries or {}).items():
            self.write(key, value)

    def another(self, cipher: Cipher | None = None) -> FakeSdkStore:
        """Return the same store as a further page has it, with its own ``cipher``."""
        page = FakeSdkStore(cipher)
        page.staged, page._entries, page._sealed_by = self.staged, self._entries, self._sealed_by
        return page

    def write(self, key: str, value: object) -> None:
        """Write an entry as the SDK does."""
        self._entries[key] = copy.deepcopy(value)
        self._sealed_by[key] = self._key_id()

    def fail_after(self, operations: int) -> None:
        """Raise ``StorageError`` on every call after so many more: a database that answers no more."""
        self._fails_after = operations

    async def entries(self) -> Json:
        """Return the entries without the client seed."""
        self._count()
        return {key: _seedless(value) for key, value in self._entries.items()}

    async def stage(self, entries: Json) -> None:
        """Keep a copy of ``entries`` in ``staged``."""
        self._count()
        self.staged.append(json.loads(json.dumps(entries)))
        self._sealed_by[f"staged {len(self.staged)}"] = self._key_id()

    async def reseal(self) -> int:
        """Let every record name the key that seals now; return how many named another."""
        self._count()
        old = [key for key, sealed_by in self._sealed_by.items() if sealed_by != self._key_id()]
        self._sealed_by.update(dict.fromkeys(old, self._key_id()))
        return len(old)

    async def key_ids(self) -> list[bytes]:
        """Return the ids that the records name."""
        self._count()
        return sorted(set(self._sealed_by.values()))

    async def forget(self) -> None:
        """Delete every entry and what is staged."""
        self._count()
        self.staged.clear()
        self._entries.clear()
        self._sealed_by.clear()

    def _key_id(self) -> bytes:
        return self._cipher.key_id if self._cipher else b"fake key"

    def _count(self) -> None:
        if self._fails_after is None:
            return
        if self._fails_after <= 0:
            raise StorageError("The SDK's store does not answer.")
        self._fails_after -= 1


def _seedless(value: object) -> object:
    if isinstance(value, dict):
        return {tag: copy.deepcopy(entry) for tag, entry in value.items() if tag != _CLIENT_SEED}
    return copy.deepcopy(value)
