"""The page's one message pipe: commands in, state, events and trees out, all as JSON text.

In: ``call`` (a command, answered by its id), ``mount``, ``unmount`` and ``act`` (the views), ``visible``. Out:
``answer``, ``state`` (the sections that changed, then the events that happened, so that a listener reads the new
state), ``tree`` and ``element``. The other end is ``web/src/runtime.ts``; the shapes are those of ``wire``.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from . import wire
from .commands import Commands
from .errors import RenvaultError
from .integration import SESSION_EVENTS
from .jsontext import parse_json
from .log_text import loggable
from .presenter import Presenter
from .reconnection import RECONNECTION_EVENTS
from .sections import Sections
from .timing import Soon

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .manager import SessionManager
    from .ports import Clock, Json, Unsubscribe, Wallet
    from .reconnect import ReconnectionStatus
    from .session import WalletSession

_log = logging.getLogger(__name__)


class Gateway:
    """Joins one page to its services.

    Args:
        manager: the services, started.
        clock: for the views.
        wallet: returns the client that the page knows by a key.
        send: takes each message to the page.

    """

    def __init__(
        self,
        *,
        manager: SessionManager,
        clock: Clock,
        wallet: Callable[[int], Wallet],
        send: Callable[[str], None],
    ) -> None:
        self._manager = manager
        self._send = send
        self._presenter = Presenter(manager=manager, clock=clock, render=self._render, emit=self._emit_element)
        self._sections = Sections(manager)
        self._told: dict[str, str] = {}
        self._events: list[Json] = []
        self._publishing = Soon(self._publish)
        self._running: set[asyncio.Task[None]] = set()
        self._ends: list[Unsubscribe] = []
        self._commands = Commands(
            manager=manager,
            wallet=wallet,
            tell_restored=self._tell_restored,
            tell_expired=self._tell_expired,
            changed=self._publishing.plan,
        )

    def start(self) -> None:
        """Publish the state now and after every change from now on."""
        manager = self._manager
        self._ends.append(manager.subscribe(self._publishing.plan))
        for name in SESSION_EVENTS:
            self._ends.append(manager.integration.on(name, self._session_teller(name)))
        for name in RECONNECTION_EVENTS:
            self._ends.append(manager.reconnection.on(name, self._reconnection_teller(name)))
        self._publish()

    def close(self) -> None:
        """Publish nothing more; commands still running are given up."""
        for end in self._ends:
            end()
        self._ends.clear()
        self._publishing.cancel()
        for task in self._running:
            task.cancel()
        self._commands.close()
        self._presenter.close()

    def receive(self, text: str) -> None:
        """Take one message of the page. A command that fails is answered with its error.

        A call's ``args`` are JSON text of their own: they are the host's, and may be out of all bounds.
        """
        message = parse_json(text)
        match message["type"]:
            case "call":
                self._spawn(self._answer(message["id"], message["method"], message["args"]))
            case "mount":
                self._presenter.mount(message["mount"], message["kind"], message["options"])
            case "unmount":
                self._presenter.unmount(message["mount"])
            case "act":
                self._spawn(self._presenter.act(message["mount"], message["action"]))
            case "visible":
                self._presenter.set_visible(message["visible"])
                self._commands.set_visible(visible=message["visible"])
            case unknown:
                _log.warning("The page sent a message of unknown type %.40r.", unknown)

    # Commands

    async def _answer(self, number: int, method: str, args: str) -> None:
        answer: Json = {"type": "answer", "id": number}
        try:
            answer["value"] = await self._commands.run(method, args)
        except RenvaultError as error:
            answer["error"] = {"code": error.code, "message": str(error)}
        except Exception as error:
            _log.error("The command %.60s failed: %s", method, loggable(error))
            answer["error"] = {"code": "internal", "message": f"{method} failed: {type(error).__name__}."}
        # First the state with what was done, then the answer: the page then needs its own picture of it no longer.
        self._publish()
        self._post(answer)

    # State

    def _publish(self) -> None:
        """Send the sections that have changed, and the events since the last time."""
        self._publishing.cancel()
        sections = self._sections.texts()
        if self._commands.late is not None:
            sections |= self._commands.late.sections()
        changed = [name for name, text in sections.items() if self._told.get(name) != text]
        events, self._events = self._events, []
        self._told = sections
        if changed or events:
            told = ",".join(f'"{name}":{sections[name]}' for name in changed)
            self._send(f'{{"type":"state","sections":{{{told}}},"events":{json.dumps(events)}}}')

    # Events

    def _session_teller(self, name: str) -> Callable[[Json], None]:
        def tell(event: Json) -> None:
            topic = event["topic"]
            status = None if topic is None else self._manager.integration.session_status(topic)
            self._tell("integration", name, wire.session_event_to_js(name, event, status))

        return tell

    def _reconnection_teller(self, name: str) -> Callable[[ReconnectionStatus], None]:
        return lambda status: self._tell("reconnection", name, wire.reconnection_status_to_js(status))

    def _tell_restored(self, session: WalletSession) -> None:
        status = self._manager.integration.session_status(session.topic)
        self._tell("manager", "session_restored", wire.session_to_js(session, status))

    def _tell_expired(self) -> None:
        self._tell("manager", "session_expired", None)

    def _tell(self, service: str, name: str, payload: Json | None) -> None:
        self._events.append({"service": service, "name": name, "payload": payload})
        self._publishing.plan()

    # Out

    def _render(self, mount: str, tree: str) -> None:
        self._publish()  # a host that sees the view asks for the state that it shows
        self._send(f'{{"type":"tree","mount":{json.dumps(mount)},"tree":{tree}}}')

    def _emit_element(self, mount: str, name: str, detail: Json) -> None:
        self._post({"type": "element", "mount": mount, "name": name, "detail": detail})

    def _post(self, message: Json) -> None:
        self._send(json.dumps(message))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
