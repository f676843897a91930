"""renvault_web.record_store, through the storage: what cannot be read, what finds no room, pages that are killed."""

from __future__ import annotations

import contextlib
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

import pytest
from storage_pages import Page, opened, session

from renvault_web.backups import Backups
from renvault_web.errors import StorageError, StorageFullError
from renvault_web.stored import StorageConfig, StorageNotice, stored_size
from renvault_web.testing import START, FakeCipher, MemoryStorage, settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OLD_BACKUP = "rvb1.1600000000000"
NEW_BACKUP = "rvb1.1600000000001"


def newer(text: str) -> str:
    """The record as a newer version of this page writes it."""
    data = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    data[0] = 2
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def used(disk: MemoryStorage) -> int:
    return sum(stored_size(key, text) for key, text in disk._entries.items())


# Unreadable, and readable again


async def test_a_record_whose_key_comes_back_is_read_at_the_next_open() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    stranger = await opened(page.disk.another(), cipher=FakeCipher(key_id=b"new key!"))
    assert (stranger.topics(), stranger.quarantined()) == ([], 1)
    again = await page.next_page()
    assert (again.topics(), again.quarantined()) == (["a"], 0)


async def test_a_second_open_tries_again_what_could_not_be_read() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    late = await opened(page.disk.another(), cipher=FakeCipher(key_id=b"new key!"))
    late.cipher._made_at[b"fake key"] = START  # the key is found after all
    await late.storage.reload()
    assert late.quarantined() == 1
    await late.storage.open()
    assert (late.topics(), late.quarantined()) == (["a"], 0)


async def kept_aside() -> Page:
    """A page that has kept aside what a newer version wrote of session a."""
    page = await opened()
    await page.storage.store_session(session("a", START + 100))
    [(key, text)] = page.texts().items()
    page.disk.set(key, newer(text))
    later = await page.next_page()
    await later.storage.store_session(session("a", START + 200))
    [aside] = later.texts("rvq1.")
    later.disk.set(aside, text)  # as the newer version reads it
    return later


async def test_what_was_kept_aside_comes_back_once_it_can_be_read_and_its_place_is_free() -> None:
    page = await kept_aside()
    later = await page.next_page()
    assert later.storage.retrieve_session("a") == session("a", START + 200)
    assert later.quarantined() == 1

    [key] = page.texts()
    page.disk.remove(key)  # lost with the disk, not removed by the user
    last = await page.next_page()
    assert last.storage.retrieve_session("a") == session("a", START + 100)
    assert last.quarantined() == 0
    assert last.texts("rvq1.") == {}
    assert list(last.texts()) == [key]


@pytest.mark.parametrize(
    "end",
    [lambda page: page.storage.remove_session("a"), lambda page: page.storage.clear_all_sessions()],
    ids=["removed", "cleared"],
)
async def test_what_the_user_has_removed_does_not_come_back_from_aside(end: Callable[[Page], Awaitable[None]]) -> None:
    page = await kept_aside()
    later = await page.next_page()
    await end(later)
    assert later.disk._entries == {}
    assert (later.storage.get_statistics().total_size, later.quarantined()) == (0, 0)
    assert (await page.next_page()).topics() == []


async def test_a_page_killed_while_a_record_comes_back_loses_none() -> None:
    for operations in range(12):
        page = await kept_aside()
        [key] = page.texts()
        page.disk.remove(key)
        killed = Page(page.disk.another(), cipher=page.cipher.another())
        killed.disk.fail_after(operations)
        with contextlib.suppress(StorageError):
            await killed.storage.open()
        later = await page.next_page()
        assert later.topics() == ["a"]


# A lost key


async def lost(*topics: str) -> Page:
    """A page that finds sessions whose key is gone."""
    page = await opened()
    await page.storage.store_sessions([session(topic) for topic in topics])
    await page.storage.store_notes({"primary": topics[0]})
    return await opened(page.disk.another(), cipher=FakeCipher(key_id=b"new key!"))


