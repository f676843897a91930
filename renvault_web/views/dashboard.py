"""The session dashboard: connection, figures, every known session with its actions, and where it all lies.

Pure: one snapshot in, one tree out. Each known session is one element with ``data-topic``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..reconnect import ConnectionState
from .copy import DIRECTION, LANGUAGE, notice, plural, say, word
from .node import ago, clean, h, number, size, until
from .session_row import session_row
from .shapes import shape

if TYPE_CHECKING:
    from ..reconnect import ReconnectionStatus
    from ..session import SessionStats
    from .node import Node
    from .snapshot import Snapshot

_RELAY_SHAPES = {
    ConnectionState.CONNECTED: "ok",
    ConnectionState.ATTEMPTING: "trying",
    ConnectionState.WAITING: "trying",
    ConnectionState.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class DashboardOptions:
    """The element's attributes; ``refresh_interval`` in seconds."""

    enabled: bool = True
    refresh_interval: float = 5.0
    show_details: bool = True


def view(snapshot: Snapshot, options: DashboardOptions) -> Node:
    """Draw the dashboard."""
    frame = {"class": "dashboard", "lang": LANGUAGE, "dir": DIRECTION}
    if not options.enabled:
        return h("div", frame | {"hidden": True})
    sessions = [
        session_row(row, snapshot.now, index, details=options.show_details)
        for index, row in enumerate(snapshot.sessions)
    ]
    return h(
        "section",
        frame | {"aria-labelledby": "title"},
        h(
            "header",
            None,
            h("h2", {"id": "title"}, word("dashboard.title")),
            _lights(snapshot.connection, online=snapshot.online),
        ),
        _problems(snapshot),
        *(
            (_figures(snapshot.stats), h("ul", {"class": "sessions", "role": "list"}, *sessions))
            if sessions
            else (h("p", {"class": "empty"}, word("dashboard.empty")),)
        ),
        _storage(snapshot),
    )


def _lights(connection: ReconnectionStatus, *, online: bool) -> Node:
    network = "online" if online else "offline"
    relay: list[Node | str]
    if connection.state is ConnectionState.CONNECTED and connection.proved_at is not None:
        relay = say("light.relay.proved", time=ago(connection.proved_at))
    elif connection.state is ConnectionState.WAITING and connection.next_retry_time is not None:
        relay = say("light.relay.waiting", time=until(connection.next_retry_time))
    elif connection.is_reconnecting:
        relay = say("light.relay.attempting", n=max(1, connection.attempt_count), max=connection.max_attempts)
    else:
        relay = say(f"light.relay.{connection.state.value}")
    return h(
        "ul",
        {"class": "lights", "role": "list"},
        _light("network", "ok" if online else "idle", [word(f"light.network.{network}")]),
        _light("relay", _RELAY_SHAPES.get(connection.state, "idle"), relay),
    )


def _light(name: str, state: str, told: list[Node | str]) -> Node:
    return h(
        "li",
        {"data-light": name, "data-shape": state},
        shape(state),
        h("span", {"class": "name"}, word(f"light.{name}")),
        h("span", {"class": "quiet"}, *told),
    )


def _problems(snapshot: Snapshot) -> Node:
    """Return the lines for what does not work, in a region there before it is needed, so that they are announced."""
    lines = [clean(problem) for problem in snapshot.problems]
    lines += [notice(told.kind, told.count) for told in snapshot.notices if told.kind != "memory"]  # see _storage
    return h(
        "div",
        {"class": "problems", "role": "status"},
        *(h("p", {"key": line}, shape("attention"), h("span", None, line)) for line in lines if line),
    )


def _figures(stats: SessionStats) -> Node:
    return h(
        "dl",
        {"class": "figures"},
        _figure("active", stats.active_sessions),
        _figure("expiring", stats.expiring_soon, attention=stats.expiring_soon > 0),
        _figure("total", stats.total_sessions),
    )


def _figure(name: str, n: int, *, attention: bool = False) -> Node:
    mark = shape("attention") if attention else None
    return h(
        "div",
        {"data-figure": name},
        h("dt", None, word(f"dashboard.{name}")),
        h("dd", None, number(n), mark),
    )


def _storage(snapshot: Snapshot) -> Node:
    storage = snapshot.storage
    return h(
        "footer",
        {"class": "storage"},
        h("h3", {"id": "storage"}, word("storage.title")),
        h(
            "meter",
            {"value": min(storage.total_size, storage.max_size), "max": storage.max_size, "aria-labelledby": "storage"},
        ),
        h(
            "p",
            {"class": "quiet"},
            *say("storage.used", used=size(storage.total_size), max=size(storage.max_size)),
            f" · {word('storage.encrypted')}" if storage.persistent else None,
        ),
        None if storage.persistent else h("p", {"class": "notice"}, shape("attention"), word("notice.memory")),
        h(
            "p",
            {"class": "notice"},
            shape("attention"),
            word(plural("storage.quarantined", storage.quarantined), n=storage.quarantined),
        )
        if storage.quarantined
        else None,
        h("p", {"class": "quiet"}, word("storage.keys_in_clear")) if snapshot.keys_in_clear else None,
    )
