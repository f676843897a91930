"""Keeps the mounted views up to date: services, one snapshot, trees; and clicks back to the services.

Draws at most once a turn of the event loop, sends a tree only where it changed, and wakes by itself at the next
moment at which a view changes without news: a banner's grace or leave, the fading of an outcome, a dashboard's
refresh. While the page is hidden it neither draws nor wakes. It listens to the services while a view is mounted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from . import wire
from .errors import RenvaultError
from .session import SessionStatus
from .timing import Soon, sleep_until
from .views import banner
from .views.mounts import MOUNTS, BannerMount
from .views.snapshot import Action, ActionKind, SessionRow, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .manager import SessionManager
    from .ports import Clock, Unsubscribe
    from .reconnect import ReconnectionStatus
    from .session import WalletSession
    from .views.banner import BannerMemory
    from .views.mounts import Mount

OUTCOME_STAYS = 6.0
"""Seconds that the outcome of an action is shown."""

_ACTIONS: tuple[ActionKind, ...] = get_args(ActionKind)

_log = logging.getLogger(__name__)


class Presenter:
    """Draws the mounted views of one page.

    Args:
        manager: the services.
        clock: all time here is its time.
        render: takes a mount's id and its new tree as JSON.
        emit: takes a mount's id, the name and the detail of an event that its element dispatches.

    """

    def __init__(
        self,
        *,
        manager: SessionManager,
        clock: Clock,
        render: Callable[[str, str], None],
        emit: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._manager = manager
        self._clock = clock
        self._render = render
        self._emit = emit
        self._views: dict[str, Mount] = {}
        self._outcomes: dict[tuple[str, ActionKind], tuple[Action, float]] = {}  # (topic, kind): (action, shown until)
        self._visible = True
        self._drawing = Soon(self._draw)
        self._alarm: asyncio.Task[None] | None = None
        self._ends: list[Unsubscribe] = []

    def mount(self, mount: str, kind: str, options: Mapping[str, object]) -> None:
        """Show a view of ``kind`` ("banner" or "dashboard") as ``mount``; mounted already, it has new options."""
        view = self._views.get(mount)
        if view is None:
            made = MOUNTS.get(kind)
            if made is None:
                _log.warning("There is no view %.40r to be mounted.", kind)
                return
            view = self._views[mount] = made()
            self._follow()
        view.configure(options)
        self.refresh()

    def unmount(self, mount: str) -> None:
        """Forget the view; with the last one, listeners and timers go too."""
        self._views.pop(mount, None)
        if not self._views:
            self.close()

    def close(self) -> None:
        """Forget every view, listener and timer."""
        self._views.clear()
        self._outcomes.clear()
        for end in self._ends:
            end()
        self._ends.clear()
        self._drawing.cancel()
        self._wake_at(None)

    def set_visible(self, visible: bool) -> None:
        """Take note whether the page can be seen."""
        self._visible = visible
        self.refresh()

    def refresh(self) -> None:
        """Draw again before the event loop's next turn."""
        if self._views:
            self._drawing.plan()

    def snapshot(self) -> Snapshot:
        """Return what the views see now."""
        manager, now = self._manager, self._clock.now()
        primary = manager.get_primary_session()
        rows = (
            self._row(session, primary=primary is not None and session.topic == primary.topic)
            for session in manager.get_all_sessions()
        )
        return Snapshot(
            now=now,
            sessions=tuple(rows),
            stats=manager.integration.get_session_stats(),
            connection=manager.get_reconnection_status(),
            online=manager.reconnection.is_online_now(),
            storage=manager.get_storage_stats(),
            problems=tuple(dict.fromkeys(manager.problems.values())),
            notices=manager.storage.notices,
            keys_in_clear=manager.integration.keys_in_clear,
        )

    async def act(self, mount: str, given: object) -> None:
        """Do what a click in ``mount`` asks for: ``{"action": …, "topic": …}``.

        What makes no sense is logged and ignored.
        """
        action = given.get("action") if isinstance(given, Mapping) else None
        topic = given.get("topic") if isinstance(given, Mapping) else None
        view = self._views.get(mount)
        if action == "retry":
            await self._retry()
        elif action == "dismiss" and isinstance(view, BannerMount):
            self._set_banner(view, banner.dismiss)
        elif action == "open" and isinstance(view, BannerMount):
            self._set_banner(view, banner.reopen)
        elif action in _ACTIONS and isinstance(topic, str) and self._manager.get_session(topic):
            await self._run(action, topic)
        else:
            _log.warning("A view asked for what cannot be done: %.40r.", action)

    # Drawing

    def _follow(self) -> None:
        if self._ends:
            return
        self._ends.append(self._manager.subscribe(self.refresh))
        for name in ("reconnected", "failed"):
            self._ends.append(self._manager.reconnection.on(name, self._teller(name)))

    def _teller(self, name: str) -> Callable[[ReconnectionStatus], None]:
        def tell(status: ReconnectionStatus) -> None:
            for mount, view in list(self._views.items()):
                if isinstance(view, BannerMount) and view.enabled:
                    self._emit(mount, name, wire.reconnection_status_to_js(status))

        return tell

    def _draw(self) -> None:
        now = self._clock.now()
        self._outcomes = {key: outcome for key, outcome in self._outcomes.items() if now < outcome[1]}
        snapshot = self.snapshot()
        for mount, view in list(self._views.items()):
            view.step(snapshot)
            if self._visible:
                tree = json.dumps(view.draw(snapshot))
                if tree != view.sent:
                    view.sent = tree
                    self._render(mount, tree)
        self._wake_at(min(self._changes(now), default=None) if self._visible else None)

    def _changes(self, now: float) -> Iterator[float]:
        for view in self._views.values():
            change = view.next_change(now)
            if change is not None:
                yield change
        for _, end in self._outcomes.values():
            if end != math.inf:
                yield end

    def _wake_at(self, when: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if when is None else asyncio.ensure_future(self._sleep(when))

    async def _sleep(self, when: float) -> None:
        await sleep_until(self._clock, when)
        self._alarm = None
        self.refresh()

    # Seeing

    def _row(self, session: WalletSession, *, primary: bool) -> SessionRow:
        return SessionRow(
            session=session,
            status=self._manager.session_status(session.topic) or SessionStatus.UNKNOWN,
            primary=primary,
            actions=tuple(
                self._outcomes[session.topic, kind][0] for kind in _ACTIONS if (session.topic, kind) in self._outcomes
            ),
        )

    # Acting

    def _set_banner(self, view: BannerMount, change: Callable[[BannerMemory], BannerMemory]) -> None:
        view.memory = change(view.memory)
        self.refresh()

    async def _retry(self) -> None:
        try:
            await self._manager.reconnect()
        except RenvaultError as error:
            _log.warning("The connection could not be tried again: %s", error)

    async def _run(self, kind: ActionKind, topic: str) -> None:
        running = self._outcomes.get((topic, kind))
        if running is not None and running[0].phase == "pending":
            return
        self._show(topic, Action(kind, "pending"), math.inf)
        outcome = Action(kind, "failed")  # stands where an error that is not ours passes through
        try:
            outcome = Action(kind, "done", latency=await self._perform(kind, topic))
        except RenvaultError as error:
            _log.info("%s of a session failed: %s", kind, error.code)
            outcome = Action(kind, "failed", code=error.code)
        finally:
            self._show(topic, outcome, self._clock.now() + OUTCOME_STAYS)

    async def _perform(self, kind: ActionKind, topic: str) -> float | None:
        match kind:
            case "extend":
                await self._manager.extend_session(topic)
            case "ping":
                return await self._manager.ping_session(topic)
            case "disconnect":
                await self._manager.disconnect_session(topic)
        return None

    def _show(self, topic: str, action: Action, until: float) -> None:
        self._outcomes[topic, action.kind] = (action, until)
        self.refresh()