async def test_sessions_whose_key_is_gone_are_counted_and_told() -> None:
    page = await lost("a", "b")
    assert page.quarantined() == 3
    assert page.notices() == (StorageNotice("lost_key", 2),)


async def test_a_new_session_puts_those_whose_key_is_gone_aside_and_ends_the_notice() -> None:
    page = await lost("a", "b")
    before = page.texts()
    seen: list[tuple[StorageNotice, ...]] = []
    page.storage.subscribe(lambda: seen.append(page.notices()))
    await page.storage.store_session(session("c"))
    assert seen == [()]
    assert page.quarantined() == 3
    assert sorted(page.texts("rvq1.").values()) == sorted(before[key] for key in before if key not in page.texts())
    assert len(page.texts()) == 2  # c and the notes

    found = await opened(page.disk.another())  # a page that has the old key, as when it has come back
    assert sorted(found.topics()) == ["a", "b"]
    assert found.quarantined() == 1  # c


async def test_a_known_session_stored_again_leaves_them_where_they_are() -> None:
    page = await lost("a")
    await page.storage.store_session(session("c"))
    foreign = await opened(page.disk.another())
    assert foreign.topics() == ["a"]
    await foreign.storage.store_session(session("a", START + 100))
    assert foreign.notices() == (StorageNotice("lost_key", 1),)
    assert foreign.quarantined() == 1


async def test_those_that_cannot_be_put_aside_stay_and_the_new_session_is_stored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = await lost("a")
    before = page.texts()
    [size] = {stored_size(key, text) for key, text in before.items() if key in page.lost()}
    page.disk._capacity = used(page.disk) + size + 20
    await page.storage.store_session(session("c"))
    assert page.topics() == ["c"]
    assert page.texts().items() > before.items()
    assert page.notices() == (StorageNotice("lost_key", 1),)
    assert "could not be put aside" in caplog.text


async def test_in_memory_only_no_key_counts_as_lost() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    blocked = await opened(page.disk.another(), cipher=FakeCipher(persistent=False, key_id=b"new key!"))
    assert blocked.notices() == (StorageNotice("memory"),)
    await blocked.storage.store_session(session("b"))
    assert blocked.texts("rvq1.") == {}


# No room


async def crowded() -> Page:
    """A page with a session and two backups, whose disk is full."""
    page = await opened(config=StorageConfig(compression_enabled=False))
    await page.storage.store_session(session("a"))
    for key in (OLD_BACKUP, NEW_BACKUP):
        page.disk.set(key, "x" * 1_500)
    page.disk._capacity = used(page.disk)
    return await opened(page.disk, cipher=page.cipher, config=StorageConfig(compression_enabled=False))


async def test_old_backups_go_before_a_session_is_refused_and_the_newest_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = await crowded()
    with caplog.at_level(logging.WARNING):
        await page.storage.store_session(session("b"))
    assert list(page.texts("rvb1.")) == [NEW_BACKUP]
    assert "were given up for sessions" in caplog.text
    assert page.notices() == ()

    page.disk._capacity = used(page.disk)
    with pytest.raises(StorageFullError):
        await page.storage.store_session(session("c"))
    assert list(page.texts("rvb1.")) == [NEW_BACKUP]
    assert page.notices() == (StorageNotice("full"),)
    assert (await opened(page.disk, cipher=page.cipher)).topics() == ["a", "b"]


async def test_the_newest_backup_of_a_migration_is_kept_with_the_newest_of_all() -> None:
    page = await crowded()
    page.disk._capacity = None
    backups = Backups(storage=page.disk, cipher=page.cipher, clock=page.clock)
    entries = {"renvault_wallet_session": "x" * 1_000}
    await backups.keep(entries, made="migration", key="rvb1.1400000000000")
    await backups.keep(entries, made="migration", key="rvb1.1500000000000")
    await backups.keep(entries, made="user", key="rvb1.1700000000000")
    page.disk._capacity = used(page.disk)
    await page.storage.store_session(session("b", note="x" * 1_000))
    assert page.topics() == ["a", "b"]
    assert sorted(page.texts("rvb1.")) == ["rvb1.1500000000000", "rvb1.1700000000000"]


