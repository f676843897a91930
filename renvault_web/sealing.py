"""Whole batches of records sealed and opened through the cipher port: one crossing each, however many there are.

``record.py`` lays the bytes out, the cipher holds the keys; here the two meet, and a record proves that it lies where
it belongs: its storage key is part of what was authenticated, and the identity found inside must give that same key.
Records that are not sealed, which a host gets that turns encryption off, take the same way without the cipher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from . import record
from .errors import CorruptRecordError, StorageError
from .record import Purpose, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .ports import Cipher
    from .record import Measure

T = TypeVar("T")


async def storage_keys(cipher: Cipher, owners: Sequence[tuple[Purpose, str]]) -> list[str]:
    """Return the storage key of each ``(purpose, identity)``."""
    if not owners:
        return []
    tags = await cipher.tags([record.key_message(purpose, identity) for purpose, identity in owners])
    return [record.storage_key(tag) for tag in tags]


async def seal(
    cipher: Cipher, items: Sequence[tuple[str, Purpose, tuple[int, bytes]]], *, encrypted: bool = True
) -> list[str]:
    """Return the record's text for each ``(storage key, purpose, what record.pack gave)``.

    All are sealed by the key that seals now; none is where ``encrypted`` is false.
    """
    if not encrypted:
        return [record.encode_plain(key, purpose, flags, body) for key, purpose, (flags, body) in items]
    return await _seal(cipher, [(key, purpose, flags, body) for key, purpose, (flags, body) in items])


async def open_records(
    cipher: Cipher,
    texts: Mapping[str, str],
    parse: Callable[[int, dict[str, Any]], tuple[Purpose, str, T]],
    *,
    encrypted: bool = True,
    measure: Measure | None = None,
) -> dict[str, T | CorruptRecordError]:
    """Open the records that lie as ``texts`` under their storage keys.

    ``parse`` makes of purpose and data ``(purpose, identity, value)``, or raises ``CorruptRecordError``. Returns the
    value for each storage key, or the error that says why there is none: whatever a record holds, it spoils no other.
    Records that are not sealed are read only where ``encrypted`` is false: anyone could have written them. ``measure``
    is told of each body.
    """
    found: dict[str, T | CorruptRecordError] = {}
    claimed: list[tuple[str, tuple[Purpose, str], T]] = []
    for key, opened in (await _opened(cipher, texts, encrypted=encrypted)).items():
        if isinstance(opened, CorruptRecordError):
            found[key] = opened
            continue
        item, body = opened
        try:
            purpose, identity, value = parse(item.purpose, record.unpack(item.flags, body, measure=measure))
            claimed.append((key, (purpose, identity), value))
        except Exception as error:
            found[key] = _unreadable(error)
    belongs = await storage_keys(cipher, [owner for _, owner, _ in claimed])
    for (key, _, value), right_key in zip(claimed, belongs, strict=True):
        found[key] = value if key == right_key else CorruptRecordError("The record belongs under another storage key.")
    return found


async def open_named(
    cipher: Cipher, texts: Mapping[str, str], purpose: Purpose
) -> dict[str, dict[str, Any] | CorruptRecordError]:
    """Open records whose storage key is their identity, such as backups and pages of the history: always sealed.

    Returns the data for each storage key, or the error that says why there is none, one of another purpose too.
    """
    found = await _opened(cipher, texts, encrypted=True)
    return {key: _unpacked(opened, purpose) for key, opened in found.items()}


def _unpacked(
    opened: tuple[Record, bytes] | CorruptRecordError, purpose: Purpose
) -> dict[str, Any] | CorruptRecordError:
    if isinstance(opened, CorruptRecordError):
        return opened
    item, body = opened
    if item.purpose != purpose:
        return CorruptRecordError(f"The record has purpose {item.purpose}; {purpose:d} belongs here.")
    try:
        return record.unpack(item.flags, body)
    except Exception as error:
        return _unreadable(error)


async def reseal(cipher: Cipher, texts: Mapping[str, str]) -> dict[str, str | CorruptRecordError]:
    """Return, by storage key, the texts of the records sealed again by the key that seals now.

    Purpose, flags and body stay as they are and are not even looked into. Those that this key has sealed already, and
    those that are not sealed at all, are left out; for one that does not open there is the error that says why.
    """
    found: dict[str, str | CorruptRecordError] = {}
    older: dict[str, str] = {}
    key_id = cipher.key_id
    for key, text in texts.items():
        try:
            item = record.decode_record(text)
        except CorruptRecordError as error:
            found[key] = error
        else:
            if item.is_sealed and item.key_id != key_id:
                older[key] = text
    again: list[tuple[str, int, int, bytes]] = []
    for key, opened in (await _opened(cipher, older, encrypted=True)).items():
        if isinstance(opened, CorruptRecordError):
            found[key] = opened
        else:
            item, body = opened
            again.append((key, item.purpose, item.flags, body))
    new = await _seal(cipher, again)
    return found | {key: text for (key, *_), text in zip(again, new, strict=True)}


async def _seal(cipher: Cipher, items: Sequence[tuple[str, int, int, bytes]]) -> list[str]:
    if not items:
        return []
    key_id = cipher.key_id  # another page may change it while we wait; it stands in what is authenticated
    try:
        return await _seal_by(cipher, key_id, items)
    except StorageError:
        if cipher.key_id == key_id:
            raise
        return await _seal_by(cipher, cipher.key_id, items)  # the key was deleted just now: another seals


async def _seal_by(cipher: Cipher, key_id: bytes, items: Sequence[tuple[str, int, int, bytes]]) -> list[str]:
    jobs = [(record.aad(record.header(purpose, flags, key_id), key), body) for key, purpose, flags, body in items]
    return [
        record.encode_record(Record(purpose=purpose, flags=flags, key_id=key_id, sealed=sealed))
        for (_, purpose, flags, _), sealed in zip(items, await cipher.seal(jobs, key_id=key_id), strict=True)
    ]


async def _opened(
    cipher: Cipher, texts: Mapping[str, str], *, encrypted: bool
) -> dict[str, tuple[Record, bytes] | CorruptRecordError]:
    """Return each record taken apart and its body, authentic but not inflated."""
    found: dict[str, tuple[Record, bytes] | CorruptRecordError] = {}
    sealed: list[tuple[str, Record]] = []
    for key, text in texts.items():
        try:
            item = record.decode_record(text)
            if item.is_sealed:
                sealed.append((key, item))
            elif encrypted:
                found[key] = CorruptRecordError("The record is not sealed. It is read only while encryption is off.")
            else:
                found[key] = (item, record.plain_body(item, key))
        except Exception as error:
            found[key] = _unreadable(error)
    jobs = [(item.key_id, record.aad(item.header, key), item.sealed) for key, item in sealed]
    for (key, item), body in zip(sealed, await cipher.open(jobs) if jobs else [], strict=True):
        found[key] = (
            CorruptRecordError("The record was changed, moved from another place, or sealed by a key that is gone.")
            if body is None
            else (item, body)
        )
    return found


def _unreadable(error: Exception) -> CorruptRecordError:
    if isinstance(error, CorruptRecordError):
        return error
    return CorruptRecordError(f"The record cannot be read ({type(error).__name__}).")
