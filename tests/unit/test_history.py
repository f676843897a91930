from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from renvault_web.history import (
    MAX_ENTRIES,
    MAX_PAGES,
    URGENT,
    WRITE_AFTER,
    WRITE_LIMIT,
    WRITE_URGENT_AFTER,
    EventHistory,
)
from renvault_web.integration import WalletKitSessionIntegration
from renvault_web.reconnection import AutomaticReconnectionService
from renvault_web.record import Purpose, pack
from renvault_web.sealing import seal
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.stored import StorageConfig, stored_size
from renvault_web.testing import FakeCipher, FakeNetwork, FakeWallet, ManualClock, MemoryStorage, fake_session, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Page = Callable[..., EventHistory]

TOPIC = "0123456789abcdef" * 4


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def page(clock: ManualClock) -> Page:
    """What makes the history of one more page."""

    def make(storage: MemoryStorage, cipher: FakeCipher | None = None) -> EventHistory:
        return EventHistory(storage=storage, cipher=cipher or FakeCipher(), clock=clock)

    return make


def records(storage: MemoryStorage) -> list[str]:
    return sorted(key for key in storage.keys() if key.startswith("rvh1."))  # noqa: SIM118 - a port, no dict


def kinds(history: EventHistory) -> list[str]:
    return [noted.kind for noted in history.entries()]


async def test_what_happened_is_there_after_a_reload(clock: ManualClock, storage: MemoryStorage, page: Page) -> None:
    before = page(storage)
    await before.open()
    await clock.advance(1)
    before.note("session_deleted", topic=TOPIC, by="wallet")
    await clock.advance(WRITE_AFTER)
    await clock.advance(57)

    after = page(storage.another())
    await after.open()

    after.close()
    assert kinds(after) == ["page_started", "session_deleted", "page_started"]
    assert after.explain() == (
        "Just now: The page was opened or loaded again.",
        "59 seconds ago: The wallet ended session 1.",
        "1 minute ago: The page was opened or loaded again.",
    )


