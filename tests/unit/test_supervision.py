"""REC-2 to REC-5 and REC-8, decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from renvault_web.reconnect import ConnectionState, ReconnectionConfig
from renvault_web.signals import (
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
from renvault_web.supervision import MOVES, IllegalMoveError, Machine, status_of, step

IDLE, CONNECTED, WAITING, ATTEMPTING, OFFLINE, FAILED, STOPPED = ConnectionState
LOST = RelayLost("closed")
AGAIN = AttemptFailed("unreachable")
START = 1000.0


class Run:
    """A machine led through inputs, with the effects of the last one."""

    def __init__(self, machine: Machine | None = None, now: float = START) -> None:
        self.machine = machine or Machine()
        self.now = now
        self._effects: tuple[Effect, ...] = ()

    def give(self, *inputs: Input, after: float = 0.0) -> Run:
        self.now += after
        for given in inputs:
            self.machine, self._effects = step(self.machine, given, self.now, lambda: 0.0)
        return self

    def due(self) -> Run:
        """Let the deadline pass."""
        assert self.machine.deadline is not None
        self.now = self.machine.deadline
        return self.give(Signal.DEADLINE_PASSED)

    def did(self) -> tuple[Effect, ...]:
        """Return the effects of the last input."""
        return self._effects

    @property
    def state(self) -> ConnectionState:
        return self.machine.state

    @property
    def left(self) -> float | None:
        """Seconds to the deadline."""
        return None if self.machine.deadline is None else round(self.machine.deadline - self.now, 6)


def connected(config: ReconnectionConfig | None = None, *, held: bool = True) -> Run:
    """A proved connection, long enough for min_uptime."""
    run = Run(Machine(config=config or ReconnectionConfig()))
    run.give(Started(online=True), SessionsChanged(present=True, connected=True), Adopted(connected=True))
    if not held:
        run.give(Signal.HOLD_REFUSED)
    return run.give(Signal.PROOF_SUCCEEDED, after=0.1).give(after=10)


def waiting() -> Run:
    return connected().give(LOST)


def attempting() -> Run:
    return waiting().due()


def offline() -> Run:
    return connected().give(Signal.WENT_OFFLINE)


def failed() -> Run:
    run = connected(ReconnectionConfig(max_attempts=1)).give(LOST).due()
    return run.give(AGAIN)


def idle() -> Run:
    return Run().give(Started(online=True), Adopted(connected=True))


def stopped() -> Run:
    return connected().give(Signal.STOPPED)


def mirroring() -> Run:
    """Waiting while the client's own loop is in charge."""
    return connected(held=False).give(LOST)


# The round


def test_a_connection_is_proved_at_once_and_restored() -> None:
    run = Run().give(Started(online=True), SessionsChanged(present=True, connected=True), Adopted(connected=True))
    assert (run.state, run.did(), run.left) == (CONNECTED, (Do.TAKE, Do.PROVE), 20.0)
    run.give(Signal.PROOF_SUCCEEDED, after=0.1)
    assert run.did() == (Restore(announce=False),)
    assert status_of(run.machine).proved_at == START + 0.1


def test_the_whole_round_follows_the_schedule_and_ends_failed() -> None:
    run = waiting()
    assert run.did() == ()
    planned: list[float | None] = []
    for number in range(1, 6):
        assert (run.state, status_of(run.machine).attempt_count) == (WAITING, number - 1)
        planned.append(run.left)
        run.due()
        assert run.state is ATTEMPTING
        assert run.did() == (StartAttempt(number), Emit("reconnecting"))
        status = status_of(run.machine)
        assert (status.attempt_count, status.last_attempt) == (number, run.now)
        run.give(AGAIN, after=0.7)
    assert planned == [1.0, 1.5, 2.25, 3.375, 5.062]
    assert (run.state, run.did(), run.left) == (FAILED, (Emit("failed"),), None)
    status = status_of(run.machine)
    assert (status.attempt_count, status.last_error, status.cause) == (5, "unreachable", "relay_unreachable")


