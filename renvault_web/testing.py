"""Stand-ins for the outside: a clock moved by hand, a network, tabs and a wallet that do as they are told.

For tests of ours and of hosts. Each passes the same contract suite as the real adapter in ``renvault_web.browser``.
"""

from __future__ import annotations

import asyncio
import copy
import heapq
import itertools
import json
from typing import TYPE_CHECKING, Literal, TypeAlias

from .errors import WalletError
from .events import Listeners
from .ports import Clock, Json, Unsubscribe
from .session import SESSION_PERIOD
from .testing_files import FakePassphraseFile as FakePassphraseFile
from .testing_sdk import FakeSdkStore as FakeSdkStore
from .testing_stores import FakeCipher as FakeCipher
from .testing_stores import MemoryStorage as MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

START = 1_700_000_000.0
"""Where a ManualClock begins, epoch seconds."""

_TURNS = 50
"""Turns of the event loop that ``settle`` allows: more than the deepest chain of awaits here needs."""


async def settle() -> None:
    """Let every task run that can run without time passing."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class ManualClock:
    """A Clock that stands still until ``advance``."""

    def __init__(self, now: float = START) -> None:
        self._zero = now
        self._steady = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Return the wall clock, epoch seconds."""
        # Rounded to the microsecond, so that tests can compare sums of delays exactly.
        return round(self._zero + self._steady, 6)

    def steady(self) -> float:
        """Return the seconds advanced so far; jumps of the wall clock do not count."""
        return self._steady

    async def sleep(self, seconds: float) -> None:
        """Return once ``advance`` has brought the clock that far."""
        woken = asyncio.get_running_loop().create_future()
        # To the microsecond, as the clock shows it; never none at all, or a loop of tiny sleeps would not end.
        pause = max(round(seconds, 6), 1e-6 if seconds > 0 else 0.0)
        heapq.heappush(self._sleepers, (round(self._steady + pause, 6), next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass: sleepers wake in order, each at its own time, and run before the next one wakes."""
        await settle()
        end = round(self._steady + seconds, 6)
        while self._sleepers and self._sleepers[0][0] <= end:
            when, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self._steady = max(when, self._steady)
                woken.set_result(None)
                await settle()
        self._steady = end
        await settle()

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as a device does that was asleep or has its clock set."""
        self._zero += seconds

    @property
    def sleeping(self) -> int:
        """How many sleeps are pending: a test of what a service leaves behind."""
        return sum(not woken.done() for _, _, woken in self._sleepers)


class FakeNetwork:
    """A Network whose word (``online``) and truth (``reachable``) are set by the test."""

    def __init__(self, *, online: bool = True, reachable: bool = True) -> None:
        self.reachable = reachable
        self.checks = 0
        self._online = online
        self._listeners = Listeners[[bool]]()

    def online(self) -> bool:
        """Return what was said last."""
        return self._online

    async def check(self) -> bool:
        """Return ``reachable``."""
        self.checks += 1
        await asyncio.sleep(0)
        return self.reachable

    def subscribe(self, listener: Callable[[bool], None]) -> Unsubscribe:
        """Call ``listener`` on each ``say``."""
        return self._listeners.add(listener)

    def say(self, online: bool, *, reachable: bool | None = None) -> None:
        """Fire an online or offline event; the truth follows unless ``reachable`` says otherwise."""
        self._online = online
        self.reachable = online if reachable is None else reachable
        self._listeners.call(online)

    @property
    def listeners(self) -> int:
        """How many listeners are subscribed."""
        return len(self._listeners)


class FakeTabs:
    """One page's Tabs; ``another()`` opens a further page on the same origin."""

    def __init__(self, _origin: list[FakeTabs] | None = None) -> None:
        self._origin = [] if _origin is None else _origin
        self._origin.append(self)
        self._listeners = Listeners[[Json]]()

    def another(self) -> FakeTabs:
        """Return the Tabs of a further page."""
        return FakeTabs(self._origin)

    def post(self, message: Json) -> None:
        """Send a copy of ``message`` to the other pages, a little later."""
        text = json.dumps(message)
        for tab in self._origin:
            if tab is not self:
                asyncio.get_running_loop().call_soon(tab.receive, text)

    def receive(self, text: str) -> None:
        """Take a message of another page; what is not a JSON object is dropped."""
        try:
            message = json.loads(text)
        except ValueError:
            return
        if isinstance(message, dict):
            self._listeners.call(message)

    def subscribe(self, listener: Callable[[Json], None]) -> Unsubscribe:
        """Call ``listener`` for each message of another page."""
        return self._listeners.add(listener)

    @property
    def listeners(self) -> int:
        """How many listeners are subscribed."""
        return len(self._listeners)


def fake_session(topic: str, expiry: float, **changes: object) -> Json:
    """Return a session as a Wallet lists it; ``changes`` replace fields."""
    account = "stacks:1:SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7"
    metadata = {"name": "Fake Wallet", "description": "For tests", "url": "https://wallet.example", "icons": []}
    return {
        "topic": topic,
        "pairingTopic": "f" * 64,
        "peer": {"publicKey": "e" * 64, "metadata": metadata},
        "expiry": expiry,
        "accounts": [account],
        "namespaces": {"stacks": {"accounts": [account], "chains": ["stacks:1"], "methods": [], "events": []}},
        **changes,
    }


Outcome: TypeAlias = Literal["ok", "hang", "silent"] | Exception
"""What a call of a FakeWallet comes to: success, no end at all, no answer within its limit, or that error."""


class FakeWallet:
    """A Wallet with its relay and its peer in one hand.

    Calls succeed while the relay is there, unless ``script`` says otherwise. Not held, the client comes back by
    itself as soon as the relay does, as the SDK's own loop would; held, it waits for ``open``.
    """

    def __init__(
        self, clock: Clock, sessions: Iterable[Json] = (), *, connected: bool = True, holdable: bool = True
    ) -> None:
        self.opens = 0
        self.proofs = 0
        self.calls: list[tuple[str, str]] = []
        self.held = False
        self.approves_extend = True
        self.keeps_keys_sealed = True
        self.stale_pairings = 0
        self._clock = clock
        self._sessions = {session["topic"]: copy.deepcopy(session) for session in sessions}
        self._holdable = holdable
        self._connected = connected
        self._suspect = False  # connected, but a proof has failed
        self._relay_is_up = connected
        self._ids = itertools.count(1_700_000_000_000_001)
        self._scripts: dict[str, list[Outcome]] = {}
        self._listeners = Listeners[[Json]]()

    # The port

    def sessions(self) -> list[Json]:
        """Return copies of the sessions the client lists."""
        return copy.deepcopy(list(self._sessions.values()))

    def subscribe(self, listener: Callable[[Json], None]) -> Unsubscribe:
        """Call ``listener(event)`` for each event emitted."""
        return self._listeners.add(listener)

    async def extend(self, topic: str, limit: float) -> float:
        """Extend by seven days from now, if the peer approves."""
        self._know(topic)
        await self._call("extend", topic, limit, code="unknown")
        if not self.approves_extend:
            await self._no_answer(limit, "unknown")
        self._know(topic)  # it may have ended meanwhile
        return self._extended(topic)

    async def disconnect(self, topic: str, limit: float) -> None:
        """Tell the peer if it can be told, and delete."""
        try:
            await self._call("disconnect", topic, limit, code="unknown")
        except WalletError:
            pass  # the peer was not told; the session is deleted all the same
        finally:
            self._sessions.pop(topic, None)

    async def ping(self, topic: str, limit: float) -> None:
        """Return when the peer answers."""
        self._know(topic)
        await self._call("ping", topic, limit, code="unknown")

    async def remove_stale_pairings(self) -> int:
        """Return ``stale_pairings`` and forget them."""
        removed, self.stale_pairings = self.stale_pairings, 0
        return removed

    def keys_sealed(self) -> bool:
        """Return what the test says."""
        return self.keeps_keys_sealed

    def connected(self) -> bool:
        """Return whether the socket is open."""
        return self._connected

    def hold(self) -> bool:
        """Take the transport, unless the wallet was made with ``holdable=False``."""
        self.held = self._holdable
        return self._holdable

    def release(self) -> None:
        """Give the transport back to the loop that stands for the SDK's."""
        self.held = False
        self._come_back_by_itself()

    async def open(self, limit: float) -> None:
        """Try to connect once; nothing is to be done where a connection stands that has not failed a proof."""
        if self._connected and not self._suspect:
            return
        self.opens += 1
        await self._outcome("open", limit, code="unreachable")
        if not self._relay_is_up:
            raise WalletError("The relay cannot be reached.", code="unreachable")
        self._connected, self._suspect = True, False
        self.emit("relay_connect")

    async def prove(self, limit: float) -> None:
        """Ask the relay for a sign of life."""
        self.proofs += 1
        if not self._connected:
            raise WalletError("There is no relay connection.", code="unreachable")
        self._suspect = True
        await self._outcome("prove", limit, code="unreachable")
        self._suspect = False

    # What a test does to it

    def script(self, call: str, *outcomes: Outcome) -> None:
        """Set what the next calls of ``call`` come to, one outcome each; after them everything is as usual."""
        self._scripts[call] = list(outcomes)

    def emit(self, event: str, **fields: object) -> None:
        """Fire an SDK event."""
        self._listeners.call({"event": event, **fields})

    def settle_session(self, session: Json) -> None:
        """Let the peer approve a new session."""
        self._sessions[session["topic"]] = copy.deepcopy(session)
        self.emit("session_connect", topic=session["topic"], session=session)

    def set_session(self, topic: str, **changes: object) -> None:
        """Change the client's record without an event."""
        self._sessions[topic].update(changes)

    def forget(self, topic: str) -> None:
        """Let the client lose a session without an event."""
        self._sessions.pop(topic, None)

    def delete_from_peer(self, topic: str) -> None:
        """Let the peer end a session."""
        self._sessions.pop(topic, None)
        self.emit("session_delete", topic=topic, id=next(self._ids))

    def expire(self, topic: str) -> None:
        """Let the client find that a session has expired: the SDK tells it twice."""
        self._sessions.pop(topic, None)
        self.emit("session_delete", topic=topic, id=0)
        self.emit("session_expire", topic=topic)

    def acknowledge(self, topic: str) -> None:
        """Let the peer acknowledge an extend after its limit has passed."""
        self._extended(topic)
        self.emit("session_extend", topic=topic, id=next(self._ids), session=copy.deepcopy(self._sessions[topic]))

    def kill_relay(self, message: str = "The relay closed the connection (1006).") -> None:
        """Take the relay away."""
        self._relay_is_up = False
        self.drop(message)

    def drop(self, message: str = "The relay closed the connection (1001).") -> None:
        """Cut the connection; the relay itself stays as it is."""
        if self._connected:
            self._connected = False
            self.emit("relay_disconnect", message=message)
        self._come_back_by_itself()

    def relay_up(self) -> None:
        """Bring the relay back."""
        self._relay_is_up = True
        self._come_back_by_itself()

    @property
    def listeners(self) -> int:
        """How many listeners are subscribed."""
        return len(self._listeners)

    # Within

    def _come_back_by_itself(self) -> None:
        if not self.held and self._relay_is_up and not self._connected:
            asyncio.get_running_loop().call_soon(self._connect_by_itself)

    def _connect_by_itself(self) -> None:
        if not self.held and self._relay_is_up and not self._connected:
            self._connected = True
            self.emit("relay_connect")

    def _know(self, topic: str) -> None:
        if topic not in self._sessions:
            raise WalletError(f"The client does not know session {topic[:8]}.", code="gone")

    def _extended(self, topic: str) -> float:
        expiry = self._clock.now() + SESSION_PERIOD
        self._sessions[topic]["expiry"] = expiry
        return expiry

    async def _call(self, name: str, topic: str, limit: float, *, code: str) -> None:
        self.calls.append((name, topic))
        await self._outcome(name, limit, code=code)
        if not self._connected:
            raise WalletError("There is no relay connection.", code="unreachable")

    async def _outcome(self, name: str, limit: float, *, code: str) -> None:
        script = self._scripts.get(name)
        outcome = script.pop(0) if script else "ok"
        await asyncio.sleep(0)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome == "hang":
            await asyncio.get_running_loop().create_future()
        if outcome == "silent":
            await self._no_answer(limit, code)

    async def _no_answer(self, limit: float, code: str) -> None:
        await self._clock.sleep(limit)
        raise WalletError("No answer in time.", code=code)
