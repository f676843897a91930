"""Stand-ins for the browser's storage and for its keys; ``renvault_web.testing`` offers them with the other fakes."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from typing import TYPE_CHECKING

from .errors import StorageError, StorageFullError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ports import Clock

_IV_SIZE = 12  # bytes, as AES-GCM has them
_TAG_SIZE = 16
_MADE_AT = 1_700_000_000.0  # epoch seconds, where a ManualClock begins


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
    """One page's Cipher, which authenticates but protects nothing: HMAC-SHA256 for everything, IVs from a counter.

    Keys with the same id are the same key, in every FakeCipher. ``another()`` opens a further page on the same keys,
    and ``end()`` ends this one. ``held`` are the keys that pages may still seal with: none of them is retired. A test
    may add to it for a page that it has not. ``clock`` says when keys are made; without it all are of the same time.
    """

    def __init__(
        self,
        *,
        persistent: bool = True,
        key_id: bytes = b"fake key",
        clock: Clock | None = None,
        _browser: _FakeKeys | None = None,
    ) -> None:
        self.calls: list[str] = []
        self.held: set[bytes] = set()
        self._persistent = self._lasting = persistent
        self._clock = clock
        self._browser = _browser or _FakeKeys()
        if not self._browser.made_at:
            self._browser.made_at[key_id] = self._now()
        self._index = self._browser.index
        self._made_at = dict(self._browser.made_at)
        self._ivs = itertools.count()
        self._closed = False
        self._browser.pages.append(self)
        self._adopt()

    def another(self) -> FakeCipher:
        """Return the cipher of a further page of this browser. Keys that are forgotten or do not last are made anew."""
        browser = self._browser if self._lasting else None
        key_id = self._browser.new_id()  # of no use where there is one
        return FakeCipher(persistent=self._lasting, key_id=key_id, clock=self._clock, _browser=browser)

    def end(self) -> None:
        """End this page: it seals no more."""
        self.held.clear()

    @property
    def persistent(self) -> bool:
        """Return what the cipher was made with; False once the keys were forgotten."""
        return self._persistent

    @property
    def key_id(self) -> bytes:
        """The 8-byte id of the key that seals now."""
        return self.key_ids()[-1]

    @property
    def key_created_at(self) -> float:
        """When it was made."""
        return self._made_at[self.key_id]

    def key_ids(self) -> list[bytes]:
        """Return the ids of all keys at hand, the one that seals last."""
        return list(self._made_at)

    async def tags(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the HMAC-SHA256 of each message under the index key."""
        self._called("tags")
        return [_hmac(self._index, message) for message in messages]

    async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
        """Seal each ``(aad, plaintext)``, then look which key other pages seal with."""
        self._called("seal")
        if key_id not in self._made_at:
            raise StorageError("The key that was to seal is not at hand any more. Try again.")
        sealed = [self._seal(next(self._ivs).to_bytes(_IV_SIZE, "big"), key_id, *job) for job in jobs]
        self._adopt()
        return sealed

    async def open(self, jobs: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes | None]:
        """Open each ``(key_id, aad, sealed)``."""
        self._called("open")
        if any(key_id not in self._made_at for key_id, _, _ in jobs):
            self._adopt()
        return [self._open(*job) for job in jobs]

    async def rotate(self) -> None:
        """Add a key."""
        self._called("rotate")
        made_at = self._browser.made_at if self._persistent else self._made_at
        made_at[self._browser.new_id()] = self._now()
        self._adopt()

    async def retire(self, key_ids: Sequence[bytes]) -> list[bytes]:
        """Delete those of the keys that are in no page's ``held``, never the last one; return them."""
        self._called("retire")
        made_at = self._browser.made_at if self._persistent else {}
        held = {key_id for page in self._browser.pages for key_id in page.held}
        retired = [key_id for key_id in key_ids if key_id in list(made_at)[:-1] and key_id not in held]
        for key_id in retired:
            del made_at[key_id]
        self._adopt()
        return retired

    async def forget(self) -> None:
        """Delete every key, in every page."""
        self._called("forget")
        self._browser.made_at.clear()
        self._browser.index = self._browser.new_id()
        for page in self._browser.pages:
            if not page._closed:
                page._lose()

    def close(self) -> None:
        """Let the keys go, if they outlast the page; the next call opens them anew."""
        self.calls.append("close")
        if self._persistent:
            self._closed = True
            self.held.clear()

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self._closed:
            self._closed = False
            if not self._browser.made_at:  # forgotten meanwhile
                self._browser.made_at[self._browser.new_id()] = self._now()
            self._index = self._browser.index
            self._adopt()

    def _adopt(self) -> None:
        if self._persistent and self._browser.made_at:
            self._made_at = dict(self._browser.made_at)
        self.held.add(self.key_id)

    def _lose(self) -> None:
        """Go on with keys that die with the page."""
        self._persistent = False
        self._index = self._browser.new_id()
        self._made_at = {self._browser.new_id(): self._now()}

    def _now(self) -> float:
        return self._clock.now() if self._clock else _MADE_AT

    def _seal(self, iv: bytes, key_id: bytes, aad: bytes, plaintext: bytes) -> bytes:
        text = _masked(key_id, iv, plaintext)
        return iv + text + _tag(key_id, iv, aad, text)

    def _open(self, key_id: bytes, aad: bytes, sealed: bytes) -> bytes | None:
        iv, text, tag = sealed[:_IV_SIZE], sealed[_IV_SIZE:-_TAG_SIZE], sealed[-_TAG_SIZE:]
        if key_id not in self._made_at or not hmac.compare_digest(tag, _tag(key_id, iv, aad, text)):
            return None
        return _masked(key_id, iv, text)


class _FakeKeys:
    """The keys of one browser: what its pages share."""

    def __init__(self) -> None:
        self.index = b"index"
        self.made_at: dict[bytes, float] = {}  # by key id, the one that seals last
        self.pages: list[FakeCipher] = []
        self._ids = itertools.count(1)

    def new_id(self) -> bytes:
        return b"new %04d" % next(self._ids)


def _masked(key_id: bytes, iv: bytes, data: bytes) -> bytes:
    key = hashlib.sha256(b"encryption" + key_id).digest()
    blocks = (_hmac(key, iv + block.to_bytes(4, "big")) for block in itertools.count())
    return bytes(byte ^ mask for byte, mask in zip(data, itertools.chain.from_iterable(blocks), strict=False))


def _tag(key_id: bytes, iv: bytes, aad: bytes, text: bytes) -> bytes:
    key = hashlib.sha256(b"encryption" + key_id).digest()
    return _hmac(key, b"tag" + len(aad).to_bytes(4, "big") + aad + iv + text)[:_TAG_SIZE]


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _size(key: str, value: str) -> int:
    return len((key + value).encode("utf-16-le", "surrogatepass"))
