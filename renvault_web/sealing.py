"""Whole batches of records sealed and opened through the cipher port: one crossing each, however many there are.

``record.py`` lays the bytes out, the cipher holds the keys; here the two meet, and a record proves that it lies where
it belongs: its storage key is part of what was authenticated, and the identity found inside must give that same key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from . import record
from .errors import CorruptRecordError
from .record import Purpose, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .ports import Cipher

T = TypeVar("T")


async def storage_keys(cipher: Cipher, owners: Sequence[tuple[Purpose, str]]) -> list[str]:
    """Return the storage key of each ``(purpose, identity)``."""
    if not owners:
        return []
    tags = await cipher.tags([record.key_message(purpose, identity) for purpose, identity in owners])
    return [record.storage_key(tag) for tag in tags]


async def seal(cipher: Cipher, items: Sequence[tuple[str, Purpose, tuple[int, bytes]]]) -> list[str]:
    """Return the record's text for each ``(storage key, purpose, what record.pack gave)``."""
    key_id = cipher.key_id
    jobs = [(record.aad(record.header(purpose, flags, key_id), key), body) for key, purpose, (flags, body) in items]
    return [
        record.encode_record(Record(purpose=purpose, flags=flags, key_id=key_id, sealed=sealed))
        for (_, purpose, (flags, _)), sealed in zip(items, await cipher.seal(jobs), strict=True)
    ]


async def open_records(
    cipher: Cipher, texts: Mapping[str, str], parse: Callable[[int, dict[str, Any]], tuple[Purpose, str, T]]
) -> dict[str, T | CorruptRecordError]:
    """Open the records that lie as ``texts`` under their storage keys.

    ``parse`` makes of purpose and data ``(purpose, identity, value)``, or raises ``CorruptRecordError``. Returns the
    value for each storage key, or the error that says why there is none: whatever a record holds, it spoils no other.
    """
    found: dict[str, T | CorruptRecordError] = {}
    sealed: list[tuple[str, Record]] = []
    for key, text in texts.items():
        try:
            sealed.append((key, record.decode_record(text)))
        except Exception as error:
            found[key] = _unreadable(error)
    if not sealed:
        return found
    bodies = await cipher.open([(item.key_id, record.aad(item.header, key), item.sealed) for key, item in sealed])
    claimed: list[tuple[str, tuple[Purpose, str], T]] = []
    for (key, item), body in zip(sealed, bodies, strict=True):
        try:
            purpose, identity, value = parse(item.purpose, _data(item, body))
            claimed.append((key, (purpose, identity), value))
        except Exception as error:
            found[key] = _unreadable(error)
    belongs = await storage_keys(cipher, [owner for _, owner, _ in claimed])
    for (key, _, value), right_key in zip(claimed, belongs, strict=True):
        found[key] = value if key == right_key else CorruptRecordError("The record belongs under another storage key.")
    return found


def _unreadable(error: Exception) -> CorruptRecordError:
    if isinstance(error, CorruptRecordError):
        return error
    return CorruptRecordError(f"The record cannot be read ({type(error).__name__}).")


def _data(item: Record, body: bytes | None) -> dict[str, Any]:
    if body is None:
        raise CorruptRecordError("The record was changed, moved from another place, or sealed by a key that is gone.")
    return record.unpack(item.flags, body)
