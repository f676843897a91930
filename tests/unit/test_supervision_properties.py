"""No sequence of inputs leaves the machine stuck, double-scheduled or past ``max_attempts``."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from renvault_web.reconnect import ConnectionState, ReconnectionConfig
from renvault_web.signals import (
    Adopted,
    AttemptFailed,
    ConfigChanged,
    Do,
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
from renvault_web.supervision import MOVES, Machine, status_of, step

IDLE, CONNECTED, WAITING, ATTEMPTING, OFFLINE, FAILED, STOPPED = ConnectionState


class Supervised(RuleBasedStateMachine):
    """Plays the service: it runs what the machine asks for and answers with what can come of it."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine()
        self.now = 1000.0
        self.random = 0.0
        self.attempt: int | None = None
        self.probe: Do | None = None
        self.restoring: Restore | None = None
        self.held = False

    def give(self, given: Input) -> None:
        before = self.machine
        self.machine, effects = step(before, given, self.now, lambda: self.random)
        assert self.machine.state in MOVES[before.state] | {before.state}
        if self.machine.state is not CONNECTED:
            self.restoring = None  # it ends with its connection
        for effect in effects:
            match effect:
                case Do.TAKE:
                    assert not self.held
                    self.held = True
                case Do.GIVE_BACK:
                    assert self.held
                    self.held = False
                case StartAttempt(number):
                    assert self.attempt is None
                    assert self.probe is None
                    assert 1 <= number <= self.machine.config.max_attempts
                    self.attempt = number
                case Do.CANCEL_ATTEMPT:
                    assert self.attempt is not None
                    self.attempt = None
                case Do.CHECK | Do.PROVE:
                    assert self.probe is None
                    assert self.attempt is None
                    self.probe = effect
                case Do.CANCEL_PROBE:
                    assert self.probe is not None
                    self.probe = None
                case Restore():
                    assert self.machine.state is CONNECTED
                    assert self.restoring is None
                    self.restoring = effect
                case Emit(event):
                    assert event in {"reconnecting", "failed", "offline", "online"}

    @rule(seconds=st.floats(0, 100), random=st.floats(0, 1))
    def time_passes(self, seconds: float, random: float) -> None:
        self.random = random
        deadline = self.machine.deadline
        self.now += seconds
        if deadline is not None and self.now >= deadline:
            self.give(Signal.DEADLINE_PASSED)

    @precondition(lambda self: self.machine.deadline is not None)
    @rule()
    def deadline_passes(self) -> None:
        assert self.machine.deadline is not None
        self.now = max(self.now, self.machine.deadline)
        self.give(Signal.DEADLINE_PASSED)

    @rule(seconds=st.floats(-7200, 0))
    def clock_is_set_back(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.machine.state is STOPPED)
    @rule(online=st.booleans())
    def starts(self, online: bool) -> None:
        self.give(Started(online))

    @precondition(lambda self: self.machine.state is IDLE and not self.machine.adopted)
    @rule(connected=st.booleans(), holdable=st.booleans())
    def adopts(self, connected: bool, holdable: bool) -> None:
        self.give(Adopted(connected))
        self.refuse(holdable)

    def refuse(self, holdable: bool) -> None:
        if self.held and not holdable:
            self.held = False
            self.give(Signal.HOLD_REFUSED)

    @rule(present=st.booleans(), connected=st.booleans())
    def sessions_change(self, present: bool, connected: bool) -> None:
        self.give(SessionsChanged(present, connected))

    @precondition(lambda self: self.attempt is not None)
    @rule(given=st.sampled_from([Signal.ATTEMPT_SUCCEEDED, AttemptFailed("no")]))
    def attempt_ends(self, given: Input) -> None:
        self.attempt = None
        self.give(given)

    @precondition(lambda self: self.attempt is not None)
    @rule()
    def attempt_finds_that_nothing_is_held(self) -> None:
        self.held = False
        self.give(Signal.HOLD_REFUSED)
        self.attempt = None
        self.give(AttemptFailed("not held"))

    @precondition(lambda self: self.probe is not None)
    @rule(succeeded=st.booleans())
    def probe_ends(self, succeeded: bool) -> None:
        if self.probe is Do.CHECK:
            given: Input = Signal.CHECK_SUCCEEDED if succeeded else Signal.CHECK_FAILED
        else:
            given = Signal.PROOF_SUCCEEDED if succeeded else ProofFailed("silent")
        self.probe = None
        self.give(given)

    @precondition(lambda self: self.restoring is not None)
    @rule(succeeded=st.booleans())
    def restoring_ends(self, succeeded: bool) -> None:
        assert self.restoring is not None
        ended, self.restoring = self.restoring, None
        if not succeeded:
            self.give(RestoreFailed(ended.announce))
            assert self.machine.fresh
            assert self.machine.outage or not ended.announce

    @rule(
        given=st.sampled_from(
            [
                Signal.RELAY_CONNECTED,
                RelayLost("closed"),
                Signal.WENT_OFFLINE,
                Signal.WENT_ONLINE,
                Signal.RETRY_ASKED,
            ]
        )
    )
    def the_world_does(self, given: Input) -> None:
        self.give(given)

    @rule(enabled=st.booleans(), max_attempts=st.integers(1, 6), jitter=st.floats(0, 1), min_uptime=st.floats(0, 10))
    def settings_change(self, *, enabled: bool, max_attempts: int, jitter: float, min_uptime: float) -> None:
        config = ReconnectionConfig(enabled=enabled, max_attempts=max_attempts, jitter=jitter, min_uptime=min_uptime)
        self.give(ConfigChanged(config))

    @precondition(lambda self: self.machine.state is not STOPPED)
    @rule()
    def stops(self) -> None:
        self.give(Signal.STOPPED)
        assert (self.attempt, self.probe, self.held) == (None, None, False)

    @invariant()
    def a_deadline_stands_exactly_where_something_is_planned(self) -> None:
        planned = self.machine.state in (WAITING, OFFLINE, CONNECTED)
        assert (self.machine.deadline is not None) == planned

    @invariant()
    def what_runs_is_what_the_machine_thinks_runs(self) -> None:
        assert (self.attempt is not None) == (self.machine.state is ATTEMPTING)
        assert (self.probe is not None) == self.machine.probing
        assert self.held == self.machine.held

    @invariant()
    def nothing_is_held_or_probed_without_a_session_and_a_client(self) -> None:
        if self.machine.state in (IDLE, STOPPED):
            assert not self.held
            assert self.probe is None
        else:
            assert self.machine.has_sessions
            assert self.machine.adopted

    @invariant()
    def failed_is_only_where_the_attempts_are_ours(self) -> None:
        if self.machine.state is FAILED:
            assert self.machine.held
            assert self.machine.online

    @invariant()
    def the_status_can_be_shown(self) -> None:
        status = status_of(self.machine)
        assert (status.next_retry_time is not None) == (self.machine.state is WAITING and self.machine.held)
        assert (status.cause is None) == (self.machine.state in (IDLE, STOPPED, CONNECTED))


TestSupervised = Supervised.TestCase
TestSupervised.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
