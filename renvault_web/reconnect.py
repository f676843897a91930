"""Reconnection as a user knows it: its settings, its schedule, its states and its status.

Pure. How the states follow from each other is decided in ``supervision``; ``reconnection`` acts on that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RANGES: dict[str, tuple[float, float, str]] = {
    "max_attempts": (1, 1000, "attempts"),
    "initial_delay": (0.001, 3600.0, "seconds"),
    "max_delay": (0.001, 86_400.0, "seconds"),
    "backoff_multiplier": (1.0, 100.0, "times"),
    "online_check_interval": (0.1, 3600.0, "seconds"),
    "jitter": (0.0, 10.0, "times the delay"),
    "attempt_timeout": (0.1, 300.0, "seconds"),
    "liveness_interval": (0.1, 3600.0, "seconds"),
    "min_uptime": (0.0, 3600.0, "seconds"),
}
"""The least and the greatest value of each setting, and what they count."""


@dataclass(frozen=True, slots=True)
class ReconnectionConfig:
    """The settings of automatic reconnection; durations in seconds.

    ``enabled``: off, the client's own loop stays in charge. ``max_attempts`` a round. Attempt 1 comes
    ``initial_delay`` after the loss, each further one ``backoff_multiplier`` times later than the one before, but not
    more than ``max_delay``, after its predecessor's failure. ``jitter``: a random part of up to so many times the
    delay is added. ``online_check_interval``: how often to look whether a browser that says offline is right.
    ``attempt_timeout``: the limit of one attempt, proof included. ``liveness_interval``: how often a connection has
    to prove itself. ``min_uptime``: a connection that lasts less continues the round it came from.

    Raises ``ConfigError`` with the name, the value and the range of what does not fit.
    """

    enabled: bool = True
    max_attempts: int = 5
    initial_delay: float = 1.0
    max_delay: float = 30.0
    backoff_multiplier: float = 1.5
    online_check_interval: float = 5.0
    jitter: float = 0.0
    attempt_timeout: float = 10.0
    liveness_interval: float = 20.0
    min_uptime: float = 5.0

    def __post_init__(self) -> None:
        if not isinstance(self.enabled, bool):
            raise ConfigError(f"enabled must be True or False, not {self.enabled!r:.40}.")
        for name, (low, high, unit) in RANGES.items():
            value = getattr(self, name)
            kind, accepted = ("a whole number", int) if name == "max_attempts" else ("a number", int | float)
            if isinstance(value, bool) or not isinstance(value, accepted) or not low <= value <= high:
                raise ConfigError(f"{name} must be {kind} from {low:g} to {high:g} {unit}, not {value!r:.40}.")

    def changed(self, **changes: object) -> ReconnectionConfig:
        """Return the settings with ``changes``; ``ConfigError`` for a name that is none of them."""
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise ConfigError(f"There is no setting {name!r:.40}; there are: {', '.join(known)}.")
        return replace(self, **changes)  # type: ignore[arg-type]  # their types are checked above


def delays(config: ReconnectionConfig) -> Iterator[float]:
    """Yield the delay before attempt 1, 2, …, without jitter: seconds, floored to whole milliseconds."""
    highest = config.max_delay * 1000
    delay_ms = min(config.initial_delay * 1000, highest)
    while True:
        # Rounded first: 0.57 s are 569.9999999999999 ms to a float.
        yield math.floor(round(delay_ms, 6)) / 1000
        delay_ms = min(delay_ms * config.backoff_multiplier, highest)


def delay(config: ReconnectionConfig, attempt: int, random: Callable[[], float]) -> float:
    """Return the seconds to wait before ``attempt`` (from 1). ``random`` gives a number from 0 to 1."""
    scheduled = next(islice(delays(config), attempt - 1, None))
    return scheduled + random() * config.jitter * scheduled


class ConnectionState(Enum):
    """Where the relay connection stands."""

    IDLE = "idle"  # no session or no client: nothing to connect for
    CONNECTED = "connected"
    WAITING = "waiting"  # lost; the next attempt has its time
    ATTEMPTING = "attempting"
    OFFLINE = "offline"  # no network: no attempt is made or counted
    FAILED = "failed"  # all attempts of the round were in vain
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ReconnectionStatus:
    """What is known about the connection now; times are epoch seconds.

    ``attempt_count``: the attempts of this round, the running one included. ``next_retry_time``: when the next
    attempt is due, None while none is. ``cause`` is a word for programs, ``advice`` one line for people; None while
    nothing is wrong. ``proved_at``: when the relay last answered. ``supervised``: whether attempts are ours; else
    the client's own loop makes them. ``restored``: in the event ``reconnected``, the topics that live again.
    """

    state: ConnectionState
    attempt_count: int = 0
    max_attempts: int = 5
    last_attempt: float | None = None
    next_retry_time: float | None = None
    last_error: str | None = None
    cause: str | None = None
    advice: str | None = None
    proved_at: float | None = None
    supervised: bool = False
    restored: tuple[str, ...] = ()

    @property
    def is_reconnecting(self) -> bool:
        """Whether the connection is being brought back."""
        return self.state in (ConnectionState.WAITING, ConnectionState.ATTEMPTING)
