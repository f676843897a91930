"""renvault_web.views.dashboard: lights, figures, every session once, storage, in every state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from renvault_web.reconnect import ConnectionState, ReconnectionStatus
from renvault_web.session import SessionStats, SessionStatus, WalletSession
from renvault_web.stored import StorageNotice, StorageStatistics
from renvault_web.views.dashboard import DashboardOptions, view
from renvault_web.views.session_row import session_row
from renvault_web.views.shapes import shape
from renvault_web.views.snapshot import SessionRow, Snapshot

NOW = 1_700_000_000.0
DAY = 86_400.0

ONE = SessionRow(WalletSession("t1", NOW + 6 * DAY), SessionStatus.ACTIVE)
SNAPSHOT = Snapshot(
    now=NOW,
    sessions=(ONE,),
    stats=SessionStats(total_sessions=1, active_sessions=1),
    connection=ReconnectionStatus(ConnectionState.CONNECTED, proved_at=NOW - 4),
    storage=StorageStatistics(total_size=2048),
)


def draw(snapshot: Snapshot, **options: Any) -> list[Any]:
    return view(snapshot, DashboardOptions(**options))


def find(node: Any, name: str) -> list[list[Any]]:
    """Return every node whose first class, or else tag, is ``name``."""
    if not isinstance(node, list):
        return []
    own = [node] if name in (node[0], node[1].get("class", "").split(" ")[0]) else []
    return own + [found for child in node[2:] for found in find(child, name)]


def lights(connection: ReconnectionStatus, *, online: bool = True) -> dict[str, list[Any]]:
    (node,) = find(draw(replace(SNAPSHOT, connection=connection, online=online)), "lights")
    return {light[1]["data-light"]: light for light in node[2:]}


def light(name: str, state: str, word: str, *told: Any) -> list[Any]:
    attrs = {"data-light": name, "data-shape": state}
    return ["li", attrs, shape(state), ["span", {"class": "name"}, word], ["span", {"class": "quiet"}, *told]]


def figures(snapshot: Snapshot) -> dict[str, list[Any]]:
    (node,) = find(draw(snapshot), "figures")
    return {figure[2][2]: figure[3][2:] for figure in node[2:]}


def storage(**changes: Any) -> list[Any]:
    (node,) = find(draw(replace(SNAPSHOT, storage=StorageStatistics(total_size=2048, **changes))), "storage")
    return node


def test_its_parts_stand_in_the_order_of_their_weight() -> None:
    node = draw(SNAPSHOT)
    assert node[:2] == [
        "section",
        {"class": "dashboard", "lang": "en", "dir": "ltr", "aria-labelledby": "title"},
    ]
    assert [part[1].get("class", part[0]) for part in node[2:]] == [
        "header",
        "problems",
        "figures",
        "sessions",
        "storage",
    ]
    assert node[2][2] == ["h2", {"id": "title"}, "Wallet sessions"]


def test_each_known_session_is_one_element() -> None:
    sessions = tuple(SessionRow(WalletSession(f"t{n}", NOW + DAY), status) for n, status in enumerate(SessionStatus))
    snapshot = replace(SNAPSHOT, sessions=sessions)
    (node,) = find(draw(snapshot), "sessions")
    assert node == [
        "ul",
        {"class": "sessions", "role": "list"},
        *(session_row(row, NOW, n, details=True) for n, row in enumerate(sessions)),
    ]


def test_details_can_be_left_out() -> None:
    assert len(find(draw(SNAPSHOT), "details")) == 1
    assert find(draw(SNAPSHOT, show_details=False), "details") == []


def test_switched_off_it_shows_nothing() -> None:
    assert draw(SNAPSHOT, enabled=False) == [
        "div",
        {"class": "dashboard", "lang": "en", "dir": "ltr", "hidden": True},
    ]


def test_without_a_session_one_sentence_stands_for_list_and_figures() -> None:
    node = draw(Snapshot(now=NOW))
    assert find(node, "empty") == [
        ["p", {"class": "empty"}, "No wallet session yet. Once a wallet approves one, it stays here, across reloads."]
    ]
    assert find(node, "sessions") == find(node, "figures") == find(node, "button") == []


def test_the_network_light() -> None:
    connection = ReconnectionStatus(ConnectionState.CONNECTED)
    assert lights(connection)["network"] == light("network", "ok", "Network", "online")
    assert lights(connection, online=False)["network"] == light("network", "idle", "Network", "offline")


@pytest.mark.parametrize(
    ("connection", "state", "told"),
    [
        (ReconnectionStatus(ConnectionState.IDLE), "idle", ["not needed now"]),
        (ReconnectionStatus(ConnectionState.CONNECTED), "ok", ["connected"]),
        (
            ReconnectionStatus(ConnectionState.CONNECTED, proved_at=NOW - 4),
            "ok",
            ["proved ", ["rv-ago", {"at": 1_699_999_996_000}], " ago"],
        ),
        (
            ReconnectionStatus(ConnectionState.WAITING, attempt_count=1, next_retry_time=NOW + 3),
            "trying",
            ["next try in ", ["rv-until", {"at": 1_700_000_003_000}]],
        ),
        (ReconnectionStatus(ConnectionState.WAITING), "trying", ["attempt 1 of 5"]),
        (ReconnectionStatus(ConnectionState.ATTEMPTING, attempt_count=2), "trying", ["attempt 2 of 5"]),
        (ReconnectionStatus(ConnectionState.OFFLINE), "idle", ["paused"]),
        (ReconnectionStatus(ConnectionState.FAILED, attempt_count=5), "failed", ["not reached"]),
        (ReconnectionStatus(ConnectionState.STOPPED), "idle", ["stopped"]),
    ],
)
def test_the_relay_light_tells_the_connections_state(
    connection: ReconnectionStatus, state: str, told: list[Any]
) -> None:
    assert lights(connection)["relay"] == light("relay", state, "Relay", *told)


def test_the_figures_are_those_of_the_sessions() -> None:
    stats = SessionStats(total_sessions=4, active_sessions=2, expiring_soon=1)
    assert figures(replace(SNAPSHOT, stats=stats)) == {
        "Active": [["rv-number", {"n": 2}]],
        "Expiring soon": [["rv-number", {"n": 1}], shape("attention")],
        "In total": [["rv-number", {"n": 4}]],
    }


def test_a_figure_of_nothing_has_no_warning_mark() -> None:
    assert figures(SNAPSHOT)["Expiring soon"] == [["rv-number", {"n": 0}]]


def test_problems_are_told_in_a_region_that_was_there_before() -> None:
    assert find(draw(SNAPSHOT), "problems") == [["div", {"class": "problems", "role": "status"}]]
    assert find(draw(replace(SNAPSHOT, problems=("No\nclient \u202ehere.", " ", "Storage is full."))), "problems") == [
        [
            "div",
            {"class": "problems", "role": "status"},
            ["p", {"key": "No client here."}, shape("attention"), ["span", {}, "No client here."]],
            ["p", {"key": "Storage is full."}, shape("attention"), ["span", {}, "Storage is full."]],
        ]
    ]


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (
            StorageNotice("full"),
            "Storage is full. Nothing stored is lost. Disconnect sessions that you no longer need.",
        ),
        (StorageNotice("lost_key", 1), "The key of 1 stored session is gone. Reconnect your wallet."),
        (StorageNotice("lost_key", 2), "The key of 2 stored sessions is gone. Reconnect your wallet."),
    ],
)
def test_what_the_storage_tells_stands_with_the_problems(notice: StorageNotice, text: str) -> None:
    (node,) = find(draw(replace(SNAPSHOT, notices=(StorageNotice("memory"), notice))), "problems")
    assert node[2:] == [["p", {"key": text}, shape("attention"), ["span", {}, text]]]


def test_storage_is_a_meter_with_its_sizes() -> None:
    assert storage() == [
        "footer",
        {"class": "storage"},
        ["h3", {"id": "storage"}, "Storage"],
        ["meter", {"value": 2048, "max": 10_485_760, "aria-labelledby": "storage"}],
        [
            "p",
            {"class": "quiet"},
            ["rv-bytes", {"n": 2048}],
            " of ",
            ["rv-bytes", {"n": 10_485_760}],
            " · encrypted on this device",
        ],
    ]


def test_more_than_full_is_full() -> None:
    assert storage(max_size=1024)[3][1]["value"] == 1024


def test_a_client_that_keeps_its_keys_in_the_clear_is_told_of() -> None:
    text = "The wallet client of this site keeps its keys unencrypted. Remedy: createSdkStorage()."
    assert draw(Snapshot(now=NOW, keys_in_clear=True))[-1][5:] == [["p", {"class": "quiet"}, text]]
    assert draw(Snapshot(now=NOW))[-1][5:] == []


def test_in_memory_it_promises_no_storage() -> None:
    node = storage(persistent=False)
    assert node[4][2:] == [["rv-bytes", {"n": 2048}], " of ", ["rv-bytes", {"n": 10_485_760}]]
    text = "This browser blocks storage: sessions are kept in memory and end with this page."
    assert node[5] == ["p", {"class": "notice"}, shape("attention"), text]


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (1, "1 record could not be trusted and is kept aside."),
        (2, "2 records could not be trusted and are kept aside."),
    ],
)
def test_quarantined_records_are_counted(n: int, text: str) -> None:
    assert storage(quarantined=n)[5:] == [["p", {"class": "notice"}, shape("attention"), text]]
