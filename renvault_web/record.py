"""The record: how one session, or anything else of ours, lies at rest.

Pure: it lays bytes out and checks them; the cipher port seals and opens them. ``web/src/seal.ts`` has the same
layout for the SDK's entries, and both are held to ``tests/fixtures/record-vectors.json``.

A record is text: canonical base64url without padding (RFC 4648, section 5) of these bytes. ::

    offset  bytes  field
    0       1      version, 1
    1       1      purpose: 1 a session, 2 an entry of the WalletConnect SDK's store, 3 notes on all sessions,
                   4 a backup of old session data, 5 a page of the event history
    2       1      flags
    3       8      key id: which key sealed the record; random, chosen with the key
    11      12     IV, fresh random bytes for every sealing
    23      n      ciphertext: AES-256-GCM of the body
    23+n    16     tag of AES-256-GCM

The first 11 bytes are the header. The additional authenticated data (AAD) is the header followed by the record's own
storage key in UTF-8: a record moved to another place, or given another header, does not open.

The storage key of purposes 1 to 3 is ``rv1.`` and the base64url of the first 16 bytes of HMAC-SHA256(index key, purpose
byte + identity in UTF-8). The identity is the session's topic, the SDK's key or a fixed word; the storage key does not
reveal it. Backups lie under ``rvb1.`` and pages of the history under ``rvh1.``, each followed by when it was made;
there the storage key is the identity. None begins with ``renvault_session_``: an older clean-up of the frontend deletes
what it cannot read there.

Flags, bit by bit; a reader refuses a record with a bit it does not know, and one with both 0x01 and 0x02::

    0x01  the body is a zlib stream (RFC 1950) without a dictionary; written by the first builds, and still read
    0x02  the body is a zlib stream with a preset dictionary, and what it holds is packed; both described below
    0x80  the record is not sealed, described below

The body, once inflated and unpacked, is one JSON object in UTF-8 of at most 4 MiB and 100 levels. Python escapes every
character beyond ASCII, so that lone surrogates survive too. AES-GCM hides what is written, not how long it is.

The dictionary (0x02). The stream's DICTID names one of ``dictionary.py``, which keeps every one that was ever shipped;
a reader that does not have it says so and leaves the record. Only the newest is written with.

Packing (0x02). The JSON text is ASCII, so bytes from 0x80 on are free. From left to right, each longest run of 8 to 254
characters ``0-9a-f``, always an even number of them, gives way to the byte 0x80 + n and the n bytes (4 to 127) whose
lower-case hex it is; every other character stays. It is a matter of the text alone, whatever it means: the ids,
addresses and longer numbers of a session are such runs, an odd last digit and upper-case digits are not. A reader
refuses the bytes 0x80 to 0x83 and a run cut short. ::

    "topic":"00ff10ab9"  ->  22 74 6f 70 69 63 22 3a 22  84 00 ff 10 ab  39 22

Not sealed (0x80). Written and read only while a host has turned encryption off: else anyone could plant such a record.
The key id is eight zero bytes, and instead of IV, ciphertext and tag there follow ::

    11      32     SHA-256 of the AAD and the body, one after the other
    43      n      the body

It finds damage and a record that was moved. It protects from nobody.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from .compression import deflate, inflate, inflate_plain
from .errors import NEWER, CorruptRecordError, StorageError
from .jsontext import parse_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSION = 1
KEY_PREFIX = "rv1."
BACKUP_PREFIX = "rvb1."
HISTORY_PREFIX = "rvh1."
ASIDE_PREFIX = "rvq1."
"""What the storage keys of records kept aside begin with (``aside.py``)."""

SEALED_PREFIXES = (KEY_PREFIX, BACKUP_PREFIX, HISTORY_PREFIX)
"""What the storage keys of all records begin with that the key which seals now has to seal."""

KEY_ID_SIZE = 8  # bytes
HEADER_SIZE = 3 + KEY_ID_SIZE  # bytes
IV_SIZE = 12  # bytes; the 96 bits that AES-GCM is made for (NIST SP 800-38D, 5.2.1.1)
TAG_SIZE = 16  # bytes

MAX_BODY = 4 * 1024 * 1024
"""Bytes of an inflated body. Browsers give an origin about 5 MiB of localStorage; a larger body is an attack."""

MAX_TEXT = (HEADER_SIZE + IV_SIZE + MAX_BODY + TAG_SIZE) * 4 // 3 + 1
"""Characters of a record's text: those of a body of ``MAX_BODY`` bytes."""

