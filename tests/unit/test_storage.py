from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import storage_pages
from storage_pages import WEEK, session

from renvault_web.errors import (
    ConfigError,
    NotStartedError,
    StorageError,
    StorageFullError,
)
from renvault_web.jsontext import write_json
from renvault_web.record import KEY_PREFIX, Purpose, pack
from renvault_web.sealing import seal, storage_keys
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.stored import RecordState, StorageConfig, StorageStatistics, StoredSession, body_of
from renvault_web.testing import START, FakeCipher, ManualClock, MemoryStorage, settle

if TYPE_CHECKING:
    from renvault_web.session import WalletSession


class Page(storage_pages.Page):
    """One page of the origin, which need not be open."""

    def another(self, **changes: object) -> Page:
        return Page(self.disk.another(), clock=self.clock, **changes)  # type: ignore[arg-type] # as Page takes them

    def own_keys(self) -> list[str]:
        return [key for key in self.disk.another().keys() if key.startswith(KEY_PREFIX)]  # noqa: SIM118 - no dict


async def opened(disk: MemoryStorage | None = None, **options: object) -> Page:
    page = Page(disk, **options)  # type: ignore[arg-type] # as Page takes them
    await page.storage.open()
    return page


# Reading back


async def found(storage: EncryptedSessionStorage) -> tuple[int, tuple[WalletSession, ...], int]:
    """Open; return how many sessions there are, which had expired, and how many records are quarantined."""
    expired = await storage.open()
    figures = storage.get_statistics()
    return figures.total_sessions, expired, figures.quarantined


async def test_a_stored_session_is_read_at_once_and_by_the_another() -> None:
    page = await opened()
    stored = session("a" * 64, permissions=["sign"])
    await page.storage.store_session(stored)
    assert page.storage.retrieve_session("a" * 64) == stored
    assert page.storage.has_session("a" * 64)

    later = page.another()
    assert await found(later.storage) == (1, (), 0)
    assert later.storage.retrieve_session("a" * 64) == stored
    assert later.storage.retrieve_all_sessions() == [stored]


async def test_what_is_not_stored_is_none() -> None:
    page = await opened()
    assert page.storage.retrieve_session("a") is None
    assert page.storage.stored_session("a") is None
    assert not page.storage.has_session("a")
    assert page.storage.retrieve_all_sessions() == []


async def test_neither_key_nor_record_shows_topic_or_account_in_any_coding() -> None:
    page = await opened(config=StorageConfig(compression_enabled=False))
    topic = "0123456789abcdef" * 4
    await page.storage.store_session(session(topic))
    [key] = page.own_keys()
    text = page.disk.get(key) or ""
    assert not key.startswith("renvault_session_")
    assert topic not in key + text
    assert "SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7" not in text


async def test_each_session_has_one_record_which_a_second_store_replaces() -> None:
    page = await opened()
    await page.storage.store_session(session("a", START + 10))
    await page.storage.store_session(session("a", START + 20))
    await page.storage.store_sessions([session("b"), session("c"), session("c", START + 30)])
    assert len(page.own_keys()) == 3
    assert page.storage.retrieve_session("a") == session("a", START + 20)
    assert page.storage.retrieve_session("c") == session("c", START + 30)


async def test_the_times_of_a_record_are_when_it_was_first_stored_and_last_used() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    await page.clock.advance(60)
    await page.storage.store_session(session("a"))
    assert page.storage.stored_session("a") == StoredSession(session("a"), created_at=START, used_at=START)
    await page.storage.store_session(session("a"), used_at=START + 60)
    await page.storage.store_session(session("b"), used_at=START + 50)

    later = page.another()
    await later.storage.open()
    assert later.storage.stored_session("a") == StoredSession(session("a"), created_at=START, used_at=START + 60)
    assert later.storage.stored_session("b") == StoredSession(session("b"), created_at=START + 60, used_at=START + 50)


async def test_sessions_come_back_the_oldest_first() -> None:
    page = await opened()
    for topic in ("c", "a", "b"):
        await page.storage.store_session(session(topic))
        await page.clock.advance(1)
    later = page.another()
    await later.storage.open()
    assert later.topics() == ["c", "a", "b"]


