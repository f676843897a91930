"""REC-1's settings and REC-2's schedule."""

from __future__ import annotations

from itertools import islice

import pytest

from renvault_web.errors import ConfigError
from renvault_web.reconnect import ConnectionState, ReconnectionConfig, ReconnectionStatus, delay, delays


def no_random() -> float:
    return 0.0


def test_the_defaults_are_the_promised_ones() -> None:
    assert ReconnectionConfig() == ReconnectionConfig(
        enabled=True,
        max_attempts=5,
        initial_delay=1,
        max_delay=30,
        backoff_multiplier=1.5,
        online_check_interval=5,
        jitter=0,
        attempt_timeout=10,
        liveness_interval=20,
        min_uptime=5,
    )


def test_the_schedule_is_exact() -> None:
    scheduled = [1.0, 1.5, 2.25, 3.375, 5.062, 7.593, 11.39, 17.085, 25.628, 30.0, 30.0]
    assert list(islice(delays(ReconnectionConfig()), 11)) == scheduled
    assert [delay(ReconnectionConfig(), n, no_random) for n in range(1, 12)] == scheduled


@pytest.mark.parametrize(
    ("initial", "multiplier", "highest", "expected"),
    [
        (0.57, 1.0, 30.0, [0.57, 0.57]),  # 569.9999999999999 ms to a float
        (0.0015, 2.0, 30.0, [0.001, 0.003]),
        (10.0, 2.0, 5.0, [5.0, 5.0]),
        (1.0, 100.0, 86_400.0, [1.0, 100.0, 10_000.0, 86_400.0]),
        (1.0, 1.1, 30.0, [1.0, 1.1, 1.21, 1.331, 1.464]),
    ],
)
def test_delays_are_floored_to_milliseconds_and_capped(
    initial: float, multiplier: float, highest: float, expected: list[float]
) -> None:
    config = ReconnectionConfig(initial_delay=initial, backoff_multiplier=multiplier, max_delay=highest)
    assert list(islice(delays(config), len(expected))) == expected


def test_a_late_attempt_of_a_steep_schedule_still_has_a_delay() -> None:
    assert delay(ReconnectionConfig(backoff_multiplier=100, max_attempts=1000), 1000, no_random) == 30.0


@pytest.mark.parametrize(("random", "expected"), [(0.0, 2.25), (0.5, 2.8125), (1.0, 3.375)])
def test_jitter_adds_a_random_part(random: float, expected: float) -> None:
    assert delay(ReconnectionConfig(jitter=0.5), 3, lambda: random) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("enabled", 1, "enabled must be True or False, not 1."),
        ("enabled", "false", "enabled must be True or False, not 'false'."),
        ("max_attempts", 0, "max_attempts must be a whole number from 1 to 1000 attempts, not 0."),
        ("max_attempts", 1001, "max_attempts must be a whole number from 1 to 1000 attempts, not 1001."),
        ("max_attempts", 5.0, "max_attempts must be a whole number from 1 to 1000 attempts, not 5.0."),
        ("max_attempts", True, "max_attempts must be a whole number from 1 to 1000 attempts, not True."),
        ("initial_delay", 0, "initial_delay must be a number from 0.001 to 3600 seconds, not 0."),
        ("initial_delay", "1", "initial_delay must be a number from 0.001 to 3600 seconds, not '1'."),
        ("max_delay", float("inf"), "max_delay must be a number from 0.001 to 86400 seconds, not inf."),
        ("max_delay", float("nan"), "max_delay must be a number from 0.001 to 86400 seconds, not nan."),
        ("backoff_multiplier", 0.99, "backoff_multiplier must be a number from 1 to 100 times, not 0.99."),
        ("online_check_interval", None, "online_check_interval must be a number from 0.1 to 3600 seconds, not None."),
        ("jitter", -0.1, "jitter must be a number from 0 to 10 times the delay, not -0.1."),
        ("attempt_timeout", False, "attempt_timeout must be a number from 0.1 to 300 seconds, not False."),
        ("liveness_interval", 0.05, "liveness_interval must be a number from 0.1 to 3600 seconds, not 0.05."),
        ("min_uptime", -1, "min_uptime must be a number from 0 to 3600 seconds, not -1."),
        ("min_uptime", "x" * 99, f"min_uptime must be a number from 0 to 3600 seconds, not '{'x' * 39}."),
    ],
)
def test_a_bad_value_is_refused_with_its_name_value_and_range(name: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ReconnectionConfig().changed(**{name: value})
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("max_attempts", 1, 1000),
        ("initial_delay", 0.001, 3600),
        ("max_delay", 0.001, 86_400),
        ("backoff_multiplier", 1, 100),
        ("online_check_interval", 0.1, 3600),
        ("jitter", 0, 10),
        ("attempt_timeout", 0.1, 300),
        ("liveness_interval", 0.1, 3600),
        ("min_uptime", 0, 3600),
    ],
)
def test_the_ends_of_each_range_are_accepted(name: str, low: float, high: float) -> None:
    for value in (low, high):
        assert getattr(ReconnectionConfig().changed(**{name: value}), name) == value


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="There is no setting 'maxAttempts'; there are: enabled, max_attempts, "):
        ReconnectionConfig().changed(maxAttempts=3)


def test_waiting_and_attempting_are_reconnecting() -> None:
    reconnecting = [state for state in ConnectionState if ReconnectionStatus(state).is_reconnecting]
    assert reconnecting == [ConnectionState.WAITING, ConnectionState.ATTEMPTING]