def test_a_successful_attempt_is_announced_with_its_restoring() -> None:
    run = attempting().give(AGAIN).due().give(Signal.RELAY_CONNECTED, Signal.ATTEMPT_SUCCEEDED, after=0.2)
    assert (run.state, run.did(), run.left) == (CONNECTED, (Restore(announce=True),), 20.0)
    status = status_of(run.machine)
    assert (status.attempt_count, status.last_error, status.cause, status.proved_at) == (2, None, None, run.now)


@pytest.mark.parametrize("announce", [True, False])
def test_a_restoring_that_failed_is_asked_for_again_by_the_next_proof(announce: bool) -> None:
    run = connected().give(RestoreFailed(announce))
    assert (run.state, run.did()) == (CONNECTED, ())
    run.due().give(Signal.PROOF_SUCCEEDED)
    assert run.did() == (Restore(announce),)
    assert run.due().give(Signal.PROOF_SUCCEEDED).did() == ()


def test_jitter_is_drawn_for_each_delay() -> None:
    config = ReconnectionConfig(jitter=0.5)
    machine = connected(config).machine
    machine, _ = step(machine, LOST, 2000.0, lambda: 0.5)
    assert machine.deadline == 2001.25


def test_a_connection_that_was_lost_quickly_continues_its_round() -> None:
    run = attempting().give(AGAIN).due().give(Signal.ATTEMPT_SUCCEEDED)
    run.give(LOST, after=4.999)
    assert (run.state, run.left, run.machine.attempt_count) == (WAITING, 2.25, 2)


def test_an_attempt_that_succeeded_is_not_a_cause_of_the_next_loss() -> None:
    run = attempting().give(Signal.ATTEMPT_SUCCEEDED, after=0.2).give(LOST, after=1)
    assert (run.state, run.machine.attempt_count, status_of(run.machine).cause) == (WAITING, 1, "connection_lost")
    run.due()
    assert (run.state, status_of(run.machine).cause) == (ATTEMPTING, "connection_lost")
    run.give(AGAIN)
    assert (run.machine.attempt_count, status_of(run.machine).cause) == (2, "relay_unreachable")
    run.give(Signal.RETRY_ASKED)
    assert (run.state, status_of(run.machine).cause) == (ATTEMPTING, "connection_lost")


def test_flapping_ends_failed() -> None:
    run = waiting()
    for _ in range(5):
        run.due().give(Signal.ATTEMPT_SUCCEEDED).give(LOST, after=2)
    assert (run.state, run.did()) == (FAILED, (Emit("failed"),))


def test_a_connection_that_lasted_begins_a_new_round() -> None:
    run = attempting().give(AGAIN).due().give(Signal.ATTEMPT_SUCCEEDED)
    run.give(LOST, after=5)
    assert (run.state, run.left, run.machine.attempt_count) == (WAITING, 1.0, 0)


def test_a_proof_after_min_uptime_ends_the_round() -> None:
    run = attempting().give(Signal.ATTEMPT_SUCCEEDED)
    assert run.machine.attempt_count == 1
    run.due().give(Signal.PROOF_SUCCEEDED)
    assert run.machine.attempt_count == 0


def test_a_clock_set_back_does_not_end_the_round() -> None:
    run = attempting().give(Signal.ATTEMPT_SUCCEEDED).give(LOST, after=-3600)
    assert run.machine.attempt_count == 1


def test_a_socket_that_closes_within_an_attempt_fails_it() -> None:
    run = attempting().give(Signal.RELAY_CONNECTED, LOST)
    assert (run.state, run.did(), run.left) == (WAITING, (Do.CANCEL_ATTEMPT,), 1.5)


def test_the_old_socket_s_closing_does_not_fail_an_attempt() -> None:
    run = attempting().give(LOST)
    assert (run.state, run.did()) == (ATTEMPTING, ())


# Liveness


