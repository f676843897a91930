"""The reconnect banner: when it shows, and what it says.

Pure. ``step`` decides from what was shown, a snapshot and the time: trouble shows after a grace of 2 s (at once when
it stands in the way of something the user asked for), stays at least 1 s, and its good end stays for ``hide_delay``.
What the storage has to tell shows while there is no such trouble.
``dismiss`` turns the banner into a pill, which opens again by itself only for trouble of another kind. ``view`` draws
it. Two live regions are always there and are filled only by what is true for a whole phase: attempts and countdowns
stand outside them, so that a screen reader is told of each phase once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from ..reconnect import ConnectionState
from .copy import DIRECTION, LANGUAGE, notice, say, word
from .node import h, until
from .shapes import shape

if TYPE_CHECKING:
    from ..reconnect import ReconnectionStatus
    from .node import Child, Node, Value
    from .snapshot import Snapshot

GRACE = 2.0
"""Seconds of trouble before it shows: most ends sooner (facts of LiveView, Home Assistant: 0.5 to 2.5)."""

LEAST = 1.0
"""Seconds that the banner stays once it shows, so that it can be read."""


class Kind(Enum):
    """What the banner is about."""

    RECONNECTING = "reconnecting"
    OFFLINE = "offline"
    FAILED = "failed"
    RECONNECTED = "reconnected"
    FULL = "full"
    LOST_KEY = "lost_key"
    MEMORY = "memory"


_TROUBLE = {
    ConnectionState.WAITING: Kind.RECONNECTING,
    ConnectionState.ATTEMPTING: Kind.RECONNECTING,
    ConnectionState.OFFLINE: Kind.OFFLINE,
    ConnectionState.FAILED: Kind.FAILED,
}

_NOTICES = {"full": Kind.FULL, "lost_key": Kind.LOST_KEY, "memory": Kind.MEMORY}

_SHAPES = {
    Kind.RECONNECTING: "trying",
    Kind.OFFLINE: "idle",
    Kind.FAILED: "failed",
    Kind.RECONNECTED: "ok",
    Kind.FULL: "attention",
    Kind.LOST_KEY: "attention",
    Kind.MEMORY: "attention",
}


@dataclass(frozen=True, slots=True)
class BannerOptions:
    """The element's attributes; ``hide_delay`` in seconds."""

    enabled: bool = True
    auto_hide: bool = True
    hide_delay: float = 5.0


@dataclass(frozen=True, slots=True)
class BannerMemory:
    """What the banner shows now. ``kind`` None: nothing; ``next_change``: when ``step`` is due without news."""

    kind: Kind | None = None
    pill: bool = False
    trouble_since: float | None = None
    shown_at: float = 0.0
    kind_at: float = 0.0
    next_change: float | None = None


def step(memory: BannerMemory, snapshot: Snapshot, now: float, options: BannerOptions) -> BannerMemory:
    """Return what the banner shows at ``now``."""
    if not options.enabled:
        return BannerMemory()
    trouble = _TROUBLE.get(snapshot.connection.state)
    if trouble is not None:
        return _in_trouble(memory, trouble, now, blocked=_is_user_blocked(snapshot))
    told = next((_NOTICES[one.kind] for one in snapshot.notices if one.kind in _NOTICES), None)
    if memory.kind is not None and memory.kind not in _NOTICES.values():
        connected = snapshot.connection.state is ConnectionState.CONNECTED
        memory = _recovered(memory, now, options) if connected else _leave(memory, now, memory.shown_at + LEAST)
        if memory.kind is not None:
            return memory
    if told is not None:
        return _in_trouble(memory, told, now, blocked=False)
    return BannerMemory() if memory.kind is None else _leave(memory, now, memory.shown_at + LEAST)


def dismiss(memory: BannerMemory) -> BannerMemory:
    """Return the banner as a pill; good news just goes."""
    return BannerMemory() if memory.kind is Kind.RECONNECTED else replace(memory, pill=True)


def reopen(memory: BannerMemory) -> BannerMemory:
    """Return the pill opened again."""
    return replace(memory, pill=False)


def view(memory: BannerMemory, snapshot: Snapshot) -> Node:
    """Draw the banner."""
    kind = memory.kind
    told = [] if kind is None else _told(kind, snapshot)
    urgent = kind is Kind.FAILED
    # Assistive technology tells what changes in a region that was there before: these two are never taken away.
    status = h("div", {"key": "status", "class": "told", "role": "status"}, *([] if urgent else told))
    alert = h("div", {"key": "alert", "class": "told", "role": "alert"}, *(told if urgent else []))
    if kind is None:
        return _frame("none", None, status, alert)
    mark = shape(_SHAPES[kind])
    if memory.pill:
        return _frame("pill", kind, status, alert, _pill(kind, mark, snapshot.connection))
    return _frame("card", kind, status, alert, mark, *_more(kind, snapshot.connection), _buttons(kind, snapshot))