DEFLATED = 0x01
COMPRESSED = 0x02
PLAIN = 0x80
_BODIES = (0, DEFLATED, COMPRESSED)  # the flags that say what a body is

_NO_KEY = bytes(KEY_ID_SIZE)
_DIGEST_SIZE = 32  # bytes of SHA-256

_STORAGE_KEY_TAG = 16  # bytes of the HMAC that the storage key shows; 128 bits leave collisions out of reach


Measure: TypeAlias = "Callable[[int, int], object]"
"""Told the bytes of a body, as it lies in the record and as JSON."""


class Purpose(IntEnum):
    """What a record is for. It stands in the header and in the storage key's HMAC."""

    SESSION = 1
    SDK_ENTRY = 2
    NOTES = 3
    BACKUP = 4
    HISTORY = 5


@dataclass(frozen=True, slots=True)
class Record:
    """A record taken apart. Nothing in it is authentic until the cipher has opened ``sealed``."""

    purpose: int
    flags: int
    key_id: bytes
    sealed: bytes

    @property
    def header(self) -> bytes:
        """The header's bytes as they stand in the record."""
        return header(self.purpose, self.flags, self.key_id)

    @property
    def is_sealed(self) -> bool:
        """False where the record is plain: ``sealed`` is then what ``plain_body`` reads."""
        return not self.flags & PLAIN


def header(purpose: int, flags: int, key_id: bytes) -> bytes:
    """Return the 11 bytes that begin a record."""
    if len(key_id) != KEY_ID_SIZE:
        raise ValueError(f"A key id has {KEY_ID_SIZE} bytes, not {len(key_id)}.")
    return bytes((VERSION, purpose, flags)) + key_id


def key_message(purpose: Purpose, identity: str) -> bytes:
    """Return what the index key is to sign, so that the signature gives the storage key of ``identity``."""
    try:
        text = identity.encode()
    except UnicodeEncodeError:
        # A topic from outside may hold lone surrogates; each has a key of its own. Two that make a pair are one
        # character: so the body's JSON gives them back.
        text = parse_json(write_json(identity)).encode("utf-8", "surrogatepass")
    return bytes((purpose,)) + text


def storage_key(tag: bytes) -> str:
    """Return the storage key that follows from the index key's signature of a ``key_message``."""
    return KEY_PREFIX + _to_text(tag[:_STORAGE_KEY_TAG])


def aad(record_header: bytes, key: str) -> bytes:
    """Return the additional authenticated data of the record with this header under this storage key."""
    return record_header + key.encode("utf-8", "surrogatepass")


def encode_record(record: Record) -> str:
    """Return the record as text."""
    return _to_text(record.header + record.sealed)


