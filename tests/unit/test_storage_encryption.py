"""EncryptedSessionStorage with encryption turned off and on again: what is read when, and that nothing is lost."""

from __future__ import annotations

import asyncio

import pytest
from storage_pages import opened, session

from renvault_web.errors import ConfigError, StorageError
from renvault_web.record import Purpose, decode_record, encode_plain
from renvault_web.stored import StorageConfig
from renvault_web.testing import START, MemoryStorage, settle

OFF, ON = StorageConfig(encryption_enabled=False), StorageConfig()


class Refusing(MemoryStorage):
    """A store that takes nothing more."""

    def set(self, key: str, value: str) -> None:
        raise StorageError("The browser is blocking storage.")


@pytest.mark.parametrize("compressed", [True, False])
async def test_with_encryption_off_new_records_are_plain_and_sealed_ones_are_read_too(compressed: bool) -> None:
    page = await opened()
    await page.storage.store_session(session("sealed"))
    await page.storage.update_config(encryption_enabled=False, compression_enabled=compressed)
    await page.storage.store_session(session("plain"))
    await page.storage.store_notes({"primary": "plain"})
    assert page.storage.get_config() == StorageConfig(encryption_enabled=False, compression_enabled=compressed)
    assert [decode_record(text).is_sealed for text in page.texts().values()] == [True, False, False]
    if not compressed:
        assert b'"topic":"plain"' in decode_record(list(page.texts().values())[1]).sealed

    later = await page.next_page(config=OFF)
    assert sorted(later.topics()) == ["plain", "sealed"]
    assert later.storage.notes == {"primary": "plain"}
    assert later.quarantined() == 0


async def test_with_encryption_on_a_plain_record_is_not_read_and_stays() -> None:
    page = await opened(config=OFF)
    await page.storage.store_session(session("a"))
    texts = page.texts()
    later = await page.next_page()
    assert (later.topics(), later.quarantined()) == ([], 1)
    assert later.notices() == ()
    assert later.texts() == texts

    await later.storage.update_config(encryption_enabled=False)
    assert (later.topics(), later.quarantined()) == (["a"], 0)


async def test_turned_on_again_it_seals_what_this_page_has_opened() -> None:
    page = await opened(config=OFF)
    await page.storage.store_sessions([session("a"), session("b")], used_at=START - 5)
    await page.storage.store_notes({"primary": "a"})
    before = page.storage.stored_session("a")
    await page.storage.update_config(encryption_enabled=True)
    assert all(decode_record(text).is_sealed for text in page.texts().values())
    later = await page.next_page()
    assert sorted(later.topics()) == ["a", "b"]
    assert later.storage.notes == {"primary": "a"}
    assert later.storage.stored_session("a") == before


async def test_what_was_planted_since_it_was_opened_is_not_sealed_with_it() -> None:
    page = await opened(config=OFF)
    await page.storage.store_sessions([session("a"), session("b")])
    a, b = page.texts()
    body = decode_record(page.texts()[b]).sealed[32:]
    planted = encode_plain(a, Purpose.SESSION, 0, body.replace(b"b", b"a"))
    page.disk.set(a, planted)
    await page.storage.update_config(encryption_enabled=True)
    assert page.texts()[a] == planted
    assert page.topics() == ["b"]
    assert page.quarantined() == 1


async def test_of_a_plain_record_that_a_sealed_one_replaces_no_copy_is_left() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    [key] = page.texts()
    planted = encode_plain(key, Purpose.SESSION, 0, b"{}")
    page.disk.set(key, planted)
    later = await page.next_page()
    assert later.topics() == []
    await later.storage.store_session(session("a"))
    assert later.topics() == ["a"]
    assert list(later.texts("rvq1.").values()) == []
    assert decode_record(later.texts()[key]).is_sealed


async def test_plain_notes_are_sealed_by_the_next_page() -> None:
    page = await opened(config=OFF)
    await page.storage.store_notes({"primary": "a"})
    later = await page.next_page()
    assert later.storage.notes == {"primary": "a"}
    assert [decode_record(text).is_sealed for text in later.texts().values()] == [True]
    assert (later.quarantined(), later.texts("rvq1.")) == (0, {})


async def test_plain_notes_that_cannot_be_sealed_stop_no_page() -> None:
    page = await opened(config=OFF)
    await page.storage.store_notes({"primary": "a"})
    await page.storage.store_session(session("a"))
    texts = page.texts()
    disk = Refusing()
    disk._entries = page.disk._entries
    later = await opened(disk, cipher=page.cipher.another())
    assert (later.topics(), later.storage.notes, later.texts()) == ([], {}, texts)


