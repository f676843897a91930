"""MIG-1 to MIG-5: the service over fakes, killed after every operation of the store."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from dataclasses import asdict
from typing import Any

import pytest
import storage_pages
from old_builds import (
    ADDRESS,
    DAY_MS,
    OTHER_ADDRESS,
    SECRETS,
    TEST_ADDRESS,
    WEEK_MS,
    blockstack,
    connection,
    plural,
    secure,
    session_backups,
    single,
    stacks_connect,
    stringify,
)

from renvault_web.backups import Backups
from renvault_web.errors import MigrationError, StorageError, StorageFullError, WalletError
from renvault_web.integration import WalletKitSessionIntegration
from renvault_web.legacy_keys import COMPLETED, ROLLED_BACK
from renvault_web.migration import SessionMigrationService
from renvault_web.migration_report import Backup, Compatibility, MigrationDetail, MigrationReport, MigrationStatus
from renvault_web.old_storage import OldStorage
from renvault_web.record import BACKUP_PREFIX, KEY_PREFIX, Purpose
from renvault_web.sealing import open_named
from renvault_web.session import SessionStatus, to_json
from renvault_web.stored import StorageConfig, stored_size
from renvault_web.testing import START, FakeCipher, FakeWallet, MemoryStorage

NOW_MS = int(START * 1000)
WEEK = 7 * 86_400.0
E1, E2, E3, STATE = (
    "renvault_wallet_session",
    "renvault_wallet_sessions",
    "wallet_connection_session",
    "connection_state",
)
SECURE = "renvault_secure_session"
THIRD, FOURTH, FIFTH = "SP000000000000000000002Q6VF78", "SP2C2YFP12AJZB4MABJBAJ55XECVS7E4PMMZ89YZR", "SM3ABC"

OURS = {
    E1: single(NOW_MS),
    E2: plural((OTHER_ADDRESS, {"timestamp": NOW_MS, "providerType": "hiro"}), (THIRD, {"timestamp": NOW_MS - 5})),
    E3: connection(NOW_MS, address=FOURTH),
    STATE: stringify({"ledger": {"address": FIFTH, "savedAt": NOW_MS}}),
    SECURE: secure(NOW_MS, {"address": TEST_ADDRESS, "providerType": "xverse"}),
}
"""One entry of each format of ours, six accounts in all."""

STAYING = {
    "blockstack-session": blockstack(),
    "renvault_session_backups": session_backups(),
    "renvault_secure_blob": secure(NOW_MS, {"note": SECRETS["secureBlob"]}),
    "renvault_recent_wallets": '["leather"]',
    "renvault-wallet-backup": SECRETS["walletBackup"],
    "renvault-recovered-mnemonic": SECRETS["mnemonic"],
    "host": "a host's own",
}


class Page(storage_pages.Page):
    """One page of the origin with its migration."""

    def __init__(self, disk: MemoryStorage | None = None, **options: Any) -> None:
        super().__init__(disk, **options)
        self.sessions = self.storage
        self.migration = SessionMigrationService(
            storage=self.disk, sessions=self.sessions, cipher=self.cipher, clock=self.clock
        )

    async def next(self) -> Page:
        return await opened(self.disk.another(), clock=self.clock)

    def entries(self) -> dict[str, str]:
        disk = self.disk.another()
        return {key: text for key in disk.keys() if (text := disk.get(key)) is not None}  # noqa: SIM118 - a port

    def taken(self) -> int:
        """What all of ours takes."""
        ours = (KEY_PREFIX, BACKUP_PREFIX)
        return sum(stored_size(key, text) for key, text in self.entries().items() if key.startswith(ours))

    def old(self) -> dict[str, str]:
        """What is there and not ours."""
        ours = (KEY_PREFIX, BACKUP_PREFIX)
        return {key: text for key, text in self.entries().items() if not key.startswith(ours) and key not in FLAGS}

    def still_old(self) -> set[str]:
        """The accounts that a run could still bring along."""
        entries = OldStorage(storage=self.disk, clock=self.clock).read()
        return {one.account for entry in entries for one in entry.accounts(self.clock.now())}

    def accounts(self) -> list[str]:
        return sorted(account for one in self.sessions.retrieve_all_sessions() for account in one.accounts)

    def backup_keys(self) -> list[str]:
        return [key for key in self.entries() if key.startswith(BACKUP_PREFIX)]


FLAGS = (COMPLETED, ROLLED_BACK)

STRIDE = 7 if sys.platform == "emscripten" else 1
"""Every how many steps a page is killed: each of them here; in the browser, where it takes longer, some."""

ALL_ACCOUNTS = sorted(
    [
        f"stacks:1:{ADDRESS}",
        f"stacks:1:{OTHER_ADDRESS}",
        f"stacks:1:{THIRD}",
        f"stacks:1:{FOURTH}",
        f"stacks:1:{FIFTH}",
        f"stacks:2147483648:{TEST_ADDRESS}",
    ]
)


def disk_with(entries: dict[str, str], *, capacity: int | None = None) -> MemoryStorage:
    disk = MemoryStorage(capacity=capacity)
    for key, text in entries.items():
        disk.set(key, text)
    return disk


async def opened(disk: MemoryStorage, **options: object) -> Page:
    page = Page(disk, **options)
    await page.sessions.open()
    return page


async def page_with(entries: dict[str, str], **options: object) -> Page:
    return await opened(disk_with(entries), **options)


# What it comes to


async def test_every_format_of_ours_becomes_known_accounts_and_its_old_entry_goes() -> None:
    page = await page_with(OURS)
    report = await page.migration.migrate_from_old_storage()
    assert (report.success, report.migrated_count, report.failed_count, report.timestamp) == (True, 6, 0, START)
    assert [detail.old_session_id for detail in report.details] == [
        f"session_{NOW_MS}_{'0f' * 16}",
        f"{E2} #1",
        f"{E2} #2",
        E3,
        f"{STATE} #1",
        SECURE,
    ]
    assert all(detail.error is None and page.sessions.has_session(str(detail.new_topic)) for detail in report.details)
    assert page.accounts() == ALL_ACCOUNTS
    assert page.old() == {}
    assert page.migration.get_migration_status() == MigrationStatus(has_migrated=True, timestamp=START)
    assert not page.migration.has_old_sessions()


async def test_what_is_not_ours_or_no_session_stays_as_it_is() -> None:
    page = await page_with(OURS | STAYING)
    report = await page.migration.migrate_from_old_storage()
    assert report.success
    assert page.old() == STAYING
    assert page.accounts() == ALL_ACCOUNTS, "the library's account is one of ours already"


async def test_another_library_s_account_is_brought_along_and_left_in_place() -> None:
    foreign = {"@stacks/connect": stacks_connect(ADDRESS), "STX_PROVIDER": "LeatherProvider"}
    page = await page_with(foreign)
    report = await page.migration.run_startup_migration()
    assert report is not None
    [detail] = report.details
    assert detail.old_session_id == "@stacks/connect"
    [session] = page.sessions.retrieve_all_sessions()
    assert (session.wallet_name, session.accounts) == ("Leather", (f"stacks:1:{ADDRESS}",))
    assert page.old() == foreign
    assert await page.migration.run_startup_migration() is None
    assert await page.migration.roll_back() == 0
    assert page.accounts() == []


async def test_several_old_sessions_of_one_account_become_one() -> None:
    page = await page_with({E1: single(NOW_MS), E3: connection(NOW_MS, address=ADDRESS)})
    report = await page.migration.migrate_from_old_storage()
    assert report.migrated_count == 2
    assert len({detail.new_topic for detail in report.details}) == 1
    [session] = page.sessions.retrieve_all_sessions()
    assert session.wallet_name == "Leather", "the richest format is read first"
    assert page.old() == {}


async def test_what_is_corrupt_or_expired_is_reported_one_by_one_and_left_in_place() -> None:
    entries = {
        E1: single(NOW_MS).replace("data", "dat"),
        E2: plural((OTHER_ADDRESS, {"timestamp": NOW_MS - WEEK_MS}), (THIRD, {"timestamp": NOW_MS})),
        E3: connection(NOW_MS - DAY_MS),
    }
    page = await page_with(entries)
    report = await page.migration.migrate_from_old_storage()
    assert [(detail.old_session_id, detail.error) for detail in report.details] == [
        (E1, "It has no data or no checksum."),
        (f"{E2} #1", "The old session had expired. It stays where it is."),
        (E3, "The old session had expired. It stays where it is."),
        (f"{E2} #2", None),
    ]
    assert (report.success, report.migrated_count, report.failed_count) == (False, 1, 3)
    assert page.old() == entries, "an entry that also holds what cannot be brought along stays whole"
    assert page.accounts() == [f"stacks:1:{THIRD}"]
    assert page.migration.get_migration_status().has_migrated
    assert page.migration.has_old_sessions()
    again = await page.migration.migrate_from_old_storage()
    assert again.details == report.details
    assert page.accounts() == [f"stacks:1:{THIRD}"]
    assert len(page.backup_keys()) == 1


async def test_nothing_old_is_a_success_that_writes_the_flag_alone() -> None:
    page = await page_with({})
    assert await page.migration.migrate_from_old_storage() == MigrationReport(
        success=True, migrated_count=0, failed_count=0, timestamp=START
    )
    assert list(page.entries()) == [COMPLETED]


# A known account


async def test_a_known_account_needs_reconnect_and_does_not_leave_by_expiry() -> None:
    page = await page_with({E1: single(NOW_MS)})
    await page.migration.migrate_from_old_storage()
    [session] = page.sessions.retrieve_all_sessions()
    integration = WalletKitSessionIntegration(clock=page.clock, storage=page.sessions)
    expired: list[object] = []
    integration.on("session_expired", expired.append)
    integration.start()
    assert integration.session_status(session.topic) is SessionStatus.NEEDS_RECONNECT
    await integration.initialize(FakeWallet(page.clock))
    await page.clock.advance(WEEK + 60)
    assert integration.session_status(session.topic) is SessionStatus.NEEDS_RECONNECT
    assert not integration.is_session_expired(session)
    assert integration.get_active_sessions() == []
    for call in (integration.extend_session, integration.ping_session):
        with pytest.raises(WalletError, match="Connect the wallet again") as error:
            await call(session.topic)
        assert error.value.code == "gone"
    await integration.destroy()
    assert expired == []
    later = await page.next()
    assert later.accounts() == [f"stacks:1:{ADDRESS}"]


async def test_a_known_account_is_removed_when_the_user_says_so() -> None:
    page = await page_with({E1: single(NOW_MS)})
    await page.migration.migrate_from_old_storage()
    [session] = page.sessions.retrieve_all_sessions()
    integration = WalletKitSessionIntegration(clock=page.clock, storage=page.sessions)
    await integration.initialize(FakeWallet(page.clock))
    await integration.disconnect_session(session.topic)
    await integration.destroy()
    later = await page.next()
    assert later.accounts() == []
    assert await later.migration.run_startup_migration() is None


# Killed anywhere


HALVES = [(E1, E2), (E3, STATE, SECURE)]


@pytest.mark.parametrize("keys", HALVES, ids=["first", "second"])
async def test_killed_at_any_step_the_next_start_completes_it_and_nothing_is_lost_or_doubled(
    keys: tuple[str, ...],
) -> None:
    ours = {key: OURS[key] for key in keys}
    steps = 0
    while True:
        disk = disk_with(ours | STAYING)
        page = await opened(disk)
        expected = page.still_old()
        disk.fail_after(steps)
        report = await page.migration.run_startup_migration()
        after = await page.next()
        assert all(after.old().get(key, text) == text for key, text in ours.items())
        assert after.still_old() | set(after.accounts()) == expected, f"lost after {steps} steps"
        assert after.migration.get_migration_status().has_migrated or not (report and report.success)
        await after.migration.run_startup_migration()
        assert after.accounts() == sorted(expected)
        assert after.old() == STAYING
        assert after.migration.get_migration_status().has_migrated
        assert await after.migration.roll_back() == len(ours), f"no way back after {steps} steps"
        assert after.old() == ours | STAYING
        assert len(after.backup_keys()) == 1
        if report is not None and report.success:
            break
        steps += STRIDE
    assert steps > 30, "the run has more steps than that, or this test looked at nothing"


async def test_rolling_back_killed_at_any_step_goes_on_when_called_again() -> None:
    steps = 0
    while True:
        disk = disk_with(OURS | STAYING)
        page = await opened(disk)
        await page.migration.migrate_from_old_storage()
        disk.fail_after(steps)
        try:
            done = await page.migration.roll_back() == len(OURS)
        except StorageError:
            done = False
        after = await page.next()
        assert after.still_old() | set(after.accounts()) >= set(ALL_ACCOUNTS), f"lost after {steps} steps"
        assert await after.migration.run_startup_migration() is None
        await after.migration.roll_back()
        assert after.old() == OURS | STAYING
        assert after.accounts() == []
        assert not after.migration.get_migration_status().has_migrated
        if done:
            break
        steps += STRIDE
    assert steps > 20


async def test_two_pages_at_once_make_one_of_each() -> None:
    for turns in range(12):
        disk = disk_with(OURS)
        one, other = await opened(disk), await opened(disk.another())
        first = asyncio.ensure_future(one.migration.run_startup_migration())
        for _ in range(turns):
            await asyncio.sleep(0)
        second = await other.migration.run_startup_migration()
        await first
        assert second is None or second.success
        after = await one.next()
        assert after.accounts() == ALL_ACCOUNTS
        assert after.old() == {}
        assert await after.migration.roll_back() == len(OURS)
        assert after.old() == OURS


class Meddled(MemoryStorage):
    """An older build in another tab meddles with the old session as soon as it has been backed up."""

    becomes: str | None = None
    meddled = False

    def set(self, key: str, value: str) -> None:
        super().set(key, value)
        if key.startswith(BACKUP_PREFIX) and not self.meddled:
            self.meddled = True
            if self.becomes is None:
                self.remove(E1)
            else:
                super().set(E1, self.becomes)


async def test_an_older_build_that_deletes_the_session_meanwhile_loses_nothing() -> None:
    disk = Meddled()
    disk.set(E1, single(NOW_MS))
    page = await opened(disk)
    assert (await page.migration.migrate_from_old_storage()).success
    assert page.accounts() == [f"stacks:1:{ADDRESS}"]
    assert await page.migration.roll_back() == 1
    assert page.old() == {E1: single(NOW_MS)}


async def test_what_an_older_build_writes_meanwhile_is_left_and_brought_along_by_the_next_start() -> None:
    disk = Meddled()
    disk.set(E1, single(NOW_MS))
    disk.becomes = single(NOW_MS, address=OTHER_ADDRESS)
    page = await opened(disk)
    report = await page.migration.migrate_from_old_storage()
    assert [detail.error for detail in report.details] == [
        "An older build changed it meanwhile. The next start looks at it again."
    ]
    assert not report.success
    assert page.old() == {E1: disk.becomes}
    assert not page.migration.get_migration_status().has_migrated
    later = await page.next()
    later.clock.jump(1)
    assert await later.migration.run_startup_migration() is not None
    assert later.accounts() == sorted([f"stacks:1:{ADDRESS}", f"stacks:1:{OTHER_ADDRESS}"])
    assert later.old() == {}


# What stands in the way


async def test_in_memory_alone_nothing_is_touched() -> None:
    for storage_lasts, key_lasts in ((False, True), (True, False)):
        disk = MemoryStorage(persistent=storage_lasts)
        disk.set(E1, single(NOW_MS))
        page = await opened(disk, cipher=FakeCipher(persistent=key_lasts))
        report = await page.migration.run_startup_migration()
        assert report is not None
        assert (report.success, report.failed_count) == (False, 1)
        assert report.details[0].error is not None
        assert "no lasting" in report.details[0].error
        assert page.entries() == {E1: single(NOW_MS)}
        assert not page.migration.validate_migration_compatibility().compatible


async def test_with_the_session_storage_closed_nothing_is_touched() -> None:
    page = Page(disk_with({E1: single(NOW_MS)}))
    report = await page.migration.run_startup_migration()
    assert report is not None
    assert report.details[0].error == "The session storage is not open. Old sessions stay as they are."
    assert page.entries() == {E1: single(NOW_MS)}
    assert page.migration.generate_migration_summary().new_sessions_count == 0


async def test_a_full_browser_has_nothing_removed() -> None:
    size = sum(2 * len(key + text) for key, text in OURS.items())
    came_to = set()
    for spare in range(0, 8001, 250):
        page = await opened(disk_with(OURS, capacity=size + spare))
        report = await page.migration.run_startup_migration()
        assert report is not None
        assert page.still_old() | set(page.accounts()) >= set(ALL_ACCOUNTS)
        assert all(detail.error is None or "room" in detail.error for detail in report.details)
        assert report.success == page.migration.get_migration_status().has_migrated
        if not page.backup_keys():
            assert page.entries() == OURS
        came_to.add((bool(page.backup_keys()), report.migrated_count))
    assert {(False, 0), (True, 0), (True, 6)} <= came_to, "it must have failed at the backup, after it, and not at all"


async def test_our_own_limit_is_told_beforehand_and_holds() -> None:
    page = await page_with({E1: single(NOW_MS)}, config=StorageConfig(max_storage_size=5000))
    issue = "There is no room for a backup and the new records. Disconnect sessions you no longer need."
    assert page.migration.validate_migration_compatibility() == Compatibility(compatible=False, issues=(issue,))
    assert issue in page.migration.generate_migration_summary().recommendations
    dry = await page.migration.dry_run()
    report = await page.migration.migrate_from_old_storage()
    assert dry.details == report.details == (MigrationDetail(f"session_{NOW_MS}_{'0f' * 16}", None, issue),)
    assert page.entries() == {E1: single(NOW_MS)}


class Broken(FakeCipher):
    """A cipher that fails as told."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def seal(self, jobs: object, *, key_id: bytes) -> list[bytes]:
        raise self.error


