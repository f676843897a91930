"""The guide's examples of storage and migration, run as they stand but for the import's path: at every time of a page.

Where an example uses a name that the reader is to bring along (``topic``, ``session``), a stand-in is there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from .conftest import facade
from .test_facade import UNHANDLED, bare
from .test_late_facade import ACCOUNT, OLD_SESSION

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Journey

STORAGE = """
import { encryptedSessionStorage } from '@/services/session/encrypted-session-storage';

// Store session
encryptedSessionStorage.storeSession(topic, session);

// Retrieve session
const session = encryptedSessionStorage.retrieveSession(topic);

// Store multiple sessions
encryptedSessionStorage.storeSessions([session1, session2]);

// Get all sessions
const allSessions = encryptedSessionStorage.retrieveAllSessions();

// Check if exists
if (encryptedSessionStorage.hasSession(topic)) {
  // ...
}

// Remove session
encryptedSessionStorage.removeSession(topic);

// Clear all
encryptedSessionStorage.clearAllSessions();

// Get storage stats
const stats = encryptedSessionStorage.getStatistics();
console.log(`Using ${stats.usagePercent}% of ${stats.maxSize} bytes`);

// Update config
encryptedSessionStorage.updateConfig({
  encryptionEnabled: true,
  compressionEnabled: true,
  maxStorageSize: 10 * 1024 * 1024, // 10MB
});
"""

MIGRATION = """
import { sessionMigrationService } from '@/services/session/session-migration';

// Check if old sessions exist
if (sessionMigrationService.hasOldSessions()) {
  // Run migration
  const report = await sessionMigrationService.migrateFromOldStorage();
  console.log(`Migrated ${report.migratedCount} sessions`);
}

// Validate compatibility before migration
const validation = sessionMigrationService.validateMigrationCompatibility();
if (!validation.compatible) {
  console.error('Migration issues:', validation.issues);
}

// Create backup of old session
const backupKey = sessionMigrationService.backupOldSession();

// List available backups
const backups = sessionMigrationService.listBackups();

// Restore from backup
const session = sessionMigrationService.restoreFromBackup(backupKey);

// Get migration status
const status = sessionMigrationService.getMigrationStatus();
console.log('Migration completed:', status.hasMigrated);

// Generate summary report
const summary = sessionMigrationService.generateMigrationSummary();
console.log('Recommendations:', summary.recommendations);

// Mark migration as completed
sessionMigrationService.markMigrationCompleted();

// Cleanup old backups (keep last 3)
const deletedCount = sessionMigrationService.cleanupOldBackups(3);
"""

EXPORT = """
import { sessionManager } from '@/services/session/SessionManagerRefactored';

// Export sessions for backup
const backup = sessionManager.exportSessions();
localStorage.setItem('session-backup', backup);

// Import sessions from backup
const backupData = localStorage.getItem('session-backup');
await sessionManager.importSessions(backupData);

// Get storage statistics
const stats = sessionManager.getStorageStats();
console.log(`${stats.usagePercent}% storage used`);
"""

EMERGENCY = """
import { sessionManager } from '@/services/session/SessionManagerRefactored';

// Export sessions before page unload
const backup = sessionManager.exportSessions();
sessionStorage.setItem('emergency-backup', backup);

// Restore on next load
if (sessionStorage.getItem('emergency-backup')) {
  const backup = sessionStorage.getItem('emergency-backup');
  await sessionManager.importSessions(backup);
}
"""

MANAGEMENT = """
import { sessionManager } from '@/services/session/SessionManagerRefactored';
import { sessionMigrationService } from '@/services/session/session-migration';

// Monitor storage usage
const stats = sessionManager.getStorageStats();
if (stats.usagePercent > 80) {
  // Trigger cleanup
  sessionMigrationService.cleanupOldBackups(1);
}
"""

FAILURES = """
import { sessionMigrationService } from '@/services/session/session-migration';

