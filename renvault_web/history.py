"""EventHistory: what happened on this page and the last few, so that "why was I disconnected?" has an answer.

Each page writes one sealed record of its own, under ``rvh1.`` + when it was opened (13 digits, epoch milliseconds) +
``-`` + 8 random hex digits: pages that live at the same time never write over each other. Writes are gathered for a
moment. The history is a help and never in the way: where the store is full, older pages' go, then it stays in memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Any

from .chronicle import HistoryEntry, entry, explain, explanations, from_body, to_body
from .errors import CorruptRecordError, StorageError, StorageFullError
from .integration import SESSION_EVENTS
from .reconnect import ConnectionState
from .record import HISTORY_PREFIX, Purpose, pack
from .sealing import open_named, seal
from .stored import stored_size
from .texts import keys_under, next_time, texts_under
from .timing import answered_within

if TYPE_CHECKING:
    from collections.abc import Callable

    from .integration import WalletKitSessionIntegration
    from .ports import Cipher, Clock, Json, Storage, Unsubscribe
    from .reconnection import AutomaticReconnectionService
    from .storage import EncryptedSessionStorage

MAX_PAGES = 5
"""Pages whose records are kept, this one included."""

MAX_ENTRIES = 300
"""Entries that are kept of all pages together."""

WRITE_AFTER = 2.0
"""Seconds in which what happens is gathered before it is written."""

URGENT = frozenset({"session_deleted", "session_expired", "connection"})
"""What a user may ask for right after the next load of the page."""

WRITE_URGENT_AFTER = 0.1
"""Seconds in which these are gathered: what is sealed while the page goes is lost."""

WRITE_LIMIT = 5.0
"""Seconds that one reading or writing may take."""

_log = logging.getLogger(__name__)


class EventHistory:
    """The history of this browser, as this page sees it.

    Args:
        storage: where the records lie.
        cipher: what seals and opens them.
        clock: what says when something happened.
        sessions: the session storage over the same store, whose limit holds for the history too.

    """

    def __init__(
        self, *, storage: Storage, cipher: Cipher, clock: Clock, sessions: EncryptedSessionStorage | None = None
    ) -> None:
        self._sessions = sessions
        self._storage = storage
        self._cipher = cipher
        self._clock = clock
        self._key: str | None = None  # this page's record
        self._is_open = False
        self._others: list[HistoryEntry] = []  # of the other pages, as read last
        self._own: deque[HistoryEntry] = deque(maxlen=MAX_ENTRIES)
        self._unwritten = False
        self._is_urgent = False  # and a write is on its way
        self._writing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._ends: list[Unsubscribe] = []
        self._connection: str | None = None  # as noted last
        self._told_failure = False

    # Life

    async def open(self) -> None:
        """Read what earlier pages noted, keep the last of them, and begin to write. Never raises for a bad store."""
        if self._key is None:
            self._key = self._new_key()
            self.note("page_started")
        await self.read()
        self._is_open = True
        self._remove_oldest(MAX_PAGES - 1)
        self._plan()

    async def flush(self) -> None:
        """Write now what is not written yet, where the store takes it; at most 5 s."""
        if self._writing is not asyncio.current_task():
            self._stop_writing()
        try:
            await answered_within(self._clock, WRITE_LIMIT, self._write())
        except StorageError as error:
            self._tell_failure(error)

    def close(self) -> None:
        """Follow nothing and write nothing more; what is not written is lost unless ``flush`` was awaited before."""
        self._is_open = False
        for end in self._ends:
            end()
        self._ends.clear()
        self._stop_writing()

    def forget(self) -> None:
        """Close, and know nothing of what was noted; ``open`` begins anew."""
        self.close()
        self._own.clear()
        self._others = []
        self._key = self._connection = None
        self._unwritten = False

    # What happens

    def note(self, kind: str, **facts: object) -> None:
        """Remember that something happened. ``facts`` are plain; a ``topic`` is kept as a pseudonym."""
        noted = entry(self._clock.now(), kind, facts)
        self._own.append(noted)
        self._unwritten = True
        _log.debug("%s %s", noted.kind, " ".join(f"{name}={value}" for name, value in noted.facts.items()))
        if self._is_open and kind in URGENT and not self._is_urgent:
            self._start_writing(WRITE_URGENT_AFTER)
            self._is_urgent = True
        self._plan()

    def follow(
        self, integration: WalletKitSessionIntegration, reconnection: AutomaticReconnectionService
    ) -> Unsubscribe:
        """Note the connection's state and each new one, and the sessions' events; the result or ``close`` ends it."""
        ends = [integration.on(name, self._session_noter(name)) for name in SESSION_EVENTS]
        ends.append(reconnection.subscribe(lambda: self._note_connection(reconnection)))
        if reconnection.get_status().state is not ConnectionState.STOPPED:  # not begun yet, at first
            self._note_connection(reconnection)

        def end() -> None:
            for one in ends:
                one()

        self._ends.append(end)
        return end

    def set_visible(self, *, visible: bool) -> None:
        """Note that the page is shown or hidden. A hidden page may end at any time, so it writes at once."""
        self.note("page_shown" if visible else "page_hidden")
        if not visible and self._is_open:
            self._start_writing(0.0)

    # What is asked

    def entries(self) -> tuple[HistoryEntry, ...]:
        """Return the last entries of this page and the others, the oldest first."""
        return tuple(sorted([*self._others, *self._own], key=lambda noted: noted.at)[-MAX_ENTRIES:])

    def explain(self) -> tuple[str, ...]:
        """Answer "why was I disconnected?" in plain lines, the latest first."""
        return explain(self.entries(), self._clock.now())

    def lines(self) -> list[tuple[float, str]]:
        """Return the lines of ``explain``, each with its time for itself, epoch seconds."""
        return explanations(self.entries())

    async def read(self) -> None:
        """Read what the other pages have noted; never raises for a bad store."""
        try:
            await answered_within(self._clock, WRITE_LIMIT, self._read())
        except StorageError as error:
            self._tell_failure(error)

    # Within

    def _session_noter(self, name: str) -> Callable[[Json], None]:
        def note(event: dict[str, Any]) -> None:
            params = event["params"]
            facts = {fact: params[fact] for fact in ("by", "code", "message") if isinstance(params.get(fact), str)}
            self.note(name, topic=event["topic"], **(facts if name != "session_event" else {}))

        return note

    def _note_connection(self, reconnection: AutomaticReconnectionService) -> None:
        status = reconnection.get_status()
        # An attempt that runs is still the loss that it wants to end.
        state = ConnectionState.WAITING if status.state is ConnectionState.ATTEMPTING else status.state
        if state.value != self._connection:
            self._connection = state.value
            facts = {"cause": status.cause, "error": status.last_error, "attempts": status.attempt_count or None}
            self.note("connection", state=state.value, **{name: fact for name, fact in facts.items() if fact})

    def _new_key(self) -> str:
        now = self._clock.now()
        try:
            at = next_time(self._storage, HISTORY_PREFIX, now)
        except StorageError:  # told by what reads
            at = int(now * 1000)
        return f"{HISTORY_PREFIX}{at:013d}-{os.urandom(4).hex()}"

    def _keys(self) -> list[str]:
        """Return the storage keys of the other pages' records, the oldest first."""
        return sorted(key for key in keys_under(self._storage, HISTORY_PREFIX) if key != self._key)

    async def _read(self) -> None:
        keys = self._keys()[-(MAX_PAGES - 1) :]
        opened = await open_named(self._cipher, texts_under(self._storage, keys), Purpose.HISTORY)
        self._others = [noted for data in opened.values() for noted in _entries(data)]

    def _remove_oldest(self, keep: int) -> None:
        try:
            keys = self._keys()
            for key in keys[: max(0, len(keys) - keep)]:
                self._storage.remove(key)
        except StorageError as error:
            self._tell_failure(error)
        self._tell_size()

    def _plan(self) -> None:
        if self._is_open and self._unwritten and self._writing is None:
            self._start_writing(WRITE_AFTER)

    def _start_writing(self, delay: float) -> None:
        self._stop_writing()
        self._writing = asyncio.ensure_future(self._write_after(delay))

    def _stop_writing(self) -> None:
        self._is_urgent = False
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    async def _write_after(self, delay: float) -> None:
        if delay:
            await self._clock.sleep(delay)
        self._is_urgent = False
        try:
            await self.flush()
        finally:
            if self._writing is asyncio.current_task():
                self._writing = None
        if not self._told_failure:
            self._plan()  # what was noted meanwhile

    async def _write(self) -> None:
        async with self._lock:
            if self._key is None or not self._unwritten:
                return
            self._unwritten = False
            try:
                [text] = await seal(self._cipher, [(self._key, Purpose.HISTORY, pack(to_body(self._own)))])
                self._put(self._key, text)
                self._told_failure = False
            except BaseException:
                self._unwritten = True
                raise

    def _put(self, key: str, text: str) -> None:
        try:
            self._set(key, text)
        except StorageFullError:
            self._remove_oldest(0)
            self._set(key, text)

    def _set(self, key: str, text: str) -> None:
        more = stored_size(key, text) - stored_size(key, self._storage.get(key))
        if self._sessions and more > self._sessions.room():
            raise StorageFullError("The event history has no room.")
        self._storage.set(key, text)
        self._tell_size()

    def _tell_size(self) -> None:
        if self._sessions:
            self._sessions.others_changed()

    def _tell_failure(self, error: Exception) -> None:
        if not self._told_failure:
            self._told_failure = True
            _log.info("The event history stays in memory for now: %s", error)


def _entries(data: Json | CorruptRecordError) -> list[HistoryEntry]:
    """Return a record's entries; none where it cannot be read: what is lost then is a help, not a session."""
    try:
        return [] if isinstance(data, CorruptRecordError) else from_body(data, MAX_ENTRIES)
    except CorruptRecordError:
        return []
