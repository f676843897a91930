"""MGR-1's order, MGR-3, MGR-5 and STO-12 as the manager offers them: what it loads late, over fakes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from old_builds import ADDRESS, blockstack, single

from renvault_web.errors import NotStartedError
from renvault_web.legacy_keys import COMPLETED, SESSION
from renvault_web.manager import SessionManager
from renvault_web.reconnect import ConnectionState
from renvault_web.session import SessionStatus
from renvault_web.testing import (
    START,
    FakeCipher,
    FakeNetwork,
    FakePassphraseFile,
    FakeSdkStore,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)

if TYPE_CHECKING:
    from renvault_web.ports import Json

A, B = "a" * 64, "b" * 64
DAY = 86_400.0
OLD = single(round(START * 1000))


class Order(list[str]):
    """Names, each where it came first."""

    def tell(self, name: str) -> None:
        if name not in self:
            self.append(name)


class Store(MemoryStorage):
    """A store that tells who reads it first."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self.order = order

    def keys(self) -> list[str]:
        self.order.tell("storage")
        return super().keys()

    def get(self, key: str) -> str | None:
        if key == SESSION:
            self.order.tell("migration")
        return super().get(key)


class Client(FakeWallet):
    """A client that tells who uses it first."""

    def __init__(self, clock: ManualClock, order: Order) -> None:
        super().__init__(clock, [fake_session(A, START + 3 * DAY)])
        self.order = order

    def sessions(self) -> list[Json]:
        self.order.tell("integration")
        return super().sessions()

    def hold(self) -> bool:
        self.order.tell("reconnection")
        return super().hold()


class Page:
    def __init__(self) -> None:
        self.order = Order()
        self.clock = ManualClock()
        self.memory = Store(self.order)
        self.sdk = FakeSdkStore()
        self.wallet = Client(self.clock, self.order)
        self.manager = self.another()

    def another(self) -> SessionManager:
        return SessionManager(
            clock=self.clock,
            storage=self.memory,
            cipher=FakeCipher(clock=self.clock),
            network=FakeNetwork(),
            sdk=self.sdk,
            files=FakePassphraseFile(),
        )

    async def adopt(self) -> None:
        await self.manager.initialize(self.wallet)
        await settle()

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.manager.history.entries()]


async def test_initialize_goes_through_storage_migration_integration_and_reconnection_in_this_order() -> None:
    here = Page()
    here.memory.set(SESSION, OLD)
    await here.adopt()
    assert here.order == ["storage", "migration", "integration", "reconnection"]
    accounts = [session.accounts for session in here.manager.get_all_sessions()]
    assert (f"stacks:1:{ADDRESS}",) in accounts
    assert len(accounts) == 2
    assert here.manager.problems == {}
    await here.manager.destroy()


async def test_a_migrated_account_needs_reconnect_and_comes_once() -> None:
    here = Page()
    here.memory.set(SESSION, OLD)
    await here.adopt()
    await here.manager.initialize(here.wallet)
    [local] = [one.topic for one in here.manager.get_all_sessions() if one.topic != A]
    assert here.manager.session_status(local) is SessionStatus.NEEDS_RECONNECT
    assert here.kinds().count("migration") == 1
    await here.manager.destroy()


async def test_where_nothing_is_old_no_old_value_is_read() -> None:
    here = Page()
    here.memory.set(COMPLETED, "{}")
    await here.adopt()
    assert here.order == ["storage", "integration", "reconnection"]
    await here.manager.destroy()


async def test_a_migration_that_fails_is_a_problem_and_the_rest_works() -> None:
    here = Page()
    here.memory.set(SESSION, OLD)
    await here.manager.start()
    here.manager.storage.close()
    await here.adopt()
    assert set(here.manager.problems) == {"migration"}
    assert here.memory.get(SESSION) == OLD
    assert here.manager.session_status(A) is SessionStatus.ACTIVE
    assert here.manager.get_reconnection_status().state is ConnectionState.CONNECTED
    await here.manager.destroy()