async def test_notes_survive_and_do_not_count_as_a_session() -> None:
    page = await opened()
    assert page.storage.notes == {}
    await page.storage.store_notes({"primary": "a"})
    await page.storage.store_notes({"primary": "b"})
    later = page.another()
    assert await found(later.storage) == (0, (), 0)
    assert later.storage.notes == {"primary": "b"}
    later.storage.notes["primary"] = "changed by the reader"
    assert later.storage.notes == {"primary": "b"}
    await page.storage.clear_all_sessions()
    assert len(page.own_keys()) == 1


async def test_lone_surrogates_in_topic_and_name_survive() -> None:
    page = await opened()
    odd = session("topic \ud800", peer={"metadata": {"name": "\udfff"}})
    await page.storage.store_session(odd)
    later = page.another()
    await later.storage.open()
    assert later.storage.retrieve_session("topic \ud800") == odd


async def test_what_json_cannot_hold_is_refused_and_nothing_is_written() -> None:
    page = await opened()
    with pytest.raises(StorageError, match="cannot be written as JSON"):
        await page.storage.store_sessions([session("a"), replace(session("b"), extra={"x": float("nan")})])
    assert page.own_keys() == []
    assert page.topics() == []


async def test_a_session_that_is_too_large_is_named_and_stops_no_other() -> None:
    page = await opened()
    room = 256 * 1024 - len(write_json(body_of(StoredSession(session("a" * 64, note=""), START, START))))
    await page.storage.store_session(session("a" * 64, note="x" * room))
    message = re.escape("Session bbbbbbbb has 262145 bytes; a record holds 262144 at most.")
    with pytest.raises(StorageError, match=message):
        await page.storage.store_session(session("b" * 64, note="x" * (room + 1)))
    assert page.topics() == ["a" * 64]
    assert len(page.own_keys()) == 1


# Removing


async def test_a_removed_session_is_gone_for_the_next_page_too() -> None:
    page = await opened()
    await page.storage.store_sessions([session("a"), session("b")])
    await page.storage.remove_session("a")
    await page.storage.remove_session("never stored")
    assert page.topics() == ["b"]
    assert len(page.own_keys()) == 1


async def test_clearing_removes_sessions_alone_unreadable_ones_included() -> None:
    page = await opened()
    page.disk.set("wc@2:core:0.3//keychain", "{}")
    page.disk.set("renvault_session_backup_1", "{}")
    page.disk.set(KEY_PREFIX + "not-a-record", "?")
    await page.storage.store_notes({"primary": "a"})
    await page.storage.store_sessions([session("a"), session("b")])
    stranger = await opened(page.disk.another(), cipher=FakeCipher(key_id=b"new key!"))
    assert stranger.storage.get_statistics().quarantined == 4

    await stranger.storage.clear_all_sessions()
    left = page.disk.another().keys()
    assert {"wc@2:core:0.3//keychain", "renvault_session_backup_1", KEY_PREFIX + "not-a-record"} < set(left)
    assert len(left) == 4
    assert stranger.storage.get_statistics().quarantined == 2


async def test_expired_sessions_are_removed_on_open_and_reported() -> None:
    page = await opened()
    await page.storage.store_sessions([session("a", START + 10), session("b", START + 10.5)])
    page.clock.jump(10)
    later = page.another()
    assert await found(later.storage) == (1, (session("a", START + 10),), 0)
    assert later.topics() == ["b"]
    assert len(page.own_keys()) == 1


async def test_a_session_that_was_removed_as_expired_but_lives_on_keeps_its_times() -> None:
    page = await opened()
    await page.storage.store_session(session("a", START + 10), used_at=START + 5)
    page.clock.jump(10)
    later = page.another()
    await later.storage.open()
    await later.storage.store_session(session("a", START + 100))
    assert later.storage.stored_session("a") == StoredSession(session("a", START + 100), START, START + 5)


async def test_an_expired_session_that_cannot_be_removed_stays_visible(caplog: pytest.LogCaptureFixture) -> None:
    page = await opened()
    await page.storage.store_session(session("a", START + 10))
    page.clock.jump(10)
    later = page.another()
    later.disk.fail_after(2)  # the key, its record
    assert await found(later.storage) == (1, (), 0)
    assert later.topics() == ["a"]
    assert "could not be removed: The page was killed." in caplog.text


class StubbornStorage(MemoryStorage):
    """Takes everything and does nothing, as some blockers make of localStorage."""

    def set(self, key: str, value: str) -> None:
        pass

    def remove(self, key: str) -> None:
        pass