def test_liveness_is_proved_every_interval_one_proof_at_a_time() -> None:
    run = connected().due()
    assert (run.did(), run.left) == ((Do.PROVE,), 20.0)
    run.due()
    assert (run.did(), run.left) == ((), 20.0)
    run.give(Signal.PROOF_SUCCEEDED)
    assert run.did() == ()
    assert run.machine.proved_at == run.now
    assert run.due().did() == (Do.PROVE,)


def test_a_failed_proof_is_a_loss() -> None:
    run = connected().due().give(ProofFailed("silent"))
    assert (run.state, run.did(), run.left) == (WAITING, (), 1.0)
    assert status_of(run.machine).last_error == "silent"


def test_a_loss_ends_the_proof_that_runs() -> None:
    assert connected().due().give(LOST).did() == (Do.CANCEL_PROBE,)


def test_a_socket_that_the_client_cycled_is_proved() -> None:
    assert connected().give(Signal.RELAY_CONNECTED).did() == (Do.PROVE,)


# Offline


def test_offline_pauses_and_checks_every_interval() -> None:
    run = waiting().give(Signal.WENT_OFFLINE)
    assert (run.state, run.did(), run.left) == (OFFLINE, (Emit("offline"),), 5.0)
    status = status_of(run.machine)
    assert (status.attempt_count, status.next_retry_time, status.cause) == (0, None, "offline")
    run.due()
    assert (run.state, run.did(), run.left) == (OFFLINE, (Do.CHECK,), 5.0)
    run.due()
    assert run.did() == ()
    run.give(Signal.CHECK_FAILED)
    assert run.did() == ()
    assert run.due().did() == (Do.CHECK,)


def test_offline_ends_a_running_attempt_uncounted() -> None:
    run = attempting().give(Signal.WENT_OFFLINE)
    assert run.did() == (Emit("offline"), Do.CANCEL_ATTEMPT)
    assert run.machine.attempt_count == 0


def test_a_check_that_succeeds_overrules_the_browser() -> None:
    run = offline().due().give(Signal.CHECK_SUCCEEDED)
    assert (run.state, run.did()) == (ATTEMPTING, (Emit("online"), StartAttempt(1), Emit("reconnecting")))
    assert run.machine.online


@pytest.mark.parametrize("make", [waiting, failed, offline])
def test_online_tries_at_once_with_a_fresh_count(make: type[Run]) -> None:
    run = make().give(Signal.WENT_ONLINE)
    assert run.state is ATTEMPTING
    assert run.did()[-2:] == (StartAttempt(1), Emit("reconnecting"))
    run = run.give(AGAIN)
    assert (run.state, run.left) == ((WAITING, 1.5) if run.machine.config.max_attempts > 1 else (FAILED, None))


def test_online_while_connected_asks_for_proof() -> None:
    assert connected().give(Signal.WENT_ONLINE).did() == (Do.PROVE,)


def test_repeated_offline_and_online_events_are_told_once() -> None:
    run = offline().give(Signal.WENT_OFFLINE)
    assert run.did() == ()
    run.give(Signal.WENT_ONLINE, Signal.WENT_ONLINE)
    assert (run.state, run.did()) == (ATTEMPTING, ())


def test_a_wish_is_tried_offline_too_and_pauses_again() -> None:
    run = offline().give(Signal.RETRY_ASKED)
    assert (run.state, run.did()) == (ATTEMPTING, (StartAttempt(1), Emit("reconnecting")))
    run.give(AGAIN)
    assert (run.state, run.did(), run.machine.attempt_count) == (OFFLINE, (), 0)
    run.give(Signal.RETRY_ASKED, Signal.ATTEMPT_SUCCEEDED)
    assert (run.state, run.did()) == (CONNECTED, (Emit("online"), Restore(announce=True)))


def test_a_relay_that_connects_overrules_the_browser() -> None:
    run = offline().give(Signal.RELAY_CONNECTED)
    assert (run.state, run.did()) == (CONNECTED, (Emit("online"), Do.PROVE))
    assert run.give(Signal.PROOF_SUCCEEDED).did() == (Restore(announce=True),)


