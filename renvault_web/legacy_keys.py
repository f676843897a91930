"""The names under which older builds and other libraries kept things in localStorage: what each is, told by its key.

Pure, and small: whether there is anything old can be asked on every page load, before what reads the old formats has
been imported. Nothing here looks at a value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SESSION = "renvault_wallet_session"
SESSIONS = "renvault_wallet_sessions"
CONNECTION = "wallet_connection_session"
CONNECTION_STATE = "connection_state"
SECURE_PREFIX = "renvault_secure_"

BLOCKSTACK = "blockstack-session"
STACKS_CONNECT = "@stacks/connect"
PROVIDER = "STX_PROVIDER"

SESSION_KEYS = (SESSION, SESSIONS, CONNECTION, CONNECTION_STATE)
"""What older builds of the frontend kept sessions under, the richest format first. ``SECURE_PREFIX`` may hold more."""

FOREIGN_KEYS = (STACKS_CONNECT, BLOCKSTACK)
"""Where other libraries keep an account. Read, never changed, never copied whole: secrets lie beside it."""

PREFERENCES = "renvault_wallet_preferences"
MNEMONIC = "renvault-recovered-mnemonic"
"""A recovery phrase in plain text, left by an old build. Its value is never even read."""

COMPLETED = "renvault_migration_completed"
"""The guide's flag: ``{timestamp, version}`` once the old sessions have been brought along."""

ROLLED_BACK = "renvault_migration_rolled_back"
"""``{timestamp}`` once the user has gone back to the old sessions: no start brings them along again by itself."""

OLD_BACKUP_PREFIX = "renvault_session_backup_"
"""The guide's own backups, followed by epoch milliseconds: listed and restored, never written."""

_OLD_BACKUP = re.compile(rf"{OLD_BACKUP_PREFIX}([0-9]{{1,16}})")

BACKUPS = "renvault_session_backups"
RESTORED = "renvault_restore_history"

_SESSION_DATA = frozenset({*SESSION_KEYS, BACKUPS, RESTORED, ROLLED_BACK})

KEPT = {
    BACKUPS: "backups of events and figures, no sessions",
    RESTORED: "what was restored from such backups",
    "renvault_recent_wallets": "the wallets used last",
    PREFERENCES: "the user's settings",
    "renvault-wallet-backup": "an encrypted backup of a wallet",
    MNEMONIC: "a recovery phrase in plain text",
    PROVIDER: "the wallet that another library uses",
}
"""What holds no session of a wallet connection and stays as it is, with a word on each."""

KEPT_PREFIXES = {
    "wc@2:": "the WalletConnect SDK's own store",
    "@appkit/": "AppKit's own settings",
}


def old_backup_time(key: str) -> float | None:
    """Return when the guide's backup under ``key`` was made, epoch seconds; None where it is no such key."""
    found = _OLD_BACKUP.fullmatch(key)
    return int(found[1]) / 1000 if found else None


def session_keys(keys: Iterable[str]) -> list[str]:
    """Return those of ``keys`` that may hold old sessions, in the order in which they are read: the richest first."""
    names = set(keys)
    secure = sorted(key for key in names if key.startswith(SECURE_PREFIX))
    return [key for key in (*SESSION_KEYS, *secure, *FOREIGN_KEYS) if key in names]


def pending_session_keys(keys: Iterable[str]) -> list[str]:
    """Return those that count as old sessions now.

    What other libraries keep counts until the migration is completed: it stays where it is.
    """
    names = set(keys)
    return [key for key in session_keys(names) if key not in FOREIGN_KEYS or COMPLETED not in names]


def is_session_data(key: str) -> bool:
    """Return whether an older build of ours kept something of sessions there: themselves, backups, what is noted of it.

    Wallets' own backups and recovery phrases, settings and other libraries' keys are none of that.
    """
    return key in _SESSION_DATA or key.startswith((SECURE_PREFIX, OLD_BACKUP_PREFIX))
