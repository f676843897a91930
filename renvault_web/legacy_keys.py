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

KEPT = {
    "renvault_session_backups": "backups of events and figures, no sessions",
    "renvault_restore_history": "what was restored from such backups",
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


def has_old_session_keys(keys: Iterable[str]) -> bool:
    """Return whether old sessions may be there, as far as the names tell.

    What other libraries keep counts until the migration is completed: it stays where it is.
    """
    names = set(keys)
    ours = any(key in SESSION_KEYS or key.startswith(SECURE_PREFIX) for key in names)
    return ours or (COMPLETED not in names and any(key in FOREIGN_KEYS for key in names))