async def test_a_write_that_does_not_read_back_is_an_error_and_leaves_the_view() -> None:
    page = await opened(StubbornStorage())
    with pytest.raises(StorageError, match="did not read back"):
        await page.storage.store_session(session("a"))
    assert page.topics() == []


async def test_a_removal_that_does_not_take_is_an_error_and_leaves_the_view() -> None:
    disk = StubbornStorage()
    page = await opened()
    await page.storage.store_session(session("a"))
    for key in page.own_keys():
        MemoryStorage.set(disk, key, page.disk.get(key) or "")
    stubborn = await opened(disk)
    with pytest.raises(StorageError, match="still there"):
        await stubborn.storage.remove_session("a")
    assert stubborn.topics() == ["a"]


# Limits


async def test_statistics_count_as_the_browser_counts() -> None:
    page = await opened(config=StorageConfig(max_storage_size=10_000))
    page.disk.set("of another program", "x" * 1000)
    assert page.storage.get_statistics() == StorageStatistics(
        total_sessions=0, total_size=0, max_size=10_000, usage_percent=0.0, quarantined=0, persistent=True
    )
    await page.storage.store_session(session("a"))
    [key] = page.own_keys()
    size = 2 * len(key + (page.disk.get(key) or ""))
    odd = KEY_PREFIX + "é", "\U0001f600"
    page.disk.set(*odd)
    await page.storage.reload()
    total = size + 2 * (5 + 2)
    assert page.storage.get_statistics() == StorageStatistics(
        total_sessions=1,
        total_size=total,
        max_size=10_000,
        usage_percent=round(total / 100, 2),
        quarantined=1,
        persistent=True,
        compression_ratio=page.storage.get_statistics().compression_ratio,
    )
    await page.storage.remove_session("a")
    assert page.storage.get_statistics().total_size == 14


async def test_beyond_max_storage_size_nothing_is_written_and_nothing_lost() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    used = page.storage.get_statistics().total_size
    await page.storage.update_config(max_storage_size=used * 2)
    assert page.storage.get_config().max_storage_size == used * 2
    with pytest.raises(StorageFullError, match=f"{used} of {used * 2} are used"):
        await page.storage.store_sessions([session("b"), session("c")])
    assert page.topics() == ["a"]
    assert len(page.own_keys()) == 1


async def test_a_full_store_still_takes_what_does_not_make_it_larger() -> None:
    page = await opened(config=StorageConfig(compression_enabled=False))
    await page.storage.store_session(session("a"))
    await page.storage.update_config(max_storage_size=1, compression_enabled=False)
    await page.storage.store_session(session("a", START + WEEK + 1))
    assert page.storage.retrieve_session("a") == session("a", START + WEEK + 1)
    assert page.storage.get_statistics().usage_percent > 100


async def test_the_browsers_own_quota_keeps_what_was_stored_before_it() -> None:
    page = await opened(MemoryStorage(capacity=2_600), config=StorageConfig(compression_enabled=False))
    with pytest.raises(StorageFullError):
        await page.storage.store_sessions([session("a"), session("b"), session("c")])
    assert page.topics() == ["a"]
    assert len(page.own_keys()) == 1


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "10", None])
def test_a_bad_limit_is_refused_by_name(size: object) -> None:
    with pytest.raises(ConfigError, match=r"max_storage_size is .* at least 1"):
        StorageConfig(max_storage_size=size)  # type: ignore[arg-type] # what a host may do


def test_a_bad_switch_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="compression_enabled is 1; it must be true or false"):
        StorageConfig(compression_enabled=1)  # type: ignore[arg-type] # what a host may do


async def test_records_are_compressed_unless_that_is_switched_off_and_both_are_read() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    small = page.storage.get_statistics().total_size
    await page.storage.update_config(compression_enabled=False)
    await page.storage.store_session(session("b"))
    assert page.storage.get_statistics().total_size > 2 * small
    later = page.another()
    assert (await found(later.storage))[0] == 2


# Integrity