async def test_a_record_is_sealed_and_named_after_its_page(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    history = page(storage)
    await history.open()
    history.note("session_deleted", topic=TOPIC, by="wallet")
    await history.flush()
    [key] = records(storage)
    name, _, chance = key.removeprefix("rvh1.").partition("-")
    assert name == "1700000000000"
    assert len(bytes.fromhex(chance)) == 4
    assert "wallet" not in (storage.get(key) or "")


async def test_the_session_storage_s_limit_and_figures_hold_for_the_history_too(
    clock: ManualClock, storage: MemoryStorage
) -> None:
    cipher = FakeCipher()
    sessions = EncryptedSessionStorage(
        storage=storage, cipher=cipher, clock=clock, config=StorageConfig(max_storage_size=1_000)
    )
    await sessions.open()
    history = EventHistory(storage=storage, cipher=cipher, clock=clock, sessions=sessions)
    older = f"rvh1.1600000000000-{'0' * 8}"
    storage.set(older, "x" * 350)
    await history.open()
    await history.flush()
    [own] = records(storage)
    assert own != older, "an older page's record went for it"
    assert sessions.get_statistics().total_size == stored_size(own, storage.get(own))
    written = storage.get(own)
    for number in range(200):
        history.note("problem", part=f"{number}", problem=os.urandom(20).hex())
    await history.flush()
    assert storage.get(own) == written, "there is no room for more, and what was there stays"
    assert len(history.entries()) == 201
    history.close()


async def test_writes_are_gathered(clock: ManualClock, storage: MemoryStorage, page: Page) -> None:
    cipher = FakeCipher()
    history = page(storage, cipher)
    await history.open()
    for _ in range(10):
        history.note("session_updated", topic=TOPIC)
        await clock.advance(0.1)
    assert cipher.calls == []
    assert records(storage) == []
    await clock.advance(WRITE_AFTER)
    assert cipher.calls == ["seal"]
    assert len(records(storage)) == 1
    await clock.advance(60)
    assert cipher.calls == ["seal"]
    assert clock.sleeping == 0


@pytest.mark.parametrize("kind", sorted(URGENT))
async def test_why_a_session_is_away_is_written_soon(
    clock: ManualClock, storage: MemoryStorage, page: Page, kind: str
) -> None:
    cipher = FakeCipher()
    history = page(storage, cipher)
    await history.open()
    history.note("session_updated", topic=TOPIC)
    history.note(kind, topic=TOPIC)
    await clock.advance(WRITE_URGENT_AFTER / 2)
    history.note(kind, topic="another")
    assert cipher.calls == []
    await clock.advance(WRITE_URGENT_AFTER / 2)
    assert cipher.calls == ["seal"]
    await clock.advance(60)
    assert cipher.calls == ["seal"]
    after = page(storage)
    await after.read()
    assert kinds(after) == ["page_started", "session_updated", kind, kind]
    history.note(kind)
    await clock.advance(WRITE_URGENT_AFTER)
    assert cipher.calls == ["seal", "seal"]


async def test_what_happens_during_a_write_is_written_next(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    history = page(storage)
    await history.open()
    await clock.advance(WRITE_AFTER)
    history.note("one")
    await clock.advance(WRITE_AFTER)
    history.note("two")
    await clock.advance(WRITE_AFTER)
    after = page(storage)
    await after.read()
    assert kinds(after) == ["page_started", "one", "two"]


async def test_pages_that_live_at_once_never_write_over_each_other(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    pages = [page(storage.another()) for _ in range(3)]
    for number, one in enumerate(pages):
        await one.open()
        one.note(f"kind {number}")
    for one in [*pages, *reversed(pages)]:
        await one.flush()
    assert len(records(storage)) == 3
    await pages[0].read()
    for one in pages:
        one.close()
    assert sorted(kinds(pages[0])) == [*(f"kind {number}" for number in range(3)), *["page_started"] * 3]


async def test_a_page_reads_again_what_another_has_noted_since(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    one, other = page(storage), page(storage)
    await one.open()
    await other.open()
    await other.flush()
    await one.read()
    await clock.advance(1)
    other.note("later")
    await other.flush()
    await one.read()
    one.close()
    assert kinds(one) == ["page_started", "page_started", "later"]


async def test_the_last_few_pages_are_kept(clock: ManualClock, storage: MemoryStorage, page: Page) -> None:
    for number in range(MAX_PAGES + 3):
        history = page(storage)
        await history.open()
        history.note(f"page {number}")
        await history.flush()
        history.close()
        await clock.advance(1)
    assert len(records(storage)) == MAX_PAGES
    assert [kind for kind in kinds(history) if kind != "page_started"] == [f"page {n}" for n in range(3, 8)]


async def test_pages_of_a_clock_that_was_ahead_go_before_later_ones(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    for number in range(2 * MAX_PAGES):
        history = page(storage)
        await history.open()
        history.note(f"page {number}")
        await history.flush()
        history.close()
        if number == MAX_PAGES - 1:
            clock.jump(-30 * 86_400)
    assert {kind for kind in kinds(history) if kind != "page_started"} == {
        f"page {number}" for number in range(MAX_PAGES, 2 * MAX_PAGES)
    }


async def test_the_last_entries_are_kept(clock: ManualClock, storage: MemoryStorage, page: Page) -> None:
    for _ in range(2):
        history = page(storage)
        await history.open()
        for number in range(MAX_ENTRIES + 50):
            history.note("kind", number=number)
            clock.jump(0.001)
        await history.flush()
        history.close()
    assert len(history.entries()) == MAX_ENTRIES
    assert [noted.facts["number"] for noted in history.entries()] == list(range(50, MAX_ENTRIES + 50))


async def test_a_hidden_page_writes_at_once(clock: ManualClock, storage: MemoryStorage, page: Page) -> None:
    history = page(storage)
    await history.open()
    history.set_visible(visible=False)
    await settle()
    after = page(storage)
    await after.read()
    assert kinds(after) == ["page_started", "page_hidden"]
    history.set_visible(visible=True)
    await clock.advance(WRITE_AFTER)
    await after.read()
    assert kinds(after) == ["page_started", "page_hidden", "page_shown"]


async def test_closed_it_remembers_but_writes_nothing_more(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    history = page(storage)
    await history.open()
    history.close()
    history.note("kind")
    await clock.advance(60)
    assert records(storage) == []
    assert clock.sleeping == 0
    await history.open()
    await clock.advance(WRITE_AFTER)
    assert len(records(storage)) == 1
    assert kinds(history) == ["page_started", "kind"]


async def test_records_that_cannot_be_read_are_no_hindrance(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    lost = page(storage, FakeCipher(key_id=b"lost key"))
    await lost.open()
    await lost.flush()
    storage.set("rvh1.1600000000000-00000000", "nonsense")
    storage.set("rvh1.", "\ud800")
    history = page(storage)
    await history.open()
    history.close()
    assert kinds(history) == ["page_started"]


async def test_a_sealed_record_without_entries_is_no_hindrance(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    key = "rvh1.1600000000000-00000000"
    [text] = await seal(FakeCipher(), [(key, Purpose.HISTORY, pack({"entries": "none"}))])
    storage.set(key, text)
    history = page(storage)
    await history.open()
    history.close()
    assert kinds(history) == ["page_started"]


async def test_who_follows_late_notes_how_the_connection_stands(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    reconnection = AutomaticReconnectionService(clock=clock, network=FakeNetwork(online=False))
    wallet = FakeWallet(clock, [fake_session(TOPIC, clock.now() + 86_400)], connected=False)
    await reconnection.initialize(wallet)
    await settle()
    history = page(storage)
    integration = WalletKitSessionIntegration(
        clock=clock, storage=EncryptedSessionStorage(storage=storage, cipher=FakeCipher(), clock=clock)
    )
    history.follow(integration, reconnection)
    history.close()
    await reconnection.destroy()
    assert [noted.facts["state"] for noted in history.entries()] == ["offline"]


async def test_in_a_full_store_older_pages_give_way(page: Page) -> None:
    storage = MemoryStorage(capacity=1_000)
    storage.set("rvh1.1600000000000-00000000", "x" * 400)
    history = page(storage)
    await history.open()
    await history.flush()
    assert [key.partition("-")[0] for key in records(storage)] == ["rvh1.1700000000000"]


async def test_a_store_without_room_is_told_of_once_and_nothing_else_suffers(
    clock: ManualClock, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "renvault_web.history")
    storage = MemoryStorage(capacity=1_000)
    storage.set("taken", "x" * 480)
    history = page(storage)
    await history.open()
    for number in range(5):
        history.note("kind", number=number)
        await clock.advance(WRITE_AFTER)
    assert len([record for record in caplog.records if record.levelno >= logging.INFO]) == 1
    assert kinds(history) == ["page_started", *["kind"] * 5]
    assert clock.sleeping == 0
    storage.remove("taken")
    history.note("room again")
    await clock.advance(WRITE_AFTER)
    after = page(storage)
    await after.read()
    assert kinds(after) == kinds(history)


async def test_a_store_that_fails_raises_nowhere(clock: ManualClock, storage: MemoryStorage, page: Page) -> None:
    storage.fail_after(0)
    history = page(storage)
    await history.open()
    history.note("kind")
    await history.flush()
    assert kinds(history) == ["page_started", "kind"]


class Stuck(FakeCipher):
    """A cipher whose browser does not answer."""

    async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
        await ManualClock().sleep(1)
        return await super().seal(jobs, key_id=key_id)


async def test_a_browser_that_does_not_answer_has_a_limit(
    clock: ManualClock, storage: MemoryStorage, page: Page
) -> None:
    history = page(storage, Stuck())
    await history.open()
    await clock.advance(WRITE_AFTER)
    assert clock.sleeping == 1
    await clock.advance(WRITE_LIMIT)
    assert clock.sleeping == 0
    assert records(storage) == []


async def test_sessions_and_the_connection_are_followed(clock: ManualClock, storage: MemoryStorage, page: Page) -> None:
    sessions = EncryptedSessionStorage(storage=storage, cipher=FakeCipher(), clock=clock)
    integration = WalletKitSessionIntegration(clock=clock, storage=sessions)
    reconnection = AutomaticReconnectionService(clock=clock, network=FakeNetwork())
    wallet = FakeWallet(clock)
    await sessions.open()
    history = page(storage)
    await history.open()
    end = history.follow(integration, reconnection)
    await integration.initialize(wallet)
    await reconnection.initialize(wallet)
    wallet.settle_session(fake_session(TOPIC, clock.now() + 86_400))
    await clock.advance(1)
    reconnection.set_has_sessions(present=True)
    await clock.advance(1)
    wallet.kill_relay()
    await clock.advance(5)
    wallet.relay_up()
    await clock.advance(60)
    wallet.delete_from_peer(TOPIC)
    await clock.advance(1)

    told = [(noted.kind, noted.facts.get("state") or noted.facts.get("by")) for noted in history.entries()]
    assert told == [
        ("page_started", None),
        ("connection", "idle"),
        ("session_created", None),
        ("connection", "connected"),
        ("connection", "waiting"),
        ("connection", "connected"),
        ("session_deleted", "wallet"),
    ]
    waiting = history.entries()[4].facts
    assert waiting == {
        "state": "waiting",
        "cause": "connection_lost",
        "error": "The relay closed the connection (1006).",
    }
    assert TOPIC[:8] not in str(history.entries())

    end()
    end()
    wallet.settle_session(fake_session("f" * 64, clock.now() + 86_400))
    await clock.advance(1)
    assert len(history.entries()) == 7
    await reconnection.destroy()
    await integration.destroy()
    history.close()
