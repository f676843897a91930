"""renvault_web.views.banner: when the banner shows and leaves, and exactly what it says in each state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from renvault_web.reconnect import ConnectionState, ReconnectionStatus
from renvault_web.session import SessionStatus, WalletSession
from renvault_web.stored import StorageNotice
from renvault_web.views.banner import BannerMemory, BannerOptions, Kind, dismiss, reopen, step, view
from renvault_web.views.shapes import shape
from renvault_web.views.snapshot import Action, SessionRow, Snapshot

NOW = 1_700_000_000.0
NEXT_MS = 1_700_000_003_000
HIDDEN = BannerMemory()

CONNECTED = ReconnectionStatus(ConnectionState.CONNECTED)
WAITING = ReconnectionStatus(
    ConnectionState.WAITING, attempt_count=2, next_retry_time=NOW + 3, cause="relay_unreachable"
)
ATTEMPTING = ReconnectionStatus(ConnectionState.ATTEMPTING, attempt_count=3, cause="relay_unreachable")
OFFLINE = ReconnectionStatus(ConnectionState.OFFLINE, cause="offline")
FAILED = ReconnectionStatus(
    ConnectionState.FAILED,
    attempt_count=5,
    cause="relay_unreachable",
    advice="Couldn't reach the relay. It may be down.",
)
IDLE = ReconnectionStatus(ConnectionState.IDLE)
STOPPED = ReconnectionStatus(ConnectionState.STOPPED)


def seen(connection: ReconnectionStatus, *actions: Action) -> Snapshot:
    sessions = (SessionRow(WalletSession("t", NOW + 1000), SessionStatus.ACTIVE, actions=actions),)
    return Snapshot(now=NOW, sessions=sessions, connection=connection)


def after(
    memory: BannerMemory, connection: ReconnectionStatus, seconds: float, *actions: Action, **options: Any
) -> BannerMemory:
    return step(memory, seen(connection, *actions), NOW + seconds, BannerOptions(**options))


def shown(kind: Kind, since: float = 0.0, **changes: Any) -> BannerMemory:
    return BannerMemory(kind=kind, shown_at=NOW + since, kind_at=NOW + since, **changes)


# When


@pytest.mark.parametrize("connection", [CONNECTED, IDLE, STOPPED])
def test_without_trouble_there_is_no_banner(connection: ReconnectionStatus) -> None:
    assert after(HIDDEN, connection, 0) == HIDDEN


@pytest.mark.parametrize(
    ("connection", "kind"),
    [
        (WAITING, Kind.RECONNECTING),
        (ATTEMPTING, Kind.RECONNECTING),
        (OFFLINE, Kind.OFFLINE),
        (FAILED, Kind.FAILED),
    ],
)
def test_trouble_shows_after_two_seconds(connection: ReconnectionStatus, kind: Kind) -> None:
    began = after(HIDDEN, connection, 0)
    assert began == BannerMemory(trouble_since=NOW, next_change=NOW + 2)
    assert after(began, connection, 1.999) == began
    assert after(began, connection, 2) == shown(kind, 2, trouble_since=NOW)


def test_the_grace_runs_from_the_first_trouble_whatever_follows() -> None:
    began = after(HIDDEN, WAITING, 0)
    assert after(began, OFFLINE, 2).kind is Kind.OFFLINE


def test_trouble_that_ends_within_the_grace_is_never_shown() -> None:
    began = after(HIDDEN, WAITING, 0)
    assert after(began, CONNECTED, 1.5) == HIDDEN


@pytest.mark.parametrize("phase", ["pending", "failed"])
def test_trouble_in_the_way_of_the_user_shows_at_once(phase: Any) -> None:
    assert after(HIDDEN, WAITING, 0, Action("ping", phase)) == shown(Kind.RECONNECTING, trouble_since=NOW)
    began = after(HIDDEN, WAITING, 0)
    assert after(began, WAITING, 0.5, Action("extend", phase)).kind is Kind.RECONNECTING


def test_what_has_worked_is_not_in_the_way() -> None:
    assert after(HIDDEN, WAITING, 0, Action("ping", "done")).kind is None


def test_waiting_and_attempting_are_one_kind() -> None:
    memory = shown(Kind.RECONNECTING, trouble_since=NOW)
    assert after(memory, ATTEMPTING, 5) == memory
    assert after(memory, WAITING, 6) == memory


def test_another_kind_takes_over_at_once() -> None:
    memory = shown(Kind.RECONNECTING, trouble_since=NOW)
    assert after(memory, FAILED, 9) == BannerMemory(kind=Kind.FAILED, trouble_since=NOW, shown_at=NOW, kind_at=NOW + 9)


def test_a_failure_does_not_leave_by_itself() -> None:
    memory = shown(Kind.FAILED, trouble_since=NOW)
    assert after(memory, FAILED, 100_000) == memory


def test_a_good_end_stays_for_the_hide_delay() -> None:
    memory = shown(Kind.RECONNECTING, trouble_since=NOW - 2)
    good = after(memory, CONNECTED, 10)
    assert good == BannerMemory(kind=Kind.RECONNECTED, shown_at=NOW, kind_at=NOW + 10, next_change=NOW + 15)
    assert after(good, CONNECTED, 14.9) == good
    assert after(good, CONNECTED, 15) == HIDDEN


def test_a_good_end_stays_until_the_banner_was_there_for_a_second() -> None:
    good = after(shown(Kind.OFFLINE), CONNECTED, 0.25, hide_delay=0.0)
    assert good.next_change == NOW + 1
    assert after(good, CONNECTED, 0.5, hide_delay=0.0).kind is Kind.RECONNECTED
    assert after(good, CONNECTED, 1, hide_delay=0.0) == HIDDEN


def test_without_auto_hide_a_good_end_stays() -> None:
    good = after(shown(Kind.OFFLINE), CONNECTED, 10, auto_hide=False)
    assert good.next_change is None
    assert after(good, CONNECTED, 100_000, auto_hide=False) == good


def test_trouble_after_a_good_end_shows_without_grace_while_the_banner_is_there() -> None:
    good = after(shown(Kind.RECONNECTING), CONNECTED, 10)
    again = after(good, WAITING, 12)
    assert (again.kind, again.trouble_since, again.next_change) == (Kind.RECONNECTING, NOW + 12, None)


@pytest.mark.parametrize("connection", [IDLE, STOPPED])
def test_with_nothing_left_to_connect_it_goes_after_its_least_second(connection: ReconnectionStatus) -> None:
    memory = shown(Kind.RECONNECTING, trouble_since=NOW - 2)
    early = after(memory, connection, 0.5)
    assert early == shown(Kind.RECONNECTING, next_change=NOW + 1)
    assert after(early, connection, 1) == HIDDEN


def test_switched_off_it_never_shows() -> None:
    assert after(shown(Kind.FAILED), FAILED, 5, enabled=False) == HIDDEN


def test_dismissed_it_is_a_pill_that_stays_one_for_its_kind() -> None:
    pill = dismiss(shown(Kind.RECONNECTING, trouble_since=NOW))
    assert pill == shown(Kind.RECONNECTING, trouble_since=NOW, pill=True)
    assert after(pill, ATTEMPTING, 5) == pill


def test_a_pill_opens_for_trouble_of_another_kind() -> None:
    pill = dismiss(shown(Kind.RECONNECTING, trouble_since=NOW))
    assert after(pill, FAILED, 20).pill is False


def test_a_pill_tells_of_the_good_end_and_goes() -> None:
    pill = dismiss(shown(Kind.OFFLINE))
    good = after(pill, CONNECTED, 20)
    assert (good.kind, good.pill) == (Kind.RECONNECTED, True)
    assert after(good, CONNECTED, 25) == HIDDEN


def test_a_pill_can_be_opened_again() -> None:
    assert reopen(dismiss(shown(Kind.FAILED))) == shown(Kind.FAILED)


def test_good_news_dismissed_just_goes() -> None:
    assert dismiss(shown(Kind.RECONNECTED)) == HIDDEN


# What


def regions(status: list[Any], alert: list[Any]) -> list[Any]:
    return [
        ["div", {"key": "status", "class": "told", "role": "status"}, *status],
        ["div", {"key": "alert", "class": "told", "role": "alert"}, *alert],
    ]


def frame(form: str, kind: str, *children: Any) -> list[Any]:
    attrs = {
        "class": f"banner {form}",
        "lang": "en",
        "dir": "ltr",
        "data-state": kind,
        "role": "region",
        "aria-label": "Wallet connection",
    }
    return ["div", attrs, *children]


SAFE: list[Any] = ["p", {"class": "quiet"}, "Your session is saved. Your funds are safe."]
DISMISS: list[Any] = ["button", {"type": "button", "data-action": "dismiss"}, "Dismiss"]
RETRY: list[Any] = ["button", {"type": "button", "class": "filled", "data-action": "retry"}, "Retry now"]


def title(text: str, *more: str) -> list[Any]:
    return ["p", {"class": "line"}, ["strong", {"class": "title"}, text], *more]


def attempts(n: int) -> list[Any]:
    return [
        "div",
        {"class": "attempts"},
        ["progress", {"value": n, "max": 5, "aria-labelledby": "attempt"}],
        ["span", {"class": "quiet", "id": "attempt"}, f"attempt {n} of 5"],
    ]


def test_hidden_its_two_live_regions_are_there_and_empty() -> None:
    assert view(HIDDEN, seen(CONNECTED)) == [
        "div",
        {"class": "banner none", "lang": "en", "dir": "ltr"},
        *regions([], []),
    ]


def test_waiting_counts_down_outside_the_live_region() -> None:
    assert view(shown(Kind.RECONNECTING), seen(WAITING)) == frame(
        "card",
        "reconnecting",
        *regions([title("Reconnecting to your wallet…")], []),
        shape("trying"),
        [
            "p",
            {"class": "line"},
            "Couldn't reach the relay. Trying again in ",
            ["span", {"role": "timer"}, ["rv-until", {"at": NEXT_MS}]],
            ".",
        ],
        attempts(2),
        SAFE,
        ["div", {"class": "buttons"}, DISMISS, RETRY],
    )


def test_attempting_retry_is_in_its_place_but_disabled() -> None:
    disabled = [RETRY[0], {**RETRY[1], "aria-disabled": "true"}, RETRY[2]]
    assert view(shown(Kind.RECONNECTING), seen(ATTEMPTING)) == frame(
        "card",
        "reconnecting",
        *regions([title("Reconnecting to your wallet…")], []),
        shape("trying"),
        ["p", {"class": "line"}, "Couldn't reach the relay. Trying now…"],
        attempts(3),
        SAFE,
        ["div", {"class": "buttons"}, DISMISS, disabled],
    )


def test_what_is_announced_is_the_same_for_every_attempt() -> None:
    waiting = view(shown(Kind.RECONNECTING), seen(WAITING))
    attempting = view(shown(Kind.RECONNECTING), seen(ATTEMPTING))
    assert waiting[2:4] == attempting[2:4]


def test_before_the_first_attempt_that_one_is_named() -> None:
    first = ReconnectionStatus(ConnectionState.WAITING, next_retry_time=NOW + 3, cause="connection_lost")
    node = view(shown(Kind.RECONNECTING), seen(first))
    assert node[5][2] == "Not connected to the relay. Trying again in "
    assert node[6] == attempts(1)


def test_more_attempts_than_planned_fill_the_bar_and_no_more() -> None:
    node = view(shown(Kind.RECONNECTING), seen(replace(ATTEMPTING, attempt_count=7)))
    assert node[6][2] == ["progress", {"value": 5, "max": 5, "aria-labelledby": "attempt"}]
    assert node[6][3][2] == "attempt 7 of 5"


def test_offline_says_that_nothing_need_be_done() -> None:
    line = title("You're offline.", " Your session is saved; we'll reconnect automatically.")
    assert view(shown(Kind.OFFLINE), seen(OFFLINE)) == frame(
        "card",
        "offline",
        *regions([line], []),
        shape("idle"),
        ["div", {"class": "buttons"}, DISMISS],
    )


def test_failed_is_an_alert_with_cause_and_advice() -> None:
    line = "Couldn't reach the relay. It may be down."
    assert view(shown(Kind.FAILED), seen(FAILED)) == frame(
        "card",
        "failed",
        *regions([], [title("Couldn't reconnect to your wallet."), ["p", {"class": "line"}, line]]),
        shape("failed"),
        SAFE,
        ["div", {"class": "buttons"}, DISMISS, RETRY],
    )


@pytest.mark.parametrize(
    ("kind", "told"),
    [(Kind.FAILED, "Couldn't reconnect to your wallet."), (Kind.RECONNECTING, "Reconnecting to your wallet…")],
)
def test_what_is_still_shown_for_its_least_second_needs_no_cause(kind: Kind, told: str) -> None:
    _, _, status, alert, *_ = view(shown(kind), seen(IDLE))
    assert status[2:] + alert[2:] == [title(told)]


def test_reconnected_is_short() -> None:
    assert view(shown(Kind.RECONNECTED), seen(CONNECTED)) == frame(
        "card",
        "reconnected",
        *regions([title("Reconnected")], []),
        shape("ok"),
        ["div", {"class": "buttons"}, DISMISS],
    )


@pytest.mark.parametrize(
    ("kind", "connection", "mark", "text"),
    [
        (Kind.RECONNECTING, WAITING, "trying", ["Trying again in ", ["rv-until", {"at": NEXT_MS}]]),
        (Kind.RECONNECTING, ATTEMPTING, "trying", ["Trying now…"]),
        (Kind.OFFLINE, OFFLINE, "idle", ["Offline"]),
        (Kind.FAILED, FAILED, "failed", ["Not connected"]),
        (Kind.RECONNECTED, CONNECTED, "ok", ["Reconnected"]),
    ],
)
def test_the_pill_is_one_button(kind: Kind, connection: ReconnectionStatus, mark: str, text: list[Any]) -> None:
    node = view(shown(kind, pill=True), seen(connection))
    assert node[1]["class"] == "banner pill"
    assert node[4:] == [
        ["button", {"type": "button", "class": "open", "data-action": "open"}, shape(mark), ["span", {}, *text]]
    ]


# What the storage has to tell


FULL = StorageNotice("full")
LOST = StorageNotice("lost_key", 2)
MEMORY = StorageNotice("memory")


def noticed(
    memory: BannerMemory, connection: ReconnectionStatus, seconds: float, *notices: StorageNotice
) -> BannerMemory:
    return step(memory, replace(seen(connection), notices=notices), NOW + seconds, BannerOptions())


@pytest.mark.parametrize(("notice", "kind"), [(FULL, Kind.FULL), (LOST, Kind.LOST_KEY), (MEMORY, Kind.MEMORY)])
@pytest.mark.parametrize("connection", [CONNECTED, IDLE, STOPPED])
def test_what_the_storage_tells_shows_after_the_grace_until_it_is_over(
    connection: ReconnectionStatus, notice: StorageNotice, kind: Kind
) -> None:
    began = noticed(HIDDEN, connection, 0, notice)
    assert began == BannerMemory(trouble_since=NOW, next_change=NOW + 2)
    memory = noticed(began, connection, 2, notice)
    assert memory == shown(kind, 2, trouble_since=NOW)
    assert noticed(memory, connection, 1000, notice) == memory
    assert noticed(memory, connection, 1000) == HIDDEN


def test_trouble_with_the_connection_goes_before_what_the_storage_tells_and_its_good_end_too() -> None:
    memory = noticed(shown(Kind.FULL), FAILED, 5, FULL)
    assert memory.kind is Kind.FAILED
    good = noticed(memory, CONNECTED, 10, FULL)
    assert good.kind is Kind.RECONNECTED
    assert noticed(good, CONNECTED, 15, FULL) == BannerMemory(trouble_since=NOW + 15, next_change=NOW + 17)


def test_dismissed_it_stays_a_pill_until_something_else_is_to_tell() -> None:
    pill = dismiss(shown(Kind.FULL))
    assert noticed(pill, CONNECTED, 60, FULL).pill
    assert noticed(pill, CONNECTED, 60, LOST) == BannerMemory(
        kind=Kind.LOST_KEY, trouble_since=NOW + 60, kind_at=NOW + 60, shown_at=NOW
    )


@pytest.mark.parametrize(
    ("notice", "kind", "line", "short"),
    [
        (
            FULL,
            Kind.FULL,
            "Storage is full. Nothing stored is lost. Disconnect sessions that you no longer need.",
            "Storage full",
        ),
        (LOST, Kind.LOST_KEY, "The key of 2 stored sessions is gone. Reconnect your wallet.", "Key lost"),
        (
            MEMORY,
            Kind.MEMORY,
            "This browser blocks storage: sessions are kept in memory and end with this page.",
            "Not stored",
        ),
    ],
)
def test_it_says_what_to_do(notice: StorageNotice, kind: Kind, line: str, short: str) -> None:
    snapshot = replace(seen(CONNECTED), notices=(notice, LOST if notice is FULL else FULL))
    tree = view(shown(kind), snapshot)
    status = ["div", {"key": "status", "class": "told", "role": "status"}, ["p", {"class": "line"}, line]]
    assert tree[2] == status
    assert tree[4:] == [
        shape("attention"),
        ["div", {"class": "buttons"}, ["button", {"type": "button", "data-action": "dismiss"}, "Dismiss"]],
    ]
    button = [
        "button",
        {"type": "button", "class": "open", "data-action": "open"},
        shape("attention"),
        ["span", {}, short],
    ]
    assert view(shown(kind, pill=True), snapshot)[4:] == [button]
