"""Plain records while encryption is off, and which of them are sealed once it is on again.

Anyone who can write to the store can write a plain record. Where encryption is on, two kinds are taken all the same:
what this page itself has opened or written while it was off, known by its digest; and notes, whoever wrote them: they
say no more than which of the sessions that the client lists comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import CorruptRecordError, StorageError
from .record import Purpose, claimed_purpose, decode_record
from .sealing import open_records
from .stored import RecordState, parse_body

if TYPE_CHECKING:
    from .ports import Cipher, Json, Storage
    from .storage_view import View
    from .stored import StoredSession


class PlainRecords:
    """The plain records in ``storage``."""

    def __init__(self, *, storage: Storage, cipher: Cipher) -> None:
        self._storage = storage
        self._cipher = cipher
        self._digests: set[bytes] = set()

    def opened(self, view: View) -> dict[str, StoredSession | Json]:
        """Return what of the view lies in the store as plain records, by storage key."""
        return {
            key: view.sessions[view.topics[key]] if key in view.topics else view.notes
            for key, text in view.texts.items()
            if key not in view.unreadable and not decode_record(text).is_sealed and self._storage.get(key) == text
        }

    def remember(self, view: View) -> None:
        """Know the view's plain records again once the view is gone."""
        try:
            self._digests |= {_digest(key, view.texts[key]) for key in self.opened(view)}
        except StorageError:
            return  # they are not read again: as if another page had written them

    async def trusted(self, view: View) -> dict[str, StoredSession | Json]:
        """Return, by storage key, what the plain records hold that the view could not read and that are taken."""
        texts = {key: view.texts[key] for key, state in view.unreadable.items() if state is RecordState.PLAIN}
        taken = {key: text for key, text in texts.items() if self._is_trusted(key, text)}
        if not taken:
            return {}
        opened = await open_records(self._cipher, taken, parse_body, encrypted=False)
        return {key: value for key, value in opened.items() if not isinstance(value, CorruptRecordError)}

    def forget(self) -> None:
        """Know none of them any more."""
        self._digests.clear()

    def _is_trusted(self, key: str, text: str) -> bool:
        return claimed_purpose(text) == Purpose.NOTES or (bool(self._digests) and _digest(key, text) in self._digests)


def _digest(key: str, text: str) -> bytes:
    from hashlib import sha256  # where encryption is never off, nothing waits for it

    return sha256(f"{key} {text}".encode("utf-8", "surrogatepass")).digest()
