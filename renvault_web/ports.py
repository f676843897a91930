"""All that the outside can do to us, and we to it: eight protocols, the only seams of the package.

They speak ``str``, ``bytes``, ``float`` and JSON-like ``dict``; times are epoch seconds, durations seconds. Each has
a fake in ``renvault_web.testing`` and an adapter in ``renvault_web.browser``; both pass one contract suite.
Every ``subscribe`` returns its unsubscribe, which may be called twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object as it came from outside: trusted only after a parsing function has read it."""

Unsubscribe: TypeAlias = Callable[[], None]


class Clock(Protocol):
    """The wall clock, a steady clock for latencies, and sleep."""

    def now(self) -> float:
        """Return the wall clock, epoch seconds. It may jump."""
        ...

    def steady(self) -> float:
        """Return seconds from an arbitrary start that never jump back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after about ``seconds``; much later where the device slept meanwhile."""
        ...


class Storage(Protocol):
    """Text by key, synchronous: ``localStorage`` or a memory that stands in for it."""

    @property
    def persistent(self) -> bool:
        """False where what is stored dies with the page."""
        ...

    def get(self, key: str) -> str | None:
        """Return the text under ``key``, or None."""
        ...

    def set(self, key: str, value: str) -> None:
        """Store ``value``; ``StorageFullError`` when there is no room (the old value stays), ``StorageError`` else."""
        ...

    def remove(self, key: str) -> None:
        """Remove ``key`` if it is there."""
        ...

    def keys(self) -> list[str]:
        """Return every key of the store, ours and others'."""
        ...