async def test_old_backups_go_before_max_storage_size_is_held_against_a_session() -> None:
    page = await crowded()
    page.disk._capacity = None
    limit = page.storage.get_statistics().total_size
    await page.storage.update_config(max_storage_size=limit, compression_enabled=False)
    await page.storage.store_session(session("b"))
    assert list(page.texts("rvb1.")) == [NEW_BACKUP]
    assert page.storage.get_statistics().total_size == used(page.disk) <= limit


async def test_what_others_wrote_unseen_counts_against_max_storage_size() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    limit = page.storage.get_statistics().total_size + 2_000
    await page.storage.update_config(max_storage_size=limit, compression_enabled=False)
    page.disk.set(f"rvh1.1600000000000-{'0' * 8}", "x" * 900)
    with pytest.raises(StorageFullError):
        await page.storage.store_session(session("b"))
    assert page.topics() == ["a"]
    assert page.storage.get_statistics().total_size == used(page.disk) <= limit


async def test_what_lies_beside_the_sessions_counts_as_soon_as_it_is_told_of() -> None:
    page = await opened()
    other = await page.next_page()
    told: list[int] = []
    page.storage.subscribe(lambda: told.append(page.storage.get_statistics().total_size))
    limit = page.storage.get_config().max_storage_size
    page.disk.set("rvb1.1600000000000", "x" * 100)
    assert page.storage.get_statistics().total_size == 0, "nobody has looked"
    page.storage.others_changed()
    page.storage.others_changed()
    assert told == [236]
    assert page.storage.room() == limit - 236
    await settle()
    assert other.storage.get_statistics().total_size == 236, "the other pages are told of a backup"
    page.disk.remove("rvb1.1600000000000")
    assert page.storage.room() == limit
    page.disk.fail_after(0)
    assert page.storage.room() == limit, "a store that does not tell leaves the last look standing"
    page.storage.close()
    page.storage.others_changed()
    assert page.storage.room() == limit
    assert told == [236, 0]


async def test_history_is_no_news_to_the_other_pages() -> None:
    page = await opened()
    other = await page.next_page()
    page.disk.set("rvh1.1600000000000-00000000", "x")
    page.storage.others_changed()
    await settle()
    assert other.storage.get_statistics().total_size == 0


async def test_a_store_that_was_full_is_not_once_something_has_gone() -> None:
    page = await opened()
    page.disk.set("rvb1.1600000000000", "x" * 100)
    await page.storage.update_config(max_storage_size=240)
    with pytest.raises(StorageFullError):
        await page.storage.store_session(session("a"))
    assert page.notices() == (StorageNotice("full"),)
    page.disk.remove("rvb1.1600000000000")
    page.storage.others_changed()
    assert page.notices() == ()


async def test_a_session_that_is_refused_all_the_same_costs_no_backup() -> None:
    page = await crowded()
    before = dict(page.disk._entries)
    with pytest.raises(StorageFullError):
        await page.storage.store_session(session("b", note="x" * 3_000))
    assert page.disk._entries == before
    assert page.storage.get_statistics().total_size == used(page.disk)
    assert page.topics() == ["a"]


async def test_the_notice_of_a_full_store_is_told_and_goes_once_there_is_room() -> None:
    page = await opened()
    await page.storage.store_sessions([session("a"), session("b")])
    page.disk._capacity = used(page.disk)
    seen: list[tuple[StorageNotice, ...]] = []
    page.storage.subscribe(lambda: seen.append(page.notices()))
    with pytest.raises(StorageFullError):
        await page.storage.store_session(session("c"))
    await page.storage.store_session(session("a"))  # takes no more than before: no sign of room
    assert seen == [(StorageNotice("full"),)] * 2
    await page.storage.remove_session("never there")
    assert seen[2:] == [(StorageNotice("full"),)]
    await page.storage.remove_session("a")
    assert seen[3:] == [()]

    await page.storage.store_session(session("c"))
    with pytest.raises(StorageFullError):
        await page.storage.store_session(session("d"))
    page.disk._capacity = None
    await page.storage.store_session(session("d"))
    assert page.notices() == ()