const backupKey = sessionMigrationService.backupOldSession();
const validation = sessionMigrationService.validateMigrationCompatibility();
if (!validation.compatible) {
  console.error('Cannot migrate:', validation.issues);
}
"""

VERIFY = """
import { sessionMigrationService } from '@/services/session/session-migration';

const summary = sessionMigrationService.generateMigrationSummary();
console.log('Migration Status:', summary.migrationStatus);
console.log('New Sessions:', summary.newSessionsCount);
console.log('Recommendations:', summary.recommendations);
"""

PERSISTING = """
import { encryptedSessionStorage } from '@/services/session/encrypted-session-storage';

const stats = encryptedSessionStorage.getStatistics();
console.log('Storage available:', stats.totalSize > 0);
"""

EXAMPLES = [STORAGE, MIGRATION, EXPORT, EMERGENCY, MANAGEMENT, FAILURES, VERIFY, PERSISTING]

STAND_INS = """
const topic = 'a'.repeat(64);
const [session, session1, session2] = ['a', 'b', 'c'].map((letter) => (
  { topic: letter.repeat(64), expiry: Date.now() + 86400000, accounts: ['stacks:1:SP1'] }));
"""

BEFORE, UP, DESTROYED = "before Python is up", "when it is up", "after destroy"


def module(example: str) -> str:
    """Return the example as a module. Each of its steps may name anew what the reader has brought along."""
    text = re.sub(r"'@/[^']*'", "'./renvault.js'", example)
    imports = "\n".join(line for line in text.splitlines() if line.startswith("import "))
    steps = "\n".join(line for line in text.splitlines() if not line.startswith("import "))
    if example == STORAGE:
        steps = "\n".join(f"{{{step}\n}}" for step in steps.split("\n\n") if step.strip())
        return f"{imports}\n{STAND_INS}\n{steps}\nglobalThis.done = true;"
    return f"{imports}\n{steps}\nglobalThis.done = true;"


def run(page: Page, example: str, number: int) -> list[str]:
    """Run the example in the page; return what it has written to the console."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.evaluate("globalThis.done = false")
    page.route("**/example-*.js", lambda route: route.fulfill(body=module(example), content_type="text/javascript"))
    page.evaluate(f"void import('./example-{number}.js').catch(reportError)")
    page.wait_for_function("globalThis.done")
    facade(page, "renvault.sessionManager.flush()")
    page.unroute("**/example-*.js")
    return said


@pytest.mark.parametrize("when", [BEFORE, UP, DESTROYED])
def test_every_example_runs_in_the_guide_s_order(journey: Journey, when: str) -> None:
    page = bare(journey)
    page.evaluate(OLD_SESSION)
    if when != BEFORE:
        facade(page, "renvault.sessionManager.ready()")
    if when == DESTROYED:
        page.evaluate(UNHANDLED)
    for number, example in enumerate(EXAMPLES):
        if when == DESTROYED:
            facade(page, "renvault.sessionManager.destroy()")
            if example in (MIGRATION, EXPORT, EMERGENCY):
                continue  # these await a write, which rejects until there is an initialize() again
        said = run(page, example, number)
        if when == DESTROYED and example == STORAGE:
            # It awaits none of its writes: that they failed is the browser's to tell, as of any promise.
            page.wait_for_function("globalThis.unhandled?.length === 4")
            assert page.evaluate("globalThis.unhandled.every((code) => code === 'not_started')")
        assert when == DESTROYED or not [line for line in said if "issues" in line or "Cannot" in line], said


def test_the_example_of_the_migration_brings_the_old_session_along(journey: Journey) -> None:
    page = bare(journey)
    page.evaluate(OLD_SESSION)
    said = run(page, MIGRATION, 1)
    assert said[:2] == ["Migrated 1 sessions", "Migration completed: true"]
    accounts = "renvault.encryptedSessionStorage.retrieveAllSessions().map(({ accounts }) => accounts[0])"
    assert facade(page, accounts) == [ACCOUNT]