async def test_a_start_goes_on_whatever_fails() -> None:
    for error in (StorageError("The key is gone."), RuntimeError("oops")):
        page = await page_with({E1: single(NOW_MS)}, cipher=Broken(error))
        report = await page.migration.run_startup_migration()
        assert report is not None
        assert report.details[-1].error == str(error)
        assert page.entries() == {E1: single(NOW_MS)}


class Silent(FakeCipher):
    """A cipher that does not answer."""

    async def seal(self, jobs: object, *, key_id: bytes) -> list[bytes]:
        await asyncio.get_running_loop().create_future()
        return []


async def test_a_browser_that_does_not_answer_has_a_limit() -> None:
    page = await page_with({E1: single(NOW_MS)}, cipher=Silent())
    running = asyncio.ensure_future(page.migration.run_startup_migration())
    await page.clock.advance(11)
    report = await running
    assert report is not None
    assert report.failed_count == 1
    assert page.entries() == {E1: single(NOW_MS)}
    waiting = asyncio.ensure_future(page.migration.backup_old_session())
    behind = asyncio.ensure_future(page.migration.cleanup_old_backups())
    await page.clock.advance(61)
    with pytest.raises(StorageError):
        await waiting
    assert await behind == 0


class Lossy(MemoryStorage):
    """Takes new records and keeps nothing of them once they have been read back for the first time."""

    def get(self, key: str) -> str | None:
        text = super().get(key)
        if key.startswith(KEY_PREFIX) and text is not None:
            self.remove(key)
        return text


