"""The JavaScript shapes: camelCase and milliseconds outside, snake_case and seconds inside. Converted here, once.

Pure. What goes out is JSON-ready; what comes in is checked and refused with an error that names the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .reconnect import RANGES
from .session import SessionStats, SessionStatus, WalletSession, parse_session, to_json

if TYPE_CHECKING:
    from .ports import Json
    from .reconnect import ReconnectionConfig, ReconnectionStatus
    from .stored import StorageConfig, StorageStatistics

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


_STORAGE_CONFIG = {
    "encryptionEnabled": "encryption_enabled",
    "compressionEnabled": "compression_enabled",
    "maxStorageSize": "max_storage_size",
}

_FIELDS = {"chain_id": "chainId", "pairing_topic": "pairingTopic"}  # a session's, where the two names differ


def milliseconds(seconds: float | None) -> int | None:
    """Return a time or duration in whole milliseconds; None stays None."""
    return None if seconds is None else round(seconds * _MS)


def session_to_js(session: WalletSession, status: SessionStatus | None) -> Json:
    """Return the session as a host sees it; no status where it has left already."""
    return _shown(to_json(session), status)


def session_from_js(given: object, topic: str) -> WalletSession:
    """Read a session that a host wants stored under ``topic``; ``WalletError`` where it is none."""
    return parse_session({**given, "topic": topic} if isinstance(given, Mapping) else given)


def session_event_to_js(name: str, event: Json, status: SessionStatus | None) -> Json:
    """Return a session event as a host sees it; ``status`` is its session's, None where it has left.

    What a wallet sent, in ``session_event``, is passed on as it came.
    """
    params = dict(event["params"])
    if name != "session_event":
        if "session" in params:
            params["session"] = _shown(params["session"], status)
        if "changed" in params:
            params["changed"] = [_FIELDS.get(field, field) for field in params["changed"]]
        if "expiry" in params:
            params["expiry"] = milliseconds(params["expiry"])
    return {"topic": event["topic"], "params": params, "timestamp": milliseconds(event["timestamp"])}


def session_stats_to_js(stats: SessionStats) -> Json:
    """Return the figures of the sessions as a host sees them."""
    return {
        "totalSessions": stats.total_sessions,
        "activeSessions": stats.active_sessions,
        "expiringSoon": stats.expiring_soon,
    }


def reconnection_status_to_js(status: ReconnectionStatus) -> Json:
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
        "restoredTopics": list(status.restored),
    }


def storage_statistics_to_js(statistics: StorageStatistics) -> Json:
    """Return the storage statistics as a host sees them."""
    return {
        "totalSessions": statistics.total_sessions,
        "totalSize": statistics.total_size,
        "maxSize": statistics.max_size,
        "usagePercent": statistics.usage_percent,
        "quarantined": statistics.quarantined,
        "compressionRatio": statistics.compression_ratio,
        "persistent": statistics.persistent,
    }


def storage_config_to_js(config: StorageConfig) -> Json:
    """Return the storage's configuration as a host sees it."""
    return {name: getattr(config, ours) for name, ours in _STORAGE_CONFIG.items()}


def storage_config_from_js(data: object) -> dict[str, Any]:
    """Return the storage's settings a host gave, under our names; ``ConfigError`` where one does not fit."""
    settings: dict[str, Any] = {}
    for name, value in _settings(data, _STORAGE_CONFIG).items():
        if name != "maxStorageSize" and not isinstance(value, bool):
            raise ConfigError(f"{name} must be true or false, not {value!r:.40}.")
        if name == "maxStorageSize" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ConfigError(f"{name} must be a whole number of bytes, at least 1, not {value!r:.40}.")
        settings[_STORAGE_CONFIG[name]] = value
    return settings


def reconnection_config_to_js(config: ReconnectionConfig) -> Json:
    """Return the reconnection configuration as a host sees it."""
    return {
        name: getattr(config, ours) if unit is None else milliseconds(getattr(config, ours))
        for name, (ours, unit) in _RECONNECTION_CONFIG.items()
    }


def reconnection_config_from_js(data: object) -> dict[str, Any]:
    """Return the settings a host gave, under our names and in our units.

    Raises ``ConfigError`` in the host's names and units where one does not fit.
    """
    settings: dict[str, Any] = {}
    for name, value in _settings(data, _RECONNECTION_CONFIG).items():
        ours, unit = _RECONNECTION_CONFIG[name]
        settings[ours] = _in_range(name, value, ours, unit) if ours in RANGES else value
    return settings


def _settings(data: object, known: Mapping[str, object]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ConfigError(f"The configuration must be an object, not {type(data).__name__}.")
    for name in data:
        if name not in known:
            raise ConfigError(f"There is no setting {name!r:.40}; there are {', '.join(known)}.")
    return data


def _shown(data: Mapping[str, Any], status: SessionStatus | None) -> Json:
    shown = {**data, "peer": _peer(data.get("peer")), "expiry": milliseconds(data["expiry"])}
    return shown if status is None else {**shown, "status": status.value}


def _peer(given: object) -> Json:
    """Return the peer with all the fields that a host may read, whatever was stored of it."""
    peer = given if isinstance(given, Mapping) else {}
    told = peer.get("metadata")
    metadata = told if isinstance(told, Mapping) else {}
    icons = metadata.get("icons")
    texts = {name: _text(metadata.get(name)) for name in ("name", "description", "url")}
    kept = [icon for icon in icons if isinstance(icon, str)] if isinstance(icons, list | tuple) else []
    return {**peer, "publicKey": _text(peer.get("publicKey")), "metadata": {**metadata, **texts, "icons": kept}}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _in_range(name: str, value: object, ours: str, unit: float | None) -> float:
    low, high, what = RANGES[ours]
    factor, what = (1, what) if unit is None else (unit, "milliseconds")
    fits = isinstance(value, int | float) and not isinstance(value, bool) and low * factor <= value <= high * factor
    if not fits:
        raise ConfigError(
            f"{name} must be a number from {low * factor:g} to {high * factor:g} {what}, not {value!r:.40}."
        )
    return value if unit is None else value / unit  # type: ignore[return-value, operator] # a number: it fits
