"""Every old format that holds sessions, read exactly, each field by name: what is not named here stays where it is.

Pure. A value from storage is hostile: whatever it holds, reading it gives accounts, or plain lines that say why it
gives none, and these never quote it. The formats:

- ``renvault_wallet_session``: JSON ``{data, checksum}``. ``data`` is JSON in Latin-1 in base64; the checksum, over the
  UTF-16 units of that JSON, is a signed 32-bit number in base 36. A session lives 7 days.
- ``renvault_wallet_sessions``: JSON ``[[address, {…, timestamp}], …]``; 7 days.
- ``wallet_connection_session``: JSON ``{walletId, address, …, timestamp, expiresAt}``; 24 hours.
- ``renvault_secure_<name>``: JSON ``{data, timestamp, checksum}``. ``data`` is JSON as text, or encrypted; the checksum
  is its SHA-256 in hex; 24 hours. Two of the three old encryptions only reverse, and are read; AES-GCM is kept.
- ``connection_state``: JSON ``{provider: {…, savedAt}}``; no end.
- ``renvault_session_backup_<ms>``: the guide's backup, JSON ``{timestamp, session}``.
- ``blockstack-session`` and ``@stacks/connect`` of other libraries: JSON, and hex of JSON; no end.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import unhexlify
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .errors import MigrationError, WalletError
from .jsontext import parse_json
from .known_account import KnownAccount, chain_of, split_address
from .legacy_keys import (
    BLOCKSTACK,
    CONNECTION,
    CONNECTION_STATE,
    FOREIGN_KEYS,
    SECURE_PREFIX,
    SESSION,
    SESSIONS,
    STACKS_CONNECT,
    old_backup_time,
)
from .session import SESSION_PERIOD, WalletSession, parse_session, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .ports import Json

DAY = 86_400.0  # seconds

MAX_ENTRY = 256 * 1024
"""Characters of an old entry. Real ones have a few thousand; a longer one stays where it is, unread."""

MAX_TEXT = 200
"""Characters that are taken over of a free text, such as a wallet's name."""

ENCRYPTED = "It is encrypted with a password of the old build. It stays where it is."

