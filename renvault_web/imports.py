"""What an import may hold, and what its report says. Pure: hostile text in, checked values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from .errors import StorageError, WalletError
from .jsontext import parse_json
from .record import KEY_PREFIX
from .redaction import without_secrets
from .session import WalletSession, parse_session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .ports import Json

VERSION = "1.0.0"
"""The version that exports carry; one with another first number is not read."""

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of a file, or characters of a text: more than a browser stores for a site."""

MAX_SESSIONS = 1_000

LIVE_SDK_ENTRIES = frozenset({"keychain", "pairing", "subscription", "expirer", "session"})
"""The SDK's entries that a live session needs, by the end of their keys. Histories, messages and requests are left."""

CLIENT_SEED = "client_ed25519_seed"
"""Whose key the client's name at the relay is: two browsers with the same one would take each other's messages."""


class Outcome(Enum):
    """What became of an imported session."""

    IMPORTED = "imported"
    UPDATED = "updated"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ImportDetail:
    """What became of one session: its topic where there is one, and a plain reason where it was not taken."""

    topic: str | None
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. ``needs_reload``: live sessions came with it and start with the next load of the page."""

    imported: int
    updated: int
    skipped: int
    failed: int
    details: tuple[ImportDetail, ...] = ()
    needs_reload: bool = False

    @classmethod
    def of(cls, details: Iterable[ImportDetail]) -> ImportReport:
        """Count the details."""
        listed = tuple(details)
        imported, updated, skipped, failed = (sum(one.outcome is outcome for one in listed) for outcome in Outcome)
        return cls(imported, updated, skipped, failed, listed)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Return imported, updated, skipped, failed."""
        return self.imported, self.updated, self.skipped, self.failed


def parse_file(text: object) -> Json:
    """Return the object that an export holds; ``StorageError`` that says why it is none."""
    if not isinstance(text, str):
        raise _refused(f"An import is a text, not {type(text).__name__}.")
    if len(text) > MAX_BYTES:
        raise _refused(f"The import has {len(text)} characters; {MAX_BYTES} is the most that is read.")
    try:
        data = parse_json(text)
    except ValueError as error:
        raise _refused("The import is not JSON, or nests too deep.") from error
    if not isinstance(data, dict):
        raise _refused(f"The import must be a JSON object, not {type(data).__name__}.")
    version = data.get("version")
    if not isinstance(version, str) or version.split(".")[0] != VERSION.split(".")[0]:
        raise _refused(f"The import has version {version!r:.20}; this page reads version {VERSION}.")
    return data


def parse_sessions(data: Json) -> tuple[list[WalletSession], list[ImportDetail]]:
    """Return the sessions of an export, without secrets whatever it holds, and a detail for each that is none."""
    listed = data.get("sessions")
    if not isinstance(listed, list):
        raise _refused("The import has no list of sessions.")
    _check_count(len(listed))
    found, failed = [], []
    for number, one in enumerate(listed, 1):
        try:
            found.append(parse_session(without_secrets(one)))
        except WalletError as error:
            failed.append(ImportDetail(_topic(one), Outcome.FAILED, f"Session {number} of the import: {error}"))
    return found, failed


def parse_sealed(data: Json) -> dict[str, str]:
    """Return the records of a sealed export by their storage keys."""
    sealed = data.get("sealed")
    if not isinstance(sealed, dict):
        raise _refused("The import's sealed records are not an object.")
    _check_count(len(sealed))
    return {key: text if isinstance(text, str) else "" for key, text in sealed.items() if key.startswith(KEY_PREFIX)}


def sdk_entries(data: Any) -> Json:
    """Return those of the SDK's entries that a live session needs, without the client seed; none where it is none."""
    if not isinstance(data, Mapping):
        return {}
    return {
        key: _without_seed(value)
        for key, value in data.items()
        if key.startswith("wc@2:") and key.rpartition("//")[2] in LIVE_SDK_ENTRIES and isinstance(value, dict | list)
    }


def _without_seed(value: Any) -> Any:
    return {name: inner for name, inner in value.items() if name != CLIENT_SEED} if isinstance(value, dict) else value


def _topic(one: object) -> str | None:
    topic = one.get("topic") if isinstance(one, Mapping) else None
    return topic if isinstance(topic, str) and topic else None


def _check_count(count: int) -> None:
    if count > MAX_SESSIONS:
        raise _refused(f"The import has {count} sessions; {MAX_SESSIONS} is the most that is read.")


def _refused(message: str) -> StorageError:
    return StorageError(message, code="import")
