"""What the views see: one frozen picture of the services, and nothing that could act.

Pure. Times are epoch seconds. Names, addresses and links come from wallets and are hostile: views pass them through
``node.clean`` and ``node.link``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

ActionKind: TypeAlias = Literal["extend", "ping", "disconnect"]
Phase: TypeAlias = Literal["pending", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user asked of one session, and what became of it.

    ``code`` is the error's code where it failed, ``latency`` the seconds a ping took.
    """

    kind: ActionKind
    phase: Phase
    code: str | None = None
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One known session. ``status`` is one of ``SessionStatus``'s values; ``actions`` the newest of each kind."""

    topic: str
    status: str
    expiry: float
    wallet_name: str = ""
    wallet_url: str = ""
    accounts: tuple[str, ...] = ()
    chain: str | None = None
    primary: bool = False
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """The relay connection as the reconnection service reports it. ``cause`` is a code word."""

    state: str = "idle"
    online: bool = True
    attempt_count: int = 0
    max_attempts: int = 5
    next_retry_time: float | None = None
    cause: str | None = None
    advice: str | None = None
    proved_at: float | None = None


@dataclass(frozen=True, slots=True)
class StorageInfo:
    """Where the sessions lie and how much room they take. ``persistent`` is False where they die with the page."""

    total_size: int = 0
    max_size: int = 10 * 1024 * 1024
    quarantined: int = 0
    persistent: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment. ``problems``: what does not work, a plain line each."""

    now: float
    sessions: tuple[SessionRow, ...] = ()
    connection: Connection = Connection()
    storage: StorageInfo = StorageInfo()
    problems: tuple[str, ...] = ()