_SESSION_ID = re.compile(r"session_([0-9]{1,16})_(?:[0-9a-z]{0,9}|[0-9a-f]{32})")
_STACKS_ADDRESS = re.compile(r"S[PMTN][0-9A-HJKMNP-TV-Z]{30,40}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Refused:
    """An old session that cannot be brought along, and why, in plain words."""

    old_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OldEntryRead:
    """What one old entry says. ``text`` is the value exactly as it lies there; only entries of ours are ever copied."""

    key: str
    text: str
    found: tuple[KnownAccount | Refused, ...]
    kept: str = ""
    """Why the entry is no matter of a migration, where it is none."""

    @property
    def is_ours(self) -> bool:
        """Whether an older build of ours wrote it; what other libraries keep is only read."""
        return self.key not in FOREIGN_KEYS

    def accounts(self, now: float) -> list[KnownAccount]:
        """Return the accounts whose old session has not ended at ``now``."""
        return [one for one in self.found if isinstance(one, KnownAccount) and not _has_ended(one, now)]

    def refused(self, now: float) -> list[Refused]:
        """Return what cannot be brought along at ``now``."""
        refused = []
        for one in self.found:
            if isinstance(one, Refused):
                refused.append(one)
            elif _has_ended(one, now):
                refused.append(Refused(one.old_id, "The old session had expired. It stays where it is."))
        return refused


def _has_ended(account: KnownAccount, now: float) -> bool:
    return account.expires_at is not None and account.expires_at <= now


def read_entries(texts: Mapping[str, str], provider: str | None = None) -> list[OldEntryRead]:
    """Read what lies under old keys. ``provider`` is what ``STX_PROVIDER`` names, for the libraries' own accounts."""
    return [_read_entry(key, text, provider or "") for key, text in texts.items()]


def _read_entry(key: str, text: str, provider: str) -> OldEntryRead:
    if key.startswith(SECURE_PREFIX):
        reader: Callable[[str], Iterator[KnownAccount | Refused]] = _read_secure(key)
    elif key in FOREIGN_KEYS:
        reader = _FOREIGN_READERS[key](_text(provider))
    else:
        reader = _READERS[key]
    try:
        return OldEntryRead(key, text, tuple(reader(text)))
    except _KeptError as kept:
        return OldEntryRead(key, text, (), kept=str(kept))
    except MigrationError as error:
        return OldEntryRead(key, text, (Refused(key, str(error)),))


class _KeptError(Exception):
    """The entry is in order, and there is no session in it that we can read."""


def _checked(envelope: Json) -> Json:
    """Return the session inside ``{data, checksum}``; ``MigrationError`` where it was changed or cut short."""
    data, checksum = envelope.get("data"), envelope.get("checksum")
    if not isinstance(data, str) or not isinstance(checksum, str):
        raise MigrationError("It has no data or no checksum.")
    try:
        plain = b64decode(data.encode("ascii"), validate=True).decode("latin-1")
    except ValueError:
        raise MigrationError("Its data is not base64: it was changed or cut short.") from None
    if checksum_of(plain) != checksum:
        raise MigrationError("Its checksum does not fit: it was changed or cut short.")
    return _object(plain)


def checksum_of(text: str) -> str:
    """Return the old builds' checksum: ``h * 31 + unit`` over the UTF-16 units, as signed 32 bits, in base 36."""
    number = 0
    for character in text:
        code = ord(character)
        if code > 0xFFFF:
            number = number * 31 + 0xD800 + (code - 0x10000 >> 10)
            code = 0xDC00 + (code & 0x3FF)
        number = number * 31 + code & 0xFFFFFFFF
    if number >= 0x80000000:
        return "-" + _base36(0x100000000 - number)
    return _base36(number)


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
        if not number:
            return digits


def read_old_backup(text: str, key: str) -> WalletSession | KnownAccount:
    """Return the session of a backup that the guide's code made; ``MigrationError`` where there is none.

    It holds the session as it was stored, or taken out of its envelope, or in the guide's new shape.
    """
    session = _object(text).get("session")
    if isinstance(session, str):
        session = _object(session)
    if not isinstance(session, dict):
        raise MigrationError("The backup holds no session.")
    if "checksum" in session:
        session = _checked(session)
    if "address" in session:
        return _account(session, key, key, period=SESSION_PERIOD)
    try:
        return parse_session(session)
    except WalletError:
        raise MigrationError("The backup's session is not complete.") from None


# A reader for each key


def _read_single(text: str) -> Iterator[KnownAccount | Refused]:
    yield _account(_checked(_object(text)), SESSION, SESSION, period=SESSION_PERIOD)


def _read_plural(text: str) -> Iterator[KnownAccount | Refused]:
    pairs = _parsed(text)
    if not isinstance(pairs, list):
        raise MigrationError("It is not a list.")
    for number, pair in enumerate(pairs, start=1):
        place = f"{SESSIONS} #{number}"
        match pair:
            case [str() as address, dict() as data]:
                yield _attempt({**data, "address": address}, SESSIONS, place, period=SESSION_PERIOD)
            case _:
                yield Refused(place, "It is no pair of an address and a session.")


def _read_connection(text: str) -> Iterator[KnownAccount | Refused]:
    yield _account(_object(text), CONNECTION, CONNECTION, period=DAY)


def _read_state(text: str) -> Iterator[KnownAccount | Refused]:
    for number, (provider, data) in enumerate(_object(text).items(), start=1):
        place = f"{CONNECTION_STATE} #{number}"
        if isinstance(data, dict):
            yield _attempt({"provider": provider, **data}, CONNECTION_STATE, place, period=None)
        else:
            yield Refused(place, "It is not an object.")


def _read_secure(key: str) -> Callable[[str], Iterator[KnownAccount | Refused]]:
    def read(text: str) -> Iterator[KnownAccount | Refused]:
        entry = _object(_without_reversal(text))
        data, checksum = entry.get("data"), entry.get("checksum")
        if not isinstance(data, str) or not isinstance(checksum, str):
            raise MigrationError("It has no data or no checksum.")
        plain = _without_reversal(data)
        if checksum.lower() not in (_digest(data), _digest(plain)):
            raise MigrationError("Its checksum does not fit: it was changed or cut short.")
        session = _parsed(plain)
        if not isinstance(session, dict) or not isinstance(session.get("address"), str):
            raise _KeptError("It holds no session.")
        stored_at = _time(entry.get("timestamp"))
        if stored_at is None:
            raise MigrationError("It does not say when it was stored.")
        ends = min(stored_at + DAY, _time(session.get("expiresAt")) or stored_at + DAY)
        yield _account({**session, "expiresAt": ends}, key, key, period=DAY)

    return read


def _without_reversal(text: str) -> str:
    """Return the JSON object in what needs no password: reversed and in base64, or the other way round; else ``text``.

    ``_KeptError`` for AES-GCM, which is base64 of ``{ciphertext, iv, salt, …}``.
    """
    if len(text) > MAX_ENTRY:
        return text  # which the parser refuses
    for candidate in (text, text[::-1]):
        try:
            inner = b64decode(candidate.encode("ascii"), validate=True).decode("latin-1")
        except ValueError:
            continue
        if inner.startswith("{") and '"ciphertext"' in inner:
            raise _KeptError(ENCRYPTED)
        for plain in (inner, inner[::-1]):
            if plain.startswith("{") and _is_json(plain):  # bytes in the wrong order may begin so too
                return plain
    return text


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except ValueError:
        return False
    return True


def _digest(text: str) -> str:
    """Return the SHA-256 in hex. What the old build's TextEncoder made of a lone surrogate is U+FFFD."""
    return sha256(_LONE_SURROGATE.sub("\ufffd", text).encode()).hexdigest()


def _read_blockstack(provider: str) -> Callable[[str], Iterator[KnownAccount | Refused]]:
    def read(text: str) -> Iterator[KnownAccount | Refused]:
        user = _object(text).get("userData")
        if user is None:
            raise _KeptError("Nobody is signed in there.")
        profile = user.get("profile") if isinstance(user, dict) else None
        addresses = profile.get("stxAddress") if isinstance(profile, dict) else None
        if isinstance(addresses, dict):
            addresses = addresses.get("mainnet") or addresses.get("testnet")
        yield _foreign_account(addresses, BLOCKSTACK, provider)

    return read


def _read_stacks_connect(provider: str) -> Callable[[str], Iterator[KnownAccount | Refused]]:
    def read(text: str) -> Iterator[KnownAccount | Refused]:
        try:
            plain = unhexlify(text).decode()
        except ValueError:
            raise MigrationError("It is not hex of UTF-8.") from None
        addresses = _object(plain).get("addresses")
        accounts = addresses.get("stx") if isinstance(addresses, dict) else None
        if not isinstance(accounts, list) or not accounts:
            raise _KeptError("It holds no Stacks account.")
        for account in accounts:
            address = account.get("address") if isinstance(account, dict) else account
            yield _foreign_account(address, STACKS_CONNECT, provider)

    return read


def _foreign_account(address: object, key: str, provider: str) -> KnownAccount | Refused:
    if not isinstance(address, str) or not _STACKS_ADDRESS.fullmatch(address):
        return Refused(key, "It holds no Stacks address.")
    return KnownAccount(old_id=key, source=key, chain=chain_of(address), address=address, provider=provider)


_READERS = {
    SESSION: _read_single,
    SESSIONS: _read_plural,
    CONNECTION: _read_connection,
    CONNECTION_STATE: _read_state,
}
_FOREIGN_READERS = {BLOCKSTACK: _read_blockstack, STACKS_CONNECT: _read_stacks_connect}


# The fields


def _attempt(data: Json, source: str, place: str, *, period: float | None) -> KnownAccount | Refused:
    try:
        return _account(data, source, place, period=period)
    except MigrationError as error:
        return Refused(place, str(error))


def _account(data: Json, source: str, place: str, *, period: float | None) -> KnownAccount:
    """Take the fields we know out of an old session. ``period``: how long its format lets one live, None for no end.

    The chain is ``metadata.chainId``, which formats other than the first put beside the metadata, else
    ``metadata.network``, else what the address says, else mainnet.
    """
    address = data.get("address")
    split = split_address(address) if isinstance(address, str) else None
    if split is None:
        raise MigrationError("It holds no address.")
    said, bare = split
    given = data.get("metadata")
    metadata: Mapping[str, Any] = given if isinstance(given, dict) else {}
    beside = None if source == SESSION or old_backup_time(source) is not None else data.get("chainId")
    chain = chain_of(bare, metadata.get("chainId"), beside, metadata.get("network"), said)
    old_id = data.get("sessionId")
    connected_at = _first_time(data, "connectedAt", "timestamp", "savedAt") or _time_in(old_id)
    expires_at = _first_time(data, "expiresAt")
    if expires_at is None and period is not None:
        if connected_at is None:
            raise MigrationError("It does not say when it ends.")
        expires_at = connected_at + period
    elif connected_at is None and expires_at is not None and period is not None:
        connected_at = expires_at - period
    permissions = metadata.get("permissions")
    return KnownAccount(
        old_id=_text(old_id) or place,
        source=source,
        chain=chain,
        address=bare,
        provider=next(filter(None, (_text(data.get(name)) for name in ("providerType", "walletId", "provider"))), ""),
        public_key=_text(data.get("publicKey")),
        network=_text(metadata.get("network")),
        permissions=tuple(filter(None, map(_text, permissions[:20]))) if isinstance(permissions, list) else (),
        connected_at=connected_at,
        expires_at=expires_at,
    )


def _first_time(data: Json, *names: str) -> float | None:
    return next((time for time in (_time(data.get(name)) for name in names) if time is not None), None)


def _time(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e16:
        return None
    return seconds(value)


def _time_in(session_id: object) -> float | None:
    found = _SESSION_ID.fullmatch(session_id) if isinstance(session_id, str) else None
    return _time(int(found[1])) if found else None


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def _object(text: str) -> Json:
    data = _parsed(text)
    if not isinstance(data, dict):
        raise MigrationError("It is not a JSON object.")
    return data


def _parsed(text: str) -> Any:
    if len(text) > MAX_ENTRY:
        raise MigrationError(f"It has {len(text)} characters; an old session has {MAX_ENTRY} at most.")
    try:
        return parse_json(text)
    except ValueError:
        raise MigrationError("It is not JSON.") from None
