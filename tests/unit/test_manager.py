"""MGR-1 and the reading part of MGR-2, over fakes, on a manual clock."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from renvault_web.errors import ConfigError, NotStartedError, StorageError, WalletError
from renvault_web.manager import ManagerConfig, SessionManager
from renvault_web.reconnect import ConnectionState
from renvault_web.session import SessionStatus, WalletSession, parse_session
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.stored import StorageConfig
from renvault_web.testing import (
    START,
    FakeCipher,
    FakeNetwork,
    FakeTabs,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from renvault_web.ports import Json
    from renvault_web.reconnect import ReconnectionStatus

A, B = "a" * 64, "b" * 64
DAY = 86_400.0


def listed(topic: str) -> Json:
    return fake_session(topic, START + 3 * DAY)


class Page:
    """One page of the origin: a manager and all that is outside of it."""

    def __init__(self, *, memory: MemoryStorage | None = None, tabs: FakeTabs | None = None) -> None:
        self.clock = ManualClock()
        self.memory = memory or MemoryStorage()
        self.network = FakeNetwork()
        self.tabs = tabs or FakeTabs()
        self.manager = SessionManager(
            clock=self.clock,
            storage=self.memory,
            cipher=FakeCipher(),
            network=self.network,
            tabs=self.tabs,
            random=lambda: 0.0,
            storage_config=StorageConfig(max_storage_size=50_000),
        )
        self.restored: list[str] = []
        self.expired = 0

    def on_restored(self, session: WalletSession) -> None:
        self.restored.append(session.topic[0])

    def on_expired(self) -> None:
        self.expired += 1

    def wallet(self, *topics: str, connected: bool = True) -> FakeWallet:
        return FakeWallet(self.clock, [listed(topic) for topic in topics], connected=connected)

    async def adopt(self, wallet: FakeWallet) -> None:
        await self.manager.initialize(wallet, self.on_restored, self.on_expired)
        await settle()

    @property
    def state(self) -> ConnectionState:
        return self.manager.get_reconnection_status().state


@asynccontextmanager
async def page(*stored: str, memory: MemoryStorage | None = None, tabs: FakeTabs | None = None) -> AsyncIterator[Page]:
    here = Page(memory=memory, tabs=tabs)
    if stored:
        storage = EncryptedSessionStorage(storage=here.memory, cipher=FakeCipher(), clock=here.clock)
        await storage.open()
        await storage.store_sessions(parse_session(listed(topic)) for topic in stored)
        storage.close()
    await here.manager.start()
    yield here
    await here.manager.destroy()
    await settle()
    assert (here.network.listeners, here.tabs.listeners, here.clock.sleeping) == (0, 0, 0)


# Life


async def test_started_without_a_wallet_it_shows_what_is_stored() -> None:
    async with page(A) as here:
        manager = here.manager
        assert [session.topic for session in manager.get_active_sessions()] == [A]
        assert manager.session_status(A) is SessionStatus.RESTORING
        assert (here.state, manager.integration.has_client, manager.problems) == (ConnectionState.IDLE, False, {})
        assert manager.get_storage_stats().total_sessions == 1


async def test_initialize_joins_storage_client_and_connection() -> None:
    async with page(A, B) as here:
        wallet = here.wallet(A)
        await here.adopt(wallet)
        manager = here.manager
        assert (manager.session_status(A), manager.session_status(B), manager.session_status("x")) == (
            SessionStatus.ACTIVE,
            SessionStatus.NEEDS_RECONNECT,
            None,
        )
        assert (here.state, wallet.held, manager.integration.has_client) == (ConnectionState.CONNECTED, True, True)
        assert here.restored == ["a"]
        assert manager.get_session(B) is not None
        assert len(manager.get_all_sessions()) == 2
        assert manager.has_session(A)
        primary = manager.get_primary_session()
        assert primary is not None
        assert primary.topic == A


async def test_initialize_starts_by_itself() -> None:
    here = Page()
    await here.adopt(here.wallet(A))
    assert here.restored == ["a"]
    await here.manager.destroy()


async def test_sessions_are_restored_after_each_reconnection() -> None:
    async with page() as here:
        wallet = here.wallet(A)
        await here.adopt(wallet)
        await here.clock.advance(10)
        wallet.kill_relay()
        wallet.settle_session(listed(B))
        told: list[ReconnectionStatus] = []
        here.manager.reconnection.on("reconnected", told.append)
        wallet.relay_up()
        await here.clock.advance(1)
        assert here.restored == ["a", "a", "b"]
        assert [status.restored for status in told] == [(A, B)]


async def test_pairings_that_cannot_be_removed_do_not_keep_sessions_from_being_restored() -> None:
    class Stubborn(FakeWallet):
        async def remove_stale_pairings(self) -> int:
            await asyncio.Event().wait()
            return 0

    async with page() as here:
        wallet = Stubborn(here.clock, [listed(A)])
        adopting = asyncio.ensure_future(here.adopt(wallet))
        await here.clock.advance(10)
        await adopting
        told: list[float] = []
        here.manager.reconnection.on("reconnected", lambda _: told.append(here.clock.now() - START))
        wallet.drop()
        await here.clock.advance(20)
        assert here.restored == ["a", "a"]
        assert told == [10 + 1 + 5]


async def test_what_the_host_ended_on_the_client_itself_is_found_by_the_next_proof() -> None:
    async with page() as here:
        told: list[tuple[str, str]] = []
        here.manager.integration.on(
            "session_deleted", lambda event: told.append((event["topic"][0], event["params"]["by"]))
        )
        wallet = here.wallet(A, B)
        await here.adopt(wallet)
        wallet.forget(A)
        await here.clock.advance(here.manager.reconnection.get_config().liveness_interval)
        assert told == [("a", "client")]
        wallet.forget(B)
        await here.clock.advance(1)
        assert await here.manager.reconnect()
        assert told == [("a", "client"), ("b", "client")]
        assert here.manager.get_all_sessions() == []
        assert here.state is ConnectionState.IDLE


async def test_a_session_is_not_restored_before_the_connection_is_proved() -> None:
    async with page() as here:
        wallet = here.wallet(A, connected=False)
        await here.adopt(wallet)
        assert (here.restored, here.state) == ([], ConnectionState.WAITING)
        wallet.relay_up()
        await here.clock.advance(1)
        assert here.restored == ["a"]


async def test_an_expiry_is_told_to_the_host() -> None:
    async with page() as here:
        await here.adopt(here.wallet(A, B))
        here.clock.jump(3 * DAY)
        await here.clock.advance(5)
        assert here.expired == 2


async def test_the_host_s_functions_may_be_async_and_may_raise(caplog: pytest.LogCaptureFixture) -> None:
    async with page() as here:
        done: list[str] = []

        async def restored(session: WalletSession) -> None:
            await here.clock.sleep(1)
            done.append(session.topic[0])
            if session.topic == A:
                raise ValueError("broken")

        with caplog.at_level(logging.ERROR):
            await here.manager.initialize(here.wallet(A, B), restored)
            await here.clock.advance(1)
        assert done == ["a", "b"]
        assert "A function of the host raised: ValueError in test_manager.py" in caplog.text


async def test_a_host_s_function_may_destroy_the_manager() -> None:
    async with page() as here:

        async def restored(_: WalletSession) -> None:
            await here.manager.destroy()

        await here.manager.initialize(here.wallet(A, B), restored)
        await settle()
        assert here.state is ConnectionState.STOPPED


async def test_the_same_client_again_joins() -> None:
    async with page() as here:
        wallet = here.wallet(A)
        await asyncio.gather(here.adopt(wallet), here.adopt(wallet))
        assert (wallet.listeners, wallet.proofs, here.restored) == (2, 1, ["a"])


async def test_another_client_replaces_it() -> None:
    async with page() as here:
        first, second = here.wallet(A), here.wallet(B)
        await here.adopt(first)
        await here.adopt(second)
        assert (first.listeners, first.held, second.listeners, second.held) == (0, False, 2, True)
        assert here.manager.session_status(A) is SessionStatus.NEEDS_RECONNECT
        assert here.restored == ["a", "b"]


async def test_another_client_s_sessions_are_not_taken_for_those_of_the_first() -> None:
    async with page() as here:
        await here.adopt(here.wallet(connected=False))
        states: list[ConnectionState] = []
        here.manager.reconnection.on("status", lambda status: states.append(status.state))
        await here.adopt(here.wallet(A))
        assert here.state is ConnectionState.CONNECTED
        assert ConnectionState.WAITING not in states


async def test_mount_unmount_mount_leaves_one_of_everything() -> None:
    async with page() as here:
        wallet = here.wallet(A)
        first = asyncio.create_task(here.adopt(wallet))
        await asyncio.sleep(0)
        second = asyncio.create_task(here.manager.destroy())
        third = asyncio.create_task(here.adopt(wallet))
        await asyncio.gather(first, second, third)
        assert (wallet.listeners, here.network.listeners, here.state) == (2, 1, ConnectionState.CONNECTED)
        assert here.restored == ["a"]
        assert here.manager.problems == {}


@pytest.mark.parametrize("turns", range(1, 60, 3))
async def test_destroy_at_any_moment_of_an_initialize_stops_everything(turns: int) -> None:
    async with page(A) as here:
        wallet = here.wallet(A)
        wallet.script("prove", "hang")
        task = asyncio.create_task(here.adopt(wallet))
        for _ in range(turns):
            await asyncio.sleep(0)
        await here.manager.destroy()
        await task
        assert (wallet.listeners, wallet.held, here.network.listeners, here.clock.sleeping) == (0, False, 0, 0)
        assert here.state is ConnectionState.STOPPED


async def test_it_works_again_after_destroy_and_nothing_was_deleted() -> None:
    async with page() as here:
        wallet = here.wallet(A)
        await here.adopt(wallet)
        await here.manager.destroy()
        await here.manager.destroy()
        assert (here.manager.get_all_sessions(), here.manager.has_session()) == ([], False)
        assert here.manager.get_storage_stats().total_sessions == 0
        with pytest.raises(NotStartedError):
            await here.manager.reconnect()
        await here.manager.start()
        assert here.manager.session_status(A) is SessionStatus.RESTORING
        await here.adopt(wallet)
        assert (here.state, here.restored) == (ConnectionState.CONNECTED, ["a", "a"])


# Parts that fail


async def test_a_storage_that_fails_is_a_problem_and_the_rest_works(caplog: pytest.LogCaptureFixture) -> None:
    here = Page()
    here.memory.fail_after(0)
    with caplog.at_level(logging.WARNING):
        await here.adopt(here.wallet(A))
    assert here.manager.problems == {"storage": "The page was killed."}
    assert (here.restored, here.state) == (["a"], ConnectionState.CONNECTED)
    assert here.manager.get_storage_stats().max_size == 50_000
    here.memory.fail_after(1000)
    await here.manager.start()
    assert here.manager.problems == {}
    await here.manager.destroy()


async def test_a_client_that_fails_is_a_problem_and_can_be_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeWallet):
        broken: Exception | None = RuntimeError("cannot list wss://relay.example/?auth=secret")

        def sessions(self) -> list[Json]:
            if self.broken:
                raise self.broken
            return super().sessions()

    async with page(A) as here:
        wallet = Broken(here.clock, [listed(A)])
        with caplog.at_level(logging.WARNING):
            await here.adopt(wallet)
        line = "cannot list wss://relay.example/"
        assert here.manager.problems == {"integration": line, "reconnection": line}
        assert "The integration does not work: RuntimeError in test_manager.py" in caplog.text
        wallet.broken = WalletError("")
        await here.adopt(wallet)
        assert here.manager.problems == {"integration": "WalletError", "reconnection": "WalletError"}
        assert (wallet.listeners, here.state) == (0, ConnectionState.IDLE)
        wallet.broken = None
        await here.adopt(wallet)
        assert here.manager.problems == {}
        assert here.manager.session_status(A) is SessionStatus.ACTIVE
        assert here.state is ConnectionState.CONNECTED


# Asking and doing


async def test_settings_are_short_names_for_the_reconnection_s() -> None:
    async with page() as here:
        manager = here.manager
        assert manager.get_config() == ManagerConfig(auto_reconnect=True, max_reconnect_attempts=5)
        assert manager.update_config(auto_reconnect=False, max_reconnect_attempts=2) == ManagerConfig(
            auto_reconnect=False, max_reconnect_attempts=2
        )
        config = manager.reconnection.get_config()
        assert (config.enabled, config.max_attempts) == (False, 2)
        with pytest.raises(ConfigError, match="There is no setting 'maxReconnectAttempts'"):
            manager.update_config(maxReconnectAttempts=3)
        with pytest.raises(ConfigError, match="max_attempts must be"):
            manager.update_config(max_reconnect_attempts=0)


async def test_calls_go_to_the_client() -> None:
    async with page() as here:
        wallet = here.wallet(A)
        await here.adopt(wallet)
        assert await here.manager.extend_session(A) is True
        assert await here.manager.ping_session(A) == 0.0
        assert await here.manager.reconnect() is True
        await here.manager.disconnect_session(A)
        assert wallet.calls == [("extend", A), ("ping", A), ("disconnect", A)]
        assert (here.manager.get_all_sessions(), here.state) == ([], ConnectionState.IDLE)


async def test_the_last_session_gone_gives_the_transport_back_and_the_first_takes_it() -> None:
    async with page() as here:
        wallet = here.wallet()
        await here.adopt(wallet)
        assert (here.state, wallet.held) == (ConnectionState.IDLE, False)
        wallet.settle_session(listed(A))
        assert (here.state, wallet.held) == (ConnectionState.CONNECTED, True)
        wallet.delete_from_peer(A)
        assert (here.state, wallet.held) == (ConnectionState.IDLE, False)


async def test_clear_all_disconnects_each_and_removes_every_record() -> None:
    async with page(B) as here:
        wallet = here.wallet(A)
        await here.adopt(wallet)
        here.memory.set("other", "stays")
        await here.manager.clear_all_sessions()
        assert wallet.calls == [("disconnect", A)]
        assert here.manager.get_all_sessions() == []
        assert here.memory.keys() == ["other"]


async def test_clear_all_without_a_client_removes_the_records_and_the_client_is_told_when_it_comes() -> None:
    async with page(A) as here:
        await here.manager.clear_all_sessions()
        assert here.manager.get_all_sessions() == []
        wallet = here.wallet(A)
        await here.adopt(wallet)
        assert (wallet.calls, wallet.sessions()) == ([("disconnect", A)], [])
        assert (here.manager.get_all_sessions(), here.state) == ([], ConnectionState.IDLE)


async def test_clear_all_with_a_client_that_raises_what_it_should_not_removes_the_records(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with page(A) as here:
        wallet = here.wallet(A)
        await here.adopt(wallet)
        wallet.script("disconnect", RuntimeError("No."))
        with caplog.at_level(logging.WARNING):
            await here.manager.clear_all_sessions()
        assert here.manager.storage.retrieve_all_sessions() == []
        assert "only its record is removed: RuntimeError in" in caplog.text


async def test_several_changes_make_one_call_soon_after() -> None:
    async with page() as here:
        told: list[int] = []
        wallet = here.wallet()
        await here.adopt(wallet)
        stop = here.manager.subscribe(lambda: told.append(len(here.manager.get_all_sessions())))
        wallet.emit("session_connect", topic=A, session=listed(A))
        wallet.emit("session_connect", topic=B, session=listed(B))
        assert told == []
        await asyncio.sleep(0)
        assert told == [2]
        stop()


async def test_a_session_deleted_in_one_page_is_gone_in_the_other() -> None:
    tabs, memory = FakeTabs(), MemoryStorage()
    async with page(memory=memory, tabs=tabs) as here, page(memory=memory.another(), tabs=tabs.another()) as there:
        await here.adopt(here.wallet(A))
        await there.adopt(there.wallet(A))
        told: list[object] = []
        there.manager.integration.on("session_deleted", lambda event: told.append(event["params"]))
        await here.manager.disconnect_session(A)
        await settle()
        assert (there.manager.get_all_sessions(), there.state) == ([], ConnectionState.IDLE)
        assert told == [{"by": "tab"}]


async def test_a_session_that_one_page_s_client_has_lost_stays_in_the_other() -> None:
    tabs, memory = FakeTabs(), MemoryStorage()
    async with page(memory=memory, tabs=tabs) as here, page(memory=memory.another(), tabs=tabs.another()) as there:
        wallet = here.wallet(A)
        await here.adopt(wallet)
        await there.adopt(there.wallet(A))
        wallet.forget(A)
        await here.manager.integration.reconcile()
        await settle()
        assert here.manager.get_all_sessions() == []
        assert (there.manager.session_status(A), there.state) == (SessionStatus.ACTIVE, ConnectionState.CONNECTED)


async def test_a_session_that_the_wallet_ends_in_one_page_is_gone_in_the_other() -> None:
    tabs, memory = FakeTabs(), MemoryStorage()
    async with page(memory=memory, tabs=tabs) as here, page(memory=memory.another(), tabs=tabs.another()) as there:
        wallet = here.wallet(A)
        await here.adopt(wallet)
        await there.adopt(there.wallet(A))
        wallet.delete_from_peer(A)
        await settle()
        assert (there.manager.get_all_sessions(), there.state) == ([], ConnectionState.IDLE)


@pytest.mark.parametrize(
    "message", [{}, {"kind": "session_deleted"}, {"kind": "session_deleted", "topic": 5}, {"topic": A}]
)
async def test_messages_of_other_pages_are_not_trusted(message: Json) -> None:
    async with page() as here:
        await here.adopt(here.wallet(A))
        here.tabs.another().post(message)
        await settle()
        assert here.manager.session_status(A) is SessionStatus.ACTIVE


async def test_without_other_pages_it_works_too() -> None:
    clock = ManualClock()
    manager = SessionManager(clock=clock, storage=MemoryStorage(), cipher=FakeCipher(), network=FakeNetwork())
    wallet = FakeWallet(clock, [listed(A)])
    await manager.initialize(wallet)
    await manager.disconnect_session(A)
    assert manager.get_all_sessions() == []
    await manager.destroy()


async def test_the_parts_initialized_by_themselves_work_too() -> None:
    async with page() as here:
        wallet = here.wallet(A)
        await here.manager.reconnection.initialize(wallet)
        assert (here.state, wallet.held) == (ConnectionState.CONNECTED, True)
        await here.manager.integration.initialize(wallet)
        await settle()
        assert here.manager.session_status(A) is SessionStatus.ACTIVE
        await here.adopt(wallet)
        assert wallet.listeners == 2


async def test_a_write_that_fails_on_the_way_is_told_as_an_error() -> None:
    async with page() as here:
        wallet = here.wallet()
        await here.adopt(wallet)
        told: list[object] = []
        here.manager.integration.on("session_error", lambda event: told.append(event["params"]["code"]))
        here.memory.fail_after(0)
        wallet.settle_session(listed(A))
        await settle()
        assert told == [StorageError.default_code]