async def test_a_record_that_cannot_be_read_stays_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    page = await opened()
    await page.storage.store_sessions([session("a"), session("b"), session("c")])
    first, second, third = page.own_keys()
    texts = {key: page.disk.get(key) or "" for key in page.own_keys()}
    page.disk.set(first, texts[second])  # moved from another place
    page.disk.set(third, texts[third][:-4])  # cut short
    later = page.another()
    assert await found(later.storage) == (1, (), 2)
    assert later.topics() == ["b"]
    assert later.storage.get_statistics().quarantined == 2
    assert page.disk.get(third) == texts[third][:-4]
    assert "Records that cannot be read, left in place: 2." in caplog.text

    caplog.clear()
    await later.storage.reload()  # known already: neither opened nor reported again
    assert later.storage.get_statistics().quarantined == 2
    assert caplog.text == ""

    page.disk.set(first, texts[first])
    page.disk.remove(third)
    await later.storage.reload()
    assert sorted(later.topics()) == ["a", "b"]
    assert later.storage.get_statistics().quarantined == 0


async def test_no_text_under_a_key_of_ours_keeps_the_sessions_from_being_read() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    [key] = page.own_keys()
    cipher = FakeCipher()
    unlikely = {"session": body_of(StoredSession(session("b"), START, START))["session"], "created": 10**400, "used": 1}
    [far] = await storage_keys(cipher, [(Purpose.SESSION, "b")])
    [page.disk.another()._entries[far]] = await seal(cipher, [(far, Purpose.SESSION, pack(unlikely))])
    for name, text in {"zz": "é", "\ud800": "\ud800", "__proto__": "AQ", "": "", "astral": "\U0001f600" * 9}.items():
        page.disk.set(KEY_PREFIX + name, text)

    later = page.another()
    assert await found(later.storage) == (1, (), 6)
    assert later.topics() == ["a"]
    assert key in later.own_keys()


def spoiled(text: str) -> dict[str, str]:
    """The record as a newer version, a damaged disk and a lost key leave it."""
    data = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    newer, foreign = bytearray(data), bytearray(data)
    newer[0], foreign[3] = 2, data[3] ^ 1
    return {
        "newer": urlsafe_b64encode(newer).rstrip(b"=").decode(),
        "changed": text[:60] + ("A" if text[60] != "A" else "B") + text[61:],
        "foreign": urlsafe_b64encode(foreign).rstrip(b"=").decode(),
    }


@pytest.mark.parametrize("kind", ["newer", "changed", "foreign"])
async def test_before_an_unreadable_record_is_written_over_it_is_kept_aside(kind: str) -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    await page.storage.store_notes({"primary": "a"})
    wrong = {key: spoiled(page.disk.get(key) or "")[kind] for key in page.own_keys()}
    for key, text in wrong.items():
        page.disk.set(key, text)

    later = page.another()
    assert (await found(later.storage))[2] == 2
    await later.storage.store_session(session("a"))
    await later.storage.store_notes({"primary": "b"})
    assert later.topics() == ["a"]
    assert later.storage.notes == {"primary": "b"}
    assert later.storage.get_statistics().quarantined == 2
    kept = {f"rvq1.1700000000000.{key.removeprefix(KEY_PREFIX)}": text for key, text in wrong.items()}
    everything = page.disk.another()
    assert {key: everything.get(key) for key in everything.keys() if key.startswith("rvq1.")} == kept  # noqa: SIM118

    await later.storage.store_session(session("a", START + WEEK + 1))  # one that can be read is not kept aside
    await later.storage.clear_all_sessions()  # the session's goes with it; that of the notes stays
    assert later.storage.get_statistics().quarantined == 1
    assert await found(page.another().storage) == (0, (), 1)


async def test_a_record_that_another_page_has_put_right_meanwhile_is_not_kept_aside() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    [key] = page.own_keys()
    right = page.disk.get(key) or ""
    page.disk.set(key, "?")
    later = page.another()
    await later.storage.open()
    page.disk.set(key, right)
    await later.storage.store_session(session("a"))
    assert later.storage.get_statistics().quarantined == 0


async def test_an_unreadable_record_that_cannot_be_kept_aside_is_not_written_over() -> None:
    page = await opened(MemoryStorage(capacity=2_000))
    await page.storage.store_session(session("a"))
    [key] = page.own_keys()
    wrong = spoiled(page.disk.get(key) or "")["changed"]
    page.disk.set(key, wrong)
    page.disk.set("of another program", "x" * (900 - len(wrong) - len(key)))
    later = page.another()
    await later.storage.open()
    with pytest.raises(StorageFullError):
        await later.storage.store_session(session("a"))
    assert page.disk.get(key) == wrong
    assert later.storage.get_statistics().quarantined == 1