def test_a_start_offline_is_told_and_waits_there() -> None:
    run = Run().give(Started(online=False))
    assert run.did() == (Emit("offline"),)
    run.give(SessionsChanged(present=True, connected=False), Adopted(connected=False))
    assert (run.state, run.did(), run.left) == (OFFLINE, (Do.TAKE,), 5.0)


def test_idle_hears_the_network_but_does_nothing() -> None:
    run = idle().give(Signal.WENT_OFFLINE)
    assert (run.state, run.did(), run.left) == (IDLE, (Emit("offline"),), None)
    run.give(Signal.WENT_ONLINE)
    assert (run.state, run.did(), run.left) == (IDLE, (Emit("online"),), None)


# Failed, and wishes


def test_failed_is_left_by_a_relay_that_connects() -> None:
    run = failed().give(Signal.RELAY_CONNECTED)
    assert (run.state, run.did()) == (CONNECTED, (Do.PROVE,))


@pytest.mark.parametrize("make", [waiting, failed])
def test_a_wish_tries_at_once_with_a_fresh_count(make: type[Run]) -> None:
    run = make().give(Signal.RETRY_ASKED)
    assert (run.state, run.did()) == (ATTEMPTING, (StartAttempt(1), Emit("reconnecting")))


def test_a_wish_while_connected_asks_for_proof() -> None:
    assert connected().give(Signal.RETRY_ASKED).did() == (Do.PROVE,)


def test_a_wish_during_an_attempt_joins_it() -> None:
    assert attempting().give(Signal.RETRY_ASKED).did() == ()


# Sessions


def test_idle_takes_nothing_and_probes_nothing() -> None:
    run = idle()
    assert (run.state, run.did(), run.left) == (IDLE, (), None)
    for given in (LOST, Signal.RELAY_CONNECTED, Signal.RETRY_ASKED):
        run.give(given)
        assert (run.state, run.did()) == (IDLE, ())


def test_the_first_session_wakes_and_the_last_one_gives_the_transport_back() -> None:
    run = idle().give(SessionsChanged(present=True, connected=True))
    assert (run.state, run.did()) == (CONNECTED, (Do.TAKE, Do.PROVE))
    run.give(SessionsChanged(present=True, connected=True))
    assert run.did() == ()
    run.give(SessionsChanged(present=False, connected=True))
    assert (run.state, run.did(), run.left) == (IDLE, (Do.CANCEL_PROBE, Do.GIVE_BACK), None)
    assert status_of(run.machine).proved_at is None


def test_a_client_that_is_not_connected_yet_has_the_first_delay_to_come_up() -> None:
    run = Run().give(Started(online=True), SessionsChanged(present=True, connected=False), Adopted(connected=False))
    assert (run.state, run.did(), run.left) == (WAITING, (Do.TAKE,), 1.0)
    run.give(Signal.RELAY_CONNECTED, Signal.PROOF_SUCCEEDED)
    assert run.did() == (Restore(announce=False),)


# Not held


def test_a_client_that_cannot_be_held_is_mirrored() -> None:
    run = mirroring()
    assert (run.state, run.did(), run.left) == (WAITING, (), 20.0)
    status = status_of(run.machine)
    assert (status.supervised, status.next_retry_time, status.is_reconnecting) == (False, None, True)
    run.due()
    assert (run.state, run.did()) == (WAITING, (Do.PROVE,))
    run.give(ProofFailed("no"))
    assert (run.state, run.did()) == (WAITING, ())
    run.give(Signal.RELAY_CONNECTED)
    assert (run.state, run.did()) == (CONNECTED, (Do.PROVE,))
    assert run.give(Signal.PROOF_SUCCEEDED).did() == (Restore(announce=True),)


def test_a_mirrored_relay_that_answers_is_connected() -> None:
    run = mirroring().due().give(Signal.PROOF_SUCCEEDED)
    assert (run.state, run.did()) == (CONNECTED, (Restore(announce=True),))


