"""renvault_web.late_gateway: what a page asks of the late services, and what it then sees of them."""

from __future__ import annotations

import asyncio
import json
import logging
from base64 import b64encode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from old_builds import ADDRESS, OTHER_ADDRESS, single

from renvault_web.errors import StorageError
from renvault_web.late_gateway import AT_ONCE, MOST_ENTRIES, LateGateway
from renvault_web.late_wire import fingerprint
from renvault_web.legacy_keys import COMPLETED, OLD_BACKUP_PREFIX, SESSION
from renvault_web.manager import SessionManager
from renvault_web.testing import (
    START,
    FakeCipher,
    FakeNetwork,
    FakePassphraseFile,
    FakeSdkStore,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

TOPIC = "a" * 64
NOW_MS = round(START * 1000)
KEY = f"rvb1.{NOW_MS}"
EXPORT = json.dumps({"version": "1.0.0", "sessions": [fake_session(TOPIC, START + 60)]})


class SlowCipher(FakeCipher):
    """A cipher that takes its time, as the browser's does: others run meanwhile."""

    silent: ManualClock | None = None  # while it is set, no answer comes

    async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
        await asyncio.sleep(0)
        return await super().seal(jobs, key_id=key_id)

    async def open(self, jobs: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes | None]:
        if self.silent:
            await self.silent.sleep(10_000)
        return await super().open(jobs)


class Page:
    """The late services of one page, and what they publish."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.memory = MemoryStorage()
        self.cipher = SlowCipher(clock=self.clock)
        self.manager = SessionManager(
            clock=self.clock,
            storage=self.memory,
            cipher=self.cipher,
            network=FakeNetwork(),
            sdk=FakeSdkStore(),
            files=FakePassphraseFile(),
        )
        self.changes = 0
        self.gateway = LateGateway(manager=self.manager, changed=self._count)

    async def run(self, method: str, *args: object) -> Any:
        return json.loads(json.dumps(await self.gateway.commands[method](*args)))

    async def run_for(self, method: str, seconds: float) -> Any:
        """Run it while the clock goes on; None where it fails."""
        asked = asyncio.ensure_future(self.run(method))
        await self.clock.advance(seconds)
        assert asked.done()
        return None if asked.exception() else asked.result()

    def section(self, name: str) -> Any:
        return json.loads(self.gateway.sections()[name])

    def _count(self) -> None:
        self.changes += 1


@asynccontextmanager
async def page(*, old: bool = False) -> AsyncIterator[Page]:
    here = Page()
    if old:
        here.memory.set(SESSION, single(NOW_MS))
    await here.manager.start()
    await here.gateway.refresh()
    yield here
    here.gateway.close()
    await here.manager.destroy()
    await settle()
    assert here.clock.sleeping == 0


async def test_where_there_is_nothing_old_the_section_says_so() -> None:
    async with page() as here:
        assert here.section("migration") == {
            "hasOld": False,
            "seen": {},
            "compatibility": {"compatible": True, "issues": []},
            "status": {"hasMigrated": False},
            "summary": {
                "oldSessionsFound": 0,
                "newSessionsCount": 0,
                "migrationStatus": "pending",
                "recommendations": [],
            },
            "backups": [],
            "keptBackup": None,
            "oldEntries": [],
            "oldSession": None,
        }


async def test_an_old_session_is_seen_with_what_it_becomes() -> None:
    async with page(old=True) as here:
        told = here.section("migration")
        assert (told["hasOld"], told["summary"]["oldSessionsFound"]) == (True, 1)
        assert told["seen"] == {SESSION: fingerprint(single(NOW_MS))}
        assert told["oldSession"]["accounts"] == [f"stacks:1:{ADDRESS}"]
        assert told["oldSession"]["status"] == "needs_reconnect"


async def test_a_backup_taken_under_the_page_s_own_key_is_there_with_its_session_before_the_answer() -> None:
    async with page(old=True) as here:
        assert await here.run("migration.backupOldSession", KEY) == KEY
        [backup] = here.section("migration")["backups"]
        assert (backup["key"], backup["timestamp"]) == (KEY, NOW_MS)
        assert backup["session"] == here.section("migration")["oldSession"]
        assert here.section("migration")["keptBackup"] is None, "a user's backup may be cleaned up"


async def test_everything_old_is_listed_by_name_and_never_with_its_value() -> None:
    async with page(old=True) as here:
        here.memory.set("renvault-recovered-mnemonic", "canary")
        here.memory.set("renvault-wallet-backup", "canary")
        await here.gateway.refresh()
        old = here.section("migration")["oldEntries"]
        assert {entry["key"]: (entry["sessions"], entry["stays"]) for entry in old} == {
            SESSION: (1, False),
            "renvault-recovered-mnemonic": (0, True),
            "renvault-wallet-backup": (0, True),
        }
        assert "canary" not in json.dumps(old)
        await here.run("migration.migrateFromOldStorage")
        assert SESSION not in [entry["key"] for entry in here.section("migration")["oldEntries"]]


async def test_what_is_asked_of_the_migration_is_done_in_that_order() -> None:
    async with page(old=True) as here:
        keys = [f"rvb1.{NOW_MS + number}" for number in range(4)]
        asked = [here.run("migration.backupOldSession", key) for key in keys]
        results = await asyncio.gather(*asked, here.run("migration.cleanupOldBackups", 3))
        assert results == [*keys, 1]
        assert [backup["key"] for backup in here.section("migration")["backups"]] == keys[:0:-1]


async def test_a_flag_reset_after_a_migration_was_asked_for_is_reset_after_it() -> None:
    async with page(old=True) as here:
        await asyncio.gather(here.run("migration.migrateFromOldStorage"), here.run("migration.resetMigrationStatus"))
        assert here.section("migration")["status"] == {"hasMigrated": False}


async def test_a_migration_reports_and_its_backup_is_kept() -> None:
    async with page(old=True) as here:
        dry = await here.run("migration.dryRun")
        assert (dry["success"], dry["migratedCount"]) == (True, 1)
        assert here.section("migration")["hasOld"] is True
        report = await here.run("migration.migrateFromOldStorage")
        assert report == {**dry, "timestamp": report["timestamp"]}
        told = here.section("migration")
        assert (told["hasOld"], told["status"]["hasMigrated"]) == (False, True)
        assert told["keptBackup"] == told["backups"][0]["key"]
        assert await here.run("migration.runStartupMigration") is None
        assert await here.run("migration.rollBack") == 1
        assert here.section("migration")["hasOld"] is True


async def test_the_flag_is_set_and_reset() -> None:
    async with page() as here:
        await here.run("migration.markMigrationCompleted")
        assert here.section("migration")["status"] == {"hasMigrated": True, "timestamp": NOW_MS}
        assert here.section("migration")["summary"]["migrationStatus"] == "completed"
        await here.run("migration.resetMigrationStatus")
        assert here.section("migration")["status"] == {"hasMigrated": False}


async def test_a_backup_without_a_session_is_listed_without_one() -> None:
    async with page() as here:
        here.memory.set(f"{OLD_BACKUP_PREFIX}5", "nonsense")
        await here.gateway.refresh()
        assert here.section("migration")["backups"] == [
            {"key": f"{OLD_BACKUP_PREFIX}5", "timestamp": 5, "session": None, "seen": fingerprint("nonsense")}
        ]


def guide_s_backup(address: str) -> str:
    """A backup as the guide's own code wrote it."""
    session = {"providerType": "leather", "address": address, "publicKey": "02", "expiresAt": NOW_MS + 86_400_000}
    return json.dumps({"timestamp": NOW_MS, "session": {**session, "sessionId": f"session_{NOW_MS}_abc"}})


async def test_every_backup_is_looked_into_however_many_there_are() -> None:
    async with page() as here:
        addresses = [f"SP{number:039d}" for number in range(2 * AT_ONCE + 5)]
        for number, address in enumerate(addresses):
            here.memory.set(f"{OLD_BACKUP_PREFIX}{number}", guide_s_backup(address))
        await here.run("migration.refresh")
        listed = here.section("migration")["backups"]
        assert [one["session"]["accounts"] for one in listed] == [[f"stacks:1:{one}"] for one in addresses[::-1]]


async def test_a_backup_that_was_written_anew_is_read_anew() -> None:
    async with page() as here:
        for address in (ADDRESS, OTHER_ADDRESS):
            here.memory.set(f"{OLD_BACKUP_PREFIX}5", guide_s_backup(address))
            await here.run("migration.refresh")
            [backup] = here.section("migration")["backups"]
            assert backup["session"]["accounts"] == [f"stacks:1:{address}"]


async def test_asked_to_look_again_it_sees_what_was_written_meanwhile() -> None:
    async with page() as here:
        here.memory.set(SESSION, single(NOW_MS))
        await here.run("migration.refresh")
        told = here.section("migration")
        assert (told["hasOld"], told["seen"]) == (True, {SESSION: fingerprint(single(NOW_MS))})


async def test_once_closed_nothing_that_was_decrypted_is_shown_until_it_is_opened_again() -> None:
    async with page(old=True) as here:
        await here.run("migration.backupOldSession", KEY)
        await here.manager.destroy()
        here.gateway.clear()
        for _ in range(2):
            told = here.section("migration")
            [backup] = told["backups"]
            assert (backup["key"], backup["session"], told["oldSession"]) == (KEY, None, None)
            await here.run("migration.refresh")
        await here.manager.start()
        here.gateway.look_again()
        await settle()
        assert here.section("migration")["backups"][0]["session"] is not None


async def test_a_store_that_answers_no_more_leaves_what_was_known(caplog: pytest.LogCaptureFixture) -> None:
    async with page(old=True) as here:
        before = here.section("migration")
        here.memory.fail_after(0)
        with caplog.at_level(logging.WARNING), pytest.raises(StorageError):
            await here.run("migration.markMigrationCompleted")
        assert here.section("migration") == before
        assert "What is known of old sessions may be out of date" in caplog.text


async def test_a_browser_that_opens_nothing_any_more_costs_no_answer_and_ends_no_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with page(old=True) as here:
        here.cipher.silent = here.clock
        await here.run_for("migration.backupOldSession", 60)
        here.memory.set(KEY, "a backup")
        with caplog.at_level(logging.WARNING):
            report = await here.run_for("migration.dryRun", 60)
        assert report["success"] is True
        assert "did not finish within 10 s" in caplog.text
        here.manager.migration.mark_migration_completed()
        await here.clock.advance(60)
        here.cipher.silent = None
        here.manager.migration.mark_migration_completed()
        await settle()
        assert here.section("migration")["status"]["hasMigrated"] is True, "it goes on once the browser answers again"


async def test_what_changes_by_itself_is_followed_and_told() -> None:
    async with page(old=True) as here:
        here.changes = 0
        await here.manager.migration.migrate_from_old_storage()
        await settle()
        assert here.section("migration")["summary"]["newSessionsCount"] == 1
        assert here.changes > 0
        here.gateway.close()
        await here.manager.migration.roll_back()
        await settle()
        assert here.section("migration")["summary"]["newSessionsCount"] == 1, "closed, it follows no more"


async def test_the_history_is_bounded_and_told_once_it_changes() -> None:
    async with page() as here:
        for number in range(MOST_ENTRIES + 5):
            here.manager.history.note("problem", problem=f"number {number}")
        told = here.section("history")
        assert (len(told), told[-1]["facts"]) == (MOST_ENTRIES, {"problem": f"number {MOST_ENTRIES + 4}"})
        assert here.gateway.sections()["history"] is here.gateway.sections()["history"]
        [line, *_] = here.section("explanation")
        assert line == {
            "timestamp": NOW_MS,
            "text": f"A part of RenVault did not work: number {MOST_ENTRIES + 4}",
        }


async def test_sessions_go_out_and_come_in_again() -> None:
    async with page() as here:
        given = {"topic": TOPIC, "expiry": START + 60, "accounts": ["stacks:1:SP1"]}
        text = json.dumps({"version": "1.0.0", "timestamp": 1, "sessions": [given]})
        report = await here.run("manager.importSessions", text)
        assert (report["imported"], report["details"]) == (1, [{"outcome": "imported", "topic": TOPIC}])
        assert json.loads(here.manager.export_sessions())["sessions"][0]["topic"] == TOPIC
        assert here.section("history")[-1]["kind"] == "import"


async def test_a_backup_file_crosses_as_base64() -> None:
    async with page() as here:
        await here.run("manager.importSessions", EXPORT)
        file = await here.run("manager.exportBackup", "correct horse battery")
        await here.manager.storage.clear_all_sessions()
        report = await here.run("manager.importBackup", file, "correct horse battery")
        assert report["imported"] == 1
        with pytest.raises(StorageError):
            await here.run("manager.importBackup", b64encode(b"no file").decode(), "correct horse battery")


async def test_records_are_verified_and_diagnostics_told() -> None:
    async with page() as here:
        await here.run("manager.importSessions", EXPORT)
        [report] = [one for one in await here.run("storage.verify") if one["kind"] == "session"]
        assert report["state"] == "ok"
        told = json.loads(await here.run("manager.exportDiagnostics"))
        assert told["problems"] == {}
        assert TOPIC not in json.dumps(told)


async def test_everything_is_sealed_again_by_a_new_key() -> None:
    async with page() as here:
        before = here.cipher.key_id
        await here.run("manager.importSessions", EXPORT)
        await here.run("storage.rotateKey")
        assert here.cipher.key_id != before
        assert [one["state"] for one in await here.run("storage.verify")] == ["ok"]


async def test_everything_is_forgotten_and_nothing_comes_back() -> None:
    async with page(old=True) as here:
        await here.manager.start_late()
        await here.run("manager.importSessions", EXPORT)
        await here.clock.advance(10)
        assert any(key.startswith("rvh1.") for key in here.memory.keys())  # noqa: SIM118 - a port
        await here.run("migration.backupOldSession", KEY)
        await here.run("storage.forgetEverything")
        told = here.section("migration")
        assert (told["backups"], told["oldSession"], told["hasOld"]) == ([], None, False)
        assert (here.section("history"), here.section("explanation")) == ([], [])
        assert json.loads(await here.run("manager.exportDiagnostics"))["history"] == []
        await here.clock.advance(10)
        assert here.memory.keys() == [COMPLETED]
