"""Migration, exports and history as a host's script calls them: plain values at once, before Python is up and after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from .conftest import facade
from .test_facade import SESSION, bare

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Journey

# What an older build wrote: the session as base64, and a checksum over it.
OLD_SESSION = """{
  const plain = JSON.stringify({
    providerType: 'leather', address: 'SP3ESR2PWP83R1YM3S4QJRWPDD886KJ4YFS3FKHPY', publicKey: '02' + 'ab'.repeat(32),
    connectedAt: Date.now(), expiresAt: Date.now() + 86400000, sessionId: `session_${Date.now()}_abcdefghi`,
    metadata: { chainId: 'mainnet', network: 'stacks', permissions: ['read'] },
  });
  let sum = 0;
  for (let i = 0; i < plain.length; i += 1) sum = ((sum << 5) - sum + plain.charCodeAt(i)) | 0;
  localStorage.setItem('renvault_wallet_session', JSON.stringify({ data: btoa(plain), checksum: sum.toString(36) }));
}"""

ACCOUNT = "stacks:1:SP3ESR2PWP83R1YM3S4QJRWPDD886KJ4YFS3FKHPY"

FLAG = "renvault_migration_completed"


def page_with_old_session(journey: Journey) -> Page:
    page: Page = bare(journey)
    page.evaluate(OLD_SESSION)
    return page


def started(page: Page) -> Page:
    """Python is up and has looked at the old sessions."""
    facade(page, "renvault.sessionManager.ready()")
    begun = "renvault.sessionManager.getHistory().length > 0"
    facade(page, f"await (async () => {{ while (!({begun})) await new Promise(requestAnimationFrame); }})()")
    facade(page, "renvault.sessionMigrationService.resetMigrationStatus()")  # which looks at what is old
    return page


def is_asleep(page: Page) -> bool:
    return page.locator("html[data-renvault]").count() == 0


def test_reading_about_old_sessions_looks_at_names_and_starts_nothing(journey: Journey) -> None:
    page = page_with_old_session(journey)
    page.evaluate("localStorage.setItem('renvault_session_backup_1700000000000', '{}')")
    page.evaluate("localStorage.setItem('rvb1.1800000000000', 'x')")
    page.evaluate(f'localStorage.setItem(\'{FLAG}\', \'{{"timestamp":1700000000,"version":"1.0.0"}}\')')
    told = facade(
        page,
        """(({ sessionMigrationService: service }) => ({
          old: service.hasOldSessions(), backups: service.listBackups(), status: service.getMigrationStatus(),
          summary: service.generateMigrationSummary(), valid: service.validateMigrationCompatibility(),
          restored: service.restoreFromBackup('rvb1.1800000000000'),
          same: service.listBackups() === service.listBackups()
            && service.getMigrationStatus() === service.getMigrationStatus()
            && service.generateMigrationSummary() === service.generateMigrationSummary(),
        }))(renvault)""",
    )
    assert told == {
        "old": True,
        "backups": [
            {"key": "rvb1.1800000000000", "timestamp": 1_800_000_000_000},
            {"key": "renvault_session_backup_1700000000000", "timestamp": 1_700_000_000_000},
        ],
        "status": {"hasMigrated": True, "timestamp": 1_700_000_000_000},
        "summary": {
            "oldSessionsFound": 1,
            "newSessionsCount": 0,
            "migrationStatus": "completed",
            "recommendations": [],
        },
        "valid": {"compatible": True, "issues": []},
        "restored": None,
        "same": True,
    }
    assert is_asleep(page)


AGREE = """await (async ({ sessionMigrationService: service }) => {
  const key = service.backupOldSession();
  const second = service.backupOldSession();
  service.markMigrationCompleted();
  const early = [service.listBackups().map((backup) => backup.key), service.getMigrationStatus().hasMigrated,
                 service.generateMigrationSummary().migrationStatus];
  const deleted = service.cleanupOldBackups(1);
  const left = service.listBackups().map((backup) => backup.key);
  const session = service.restoreFromBackup(second);
  await service.flush();
  return { keys: [key, second], early, deleted, left, session,
           late: [service.listBackups().map((backup) => backup.key), service.getMigrationStatus().hasMigrated,
                  service.generateMigrationSummary().migrationStatus],
           restored: service.restoreFromBackup(second), gone: service.restoreFromBackup(key) };
})(renvault)"""


def agrees(told: Any) -> None:
    first, second = told["keys"]
    assert first.startswith("rvb1.")
    assert second > first
    assert told["early"] == [[second, first], True, "completed"]
    assert (told["deleted"], told["left"]) == (1, [second])
    assert told["late"] == [[second], True, "completed"]
    assert told["restored"]["accounts"] == [ACCOUNT]
    assert told["restored"]["status"] == "needs_reconnect"
    assert told["gone"] is None


def test_what_was_asked_of_the_migration_shows_at_once_before_python_is_up(journey: Journey) -> None:
    page = page_with_old_session(journey)
    told = facade(page, AGREE)
    agrees(told)
    assert told["session"] is None, "nobody can read a backup yet"


def test_what_was_asked_of_the_migration_shows_at_once_when_python_is_up(journey: Journey) -> None:
    told = facade(started(page_with_old_session(journey)), AGREE)
    agrees(told)
    assert told["session"] == told["restored"]


def test_a_backup_is_read_by_the_next_page_too(journey: Journey) -> None:
    page = page_with_old_session(journey)
    taken = "(async (s) => { const key = s.backupOldSession(); await s.flush(); return key; })"
    key = facade(page, f"await {taken}(renvault.sessionMigrationService)")
    again = started(bare(journey))
    assert facade(again, f"renvault.sessionMigrationService.restoreFromBackup('{key}')")["accounts"] == [ACCOUNT]
    same = "renvault.sessionMigrationService.restoreFromBackup"
    assert facade(again, f"{same}('{key}') === {same}('{key}')") is True


GUIDE_S_BACKUP = """(time, address) => localStorage.setItem(`renvault_session_backup_${time}`, JSON.stringify({
  timestamp: Date.now(),
  session: { providerType: 'leather', address, publicKey: '02', sessionId: `session_${Date.now()}_abc`,
             expiresAt: Date.now() + 86400000 },
}))"""

LOOKED_AGAIN = "renvault.sessionMigrationService.flush()"


def test_each_of_many_backups_gives_its_own_session_and_one_not_read_yet_none(journey: Journey) -> None:
    page = page_with_old_session(journey)
    page.evaluate(f"for (let n = 0; n < 25; n += 1) ({GUIDE_S_BACKUP})(1600000000000 + n, 'SP' + n)")
    started(page)
    restore = "renvault.sessionMigrationService.restoreFromBackup('renvault_session_backup_%d')?.accounts[0]"
    for number in range(25):
        assert facade(page, restore % (1_600_000_000_000 + number)) == f"stacks:1:SP{number}"
    for address in ("SPLATE", "SPLATER"):  # old code writes one, and writes it anew
        page.evaluate(f"({GUIDE_S_BACKUP})(1700000000000, '{address}')")
        assert facade(page, restore % 1_700_000_000_000) is None
        facade(page, LOOKED_AGAIN)
        assert facade(page, restore % 1_700_000_000_000) == f"stacks:1:{address}"


STANDING = """(({ sessionMigrationService: service }) => [
  service.hasOldSessions(), service.validateMigrationCompatibility().compatible,
  service.generateMigrationSummary().oldSessionsFound])(renvault)"""


def test_what_old_code_writes_later_is_seen_by_its_name_and_then_looked_at(journey: Journey) -> None:
    page = started(bare(journey))
    assert facade(page, STANDING) == [False, True, 0]
    page.evaluate("localStorage.setItem('renvault_wallet_session', 'garbage')")
    assert facade(page, STANDING) == [True, True, 1], "nobody has looked at it yet"
    facade(page, LOOKED_AGAIN)
    assert facade(page, STANDING) == [True, False, 0]
    page.evaluate(OLD_SESSION)
    key = "(globalThis.key = renvault.sessionMigrationService.backupOldSession())"
    restored = "renvault.sessionMigrationService.restoreFromBackup(globalThis.key)?.accounts"
    assert facade(page, f"[{STANDING}, {key} !== null, {restored} ?? null]") == [[True, True, 1], True, None]
    facade(page, LOOKED_AGAIN)
    assert facade(page, f"[{STANDING}, {restored}]") == [[True, True, 1], [ACCOUNT]]


def test_there_is_no_backup_of_nothing_and_a_number_that_is_none_is_refused(journey: Journey) -> None:
    page = bare(journey)
    assert facade(page, "renvault.sessionMigrationService.backupOldSession()") is None
    refused = "(() => { try { renvault.sessionMigrationService.cleanupOldBackups(-1) } catch (e) { return e.code } })()"
    assert facade(page, refused) == "config"
    assert facade(page, "renvault.sessionMigrationService.cleanupOldBackups()") == 0
    assert is_asleep(page)


def test_old_sessions_are_brought_along_and_taken_back(journey: Journey) -> None:
    page = page_with_old_session(journey)
    told = facade(
        page,
        """await (async ({ sessionMigrationService: service, encryptedSessionStorage: storage }) => {
          const dry = await service.dryRun();
          const report = await service.migrateFromOldStorage();
          const after = [service.hasOldSessions(), service.getMigrationStatus().hasMigrated,
                         storage.retrieveAllSessions().map(({ accounts, status }) => [accounts, status]),
                         service.generateMigrationSummary().newSessionsCount];
          const again = await service.runStartupMigration();
          const written = await service.rollBack();
          return { dry: [dry.success, dry.migratedCount], after, again, written,
                   report: [report.success, report.migratedCount, report.failedCount, typeof report.timestamp],
                   back: [service.hasOldSessions(), service.getMigrationStatus().hasMigrated] };
        })(renvault)""",
    )
    assert told["dry"] == [True, 1]
    assert told["report"] == [True, 1, 0, "number"]
    assert told["after"] == [False, True, [[[ACCOUNT], "needs_reconnect"]], 1]
    assert (told["again"], told["written"], told["back"]) == (None, 1, [True, False])


def test_the_manager_brings_old_sessions_along_when_it_is_initialized(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate(OLD_SESSION)
    journey.offer(page).get_by_role("button", name="Approve").click()
    expect(page.locator("[data-topic][data-status=active]")).to_be_visible()
    expect(page.locator("[data-topic][data-status=needs_reconnect]")).to_contain_text("Leather")
    assert facade(page, "renvault.sessionMigrationService.hasOldSessions()") is False
    assert facade(page, "renvault.sessionMigrationService.getMigrationStatus()")["hasMigrated"] is True


SECRETS = "{ symKey: 'k'.repeat(64), note: 'wc:abc@2?relay-protocol=irn&symKey=12345678', deep: [{ mnemonic: 'x' }] }"


def test_an_export_is_a_text_at_once_and_comes_in_again(journey: Journey) -> None:
    page = bare(journey)
    told = facade(
        page,
        f"""await (async ({{ sessionManager: manager, encryptedSessionStorage: storage }}) => {{
          await storage.storeSession('{"a" * 64}', {{ ...{SESSION}, host: {SECRETS} }});
          const plain = manager.exportSessions(), sealed = manager.exportSessions({{ sealed: true }});
          const reports = [];
          for (const text of [plain, sealed]) {{
            await storage.clearAllSessions();
            reports.push(await manager.importSessions(text));
          }}
          const again = await manager.importSessions(plain);
          return {{ plain, sealed, again, kept: storage.retrieveSession('{"a" * 64}').mine, reports }};
        }})(renvault)""",
    )
    plain, sealed = json.loads(told["plain"]), json.loads(told["sealed"])
    assert (plain["version"], sealed["version"]) == ("1.0.0", "1.0.0")
    assert plain["sessions"][0]["topic"] == "a" * 64
    assert plain["sessions"][0]["host"] == {"note": "(removed)", "deep": [{}]}
    assert "a" * 64 not in told["sealed"]
    assert [key[:4] for key in sealed["sealed"]] == ["rv1."]
    assert [report["imported"] for report in told["reports"]] == [1, 1]
    assert (told["again"]["skipped"], told["again"]["needsReload"]) == (1, False)
    assert told["kept"] == {"kept": True}


def test_before_python_is_up_an_export_has_the_records_as_they_lie_and_what_waits(journey: Journey) -> None:
    facade(bare(journey), f"renvault.encryptedSessionStorage.storeSession('{'a' * 64}', {SESSION})")
    page = bare(journey)
    first = json.loads(facade(page, "renvault.sessionManager.exportSessions()"))
    assert is_asleep(page)
    assert (len(first["sealed"]), first["sessions"]) == (1, [])
    told = facade(
        page,
        f"""await (async ({{ sessionManager: manager, encryptedSessionStorage: storage }}) => {{
          storage.storeSession('{"b" * 64}', {{ ...{SESSION}, topic: '{"b" * 64}' }});
          const text = manager.exportSessions();
          await storage.flush();
          await storage.clearAllSessions();
          const report = await manager.importSessions(text);
          return [report.imported, storage.retrieveAllSessions().map(({{ topic }}) => topic[0]).sort()];
        }})(renvault)""",
    )
    assert told == [2, ["a", "b"]]


def test_a_backup_file_goes_out_as_bytes_and_comes_in_as_bytes_or_as_a_file(journey: Journey) -> None:
    told = facade(
        bare(journey),
        f"""await (async ({{ sessionManager: manager, encryptedSessionStorage: storage }}) => {{
          await storage.storeSession('{"a" * 64}', {SESSION});
          const file = await manager.exportBackup('correct horse battery');
          await storage.clearAllSessions();
          const first = await manager.importBackup(new Blob([file]), 'correct horse battery');
          const second = await manager.importBackup(file.buffer, 'correct horse battery');
          const wrong = await manager.importBackup(file, 'wrong horse battery').catch((error) => error.code);
          return [file instanceof Uint8Array, new TextDecoder().decode(file.slice(0, 21)),
                  first.imported, second.skipped, wrong];
        }})(renvault)""",
    )
    assert told == [True, "age-encryption.org/v1", 1, 1, "passphrase"]


def test_records_are_verified_and_sealed_again(journey: Journey) -> None:
    told = facade(
        bare(journey),
        f"""await (async ({{ encryptedSessionStorage: storage }}) => {{
          await storage.storeSession('{"a" * 64}', {SESSION});
          const text = () => Object.entries(localStorage).find(([key]) => key.startsWith('rv1.')).join();
          const before = text();
          await storage.rotateKey();
          const report = (await storage.verify()).find(({{ kind }}) => kind === 'session');
          return [report.state, before === text(), storage.hasSession('{"a" * 64}')];
        }})(renvault)""",
    )
    assert told == ["ok", False, True]


def test_history_and_diagnostics_say_what_happened_and_name_nobody(journey: Journey) -> None:
    page = started(bare(journey))
    history = facade(page, "renvault.sessionManager.getHistory()")
    assert history[0]["kind"] == "page_started"
    lines = facade(page, "renvault.sessionManager.whyDisconnected()")
    assert lines[-1].endswith(": The page was opened or loaded again.")
    assert facade(page, "renvault.sessionManager.getHistory() === renvault.sessionManager.getHistory()") is True
    facade(page, f"renvault.encryptedSessionStorage.storeSession('{'a' * 64}', {SESSION})")
    told = facade(page, "renvault.sessionManager.exportDiagnostics()")
    assert json.loads(told)["problems"] == {}
    assert "a" * 64 not in told


def test_after_destroy_what_needs_no_session_goes_on(journey: Journey) -> None:
    page = started(page_with_old_session(journey))
    told = facade(
        page,
        f"""await (async ({{ sessionManager: manager, sessionMigrationService: service, ...others }}) => {{
          const storage = others.encryptedSessionStorage;
          await manager.destroy();
          const key = service.backupOldSession();
          await service.flush();
          const refused = await storage.storeSession('{"a" * 64}', {SESSION}).catch((error) => error.code);
          return [service.listBackups().length, service.restoreFromBackup(key), refused,
                  typeof manager.exportSessions(), manager.getHistory().length > 0,
                  storage.getStatistics().totalSessions];
        }})(renvault)""",
    )
    assert told == [1, None, "not_started", "string", True, 0]


def test_everything_old_is_listed_by_name_and_never_with_its_value(journey: Journey) -> None:
    page = page_with_old_session(journey)
    page.evaluate("localStorage.setItem('renvault-wallet-backup', 'canary')")
    listed = "renvault.sessionMigrationService.getOldEntries()"
    assert facade(page, listed) == []
    old = facade(started(page), listed)
    assert [(entry["key"], entry["sessions"], entry["stays"]) for entry in old] == [
        ("renvault_wallet_session", 1, False),
        ("renvault-wallet-backup", 0, True),
    ]
    assert "canary" not in json.dumps(old)


def test_what_is_forgotten_is_shown_no_more_without_a_reload(journey: Journey) -> None:
    page = started(page_with_old_session(journey))
    told = facade(
        page,
        f"""await (async ({{ sessionManager: manager, sessionMigrationService: service, ...others }}) => {{
          const storage = others.encryptedSessionStorage;
          await storage.storeSession('{"a" * 64}', {SESSION});
          const key = service.backupOldSession();
          await service.flush();
          const before = [service.listBackups().length, service.restoreFromBackup(key).accounts.length];
          await storage.forgetEverything({{ confirmed: true }});
          const {{ sealed, sessions }} = JSON.parse(manager.exportSessions());
          return [before, service.listBackups(), service.restoreFromBackup(key), manager.getHistory(),
                  manager.whyDisconnected(), storage.retrieveAllSessions(), sessions, sealed ?? {{}},
                  service.hasOldSessions(), JSON.parse(await manager.exportDiagnostics()).history];
        }})(renvault)""",
    )
    assert told == [[1, 1], [], None, [], [], [], [], {}, False, []]


def test_after_destroy_a_backup_has_a_name_and_no_session_until_there_is_a_client_again(journey: Journey) -> None:
    page = bare(journey)  # the demo's own client would come after the end
    page.evaluate(OLD_SESSION)
    taken = "(async (s) => { const key = s.backupOldSession(); await s.flush(); return key; })"
    key = facade(page, f"await {taken}(renvault.sessionMigrationService)")
    restored = f"renvault.sessionMigrationService.restoreFromBackup('{key}')"
    assert facade(page, restored)["accounts"] == [ACCOUNT]
    facade(page, "await renvault.sessionManager.destroy()")
    assert facade(page, f"[renvault.sessionMigrationService.listBackups().length, {restored}]") == [1, None]
    facade(page, "await renvault.sessionMigrationService.dryRun()")
    assert facade(page, restored) is None


def test_everything_is_forgotten_for_the_next_page_too(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    page.evaluate(OLD_SESSION)
    facade(page, "renvault.encryptedSessionStorage.forgetEverything({ confirmed: true })")
    ours = "Object.keys(localStorage).filter((key) => /^rv/.test(key))"
    assert page.evaluate(ours) == []
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('renvault'))") == [FLAG]
    page.close()
    again = bare(journey)
    assert again.evaluate(ours) == []
    facade(again, "renvault.sessionManager.ready()")
    assert facade(again, "renvault.encryptedSessionStorage.retrieveAllSessions()") == []
