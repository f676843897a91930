from __future__ import annotations

import pytest

from renvault_web import wire
from renvault_web.errors import ConfigError
from renvault_web.reconnect import ConnectionState, ReconnectionConfig, ReconnectionStatus
from renvault_web.session import SessionStatus, parse_session
from renvault_web.stored import StorageConfig, StorageStatistics

GIVEN = {
    "topic": "a" * 64,
    "pairingTopic": "b" * 64,
    "peer": {
        "publicKey": "c" * 64,
        "metadata": {"name": "Leather", "description": "", "url": "https://leather.io", "icons": [], "more": {}},
    },
    "expiry": 1_700_000_000_123,
    "accounts": ["stacks:1:SP1"],
    "chainId": "stacks:1",
    "namespaces": {"stacks": {"accounts": ["stacks:1:SP1"]}},
    "mine": {"kept": [1, None]},
}


def test_a_session_goes_out_as_it_came_with_its_status_beside_it() -> None:
    assert wire.session_to_js(parse_session(GIVEN), SessionStatus.ACTIVE) == {**GIVEN, "status": "active"}


NOBODY = {"publicKey": "", "metadata": {"name": "", "description": "", "url": "", "icons": []}}


@pytest.mark.parametrize(
    "peer",
    [{}, {"publicKey": 5, "metadata": None}, {"metadata": []}, {"metadata": {"name": 5, "icons": [None]}}, NOBODY],
)
def test_a_peer_has_all_its_fields_whatever_was_stored_of_it(peer: object) -> None:
    session = parse_session({"topic": "t", "expiry": 5, "peer": peer})
    assert wire.session_to_js(session, SessionStatus.EXPIRED)["peer"] == NOBODY


def test_other_absent_fields_stay_absent() -> None:
    session = wire.session_to_js(parse_session({"topic": "t", "expiry": 5}), SessionStatus.EXPIRED)
    assert session == {
        "topic": "t",
        "pairingTopic": "",
        "peer": NOBODY,
        "expiry": 5000,
        "accounts": [],
        "status": "expired",
    }


def test_a_status_has_all_its_keys_and_times_in_milliseconds() -> None:
    status = ReconnectionStatus(
        state=ConnectionState.WAITING,
        attempt_count=2,
        last_attempt=10.5,
        next_retry_time=12.75,
        last_error="no answer",
        cause="relay_unreachable",
        advice="We try again.",
        proved_at=None,
        supervised=True,
    )
    assert wire.reconnection_status_to_js(status) == {
        "isReconnecting": True,
        "lastAttempt": 10_500,
        "attemptCount": 2,
        "maxAttempts": 5,
        "nextRetryTime": 12_750,
        "lastError": "no answer",
        "state": "waiting",
        "cause": "relay_unreachable",
        "advice": "We try again.",
        "provedAt": None,
        "supervised": True,
        "restoredTopics": [],
    }


def test_statistics_go_out_in_camel_case() -> None:
    statistics = StorageStatistics(
        total_sessions=1,
        total_size=2,
        max_size=3,
        usage_percent=4.5,
        quarantined=5,
        persistent=False,
        compression_ratio=0.25,
    )
    assert wire.storage_statistics_to_js(statistics) == {
        "totalSessions": 1,
        "totalSize": 2,
        "maxSize": 3,
        "usagePercent": 4.5,
        "quarantined": 5,
        "compressionRatio": 0.25,
        "persistent": False,
    }


def test_a_configuration_comes_back_as_it_went_out() -> None:
    config = ReconnectionConfig(max_attempts=7, initial_delay=0.25, jitter=0.5)
    outside = wire.reconnection_config_to_js(config)
    assert outside["initialDelayMs"] == 250
    assert outside["onlineCheckInterval"] == 5000
    assert ReconnectionConfig().changed(**wire.reconnection_config_from_js(outside)) == config


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"colour": 1}, "There is no setting 'colour'; there are enabled, maxAttempts, "),
        ({"initialDelayMs": "1000"}, "initialDelayMs must be a number from 1 to 3.6e+06 milliseconds, not '1000'"),
        ({"initialDelayMs": True}, "initialDelayMs must be a number from 1 to 3.6e+06 milliseconds, not True"),
        ({"maxDelayMs": float("nan")}, "maxDelayMs must be a number from 1 to 8.64e+07 milliseconds, not nan"),
        ({"maxAttempts": 0}, "maxAttempts must be a number from 1 to 1000 attempts, not 0"),
        ([], "The configuration must be an object, not list"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_by_name(given: object, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        wire.reconnection_config_from_js(given)
    assert str(refused.value).startswith(message)


def test_the_storage_s_configuration_comes_back_as_it_went_out() -> None:
    config = StorageConfig(max_storage_size=5, encryption_enabled=False)
    outside = {"encryptionEnabled": False, "compressionEnabled": True, "maxStorageSize": 5}
    assert wire.storage_config_to_js(config) == outside
    assert StorageConfig(**wire.storage_config_from_js(outside)) == config
    assert wire.storage_config_from_js({}) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"encryption": True}, "There is no setting 'encryption'; there are encryptionEnabled, compressionEnabled, "),
        ({"encryptionEnabled": 1}, "encryptionEnabled must be true or false, not 1"),
        ({"compressionEnabled": None}, "compressionEnabled must be true or false, not None"),
        ({"maxStorageSize": 0}, "maxStorageSize must be a whole number of bytes, at least 1, not 0"),
        ({"maxStorageSize": True}, "maxStorageSize must be a whole number of bytes, at least 1, not True"),
        ({"maxStorageSize": 1.5}, "maxStorageSize must be a whole number of bytes, at least 1, not 1.5"),
        (None, "The configuration must be an object, not NoneType"),
    ],
)
def test_a_storage_setting_that_does_not_fit_is_refused_by_name(given: object, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        wire.storage_config_from_js(given)
    assert str(refused.value).startswith(message)


def test_an_event_goes_out_in_milliseconds() -> None:
    session = {"topic": "t", "expiry": 2.5}
    event = {"topic": "t", "params": {"session": session, "changed": ["expiry", "chain_id"]}, "timestamp": 1.5}
    assert wire.session_event_to_js("session_updated", event, SessionStatus.ACTIVE) == {
        "topic": "t",
        "params": {
            "session": {"topic": "t", "peer": NOBODY, "expiry": 2500, "status": "active"},
            "changed": ["expiry", "chainId"],
        },
        "timestamp": 1500,
    }
    ended = {"topic": "t", "params": {"expiry": 3}, "timestamp": 1}
    assert wire.session_event_to_js("session_expired", ended, None)["params"] == {"expiry": 3000}


def test_what_a_wallet_sent_is_passed_on_as_it_came() -> None:
    params = {"expiry": "soon", "session": {}, "changed": 5}
    told = wire.session_event_to_js(
        "session_event", {"topic": "t", "params": params, "timestamp": 1}, SessionStatus.ACTIVE
    )
    assert told["params"] == params
