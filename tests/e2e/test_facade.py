"""The facade as a host's script sees it: plain values at any time, and reads that agree with the write before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from .conftest import facade

if TYPE_CHECKING:
    from .conftest import Journey

EXPORTS = [
    "AutomaticReconnectionService",
    "EncryptedSessionStorage",
    "RefactoredSessionManager",
    "RenvaultError",
    "SessionManager",
    "SessionMigrationService",
    "WalletKitSessionIntegration",
    "automaticReconnectionService",
    "configure",
    "createSdkStorage",
    "encryptedSessionStorage",
    "giveBackSdkStore",
    "sessionManager",
    "sessionMigrationService",
    "walletKitSessionIntegration",
]

SESSION = "{ topic: 'a'.repeat(64), expiry: Date.now() + 86400000, accounts: ['stacks:1:SP1'], mine: { kept: true } }"

# Every state a host can read without waiting.
READ = """({
  sessions: renvault.sessionManager.getActiveSessions(),
  primary: renvault.sessionManager.getPrimarySession() ?? null,
  has: renvault.sessionManager.hasSession(),
  stats: renvault.walletKitSessionIntegration.getSessionStats(),
  storage: renvault.encryptedSessionStorage.getStatistics(),
  storageConfig: renvault.encryptedSessionStorage.getConfig(),
  old: renvault.sessionMigrationService.hasOldSessions(),
  backups: renvault.sessionMigrationService.listBackups(),
  migrated: renvault.sessionMigrationService.getMigrationStatus(),
  compatible: renvault.sessionMigrationService.validateMigrationCompatibility(),
  summary: renvault.sessionMigrationService.generateMigrationSummary(),
  status: renvault.automaticReconnectionService.getStatus(),
  config: renvault.automaticReconnectionService.getConfig(),
  manager: renvault.sessionManager.getConfig(),
  online: renvault.automaticReconnectionService.isOnlineNow(),
})"""


def bare(journey: Journey, body: str = "") -> Any:
    """A page of our origin with ``body``; without an element of ours nothing starts Python by itself."""
    page = journey.context.new_page()
    page.route(
        "**/bare.html",
        lambda route: route.fulfill(body=f"<!doctype html><title>bare</title>{body}", content_type="text/html"),
    )
    page.goto(f"{journey.site.url}bare.html")
    return page


def test_the_exports_are_these(journey: Journey) -> None:
    assert facade(bare(journey), "Object.keys(renvault).sort()") == EXPORTS


def test_before_python_is_up_every_read_has_the_value_that_python_then_gives(journey: Journey) -> None:
    page = bare(journey)
    before = facade(page, READ)
    assert page.locator("html[data-renvault]").count() == 0, "reading must not start Python"
    facade(page, "renvault.sessionManager.ready()")
    assert facade(page, READ) == before
    facade(page, "renvault.sessionMigrationService.resetMigrationStatus()")  # imports what comes late
    assert facade(page, READ) == before


def test_a_read_after_a_write_agrees_before_python_is_up_and_after(journey: Journey) -> None:
    page = bare(journey)
    stored = facade(
        page,
        f"""await (async () => {{
          const {{ encryptedSessionStorage: storage, automaticReconnectionService: service }} = renvault;
          storage.storeSession('{"a" * 64}', {SESSION});
          service.updateConfig({{ maxAttempts: 7 }});
          storage.updateConfig({{ compressionEnabled: false }});
          const early = [storage.hasSession('{"a" * 64}'), storage.retrieveSession('{"a" * 64}').mine.kept,
                         storage.retrieveAllSessions().length, service.getConfig().maxAttempts,
                         storage.getConfig().compressionEnabled, storage.getConfig().encryptionEnabled];
          await storage.flush();
          const late = [storage.hasSession('{"a" * 64}'), storage.retrieveSession('{"a" * 64}').mine.kept,
                        storage.retrieveAllSessions().length, service.getConfig().maxAttempts,
                        storage.getConfig().compressionEnabled, storage.getConfig().encryptionEnabled];
          storage.removeSession('{"a" * 64}');
          const gone = storage.hasSession('{"a" * 64}');
          await storage.flush();
          return {{ early, late, gone, stillGone: storage.hasSession('{"a" * 64}') }};
        }})()""",
    )
    expected = [True, True, 1, 7, False, True]
    assert stored == {"early": expected, "late": expected, "gone": False, "stillGone": False}


def test_a_value_stays_the_same_object_until_it_changes(journey: Journey) -> None:
    same = facade(
        bare(journey),
        f"""await (async () => {{
          const {{ encryptedSessionStorage: storage, sessionManager: manager }} = renvault;
          const empty = manager.getActiveSessions() === manager.getActiveSessions();
          await storage.storeSession('{"a" * 64}', {SESSION});
          const first = storage.retrieveSession('{"a" * 64}');
          await storage.storeSession('{"b" * 64}', {{ ...{SESSION}, topic: '{"b" * 64}' }});
          return [empty, storage.retrieveSession('{"a" * 64}') === first,
                  storage.retrieveAllSessions() === storage.retrieveAllSessions(),
                  manager.getReconnectionStatus() === manager.getReconnectionStatus()];
        }})()""",
    )
    assert same == [True, True, True, True]


def test_a_value_stays_the_same_object_while_a_write_is_pending_and_after_it(journey: Journey) -> None:
    same = facade(
        bare(journey),
        f"""await (async () => {{
          const {{ encryptedSessionStorage: storage, sessionManager: manager, automaticReconnectionService: service,
                   sessionMigrationService: migration, walletKitSessionIntegration: integration }} = renvault;
          await storage.storeSession('{"b" * 64}', {{ ...{SESSION}, topic: '{"b" * 64}' }});
          storage.storeSession('{"a" * 64}', {SESSION});
          const read = () => [storage.retrieveAllSessions(), manager.getActiveSessions(), manager.getPrimarySession(),
            storage.retrieveSession('{"a" * 64}'), service.getConfig(), manager.getConfig(), storage.getConfig(),
            service.getStatus(), integration.getSessionStats(), migration.generateMigrationSummary(),
            migration.getMigrationStatus(), migration.listBackups(), manager.getHistory()];
          const first = read();
          service.updateConfig({{ maxAttempts: service.getConfig().maxAttempts }});
          storage.updateConfig({{ ...storage.getConfig() }});
          storage.storeSession('{"b" * 64}', {{ ...storage.retrieveSession('{"b" * 64}') }});
          const second = read();
          const stored = storage.retrieveSession('{"a" * 64}');
          await storage.flush();
          const frozen = (value) => typeof value !== 'object' || value === null
            || (Object.isFrozen(value) && Object.values(value).every(frozen));
          const same = storage.retrieveSession('{"a" * 64}') === stored;
          return [first.map((value, index) => value === second[index]), same,
                  [...first, storage.getStatistics(), ...read()].map(frozen)];
        }})()""",
    )
    assert same == [[True] * 13, True, [True] * 27]


def test_a_session_without_a_peer_has_one_that_can_be_read_at_once_and_after_a_load(journey: Journey) -> None:
    nobody = {"publicKey": "", "metadata": {"name": "", "description": "", "url": "", "icons": []}}
    peer = f"renvault.encryptedSessionStorage.retrieveSession('{'a' * 64}').peer"
    stored = f"renvault.encryptedSessionStorage.storeSession('{'a' * 64}', {SESSION})"
    early = facade(
        bare(journey), f"(() => {{ const stored = {stored}; return stored.then(() => {peer}) && {peer}; }})()"
    )
    assert early == nobody
    page = bare(journey)
    facade(page, f"await {stored}")
    assert facade(page, peer) == nobody
    again = bare(journey)
    facade(again, "await renvault.sessionManager.ready()")
    assert facade(again, peer) == nobody


# Each with what its message names. What a read is asked for and does not have is simply not there.
BAD_ARGUMENTS = {
    "encryptedSessionStorage.storeSession": [
        ("undefined, {}", "topic must be a text, not undefined."),
        ("5, {}", "topic must be a text, not 5."),
        ("'t', null", "session must be an object, not null."),
        ("'t', undefined", "session must be an object, not undefined."),
        ("'t', 'secret'", "session must be an object, not a text."),
        ("'t', []", "session must be an object, not a list."),
        (
            "'t', (() => { const round = {}; round.round = round; return round; })()",
            "session cannot be written as JSON.",
        ),
        ("'t', { expiry: 1n }", "session cannot be written as JSON."),
        ("'t', JSON.parse('{\"a\":'.repeat(200) + '1' + '}'.repeat(200))", "session nests deeper than 98 levels."),
    ],
    "encryptedSessionStorage.storeSessions": [
        ("null", "sessions must be a list, not null."),
        ("{}", "sessions must be a list, not an object."),
        ("[null]", "sessions[0] must be an object, not null."),
        ("[,]", "sessions[0] must be an object, not undefined."),
        ("[{ expiry: 1 }]", "sessions[0].topic must be a text, not undefined."),
    ],
    "encryptedSessionStorage.removeSession": [
        ("", "topic must be a text, not undefined."),
        ("null", "topic must be a text, not null."),
        ("{}", "topic must be a text, not an object."),
    ],
    "encryptedSessionStorage.updateConfig": [
        ("null", "config must be an object, not null."),
        ("[]", "config must be an object, not a list."),
    ],
    "encryptedSessionStorage.forgetEverything": [
        ("null", "call forgetEverything({ confirmed: true })."),
        ("{ confirmed: 'yes' }", "call forgetEverything({ confirmed: true })."),
    ],
    "automaticReconnectionService.updateConfig": [("null", "config must be an object, not null.")],
    "automaticReconnectionService.initialize": [
        ("{}, null", "config must be an object, not null."),
        ("null", "SignClient; got null."),
    ],
    "automaticReconnectionService.on": [
        ("'status'", "listener must be a function, not undefined."),
        ("undefined, () => {}", "name must be a text, not undefined."),
    ],
    "walletKitSessionIntegration.initialize": [("undefined", "SignClient; got undefined.")],
    "walletKitSessionIntegration.on": [
        ("'session_created', {}", "listener must be a function, not an object."),
        ("null, () => {}", "name must be a text, not null."),
    ],
    "walletKitSessionIntegration.isSessionExpired": [
        ("null", "session must be an object, not null."),
        ("{}", "session.expiry must be a time, not undefined."),
    ],
    "walletKitSessionIntegration.extendSession": [("", "topic must be a text, not undefined.")],
    "walletKitSessionIntegration.disconnectSession": [("7", "topic must be a text, not 7.")],
    "walletKitSessionIntegration.pingSession": [("Symbol('t')", "topic must be a text, not a symbol.")],
    "sessionManager.initialize": [
        ("null", "SignClient; got null."),
        ("{}, 'restored'", "onSessionRestored must be a function, not a text."),
        ("{}, undefined, 5", "onSessionExpired must be a function, not 5."),
    ],
    "sessionManager.updateConfig": [("null", "config must be an object, not null.")],
    "sessionManager.extendSession": [("null", "topic must be a text, not null.")],
    "sessionManager.disconnectSession": [("null", "topic must be a text, not null.")],
    "sessionManager.exportSessions": [
        ("'sealed'", "options must be an object, not a text."),
        ("{ sealed: 'yes' }", "options.sealed must be true or false, not a text."),
    ],
    "sessionManager.importSessions": [
        ("undefined", "takes a text, not undefined."),
        ("5", "takes a text, not number."),
    ],
    "sessionManager.exportBackup": [("null", "passphrase must be a text, not null.")],
    "sessionManager.importBackup": [
        ("null, 'correct horse battery'", "A backup file is a Uint8Array, an ArrayBuffer or a Blob."),
        ("new Uint8Array(1)", "passphrase must be a text, not undefined."),
    ],
    "sessionMigrationService.cleanupOldBackups": [
        ("'all'", "keep must be a whole number, at least 0, not a text."),
        ("Object.create(null)", "keep must be a whole number, at least 0, not an object."),
        ("0.5", "keep must be a whole number, at least 0, not 0.5."),
    ],
    "configure": [
        ("null", "settings must be an object, not null."),
        ("{ baseUrl: 5 }", "baseUrl must be a text, not 5."),
        ("{ baseUrl: 'http://[' }", "baseUrl must be an address, not a text."),
    ],
}


def test_a_wrong_argument_is_refused_by_name_and_changes_nothing(journey: Journey) -> None:
    page = bare(journey)
    before = facade(page, READ)
    calls = [(name, given, told) for name, cases in BAD_ARGUMENTS.items() for given, told in cases]
    outcome = "(error) => [error.name, typeof error.code, error.message]"
    asked = ",".join(f"async () => await renvault.{name}({given})" for name, given, _ in calls)
    errors = facade(page, f"await Promise.all([{asked}].map((ask) => ask().then(() => 'accepted', {outcome})))")
    for (name, given, told), error in zip(calls, errors, strict=True):
        assert error[:2] == ["RenvaultError", "string"], f"{name}({given}): {error}"
        assert told in error[2], f"{name}({given}): {error[2]}"
    assert facade(page, READ) == before


def test_a_read_about_something_that_cannot_be_has_nothing(journey: Journey) -> None:
    told = facade(
        bare(journey),
        """[undefined, null, 5, {}].map((given) => [
          renvault.encryptedSessionStorage.retrieveSession(given) ?? null,
          renvault.encryptedSessionStorage.hasSession(given),
          renvault.sessionManager.getSession(given) ?? null,
          renvault.walletKitSessionIntegration.getSession(given) ?? null,
          renvault.sessionMigrationService.restoreFromBackup(given)])""",
    )
    assert told == [[None, False, None, None, None]] * 4


# What the browser tells a host that handled no error of a promise.
UNHANDLED = """addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  (globalThis.unhandled ??= []).push(event.reason.code);
})"""


def test_a_write_that_fails_and_that_nobody_awaits_is_told_by_the_browser(journey: Journey) -> None:
    page = bare(journey)
    page.evaluate(UNHANDLED)
    facade(
        page,
        """await (async () => {
          const storage = renvault.encryptedSessionStorage;
          storage.storeSession('t', { expiry: 'soon' }).catch(() => {});
          storage.storeSession('t', { expiry: 'soon' });
          storage.removeSession(undefined);
          await storage.flush();
        })()""",
    )
    page.wait_for_function("globalThis.unhandled?.length === 2")
    assert page.evaluate("globalThis.unhandled.sort()") == ["config", "wallet"]


def test_bad_input_rejects_with_a_code_and_a_sentence(journey: Journey) -> None:
    page = bare(journey)
    errors = facade(
        page,
        """await Promise.all([
          () => renvault.automaticReconnectionService.updateConfig({ maxAttempts: -1 }),
          () => renvault.automaticReconnectionService.updateConfig({ colour: 'blue' }),
          () => renvault.encryptedSessionStorage.storeSession('t', { expiry: 'soon' }),
          () => renvault.sessionManager.initialize({ nothing: true }),
          () => renvault.sessionManager.extendSession('unknown'),
          () => renvault.encryptedSessionStorage.updateConfig({ encryptionEnabled: 'yes' }),
          () => renvault.encryptedSessionStorage.forgetEverything(),
          () => renvault.sessionManager.importSessions(null),
          () => renvault.sessionManager.importSessions('nonsense'),
          () => renvault.sessionManager.exportBackup('short'),
          () => renvault.sessionManager.importBackup('text', 'correct horse battery'),
          () => renvault.sessionManager.importBackup(new Uint8Array(5), 'correct horse battery'),
        ].map((ask) => ask().then(() => 'accepted', (error) => `${error.name} ${error.code}: ${error.message}`)))""",
    )
    assert errors[0].startswith("RenvaultError config: ")
    assert "maxAttempts must be a number from 1 to 1000 attempts, not -1." in errors[0]
    assert errors[1].startswith("RenvaultError config: There is no setting 'colour'")
    assert errors[2].startswith("RenvaultError wallet: ")
    assert errors[3].startswith("RenvaultError client: ")
    assert errors[4].startswith("RenvaultError ")
    assert errors[5] == "RenvaultError config: encryptionEnabled must be true or false, not 'yes'."
    assert errors[6].endswith("call forgetEverything({ confirmed: true }).")
    assert errors[7].endswith("importSessions takes a text, not null.")
    assert errors[8] == "RenvaultError import: The import is not JSON, or nests too deep."
    assert errors[9].startswith("RenvaultError config: The passphrase must have at least 12 characters")
    assert errors[10] == "RenvaultError import: A backup file is a Uint8Array, an ArrayBuffer or a Blob."
    assert errors[11].startswith("RenvaultError file: ")


def test_destroy_before_anything_started_starts_nothing(journey: Journey) -> None:
    page = bare(journey)
    facade(page, "await renvault.sessionManager.destroy()")
    assert page.locator("html[data-renvault]").count() == 0


def test_an_element_in_the_page_leaves_time_to_configure(journey: Journey) -> None:
    page = bare(journey, "<renvault-session-dashboard></renvault-session-dashboard>")
    assert facade(page, "renvault.configure({ baseUrl: './' }) ?? 'accepted'") == "accepted"
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    told = facade(
        page, "(() => { try { renvault.configure({ baseUrl: './' }) } catch (error) { return error.message } })()"
    )
    assert told == "configure({baseUrl}) must come before the first use."


def test_flush_waits_for_an_initialize_too(journey: Journey) -> None:
    ended = facade(
        bare(journey),
        """await (async () => {
          let ended = false;
          renvault.sessionManager.initialize({ nothing: true }).catch(() => { ended = true; });
          await renvault.sessionManager.flush();
          return ended;
        })()""",
    )
    assert ended is True


def test_settings_have_one_value_under_both_names(journey: Journey) -> None:
    read = """[renvault.automaticReconnectionService.getConfig().enabled,
              renvault.automaticReconnectionService.getConfig().maxAttempts, renvault.sessionManager.getConfig()]"""
    settings = [False, 9, {"autoReconnect": False, "maxReconnectAttempts": 9}]
    page = bare(journey)
    assert facade(
        page,
        f"""await (async () => {{
          renvault.sessionManager.updateConfig({{ autoReconnect: false, maxReconnectAttempts: 9 }});
          const early = {read};
          await renvault.sessionManager.flush();
          return [early, {read}];
        }})()""",
    ) == [settings, settings]
    refused = "await renvault.sessionManager.updateConfig({ retries: 3 }).catch((error) => error.message)"
    assert facade(page, refused) == "There is no setting 'retries'; there are autoReconnect, maxReconnectAttempts."


def test_a_picture_that_a_host_gets_cannot_be_changed(journey: Journey) -> None:
    told = facade(
        bare(journey),
        """await renvault.sessionManager.ready().then(() => {
          try { renvault.sessionManager.getActiveSessions().push(1) } catch (error) { return error.name }
        })""",
    )
    assert told == "TypeError"


def test_a_record_removed_under_a_live_session_stays_removed_and_the_session_lives(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    told = facade(
        page,
        """await (async () => {
          const { encryptedSessionStorage: storage, sessionManager: manager } = renvault;
          while (!manager.hasSession()) await new Promise(requestAnimationFrame);  // what is drawn is told a turn later
          const [{ topic }] = manager.getActiveSessions();
          const removed = storage.removeSession(topic);
          const early = [storage.hasSession(topic), storage.retrieveAllSessions().length, manager.hasSession()];
          await removed;
          return [early, [storage.hasSession(topic), storage.retrieveAllSessions().length, manager.hasSession()]];
        })()""",
    )
    assert told == [[False, 0, True], [False, 0, True]]