async def test_a_page_killed_while_it_keeps_a_record_aside_loses_none() -> None:
    for operations in range(8):
        page = await opened()
        await page.storage.store_session(session("a"))
        [key] = page.own_keys()
        wrong = spoiled(page.disk.get(key) or "")["changed"]
        page.disk.set(key, wrong)
        killed = page.another()
        await killed.storage.open()
        killed.disk.fail_after(operations)
        with contextlib.suppress(StorageError):
            await killed.storage.store_session(session("a"))
        later = page.another()
        await later.storage.open()
        await later.storage.store_session(session("a"))
        assert later.storage.get_statistics().quarantined == 1
        assert [text for at, text in page.disk._entries.items() if at.startswith("rvq1.")] == [wrong]


async def test_notes_that_are_removed_or_unreadable_are_empty() -> None:
    page = await opened()
    await page.storage.store_notes({"primary": "a"})
    [key] = page.own_keys()
    page.disk.set(key, "?")
    await page.storage.reload()
    assert page.storage.notes == {}
    page.disk.remove(key)
    await page.storage.reload()
    assert page.storage.get_statistics().quarantined == 0


# Memory only


@pytest.mark.parametrize(
    ("disk", "cipher"),
    [
        (MemoryStorage(persistent=False), FakeCipher()),
        (MemoryStorage(), FakeCipher(persistent=False)),
    ],
)
async def test_memory_only_is_said(disk: MemoryStorage, cipher: FakeCipher, caplog: pytest.LogCaptureFixture) -> None:
    page = await opened(disk, cipher=cipher)
    assert not page.storage.persistent
    assert not page.storage.get_statistics().persistent
    assert "in memory only" in caplog.text


# Opening, closing


async def test_before_open_and_after_close_every_use_says_so() -> None:
    page = Page()
    for _ in range(2):
        for read in (
            lambda: page.storage.retrieve_session("a"),
            page.storage.retrieve_all_sessions,
            lambda: page.storage.has_session("a"),
            lambda: page.storage.notes,
            page.storage.get_statistics,
        ):
            with pytest.raises(NotStartedError):
                read()
        for write in (
            page.storage.store_session(session("a")),
            page.storage.store_notes({}),
            page.storage.remove_session("a"),
            page.storage.clear_all_sessions(),
            page.storage.reload(),
        ):
            with pytest.raises(NotStartedError):
                await write
        await page.storage.open()
        page.storage.close()
        page.storage.close()
    assert page.own_keys() == []


async def test_it_opens_again_after_close() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    page.storage.close()
    assert (await found(page.storage))[0] == 1
    assert page.topics() == ["a"]


async def test_a_second_open_reads_what_changed() -> None:
    page = await opened()
    other = await opened(page.disk.another())
    await other.storage.store_session(session("a"))
    assert (await found(page.storage))[0] == 1
    assert page.tabs.listeners == 1


async def test_a_store_that_fails_as_a_whole_can_be_opened_later() -> None:
    page = Page()
    page.disk.fail_after(0)
    with pytest.raises(StorageError):
        await page.storage.open()
    with pytest.raises(NotStartedError):
        page.storage.get_statistics()
    page.disk.fail_after(100)
    assert (await found(page.storage))[0] == 0


