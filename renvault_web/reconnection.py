"""AutomaticReconnectionService: brings a lost relay connection back, and proves the one that is there.

``supervision`` decides, this service acts: it tells the machine what happens, carries out what the machine asks for,
and tells the listeners. One task waits for the machine's deadline; an attempt, a probe and a restoring run as its
children, one of each at most, each with a limit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from random import random as system_random
from typing import TYPE_CHECKING

from .error_text import presentable
from .errors import NotStartedError, WalletError
from .events import Emitter, Listeners
from .log_text import loggable
from .reconnect import ConnectionState, ReconnectionConfig, ReconnectionStatus
from .signals import (
    Adopted,
    AttemptFailed,
    ConfigChanged,
    Do,
    Effect,
    Emit,
    Input,
    ProofFailed,
    RelayLost,
    Restore,
    RestoreFailed,
    SessionsChanged,
    Signal,
    StartAttempt,
    Started,
)
from .supervision import Machine, status_of, step
from .timing import before, keep_on, within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

    from .ports import Clock, Json, Network, Unsubscribe, Wallet

RECONNECTION_EVENTS = ("reconnecting", "reconnected", "failed", "offline", "online", "status")

PROOF_LIMIT = 5.0
"""Seconds the relay has to answer a proof of life at most; an attempt may take longer."""

_log = logging.getLogger(__name__)


async def _nothing() -> tuple[str, ...]:
    return ()


class AutomaticReconnectionService:
    """Supervises one wallet client's relay connection.

    Args:
        clock: all time here is its time.
        network: what the browser says about the network.
        random: a number from 0 to 1, for jitter.
        restore: awaited once a connection has been proved, and with each further proof until it has worked; returns
            the topics that live again.

    """

    def __init__(
        self,
        *,
        clock: Clock,
        network: Network,
        random: Callable[[], float] = system_random,
        restore: Callable[[], Awaitable[Iterable[str]]] = _nothing,
    ) -> None:
        self._clock = clock
        self._network = network
        self._random = random
        self._restore = restore
        self._machine = Machine()
        self._shown = status_of(self._machine)
        self._wallet: Wallet | None = None
        self._emitter = Emitter[[ReconnectionStatus]](RECONNECTION_EVENTS)
        self._listeners = Listeners[[]]()
        self._inbox: deque[Input] = deque()
        self._stepping = False
        self._planned = asyncio.Event()  # the deadline has changed
        self._outcomes: list[asyncio.Future[bool]] = []
        self._ends: list[Unsubscribe] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}  # supervisor, attempt, probe, restoring
        self._ending: set[asyncio.Task[None]] = set()
        self._told_of_sessions = False
        self.chosen: set[str] = set()  # the settings that the host has made

    # Life

    def start(self) -> None:
        """Follow the network; with no client there is nothing to bring back yet."""
        if not self._running:
            self._ends.append(self._network.subscribe(self._on_network))
            self._run("supervisor", keep_on(self._clock, "The supervision of the connection", self._supervise))
            self._give(Started(online=self._network.online()))

    async def initialize(self, wallet: Wallet, config: ReconnectionConfig | None = None, **changes: object) -> None:
        """Supervise ``wallet`` from now on, with the settings so far unless ``config`` or single ``changes`` come.

        Raises ``ConfigError`` where a setting does not fit, what the client raises, and leaves all as it was then.
        """
        settings = (config or self.get_config()).changed(**changes)
        present = None if self._told_of_sessions else bool(wallet.sessions())
        if self._wallet is not None and self._wallet is not wallet:
            await self._stop()
        self.chosen |= changes.keys() | ({"enabled"} if config else set())
        self._give(ConfigChanged(settings))
        self.start()
        if self._wallet is None:
            self._wallet = wallet
            self._ends.append(wallet.subscribe(self._on_wallet))
            if present is not None:
                self._give(SessionsChanged(present, connected=False))
            self._give(Adopted(connected=wallet.connected()))

    async def destroy(self) -> None:
        """Stop everything and give the transport back. Nothing is deleted; ``initialize`` begins anew."""
        self._told_of_sessions = False
        await self._stop()

    async def leave_other(self, wallet: Wallet) -> None:
        """Give up a client that is not ``wallet``: sessions that are told of from now on are not its own."""
        if self._wallet is not None and self._wallet is not wallet:
            await self.destroy()
            self.start()

    async def _stop(self) -> None:
        self._give(Signal.STOPPED)
        for end in self._ends:
            end()
        self._ends.clear()
        self._wallet = None
        self._end("supervisor")
        # A listener's own task may be among them: it cannot wait for itself.
        ending = self._ending - {asyncio.current_task()}
        await asyncio.gather(*ending, return_exceptions=True)

    # What hosts ask

    def on(self, name: str, listener: Callable[[ReconnectionStatus], object]) -> Unsubscribe:
        """Call ``listener(status)`` on each event ``name`` of ``RECONNECTION_EVENTS``; return what ends that."""
        return self._emitter.on(name, listener)

    def off(self, name: str, listener: Callable[[ReconnectionStatus], object]) -> None:
        """Remove ``listener`` from the event ``name``."""
        self._emitter.off(name, listener)

    def subscribe(self, listener: Callable[[], None]) -> Unsubscribe:
        """Call ``listener()`` after each change of status or settings."""
        return self._listeners.add(listener)

    async def reconnect(self) -> bool:
        """Try now, with a fresh count; return whether the connection is there and proved.

        Joins an attempt that runs. Connected already, the connection has to prove itself. Without a session there
        is nothing to connect for: False. Raises ``NotStartedError`` before ``start``.
        """
        if not self._running:
            raise NotStartedError("Reconnection has not started. Call initialize() with a wallet client first.")
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._outcomes.append(outcome)
        self._give(Signal.RETRY_ASKED)
        return await outcome  # an attempt, a proof and a restoring have their limits

    def is_online_now(self) -> bool:
        """Return whether there is a network, as far as is known: a check of ours overrules the browser."""
        return self._machine.online if self._running else self._network.online()

    def get_status(self) -> ReconnectionStatus:
        """Return what is known now; the same object until it changes."""
        return self._shown

    def get_config(self) -> ReconnectionConfig:
        """Return the settings in force."""
        return self._machine.config

    def update_config(self, **changes: object) -> ReconnectionConfig:
        """Change settings from the next delay on and return them all; ``ConfigError`` where one does not fit."""
        config = self.get_config().changed(**changes)
        self.chosen |= changes.keys()
        self._give(ConfigChanged(config))
        self._listeners.call()
        return config

    def set_has_sessions(self, *, present: bool) -> None:
        """Tell whether there is any session to stay connected for. Never told, the client's list decides."""
        self._told_of_sessions = True
        self._sessions_are(present=present)

    # What happens

    def _on_network(self, online: bool) -> None:
        self._give(Signal.WENT_ONLINE if online else Signal.WENT_OFFLINE)

    def _on_wallet(self, event: Json) -> None:
        match event.get("event"):
            case "relay_connect":
                self._give(Signal.RELAY_CONNECTED)
            case "relay_disconnect":
                message = event.get("message") or "The connection to the relay was closed."
                self._give(RelayLost(presentable(str(message))))
            case str(name) if name.startswith("session_") and not self._told_of_sessions:
                self._look_for_sessions()

    def _look_for_sessions(self) -> None:
        try:
            present = self._wallet is not None and bool(self._wallet.sessions())
        except WalletError as error:
            _log.warning("The client's sessions could not be read: %s", presentable(str(error)))
        else:
            self._sessions_are(present=present)

    def _sessions_are(self, *, present: bool) -> None:
        connected = self._wallet is not None and self._wallet.connected()
        self._give(SessionsChanged(present, connected))

    async def _supervise(self) -> None:
        """Wait for the machine's next deadline."""
        self._planned.clear()
        deadline = self._machine.deadline
        if deadline is None:
            await self._planned.wait()
            return
        try:
            await before(self._clock, deadline, self._planned.wait())
        except TimeoutError:
            if self._machine.deadline == deadline:
                self._give(Signal.DEADLINE_PASSED)

    # Stepping: inputs in the order they came, each with all its effects before the next

    def _give(self, given: Input) -> None:
        self._inbox.append(given)
        if self._stepping:
            return  # a listener called us; the loop below goes on with it
        self._stepping = True
        try:
            while self._inbox:
                self._step(self._inbox.popleft())
        finally:
            self._stepping = False

    def _step(self, given: Input) -> None:
        deadline = self._machine.deadline
        self._machine, effects = step(self._machine, given, self._clock.now(), self._random)
        if self._machine.deadline != deadline:
            self._planned.set()
        if self._machine.state is not ConnectionState.CONNECTED:
            self._end("restoring")
        for effect in effects:
            if not isinstance(effect, Emit):
                self._do(effect)
        self._show()
        for effect in effects:
            if isinstance(effect, Emit):
                self._emitter.emit(effect.event, self._shown)
        self._settle()

    def _show(self) -> None:
        status = status_of(self._machine)
        if status != self._shown:
            self._shown = status
            self._emitter.emit("status", status)
            self._listeners.call()

    def _settle(self) -> None:
        """Answer those who wait in ``reconnect``, once nothing that could decide it is running."""
        machine = self._machine
        if not machine.probing and not self._tasks.keys() & {"attempt", "restoring"}:
            outcomes, self._outcomes = self._outcomes, []
            for outcome in outcomes:
                if not outcome.done():
                    outcome.set_result(machine.state is ConnectionState.CONNECTED)

    # Effects

    def _do(self, effect: Effect) -> None:
        wallet = self._wallet
        if wallet is None:  # pragma: no cover - the machine acts on an adopted client alone
            raise NotStartedError(f"{effect} needs a wallet client.")
        match effect:
            case Do.TAKE:
                self._take(wallet)
            case Do.GIVE_BACK:
                try:
                    wallet.release()
                except WalletError as error:
                    _log.warning("The client's transport could not be given back: %s", presentable(str(error)))
            case StartAttempt(number):
                self._run("attempt", self._try(wallet, number))
            case Do.CANCEL_ATTEMPT:
                self._end("attempt")
            case Do.CHECK:
                self._run("probe", self._check())
            case Do.PROVE:
                self._run("probe", self._prove(wallet))
            case Do.CANCEL_PROBE:
                self._end("probe")
            case Restore(announce):  # pragma: no branch - the last of all effects
                self._run("restoring", self._bring_back(announce=announce))

    def _take(self, wallet: Wallet) -> None:
        reason = "its fields are not as known"
        try:
            if wallet.hold():
                return
        except WalletError as error:
            reason = presentable(str(error))
        _log.warning("The client's transport cannot be taken (%s); its own reconnection loop stays in charge.", reason)
        self._inbox.appendleft(Signal.HOLD_REFUSED)

    @property
    def _running(self) -> bool:
        return "supervisor" in self._tasks

    def _run(self, name: str, work: Coroutine[None, None, None]) -> None:
        self._tasks[name] = asyncio.ensure_future(work)

    def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()

    async def _try(self, wallet: Wallet, number: int) -> None:
        limit = self._machine.config.attempt_timeout
        error = await self._error_of(self._connect(wallet, limit), limit)
        _log.info("Attempt %d: %s", number, error or "connected and proved")
        self._tasks.pop("attempt", None)
        if error is None:
            self._give(Signal.ATTEMPT_SUCCEEDED)
            return
        if error.code == "client":  # its transport is not as it seemed, and its own loop goes on
            self._give(Signal.HOLD_REFUSED)
        self._give(AttemptFailed(str(error)))

    async def _connect(self, wallet: Wallet, limit: float) -> None:
        await wallet.open(limit)
        await wallet.prove(limit)

    async def _prove(self, wallet: Wallet) -> None:
        limit = min(PROOF_LIMIT, self._machine.config.attempt_timeout)
        error = await self._error_of(self._ask(wallet, limit), limit)
        self._tasks.pop("probe", None)
        self._give(ProofFailed(str(error)) if error else Signal.PROOF_SUCCEEDED)

    async def _ask(self, wallet: Wallet, limit: float) -> None:
        if not wallet.connected():
            raise WalletError("The relay is not connected.", code="unreachable")
        await wallet.prove(limit)

    async def _check(self) -> None:
        reached = False
        try:
            reached = await within(self._clock, self._machine.config.attempt_timeout, self._network.check())
        except Exception as error:
            if not isinstance(error, TimeoutError):
                _log.error("The network could not be checked: %s", loggable(error))
        self._tasks.pop("probe", None)
        self._give(Signal.CHECK_SUCCEEDED if reached else Signal.CHECK_FAILED)

    async def _error_of(self, work: Coroutine[None, None, None], limit: float) -> WalletError | None:
        """Return None for success, else an error whose text can be shown."""
        try:
            await within(self._clock, limit, work)
        except TimeoutError:
            return WalletError(f"The relay did not answer within {limit:g} s.", code="unreachable")
        except WalletError as error:
            return WalletError(presentable(str(error)) or "The relay cannot be reached.", code=error.code)
        except Exception as error:
            _log.error("The wallet client raised what it should not: %s", loggable(error))
            return WalletError(presentable(str(error)) or type(error).__name__)
        return None

    async def _bring_back(self, *, announce: bool) -> None:
        restored: tuple[str, ...] | None = None
        try:
            restored = tuple(await within(self._clock, self._machine.config.attempt_timeout, self._restore()))
        except TimeoutError:
            _log.warning("The sessions were not restored in time; the next proof of the connection tries again.")
        except Exception as error:
            _log.error("The sessions could not be restored for now: %s", loggable(error))
        self._tasks.pop("restoring", None)
        if restored is None:
            self._give(RestoreFailed(announce))
            return
        if announce:
            self._emitter.emit("reconnected", replace(self._shown, restored=restored))
        self._settle()
