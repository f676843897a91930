"""What happens to sessions: the client's word is taken, sessions come, change and end, and each happening is told once.

It does not matter whether a happening comes as an event, twice, late, from another page, by the clock, or only shows
in the client's list at the next look. What is left to remember goes to the storage by the writer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .error_text import presentable
from .errors import NotStartedError, RenvaultError, WalletError
from .session import SESSION_PERIOD, WalletSession, is_expired, is_local, parse_session, to_json
from .session_book import SessionBook
from .session_changes import Redeliveries, after_wallet_event, changes_between, merged
from .session_writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .ports import Clock, Json, Wallet
    from .storage import EncryptedSessionStorage

_log = logging.getLogger(__name__)

LONE_DELETE_WAIT = 0.5
"""Seconds to wait for the ``session_expire`` that follows a delete of the client's own; it comes in the same turn."""

_MEANT = ("user", "wallet", "tab")  # who ends a session knowing of it; others find it gone


class SessionLedger:
    """Keeps ``book`` and storage in agreement with a client.

    ``tell(name, topic, params)`` is called for each happening, ``changed()`` after each change of the book.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        storage: EncryptedSessionStorage,
        tell: Callable[[str, str | None, dict[str, Any]], None],
        changed: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._storage = storage
        self._tell = tell
        self._changed = changed
        self.writer = SessionWriter(storage=storage, report=self._report)
        self.book = SessionBook(clock=clock, storage=storage, is_leaving=self._is_leaving)
        self.missed: dict[str, WalletSession] = {}
        """What ended while the page was closed, as far as was stored; the next look at a client tells."""
        self.untold: set[str] = set()
        """What was ended with no client that could tell the wallet; the next client is not taken at its word there."""
        self._wallet: Wallet | None = None
        self._ended_of: Wallet | None = None  # whose stale sessions ``book.ended`` keeps away
        self._redeliveries = Redeliveries()
        self._client_expiry: dict[str, float] = {}  # as the client last said it
        self._lone: dict[str, tuple[asyncio.Task[None], WalletSession]] = {}  # deleted by the client, why is not known

    def open(self, wallet: Wallet | None) -> None:
        """Begin anew with ``wallet``, which has not been asked yet."""
        self._wallet = wallet
        if wallet is not None and wallet is not self._ended_of:
            self._ended_of = wallet
            self.book.ended = set(self.untold)
        self._redeliveries = Redeliveries()
        self._client_expiry.clear()
        for task, _ in self._lone.values():
            task.cancel()
        self._lone.clear()
        self.book.open()

    # What the client tells

    def on_event(self, event: Json) -> None:
        """Take one event of the client."""
        name, topic = event.get("event"), event.get("topic")
        if name == "session_error":
            self._error(topic if isinstance(topic, str) else None, str(event.get("message") or "Unknown error."))
        elif isinstance(topic, str) and not self._redeliveries.is_one(event):
            match name:
                case "session_connect" | "session_update" | "session_extend":
                    self._take(self._parsed([event.get("session")]), settled=name == "session_connect")
                case "session_delete" if event.get("id"):
                    self.end(topic, "session_deleted", {"by": "wallet"})
                case "session_delete":
                    self._on_lone_delete(topic)
                case "session_expire":
                    self._on_expire(topic)
                case "session_event":
                    self._on_wallet_event(topic, event.get("params"))

    def reconcile(self) -> None:
        """Look at all that the client lists. Raises ``WalletError`` where it cannot list it."""
        if self._wallet is None:
            return
        data = self._wallet.sessions()
        first, self.book.asked = not self.book.asked, True
        self._take(self._parsed(data))
        self.expire_due()
        listed = {session.get("topic") for session in data}
        for topic in [topic for topic in self.book.live if topic not in listed]:
            self._end_of_client(topic)
        self._tell_missed()
        if first:
            self._changed()

    def _tell_missed(self) -> None:
        missed, self.missed = self.missed, {}
        for topic, session in missed.items():
            if self.book.find(topic) is None:
                self.book.ended.add(topic)
                self._tell("session_expired", topic, {"expiry": session.expiry})

    def _parsed(self, listed: Iterable[object]) -> list[WalletSession]:
        sessions = []
        for data in listed:
            if data is None:  # gone already when the client told us
                continue
            try:
                sessions.append(parse_session(data))
            except WalletError as error:
                self._error(None, str(error))
        return sessions

    def _take(self, sessions: Iterable[WalletSession], *, settled: bool = False) -> None:
        """Take the client's word for these sessions; what is new is told once all of it stands."""
        book, now = self.book, self._clock.now()
        told: list[tuple[str, WalletSession, dict[str, Any]]] = []
        changed = False
        for client in sessions:
            topic = client.topic
            if topic in book.ended or topic in self._lone:
                continue
            known, was_live = book.find(topic) or self.missed.get(topic), topic in book.live
            session = merged(client, known, told=was_live)
            if known is not None and self._client_expiry.get(topic) == client.expiry:
                session = session.with_expiry(known.expiry)  # another page extended it; this client cannot know yet
            if is_expired(session, now):
                if not self._lives_elsewhere(topic):
                    self.end(topic, "session_expired", {"expiry": session.expiry})
                continue
            self._client_expiry[topic] = client.expiry
            book.live[topic] = session
            changes = changes_between(known, session) if known is not None else []
            changed = changed or bool(changes) or not was_live
            if known is None or (settled and not was_live):
                self.writer.store(session, used_at=now)
                told.append(("session_created", session, {}))
            elif changes or book.is_imported(topic):
                self.writer.store(session)
                if was_live:
                    told.append(("session_updated", session, {"changed": changes}))
        for name, session, params in told:
            self._tell(name, session.topic, {"session": to_json(session), **params})
        if changed:
            self._changed()
        self._retire_known_accounts()

    def _retire_known_accounts(self) -> None:
        """Let the known accounts leave that live in a session again: they were waiting for one."""
        live = {account for session in self.book.live.values() for account in session.accounts}
        waiting = [known for known in self.book.known() if is_local(known) and known.accounts] if live else []
        for known in waiting:
            if live.issuperset(known.accounts):
                self.end(known.topic, "session_deleted", {"by": "reconnect"})

    def _on_lone_delete(self, topic: str) -> None:
        """Wait whether the client tells why it deleted the session; meanwhile it is not shown."""
        session = self.book.live.pop(topic, None)
        if session is not None:
            self._lone[topic] = (asyncio.ensure_future(self._end_lone(topic)), session)
            self._changed()

    async def _end_lone(self, topic: str) -> None:
        await self._clock.sleep(LONE_DELETE_WAIT)
        self._put_back(topic)
        self._end_of_client(topic)

    def _put_back(self, topic: str) -> None:
        if topic in self._lone:
            task, self.book.live[topic] = self._lone.pop(topic)
            if task is not asyncio.current_task():
                task.cancel()

    def _on_expire(self, topic: str) -> None:
        self._put_back(topic)
        session = self.book.find(topic)
        if session is not None and not self._lives_elsewhere(topic):
            self.end(topic, "session_expired", {"expiry": session.expiry})

    def _end_of_client(self, topic: str) -> None:
        """Let a session leave that the client has lost, why is not known."""
        if not self._lives_elsewhere(topic):
            self.end(topic, "session_deleted", {"by": "client"})

    def _lives_elsewhere(self, topic: str) -> bool:
        """Return whether another page has extended the session beyond this client's own end, which has come.

        Then it is over for this client alone: it is not live here any more, and its record stays.
        """
        session = self.book.find(topic)
        if session is None or not self._client_expiry.get(topic, 0.0) <= self._clock.now() < session.expiry:
            return False
        self._client_expiry.pop(topic, None)
        if self.book.live.pop(topic, None) is not None:
            self._changed()
        return True

    def _on_wallet_event(self, topic: str, params: object) -> None:
        session = self.book.live.get(topic)
        if session is not None:
            self._replace(session, after_wallet_event(session, params))
            self._tell("session_event", topic, dict(params) if isinstance(params, Mapping) else {})

    # What is done here

    def _replace(self, before: WalletSession, after: WalletSession, *, store: bool = True) -> None:
        """Put ``after`` in the place of the live session ``before``; told if it differs."""
        changes = changes_between(before, after)
        if changes:
            self.book.live[after.topic] = after
            if store:
                self.writer.store(after)
            self._tell("session_updated", after.topic, {"session": to_json(after), "changed": changes})
            self._changed()

    def extended(self, topic: str, expiry: float) -> bool:
        """Take over an extend that the wallet has acknowledged; False where the session has ended meanwhile."""
        session = self.book.live.get(topic)
        if session is None:
            return False
        session = self.book.live[topic] = session.with_expiry(expiry)
        self._client_expiry[topic] = expiry
        self.writer.store(session, used_at=self._clock.now())
        self._tell("session_updated", topic, {"session": to_json(session), "changed": ["expiry"]})
        self._changed()
        return True

    def used(self, topic: str) -> None:
        """Remember that the session was used now."""
        session = self.book.live.get(topic)
        if session is not None:
            self.writer.store(session, used_at=self._clock.now())

    def end(self, topic: str, name: str, params: dict[str, Any]) -> None:
        """Let the session leave, once, whoever says so. Its record goes, too, if it cannot be read."""
        self._put_back(topic)
        if self.book.find(topic) is None:
            if params.get("by") in _MEANT:
                self.writer.remove(topic)
            return
        self.writer.remove(topic)
        if topic in self.book.ended:  # told already; the removal of its record failed
            return
        self.book.ended.add(topic)
        self.book.live.pop(topic, None)
        self._client_expiry.pop(topic, None)
        self._tell(name, topic, params)
        self._changed()

    def expire_due(self) -> None:
        """Let those sessions leave whose time is over, unless the client knows of more time."""
        for session in self.book.due():
            expiry = self._listed_expiry(session.topic)
            if expiry is not None and expiry > self._clock.now():
                self._client_expiry[session.topic] = expiry
                self._replace(session, session.with_expiry(expiry))
            else:
                self.end(session.topic, "session_expired", {"expiry": session.expiry})

    def _listed_expiry(self, topic: str) -> float | None:
        if self._wallet is None or topic not in self.book.live:
            return None
        try:
            listed = [parse_session(data) for data in self._wallet.sessions() if data.get("topic") == topic]
        except RenvaultError:
            return None
        return listed[0].expiry if listed else None

    # What another page did

    def follow_storage(self) -> None:
        """Take over what another page stored: the user's choice, and extends of sessions that live here too."""
        self.read_choice()
        for session in list(self.book.live.values()):
            stored = None if self.writer.is_pending(session.topic) else self._storage.stored_session(session.topic)
            if stored is None or stored.imported:
                continue
            expiry = min(stored.session.expiry, self._clock.now() + SESSION_PERIOD)  # no extend gives more
            if expiry > session.expiry:
                self._replace(session, session.with_expiry(expiry), store=False)
        if self.writer.idle:  # else it was we who wrote
            try:
                self.reconcile()
            except WalletError as error:
                _log.warning("The client could not be compared with what another page stored: %s", error)
        self._changed()

    def read_choice(self) -> None:
        """Read which session the user made primary."""
        try:
            chosen = self._storage.notes.get("primary")
        except NotStartedError:
            return
        self.book.chosen = chosen if isinstance(chosen, str) else None

    # Within

    def _is_leaving(self, topic: str) -> bool:
        return topic in self._lone or self.writer.is_removing(topic)

    def _report(self, topic: str, error: RenvaultError) -> None:
        self._tell("session_error", topic, {"message": str(error), "code": error.code})
        self._changed()

    def _error(self, topic: str | None, message: str) -> None:
        self._tell("session_error", topic, {"message": presentable(message), "code": "wallet"})