async def test_an_unreadable_record_stays_aside_though_its_new_one_finds_no_room() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    [(key, text)] = page.texts().items()
    page.disk.set(key, newer(text))
    later = await page.next_page()
    later.disk._capacity = used(later.disk) + stored_size("rvq1.1700000000000." + key.removeprefix("rv1."), text)
    with pytest.raises(StorageFullError):
        await later.storage.store_session(session("a", note="x" * 500))
    assert later.texts()[key] == newer(text)
    assert list(later.texts("rvq1.").values()) == [newer(text)]


# Pages killed

OPERATIONS: dict[str, Callable[[Page], Awaitable[object]]] = {
    "store": lambda page: page.storage.store_session(session("b", START + 200)),
    "store a new one": lambda page: page.storage.store_session(session("new")),
    "store many": lambda page: page.storage.store_sessions(
        [session("a", START + 200), session("new"), session("b", START + 200)]
    ),
    "store the notes": lambda page: page.storage.store_notes({"primary": "b"}),
    "turn encryption off and on": lambda page: off_and_on(page),
    "rotate the key": lambda page: page.storage.rotate_key(),
    "verify": lambda page: page.storage.verify(),
    "open again": lambda page: page.storage.open(),
}


async def off_and_on(page: Page) -> None:
    await page.storage.update_config(encryption_enabled=False)
    await page.storage.store_session(session("a", START + 200))
    await page.storage.update_config(encryption_enabled=True)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_any_point_each_session_is_there_old_or_new(operation: str) -> None:
    ends = []
    for operations in range(60):
        page = await opened()
        await page.storage.store_sessions([session("a", START + 100), session("b", START + 100)])
        await page.storage.store_notes({"primary": "a"})
        page.disk.set(OLD_BACKUP, "x" * 100)
        killed = await page.next_page()
        killed.disk.fail_after(operations)
        try:
            await OPERATIONS[operation](killed)
            ends.append("done")
        except StorageError:
            ends.append("killed")
        # The next page has encryption on; what was plain when its page was killed is read once it is off.
        later = await page.next_page(config=StorageConfig(encryption_enabled="off and on" not in operation))
        for topic in ("a", "b"):
            assert later.storage.retrieve_session(topic) in (session(topic, START + 100), session(topic, START + 200))
        assert later.storage.notes in ({"primary": "a"}, {"primary": "b"})
        assert later.quarantined() == 0
        assert set(later.topics()) <= {"a", "b", "new"}
    assert ends[0] == "killed"
    assert ends[-1] == "done"


@pytest.mark.parametrize("operation", ["remove", "clear"])
async def test_killed_at_any_point_of_a_removal_the_rest_is_whole_and_a_second_one_completes_it(operation: str) -> None:
    async def work(page: Page) -> None:
        await (page.storage.remove_session("a") if operation == "remove" else page.storage.clear_all_sessions())

    for operations in range(14):
        page = await opened()
        await page.storage.store_sessions([session("a"), session("b")])
        await page.storage.store_notes({"primary": "b"})
        killed = await page.next_page()
        killed.disk.fail_after(operations)
        with contextlib.suppress(StorageError):
            await work(killed)
        later = await page.next_page()
        assert later.quarantined() == 0
        assert ("b" in later.topics()) or operation == "clear"
        await work(later)
        assert later.topics() == (["b"] if operation == "remove" else [])
        assert later.storage.notes == {"primary": "b"}


async def test_killed_while_old_backups_make_room_no_session_is_lost() -> None:
    for operations in range(20):
        page = await crowded()
        page.disk.fail_after(operations)
        with contextlib.suppress(StorageError):
            await page.storage.store_session(session("b"))
        later = await opened(page.disk.another(), cipher=page.cipher)
        assert "a" in later.topics()
        assert later.quarantined() == 0
        assert NEW_BACKUP in later.disk._entries
