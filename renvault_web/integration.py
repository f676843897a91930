"""WalletKitSessionIntegration: the sessions of one wallet client, their events, and what a user does with them.

The client's list leads, the storage remembers, the ledger keeps them in agreement; here are the service's life, its
getters and its calls, each with a limit.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from .errors import NotStartedError, WalletError
from .events import Emitter, Listeners
from .log_text import loggable
from .session import SessionStatus, WalletSession, is_expired, seconds
from .session_ledger import SessionLedger
from .timing import before, keep_on, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .ports import Clock, Unsubscribe, Wallet
    from .session import SessionStats
    from .storage import EncryptedSessionStorage

SESSION_EVENTS = (
    "session_created",
    "session_updated",
    "session_deleted",
    "session_expired",
    "session_error",
    "session_event",
)

# Seconds each call may take.
EXTEND_LIMIT = 15.0
DISCONNECT_LIMIT = 10.0
PING_LIMIT = 10.0
HOUSEKEEPING_LIMIT = 5.0  # less than what a restoring may take as a whole, so that the rest of it is done

_log = logging.getLogger(__name__)


class WalletKitSessionIntegration:
    """The sessions of one wallet client.

    An event is a dict: ``topic`` (None where it concerns no session), ``params`` and ``timestamp`` (epoch seconds).
    ``params`` by event; an ``expiry`` in it is epoch seconds:

    - ``session_created``: ``session``
    - ``session_updated``: ``session`` and ``changed``, the names of the fields
    - ``session_deleted``: ``by``, one of ``user`` (here), ``wallet``, ``client`` (the page, past us), ``tab``, and
      ``reconnect`` for a known account that lives in a session again
    - ``session_expired``: ``expiry``
    - ``session_error``: ``message`` and ``code``
    - ``session_event``: what the wallet sent

    Args:
        clock: all time here is its time.
        storage: where sessions are remembered; opened by the caller. Closed or broken, the rest works.

    """

    def __init__(self, *, clock: Clock, storage: EncryptedSessionStorage) -> None:
        self._clock = clock
        self._storage = storage
        self._ledger = SessionLedger(clock=clock, storage=storage, tell=self._tell, changed=self._changed)
        self._book = self._ledger.book
        self._wallet: Wallet | None = None
        self._keys_sealed = True
        self._emitter = Emitter[[dict[str, Any]]](SESSION_EVENTS)
        self._listeners = Listeners[[]]()
        self._extending: dict[str, asyncio.Task[bool]] = {}
        self._telling: asyncio.Task[None] | None = None
        self._planned = asyncio.Event()  # the next moment may have changed
        self._monitor: asyncio.Task[None] | None = None
        self._storage_end: Unsubscribe | None = None
        self._wallet_end: Unsubscribe | None = None

    # Life

    def start(self, expired: Iterable[WalletSession] = ()) -> None:
        """Show what is stored, before any client.

        ``expired``: what ended while the page was closed. It is told later, unless the client knows of more time.
        """
        self._ledger.missed |= {session.topic: session for session in expired}
        if self._monitor is None:
            self._ledger.open(None)
            self._ledger.read_choice()
            self._storage_end = self._storage.subscribe(self._ledger.follow_storage)
            self._monitor = asyncio.ensure_future(keep_on(self._clock, "The session monitor", self._watch))
            self._changed()

    async def initialize(self, wallet: Wallet) -> None:
        """Follow ``wallet`` from now on, in place of an earlier one, and reconcile with it.

        Raises ``WalletError`` where it cannot list its sessions.
        """
        self.start()
        if self._wallet is not wallet:
            self._drop_wallet()
            self._wallet = wallet
            self._ledger.open(wallet)
            self._wallet_end = wallet.subscribe(self._ledger.on_event)
            self._telling = asyncio.ensure_future(self._tell_untold(wallet))
        try:
            self._keys_sealed = wallet.keys_sealed()
            await self.reconcile()
        except Exception:
            self._drop_wallet()
            raise

    async def destroy(self) -> None:
        """Stop everything, once what was to be written is. Nothing is deleted; ``initialize`` begins anew."""
        self._drop_wallet()
        if self._storage_end is not None:
            self._storage_end()
            self._storage_end = None
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.cancel()
            await asyncio.wait({monitor})
        try:
            await within(self._clock, HOUSEKEEPING_LIMIT, self._ledger.writer.flush())
        except TimeoutError:
            _log.warning("Sessions were not stored in time; what is left is given up.")
            self._ledger.writer.cancel()

    # What hosts ask

    def on(self, name: str, listener: Callable[[dict[str, Any]], object]) -> Unsubscribe:
        """Call ``listener(event)`` on each event ``name`` of ``SESSION_EVENTS``; return what ends that."""
        return self._emitter.on(name, listener)

    def off(self, name: str, listener: Callable[[dict[str, Any]], object]) -> None:
        """Remove ``listener`` from the event ``name``."""
        self._emitter.off(name, listener)

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call ``listener()`` after each change of what the getters return."""
        return self._listeners.add(listener)

    def get_active_sessions(self) -> list[WalletSession]:
        """Return the sessions that are active or being restored."""
        return self._book.usable()

    def get_all_sessions(self) -> list[WalletSession]:
        """Return every known session, also those that need reconnect."""
        return self._book.known()

    def get_session(self, topic: str) -> WalletSession | None:
        """Return the known session with the topic, or None."""
        return self._book.find(topic)

    def get_primary_session(self) -> WalletSession | None:
        """Return the usable session that the user chose, else the one used last."""
        return self._book.primary()

    def has_session(self, topic: str | None = None) -> bool:
        """Return whether there is a usable session, or whether the one with ``topic`` is."""
        return any(topic in (None, session.topic) for session in self._book.usable())

    def is_session_expired(self, session: WalletSession) -> bool:
        """Return whether the session has ended."""
        return is_expired(session, self._clock.now())

    def session_status(self, topic: str) -> SessionStatus | None:
        """Return what the session is good for now; None for an unknown topic."""
        session = self._book.find(topic)
        return None if session is None else self._book.status(session)

    def get_session_stats(self) -> SessionStats:
        """Return the sessions in figures."""
        return self._book.stats()

    @property
    def live_topics(self) -> tuple[str, ...]:
        """The topics of the sessions that the client lists."""
        return tuple(self._book.live)

    @property
    def has_client(self) -> bool:
        """Whether a client is there and has been asked for its sessions."""
        return self._book.asked

    @property
    def keys_in_clear(self) -> bool:
        """Whether the client keeps its keys elsewhere than in the encrypted storage of this package."""
        return self._wallet is not None and not self._keys_sealed

    # What users do

    async def set_primary(self, topic: str | None) -> None:
        """Make the session the primary one, on the next visit too; None leaves the choice to the last use."""
        if topic is not None and self._book.find(topic) is None:
            raise _unknown(topic)
        self._book.chosen = topic
        self._changed()
        notes = {name: value for name, value in self._storage.notes.items() if name != "primary"}
        await self._storage.store_notes(notes if topic is None else {**notes, "primary": topic})

    async def extend_session(self, topic: str) -> bool:
        """Extend the session; return True once the wallet has acknowledged. A call that runs already is joined.

        Raises ``WalletError`` after 15 s at the latest: ``refused``, ``unknown`` (no answer yet; a late one is told
        as ``session_updated``), ``expired``, ``gone``, ``unreachable`` or ``client``.
        """
        running = self._extending.get(topic)
        if running is None:
            running = self._extending[topic] = asyncio.ensure_future(self._extend(topic))
            running.add_done_callback(lambda task: self._extend_ended(topic, task))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if running.cancelled():
                raise NotStartedError("The extend was given up: the session service was stopped.") from None
            raise

    async def _extend(self, topic: str) -> bool:
        wallet = self._need_live(topic)
        try:
            expiry = await within(self._clock, EXTEND_LIMIT, wallet.extend(topic, EXTEND_LIMIT))
        except TimeoutError as error:
            raise WalletError(
                f"Session {topic[:8]}: the wallet has not answered. It may still extend the session.", code="unknown"
            ) from error
        except WalletError as error:
            if error.code == "gone":
                self.look()
            raise
        if not self._ledger.extended(topic, seconds(expiry)):
            raise WalletError(f"Session {topic[:8]} has ended while it was being extended.", code="gone")
        await self._ledger.writer.flush()
        return True

    def _extend_ended(self, topic: str, task: asyncio.Task[bool]) -> None:
        if self._extending.get(topic) is task:
            del self._extending[topic]
        if not task.cancelled():
            task.exception()  # each caller has its own; one that went away leaves it unread

    async def disconnect_session(self, topic: str) -> None:
        """End the session: tell the wallet (10 s at most), then delete it here in any case. Already gone is success.

        With no client yet it is deleted at once, and the next client that lists it tells the wallet.
        """
        known = self._book.find(topic) is not None
        if topic in self._book.live or (known and not self._book.asked):
            if self._wallet is None:
                self._ledger.untold.add(topic)
            else:
                await self._disconnect(self._wallet, topic)
        self._ledger.end(topic, "session_deleted", {"by": "user"})
        await self._ledger.writer.flush()

    async def _disconnect(self, wallet: Wallet, topic: str) -> None:
        try:
            await within(self._clock, DISCONNECT_LIMIT, wallet.disconnect(topic, DISCONNECT_LIMIT))
        except (WalletError, TimeoutError) as error:
            _log.info("A session is deleted here; its wallet was not told: %s", loggable(error))

    async def _tell_untold(self, wallet: Wallet) -> None:
        """Have the client end what was ended before it came."""
        try:
            for topic in {str(session.get("topic")) for session in wallet.sessions()} & self._ledger.untold:
                await self._disconnect(wallet, topic)
                self._ledger.untold.discard(topic)
        except WalletError as error:
            _log.info("The client could not be asked what it still has: %s", loggable(error))

    async def ping_session(self, topic: str) -> float:
        """Return the seconds the wallet took to answer; ``WalletError`` with ``unknown`` after 10 s."""
        wallet = self._need_live(topic)
        start = self._clock.steady()
        try:
            await within(self._clock, PING_LIMIT, wallet.ping(topic, PING_LIMIT))
        except TimeoutError as error:
            raise WalletError(f"Session {topic[:8]}: the wallet has not answered.", code="unknown") from error
        except WalletError as error:
            if error.code == "gone":
                self.look()
            raise
        latency = self._clock.steady() - start
        self._ledger.used(topic)
        return latency

    async def reconcile(self) -> tuple[str, ...]:
        """Bring book and storage in agreement with the client; return the topics that live.

        Raises ``WalletError`` where the client cannot list its sessions.
        """
        wallet = self._wallet
        if wallet is None:
            return ()
        self._ledger.reconcile()
        try:
            await within(self._clock, HOUSEKEEPING_LIMIT, wallet.remove_stale_pairings())
        except (WalletError, TimeoutError) as error:
            _log.warning("Stale pairings could not be removed: %s", loggable(error))
        await self._ledger.writer.flush()
        return self.live_topics

    def look(self) -> None:
        """Compare the book with the client's list now; a client that cannot list its sessions is only logged."""
        try:
            self._ledger.reconcile()
        except WalletError as error:
            _log.warning("The client's sessions could not be read: %s", loggable(error))

    def end_from_tab(self, topic: str) -> None:
        """Take over that the session was deleted in another page."""
        self._ledger.end(topic, "session_deleted", {"by": "tab"})

    # Within

    def _need_wallet(self, topic: str) -> Wallet:
        if self._wallet is None:
            raise WalletError(f"Session {topic[:8]}: the wallet client is not there yet.", code="client")
        return self._wallet

    def _need_live(self, topic: str) -> Wallet:
        session = self._book.find(topic)
        if session is None:
            raise _unknown(topic)
        match self._book.status(session):
            case SessionStatus.EXPIRED:
                raise WalletError(f"Session {topic[:8]} has expired. Connect the wallet again.", code="expired")
            case SessionStatus.NEEDS_RECONNECT:
                raise WalletError(f"Session {topic[:8]} has no keys here. Connect the wallet again.", code="gone")
            case _:
                return self._need_wallet(topic)

    def _drop_wallet(self) -> None:
        if self._wallet_end is not None:
            self._wallet_end()
            self._wallet_end = None
        self._wallet = None
        for task in (*self._extending.values(), self._telling):
            if task is not None:
                task.cancel()
        self._telling = None
        self._ledger.open(None)
        self._changed()

    async def _watch(self) -> None:
        """Look at the book when a status next changes by itself."""
        self._planned.clear()
        moment = self._book.next_moment()
        if moment is None:
            await self._planned.wait()
            return
        try:
            await before(self._clock, moment, self._planned.wait())
        except TimeoutError:
            self._ledger.expire_due()
            self._changed()

    def _tell(self, name: str, topic: str | None, params: dict[str, Any]) -> None:
        self._emitter.emit(name, {"topic": topic, "params": params, "timestamp": self._clock.now()})

    def _changed(self) -> None:
        self._planned.set()
        self._listeners.call()


def _unknown(topic: str) -> WalletError:
    return WalletError(f"There is no session {topic[:8]}.", code="gone")