SAVING, RESTORING = EMERGENCY.split("// Restore on next load")


def in_a_listener(event: str) -> str:
    """Return the first half of the guide's example as it stands, where the guide wants it: at the page's unload."""
    imports, _, steps = SAVING.strip().partition("\n")
    return f"{imports}\naddEventListener('{event}', () => {{{steps}}});"


@pytest.mark.parametrize("event", ["beforeunload", "pagehide"])
def test_the_emergency_backup_names_nobody_and_brings_sessions_back_on_the_next_load(
    journey: Journey, event: str
) -> None:
    page = bare(journey)
    run(page, in_a_listener(event), 1)
    stored = "{ expiry: Date.now() + 86400000, accounts: ['stacks:1:SPCANARY'] }"
    facade(page, f"await renvault.encryptedSessionStorage.storeSession('a'.repeat(64), {stored})")
    page.reload()
    saved = page.evaluate("sessionStorage.getItem('emergency-backup')")
    assert "SPCANARY" not in saved
    assert "aaaa" not in saved
    assert sorted(json.loads(saved)) == ["sealed", "timestamp", "version"]
    page.evaluate("for (const key of Object.keys(localStorage)) if (/^rv1/.test(key)) localStorage.removeItem(key)")
    run(page, f"import {{ sessionManager }} from '@/'\n{RESTORING}", 2)
    [back] = facade(page, "renvault.encryptedSessionStorage.retrieveAllSessions()")
    assert back["accounts"] == ["stacks:1:SPCANARY"]


FORMS = """({ sessionManager: manager }) => [undefined, { sealed: false }, { sealed: true }]
  .map((options) => Object.keys(JSON.parse(manager.exportSessions(options))).slice(2).join())"""
PLAIN, SEALED = "sessions", "sealed"


def test_an_export_is_sealed_while_the_page_is_left_and_plain_once_it_stays(journey: Journey) -> None:
    page = bare(journey)
    stored = "{ expiry: Date.now() + 86400000, accounts: ['stacks:1:SP1'] }"
    forms = facade(
        page,
        f"""await (async () => {{
          await renvault.encryptedSessionStorage.storeSession('a'.repeat(64), {stored});
          const forms = () => ({FORMS})(renvault);
          const within = (event) => {{
            let seen;
            addEventListener(event.type, () => {{ seen = forms(); }}, {{ once: true }});
            dispatchEvent(event);
            return [seen, forms()];
          }};
          const cancelled = within(new Event('beforeunload', {{ cancelable: true }}));
          const hidden = within(new PageTransitionEvent('pagehide', {{ persisted: true }}));
          return {{ cancelled, hidden, back: within(new PageTransitionEvent('pageshow')) }};
        }})()""",
    )
    chosen, left = [PLAIN, PLAIN, SEALED], [SEALED, PLAIN, SEALED]
    assert forms == {"cancelled": [left, chosen], "hidden": [left, left], "back": [chosen, chosen]}


def test_an_export_after_destroy_has_the_records_as_they_lie(journey: Journey) -> None:
    page = bare(journey)
    stored = "{ expiry: Date.now() + 86400000, accounts: ['stacks:1:SPCANARY'] }"
    told = facade(
        page,
        f"""await (async ({{ sessionManager: manager, encryptedSessionStorage: storage }}) => {{
          await storage.storeSession('a'.repeat(64), {stored});
          await manager.destroy();
          return manager.exportSessions();
        }})(renvault)""",
    )
    assert "SPCANARY" not in told
    assert (len(json.loads(told)["sealed"]), json.loads(told)["sessions"]) == (1, [])
    again = bare(journey)
    report = f"await renvault.sessionManager.importSessions({json.dumps(told)})"
    assert facade(again, report)["skipped"] == 1