class Cipher(Protocol):
    """AES-256-GCM and HMAC-SHA256 under keys that never leave their place; a whole batch a call.

    One key seals, and older ones still open until they are retired. The index key stays the same for good.
    """

    @property
    def persistent(self) -> bool:
        """False where the key dies with the page: what it seals cannot be read by the next one."""
        ...

    @property
    def key_id(self) -> bytes:
        """The 8-byte id of the key that seals now. Another page's ``rotate`` may change it between two calls."""
        ...

    @property
    def key_created_at(self) -> float:
        """When the key that seals now was made, epoch seconds."""
        ...

    def key_ids(self) -> list[bytes]:
        """Return the ids of all keys at hand, the one that seals last."""
        ...

    async def tags(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the 32-byte HMAC-SHA256 of each message under the index key."""
        ...

    async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
        """Seal each ``(aad, plaintext)`` by the key ``key_id``; return IV, ciphertext and 16-byte tag joined.

        The id stands in the AAD, so the caller says it; each job gets a fresh 12-byte IV. ``StorageError`` where the
        key is not at hand any more.
        """
        ...

    async def open(self, jobs: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes | None]:
        """Open each ``(key_id, aad, sealed)``; None where the key is unknown or the tag does not fit.

        A key that another page made meanwhile is looked for before it counts as unknown.
        """
        ...

    async def rotate(self) -> None:
        """Make a new key, on disk before it is used, that seals from now on, in every page. Old ones still open."""
        ...

    async def retire(self, key_ids: Sequence[bytes]) -> list[bytes]:
        """Delete those of the keys that no page seals with any more, never the one that seals; return them."""
        ...

    async def forget(self) -> None:
        """Delete every key, the index key too. What they sealed cannot be read again by anyone."""
        ...

    def close(self) -> None:
        """Let the keys go, and what is decrypted ahead, once no call is under way; the next call opens them anew.

        Until then its properties and ``key_ids`` are what was last known. Keys that die with the page stay.
        """
        ...


class SdkEntries(NamedTuple):
    """What the SDK's store holds, and what of it is missing here."""

    values: Json
    """The entries by their keys, decrypted, without the client seed."""

    unreadable: int = 0
    """Records of sessions, keys or pairings that cannot be read."""

    left_out: int = 0
    """Sessions that nest too deep."""


class SdkStore(Protocol):
    """The WalletConnect SDK's own storage as ``web/src/sdk-storage.ts`` keeps it, sealed by the cipher's keys."""

    async def entries(self) -> SdkEntries:
        """Return the SDK's entries; what of a map nests too deep for ``parse_json`` is left out, not the map."""
        ...

    async def stage(self, entries: Json) -> None:
        """Keep ``entries``, sealed, to be merged with what is there before the SDK next starts."""
        ...

    async def reseal(self) -> int:
        """Seal again what an older key sealed; return how many records. Goes on while an SDK client writes."""
        ...

    async def key_ids(self) -> list[bytes]:
        """Return the ids of the keys that the records name; ``StorageError`` while one is of a newer version."""
        ...

    async def forget(self) -> None:
        """Delete every record, what is staged or kept aside too."""
        ...


class PassphraseFile(Protocol):
    """Files sealed by a passphrase, in the age format (age-encryption.org/v1, scrypt)."""

    async def encrypt(self, passphrase: str, plaintext: bytes) -> bytes:
        """Return the file."""
        ...

    async def decrypt(self, passphrase: str, data: bytes) -> bytes:
        """Return what is inside; ``StorageError`` where the passphrase does not fit or it is no such file."""
        ...


class Network(Protocol):
    """What the browser says about the network, and a check that does not take its word."""

    def online(self) -> bool:
        """Return ``navigator.onLine``; a hint, no proof."""
        ...

    async def check(self) -> bool:
        """Return whether our own origin answers now (4 s limit, past every cache)."""
        ...

    def subscribe(self, listener: Callable[[bool], None]) -> Unsubscribe:
        """Call ``listener(online)`` on each online or offline event, synthetic ones too."""
        ...


class Wallet(Protocol):
    """One adopted WalletConnect client: its sessions, its calls, its relay transport.

    A session is a dict: ``topic, pairingTopic, peer, expiry`` (seconds), ``accounts, namespaces``. Calls raise
    ``WalletError`` with the codes listed there, at the latest when their own limit has passed.
    """

    def sessions(self) -> list[Json]:
        """Return the sessions the client lists now."""
        ...

    def subscribe(self, listener: Callable[[Json], None]) -> Unsubscribe:
        """Call ``listener(event)`` for each SDK event.

        ``event["event"]`` is one of ``session_connect`` (with ``session``), ``session_update``, ``session_extend``
        (both with ``session``), ``session_delete``, ``session_expire``, ``session_event`` (with ``params``),
        ``session_error`` (with ``message``), ``relay_connect``, ``relay_disconnect`` (with ``message``). Session
        events carry ``topic``, and ``id`` where the SDK has one (0 for what the client did by itself).
        """
        ...

    async def extend(self, topic: str, limit: float) -> float:
        """Extend by the SDK's period once the peer acknowledges; return the new expiry, read from the client.

        Until then the client's record holds the old expiry. ``WalletError`` with ``refused``, ``unknown`` (no answer
        within ``limit`` seconds; a late one arrives as a ``session_extend`` event), ``expired``, ``unreachable``.
        """
        ...

    async def disconnect(self, topic: str, limit: float) -> None:
        """Tell the peer (at most ``limit`` seconds), then delete locally in any case. Already gone is success."""
        ...

    async def ping(self, topic: str, limit: float) -> None:
        """Return when the peer has answered; ``WalletError`` with ``unknown`` after ``limit`` seconds."""
        ...

    async def remove_stale_pairings(self) -> int:
        """Remove pairings that are expired or were never used; return how many."""
        ...

    def keys_sealed(self) -> bool:
        """Return whether the client keeps its own keys in the encrypted storage of this package."""
        ...

    def connected(self) -> bool:
        """Return whether the relay's socket is open. Open is not proof of life: see ``prove``."""
        ...

    def hold(self) -> bool:
        """Take the transport: from now on the client makes no attempt of its own when it is not connected.

        Return False where the client's fields are not as known: then its own loop stays in charge.
        """
        ...

    def release(self) -> None:
        """Give the transport back to the client's own loop."""
        ...

    async def open(self, limit: float) -> None:
        """Make exactly one connection attempt; ``WalletError`` (``unreachable``) at the moment it fails."""
        ...

    async def prove(self, limit: float) -> None:
        """Return when the relay has answered a round trip of ours; ``WalletError`` (``unreachable``) else."""
        ...


class Tabs(Protocol):
    """The other pages of this origin."""

    def post(self, message: Json) -> None:
        """Send ``message`` to every other page of ours."""
        ...

    def subscribe(self, listener: Callable[[Json], None]) -> Unsubscribe:
        """Call ``listener(message)`` for each message of another page. Its content is not to be trusted."""
        ...
