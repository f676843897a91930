"""REC-1 to REC-5 and REC-8, done: the service over fakes, on a manual clock."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest

from renvault_web.errors import ConfigError, NotStartedError, WalletError
from renvault_web.reconnect import ConnectionState, ReconnectionConfig, ReconnectionStatus
from renvault_web.reconnection import RECONNECTION_EVENTS, AutomaticReconnectionService
from renvault_web.testing import START, FakeNetwork, FakeWallet, ManualClock, fake_session, settle
from renvault_web.timing import PAUSE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from renvault_web.ports import Json

IDLE, CONNECTED, WAITING, ATTEMPTING, OFFLINE, FAILED, STOPPED = ConnectionState
SESSION = fake_session("a" * 64, START + 86_400)


@dataclass
class World:
    clock: ManualClock
    network: FakeNetwork
    wallet: FakeWallet
    service: AutomaticReconnectionService
    events: list[tuple[str, int, float]] = field(default_factory=list)  # name, attempt_count, seconds since START
    statuses: list[ReconnectionStatus] = field(default_factory=list)

    @property
    def state(self) -> ConnectionState:
        return self.service.get_status().state

    def record(self, name: str, status: ReconnectionStatus) -> None:
        self.events.append((name, status.attempt_count, round(self.clock.now() - START, 3)))
        self.statuses.append(status)


@asynccontextmanager
async def world(
    *,
    connected: bool = True,
    holdable: bool = True,
    sessions: bool = True,
    config: ReconnectionConfig | None = None,
    restored: tuple[str, ...] = (),
) -> AsyncIterator[World]:
    clock, network = ManualClock(), FakeNetwork()
    wallet = FakeWallet(clock, [SESSION] if sessions else [], connected=connected, holdable=holdable)

    async def restore() -> tuple[str, ...]:
        return restored

    service = AutomaticReconnectionService(clock=clock, network=network, random=lambda: 0.0, restore=restore)
    here = World(clock, network, wallet, service)
    for name in RECONNECTION_EVENTS:
        if name != "status":
            service.on(name, partial(here.record, name))
    await service.initialize(wallet, config)
    await settle()
    yield here
    await service.destroy()
    await settle()
    assert (network.listeners, wallet.listeners, wallet.held, clock.sleeping) == (0, 0, False, 0)


async def test_a_connection_is_taken_proved_and_kept() -> None:
    async with world() as here:
        assert (here.state, here.wallet.held, here.wallet.proofs) == (CONNECTED, True, 1)
        status = here.service.get_status()
        assert (status.proved_at, status.supervised, status.is_reconnecting) == (START, True, False)
        await here.clock.advance(60)
        assert (here.wallet.proofs, here.wallet.opens) == (4, 0)
        assert here.service.get_status().proved_at == START + 60
        assert here.events == []


async def test_attempts_follow_the_schedule_and_end_failed() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.kill_relay()
        status = here.service.get_status()
        assert (status.state, status.next_retry_time, status.attempt_count) == (WAITING, START + 11, 0)
        assert (status.last_error, status.cause) == ("The relay closed the connection (1006).", "connection_lost")
        await here.clock.advance(60)
        assert here.events == [
            ("reconnecting", 1, 11.0),
            ("reconnecting", 2, 12.5),
            ("reconnecting", 3, 14.75),
            ("reconnecting", 4, 18.125),
            ("reconnecting", 5, 23.187),
            ("failed", 5, 23.187),
        ]
        assert here.wallet.opens == 5
        status = here.service.get_status()
        assert (status.state, status.last_error) == (FAILED, "The relay cannot be reached.")
        assert (status.cause, status.next_retry_time) == ("relay_unreachable", None)


async def test_the_delay_runs_from_the_failure_not_from_the_start() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.script("open", "silent")
        here.wallet.kill_relay()
        await here.clock.advance(1 + 10 + 1.5)
        assert here.events == [("reconnecting", 1, 11.0), ("reconnecting", 2, 22.5)]


async def test_reconnected_is_told_after_restoring_with_the_topics() -> None:
    async with world(restored=("a" * 64,)) as here:
        await here.clock.advance(10)
        here.wallet.kill_relay()
        await here.clock.advance(1)
        here.wallet.relay_up()
        await here.clock.advance(1.5)
        assert here.events == [("reconnecting", 1, 11.0), ("reconnecting", 2, 12.5), ("reconnected", 2, 12.5)]
        told = here.statuses[-1]
        assert (told.state, told.restored, told.last_error, told.proved_at) == (
            CONNECTED,
            ("a" * 64,),
            None,
            START + 12.5,
        )
        assert here.service.get_status().restored == ()


async def test_an_attempt_that_connects_but_is_not_proved_has_failed() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.drop()
        here.wallet.script("prove", "silent")
        await here.clock.advance(1)
        assert here.state is ATTEMPTING
        await here.clock.advance(10)
        status = here.service.get_status()
        assert (status.state, status.last_error) == (WAITING, "The relay did not answer within 10 s.")


async def test_an_attempt_that_never_ends_is_given_up_at_its_limit() -> None:
    async with world(config=ReconnectionConfig(attempt_timeout=3)) as here:
        await here.clock.advance(10)
        here.wallet.script("open", "hang")
        here.wallet.kill_relay()
        await here.clock.advance(1 + 2.9)
        assert here.state is ATTEMPTING
        await here.clock.advance(0.1)
        assert here.service.get_status().last_error == "The relay did not answer within 3 s."


async def test_a_client_that_raises_what_it_should_not_is_a_failed_attempt(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.script("open", RuntimeError("broken\nclient"), RuntimeError(), WalletError("", code="unreachable"))
        here.wallet.kill_relay()
        errors = []
        with caplog.at_level(logging.ERROR):
            for seconds in (1, 1.5, 2.25):
                await here.clock.advance(seconds)
                errors.append(here.service.get_status().last_error)
        assert errors == ["broken client", "RuntimeError", "The relay cannot be reached."]
        assert "The wallet client raised what it should not: RuntimeError in" in caplog.text


async def test_a_dead_but_open_socket_is_found_within_25_seconds() -> None:
    async with world() as here:
        here.wallet.script("prove", "silent")
        await here.clock.advance(24.9)
        assert here.state is CONNECTED
        await here.clock.advance(0.1)
        assert (here.state, here.wallet.connected()) == (WAITING, True)
        await here.clock.advance(1)
        assert here.events == [("reconnecting", 1, 26.0), ("reconnected", 1, 26.0)]


async def test_offline_pauses_without_counting_and_online_tries_at_once() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.kill_relay()
        await here.clock.advance(1.5)
        here.network.say(online=False)
        assert (here.state, here.service.is_online_now()) == (OFFLINE, False)
        await here.clock.advance(12)
        assert (here.wallet.opens, here.network.checks) == (1, 2)
        here.wallet.relay_up()
        here.network.say(online=True)
        await settle()
        assert here.events == [
            ("reconnecting", 1, 11.0),
            ("offline", 0, 11.5),
            ("online", 1, 23.5),
            ("reconnecting", 1, 23.5),
            ("reconnected", 1, 23.5),
        ]


async def test_a_check_that_reaches_our_origin_overrules_the_browser() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.network.say(online=False, reachable=True)
        await here.clock.advance(4.9)
        assert here.state is OFFLINE
        await here.clock.advance(0.1)
        assert (here.state, here.service.is_online_now()) == (CONNECTED, True)
        assert not here.network.online()


async def test_a_check_that_raises_or_hangs_is_a_failed_check(caplog: pytest.LogCaptureFixture) -> None:
    class BrokenNetwork(FakeNetwork):
        async def check(self) -> bool:
            self.checks += 1
            if self.checks == 1:
                raise RuntimeError("broken")
            await asyncio.Event().wait()
            return False

    clock, network = ManualClock(), BrokenNetwork()
    wallet = FakeWallet(clock, [SESSION])
    service = AutomaticReconnectionService(clock=clock, network=network)
    await service.initialize(wallet)
    network.say(online=False)
    with caplog.at_level(logging.ERROR):
        await clock.advance(5)
    assert "The network could not be checked: RuntimeError in test_reconnection.py" in caplog.text
    await clock.advance(14.9)
    assert (network.checks, service.get_status().state) == (2, OFFLINE)
    await clock.advance(5.1)
    assert network.checks == 3
    network.say(online=True)
    await settle()
    assert service.get_status().state is CONNECTED
    await service.destroy()


async def test_offline_during_an_attempt_ends_it() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.script("open", "hang")
        here.wallet.kill_relay()
        await here.clock.advance(1)
        here.network.say(online=False)
        await settle()
        assert (here.state, here.service.get_status().attempt_count) == (OFFLINE, 0)
        await here.clock.advance(30)
        assert here.wallet.opens == 1


async def test_a_wish_is_answered_with_the_outcome_of_its_attempt() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.kill_relay()
        assert await here.service.reconnect() is False
        assert (here.state, here.wallet.opens) == (WAITING, 1)
        here.wallet.relay_up()
        assert await here.service.reconnect() is True
        assert here.events == [("reconnecting", 1, 10.0), ("reconnecting", 1, 10.0), ("reconnected", 1, 10.0)]


async def test_wishes_join_the_attempt_that_runs() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.kill_relay()
        here.wallet.relay_up()
        results = await asyncio.gather(*(here.service.reconnect() for _ in range(3)))
        assert (results, here.wallet.opens) == ([True, True, True], 1)


async def test_a_wish_while_connected_is_answered_by_a_proof() -> None:
    async with world() as here:
        assert await here.service.reconnect() is True
        assert (here.wallet.proofs, here.wallet.opens) == (2, 0)
        here.wallet.script("prove", WalletError("silent", code="unreachable"))
        assert await here.service.reconnect() is False
        assert here.state is WAITING


async def test_a_wish_after_failed_begins_a_new_round() -> None:
    async with world(config=ReconnectionConfig(max_attempts=1)) as here:
        await here.clock.advance(10)
        here.wallet.kill_relay()
        await here.clock.advance(1)
        assert here.state is FAILED
        here.wallet.relay_up()
        await here.clock.advance(60)
        assert here.state is FAILED
        assert await here.service.reconnect() is True


async def test_a_wish_without_sessions_is_answered_no() -> None:
    async with world(sessions=False) as here:
        assert await here.service.reconnect() is False


async def test_a_wish_that_is_given_up_leaves_nothing() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.script("open", "hang")
        here.wallet.kill_relay()
        wish = asyncio.create_task(here.service.reconnect())
        await settle()
        wish.cancel()
        await settle()
        assert wish.cancelled()
        assert here.state is ATTEMPTING


async def test_destroy_answers_those_who_wait_and_ends_the_attempt() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.script("open", "hang")
        here.wallet.kill_relay()
        wish = asyncio.create_task(here.service.reconnect())
        await settle()
        await here.service.destroy()
        await settle()
        assert wish.done()
        assert wish.result() is False
        assert (here.state, here.wallet.held, here.clock.sleeping) == (STOPPED, False, 0)


async def test_idle_holds_and_probes_nothing() -> None:
    async with world(sessions=False) as here:
        assert (here.state, here.wallet.held) == (IDLE, False)
        await here.clock.advance(100)
        assert (here.wallet.proofs, here.clock.sleeping) == (0, 0)
        here.wallet.kill_relay()
        here.wallet.relay_up()
        await settle()
        assert here.wallet.connected()
        here.service.set_has_sessions(present=True)
        await settle()
        assert (here.state, here.wallet.held, here.wallet.proofs) == (CONNECTED, True, 1)
        here.service.set_has_sessions(present=False)
        assert (here.state, here.wallet.held) == (IDLE, False)


async def test_what_was_told_of_sessions_counts_more_than_the_client_s_list() -> None:
    clock, network = ManualClock(), FakeNetwork()
    service = AutomaticReconnectionService(clock=clock, network=network)
    service.set_has_sessions(present=False)
    await service.initialize(FakeWallet(clock, [SESSION]))
    assert service.get_status().state is IDLE
    await service.destroy()


async def test_alone_it_follows_the_client_s_sessions() -> None:
    async with world(sessions=False) as here:
        assert (here.state, here.wallet.held) == (IDLE, False)
        here.wallet.settle_session(SESSION)
        await settle()
        assert (here.state, here.wallet.held, here.wallet.proofs) == (CONNECTED, True, 1)
        here.wallet.emit("session_update", topic="a" * 64)
        await settle()
        assert (here.state, here.wallet.proofs) == (CONNECTED, 1)
        here.wallet.delete_from_peer("a" * 64)
        assert (here.state, here.wallet.held) == (IDLE, False)


async def test_alone_a_client_that_cannot_list_its_sessions_leaves_all_as_it_is(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> list[Json]:
        raise WalletError("The client is broken.")

    async with world() as here:
        monkeypatch.setattr(here.wallet, "sessions", broken)
        with caplog.at_level(logging.WARNING):
            here.wallet.emit("session_delete", topic="a" * 64, id=0)
        assert (here.state, here.wallet.held) == (CONNECTED, True)
        assert "could not be read: The client is broken." in caplog.text


async def test_what_was_told_of_sessions_counts_until_it_is_destroyed() -> None:
    async with world() as here:
        here.service.set_has_sessions(present=False)
        here.wallet.emit("session_update", topic="a" * 64)
        assert here.state is IDLE
        await here.service.destroy()
        await here.service.initialize(here.wallet)
        await settle()
        assert here.state is CONNECTED


async def test_a_client_that_cannot_be_held_is_mirrored(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with world(holdable=False) as here:
            assert here.service.get_status().supervised is False
            assert "its own reconnection loop stays in charge" in caplog.text
            await here.clock.advance(10)
            here.wallet.kill_relay()
            status = here.service.get_status()
            assert (status.state, status.next_retry_time, status.is_reconnecting) == (WAITING, None, True)
            await here.clock.advance(100)
            assert (here.wallet.opens, here.wallet.proofs) == (0, 1)
            here.wallet.relay_up()
            await settle()
            assert here.state is CONNECTED
            assert here.events == [("reconnected", 0, 110.0)]


async def test_a_client_whose_transport_is_not_as_it_seemed_is_mirrored_from_then_on() -> None:
    async with world() as here:
        await here.clock.advance(10)
        here.wallet.kill_relay()
        here.wallet.script("open", WalletError("The transport is not held.", code="client"))
        await here.clock.advance(1)
        status = here.service.get_status()
        assert (status.state, status.supervised, status.last_error) == (WAITING, False, "The transport is not held.")
        assert await here.service.reconnect() is False
        await here.clock.advance(100)
        assert here.wallet.opens == 1
        here.wallet.release()
        here.wallet.relay_up()
        await settle()
        assert here.state is CONNECTED


async def test_switched_off_the_client_s_loop_brings_it_back() -> None:
    async with world() as here:
        here.service.update_config(enabled=False)
        assert here.wallet.held is False
        here.wallet.drop()
        assert here.state is WAITING
        await settle()
        assert (here.state, here.wallet.opens) == (CONNECTED, 0)


async def test_settings_are_read_back_at_once_and_told() -> None:
    async with world() as here:
        told: list[str] = []
        here.service.subscribe(lambda: told.append("changed"))
        assert here.service.update_config(max_attempts=2).max_attempts == 2
        assert here.service.get_config() == ReconnectionConfig(max_attempts=2)
        assert told
        with pytest.raises(ConfigError, match="max_attempts must be"):
            here.service.update_config(max_attempts=0)
        assert here.service.get_config() == ReconnectionConfig(max_attempts=2)


async def test_settings_can_be_changed_before_it_starts() -> None:
    service = AutomaticReconnectionService(clock=ManualClock(), network=FakeNetwork(online=False))
    service.update_config(initial_delay=2)
    assert service.get_config().initial_delay == 2
    assert service.get_status().state is STOPPED
    assert service.is_online_now() is False
    with pytest.raises(NotStartedError):
        await service.reconnect()


async def test_initialize_refuses_bad_settings_and_changes_nothing() -> None:
    async with world() as here:
        with pytest.raises(ConfigError, match="initial_delay must be"):
            await here.service.initialize(FakeWallet(here.clock), initial_delay=-1)
        assert (here.state, here.wallet.held) == (CONNECTED, True)


async def test_the_same_client_again_joins_with_its_settings() -> None:
    async with world() as here:
        await here.service.initialize(here.wallet, max_attempts=3)
        await settle()
        assert (here.wallet.listeners, here.network.listeners, here.wallet.proofs) == (1, 1, 1)
        assert here.service.get_config().max_attempts == 3


async def test_another_client_replaces_the_first() -> None:
    async with world() as here:
        other = FakeWallet(here.clock, [SESSION])
        await here.service.initialize(other)
        await settle()
        assert (here.wallet.listeners, here.wallet.held) == (0, False)
        assert (other.listeners, other.held, here.state) == (1, True, CONNECTED)
        await here.service.destroy()
        assert (other.listeners, other.held) == (0, False)


async def test_it_works_again_after_destroy() -> None:
    async with world() as here:
        await here.service.destroy()
        await here.service.destroy()
        assert here.state is STOPPED
        await here.service.initialize(here.wallet)
        await settle()
        assert (here.state, here.wallet.held, here.wallet.listeners) == (CONNECTED, True, 1)


async def test_started_without_a_client_it_follows_the_network() -> None:
    network = FakeNetwork()
    service = AutomaticReconnectionService(clock=ManualClock(), network=network)
    service.start()
    assert service.get_status().state is IDLE
    network.say(online=False)
    assert service.is_online_now() is False
    await service.destroy()
    assert network.listeners == 0


async def test_a_listener_that_raises_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as here:

        def fail(_: ReconnectionStatus) -> None:
            raise ValueError("broken")

        here.service.on("status", fail)
        here.service.on("reconnecting", fail)
        await here.clock.advance(10)
        with caplog.at_level(logging.ERROR):
            here.wallet.drop()
            await here.clock.advance(1)
        assert here.state is CONNECTED
        assert "A listener raised" in caplog.text


async def test_a_listener_may_ask_for_more_while_it_is_told() -> None:
    async with world(config=ReconnectionConfig(max_attempts=1)) as here:
        wishes: list[asyncio.Task[bool]] = []

        def again(_: ReconnectionStatus) -> None:
            here.wallet.relay_up()
            wishes.append(asyncio.ensure_future(here.service.reconnect()))
            here.service.update_config(max_attempts=4)

        here.service.on("failed", again)
        await here.clock.advance(10)
        here.wallet.kill_relay()
        await here.clock.advance(1)
        assert here.state is CONNECTED
        assert [wish.result() for wish in wishes] == [True]
        assert here.service.get_config().max_attempts == 4


async def test_status_is_told_for_every_change_and_is_the_same_object_until_then() -> None:
    async with world() as here:
        seen: list[ReconnectionStatus] = []
        here.service.on("status", seen.append)
        await here.clock.advance(10)
        assert here.service.get_status() is here.service.get_status()
        here.wallet.kill_relay()
        await here.clock.advance(1)
        assert [status.state for status in seen] == [WAITING, ATTEMPTING, WAITING]
        here.service.off("status", seen.append)
        await here.clock.advance(10)
        assert len(seen) == 3


async def test_an_unknown_event_is_refused() -> None:
    service = AutomaticReconnectionService(clock=ManualClock(), network=FakeNetwork())
    with pytest.raises(ConfigError, match="There is no event 'reconnect'"):
        service.on("reconnect", print)


@pytest.mark.parametrize("fault", ["raises", "hangs"])
async def test_restoring_that_fails_is_tried_again_and_told_once_it_works(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    restoring: list[float] = []

    async def restore() -> tuple[str, ...]:
        restoring.append(clock.now() - START)
        if len(restoring) in (2, 3):
            if fault == "raises":
                raise RuntimeError("broken")
            await asyncio.Event().wait()
        return ("a" * 64,)

    service = AutomaticReconnectionService(clock=clock, network=FakeNetwork(), restore=restore)
    told: list[tuple[float, tuple[str, ...]]] = []
    service.on("reconnected", lambda status: told.append((clock.now() - START, status.restored)))
    wallet = FakeWallet(clock, [SESSION])
    with caplog.at_level(logging.WARNING):
        await service.initialize(wallet)
        await clock.advance(10)
        wallet.drop()
        await clock.advance(1)
        wish = asyncio.create_task(service.reconnect())
        await clock.advance(10)
        assert await wish is True
        assert "restored" in caplog.text
        await clock.advance(60)
    assert restoring == ([0, 11, 11, 31] if fault == "raises" else [0, 11, 31, 51])
    assert told == [(restoring[-1], ("a" * 64,))]
    await service.destroy()


async def test_a_first_restoring_that_fails_is_tried_again_without_a_word() -> None:
    clock = ManualClock()
    restoring: list[float] = []

    async def restore() -> tuple[str, ...]:
        restoring.append(clock.now() - START)
        if len(restoring) == 1:
            raise RuntimeError("broken")
        return ()

    service = AutomaticReconnectionService(clock=clock, network=FakeNetwork(), restore=restore)
    told: list[ReconnectionStatus] = []
    service.on("reconnected", told.append)
    await service.initialize(FakeWallet(clock, [SESSION]))
    await clock.advance(60)
    assert restoring == [0, 20]
    assert told == []
    await service.destroy()


async def test_a_loss_while_restoring_ends_it_untold() -> None:
    clock = ManualClock()

    async def restore() -> tuple[str, ...]:
        await clock.sleep(3)
        return ()

    service = AutomaticReconnectionService(clock=clock, network=FakeNetwork(), restore=restore)
    told: list[ReconnectionStatus] = []
    service.on("reconnected", told.append)
    wallet = FakeWallet(clock, [SESSION])
    await service.initialize(wallet)
    await clock.advance(10)
    wallet.drop()
    await clock.advance(2)
    wallet.kill_relay()
    await clock.advance(5)
    assert told == []
    await service.destroy()


async def test_a_closing_without_a_message_is_given_one() -> None:
    async with world() as here:
        here.wallet.emit("relay_disconnect")
        assert here.service.get_status().last_error == "The connection to the relay was closed."
        here.wallet.emit("session_event", topic="a" * 64)


async def test_a_device_that_slept_tries_as_soon_as_it_wakes() -> None:
    async with world(config=ReconnectionConfig(initial_delay=30)) as here:
        await here.clock.advance(10)
        here.wallet.kill_relay()
        await here.clock.advance(1)
        here.clock.jump(600)
        await here.clock.advance(4)
        assert here.wallet.opens == 1


async def test_the_supervisor_outlives_what_should_not_happen(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(ManualClock):
        fault = False

        def now(self) -> float:
            if self.fault:
                self.fault = False
                raise RuntimeError("broken")
            return super().now()

    clock = Faulty()
    wallet = FakeWallet(clock, [SESSION])
    service = AutomaticReconnectionService(clock=clock, network=FakeNetwork(), random=lambda: 0.0)
    await service.initialize(wallet)
    await clock.advance(10)
    wallet.kill_relay()
    await settle()
    clock.fault = True
    with caplog.at_level(logging.ERROR):
        await clock.advance(1)
    assert "The supervision of the connection stumbled over RuntimeError" in caplog.text
    await clock.advance(PAUSE)
    assert wallet.opens == 1
    await service.destroy()


async def test_a_client_that_fails_as_it_is_taken_is_mirrored(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(FakeWallet):
        def hold(self) -> bool:
            raise WalletError(f"broken at {'a' * 64}")

    clock = ManualClock()
    service = AutomaticReconnectionService(clock=clock, network=FakeNetwork())
    with caplog.at_level(logging.WARNING):
        await service.initialize(Failing(clock, [SESSION]))
    await settle()
    assert (service.get_status().state, service.get_status().supervised) == (CONNECTED, False)
    assert "cannot be taken (broken at aaaaaaaa…)" in caplog.text
    await service.destroy()


async def test_a_client_that_fails_as_it_is_given_back_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(FakeWallet):
        def release(self) -> None:
            raise WalletError(f"broken at {'a' * 64}")

    clock, network = ManualClock(), FakeNetwork()
    wallet = Failing(clock, [SESSION])
    service = AutomaticReconnectionService(clock=clock, network=network)
    await service.initialize(wallet)
    await settle()
    with caplog.at_level(logging.WARNING):
        await service.destroy()
    assert (wallet.listeners, network.listeners, service.get_status().state) == (0, 0, STOPPED)
    assert "could not be given back: broken at aaaaaaaa…" in caplog.text
