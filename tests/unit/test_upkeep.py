"""renvault_web.upkeep and verification, through the storage: every record checked, a new key, the end of it all."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from storage_pages import Page, opened, session

from renvault_web.errors import StorageError
from renvault_web.legacy_keys import COMPLETED
from renvault_web.record import KEY_PREFIX, Purpose, claimed_purpose, decode_record, encode_plain, pack
from renvault_web.rotation import MAX_AGE
from renvault_web.sealing import seal, storage_keys
from renvault_web.stored import NOTES, RecordReport, RecordState, StorageConfig, stored_size
from renvault_web.testing import START, FakeCipher, FakeSdkStore, settle

BACKUP = "rvb1.1700000000001"
HISTORY = "rvh1.1700000000001-aaaaaaaa"


async def named(page: Page, key: str, purpose: Purpose, *, encrypted: bool = True) -> None:
    """Write a backup or a page of the history as their services do."""
    [text] = await seal(page.cipher, [(key, purpose, pack({"old": "bytes"}))], encrypted=encrypted)
    page.disk.set(key, text)


async def place(page: Page, topic: str) -> str:
    [key] = await storage_keys(page.cipher, [(Purpose.SESSION, topic)])
    return key


# Verify


async def test_a_sound_store_is_reported_record_by_record() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    await page.storage.store_notes({"primary": "a"})
    await named(page, BACKUP, Purpose.BACKUP)
    await named(page, HISTORY, Purpose.HISTORY)
    page.disk.set("of another program", "text")
    a, [notes] = await place(page, "a"), await storage_keys(page.cipher, [(Purpose.NOTES, NOTES)])

    reports = await page.storage.verify()

    kinds = {a: "session", notes: "notes", BACKUP: "backup", HISTORY: "history"}
    size = {key: stored_size(key, page.disk.get(key)) for key in kinds}
    assert list(reports) == [
        RecordReport(key=key, kind=kinds[key], size=size[key], state=RecordState.OK)  # type: ignore[arg-type]
        for key in sorted(kinds)
    ]
    assert sum(size.values()) == sum(report.size for report in reports)


async def test_each_kind_of_fault_is_told_by_its_name_and_no_content_with_it() -> None:
    page = await opened()
    names = ["ok", "changed", "cut", "newer", "lost", "plain", "swapped", "free"]
    await page.storage.store_sessions([session(name) for name in names])
    keys = {name: await place(page, name) for name in names}
    text = {name: page.disk.get(key) or "" for name, key in keys.items()}
    stranger = FakeCipher(key_id=b"lost key")
    [foreign] = await seal(stranger, [(keys["lost"], Purpose.SESSION, pack({}))])
    wrong = {
        "changed": text["changed"][:60] + ("A" if text["changed"][60] != "A" else "B") + text["changed"][61:],
        "cut": text["cut"][:-4],
        "newer": "Ag" + text["newer"][2:],
        "lost": foreign,
        "plain": encode_plain(keys["plain"], Purpose.SESSION, 0, b"{}"),
        "swapped": text["free"],
    }
    for name, spoiled in wrong.items():
        page.disk.set(keys[name], spoiled)
    page.disk.set(KEY_PREFIX + "?", "?")
    page.disk.set(BACKUP, text["ok"])  # a session's record under a backup's name
    page.disk.set("rvq1.1700000000000.x", text["free"])
    await named(page, HISTORY, Purpose.BACKUP)

    reports = {report.key: report for report in await page.storage.verify()}

    found = {name: (reports[key].state.value, reports[key].reason) for name, key in keys.items()}
    later = "The record has version 2, this page reads version 1. It is kept: a newer version of this page can read it."
    moved = "The record was changed, moved from another place, or sealed by a key that is gone."
    assert found == {
        "ok": ("ok", None),
        "free": ("ok", None),
        "changed": ("unreadable", moved),
        "cut": ("unreadable", moved),
        "swapped": ("unreadable", moved),
        "newer": ("newer_version", later),
        "lost": ("lost_key", "The key that sealed the record is gone. Reconnect your wallet."),
        "plain": ("plain", "The record is not sealed. It is read only while encryption is off."),
    }
    assert reports[KEY_PREFIX + "?"].state is RecordState.UNREADABLE
    assert reports[KEY_PREFIX + "?"].kind == "unknown"
    assert reports[BACKUP].state is RecordState.UNREADABLE
    assert reports[HISTORY].reason == "The record has purpose 4; 5 belongs here."
    assert reports["rvq1.1700000000000.x"] == RecordReport(
        key="rvq1.1700000000000.x",
        kind="session",
        size=stored_size("rvq1.1700000000000.x", text["free"]),
        state=RecordState.ASIDE,
        reason="Kept aside: it could not be read when rv1.x was written again.",
    )
    assert len(reports) == len(names) + 4
    assert page.disk.get(keys["changed"]) == wrong["changed"]


async def test_while_encryption_is_off_plain_records_are_sound_and_damaged_ones_are_not() -> None:
    page = await opened(config=StorageConfig(encryption_enabled=False))
    await page.storage.store_sessions([session("a"), session("b")])
    await named(page, BACKUP, Purpose.BACKUP, encrypted=False)  # planted: nobody writes one
    await named(page, HISTORY, Purpose.HISTORY, encrypted=False)
    b = await place(page, "b")
    text = page.disk.get(b) or ""
    page.disk.set(b, text[:-6] + ("AAAAAA" if text[-6:] != "AAAAAA" else "BBBBBB"))
    states = {report.key: report.state for report in await page.storage.verify()}
    assert states == {
        await place(page, "a"): RecordState.OK,
        b: RecordState.UNREADABLE,
        BACKUP: RecordState.PLAIN,
        HISTORY: RecordState.PLAIN,
    }


# The key


async def test_a_rotation_seals_everything_again_and_changes_nothing_that_is_read() -> None:
    sdk = FakeSdkStore()
    page = await opened(sdk=sdk)
    await page.storage.store_sessions([session(f"topic {n}") for n in range(400)])
    await page.storage.store_notes({"primary": "topic 1"})
    await named(page, BACKUP, Purpose.BACKUP)
    old = page.cipher.key_id
    topics = page.topics()

    await page.storage.rotate_key()

    assert page.cipher.key_id != old
    assert {decode_record(text).key_id for text in page.texts("rv").values()} == {page.cipher.key_id}
    assert page.topics() == topics
    assert page.quarantined() == 0
    assert page.seen() == page.texts()
    later = await page.next_page()
    assert later.topics() == topics
    assert later.storage.notes == {"primary": "topic 1"}
    assert {report.state for report in await later.storage.verify()} == {RecordState.OK}


async def test_what_is_stored_while_the_key_is_rotated_is_there() -> None:
    page = await opened()
    other = await page.next_page()
    await page.storage.store_sessions([session(f"old {n}") for n in range(120)])
    await settle()
    await asyncio.gather(
        page.storage.rotate_key(),
        *(page.storage.store_session(session(f"here {n}")) for n in range(20)),
        *(other.storage.store_session(session(f"there {n}")) for n in range(20)),
        *(page.storage.remove_session(f"old {n}") for n in range(20)),
    )
    await settle()
    expected = {f"old {n}" for n in range(20, 120)} | {f"{x} {n}" for x in ("here", "there") for n in range(20)}
    for at in (page, other, await page.next_page()):
        await at.storage.reload()
        assert set(at.topics()) == expected
        assert at.quarantined() == 0


async def test_a_rotation_that_was_cut_short_is_completed_at_a_start() -> None:
    for operations in range(0, 40, 3):
        page = await opened()
        await page.storage.store_sessions([session("a"), session("b")])
        killed = await page.next_page()
        killed.disk.fail_after(operations)
        with contextlib.suppress(StorageError):
            await killed.storage.rotate_key()
        killed.cipher.end()
        later = await page.next_page()
        resuming = asyncio.ensure_future(later.storage.resume_rotation())
        await settle()
        assert sorted(later.topics()) == ["a", "b"]
        assert later.quarantined() == 0
        assert {decode_record(text).key_id for text in later.texts().values()} == {later.cipher.key_id}
        resuming.cancel()
        await settle()
        assert later.clock.sleeping == 0


async def test_a_key_of_ninety_days_is_rotated_at_a_start_and_a_younger_one_is_not() -> None:
    page = await opened()
    await page.storage.store_session(session("a", START + 2 * MAX_AGE))
    old = page.cipher.key_id
    await page.storage.resume_rotation()
    assert page.cipher.key_id == old
    page.clock.jump(MAX_AGE)
    await page.storage.resume_rotation()
    assert page.cipher.key_id != old
    assert [decode_record(text).key_id for text in page.texts().values()] == [page.cipher.key_id]
    assert page.seen() == page.texts()


async def test_a_rotation_needs_no_open_storage() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    page.storage.close()
    await page.storage.rotate_key()
    await page.storage.open()
    assert page.topics() == ["a"]


# The end of it all


async def test_forgetting_everything_leaves_nothing_to_any_page() -> None:
    sdk = FakeSdkStore()
    page = await opened(sdk=sdk)
    other = await page.next_page()
    sdk.write("wc@2:client:0.3//session", [])
    await page.storage.store_sessions([session("a"), session("b")])
    await page.storage.store_notes({"primary": "a"})
    await named(page, BACKUP, Purpose.BACKUP)
    page.disk.set("renvault_session_backup_1600000000000", "{}")
    await settle()
    assert sorted(other.topics()) == ["a", "b"]
    copied = dict(page.disk._entries)
    told: list[int] = []
    page.storage.subscribe(lambda: told.append(len(page.topics())))

    await page.storage.forget_everything()
    await settle()

    assert list(page.disk._entries) == [COMPLETED]
    assert (await sdk.entries()).values == {}
    assert told == [0]
    for at in (page, other):
        assert (at.topics(), at.storage.notes, at.quarantined()) == ([], {}, 0)
    assert page.storage.get_statistics().total_size == 0
    page.disk._entries.update(copied)  # as from a copy of the disk
    assert (await page.next_page()).topics() == []


async def test_forgetting_that_was_cut_short_leaves_nothing_in_view_and_is_completed_by_the_next_call() -> None:
    for operations in range(8):
        page = await opened()
        await page.storage.store_sessions([session("a"), session("b")])
        killed = await page.next_page()
        killed.disk.fail_after(operations)
        with contextlib.suppress(StorageError):
            await killed.storage.forget_everything()
        assert killed.topics() == []
        later = await page.next_page()
        assert later.topics() == []
        await later.storage.forget_everything()
        assert list(page.disk._entries) == [COMPLETED]
        assert later.quarantined() == 0


async def test_after_everything_was_forgotten_it_can_be_told_apart_from_damage() -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    [(key, text)] = page.texts().items()
    await page.storage.forget_everything()
    page.disk.set(key, text)
    later = await page.next_page()
    [report] = await later.storage.verify()
    assert report.state is RecordState.LOST_KEY
    assert claimed_purpose(text) == Purpose.SESSION


@pytest.mark.parametrize("call", ["verify", "rotate_key", "resume_rotation", "forget_everything"])
async def test_what_goes_over_everything_reports_a_store_that_fails(call: str) -> None:
    page = await opened()
    await page.storage.store_session(session("a"))
    page.clock.jump(MAX_AGE)
    page.disk.fail_after(0)
    with pytest.raises(StorageError):
        await getattr(page.storage, call)()