def test_a_mirrored_client_comes_back_from_offline_by_itself() -> None:
    run = mirroring().give(Signal.WENT_OFFLINE)
    assert run.state is OFFLINE
    run.give(Signal.WENT_ONLINE)
    assert (run.state, run.did()) == (WAITING, (Emit("online"),))
    assert run.give(Signal.WENT_ONLINE).did() == ()


def test_a_wish_looks_whether_a_mirrored_relay_answers() -> None:
    run = mirroring().give(Signal.RETRY_ASKED)
    assert (run.state, run.did()) == (WAITING, (Do.PROVE,))
    run.give(ProofFailed("no"))
    assert (run.state, run.did(), run.machine.attempt_count) == (WAITING, (), 0)
    run.give(Signal.WENT_OFFLINE, Signal.RETRY_ASKED)
    assert (run.state, run.did()) == (OFFLINE, (Do.CHECK,))


def test_a_client_that_turns_out_not_to_be_held_while_it_is_tried_is_mirrored() -> None:
    run = attempting().give(Signal.HOLD_REFUSED)
    assert (run.state, run.did()) == (ATTEMPTING, ())
    run.give(AGAIN)
    assert (run.state, run.did(), run.left) == (WAITING, (), 20.0)
    assert status_of(run.machine).next_retry_time is None


def test_a_refusal_to_be_held_turns_waiting_into_mirroring() -> None:
    run = Run().give(Started(online=True), SessionsChanged(present=True, connected=False), Adopted(connected=False))
    run.give(Signal.HOLD_REFUSED)
    assert (run.state, run.left, run.machine.held) == (WAITING, 20.0, False)


def test_a_refused_client_is_not_asked_again_but_the_next_one_is() -> None:
    run = connected(held=False).give(ConfigChanged(ReconnectionConfig(max_attempts=3)))
    assert run.did() == ()
    run.give(Signal.STOPPED, Started(online=True), Adopted(connected=True))
    assert run.did() == (Do.TAKE, Do.PROVE)


# Settings


@pytest.mark.parametrize(
    ("make", "effects"),
    [
        (waiting, (Do.GIVE_BACK,)),
        (attempting, (Do.GIVE_BACK, Do.CANCEL_ATTEMPT)),
        (failed, (Do.GIVE_BACK,)),
    ],
)
def test_switched_off_the_client_s_loop_is_in_charge(make: type[Run], effects: tuple[Effect, ...]) -> None:
    run = make().give(ConfigChanged(ReconnectionConfig(enabled=False)))
    assert (run.state, run.did(), run.left, run.machine.held) == (WAITING, effects, 20.0, False)


def test_switched_on_again_the_schedule_begins() -> None:
    run = waiting().give(ConfigChanged(ReconnectionConfig(enabled=False)), ConfigChanged(ReconnectionConfig()))
    assert (run.state, run.did(), run.left) == (WAITING, (Do.TAKE,), 1.0)


def test_switched_off_while_connected_or_offline_gives_the_transport_back() -> None:
    off = ConfigChanged(ReconnectionConfig(enabled=False))
    for make, state in ((connected, CONNECTED), (offline, OFFLINE)):
        run = make().give(off)
        assert (run.state, run.did()) == (state, (Do.GIVE_BACK,))
        run.give(ConfigChanged(ReconnectionConfig()))
        assert (run.state, run.did()) == (state, (Do.TAKE,))


def test_new_delays_take_effect_on_the_next_delay() -> None:
    run = waiting().give(ConfigChanged(ReconnectionConfig(initial_delay=10)))
    assert run.left == 1.0
    assert run.due().give(AGAIN).left == 15.0


def test_fewer_attempts_than_were_made_end_the_round() -> None:
    run = attempting().give(AGAIN).give(ConfigChanged(ReconnectionConfig(max_attempts=1)))
    assert (run.state, run.did()) == (FAILED, (Emit("failed"),))


