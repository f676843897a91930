"""What a page may ask for by name: each command's function, which takes the arguments as they came as JSON.

The shapes are those of ``wire``. What a command returns goes back as JSON.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from . import wire
from .errors import ConfigError
from .jsontext import parse_json
from .session import parse_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .late_gateway import LateGateway
    from .manager import SessionManager
    from .ports import Wallet
    from .session import WalletSession


class Commands:
    """The commands on one page's services.

    Args:
        manager: the services.
        wallet: returns the client that the page knows by a key.
        tell_restored, tell_expired: what the manager calls for its host.
        changed: called when what the late services show may have changed.

    """

    def __init__(
        self,
        *,
        manager: SessionManager,
        wallet: Callable[[int], Wallet],
        tell_restored: Callable[[WalletSession], None],
        tell_expired: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._manager = manager
        self._wallet = wallet
        self._callbacks = (tell_restored, tell_expired)
        self._changed = changed
        self._late: LateGateway | None = None
        self._commands = self._make_commands()

    async def run(self, method: str, args: str) -> object:
        """Carry out ``method`` with ``args``, JSON text of the host's own that may be out of all bounds."""
        return await self._command(method)(*_arguments(method, args))

    @property
    def late(self) -> LateGateway | None:
        """The late services' commands and sections, once one was needed."""
        return self._late

    def set_visible(self, *, visible: bool) -> None:
        """Have the history note whether the page is seen."""
        if self._late is not None:
            self._manager.history.set_visible(visible=visible)
            self._changed()

    def close(self) -> None:
        """Follow nothing more."""
        if self._late is not None:
            self._late.close()

    def _make_commands(self) -> dict[str, Callable[..., Awaitable[Any]]]:
        manager = self._manager
        integration, reconnection, storage = manager.integration, manager.reconnection, manager.storage
        return {
            "page.draw": self._draw,
            "page.startLate": self._start_late,
            "integration.initialize": self._initialize_integration,
            "integration.extendSession": integration.extend_session,
            "integration.disconnectSession": integration.disconnect_session,
            "integration.pingSession": self._ping,
            "reconnection.initialize": self._initialize_reconnection,
            "reconnection.reconnect": reconnection.reconnect,
            "reconnection.updateConfig": self._update_reconnection,
            "reconnection.destroy": reconnection.destroy,
            "storage.storeSession": self._store_session,
            "storage.storeSessions": self._store_sessions,
            "storage.removeSession": storage.remove_session,
            "storage.updateConfig": self._update_storage,
            "storage.clearAllSessions": storage.clear_all_sessions,
            "manager.initialize": self._initialize_manager,
            "manager.clearAllSessions": manager.clear_all_sessions,
            "manager.destroy": self._destroy,
        }

    def _command(self, method: str) -> Callable[..., Awaitable[Any]]:
        command = self._commands.get(method) or self._get_late().commands.get(method)
        if command is None:
            raise ConfigError(f"There is no command {method!r:.60}.")
        return command

    def _get_late(self) -> LateGateway:
        if self._late is None:
            from .late_gateway import LateGateway  # with all that it needs: not before it is needed

            self._late = LateGateway(manager=self._manager, changed=self._changed)
        return self._late

    async def _start_late(self) -> None:
        """Begin what the first picture did not need, and show it."""
        await self._manager.start_late()
        await self._get_late().refresh()

    async def _draw(self) -> None:
        """Return when the views that were mounted before have been drawn."""
        await asyncio.sleep(0)

    async def _ping(self, topic: str) -> int | None:
        return wire.milliseconds(await self._manager.integration.ping_session(topic))

    async def _initialize_manager(self, key: int) -> None:
        await self._manager.initialize(self._wallet(key), *self._callbacks)
        self._look_again()

    async def _initialize_integration(self, key: int) -> None:
        await self._start_below()
        await self._manager.integration.initialize(self._wallet(key))

    async def _start_below(self) -> None:
        """Start what a part that a host begins by itself needs: the storage, and the history that follows it."""
        await self._manager.start()
        await self._manager.start_late()
        self._look_again()

    def _look_again(self) -> None:
        if self._late is not None:
            self._late.look_again()

    async def _destroy(self) -> None:
        try:
            await self._manager.destroy()
        finally:
            if self._late is not None:
                self._late.clear()

    async def _initialize_reconnection(self, key: int, config: object) -> None:
        settings = wire.reconnection_config_from_js(config)
        await self._start_below()
        await self._manager.reconnection.initialize(self._wallet(key), **settings)

    async def _update_reconnection(self, config: object) -> None:
        self._manager.reconnection.update_config(**wire.reconnection_config_from_js(config))

    async def _update_storage(self, config: object) -> None:
        storage = self._manager.storage
        await storage.update_config(**wire.storage_config_from_js(config))

    async def _store_session(self, topic: str, given: object) -> None:
        await self._manager.storage.store_session(wire.session_from_js(given, topic))

    async def _store_sessions(self, given: list[object]) -> None:
        await self._manager.storage.store_sessions([parse_session(one) for one in given])


def _arguments(method: str, text: str) -> list[Any]:
    try:
        args: list[Any] = parse_json(text)
    except ValueError as error:
        raise ConfigError(f"What {method} was given cannot be read. {error}") from error
    return args