async def test_an_old_entry_stays_where_its_new_record_does_not_read_back() -> None:
    disk = Lossy()
    disk.set(E1, single(NOW_MS))
    page = await opened(disk)
    report = await page.migration.migrate_from_old_storage()
    assert [detail.error for detail in report.details] == [
        "The new record of an old session did not read back. The old one stays."
    ]
    assert page.old() == {E1: single(NOW_MS)}


class Stubborn(MemoryStorage):
    """Does not remove what is old."""

    def remove(self, key: str) -> None:
        if key != E1:
            super().remove(key)


async def test_an_old_entry_that_cannot_be_removed_is_told() -> None:
    disk = Stubborn()
    disk.set(E1, single(NOW_MS))
    page = await opened(disk)
    report = await page.migration.migrate_from_old_storage()
    assert "still there" in str(report.details[0].error)
    assert not page.migration.get_migration_status().has_migrated


async def test_it_works_without_encryption_too_and_backups_are_sealed_all_the_same() -> None:
    page = await page_with({E1: single(NOW_MS)}, config=StorageConfig(encryption_enabled=False))
    assert (await page.migration.migrate_from_old_storage()).success
    [key] = page.backup_keys()
    [content] = (await open_named(page.cipher, {key: page.entries()[key]}, Purpose.BACKUP)).values()
    assert isinstance(content, dict)
    assert page.old() == {}


