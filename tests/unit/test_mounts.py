"""renvault_web.views.mounts: an element's attributes become options, and what does not fit is as good as absent."""

from __future__ import annotations

from typing import Any

import pytest

from renvault_web.reconnect import ConnectionState, ReconnectionStatus
from renvault_web.views.banner import Kind
from renvault_web.views.mounts import MOUNTS, BannerMount, DashboardMount
from renvault_web.views.snapshot import Snapshot

NOW = 1_700_000_000.0


def leave_after(options: dict[str, Any]) -> float | None:
    """Return after how many seconds a good end leaves."""
    mount = BannerMount()
    mount.configure(options)
    for state, at in (("offline", NOW - 10), ("offline", NOW - 5), ("connected", NOW)):
        mount.step(Snapshot(now=at, connection=ReconnectionStatus(ConnectionState(state))))
    if mount.memory.kind is None:
        return 0.0
    assert mount.memory.kind is Kind.RECONNECTED
    change = mount.next_change(NOW)
    return None if change is None else change - NOW


def refresh_after(options: dict[str, Any]) -> float | None:
    mount = DashboardMount()
    mount.configure(options)
    change = mount.next_change(NOW)
    return None if change is None else change - NOW


def test_there_is_a_banner_and_a_dashboard() -> None:
    assert list(MOUNTS.items()) == [("banner", BannerMount), ("dashboard", DashboardMount)]


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({}, 5.0),
        ({"hideDelay": 2_500}, 2.5),
        ({"hideDelay": 0}, 0.0),
        ({"hideDelay": 3_600_000}, 3600.0),
        ({"hideDelay": 3_600_001}, 5.0),
        ({"hideDelay": -1}, 5.0),
        ({"hideDelay": float("nan")}, 5.0),
        ({"hideDelay": float("inf")}, 5.0),
        ({"hideDelay": True}, 5.0),
        ({"hideDelay": "2500"}, 5.0),
        ({"autoHide": False}, None),
        ({"autoHide": "false"}, 5.0),
    ],
)
def test_a_banner_leaves_as_its_options_say(options: dict[str, Any], seconds: float | None) -> None:
    assert leave_after(options) == seconds


def test_a_banner_switched_off_remembers_nothing() -> None:
    mount = BannerMount()
    mount.configure({"enabled": False})
    for at in (NOW, NOW + 60):
        mount.step(Snapshot(now=at, connection=ReconnectionStatus(ConnectionState.FAILED)))
    assert (mount.enabled, mount.memory.kind, mount.next_change(NOW)) == (False, None, None)


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({}, 5.0),
        ({"refreshInterval": 500}, 0.5),
        ({"refreshInterval": 499}, 5.0),
        ({"refreshInterval": 60_000}, 60.0),
        ({"refreshInterval": 1e300}, 5.0),
        ({"enabled": False}, None),
    ],
)
def test_a_dashboard_refreshes_as_its_options_say(options: dict[str, Any], seconds: float | None) -> None:
    assert refresh_after(options) == seconds


def test_options_can_change_and_go_back_to_their_defaults() -> None:
    mount = DashboardMount()
    mount.configure({"showDetails": False, "enabled": False})
    assert mount.draw(Snapshot(now=NOW))[1]["hidden"] is True
    mount.configure({})
    assert "hidden" not in mount.draw(Snapshot(now=NOW))[1]