async def test_turned_on_while_closed_it_seals_what_this_page_has_opened_and_nothing_else() -> None:
    page = await opened(config=OFF)
    await page.storage.store_sessions([session("a"), session("b")])
    page.storage.close()
    await page.storage.update_config(encryption_enabled=True)
    a, b = page.texts()
    body = decode_record(page.texts()[b]).sealed[32:]
    page.disk.set(a, encode_plain(a, Purpose.SESSION, 0, body.replace(b"b", b"a")))
    await page.storage.open()
    assert page.topics() == ["b"]
    assert [decode_record(text).is_sealed for text in page.texts().values()] == [False, True]
    later = await page.next_page()
    assert later.topics() == ["b"]


async def test_sealing_again_that_fails_loses_nothing_and_says_so() -> None:
    page = await opened(config=OFF)
    await page.storage.store_sessions([session("a"), session("b")])
    page.disk.fail_after(3)
    with pytest.raises(StorageError):
        await page.storage.update_config(encryption_enabled=True)
    assert sorted(page.topics()) == ["a", "b"]
    assert page.storage.get_config() == OFF
    later = await page.next_page(config=OFF)
    assert sorted(later.topics()) == ["a", "b"]


async def test_sealing_again_that_failed_is_done_when_it_is_asked_for_again() -> None:
    page = await opened(config=OFF)
    await page.storage.store_sessions([session("a"), session("b")])
    page.disk.fail_after(3)
    with pytest.raises(StorageError):
        await page.storage.update_config(encryption_enabled=True)
    page.disk.fail_after(1_000)
    await page.storage.update_config(encryption_enabled=True)
    assert page.storage.get_config() == ON
    assert all(decode_record(text).is_sealed for text in page.texts().values())
    assert sorted(page.topics()) == ["a", "b"]


async def test_a_later_configuration_seals_what_an_earlier_one_could_not() -> None:
    page = await opened(config=OFF)
    await page.storage.store_session(session("a"))
    disk = page.disk
    disk.fail_after(0)
    turning = asyncio.ensure_future(page.storage.update_config(encryption_enabled=True))
    await asyncio.sleep(0)
    with pytest.raises(StorageError):
        await page.storage.update_config(encryption_enabled=True, compression_enabled=False)
    with pytest.raises(StorageError):
        await turning
    disk.fail_after(1_000)
    await page.storage.update_config(encryption_enabled=True, compression_enabled=False)
    assert [decode_record(text).is_sealed for text in page.texts().values()] == [True]


async def test_a_page_with_encryption_off_and_one_with_it_on_write_beside_each_other() -> None:
    page = await opened(config=OFF)
    other = await page.next_page(config=ON)
    await page.storage.store_session(session("plain"))
    await other.storage.store_session(session("sealed"))
    await settle()
    assert page.topics() == ["plain", "sealed"]
    assert (other.topics(), other.quarantined()) == (["sealed"], 1)
    await other.storage.store_session(session("plain", START + 100))
    await settle()
    assert sorted(other.topics()) == ["plain", "sealed"]
    assert page.storage.retrieve_session("plain") == session("plain", START + 100)


async def test_while_it_is_not_open_a_configuration_is_only_kept() -> None:
    disk = MemoryStorage()
    page = await opened(disk)
    page.storage.close()
    operations = disk.operations
    await page.storage.update_config(encryption_enabled=False)
    assert page.storage.get_config() == OFF
    assert disk.operations == operations


def test_a_bad_switch_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="encryption_enabled is 'no'; it must be true or false"):
        StorageConfig(encryption_enabled="no")  # type: ignore[arg-type] # what a host may do


async def test_a_change_leaves_the_other_settings_and_one_that_does_not_fit_leaves_all() -> None:
    page = await opened(config=StorageConfig(max_storage_size=5_000))
    wanted = StorageConfig(max_storage_size=5_000, compression_enabled=False)
    assert await page.storage.update_config(compression_enabled=False) == wanted
    for wrong in ({"max_storage_size": 0}, {"compressionEnabled": True}, {"encryption_enabled": "no"}):
        with pytest.raises(ConfigError):
            await page.storage.update_config(**wrong)
    assert page.storage.get_config() == wanted
