"""What the reconnection machine is told, and what it asks for: its inputs and its effects.

Pure values. ``supervision.step`` takes an input and returns effects; ``reconnection`` brings the first and carries
out the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .reconnect import ReconnectionConfig


class Signal(Enum):
    """The inputs that say all by their name."""

    STOPPED = auto()
    HOLD_REFUSED = auto()  # the client's transport cannot be taken
    RELAY_CONNECTED = auto()
    ATTEMPT_SUCCEEDED = auto()
    WENT_OFFLINE = auto()
    WENT_ONLINE = auto()
    CHECK_SUCCEEDED = auto()
    CHECK_FAILED = auto()
    PROOF_SUCCEEDED = auto()
    DEADLINE_PASSED = auto()
    RETRY_ASKED = auto()


@dataclass(frozen=True, slots=True)
class Started:
    """The service runs. ``online``: what the network says."""

    online: bool


@dataclass(frozen=True, slots=True)
class Adopted:
    """There is a client. ``connected``: whether its socket is open."""

    connected: bool


@dataclass(frozen=True, slots=True)
class SessionsChanged:
    """There are sessions, or none any more. ``connected`` as in ``Adopted``."""

    present: bool
    connected: bool


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """New settings."""

    config: ReconnectionConfig


@dataclass(frozen=True, slots=True)
class RelayLost:
    """The socket closed."""

    error: str


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """The running attempt came to nothing."""

    error: str


@dataclass(frozen=True, slots=True)
class ProofFailed:
    """The relay did not answer."""

    error: str


@dataclass(frozen=True, slots=True)
class RestoreFailed:
    """The restoring that ``Restore`` asked for came to nothing; ``announce`` as there."""

    announce: bool


Input: TypeAlias = (
    Signal
    | Started
    | Adopted
    | SessionsChanged
    | ConfigChanged
    | RelayLost
    | AttemptFailed
    | ProofFailed
    | RestoreFailed
)


class Do(Enum):
    """The effects that say all by their name."""

    TAKE = auto()  # the transport, from the client's loop
    GIVE_BACK = auto()
    CANCEL_ATTEMPT = auto()
    CHECK = auto()  # whether our own origin answers
    PROVE = auto()  # by a relay round trip
    CANCEL_PROBE = auto()  # the check or proof that runs


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Make attempt ``number`` of this round."""

    number: int


@dataclass(frozen=True, slots=True)
class Restore:
    """The connection is proved: restore the sessions; once that has worked, emit ``reconnected`` if ``announce``."""

    announce: bool


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the listeners of ``event``."""

    event: str


Effect: TypeAlias = Do | StartAttempt | Restore | Emit