async def test_the_history_tells_of_a_page_its_sessions_and_its_end() -> None:
    here = Page()
    await here.adopt()
    assert here.kinds()[0] == "page_started"
    assert "session_created" in here.kinds()
    await here.manager.destroy()
    again = here.another()
    await again.start()
    await again.start_late()
    assert [entry.kind for entry in again.history.entries()][: len(here.kinds())] == here.kinds()
    await again.destroy()


async def test_what_expired_while_the_page_was_closed_stands_in_the_history() -> None:
    here = Page()
    await here.adopt()
    await here.manager.destroy()
    await here.clock.advance(4 * DAY)
    here.manager = here.another()
    await here.manager.initialize(FakeWallet(here.clock, []))
    await settle()
    assert "session_expired" in here.kinds()
    await here.manager.destroy()


async def test_destroyed_it_begins_nothing_late_until_it_is_started_again() -> None:
    here = Page()
    await here.manager.start()
    await here.manager.destroy()
    await here.manager.start_late()
    assert here.kinds() == []
    await here.manager.start()
    await here.manager.start_late()
    assert here.kinds() == ["page_started", "connection"]
    await here.manager.destroy()


async def test_sessions_go_out_and_come_in_through_the_manager() -> None:
    here = Page()
    await here.adopt()
    plain, sealed = here.manager.export_sessions(), here.manager.export_sessions(sealed=True)
    assert [one["topic"] for one in json.loads(plain)["sessions"]] == [A]
    assert A not in sealed
    await here.manager.destroy()
    other = here.another()
    await other.start()
    await other.storage.clear_all_sessions()
    report = await other.import_sessions(plain)
    assert (report.imported, other.storage.has_session(A)) == (1, True)
    assert "import" in [entry.kind for entry in other.history.entries()]
    await other.destroy()


async def test_a_backup_brings_the_sdk_s_entries_along() -> None:
    here = Page()
    here.sdk.write("wc@2:core:0.3//keychain", {A: "key"})
    await here.adopt()
    file = await here.manager.export_backup("correct horse battery")
    report = await here.manager.import_backup(file, "correct horse battery")
    assert (report.skipped, report.needs_reload) == (1, True)
    assert here.sdk.staged == [{"wc@2:core:0.3//keychain": {A: "key"}}]
    await here.manager.destroy()


async def test_diagnostics_name_the_parts_that_do_not_work() -> None:
    here = Page()
    here.memory.set(SESSION, OLD)
    await here.manager.start()
    here.manager.storage.close()
    await here.adopt()
    told = json.loads(await here.manager.export_diagnostics())
    assert set(told["problems"]) == {"migration"}
    await here.manager.destroy()


async def test_forgotten_an_account_that_another_library_keeps_comes_back_at_no_start() -> None:
    here = Page()
    here.memory.set(SESSION, OLD)
    here.memory.set("blockstack-session", blockstack())
    await here.adopt()
    assert len(here.manager.get_all_sessions()) == 2, "one account, told of twice"
    await here.manager.forget_everything()
    await here.manager.initialize(FakeWallet(here.clock, []))
    assert here.manager.get_all_sessions() == []
    assert here.memory.get("blockstack-session") == blockstack()
    assert here.memory.get(SESSION) is None
    await here.manager.destroy()


async def test_everything_is_forgotten_the_wallet_is_told_and_nothing_is_written_after() -> None:
    here = Page()
    here.sdk.write("wc@2:core:0.3//keychain", {A: "key"})
    await here.adopt()
    await here.clock.advance(10)
    await here.manager.forget_everything()
    assert [name for name, _ in here.wallet.calls] == ["disconnect"]
    assert here.memory.keys() == [COMPLETED]
    assert (await here.sdk.entries()).values == {}
    await here.clock.advance(60)
    assert here.memory.keys() == [COMPLETED]
    assert here.clock.sleeping == 0
    with pytest.raises(NotStartedError):
        here.manager.storage.retrieve_all_sessions()