# Looking without touching


class Noting(MemoryStorage):
    """Notes what is written and removed."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def set(self, key: str, value: str) -> None:
        self.writes.append(key)
        super().set(key, value)

    def remove(self, key: str) -> None:
        self.writes.append(key)
        super().remove(key)


async def test_a_dry_run_says_what_a_run_then_does_and_writes_nothing() -> None:
    entries = OURS | STAYING | {E3: "damaged"}
    disk = Noting()
    for key, text in entries.items():
        disk.set(key, text)
    page = await opened(disk)
    disk.writes.clear()
    page.cipher.calls.clear()
    dry = await page.migration.dry_run()
    assert (disk.writes, page.cipher.calls) == ([], [])
    assert page.entries() == entries
    report = await page.migration.migrate_from_old_storage()
    assert set(dry.details) == set(report.details)
    assert (dry.success, dry.migrated_count, dry.failed_count) == (False, 6, 1)


async def test_the_old_session_is_what_a_migration_makes_of_it() -> None:
    page = await page_with({E1: single(NOW_MS - 2 * WEEK_MS)})
    session = page.migration.old_session()
    assert session is not None
    assert session.accounts == (f"stacks:1:{ADDRESS}",)
    assert (await page_with({})).migration.old_session() is None
    assert (await page_with({E1: "damaged"})).migration.old_session() is None


async def test_formats_that_cannot_be_read_are_issues() -> None:
    both = await page_with({E1: "damaged", E3: connection(NOW_MS)})
    assert both.migration.validate_migration_compatibility() == Compatibility(
        compatible=True, issues=(f"{E1}: It is not JSON.",)
    )
    one = await page_with({E1: "damaged"})
    assert one.migration.validate_migration_compatibility() == Compatibility(
        compatible=False, issues=(f"{E1}: It is not JSON.",)
    )
    expired = await page_with({E3: connection(NOW_MS - DAY_MS)})
    assert expired.migration.validate_migration_compatibility() == Compatibility(compatible=True)


async def test_the_summary_counts_and_advises() -> None:
    preferences = {"renvault_wallet_preferences": '{"autoConnect":false}'}
    page = await page_with(OURS | STAYING | preferences | {E3: "damaged"})
    before = page.migration.generate_migration_summary()
    assert (before.old_sessions_found, before.new_sessions_count, before.migration_status) == (6, 0, "pending")
    assert [line.split(".")[0] for line in before.recommendations] == [
        "An old build left a recovery phrase in plain text under renvault-recovered-mnemonic",
        "There are old sessions",
        "Old sessions have expired or cannot be read",
        "Your old settings say not to connect without being asked",
    ]
    assert page.migration.auto_connect is False
    await page.migration.migrate_from_old_storage()
    after = page.migration.generate_migration_summary()
    assert (after.old_sessions_found, after.new_sessions_count, after.migration_status) == (0, 5, "completed")
    await page.migration.roll_back()
    rolled_back = page.migration.generate_migration_summary()
    assert rolled_back.migration_status == "pending"
    assert any("rolled back" in line for line in rolled_back.recommendations)


async def test_old_entries_are_listed() -> None:
    page = await page_with(OURS | STAYING)
    assert [entry.key for entry in page.migration.old_entries() if entry.sessions] == [*OURS, "blockstack-session"]


# The flag


async def test_marked_completed_a_start_leaves_old_sessions_alone_until_it_is_reset() -> None:
    page = await page_with({E1: single(NOW_MS)})
    told: list[None] = []
    end = page.migration.subscribe(lambda: told.append(None))
    page.migration.mark_migration_completed()
    assert await page.migration.run_startup_migration() is None
    assert page.migration.has_old_sessions()
    page.migration.reset_migration_status()
    assert len(told) == 2
    assert await page.migration.run_startup_migration() is not None
    assert len(told) == 3
    end()
    page.migration.reset_migration_status()
    assert len(told) == 3


async def test_without_old_sessions_a_start_writes_nothing() -> None:
    page = await page_with({"host": "x"})
    assert await page.migration.run_startup_migration() is None
    assert page.entries() == {"host": "x"}


# Backups and the way back


async def test_the_way_back_restores_every_unit_and_no_start_undoes_it() -> None:
    page = await page_with(OURS | STAYING)
    await page.migration.migrate_from_old_storage()
    assert await page.migration.roll_back() == len(OURS)
    assert page.old() == OURS | STAYING
    assert page.accounts() == []
    assert not page.migration.get_migration_status().has_migrated
    later = await page.next()
    assert await later.migration.run_startup_migration() is None
    assert await later.migration.roll_back() == 0, "it has been rolled back already"
    assert (await later.migration.migrate_from_old_storage()).success
    assert later.accounts() == ALL_ACCOUNTS
    assert len(later.backup_keys()) == 1
    assert ROLLED_BACK not in later.entries()


async def test_sessions_that_were_there_before_stay_when_a_migration_is_rolled_back() -> None:
    page = await page_with({E1: single(NOW_MS)})
    await page.migration.migrate_from_old_storage()
    page.disk.set(E3, connection(NOW_MS, address=ADDRESS))
    page.disk.set(STATE, stringify({"ledger": {"address": THIRD}}))
    page.migration.reset_migration_status()
    page.clock.jump(1)
    await page.migration.migrate_from_old_storage()
    assert await page.migration.roll_back() == 2
    assert page.accounts() == [f"stacks:1:{ADDRESS}"], "the first migration's stays"


async def test_the_way_back_of_another_library_s_account_takes_nothing_else_along() -> None:
    page = await page_with({E1: single(NOW_MS)})
    await page.migration.migrate_from_old_storage()
    page.disk.set("@stacks/connect", stacks_connect(OTHER_ADDRESS))
    page.migration.reset_migration_status()
    page.clock.jump(1)
    await page.migration.migrate_from_old_storage()
    assert await page.migration.roll_back() == 0
    assert page.accounts() == [f"stacks:1:{ADDRESS}"]


async def test_what_an_older_build_wrote_since_is_kept_in_a_backup_before_the_way_back() -> None:
    page = await page_with({E1: single(NOW_MS)})
    await page.migration.migrate_from_old_storage()
    newer = single(NOW_MS, address=OTHER_ADDRESS)
    page.disk.set(E1, newer)
    assert await page.migration.roll_back() == 1
    assert page.old() == {E1: single(NOW_MS)}
    newest = page.migration.list_backups()[0]
    assert (await page.migration.restore_from_backup(newest.key)).accounts == (f"stacks:1:{OTHER_ADDRESS}",)


async def test_there_may_be_nothing_to_go_back_to() -> None:
    page = await page_with({f"renvault_session_backup_{NOW_MS}": "{}"})
    assert await page.migration.roll_back() == 0
    for name in (f"rvb1.{NOW_MS}", "rvb1.0000000000000"):
        page.disk.set(name, "damaged")
        with pytest.raises(MigrationError, match="No backup of a migration can be read"):
            await page.migration.roll_back()
        page.disk.remove(name)


class Fading(MemoryStorage):
    """Keeps less than it was given of an old entry that is written."""

    fades = False

    def set(self, key: str, value: str) -> None:
        super().set(key, value[:-1] if self.fades and key == E1 else value)


async def test_the_new_records_stay_where_the_old_bytes_do_not_read_back() -> None:
    disk = Fading()
    disk.set(E1, single(NOW_MS))
    page = await opened(disk)
    await page.migration.migrate_from_old_storage()
    disk.fades = True
    with pytest.raises(StorageError, match="The new records stay"):
        await page.migration.roll_back()
    assert page.accounts() == [f"stacks:1:{ADDRESS}"]


async def test_a_backup_on_request_holds_what_is_there_and_gives_the_session() -> None:
    page = await page_with({E1: single(NOW_MS), E3: "damaged", **STAYING})
    before = page.entries()
    key = await page.migration.backup_old_session()
    assert key == f"rvb1.{NOW_MS}"
    assert await page.migration.backup_old_session(f"rvb1.{NOW_MS + 5}") == f"rvb1.{NOW_MS + 5}"
    assert page.migration.list_backups() == (Backup(f"rvb1.{NOW_MS + 5}", START + 0.005), Backup(key, START))
    assert await page.migration.newest_migration_backup() is None
    session = await page.migration.restore_from_backup(key)
    assert session == page.migration.old_session()
    assert {name: text for name, text in page.entries().items() if not name.startswith("rvb1.")} == before
    [content] = (await Backups(storage=page.disk, cipher=page.cipher, clock=page.clock).opened([key])).values()
    assert set(getattr(content, "entries", {})) == {E1, E3}
    assert await (await page_with(STAYING)).migration.backup_old_session() is None


async def test_no_backup_goes_beyond_the_limit_and_the_figures_follow_at_once() -> None:
    page = await page_with({E1: single(NOW_MS)}, config=StorageConfig(max_storage_size=3_000))
    for _ in range(2):
        await page.migration.backup_old_session()
        assert page.sessions.get_statistics().total_size == page.taken()
    with pytest.raises(StorageFullError, match="no room for a backup"):
        await page.migration.backup_old_session()
    assert len(page.migration.list_backups()) == 2
    assert page.sessions.get_statistics().total_size == page.taken() > 2_000
    assert await page.migration.cleanup_old_backups(1) == 1
    assert page.sessions.get_statistics().total_size == page.taken() < 2_000


async def test_what_a_roll_back_keeps_does_not_go_beyond_the_limit() -> None:
    page = await page_with({E1: single(NOW_MS)})
    await page.migration.migrate_from_old_storage()
    page.disk.set(E1, single(NOW_MS + 5))
    await page.sessions.update_config(max_storage_size=page.taken() + 100)
    before = page.entries()
    with pytest.raises(StorageFullError, match="no room for a backup"):
        await page.migration.roll_back()
    assert {key: text for key, text in page.entries().items() if key not in FLAGS} == {
        key: text for key, text in before.items() if key not in FLAGS
    }


async def test_a_migration_s_backup_is_told_apart_and_survives_cleaning_up() -> None:
    page = await page_with({E1: single(NOW_MS)})
    await page.migration.migrate_from_old_storage()
    made = await page.migration.newest_migration_backup()
    page.disk.set(E1, single(NOW_MS))
    for _ in range(4):
        await page.migration.backup_old_session()
    assert await page.migration.cleanup_old_backups() == 2
    assert len(page.migration.list_backups()) == 3
    assert await page.migration.newest_migration_backup() == made


async def test_backups_of_the_guide_s_are_restored_too_and_nothing_is_written() -> None:
    key = f"renvault_session_backup_{NOW_MS}"
    new_shape = {"topic": "t" * 64, "expiry": NOW_MS, "accounts": []}
    entries = {
        key: stringify({"timestamp": NOW_MS, "session": json.loads(single(NOW_MS))}),
        f"{key}1": stringify({"timestamp": NOW_MS, "session": new_shape}),
    }
    page = await page_with(entries)
    assert (await page.migration.restore_from_backup(key)).accounts == (f"stacks:1:{ADDRESS}",)
    assert (await page.migration.restore_from_backup(f"{key}1")).topic == "t" * 64
    assert page.entries() == entries


@pytest.mark.parametrize("key", ["rvb1.0000000000000", "rv1.x", E1, "renvault_session_backup_2"])
async def test_what_is_no_backup_that_can_be_read_is_an_error(key: str) -> None:
    page = await page_with({E1: single(NOW_MS), "renvault_session_backup_2": "{}", "rv1.x": "x"})
    with pytest.raises(MigrationError):
        await page.migration.restore_from_backup(key)


async def test_a_backup_that_is_damaged_or_empty_of_sessions_is_an_error() -> None:
    page = await page_with({E1: "damaged", "rvb1.0000000000001": "x"})
    key = await page.migration.backup_old_session()
    assert key is not None
    for one, reason in ((key, "no session that can be read"), ("rvb1.0000000000001", "cannot be read")):
        with pytest.raises(MigrationError, match=reason):
            await page.migration.restore_from_backup(one)


class Vanishing(MemoryStorage):
    """A backup that another page deletes between two looks."""

    def get(self, key: str) -> str | None:
        text = super().get(key)
        if key.startswith(BACKUP_PREFIX):
            self.remove(key)
        return text


async def test_a_backup_that_vanishes_meanwhile_is_an_error() -> None:
    disk = Vanishing()
    page = await opened(disk)
    disk.set("rvb1.0000000000001", "x")
    with pytest.raises(MigrationError, match="removed meanwhile"):
        await page.migration.restore_from_backup("rvb1.0000000000001")


# Secrets


class Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record))


async def everything_said(page: Page) -> list[str]:
    """All that the service ever gives away, and all that our records hold once opened."""
    migration = page.migration
    report = await migration.run_startup_migration()
    assert report is not None
    values: list[Any] = [
        await migration.dry_run(),
        report,
        migration.generate_migration_summary(),
        migration.validate_migration_compatibility(),
        *migration.old_entries(),
        *migration.list_backups(),
    ]
    backups = Backups(storage=page.disk, cipher=page.cipher, clock=page.clock)
    return [
        *(json.dumps(asdict(value)) for value in values),
        *(json.dumps(to_json(session)) for session in page.sessions.retrieve_all_sessions()),
        *(repr(content) for content in (await backups.opened(page.backup_keys())).values()),
    ]


async def test_no_secret_leaves_its_place() -> None:
    log = Log()
    logger = logging.getLogger("renvault_web")
    logger.addHandler(log)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        encrypted = secure(NOW_MS, "e3NlY3JldA==" + SECRETS["secureBlob"])
        extra = {
            "@stacks/connect": stacks_connect(OTHER_ADDRESS),
            "renvault_secure_damaged": "{" + SECRETS["secureBlob"],
            "renvault_secure_encrypted": encrypted,
            "blockstack-session": blockstack(mainnet="SP1" + SECRETS["appPrivateKey"]),
        }
        page = await page_with({E1: single(NOW_MS), **STAYING, **extra})
        page.disk.set(SECURE, secure(NOW_MS, {"address": THIRD, "appPrivateKey": "x"}))
        said = await everything_said(page)
    finally:
        logger.setLevel(level)
        logger.removeHandler(log)
    assert len(said) > 12
    assert log.lines, "there must be log lines, or this test looks at nothing"
    for line in [*said, *log.lines]:
        assert [secret for secret in SECRETS.values() if secret in line] == []
    for line in log.lines:
        assert ADDRESS not in line
        assert OTHER_ADDRESS not in line
