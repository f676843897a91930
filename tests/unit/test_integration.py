"""INT-1 to INT-6, INT-8, INT-9: the service over fakes, on a manual clock, with the real storage."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from renvault_web.errors import ConfigError, NotStartedError, StorageError, WalletError
from renvault_web.integration import SESSION_EVENTS, WalletKitSessionIntegration
from renvault_web.session import SESSION_PERIOD, SessionStats, SessionStatus, WalletSession, parse_session
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.stored import StoredSession
from renvault_web.testing import (
    START,
    FakeCipher,
    FakeTabs,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)
from renvault_web.timing import PAUSE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from renvault_web.ports import Json

A, B, C = "a" * 64, "b" * 64, "c" * 64
DAY = 86_400.0
ACTIVE, RESTORING = SessionStatus.ACTIVE, SessionStatus.RESTORING
UNKNOWN, NEEDS_RECONNECT = SessionStatus.UNKNOWN, SessionStatus.NEEDS_RECONNECT


def listed(topic: str, days: float = 3, **changes: object) -> Json:
    return fake_session(topic, START + days * DAY, **changes)


def known(topic: str, days: float = 3, **changes: object) -> WalletSession:
    return parse_session(listed(topic, days, **changes))


@dataclass
class World:
    clock: ManualClock
    memory: MemoryStorage
    storage: EncryptedSessionStorage
    wallet: FakeWallet
    service: WalletKitSessionIntegration
    events: list[tuple[str, str | None]] = field(default_factory=list)
    full: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def record(self, name: str, event: dict[str, Any]) -> None:
        topic = event["topic"]
        self.events.append((name, None if topic is None else topic[0]))
        self.full.append((name, event))

    def take(self) -> list[tuple[str, str | None]]:
        """Return what was told since the last time."""
        told, self.events = self.events, []
        return told

    def params(self) -> Any:
        """Return the params of the last event."""
        return self.full[-1][1]["params"]

    async def stored(self) -> list[str]:
        await settle()
        return sorted(session.topic[0] for session in self.storage.retrieve_all_sessions())

    def statuses(self) -> dict[str, SessionStatus | None]:
        sessions = self.service.get_all_sessions()
        return {session.topic[0]: self.service.session_status(session.topic) for session in sessions}


@asynccontextmanager
async def world(
    *sessions: Json, stored: tuple[WalletSession, ...] = (), adopt: bool = True, tabs: FakeTabs | None = None
) -> AsyncIterator[World]:
    clock, memory = ManualClock(), MemoryStorage()
    storage = EncryptedSessionStorage(storage=memory, cipher=FakeCipher(), clock=clock, tabs=tabs)
    await storage.open()
    await storage.store_sessions(stored)
    wallet = FakeWallet(clock, sessions)
    service = WalletKitSessionIntegration(clock=clock, storage=storage)
    here = World(clock, memory, storage, wallet, service)
    for name in SESSION_EVENTS:
        service.on(name, partial(here.record, name))
    service.start()
    if adopt:
        await service.initialize(wallet)
    yield here
    await service.destroy()
    storage.close()
    await settle()
    assert (wallet.listeners, clock.sleeping) == (0, 0)


# Restoring and reconciling


async def test_stored_sessions_are_restoring_until_the_client_is_asked() -> None:
    async with world(listed(A), stored=(known(A), known(B)), adopt=False) as here:
        assert here.statuses() == {"a": RESTORING, "b": RESTORING}
        assert [session.topic for session in here.service.get_active_sessions()] == [A, B]
        assert here.service.has_session()
        await here.service.initialize(here.wallet)
        assert here.statuses() == {"a": ACTIVE, "b": NEEDS_RECONNECT}
        assert [session.topic for session in here.service.get_active_sessions()] == [A]
        assert here.service.live_topics == (A,)
        assert here.service.has_client
        assert here.take() == []


async def test_restoring_lasts_ten_seconds_at_most_and_its_end_is_told() -> None:
    async with world(stored=(known(A),), adopt=False) as here:
        changes: list[dict[str, SessionStatus | None]] = []
        await here.clock.advance(9.9)
        here.service.subscribe(lambda: changes.append(here.statuses()))
        assert here.statuses() == {"a": RESTORING}
        await here.clock.advance(0.1)
        assert changes == [{"a": UNKNOWN}]
        assert here.service.get_active_sessions() == []


async def test_sessions_of_the_client_are_stored_and_new_ones_told() -> None:
    async with world(listed(A), listed(B), stored=(known(A),)) as here:
        assert here.take() == [("session_created", "b")]
        assert await here.stored() == ["a", "b"]


async def test_what_the_client_says_replaces_what_was_stored() -> None:
    async with world(listed(A, 5), stored=(known(A, 3, label="mine"),)) as here:
        session = here.service.get_session(A)
        assert session is not None
        assert (session.expiry, session.extra) == (START + 5 * DAY, {"label": "mine"})
        assert here.storage.retrieve_session(A) == session
        assert here.take() == []


async def test_what_the_host_did_on_the_client_is_told_at_the_next_reconcile() -> None:
    async with world(listed(A), listed(B)) as here:
        here.take()
        here.wallet.forget(A)
        here.wallet.set_session(B, expiry=START + 9 * DAY)
        assert here.take() == []
        assert await here.service.reconcile() == (B,)
        assert here.take() == [("session_updated", "b"), ("session_deleted", "a")]
        assert here.params() == {"by": "client"}
        assert await here.stored() == ["b"]
        assert await here.service.reconcile() == (B,)
        assert here.take() == []


async def test_a_session_that_cannot_be_read_is_an_error_and_no_end_of_the_others() -> None:
    async with world(listed(A), listed(B)) as here:
        here.take()
        here.wallet.set_session(A, accounts=7)
        await here.service.reconcile()
        assert here.take() == [("session_error", None)]
        assert here.params() == {"message": "Session aaaaaaaa: accounts must be a list.", "code": "wallet"}
        assert here.service.live_topics == (A, B)


async def test_stale_pairings_are_removed_and_a_failure_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(FakeWallet):
        async def remove_stale_pairings(self) -> int:
            await asyncio.Event().wait()
            return 0

    async with world(listed(A)) as here:
        here.wallet.stale_pairings = 3
        await here.service.reconcile()
        assert here.wallet.stale_pairings == 0
        stubborn = Stubborn(here.clock, [listed(A)])
        with caplog.at_level(logging.WARNING):
            task = asyncio.create_task(here.service.initialize(stubborn))
            await here.clock.advance(10)
            await task
        assert "Stale pairings could not be removed" in caplog.text
        assert here.service.live_topics == (A,)


async def test_a_client_that_cannot_list_its_sessions_is_not_adopted() -> None:
    class Broken(FakeWallet):
        def sessions(self) -> list[Json]:
            raise WalletError("The client is broken.")

    async with world(listed(A), stored=(known(A),)) as here:
        broken = Broken(here.clock)
        with pytest.raises(WalletError, match="The client is broken"):
            await here.service.initialize(broken)
        assert (broken.listeners, here.wallet.listeners, here.service.has_client) == (0, 0, False)
        assert await here.stored() == ["a"]


async def test_without_a_client_there_is_nothing_to_reconcile() -> None:
    async with world(stored=(known(A),), adopt=False) as here:
        assert await here.service.reconcile() == ()


# Events


async def test_a_settled_session_is_created_once() -> None:
    async with world() as here:
        here.wallet.settle_session(listed(A))
        here.wallet.emit("session_connect", topic=A, session=listed(A))
        assert here.take() == [("session_created", "a")]
        assert here.params()["session"]["expiry"] == START + 3 * DAY
        assert here.full[-1][1]["timestamp"] == START
        assert here.statuses() == {"a": ACTIVE}
        assert await here.stored() == ["a"]


async def test_a_session_known_from_the_storage_that_is_settled_anew_is_created() -> None:
    async with world(stored=(known(A),)) as here:
        here.wallet.settle_session(listed(A))
        assert here.take() == [("session_created", "a")]


async def test_updates_are_told_once_with_what_changed() -> None:
    async with world(listed(A)) as here:
        here.take()
        spaces = {"stacks": {"accounts": ["stacks:1:SP9"]}}
        update = {"topic": A, "id": 17, "session": listed(A, namespaces=spaces, accounts=["stacks:1:SP9"])}
        here.wallet.emit("session_update", **update)
        here.wallet.emit("session_update", **update)
        assert here.take() == [("session_updated", "a")]
        assert here.params()["changed"] == ["accounts", "namespaces"]
        assert here.service.get_active_sessions()[0].accounts == ("stacks:1:SP9",)
        here.wallet.emit("session_extend", topic=A, id=18, session=listed(A, 8, namespaces=spaces))
        assert here.take() == [("session_updated", "a")]
        here.wallet.emit("session_extend", topic=A, id=19, session=listed(A, 8, namespaces=spaces))
        assert here.take() == []
        await settle()
        stored = here.storage.retrieve_session(A)
        assert stored is not None
        assert stored.expiry == START + 8 * DAY


async def test_a_delete_by_the_wallet_is_told_once() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.delete_from_peer(A)
        here.wallet.emit("session_delete", topic=A, id=99)
        here.wallet.emit("session_delete", topic=A, id=0)
        here.wallet.emit("session_expire", topic=A)
        assert here.take() == [("session_deleted", "a")]
        assert here.params() == {"by": "wallet"}
        assert here.service.get_all_sessions() == []
        assert await here.stored() == []
        await here.clock.advance(1)
        assert here.take() == []


async def test_a_stale_listing_does_not_bring_an_ended_session_back() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.emit("session_delete", topic=A, id=99)
        await here.service.reconcile()
        here.wallet.emit("session_extend", topic=A, id=100, session=listed(A, 9))
        assert here.take() == [("session_deleted", "a")]
        assert await here.stored() == []


async def test_an_expiry_that_the_client_tells_twice_is_told_once_as_expiry() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.expire(A)
        await here.clock.advance(1)
        assert here.take() == [("session_expired", "a")]
        assert here.params() == {"expiry": START + 3 * DAY}
        assert await here.stored() == []


async def test_a_lone_delete_of_the_client_is_a_delete_after_a_short_wait() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.forget(A)
        here.wallet.emit("session_delete", topic=A, id=0)
        here.wallet.emit("session_delete", topic=A, id=0)
        assert here.service.get_all_sessions() == []
        await here.service.reconcile()
        await here.clock.advance(0.4)
        assert here.take() == []
        await here.clock.advance(0.1)
        assert here.take() == [("session_deleted", "a")]
        assert here.params() == {"by": "client"}
        assert await here.stored() == []


async def test_an_expiry_of_a_session_that_needs_reconnect_is_told() -> None:
    async with world(stored=(known(A),)) as here:
        here.clock.jump(3 * DAY)
        here.wallet.emit("session_expire", topic=A)
        here.wallet.emit("session_expire", topic=B)
        assert here.take() == [("session_expired", "a")]


async def test_wallet_events_update_the_session_and_are_passed_on() -> None:
    async with world(listed(A)) as here:
        here.take()
        sent = {"event": {"name": "accountsChanged", "data": ["SP9"]}, "chainId": "stacks:1"}
        here.wallet.emit("session_event", topic=A, id=5, params=sent)
        here.wallet.emit("session_event", topic=A, id=5, params=sent)
        assert here.take() == [("session_updated", "a"), ("session_event", "a")]
        assert here.params() == sent
        here.wallet.emit("session_event", topic=A, id=6, params="odd")
        here.wallet.emit("session_event", topic=C, id=7, params=sent)
        assert here.take() == [("session_event", "a")]
        assert here.params() == {}
        await here.service.reconcile()
        assert here.service.get_active_sessions()[0].accounts == ("stacks:1:SP9",)
        assert here.take() == []


async def test_errors_of_the_client_are_told_without_secrets() -> None:
    async with world() as here:
        here.wallet.emit("session_error", message="failed wss://relay.example/?auth=secret")
        here.wallet.emit("session_error", topic=A)
        assert [event["params"]["message"] for _, event in here.full] == [
            "failed wss://relay.example/",
            "Unknown error.",
        ]
        assert here.take() == [("session_error", None), ("session_error", "a")]


@pytest.mark.parametrize(
    "event",
    [
        {"event": "relay_connect"},
        {"event": "session_update"},
        {"event": "session_update", "topic": 5, "session": {}},
        {"event": "session_update", "topic": A, "session": None},
        {"event": "session_delete", "topic": B, "id": 0},
        {"event": "nonsense", "topic": A},
    ],
    ids=str,
)
async def test_events_that_mean_nothing_here_do_nothing(event: Json) -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.emit(**event)
        assert here.take() == []
        assert here.statuses() == {"a": ACTIVE}


async def test_an_event_with_a_session_that_cannot_be_read_is_an_error() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.emit("session_update", topic=A, id=5, session={"topic": A, "expiry": "soon"})
        assert here.take() == [("session_error", None)]


async def test_a_listener_that_raises_or_leaves_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as here:

        def fail(_: dict[str, Any]) -> None:
            raise ValueError("broken")

        heard: list[dict[str, Any]] = []
        stop = here.service.on("session_created", fail)
        here.service.on("session_created", heard.append)
        with caplog.at_level(logging.ERROR):
            here.wallet.settle_session(listed(A))
        stop()
        here.service.off("session_created", heard.append)
        here.wallet.settle_session(listed(B))
        assert len(heard) == 1
        with pytest.raises(ConfigError):
            here.service.on("session_settled", fail)


# Expiry


async def test_a_session_leaves_at_its_exact_end_with_or_without_a_relay() -> None:
    async with world(listed(A, 0.001), listed(B)) as here:
        here.take()
        here.wallet.kill_relay()
        await here.clock.advance(86.3)
        assert here.take() == []
        await here.clock.advance(0.1)
        assert here.take() == [("session_expired", "a")]
        assert here.statuses() == {"b": ACTIVE}
        assert await here.stored() == ["b"]
        here.wallet.expire(A)
        await here.clock.advance(1)
        assert here.take() == []


async def test_a_session_that_the_client_knows_to_live_on_stays() -> None:
    async with world(listed(A, 0.001)) as here:
        here.take()
        here.wallet.set_session(A, expiry=START + DAY)
        await here.clock.advance(100)
        assert here.take() == [("session_updated", "a")]
        assert here.statuses() == {"a": ACTIVE}


async def test_a_session_whose_client_fails_at_its_end_leaves() -> None:
    class Failing(FakeWallet):
        fails = False

        def sessions(self) -> list[Json]:
            if self.fails:
                raise WalletError("The client is broken.")
            return super().sessions()

    async with world() as here:
        wallet = Failing(here.clock, [listed(A, 0.001)])
        await here.service.initialize(wallet)
        wallet.fails = True
        await here.clock.advance(100)
        assert here.take()[-1] == ("session_expired", "a")
        wallet.fails = False


async def test_a_session_that_the_client_lists_as_ended_leaves() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.set_session(A, expiry=START - 1)
        await here.service.reconcile()
        assert here.take() == [("session_expired", "a")]
        assert here.params() == {"expiry": START - 1}


async def test_a_session_that_needs_reconnect_leaves_at_its_end_too() -> None:
    async with world(stored=(known(A, 0.001),)) as here:
        await here.clock.advance(100)
        assert here.take() == [("session_expired", "a")]


async def test_what_ended_while_the_page_was_closed_is_told_once_after_the_start() -> None:
    clock, memory = ManualClock(), MemoryStorage()
    storage = EncryptedSessionStorage(storage=memory, cipher=FakeCipher(), clock=clock)
    await storage.open()
    await storage.store_session(known(A))
    storage.close()
    clock.jump(4 * DAY)
    expired = await storage.open()
    service = WalletKitSessionIntegration(clock=clock, storage=storage)
    heard: list[dict[str, Any]] = []
    service.on("session_expired", heard.append)
    service.start(expired)
    assert heard == []
    await service.initialize(FakeWallet(clock))
    await service.initialize(FakeWallet(clock))
    assert [(event["topic"], event["params"]) for event in heard] == [(A, {"expiry": START + 3 * DAY})]
    await service.destroy()


async def test_what_ended_only_as_far_as_stored_lives_on_and_is_told_nothing_about() -> None:
    async with world() as here:
        await here.storage.store_sessions([known(A, label="mine"), known(B)])
        here.clock.jump(4 * DAY)
        expired = await here.storage.open()
        assert await here.stored() == []
        here.service.start(expired)
        wallet = FakeWallet(here.clock, [listed(A, 9)])  # the host extended it without us
        await here.service.initialize(wallet)
        assert here.take() == [("session_expired", "b")]
        session = here.service.get_session(A)
        assert session == known(A, 9, label="mine")
        assert here.storage.stored_session(A) == StoredSession(known(A, 9, label="mine"), START, START)
        wallet.delete_from_peer(A)
        await here.service.initialize(here.wallet)
        assert here.take() == [("session_deleted", "a")]


async def extend_elsewhere(here: World) -> None:
    """Let another page extend session A, whose client here stays at the old end of 86.4 s, and reach that end."""
    await here.storage.store_session(known(A, 7))
    here.clock.jump(86.4)
    assert here.take() == [("session_created", "a"), ("session_updated", "a")]
    assert here.statuses() == {"a": ACTIVE}


async def test_a_client_that_ends_what_another_page_extended_only_loses_it() -> None:
    async with world(listed(A, 0.001)) as here:
        await extend_elsewhere(here)
        for _ in range(2):
            here.wallet.expire(A)
            assert here.statuses() == {"a": NEEDS_RECONNECT}
            assert here.service.live_topics == ()
        await here.clock.advance(1)
        await here.service.reconcile()
        assert here.take() == []
        assert here.storage.retrieve_session(A) == known(A, 7)
        here.clock.jump(7 * DAY)
        await here.clock.advance(5)
        assert here.take() == [("session_expired", "a")]


@pytest.mark.parametrize("event", [True, False])
async def test_a_client_that_has_dropped_what_another_page_extended_only_loses_it(event: bool) -> None:
    async with world(listed(A, 0.001)) as here:
        await extend_elsewhere(here)
        here.wallet.forget(A)
        if event:
            here.wallet.emit("session_delete", topic=A, id=0)
            await here.clock.advance(1)
        await here.service.reconcile()
        assert here.statuses() == {"a": NEEDS_RECONNECT}
        assert here.take() == []
        assert await here.stored() == ["a"]


async def test_a_client_that_lists_an_old_end_does_not_end_what_another_page_extended() -> None:
    async with world(listed(A, -1), stored=(known(A),)) as here:
        await here.service.reconcile()
        assert here.statuses() == {"a": NEEDS_RECONNECT}
        assert here.take() == []
        assert await here.stored() == ["a"]


async def test_what_the_client_too_lists_as_ended_is_told_once() -> None:
    async with world(listed(A, -1), adopt=False) as here:
        here.service.start([known(A, -2)])
        await here.service.initialize(here.wallet)
        here.wallet.expire(A)
        await here.service.reconcile()
        assert here.take() == [("session_expired", "a")]
        assert here.params() == {"expiry": START - 2 * DAY}


# Getters


async def test_the_figures_and_expiry_questions() -> None:
    async with world(listed(A, 0.5), listed(B, 3), stored=(known(C),)) as here:
        assert here.service.get_session_stats() == SessionStats(total_sessions=3, active_sessions=2, expiring_soon=1)
        assert here.service.has_session(A)
        assert not here.service.has_session(C)
        assert here.service.get_session("x") is None
        assert here.service.session_status("x") is None
        assert here.service.is_session_expired(known(A, -1))
        assert not here.service.is_session_expired(known(A, 1))


async def test_primary_is_the_last_used_until_one_is_chosen() -> None:
    async with world(listed(A), listed(B), stored=(known(C),)) as here:
        await here.clock.advance(1)
        await here.service.ping_session(A)
        await settle()
        assert here.service.get_primary_session() == here.service.get_session(A)
        await here.service.set_primary(B)
        assert here.service.get_primary_session() == here.service.get_session(B)
        assert here.storage.notes == {"primary": B}
        with pytest.raises(WalletError, match="There is no session x"):
            await here.service.set_primary("x")
        here.wallet.delete_from_peer(B)
        assert here.service.get_primary_session() == here.service.get_session(A)
        await here.service.set_primary(None)
        assert here.storage.notes == {}


async def test_without_sessions_there_is_no_primary() -> None:
    async with world() as here:
        assert here.service.get_primary_session() is None
        assert not here.service.has_session()
        assert here.service.get_session_stats() == SessionStats()


async def test_the_choice_survives_a_reload() -> None:
    async with world(listed(A), listed(B)) as here:
        await here.service.set_primary(A)
        other = WalletKitSessionIntegration(clock=here.clock, storage=here.storage)
        other.start()
        primary = other.get_primary_session()
        assert primary is not None
        assert primary.topic == A
        await other.destroy()


# Extend


async def test_extend_resolves_with_the_wallet_s_acknowledgement() -> None:
    async with world(listed(A)) as here:
        here.take()
        await here.clock.advance(10)
        assert await here.service.extend_session(A) is True
        assert here.take() == [("session_updated", "a")]
        assert here.params()["changed"] == ["expiry"]
        for session in (here.service.get_session(A), here.storage.retrieve_session(A)):
            assert session is not None
            assert session.expiry == START + 10 + SESSION_PERIOD
        await here.service.reconcile()
        assert here.take() == []


async def test_an_extend_without_an_answer_changes_nothing_until_a_late_one() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.approves_extend = False
        task = asyncio.create_task(here.service.extend_session(A))
        await here.clock.advance(14.9)
        assert not task.done()
        session = here.service.get_session(A)
        assert session is not None
        assert session.expiry == START + 3 * DAY
        await here.clock.advance(0.1)
        with pytest.raises(WalletError) as failed:
            await task
        assert failed.value.code == "unknown"
        assert here.take() == []
        here.wallet.acknowledge(A)
        assert here.take() == [("session_updated", "a")]


async def test_an_extend_that_never_ends_is_given_up_after_15_seconds() -> None:
    async with world(listed(A)) as here:
        here.wallet.script("extend", "hang")
        task = asyncio.create_task(here.service.extend_session(A))
        await here.clock.advance(15)
        with pytest.raises(WalletError) as failed:
            await task
        assert failed.value.code == "unknown"


@pytest.mark.parametrize("code", ["refused", "expired", "unreachable"])
async def test_an_extend_that_is_refused_passes_the_code_on(code: str) -> None:
    async with world(listed(A)) as here:
        here.wallet.script("extend", WalletError("No.", code=code))
        with pytest.raises(WalletError) as failed:
            await here.service.extend_session(A)
        assert failed.value.code == code
        assert here.statuses() == {"a": ACTIVE}


async def test_an_extend_of_a_session_that_the_client_lost_finds_that_out() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.forget(A)
        with pytest.raises(WalletError) as failed:
            await here.service.extend_session(A)
        assert failed.value.code == "gone"
        assert here.take() == [("session_deleted", "a")]


async def test_a_ping_of_a_session_that_the_client_lost_finds_that_out(caplog: pytest.LogCaptureFixture) -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.forget(A)
        with pytest.raises(WalletError) as failed:
            await here.service.ping_session(A)
        assert failed.value.code == "gone"
        assert here.take() == [("session_deleted", "a")]
        wallet = Faulty(here.clock, [listed(B)])
        wallet.faults = []
        await here.service.initialize(wallet)
        wallet.forget(B)
        wallet.faults = [WalletError("The client is broken.")]
        with caplog.at_level(logging.WARNING), pytest.raises(WalletError, match="does not know"):
            await here.service.ping_session(B)
        assert "could not be read: The client is broken." in caplog.text


async def test_a_second_extend_joins_the_first() -> None:
    async with world(listed(A)) as here:
        here.take()
        first = asyncio.create_task(here.service.extend_session(A))
        second = asyncio.create_task(here.service.extend_session(A))
        assert (await first, await second) == (True, True)
        assert here.wallet.calls == [("extend", A)]
        assert here.take() == [("session_updated", "a")]


async def test_a_caller_that_goes_away_does_not_end_the_extend() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.script("extend", "silent")
        caller = asyncio.create_task(here.service.extend_session(A))
        await settle()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await here.clock.advance(15)
        assert here.take() == []


async def test_a_session_deleted_while_it_is_extended_stays_deleted() -> None:
    async with world(listed(A)) as here:
        here.take()
        task = asyncio.create_task(here.service.extend_session(A))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        here.wallet.emit("session_delete", topic=A, id=9)
        with pytest.raises(WalletError) as failed:
            await task
        assert failed.value.code == "gone"
        assert here.take() == [("session_deleted", "a")]
        assert await here.stored() == []


@pytest.mark.parametrize(
    ("topic", "code", "message"),
    [
        (A, "expired", "Session aaaaaaaa has expired. Connect the wallet again."),
        (B, "gone", "Session bbbbbbbb has no keys here. Connect the wallet again."),
        (C, "gone", "There is no session cccccccc."),
    ],
    ids=["expired", "needs reconnect", "unknown"],
)
async def test_what_cannot_be_extended_says_why(topic: str, code: str, message: str) -> None:
    async with world(listed(A, 0.001), stored=(known(B),)) as here:
        here.clock.jump(100)
        for call in (here.service.extend_session, here.service.ping_session):
            with pytest.raises(WalletError) as failed:
                await call(topic)
            assert (failed.value.code, str(failed.value)) == (code, message)


async def test_before_the_client_is_there_calls_say_so() -> None:
    async with world(stored=(known(A),), adopt=False) as here:
        for call in (here.service.extend_session, here.service.ping_session):
            with pytest.raises(WalletError) as failed:
                await call(A)
            assert failed.value.code == "client"
        assert await here.stored() == ["a"]


# Disconnect and ping


async def test_disconnect_tells_the_wallet_and_deletes() -> None:
    async with world(listed(A)) as here:
        here.take()
        await here.service.disconnect_session(A)
        assert here.wallet.calls == [("disconnect", A)]
        assert here.take() == [("session_deleted", "a")]
        assert here.params() == {"by": "user"}
        assert here.service.get_all_sessions() == []
        assert here.storage.retrieve_all_sessions() == []
        await here.service.disconnect_session(A)
        here.service.end_from_tab(A)
        await here.service.reconcile()
        assert here.take() == []


@pytest.mark.parametrize("by", ["user", "tab", "wallet"])
async def test_the_record_of_an_ended_session_is_removed_also_where_it_cannot_be_read(by: str) -> None:
    async with world(stored=(known(A), known(B))) as here:
        here.take()
        for key in here.memory.keys():  # noqa: SIM118 - a port, no dict
            here.memory.set(key, (here.memory.get(key) or "")[:-4])
        await here.storage.reload()
        assert (here.statuses(), here.storage.get_statistics().quarantined) == ({}, 2)
        match by:
            case "user":
                await here.service.disconnect_session(A)
            case "tab":
                here.service.end_from_tab(A)
            case "wallet":
                here.wallet.emit("session_delete", topic=A, id=17)
        await settle()
        assert here.storage.get_statistics().quarantined == 1
        assert here.take() == []


@pytest.mark.parametrize("outcome", ["silent", "hang", WalletError("No.", code="unreachable")], ids=str)
async def test_a_wallet_that_cannot_be_told_is_no_reason_to_stay(outcome: Any) -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.script("disconnect", outcome)
        task = asyncio.create_task(here.service.disconnect_session(A))
        await here.clock.advance(10)
        await task
        assert here.take() == [("session_deleted", "a")]
        assert await here.stored() == []


async def test_before_the_client_is_there_a_disconnect_deletes_and_the_client_is_told_when_it_comes() -> None:
    async with world(listed(A), listed(B), stored=(known(A), known(B)), adopt=False) as here:
        await here.service.disconnect_session(A)
        assert (here.take(), here.params()) == ([("session_deleted", "a")], {"by": "user"})
        assert (here.statuses(), await here.stored()) == ({"b": RESTORING}, ["b"])
        await here.service.initialize(here.wallet)
        assert here.statuses() == {"b": ACTIVE}
        await settle()
        assert here.wallet.calls == [("disconnect", A)]
        assert [session["topic"] for session in here.wallet.sessions()] == [B]
        await here.service.initialize(FakeWallet(here.clock, [listed(B)]))
        assert (here.take(), here.statuses(), await here.stored()) == ([], {"b": ACTIVE}, ["b"])


async def test_a_late_word_to_the_wallet_ends_with_its_client_and_is_said_to_the_next() -> None:
    async with world(listed(A), stored=(known(A),), adopt=False) as here:
        await here.service.disconnect_session(A)
        here.wallet.script("disconnect", "hang")
        await here.service.initialize(here.wallet)
        await settle()
        await here.service.destroy()
        await settle()
        assert (here.wallet.calls, here.clock.sleeping) == ([("disconnect", A)], 0)
        other = FakeWallet(here.clock, [listed(A)])
        here.take()
        await here.service.initialize(other)
        await settle()
        assert (other.calls, other.sessions(), here.take()) == ([("disconnect", A)], [], [])
        assert here.service.get_all_sessions() == []


async def test_two_disconnects_at_once_are_one_happening() -> None:
    async with world(listed(A)) as here:
        here.take()
        await asyncio.gather(here.service.disconnect_session(A), here.service.disconnect_session(A))
        assert here.take() == [("session_deleted", "a")]


async def test_a_delete_event_of_the_client_during_our_disconnect_is_ours() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.wallet.script("disconnect", "silent")
        task = asyncio.create_task(here.service.disconnect_session(A))
        await here.clock.advance(9.9)
        here.wallet.emit("session_delete", topic=A, id=0)
        await here.clock.advance(1)
        await task
        assert here.take() == [("session_deleted", "a")]
        assert here.params() == {"by": "user"}


async def test_a_session_that_needs_reconnect_is_removed_without_a_call() -> None:
    async with world(stored=(known(A),)) as here:
        await here.service.disconnect_session(A)
        assert here.wallet.calls == []
        assert here.take() == [("session_deleted", "a")]
        assert await here.stored() == []


async def test_ping_gives_the_seconds_it_took() -> None:
    async with world(listed(A)) as here:

        class Slow(FakeWallet):
            async def ping(self, topic: str, limit: float) -> None:
                await here.clock.sleep(0.25)

        await here.service.initialize(Slow(here.clock, [listed(A)]))
        task = asyncio.create_task(here.service.ping_session(A))
        await here.clock.advance(0.25)
        assert await task == 0.25


@pytest.mark.parametrize("outcome", ["silent", "hang"])
async def test_a_ping_without_an_answer_ends_after_ten_seconds(outcome: Any) -> None:
    async with world(listed(A)) as here:
        here.wallet.script("ping", outcome)
        task = asyncio.create_task(here.service.ping_session(A))
        await here.clock.advance(10)
        with pytest.raises(WalletError) as failed:
            await task
        assert failed.value.code == "unknown"


async def test_a_session_that_ends_while_it_is_pinged_is_not_stored_again() -> None:
    async with world(listed(A)) as here:
        task = asyncio.create_task(here.service.ping_session(A))
        await asyncio.sleep(0)
        here.wallet.emit("session_delete", topic=A, id=9)
        assert await task == 0.0
        assert await here.stored() == []


# Storage


async def test_a_storage_that_fails_is_told_and_the_sessions_live_on(caplog: pytest.LogCaptureFixture) -> None:
    async with world() as here:
        here.memory.fail_after(0)
        with caplog.at_level(logging.WARNING):
            here.wallet.settle_session(listed(A))
            await settle()
        assert here.take() == [("session_created", "a"), ("session_error", "a")]
        assert here.params()["code"] == "storage"
        assert here.statuses() == {"a": ACTIVE}


async def test_without_an_open_storage_the_sessions_of_the_client_are_there() -> None:
    clock = ManualClock()
    storage = EncryptedSessionStorage(storage=MemoryStorage(), cipher=FakeCipher(), clock=clock)
    service = WalletKitSessionIntegration(clock=clock, storage=storage)
    wallet = FakeWallet(clock, [listed(A)])
    await service.initialize(wallet)
    assert [session.topic for session in service.get_active_sessions()] == [A]
    primary = service.get_primary_session()
    assert primary is not None
    assert await service.extend_session(A) is True
    await service.disconnect_session(A)
    assert service.get_all_sessions() == []
    await service.destroy()


async def test_a_record_that_the_host_removes_does_not_end_the_session() -> None:
    async with world(listed(A)) as here:
        here.take()
        await here.storage.remove_session(A)
        assert await here.stored() == []
        assert here.statuses() == {"a": ACTIVE}
        assert here.take() == []


async def test_another_page_s_extend_and_choice_are_taken_over() -> None:
    tabs = FakeTabs()
    async with world(listed(A), listed(B), tabs=tabs) as here:
        here.take()
        other = EncryptedSessionStorage(
            storage=here.memory.another(), cipher=FakeCipher(), clock=here.clock, tabs=tabs.another()
        )
        await other.open()
        await other.store_session(known(A, 6))
        await other.store_notes({"primary": B})
        await settle()
        session = here.service.get_session(A)
        assert session is not None
        assert session.expiry == START + 6 * DAY
        assert here.take() == [("session_updated", "a")]
        await here.service.reconcile()
        assert here.service.get_session(A) == session
        primary = here.service.get_primary_session()
        assert primary is not None
        assert primary.topic == B
        other.close()


async def test_a_session_stored_by_another_page_that_the_client_does_not_list_needs_reconnect() -> None:
    tabs = FakeTabs()
    async with world(listed(A), tabs=tabs) as here:
        other = EncryptedSessionStorage(
            storage=here.memory.another(), cipher=FakeCipher(), clock=here.clock, tabs=tabs.another()
        )
        await other.open()
        await other.store_session(known(B))
        await settle()
        assert here.statuses() == {"a": ACTIVE, "b": NEEDS_RECONNECT}
        other.close()


async def test_what_changed_in_the_client_is_seen_when_another_page_writes(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(FakeWallet):
        fails = False

        def sessions(self) -> list[Json]:
            if self.fails:
                raise WalletError("The client is broken.")
            return super().sessions()

    async with world() as here:
        wallet = Failing(here.clock, [listed(A)])
        await here.service.initialize(wallet)
        here.take()
        wallet.forget(A)
        await here.storage.store_session(known(B))
        assert here.take() == [("session_deleted", "a")]
        await settle()
        wallet.fails = True
        with caplog.at_level(logging.WARNING):
            await here.storage.store_session(known(C))
        assert "could not be compared" in caplog.text


async def test_another_page_can_end_a_session() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.service.end_from_tab(A)
        here.service.end_from_tab(B)
        assert here.take() == [("session_deleted", "a")]
        assert here.params() == {"by": "tab"}
        await here.service.reconcile()
        assert here.service.get_all_sessions() == []


# Life


async def test_the_same_client_again_joins_and_another_replaces_it() -> None:
    async with world(listed(A), stored=(known(A), known(B))) as here:
        await here.service.initialize(here.wallet)
        assert here.wallet.listeners == 1
        other = FakeWallet(here.clock, [listed(B)])
        await here.service.initialize(other)
        assert (here.wallet.listeners, other.listeners) == (0, 1)
        assert here.statuses() == {"a": NEEDS_RECONNECT, "b": ACTIVE}
        assert here.take() == []
        await here.service.destroy()
        assert other.listeners == 0


async def test_it_works_again_after_destroy_and_nothing_was_deleted() -> None:
    async with world(listed(A)) as here:
        await here.service.destroy()
        await here.service.destroy()
        assert await here.stored() == ["a"]
        here.take()
        await here.service.initialize(here.wallet)
        assert here.statuses() == {"a": ACTIVE}
        here.wallet.delete_from_peer(A)
        assert here.take() == [("session_deleted", "a")]


async def test_what_ended_stays_so_when_the_same_client_comes_back() -> None:
    async with world(listed(A), listed(B)) as here:
        here.service.end_from_tab(A)  # this page's client still lists it
        await here.service.destroy()
        here.take()
        await here.service.initialize(here.wallet)
        assert here.statuses() == {"b": ACTIVE}
        assert (here.take(), await here.stored()) == ([], ["b"])
        await here.service.initialize(FakeWallet(here.clock, [listed(A)]))
        assert here.statuses() == {"a": ACTIVE, "b": NEEDS_RECONNECT}
        assert here.take() == [("session_created", "a")]


async def test_a_record_that_could_not_be_removed_is_removed_at_the_next_wish() -> None:
    async with world(listed(A)) as here:
        here.take()
        here.service.end_from_tab(A)
        await here.service.destroy()
        await here.storage.store_session(known(A))  # as after a removal that was given up
        await here.service.initialize(here.wallet)
        await here.service.disconnect_session(A)
        assert (here.service.get_all_sessions(), await here.stored()) == ([], [])
        assert here.take() == [("session_deleted", "a")]


async def test_destroy_waits_for_what_is_being_written() -> None:
    async with world() as here:
        here.wallet.settle_session(listed(A))
        await here.service.destroy()
        assert here.storage.has_session(A)


async def test_destroy_gives_up_a_storage_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    class Hanging(FakeCipher):
        async def seal(self, jobs: Any, *, key_id: bytes) -> list[bytes]:
            await asyncio.Event().wait()
            return []

    clock = ManualClock()
    storage = EncryptedSessionStorage(storage=MemoryStorage(), cipher=Hanging(), clock=clock)
    await storage.open()
    service = WalletKitSessionIntegration(clock=clock, storage=storage)
    wallet = FakeWallet(clock)
    await service.initialize(wallet)
    await clock.advance(5)
    wallet.settle_session(listed(A))
    await clock.advance(5)
    wallet.settle_session(listed(B))
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(service.destroy())
        await clock.advance(10)
        await task
    assert "not stored in time" in caplog.text
    await settle()


async def test_destroy_ends_calls_that_are_under_way_and_waits() -> None:
    async with world(listed(A), listed(B)) as here:
        here.take()
        here.wallet.script("extend", "hang")
        extend = asyncio.create_task(here.service.extend_session(A))
        here.wallet.emit("session_delete", topic=B, id=0)
        await settle()
        await here.service.destroy()
        with pytest.raises(NotStartedError):
            await extend
        await here.clock.advance(1)
        assert here.take() == []
        assert await here.stored() == ["a", "b"]


async def test_changes_are_told_without_arguments() -> None:
    async with world() as here:
        told: list[str] = []
        stop = here.service.subscribe(lambda: told.append("changed"))
        here.wallet.settle_session(listed(A))
        assert told
        stop()
        told.clear()
        here.wallet.settle_session(listed(B))
        await settle()
        assert told == []


class Faulty(FakeWallet):
    """A client whose next lists of sessions raise."""

    faults: list[Exception]

    def sessions(self) -> list[Json]:
        if self.faults:
            raise self.faults.pop()
        return super().sessions()


async def test_the_monitor_outlives_what_should_not_happen(caplog: pytest.LogCaptureFixture) -> None:
    async with world(adopt=False) as here:
        wallet = Faulty(here.clock, [listed(A, 0.001), listed(B, 0.002)])
        wallet.faults = []
        await here.service.initialize(wallet)
        here.take()
        wallet.faults = [RuntimeError("broken")]
        with caplog.at_level(logging.ERROR):
            await here.clock.advance(86.4)
        assert "The session monitor stumbled over RuntimeError" in caplog.text
        assert here.take() == []
        await here.clock.advance(PAUSE)
        assert here.take() == [("session_expired", "a")]
        await here.clock.advance(86.4 - PAUSE)
        assert here.take() == [("session_expired", "b")]


async def test_any_error_of_ours_in_the_client_s_list_leaves_the_known_end() -> None:
    async with world(adopt=False) as here:
        wallet = Faulty(here.clock, [listed(A, 0.001)])
        wallet.faults = []
        await here.service.initialize(wallet)
        here.take()
        wallet.faults = [StorageError("The client's store is blocked.")]
        await here.clock.advance(86.4)
        assert here.take() == [("session_expired", "a")]


# Known accounts


def account_known(account: str, digit: str) -> WalletSession:
    return WalletSession(topic="local-" + digit * 32, expiry=START - DAY, accounts=(account,) if account else ())


async def test_a_known_account_leaves_once_it_lives_in_a_session_again_and_no_other_does() -> None:
    [account] = known(A).accounts
    mine, other, none = account_known(account, "1"), account_known("stacks:1:SP9", "2"), account_known("", "3")
    async with world(stored=(mine, other, none)) as here:
        assert {here.service.session_status(one.topic) for one in (mine, other, none)} == {NEEDS_RECONNECT}
        here.wallet.settle_session(listed(A))
        await settle()
        assert here.events == [("session_created", A[:1]), ("session_deleted", mine.topic[:1])]
        assert here.full[-1][1]["params"] == {"by": "reconnect"}
        assert {one.topic for one in here.service.get_all_sessions()} == {A, other.topic, none.topic}
        assert not here.storage.has_session(mine.topic)


async def test_a_known_account_that_comes_while_it_lives_in_a_session_leaves_too() -> None:
    [account] = known(A).accounts
    mine = account_known(account, "1")
    async with world(listed(A), stored=(known(A), mine)) as here:
        assert [one.topic for one in here.service.get_all_sessions()] == [A]
        await here.storage.store_session(mine)
        await settle()
        assert not here.storage.has_session(mine.topic)