def test_settings_are_kept_while_idle_or_stopped() -> None:
    new = ReconnectionConfig(max_attempts=2)
    for make in (idle, stopped):
        run = make().give(ConfigChanged(new))
        assert (run.machine.config, run.did()) == (new, ())


# The end


def test_stopping_ends_everything_and_keeps_settings_and_sessions() -> None:
    run = attempting().give(Signal.STOPPED)
    assert run.did() == (Do.CANCEL_ATTEMPT, Do.GIVE_BACK)
    assert run.machine == Machine(has_sessions=True)
    assert connected().due().give(Signal.STOPPED).did() == (Do.CANCEL_PROBE, Do.GIVE_BACK)


def test_stopped_hears_nothing_but_a_start() -> None:
    run = stopped()
    before = run.machine
    for given in (Signal.STOPPED, LOST, Signal.RELAY_CONNECTED, Signal.WENT_OFFLINE, Signal.WENT_ONLINE):
        run.give(given)
        assert (run.machine, run.did()) == (before, ())
    run.give(Signal.RETRY_ASKED)
    assert (run.machine, run.did()) == (before, ())
    assert run.give(Started(online=True)).state is IDLE


# The tables

ANY = frozenset(ConnectionState)
MAKERS = {
    IDLE: idle,
    CONNECTED: lambda: connected().due(),
    WAITING: waiting,
    ATTEMPTING: attempting,
    OFFLINE: lambda: offline().due(),
    FAILED: failed,
    STOPPED: stopped,
}
ACCEPTED: dict[Input, frozenset[ConnectionState]] = {
    Started(online=True): frozenset({STOPPED}),
    Adopted(connected=True): frozenset({IDLE}),
    SessionsChanged(present=True, connected=True): ANY,
    SessionsChanged(present=False, connected=True): ANY,
    ConfigChanged(ReconnectionConfig(max_attempts=2)): ANY,
    LOST: ANY,
    AGAIN: frozenset({ATTEMPTING}),
    ProofFailed("silent"): frozenset({CONNECTED}),
    RestoreFailed(announce=True): frozenset({CONNECTED}),
    Signal.STOPPED: ANY,
    Signal.HOLD_REFUSED: ANY,
    Signal.RELAY_CONNECTED: ANY,
    Signal.ATTEMPT_SUCCEEDED: frozenset({ATTEMPTING}),
    Signal.WENT_OFFLINE: ANY,
    Signal.WENT_ONLINE: ANY,
    Signal.CHECK_SUCCEEDED: frozenset({OFFLINE}),
    Signal.CHECK_FAILED: frozenset({OFFLINE}),
    Signal.PROOF_SUCCEEDED: frozenset({CONNECTED}),
    Signal.DEADLINE_PASSED: frozenset({WAITING, OFFLINE, CONNECTED}),
    Signal.RETRY_ASKED: ANY,
}


@pytest.mark.parametrize("state", ConnectionState)
@pytest.mark.parametrize("given", ACCEPTED, ids=str)
def test_each_input_is_taken_or_refused_in_each_state(state: ConnectionState, given: Input) -> None:
    run = MAKERS[state]()
    assert run.state is state
    if state in ACCEPTED[given]:
        assert run.give(given).state in MOVES[state] | {state}
    else:
        with pytest.raises(IllegalMoveError):
            run.give(given)


def test_a_proof_or_check_that_nobody_asked_for_is_refused() -> None:
    for make, given in ((connected, Signal.PROOF_SUCCEEDED), (offline, Signal.CHECK_SUCCEEDED)):
        with pytest.raises(IllegalMoveError, match="This input cannot come in the state"):
            make().give(given)


def test_a_move_that_the_table_does_not_have_raises() -> None:
    contradiction = replace(offline().machine, online=True)
    with pytest.raises(IllegalMoveError, match="There is no move from offline to offline"):
        step(contradiction, Signal.WENT_OFFLINE, START, lambda: 0.0)
