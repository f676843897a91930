"""What the views see: one frozen picture of the services, and nothing that could act.

Pure. Times are epoch seconds. Names, addresses and links come from wallets and are hostile: views pass them through
``node.clean`` and ``node.link``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ..reconnect import ConnectionState, ReconnectionStatus
from ..session import SessionStats, SessionStatus, WalletSession
from ..stored import StorageNotice, StorageStatistics

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
    """One known session, what it is good for now, and the newest action of each kind."""

    session: WalletSession
    status: SessionStatus
    primary: bool = False
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment, as the services tell it.

    ``problems``: what does not work, a plain line each; ``notices``: what the storage has to tell;
    ``keys_in_clear``: the wallet client does not use the encrypted storage.
    """

    now: float
    sessions: tuple[SessionRow, ...] = ()
    stats: SessionStats = field(default_factory=SessionStats)
    connection: ReconnectionStatus = field(default_factory=lambda: ReconnectionStatus(ConnectionState.IDLE))
    online: bool = True
    storage: StorageStatistics = field(default_factory=StorageStatistics)
    problems: tuple[str, ...] = ()
    notices: tuple[StorageNotice, ...] = ()
    keys_in_clear: bool = False