class SlowCipher(FakeCipher):
    """Waits for ``go`` before it seals or opens."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def seal(self, jobs: object, *, key_id: bytes) -> list[bytes]:
        await self.go.wait()
        return await super().seal(jobs, key_id=key_id)  # type: ignore[arg-type] # passed on as it came

    async def open(self, jobs: object) -> list[bytes | None]:
        await self.go.wait()
        return await super().open(jobs)  # type: ignore[arg-type] # passed on as it came


async def test_closed_during_a_write_nothing_is_written() -> None:
    cipher = SlowCipher()
    page = await opened(cipher=cipher)
    write = asyncio.ensure_future(page.storage.store_session(session("a")))
    await settle()
    page.storage.close()
    reopened = asyncio.ensure_future(page.storage.open())
    cipher.go.set()
    with pytest.raises(NotStartedError, match="closed meanwhile"):
        await write
    assert await reopened == ()
    assert page.own_keys() == []


async def test_closed_while_it_opens_it_stays_closed() -> None:
    disk = MemoryStorage()
    await (await opened(disk)).storage.store_session(session("a"))
    cipher = SlowCipher()
    page = Page(disk, cipher=cipher)
    opening = asyncio.ensure_future(page.storage.open())
    await settle()
    page.storage.close()
    cipher.go.set()
    with pytest.raises(NotStartedError, match="while it was being opened"):
        await opening
    with pytest.raises(NotStartedError):
        page.storage.get_statistics()
    assert page.tabs.listeners == 0


def lets_go(page: Page) -> bool:
    """Whether the page has no key that it could seal with."""
    return not page.cipher.held


async def test_closed_it_has_let_go_of_the_keys_and_opened_again_it_reads_all() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    page.storage.close()
    assert page.cipher.calls[-1] == "close"
    assert lets_go(page)
    other = page.cipher.another()
    await other.rotate()
    await page.storage.open()
    assert page.topics() == ["a"]
    assert page.cipher.key_ids() == other.key_ids()
    assert not lets_go(page)


async def test_opened_again_it_knows_the_keys_as_they_are_by_then_though_nothing_is_stored() -> None:
    page = await opened()
    page.storage.close()
    other = page.cipher.another()
    await other.rotate()
    await page.storage.open()
    assert page.cipher.key_ids() == other.key_ids()


@pytest.mark.parametrize("when", ["write", "open"])
async def test_what_goes_on_after_it_was_closed_leaves_no_key_held(when: str) -> None:
    disk = MemoryStorage()
    await (await opened(disk)).storage.store_session(session("a"))
    cipher = SlowCipher()
    page = Page(disk, cipher=cipher)
    if when == "write":
        cipher.go.set()
        await page.storage.open()
        cipher.go.clear()
    work = page.storage.store_session(session("b")) if when == "write" else page.storage.open()
    running = asyncio.ensure_future(work)
    await settle()
    page.storage.close()
    cipher.go.set()
    with pytest.raises(NotStartedError):
        await running
    assert lets_go(page)


async def test_what_is_asked_for_once_it_was_closed_leaves_no_key_held() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    page.storage.close()
    assert [report.state for report in await page.storage.verify()] == [RecordState.OK]
    assert lets_go(page)


async def test_a_cipher_that_hangs_is_given_up_and_the_next_write_works() -> None:
    cipher = SlowCipher()
    page = await opened(cipher=cipher)
    first = asyncio.ensure_future(page.storage.store_session(session("a")))
    await page.clock.advance(9.9)
    assert not first.done()
    await page.clock.advance(0.1)
    with pytest.raises(StorageError, match="within 10 s"):
        await first
    cipher.go.set()
    await page.storage.store_session(session("b"))
    assert page.topics() == ["b"]
    assert page.clock.sleeping == 0


async def test_writes_are_done_in_the_order_they_were_asked_for() -> None:
    cipher = SlowCipher()
    page = await opened(cipher=cipher)
    writes = [
        asyncio.ensure_future(page.storage.store_session(session("a", START + 10))),
        asyncio.ensure_future(page.storage.store_session(session("a", START + 20))),
        asyncio.ensure_future(page.storage.remove_session("a")),
        asyncio.ensure_future(page.storage.store_session(session("a", START + 30))),
    ]
    cipher.go.set()
    await asyncio.gather(*writes)
    assert page.storage.retrieve_session("a") == session("a", START + 30)
    later = page.another()
    await later.storage.open()
    assert later.topics() == ["a"]


# Crossings


async def test_a_hundred_sessions_take_one_crossing_for_each_kind_of_work() -> None:
    page = await opened()
    page.cipher.calls.clear()
    await page.storage.store_sessions([session(f"topic {n}") for n in range(100)])
    assert page.cipher.calls == ["tags", "seal"]
    page.cipher.calls.clear()
    await page.storage.store_sessions([session(f"topic {n}") for n in range(100)])
    assert page.cipher.calls == ["seal"]  # the storage keys are known
    later = page.another()
    await later.storage.open()
    assert later.cipher.calls == ["open", "tags"]
    await later.storage.reload()
    assert later.cipher.calls == ["open", "tags"]


# Pages killed, pages beside each other


async def test_a_page_killed_at_any_point_of_a_write_leaves_the_old_or_the_new_record() -> None:
    before = session("a", START + 10)
    after = session("a", START + 20)
    outcomes = []
    for operations in range(4):
        page = await opened()
        await page.storage.store_session(before)
        page.disk.fail_after(operations)
        try:
            await page.storage.store_session(after)
            outcomes.append("done")
        except StorageError:
            assert page.storage.retrieve_session("a") == before
            outcomes.append("failed")
        later = page.another()
        assert (await found(later.storage))[2] == 0
        assert later.storage.retrieve_session("a") in (before, after)
    assert outcomes == ["failed", "failed", "done", "done"]


async def test_a_page_killed_within_a_batch_keeps_what_was_written_and_what_was_there() -> None:
    for operations in range(6):
        page = await opened()
        await page.storage.store_session(session("a", START + 10))
        page.disk.fail_after(operations)
        with pytest.raises(StorageError):
            await page.storage.store_sessions([session("a", START + 20), session("b"), session("c")])
        later = page.another()
        assert (await found(later.storage))[2] == 0
        assert set(page.topics()) <= set(later.topics())
        assert later.storage.has_session("a")


async def test_a_write_and_a_removal_show_in_the_other_pages() -> None:
    page = await opened()
    tabs = page.tabs.another()
    other = await opened(page.disk.another(), clock=page.clock, tabs=tabs)
    seen: list[list[str]] = []
    stop = other.storage.subscribe(lambda: seen.append(other.topics()))
    await page.storage.store_session(session("a"))
    await settle()
    await page.storage.store_session(session("b"))
    await settle()
    await page.storage.remove_session("a")
    await settle()
    assert seen == [["a"], ["a", "b"], ["b"]]
    assert other.cipher.calls == ["open", "tags", "open", "tags"]  # only what changed
    stop()
    stop()
    await page.storage.clear_all_sessions()
    await settle()
    assert seen == [["a"], ["a", "b"], ["b"]]
    assert other.topics() == []


async def test_a_listener_hears_of_each_change_here_and_of_nothing_else() -> None:
    page = await opened()
    seen: list[int] = []
    page.storage.subscribe(lambda: seen.append(len(page.topics())))
    await page.storage.store_sessions([session("a"), session("b")])
    await page.storage.reload()
    with pytest.raises(StorageError):
        await page.storage.store_session(replace(session("c"), extra={"x": {1}}))
    await page.storage.remove_session("a")
    assert seen == [2, 1]


async def test_two_pages_that_write_at_the_same_time_lose_nothing() -> None:
    page = await opened()
    other = await opened(page.disk.another(), clock=page.clock, tabs=page.tabs.another())
    writes = [page.storage.store_session(session(f"a{n}")) for n in range(20)]
    others = [other.storage.store_session(session(f"b{n}")) for n in range(20)]
    await asyncio.gather(*(write for pair in zip(writes, others, strict=True) for write in pair))
    await settle()
    await page.storage.reload()
    await other.storage.reload()
    assert sorted(page.topics()) == sorted(other.topics()) == sorted(f"{x}{n}" for x in "ab" for n in range(20))


async def test_messages_of_other_kinds_are_passed_over() -> None:
    page = await opened()
    other = page.tabs.another()
    page.cipher.calls.clear()
    other.post({"kind": "status"})
    other.post({})
    await settle()
    assert page.cipher.calls == []


async def test_messages_that_come_while_it_reads_are_not_lost() -> None:
    cipher = SlowCipher()
    page = await opened(cipher=cipher)
    other = await opened(page.disk.another(), clock=page.clock, tabs=page.tabs.another())
    await other.storage.store_session(session("a"))
    await settle()
    await other.storage.store_session(session("b"))
    await settle()
    cipher.go.set()
    await settle()
    assert sorted(page.topics()) == ["a", "b"]


async def test_another_pages_change_that_cannot_be_read_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    page = await opened()
    page.disk.fail_after(0)
    with caplog.at_level(logging.WARNING):
        page.tabs.another().post({"kind": "records"})
        await settle()
    assert "could not be read: The page was killed." in caplog.text


async def test_close_ends_the_reading_of_another_pages_change() -> None:
    cipher = SlowCipher()
    page = await opened(cipher=cipher)
    other = await opened(page.disk.another(), clock=page.clock, tabs=page.tabs.another())
    await other.storage.store_session(session("a"))
    await settle()
    page.storage.close()
    await settle()
    assert page.clock.sleeping == 0
    assert page.tabs.listeners == 0


async def test_without_other_pages_it_works_alone() -> None:
    storage = EncryptedSessionStorage(storage=MemoryStorage(), cipher=FakeCipher(), clock=ManualClock())
    await storage.open()
    await storage.store_session(session("a"))
    assert storage.has_session("a")
