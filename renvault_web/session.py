"""A wallet session: its facts, and what follows from them.

Pure: nothing here looks at a clock; functions take ``now`` in epoch seconds. Only facts are stored. A session's
status is derived each time from its facts, from what the client lists, and from ``now``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from .errors import WalletError

SESSION_PERIOD = 7 * 86_400.0
"""Seconds a settled or extended session lives (WalletConnect Sign, SESSION_EXPIRY)."""

EXPIRES_SOON = 86_400.0
"""Seconds before its end from which a session counts as expiring soon (the guide's one day)."""

RESTORING_LIMIT = 10.0
"""Seconds after which a stored session that no client has confirmed is no longer called restoring."""

LOCAL_TOPIC = "local-"
"""What begins the topic of a known account, before 32 hex digits; a real session's topic is 64 hex digits."""

_LOCAL_TOPIC_LENGTH = len(LOCAL_TOPIC) + 32

MILLISECONDS_FROM = 1e11
"""A time above this is milliseconds: as seconds it would lie beyond the year 5100."""

_CAIP10 = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{1,128}")
_CAIP2 = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")


class SessionStatus(Enum):
    """What a session is good for now."""

    RESTORING = "restoring"  # stored; the client has not been asked yet
    UNKNOWN = "unknown"  # stored; no client answered in RESTORING_LIMIT
    ACTIVE = "active"  # the client lists it
    NEEDS_RECONNECT = "needs_reconnect"  # the client does not know it: the account is known, the keys are not
    EXPIRED = "expired"


USABLE = frozenset({SessionStatus.ACTIVE, SessionStatus.RESTORING})
"""What a session is in that counts as active: confirmed, or being confirmed."""


@dataclass(frozen=True, slots=True)
class SessionStats:
    """The sessions in figures. ``expiring_soon``: usable ones that end within ``EXPIRES_SOON``."""

    total_sessions: int = 0
    active_sessions: int = 0
    expiring_soon: int = 0


@dataclass(frozen=True, slots=True)
class WalletSession:
    """The facts of one session.

    ``expiry`` is epoch seconds; ``accounts`` are CAIP-10 and ``chain_id`` is CAIP-2 where the giver kept to it
    (``is_caip`` tells). ``extra`` holds the giver's other fields, returned unchanged.
    """

    topic: str
    expiry: float
    pairing_topic: str = ""
    peer: Mapping[str, Any] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    chain_id: str | None = None
    namespaces: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def with_expiry(self, expiry: float) -> WalletSession:
        """Return the session with another end."""
        return replace(self, expiry=expiry)

    @property
    def is_caip(self) -> bool:
        """Whether every account and the chain are in CAIP form."""
        chain_fits = self.chain_id is None or is_chain(self.chain_id)
        return chain_fits and all(_CAIP10.fullmatch(account) for account in self.accounts)

    @property
    def wallet_name(self) -> str:
        """The name the wallet gives itself: hostile text, not cut."""
        return self._said("name")

    @property
    def wallet_url(self) -> str:
        """The address the wallet gives itself: hostile text."""
        return self._said("url")

    def _said(self, name: str) -> str:
        metadata = self.peer.get("metadata")
        said = metadata.get(name) if isinstance(metadata, Mapping) else None
        return said if isinstance(said, str) else ""


def is_chain(value: object) -> bool:
    """Return whether the value is a CAIP-2 chain id."""
    return isinstance(value, str) and _CAIP2.fullmatch(value) is not None


def is_local(session: WalletSession) -> bool:
    """Return whether the session is a known account alone, brought along without keys: it stays until it is removed."""
    return session.topic.startswith(LOCAL_TOPIC) and len(session.topic) == _LOCAL_TOPIC_LENGTH


def is_expired(session: WalletSession, now: float) -> bool:
    """Return whether the session has ended at ``now``. A known account alone does not end."""
    return session.expiry <= now and not is_local(session)


def expires_soon(session: WalletSession, now: float) -> bool:
    """Return whether the session lives, but ends within ``EXPIRES_SOON``."""
    return now < session.expiry <= now + EXPIRES_SOON and not is_local(session)


def status_of(session: WalletSession, now: float, *, live: bool | None, opened_at: float) -> SessionStatus:
    """Derive the status.

    ``live``: whether the client lists the session, None while no client has been asked. ``opened_at``: when the
    stored sessions were opened, from which ``RESTORING_LIMIT`` runs.
    """
    if is_local(session):
        return SessionStatus.NEEDS_RECONNECT
    if is_expired(session, now):
        return SessionStatus.EXPIRED
    if live is None:
        waiting = now - opened_at < RESTORING_LIMIT
        return SessionStatus.RESTORING if waiting else SessionStatus.UNKNOWN
    return SessionStatus.ACTIVE if live else SessionStatus.NEEDS_RECONNECT


def seconds(value: float) -> float:
    """Return a time of unknown unit as epoch seconds, at most ``MILLISECONDS_FROM``."""
    # Without the bound a far time would still look like milliseconds, and be divided again each time it is read.
    return min(value / 1000, MILLISECONDS_FROM) if value > MILLISECONDS_FROM else float(value)


_KNOWN = {"topic", "expiry", "pairingTopic", "peer", "accounts", "chainId", "namespaces", "status"}


def parse_session(data: object) -> WalletSession:
    """Read a session from outside: the JavaScript shape, a stored record or the wallet adapter's.

    ``expiry`` may be in seconds or milliseconds. Absent accounts are taken from the namespaces, an absent chain from
    the first account. ``status`` is dropped: it is derived. Raises ``WalletError`` that names the field.
    """
    if not isinstance(data, Mapping):
        raise WalletError(f"A session must be an object, not {type(data).__name__}.")
    topic = _text(data, "topic")
    if not topic:
        raise WalletError("A session needs a topic: a text that is not empty.")
    expiry = data.get("expiry")
    if isinstance(expiry, bool) or not isinstance(expiry, int | float) or not 0 <= expiry < 1e16:
        raise WalletError(f"Session {topic[:8]}: expiry must be a time in seconds or milliseconds.")
    peer = data.get("peer")
    if peer is not None and not isinstance(peer, Mapping):
        raise WalletError(f"Session {topic[:8]}: peer must be an object.")
    namespaces = data.get("namespaces")
    if namespaces is not None and not isinstance(namespaces, Mapping):
        raise WalletError(f"Session {topic[:8]}: namespaces must be an object.")
    accounts = _accounts(data.get("accounts"), namespaces, topic)
    return WalletSession(
        topic=topic,
        expiry=seconds(expiry),
        pairing_topic=_text(data, "pairingTopic"),
        peer=peer or {},
        accounts=accounts,
        chain_id=_text(data, "chainId") or _chain_of(accounts),
        namespaces=namespaces,
        extra={key: value for key, value in data.items() if key not in _KNOWN},
    )


def to_json(session: WalletSession) -> dict[str, Any]:
    """Return the session in the JavaScript shape, but with ``expiry`` in seconds; ``parse_session`` reads it back."""
    data: dict[str, Any] = {
        "topic": session.topic,
        "pairingTopic": session.pairing_topic,
        "peer": session.peer,
        "expiry": session.expiry,
        "accounts": list(session.accounts),
        **session.extra,
    }
    if session.chain_id is not None:
        data["chainId"] = session.chain_id
    if session.namespaces is not None:
        data["namespaces"] = session.namespaces
    return data


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WalletError(f"A session's {name} must be a text, not {type(value).__name__}.")
    return value


def _accounts(given: object, namespaces: Mapping[str, Any] | None, topic: str) -> tuple[str, ...]:
    if given is not None:
        return _texts(given, topic)
    spaces = (namespaces or {}).values()
    lists = [space.get("accounts") for space in spaces if isinstance(space, Mapping)]
    return tuple(account for found in lists if found is not None for account in _texts(found, topic))


def _texts(accounts: object, topic: str) -> tuple[str, ...]:
    if not isinstance(accounts, list | tuple):
        raise WalletError(f"Session {topic[:8]}: accounts must be a list.")
    if not all(isinstance(account, str) for account in accounts):
        raise WalletError(f"Session {topic[:8]}: an account must be a text.")
    return tuple(accounts)


def _chain_of(accounts: tuple[str, ...]) -> str | None:
    if accounts and _CAIP10.fullmatch(accounts[0]):
        return accounts[0].rsplit(":", 1)[0]
    return None