def _in_trouble(memory: BannerMemory, kind: Kind, now: float, *, blocked: bool) -> BannerMemory:
    since = now if memory.trouble_since is None else memory.trouble_since
    if memory.kind is None and now < since + GRACE and not blocked:
        return BannerMemory(trouble_since=since, next_change=since + GRACE)
    if memory.kind is kind:
        return replace(memory, trouble_since=since, next_change=None)
    return BannerMemory(
        kind=kind,
        trouble_since=since,
        shown_at=now if memory.kind is None else memory.shown_at,
        kind_at=now,
    )


def _recovered(memory: BannerMemory, now: float, options: BannerOptions) -> BannerMemory:
    if memory.kind is not Kind.RECONNECTED:
        memory = replace(memory, kind=Kind.RECONNECTED, trouble_since=None, kind_at=now, next_change=None)
    if not options.auto_hide:
        return replace(memory, next_change=None)
    return _leave(memory, now, max(memory.kind_at + options.hide_delay, memory.shown_at + LEAST))


def _leave(memory: BannerMemory, now: float, at: float) -> BannerMemory:
    return BannerMemory() if now >= at else replace(memory, trouble_since=None, next_change=at)


def _is_user_blocked(snapshot: Snapshot) -> bool:
    return any(action.phase != "done" for session in snapshot.sessions for action in session.actions)


def _frame(form: str, kind: Kind | None, *children: Child) -> Node:
    shown: dict[str, Value] = {}
    if kind is not None:
        shown = {"data-state": kind.value, "role": "region", "aria-label": word("banner.label")}
    return h("div", {"class": f"banner {form}", "lang": LANGUAGE, "dir": DIRECTION, **shown}, *children)


def _told(kind: Kind, snapshot: Snapshot) -> list[Node]:
    """Return what is announced: that which stays true for the whole phase."""
    connection = snapshot.connection
    match kind:
        case Kind.FULL | Kind.LOST_KEY | Kind.MEMORY:
            lines = [notice(one.kind, one.count) for one in snapshot.notices if one.kind == kind.value]
            return [h("p", {"class": "line"}, line) for line in lines]
        case Kind.OFFLINE:
            return [_title("banner.offline", f" {word('banner.offline_more')}")]
        case Kind.FAILED:
            more = [h("p", {"class": "line"}, connection.advice)] if connection.advice else []
            return [_title("banner.failed"), *more]
        case _:
            return [_title(f"banner.{kind.value}")]


def _title(key: str, more: str | None = None) -> Node:
    return h("p", {"class": "line"}, h("strong", {"class": "title"}, word(key)), more)


def _more(kind: Kind, connection: ReconnectionStatus) -> list[Node]:
    """Return what is shown but not announced: it changes with every attempt, or only reassures."""
    safe = h("p", {"class": "quiet"}, word("banner.safe"))
    if kind is Kind.FAILED:
        return [safe]
    if kind is not Kind.RECONNECTING:
        return []
    return [h("p", {"class": "line"}, *_next(connection)), _progress(connection), safe]


def _next(connection: ReconnectionStatus) -> list[Node | str]:
    if connection.state is ConnectionState.ATTEMPTING or connection.next_retry_time is None:
        return say("banner.attempting", cause=_cause(connection))
    return say("banner.waiting", cause=_cause(connection), time=_timer(connection.next_retry_time))


def _timer(at: float) -> Node:
    return h("span", {"role": "timer"}, until(at))


def _progress(connection: ReconnectionStatus) -> Node:
    n = max(1, connection.attempt_count)
    label = word("banner.attempt", n=n, max=connection.max_attempts)
    return h(
        "div",
        {"class": "attempts"},
        h(
            "progress",
            {"value": min(n, connection.max_attempts), "max": connection.max_attempts, "aria-labelledby": "attempt"},
        ),
        h("span", {"class": "quiet", "id": "attempt"}, label),
    )


def _buttons(kind: Kind, snapshot: Snapshot) -> Node:
    attempting = snapshot.connection.state is ConnectionState.ATTEMPTING
    retry = h(
        "button",
        {"type": "button", "class": "filled", "data-action": "retry", "aria-disabled": True if attempting else None},
        word("banner.retry"),
    )
    return h(
        "div",
        {"class": "buttons"},
        h("button", {"type": "button", "data-action": "dismiss"}, word("banner.dismiss")),
        retry if kind in (Kind.RECONNECTING, Kind.FAILED) else None,
    )


def _pill(kind: Kind, mark: Node, connection: ReconnectionStatus) -> Node:
    text: list[Node | str]
    if kind is not Kind.RECONNECTING:
        text = say(f"pill.{kind.value}")
    elif connection.state is ConnectionState.ATTEMPTING or connection.next_retry_time is None:
        text = say("pill.attempting")
    else:
        text = say("pill.waiting", time=until(connection.next_retry_time))
    return h("button", {"type": "button", "class": "open", "data-action": "open"}, mark, h("span", None, *text))


def _cause(connection: ReconnectionStatus) -> str:
    return word(f"cause.{connection.cause or 'connection_lost'}")  # none any more, where the banner is about to go
