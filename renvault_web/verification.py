"""The check of every record of ours in the store: what each is and whether it can be read, never its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .aside import place_of
from .errors import CorruptRecordError
from .record import ASIDE_PREFIX, BACKUP_PREFIX, HISTORY_PREFIX, KEY_PREFIX, SEALED_PREFIXES, Purpose, claimed_purpose
from .sealing import open_named, open_records
from .stored import RecordReport, RecordState, parse_body, state_of, stored_size
from .texts import keys_under, texts_under

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .ports import Cipher, Storage
    from .stored import RecordKind

_KINDS: dict[int | None, RecordKind] = {
    Purpose.SESSION: "session",
    Purpose.NOTES: "notes",
    Purpose.BACKUP: "backup",
    Purpose.HISTORY: "history",
}


async def verify(storage: Storage, cipher: Cipher, *, encrypted: bool) -> tuple[RecordReport, ...]:
    """Return a report on each record in ``storage``, in the order of their keys."""
    texts = texts_under(storage, sorted(keys_under(storage, *SEALED_PREFIXES, ASIDE_PREFIX)))
    errors = await _errors(cipher, texts, encrypted=encrypted)
    key_ids = cipher.key_ids()
    return tuple(_report(key, text, errors.get(key), key_ids, encrypted=encrypted) for key, text in texts.items())


async def _errors(cipher: Cipher, texts: Mapping[str, str], *, encrypted: bool) -> dict[str, CorruptRecordError]:
    """Return why each record that cannot be read where it lies cannot be."""
    in_place = {key: text for key, text in texts.items() if key.startswith(KEY_PREFIX)}
    found: dict[str, Any] = dict(await open_records(cipher, in_place, parse_body, encrypted=encrypted))
    for prefix, purpose in ((BACKUP_PREFIX, Purpose.BACKUP), (HISTORY_PREFIX, Purpose.HISTORY)):
        named = {key: text for key, text in texts.items() if key.startswith(prefix)}
        found |= await open_named(cipher, named, purpose)
    return {key: value for key, value in found.items() if isinstance(value, CorruptRecordError)}


def _report(
    key: str, text: str, error: CorruptRecordError | None, key_ids: list[bytes], *, encrypted: bool
) -> RecordReport:
    encrypted = encrypted or not key.startswith(KEY_PREFIX)  # backups and history are sealed in any case
    state = RecordState.OK if error is None else state_of(text, error, key_ids, encrypted=encrypted)
    reason = None if error is None else str(error)
    if state is RecordState.LOST_KEY:
        reason = "The key that sealed the record is gone. Reconnect your wallet."
    if key.startswith(ASIDE_PREFIX):
        state = RecordState.ASIDE
        reason = f"Kept aside: it could not be read when {place_of(key)} was written again."
    kind = _KINDS.get(claimed_purpose(text), "unknown")
    return RecordReport(key=key, kind=kind, size=stored_size(key, text), state=state, reason=reason)