def decode_record(text: str) -> Record:
    """Take a record's text apart.

    Raises ``CorruptRecordError`` that says what is wrong. Exactly one text stands for given bytes: a changed
    character gives other bytes or fails here.
    """
    if len(text) > MAX_TEXT:
        raise CorruptRecordError(f"The record has {len(text)} characters; {MAX_TEXT} is the most that is read.")
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise CorruptRecordError("The record is not base64url.") from error
    # The decoder skips foreign characters and ignores the spare bits of the last one; the way back shows both.
    if _to_text(data) != text:
        raise CorruptRecordError("The record is not canonical base64url: at least one character was changed.")
    if data[:1] and data[0] != VERSION:
        raise CorruptRecordError(
            f"The record has version {data[0]}, this page reads version {VERSION}. It is kept: "
            "a newer version of this page can read it.",
            code=NEWER,
        )
    if len(data) < HEADER_SIZE + IV_SIZE + TAG_SIZE:
        raise CorruptRecordError(f"The record is cut short: it has {len(data)} bytes.")
    if data[2] & ~PLAIN not in _BODIES:
        raise CorruptRecordError(
            f"The record has flags {data[2]:#04x}, of which this page does not know all.", code=NEWER
        )
    if data[2] & PLAIN and (len(data) < HEADER_SIZE + _DIGEST_SIZE or data[3:HEADER_SIZE] != _NO_KEY):
        raise CorruptRecordError("The record is not sealed, and names a key all the same or is cut short.")
    return Record(purpose=data[1], flags=data[2], key_id=data[3:HEADER_SIZE], sealed=data[HEADER_SIZE:])


def encode_plain(key: str, purpose: int, flags: int, body: bytes) -> str:
    """Return the text of a record that is not sealed, for the storage key ``key``."""
    item = Record(purpose=purpose, flags=flags | PLAIN, key_id=_NO_KEY, sealed=b"")
    return _to_text(item.header + _digest(item, key, body) + body)


def plain_body(item: Record, key: str) -> bytes:
    """Return the body of a record that is not sealed; ``CorruptRecordError`` where its SHA-256 does not fit."""
    digest, body = item.sealed[:_DIGEST_SIZE], item.sealed[_DIGEST_SIZE:]
    if digest != _digest(item, key, body):
        raise CorruptRecordError("The record was changed or moved from another place: its SHA-256 does not fit.")
    return body


def _digest(item: Record, key: str, body: bytes) -> bytes:
    from hashlib import sha256  # while encryption is on, no page pays for its import

    return sha256(aad(item.header, key) + body).digest()


def claimed_purpose(text: str) -> int | None:
    """Return the purpose that a record's header claims, authentic or not; None where it is no record of ours."""
    try:
        return decode_record(text).purpose
    except CorruptRecordError:
        return None


def pack(
    data: Mapping[str, Any],
    *,
    compress: bool = True,
    name: str = "What is to be stored",
    limit: int = MAX_BODY,
    measure: Measure | None = None,
) -> tuple[int, bytes]:
    """Return the flags and the body for a JSON object.

    The body is compressed where that makes it smaller. Raises ``StorageError``, with ``name`` for its subject, for what
    JSON cannot hold (NaN, bytes, an object within itself), for what nests too deep, and for a body above ``limit``
    bytes before it is compressed.
    """
    try:
        body = write_json(data).encode("ascii")
    except (TypeError, ValueError) as error:
        raise StorageError(f"{name} cannot be written as JSON, or nests too deep.") from error
    if len(body) > limit:
        raise StorageError(f"{name} has {len(body)} bytes; a record holds {limit} at most.")
    flags, packed = 0, body
    if compress:
        smaller = deflate(body)
        if len(smaller) < len(body):
            flags, packed = COMPRESSED, smaller
    if measure:
        measure(len(packed), len(body))
    return flags, packed


def unpack(flags: int, body: bytes, *, measure: Measure | None = None) -> dict[str, Any]:
    """Return the JSON object of a body; ``CorruptRecordError`` where there is none."""
    if flags & COMPRESSED:
        text = inflate(body, MAX_BODY)
    elif flags & DEFLATED:
        text = inflate_plain(body, MAX_BODY)
    else:
        text = body
    try:
        data = parse_json(text.decode())
    except ValueError as error:
        raise CorruptRecordError("The record's body is not JSON.") from error
    if not isinstance(data, dict):
        raise CorruptRecordError(f"The record's body must be a JSON object, not {type(data).__name__}.")
    if measure:
        measure(len(body), len(text))
    return data


def _to_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
