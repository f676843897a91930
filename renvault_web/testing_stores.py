"""Stand-ins for the browser's storage and for its keys; ``renvault_web.testing`` offers them with the other fakes."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from typing import TYPE_CHECKING

from .errors import StorageError, StorageFullError

if TYPE_CHECKING:
    from collections.abc import Sequence

_IV_SIZE = 12  # bytes, as AES-GCM has them
_TAG_SIZE = 16


class MemoryStorage:
    """A Storage in a dict. ``capacity`` is its room in bytes, counted as a browser counts."""

    def __init__(self, *, persistent: bool = True, capacity: int | None = None) -> None:
        self.operations = 0
        self._persistent = persistent
        self._capacity = capacity
        self._entries: dict[str, str] = {}
        self._fails_after: int | None = None

    def another(self) -> MemoryStorage:
        """Return the same store as a further page sees it, or the next one after this page was killed."""
        page = MemoryStorage(persistent=self._persistent, capacity=self._capacity)
        page._entries = self._entries
        return page

    def fail_after(self, operations: int) -> None:
        """Raise ``StorageError`` on every operation after so many more: a page that is killed there."""
        self._fails_after = self.operations + operations

    @property
    def persistent(self) -> bool:
        """Return what the store was made with."""
        return self._persistent

    def get(self, key: str) -> str | None:
        """Return the text under ``key``, or None."""
        self._count()
        return self._entries.get(key)

    def set(self, key: str, value: str) -> None:
        """Store ``value``, if there is room."""
        self._count()
        others = sum(_size(k, v) for k, v in self._entries.items() if k != key)
        if self._capacity is not None and others + _size(key, value) > self._capacity:
            raise StorageFullError("There is no more room. What was stored is still there.")
        self._entries[key] = value

    def remove(self, key: str) -> None:
        """Remove ``key`` if it is there."""
        self._count()
        self._entries.pop(key, None)

    def keys(self) -> list[str]:
        """Return every key."""
        self._count()
        return list(self._entries)

    def _count(self) -> None:
        self.operations += 1
        if self._fails_after is not None and self.operations > self._fails_after:
            raise StorageError("The page was killed.")


class FakeCipher:
    """A Cipher that authenticates but protects nothing: HMAC-SHA256 for everything, IVs from a counter.

    Ciphers with the same ``key_id`` have the same keys. The index key is one for all, as after a key rotation.
    """

    def __init__(self, *, persistent: bool = True, key_id: bytes = b"fake key") -> None:
        self.calls: list[str] = []
        self._persistent = persistent
        self._key_id = key_id
        self._key = hashlib.sha256(b"encryption" + key_id).digest()
        self._ivs = itertools.count()

    @property
    def persistent(self) -> bool:
        """Return what the cipher was made with."""
        return self._persistent

    @property
    def key_id(self) -> bytes:
        """The 8-byte id of the key."""
        return self._key_id

    def key_ids(self) -> list[bytes]:
        """Return the ids of all keys at hand."""
        return [self._key_id]

    async def tags(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the HMAC-SHA256 of each message under the index key, ``b"index"``."""
        self.calls.append("tags")
        return [_hmac(b"index", message) for message in messages]

    async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
        """Seal each ``(aad, plaintext)``."""
        self.calls.append("seal")
        return [self._seal(next(self._ivs).to_bytes(_IV_SIZE, "big"), *job) for job in jobs]

    async def open(self, jobs: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes | None]:
        """Open each ``(key_id, aad, sealed)``."""
        self.calls.append("open")
        return [self._open(*job) for job in jobs]

    def _seal(self, iv: bytes, aad: bytes, plaintext: bytes) -> bytes:
        text = self._masked(iv, plaintext)
        return iv + text + self._tag(iv, aad, text)

    def _open(self, key_id: bytes, aad: bytes, sealed: bytes) -> bytes | None:
        iv, text, tag = sealed[:_IV_SIZE], sealed[_IV_SIZE:-_TAG_SIZE], sealed[-_TAG_SIZE:]
        if key_id != self._key_id or not hmac.compare_digest(tag, self._tag(iv, aad, text)):
            return None
        return self._masked(iv, text)

    def _masked(self, iv: bytes, data: bytes) -> bytes:
        blocks = (_hmac(self._key, iv + block.to_bytes(4, "big")) for block in itertools.count())
        stream = itertools.chain.from_iterable(blocks)
        return bytes(byte ^ mask for byte, mask in zip(data, stream, strict=False))

    def _tag(self, iv: bytes, aad: bytes, text: bytes) -> bytes:
        return _hmac(self._key, b"tag" + len(aad).to_bytes(4, "big") + aad + iv + text)[:_TAG_SIZE]


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _size(key: str, value: str) -> int:
    return len((key + value).encode("utf-16-le", "surrogatepass"))
