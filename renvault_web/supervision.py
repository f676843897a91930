"""The reconnection state machine: state + input + now → state, deadline and effects.

Pure. ``step`` is the whole of it. An input that cannot come in a state raises ``IllegalMoveError``, as does a move
that the table does not have: both would be faults of ours, not of the world.

While *held*, the transport is ours: attempts follow the schedule, one at a time. Not held (switched off, or a client
whose transport cannot be taken) the client's own loop makes the attempts and the machine mirrors what it sees:
``WAITING`` then has no attempt of ours ahead, its deadline is a look at whether the relay answers again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .diagnosis import diagnose
from .reconnect import ConnectionState, ReconnectionConfig, ReconnectionStatus, delay
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
from .views.copy import advice_on

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE, CONNECTED, WAITING, ATTEMPTING, OFFLINE, FAILED, STOPPED = ConnectionState

MOVES: dict[ConnectionState, frozenset[ConnectionState]] = {
    STOPPED: frozenset({IDLE}),
    IDLE: frozenset({CONNECTED, WAITING, OFFLINE, STOPPED}),
    CONNECTED: frozenset({WAITING, OFFLINE, FAILED, IDLE, STOPPED}),
    WAITING: frozenset({WAITING, ATTEMPTING, CONNECTED, OFFLINE, FAILED, IDLE, STOPPED}),
    ATTEMPTING: frozenset({CONNECTED, WAITING, OFFLINE, FAILED, IDLE, STOPPED}),
    OFFLINE: frozenset({ATTEMPTING, CONNECTED, WAITING, IDLE, STOPPED}),
    FAILED: frozenset({ATTEMPTING, CONNECTED, WAITING, OFFLINE, IDLE, STOPPED}),
}


class IllegalMoveError(RuntimeError):
    """An input or a move that cannot be: a fault of the caller."""


@dataclass(frozen=True, slots=True)
class Machine:
    """All that the machine knows. ``deadline`` is set exactly in waiting, offline and connected."""

    config: ReconnectionConfig = field(default_factory=ReconnectionConfig)
    state: ConnectionState = STOPPED
    deadline: float | None = None
    online: bool = True
    has_sessions: bool = False
    adopted: bool = False
    held: bool = False
    refused: bool = False  # this client cannot be held
    probing: bool = False  # a check or a proof is running
    opened: bool = False  # the running attempt has its socket
    fresh: bool = False  # connected; the next proof has the sessions restored
    outage: bool = False  # something was lost or tried that no restoring has made good yet
    attempt_count: int = 0
    failures: int = 0  # attempts of this round that failed since the relay last answered
    connected_at: float | None = None
    last_attempt: float | None = None
    proved_at: float | None = None
    last_error: str | None = None


def status_of(machine: Machine) -> ReconnectionStatus:
    """Return what the machine shows."""
    cause = advice = None
    if machine.state in (WAITING, ATTEMPTING, OFFLINE, FAILED):
        cause = diagnose(online=machine.online, failed_attempts=machine.failures)
        advice = advice_on(cause)
    return ReconnectionStatus(
        state=machine.state,
        attempt_count=machine.attempt_count,
        max_attempts=machine.config.max_attempts,
        last_attempt=machine.last_attempt,
        next_retry_time=machine.deadline if machine.state is WAITING and machine.held else None,
        last_error=machine.last_error,
        cause=cause,
        advice=advice,
        proved_at=machine.proved_at,
        supervised=machine.held,
    )


def step(machine: Machine, given: Input, now: float, random: Callable[[], float]) -> tuple[Machine, tuple[Effect, ...]]:
    """Return the machine after ``given`` at ``now`` (epoch seconds), and what is to be done, in this order."""
    making = _Step(machine, now, random)
    making.take(given)
    return making.machine, tuple(making.effects)


class _Step:
    """One step in the making: the only mutable thing here, and it does not leave ``step``."""

    def __init__(self, machine: Machine, now: float, random: Callable[[], float]) -> None:
        self.machine = machine
        self.effects: list[Effect] = []
        self._now = now
        self._random = random

    def take(self, given: Input) -> None:
        match given:
            case Started(online):
                self._start(online)
            case Adopted(connected):
                self._adopt(connected)
            case SessionsChanged(present, connected):
                self._sessions_changed(present, connected)
            case ConfigChanged(config):
                self._config_changed(config)
            case RelayLost(error):
                self._relay_lost(error)
            case AttemptFailed(error):
                self._need(ATTEMPTING)
                self._after_failure(self.machine.attempt_count, error, ended=True)
            case ProofFailed(error):
                self._proof_failed(error)
            case RestoreFailed(announce):
                self._need(CONNECTED)
                self._set(fresh=True, outage=announce)
            case Signal.STOPPED:
                self._stop()
            case Signal.HOLD_REFUSED:
                self._hold_refused()
            case Signal.RELAY_CONNECTED:
                self._relay_connected()
            case Signal.ATTEMPT_SUCCEEDED:
                self._need(ATTEMPTING)
                self._say_online()
                self._go(CONNECTED, ended=True)
                self._proved()
            case Signal.WENT_OFFLINE:
                self._went_offline()
            case Signal.WENT_ONLINE:
                self._went_online()
            case Signal.CHECK_SUCCEEDED | Signal.CHECK_FAILED:
                self._checked(succeeded=given is Signal.CHECK_SUCCEEDED)
            case Signal.PROOF_SUCCEEDED:
                self._proof_succeeded()
            case Signal.DEADLINE_PASSED:
                self._deadline_passed()
            case Signal.RETRY_ASKED:  # pragma: no branch - the last of all inputs
                self._retry()

    # Moves

    def _set(self, **changes: object) -> None:
        self.machine = replace(self.machine, **changes)  # type: ignore[arg-type]  # names are checked by tests

    def _need(self, *states: ConnectionState, probing: bool = False) -> None:
        if self.machine.state not in states or (probing and not self.machine.probing):
            raise IllegalMoveError(f"This input cannot come in the state {self.machine.state.value}.")

    def _go(self, state: ConnectionState, *, ended: bool = False, attempt: int | None = None) -> None:
        """Move; what runs for the old state ends, unless it has (``ended``), and the new deadline is set."""
        before = self.machine.state
        if state not in MOVES[before]:
            raise IllegalMoveError(f"There is no move from {before.value} to {state.value}.")
        if before is ATTEMPTING and not ended:
            self.effects.append(Do.CANCEL_ATTEMPT)
        if self.machine.probing:
            self.effects.append(Do.CANCEL_PROBE)
        if attempt is not None:
            self._set(attempt_count=attempt, failures=min(self.machine.failures, attempt - (state is ATTEMPTING)))
        self._set(state=state, probing=False, opened=False, fresh=False)
        if state is CONNECTED:
            self._set(connected_at=self._now, fresh=True)
        self._set(deadline=self._deadline())

    def _deadline(self) -> float | None:
        machine = self.machine
        match machine.state:
            case ConnectionState.WAITING if machine.held:
                return self._now + delay(machine.config, machine.attempt_count + 1, self._random)
            case ConnectionState.WAITING | ConnectionState.CONNECTED:
                return self._now + machine.config.liveness_interval
            case ConnectionState.OFFLINE:
                return self._now + machine.config.online_check_interval
            case _:
                return None

    def _probe(self, effect: Do) -> None:
        if not self.machine.probing:
            self._set(probing=True)
            self.effects.append(effect)

    def _attempt(self, number: int) -> None:
        self._go(ATTEMPTING, attempt=number)
        self._set(last_attempt=self._now, outage=True)
        self.effects += [StartAttempt(number), Emit("reconnecting")]

    def _after_failure(self, count: int, error: str, *, ended: bool = False) -> None:
        """Go where the next try is made, if there is one."""
        machine = self.machine
        self._set(last_error=error, outage=True, failures=machine.failures + (machine.state is ATTEMPTING))
        if not machine.online:
            self._go(OFFLINE, ended=ended, attempt=0)
        elif not machine.held:
            self._go(WAITING, ended=ended, attempt=0)
        elif count >= machine.config.max_attempts:
            self._go(FAILED, ended=ended, attempt=count)
            self.effects.append(Emit("failed"))
        else:
            self._go(WAITING, ended=ended, attempt=count)

    def _hold(self) -> None:
        if self.machine.config.enabled and not self.machine.refused:
            self._set(held=True)
            self.effects.append(Do.TAKE)

    def _let_go(self) -> None:
        if self.machine.held:
            self._set(held=False)
            self.effects.append(Do.GIVE_BACK)

    def _say_online(self) -> None:
        if not self.machine.online:
            self._set(online=True)
            self.effects.append(Emit("online"))

    # Life

    def _start(self, online: bool) -> None:
        self._need(STOPPED)
        self._go(IDLE)
        self._set(online=online)
        if not online:
            self.effects.append(Emit("offline"))

    def _stop(self) -> None:
        if self.machine.state is STOPPED:
            return
        self._go(STOPPED)
        self._let_go()
        self.machine = Machine(config=self.machine.config, has_sessions=self.machine.has_sessions)

    def _adopt(self, connected: bool) -> None:
        self._need(IDLE)
        self._set(adopted=True, refused=False)
        self._resume(connected)

    def _sessions_changed(self, present: bool, connected: bool) -> None:
        self._set(has_sessions=present)
        if present:
            self._resume(connected)
        elif self.machine.state not in (IDLE, STOPPED):
            self._go(IDLE, attempt=0)
            self._let_go()
            self._set(outage=False, last_error=None, proved_at=None, connected_at=None)

    def _resume(self, connected: bool) -> None:
        """Leave idle where there is a client and something to connect for."""
        machine = self.machine
        if machine.state is not IDLE or not machine.adopted or not machine.has_sessions:
            return
        self._hold()
        if connected:
            self._connected_by_itself()
        else:
            self._go(WAITING if machine.online else OFFLINE)

    def _hold_refused(self) -> None:
        self._set(held=False, refused=True)
        if self.machine.state is WAITING:
            self._go(WAITING, attempt=0)

    def _config_changed(self, config: ReconnectionConfig) -> None:
        self._set(config=config)
        machine = self.machine
        if machine.state in (IDLE, STOPPED):
            return
        if machine.held and not config.enabled:
            self._let_go()
            if machine.state in (WAITING, ATTEMPTING, FAILED):
                self._go(WAITING, attempt=0)
        elif not machine.held:
            self._hold()
            if self.machine.held and machine.state is WAITING:
                self._go(WAITING)
        elif machine.state is WAITING and machine.attempt_count >= config.max_attempts:
            self._go(FAILED)
            self.effects.append(Emit("failed"))

    # The relay

    def _connected_by_itself(self) -> None:
        """Follow a socket that no attempt of ours opened: whether the relay answers is not known yet."""
        self._say_online()
        self._go(CONNECTED)
        self._probe(Do.PROVE)

    def _relay_connected(self) -> None:
        match self.machine.state:
            case ConnectionState.ATTEMPTING:
                self._set(opened=True)
            case ConnectionState.CONNECTED:
                self._probe(Do.PROVE)
            case ConnectionState.WAITING | ConnectionState.OFFLINE | ConnectionState.FAILED:
                self._connected_by_itself()

    def _relay_lost(self, error: str) -> None:
        if self.machine.state is CONNECTED:
            self._lost(error)
        elif self.machine.opened:
            self._after_failure(self.machine.attempt_count, error)

    def _lost(self, error: str) -> None:
        lasted = self._lasted()
        self._after_failure(0 if lasted else self.machine.attempt_count, error)

    def _lasted(self) -> bool:
        """Whether the connection has been there long enough to count."""
        since = self.machine.connected_at
        return since is not None and self._now - since >= self.machine.config.min_uptime

    # The network

    def _went_offline(self) -> None:
        machine = self.machine
        if not machine.online or machine.state is STOPPED:
            return
        self._set(online=False, outage=machine.outage or machine.state is CONNECTED)
        self.effects.append(Emit("offline"))
        if machine.state is not IDLE:
            self._go(OFFLINE, attempt=0)

    def _went_online(self) -> None:
        if self.machine.state is STOPPED:
            return
        self._say_online()
        match self.machine.state:
            case ConnectionState.WAITING | ConnectionState.FAILED | ConnectionState.OFFLINE if self.machine.held:
                self._attempt(1)
            case ConnectionState.OFFLINE:
                self._go(WAITING)
            case ConnectionState.CONNECTED:
                self._probe(Do.PROVE)

    def _checked(self, *, succeeded: bool) -> None:
        self._need(OFFLINE, probing=True)
        self._set(probing=False)
        if succeeded:
            self._went_online()

    # Proof, time and wish

    def _proof_succeeded(self) -> None:
        self._need(CONNECTED, WAITING, probing=True)
        self._set(probing=False)
        if self.machine.state is WAITING:
            self._go(CONNECTED)
        self._proved()

    def _proved(self) -> None:
        announce, fresh = self.machine.outage, self.machine.fresh
        self._set(proved_at=self._now, last_error=None, outage=False, fresh=False, failures=0)
        if self._lasted():
            self._set(attempt_count=0)
        if fresh:
            self.effects.append(Restore(announce))

    def _proof_failed(self, error: str) -> None:
        self._need(CONNECTED, WAITING, probing=True)
        self._set(probing=False, last_error=error)
        if self.machine.state is CONNECTED:
            self._lost(error)

    def _deadline_passed(self) -> None:
        machine = self.machine
        self._need(WAITING, OFFLINE, CONNECTED)
        if machine.state is WAITING and machine.held:
            self._attempt(machine.attempt_count + 1)
            return
        self._probe(Do.CHECK if machine.state is OFFLINE else Do.PROVE)
        self._set(deadline=self._deadline())

    def _retry(self) -> None:
        machine = self.machine
        if machine.state in (WAITING, OFFLINE, FAILED) and machine.held:
            self._attempt(1)
        elif machine.state in (WAITING, CONNECTED):
            self._probe(Do.PROVE)
        elif machine.state is OFFLINE:
            self._probe(Do.CHECK)
