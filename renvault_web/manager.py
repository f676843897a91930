"""SessionManager: storage, migration, integration and reconnection as one, started in this order, ended in reverse.

A part that fails is reported in ``problems``, and the rest works. What no first picture needs comes late, see
``late_services``.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from random import random as system_random
from typing import TYPE_CHECKING, Any

from .callbacks import Callbacks
from .errors import ConfigError, NotStartedError
from .events import Listeners
from .integration import WalletKitSessionIntegration
from .late import Late
from .log_text import loggable
from .parts import Parts
from .reconnection import AutomaticReconnectionService
from .storage import EncryptedSessionStorage
from .stored import StorageStatistics
from .timing import Soon

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .history import EventHistory
    from .imports import ImportReport
    from .late_services import LateServices
    from .migration import SessionMigrationService
    from .ports import Cipher, Clock, Json, Network, PassphraseFile, SdkStore, Storage, Tabs, Unsubscribe, Wallet
    from .reconnect import ReconnectionStatus
    from .session import SessionStatus, WalletSession
    from .stored import StorageConfig

_DELETED = "session_deleted"  # the kind of the message to the other pages

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ManagerConfig:
    """The manager's settings: short names for two of the reconnection's."""

    auto_reconnect: bool
    max_reconnect_attempts: int


_SETTINGS = {"auto_reconnect": "enabled", "max_reconnect_attempts": "max_attempts"}


class SessionManager:
    """All services of one page.

    Args:
        clock, storage, cipher, network, tabs: the outside (``ports``); no ``tabs``, no other pages.
        sdk, files: the SDK's own store and passphrase files, for backups; without them there are none of live sessions.
        random: a number from 0 to 1, for jitter.
        storage_config: limits of the storage.

    """

    def __init__(
        self,
        *,
        clock: Clock,
        storage: Storage,
        cipher: Cipher,
        network: Network,
        tabs: Tabs | None = None,
        sdk: SdkStore | None = None,
        files: PassphraseFile | None = None,
        random: Callable[[], float] = system_random,
        storage_config: StorageConfig | None = None,
    ) -> None:
        self._storage = EncryptedSessionStorage(
            storage=storage, cipher=cipher, clock=clock, tabs=tabs, config=storage_config, sdk=sdk
        )
        self._integration = WalletKitSessionIntegration(clock=clock, storage=self._storage)
        self._reconnection = AutomaticReconnectionService(
            clock=clock, network=network, random=random, restore=self._restore
        )
        self._tabs = tabs
        self._listeners = Listeners[[]]()
        self._news = Soon(self._listeners.call)
        self._parts = Parts()
        self._parts.on_problem(lambda *_: self._news.plan())

        def make_late() -> LateServices:
            from .late_services import LateServices

            return LateServices(
                clock=clock,
                storage=storage,
                cipher=cipher,
                sdk=sdk,
                files=files,
                sessions=self._storage,
                integration=self._integration,
                reconnection=self._reconnection,
            )

        self._late = Late(make=make_late, parts=self._parts, changed=self._news.plan)
        self._store = storage
        self._ends: list[Unsubscribe] = []
        self._wallet: Wallet | None = None
        self._on_restored: Callable[[WalletSession], object] | None = None
        self._on_expired: Callable[[], object] | None = None
        self._callbacks = Callbacks()
        self._turn = asyncio.Lock()  # start, initialize and destroy come one after the other
        self._proved_at: float | None = None
        self._destroys = 0  # what began before the last one goes no further

    # The parts

    @property
    def storage(self) -> EncryptedSessionStorage:
        """The sessions at rest."""
        return self._storage

    @property
    def integration(self) -> WalletKitSessionIntegration:
        """The sessions of the client."""
        return self._integration

    @property
    def reconnection(self) -> AutomaticReconnectionService:
        """The relay connection."""
        return self._reconnection

    @property
    def migration(self) -> SessionMigrationService:
        """What brings sessions of older builds along."""
        return self.late_services.migration

    @property
    def late_services(self) -> LateServices:
        """The services that no first picture needs, imported when this is first read."""
        return self._late.services

    @property
    def history(self) -> EventHistory:
        """What happened here, followed once the late services have begun."""
        return self.late_services.history

    @property
    def problems(self) -> dict[str, str]:
        """The parts that do not work, each with a plain line.

        They are ``storage``, ``history``, ``migration``, ``integration``, ``reconnection`` and ``key rotation``.
        """
        return self._parts.problems

    # Life

    async def start(self) -> None:
        """Open the storage and show what is stored, before there is a wallet client."""
        destroys = self._destroys
        async with self._turn:
            await self._start(destroys)

    async def start_late(self) -> None:
        """Begin what can wait until the page has been drawn: follow the history, go on with a rotation of the key.

        ``initialize`` does it by itself.
        """
        destroys = self._destroys
        async with self._turn:
            await self._start_late(destroys)

    async def initialize(
        self,
        wallet: Wallet,
        on_session_restored: Callable[[WalletSession], object] | None = None,
        on_session_expired: Callable[[], object] | None = None,
    ) -> None:
        """Manage the sessions of ``wallet``, in place of an earlier one; the same one again is joined.

        ``on_session_restored(session)`` is called for each session once the connection has been proved, after a load
        and after each reconnection; ``on_session_expired()`` for each that expires. Both may be ``async``. What
        fails is in ``problems``.
        """
        destroys = self._destroys
        async with self._turn:
            await self._start(destroys)
            await self._start_late(destroys)
            if destroys == self._destroys and "storage" not in self.problems:
                await self._parts.attempt("migration", self._late.migrate(self._store, self._reconnection))
            await self._reconnection.leave_other(wallet)
            if destroys != self._destroys:
                return
            self._on_restored = on_session_restored or self._on_restored
            self._on_expired = on_session_expired or self._on_expired
            if self._wallet is not wallet:
                await self._parts.attempt("integration", self._integration.initialize(wallet))
                self._wallet = None if "integration" in self._parts.problems else wallet
            if destroys == self._destroys:
                await self._parts.attempt("reconnection", self._reconnection.initialize(wallet))

    async def destroy(self) -> None:
        """Stop everything. Nothing is deleted; ``start`` and ``initialize`` begin anew."""
        self._destroys += 1
        self._parts.cut_short()
        async with self._turn:
            self._wallet = self._on_restored = self._on_expired = None
            for end in self._ends:
                end()
            self._ends.clear()
            self._callbacks.cancel()
            await self._reconnection.destroy()
            await self._integration.destroy()
            await self._late.end()
            self._storage.close()
            self._parts.clear()
            self._news.plan()

    async def _start(self, destroys: int) -> None:
        if destroys != self._destroys or (self._ends and "storage" not in self._parts.problems):
            return
        expired = await self._parts.attempt("storage", self._storage.open())
        if destroys == self._destroys and not self._ends:
            self._integration.start(expired or ())
            self._reconnection.start()
            self._ends += [
                self._storage.subscribe(self._news.plan),
                self._integration.subscribe(self._on_sessions),
                self._integration.on("session_deleted", self._on_deleted),
                self._integration.on("session_expired", lambda _: self._callbacks.call(self._on_expired)),
                self._reconnection.subscribe(self._on_connection),
            ]
            if self._tabs is not None:
                self._ends.append(self._tabs.subscribe(self._on_message))
            self._news.plan()

    async def _start_late(self, destroys: int) -> None:
        if destroys == self._destroys and self._ends:
            await self._late.begin(self._storage, self._integration, self._reconnection)

    # What hosts ask

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call ``listener()`` soon after anything changed that a view could show; several changes make one call."""
        return self._listeners.add(listener)

    def get_active_sessions(self) -> list[WalletSession]:
        """Return the sessions that are active or being restored."""
        return self._integration.get_active_sessions()

    def get_all_sessions(self) -> list[WalletSession]:
        """Return every known session, also those that need reconnect."""
        return self._integration.get_all_sessions()

    def get_session(self, topic: str) -> WalletSession | None:
        """Return the known session with the topic, or None."""
        return self._integration.get_session(topic)

    def get_primary_session(self) -> WalletSession | None:
        """Return the usable session that the user chose, else the one used last."""
        return self._integration.get_primary_session()

    def has_session(self, topic: str | None = None) -> bool:
        """Return whether there is a usable session, or whether the one with ``topic`` is."""
        return self._integration.has_session(topic)

    def session_status(self, topic: str) -> SessionStatus | None:
        """Return what the session is good for now; None for an unknown topic."""
        return self._integration.session_status(topic)

    def get_reconnection_status(self) -> ReconnectionStatus:
        """Return where the relay connection stands."""
        return self._reconnection.get_status()

    def get_storage_stats(self) -> StorageStatistics:
        """Return the storage in figures; zeros while it is not open."""
        try:
            return self._storage.get_statistics()
        except NotStartedError:
            return StorageStatistics(
                max_size=self._storage.get_config().max_storage_size, persistent=self._storage.persistent
            )

    def get_config(self) -> ManagerConfig:
        """Return the settings in force."""
        config = self._reconnection.get_config()
        return ManagerConfig(auto_reconnect=config.enabled, max_reconnect_attempts=config.max_attempts)

    def update_config(self, **changes: object) -> ManagerConfig:
        """Change settings and return them all; ``ConfigError`` where one does not fit or is not known."""
        for name in changes:
            if name not in _SETTINGS:
                raise ConfigError(f"There is no setting {name!r:.40}; there are: {', '.join(_SETTINGS)}.")
        self._reconnection.update_config(**{_SETTINGS[name]: value for name, value in changes.items()})
        return self.get_config()

    # What users do

    async def extend_session(self, topic: str) -> bool:
        """Extend the session, as ``WalletKitSessionIntegration.extend_session`` does."""
        return await self._integration.extend_session(topic)

    async def disconnect_session(self, topic: str) -> None:
        """End the session, as ``WalletKitSessionIntegration.disconnect_session`` does."""
        await self._integration.disconnect_session(topic)

    async def ping_session(self, topic: str) -> float:
        """Return the seconds the wallet took to answer."""
        return await self._integration.ping_session(topic)

    async def reconnect(self) -> bool:
        """Try now; return whether the connection is there and proved."""
        return await self._reconnection.reconnect()

    async def clear_all_sessions(self) -> None:
        """Disconnect every session, each as ``disconnect_session`` does, then remove every record."""
        await self._disconnect_all()
        await self._storage.clear_all_sessions()

    async def _disconnect_all(self) -> None:
        topics = [session.topic for session in self.get_all_sessions()]
        for result in await asyncio.gather(*map(self.disconnect_session, topics), return_exceptions=True):
            if isinstance(result, Exception):
                _log.warning("Of a session only its record is removed: %s", loggable(result))

    async def forget_everything(self) -> None:
        """Disconnect every session, then delete everything of ours on this device, the keys too, and stop.

        What sessions there are in wallets end as ``disconnect_session`` ends them, where they can be reached.
        """
        await self._disconnect_all()
        async with self._turn:
            await self._late.end(write=False)
        await self.destroy()
        self._late.forget()
        await self._storage.forget_everything()

    # Out and in

    def export_sessions(self, *, sealed: bool = False) -> str:
        """Return the sessions as JSON, as ``SessionExchange.export_sessions`` does."""
        return self.late_services.exchange.export_sessions(sealed=sealed)

    async def import_sessions(self, text: str) -> ImportReport:
        """Take sessions from what ``export_sessions`` returned."""
        return await self._imported(self.late_services.exchange.import_sessions(text))

    async def export_backup(self, passphrase: str) -> bytes:
        """Return a backup file that brings live sessions back elsewhere, as ``SessionExchange.export_backup`` does."""
        return await self.late_services.exchange.export_backup(passphrase)

    async def import_backup(self, data: bytes, passphrase: str) -> ImportReport:
        """Take what ``export_backup`` returned."""
        return await self._imported(self.late_services.exchange.import_backup(data, passphrase))

    async def export_diagnostics(self, page: Json | None = None) -> str:
        """Return how everything stands, plain flags of the ``page`` too, as one JSON text that names nobody."""
        return await self.late_services.export_diagnostics(self.problems, page)

    # Within

    async def _restore(self) -> tuple[str, ...]:
        topics = await self._integration.reconcile()
        for topic in topics:
            session = self._integration.get_session(topic)
            if session is not None:
                self._callbacks.call(self._on_restored, session)
        return topics

    async def _imported(self, work: Awaitable[ImportReport]) -> ImportReport:
        report = await work
        self.history.note("import", sessions=report.imported + report.updated)
        return report

    def _on_sessions(self) -> None:
        if self._integration.has_client:
            self._reconnection.set_has_sessions(present=bool(self._integration.live_topics))
        self._news.plan()

    def _on_connection(self) -> None:
        proved_at = self._reconnection.get_status().proved_at
        if proved_at not in (None, self._proved_at):
            self._proved_at = proved_at
            self._integration.look()  # what the host did on the client itself is told by nobody
        self._news.plan()

    def _on_deleted(self, event: dict[str, Any]) -> None:
        # What this page's client alone has lost may live in another's.
        if self._tabs is not None and event["params"]["by"] in ("user", "wallet"):
            self._tabs.post({"kind": _DELETED, "topic": event["topic"]})

    def _on_message(self, message: Json) -> None:
        topic = message.get("topic")
        if message.get("kind") == _DELETED and isinstance(topic, str):
            self._integration.end_from_tab(topic)
