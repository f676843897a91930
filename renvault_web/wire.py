"""The JavaScript shapes: camelCase and milliseconds outside, snake_case and seconds inside. Converted here, once.

Pure. What goes out is JSON-ready; what comes in is checked and refused with an error that names the field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .session import SessionStatus, WalletSession, to_json

if TYPE_CHECKING:
    from .ports import Json
    from .reconnect import ReconnectionConfig, ReconnectionStatus
    from .storage import StorageStatistics

_MS = 1000.0

_RECONNECTION_CONFIG = {  # JavaScript's name: (ours, JavaScript units in one of ours)
    "enabled": ("enabled", None),
    "maxAttempts": ("max_attempts", None),
    "initialDelayMs": ("initial_delay", _MS),
    "maxDelayMs": ("max_delay", _MS),
    "backoffMultiplier": ("backoff_multiplier", None),
    "onlineCheckInterval": ("online_check_interval", _MS),
    "jitter": ("jitter", None),
    "attemptTimeoutMs": ("attempt_timeout", _MS),
    "livenessIntervalMs": ("liveness_interval", _MS),
    "minUptimeMs": ("min_uptime", _MS),
}


def milliseconds(seconds: float | None) -> int | None:
    """Return a time or duration in whole milliseconds; None stays None."""
    return None if seconds is None else round(seconds * _MS)


def session_to_js(session: WalletSession, status: SessionStatus) -> Json:
    """Return the session as a host sees it."""
    return {**to_json(session), "expiry": milliseconds(session.expiry), "status": status.value}


def status_to_js(status: ReconnectionStatus) -> Json:
    """Return the reconnection status as a host sees it."""
    return {
        "isReconnecting": status.is_reconnecting,
        "lastAttempt": milliseconds(status.last_attempt),
        "attemptCount": status.attempt_count,
        "maxAttempts": status.max_attempts,
        "nextRetryTime": milliseconds(status.next_retry_time),
        "lastError": status.last_error,
        "state": status.state.value,
        "cause": status.cause,
        "advice": status.advice,
        "provedAt": milliseconds(status.proved_at),
        "supervised": status.supervised,
    }


def statistics_to_js(statistics: StorageStatistics) -> Json:
    """Return the storage statistics as a host sees them."""
    return {
        "totalSessions": statistics.total_sessions,
        "totalSize": statistics.total_size,
        "maxSize": statistics.max_size,
        "usagePercent": statistics.usage_percent,
        "quarantined": statistics.quarantined,
        "persistent": statistics.persistent,
    }


def config_to_js(config: ReconnectionConfig) -> Json:
    """Return the reconnection configuration as a host sees it."""
    return {
        name: getattr(config, ours) if unit is None else milliseconds(getattr(config, ours))
        for name, (ours, unit) in _RECONNECTION_CONFIG.items()
    }


def config_from_js(data: object) -> dict[str, Any]:
    """Return the settings a host gave, under our names and in our units; the ranges are the service's to check."""
    settings: dict[str, Any] = {}
    for name, value in _object(data, "The configuration").items():
        known = _RECONNECTION_CONFIG.get(name)
        if known is None:
            raise ConfigError(f"There is no setting {name[:40]!r}; there are {', '.join(_RECONNECTION_CONFIG)}.")
        ours, unit = known
        if unit is None:
            settings[ours] = value
        else:
            settings[ours] = _number(name, value) / unit
    return settings


def manager_config_from_js(data: object) -> dict[str, Any]:
    """Return the manager's settings under our names."""
    known = {"autoReconnect": "auto_reconnect", "maxReconnectAttempts": "max_reconnect_attempts"}
    settings: dict[str, Any] = {}
    for name, value in _object(data, "The configuration").items():
        if name not in known:
            raise ConfigError(f"There is no setting {name[:40]!r}; there are {', '.join(known)}.")
        settings[known[name]] = value
    return settings


def _object(data: object, what: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ConfigError(f"{what} must be an object, not {type(data).__name__}.")
    return data


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{name} must be a number of milliseconds, not {value!r:.40}.")
    return float(value)
