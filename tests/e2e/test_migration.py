"""MIG-1 to MIG-5 in a real browser: what older builds left is brought along, and nothing of it can get lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .conftest import Journey, facade, session
from .test_at_rest import at_rest, decoded
from .test_rotation import kill, profile

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from dev.relay import RelayThread
    from dev.serve import Site

ADDRESSES = {
    "single": "SP3ESR2PWP83R1YM3S4QJRWPDD886KJ4YFS3FKHPY",
    "plural": "SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7",
    "connection": "SP2C2YFP12AJZB4MABJBAJ55XECVS7E4PMMZ89YZR",
    "state": "SM2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKQ9H6DPR",
    "secure": "ST2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKQVX8X0G",
    "connect": "SP1P72Z3704VMT3DMHPP2CB8TGQWGDBHD3RPR9GZS",
}
SECRETS = {"appPrivateKey": "canary-one", "authResponseToken": "canary-two", "transitKey": "canary-three"}
MNEMONIC = "canary word word word word word word word word word word word"

# What older builds wrote, by their own code, on the first visit alone.
PLANT = """([address, secrets, mnemonic]) => {
  const now = Date.now(), day = 86400000;
  const checked = (session) => {
    const plain = JSON.stringify(session);
    let hash = 0;
    for (let i = 0; i < plain.length; i++) {
      hash = (hash << 5) - hash + plain.charCodeAt(i);
      hash = hash & hash;
    }
    return JSON.stringify({ data: btoa(plain), checksum: hash.toString(36) });
  };
  const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const utf8 = (text) => new TextEncoder().encode(text);
  const secured = JSON.stringify({ address: address.secure, providerType: 'xverse', odd: '\\u{1f600} \\ud800' });
  return crypto.subtle.digest('SHA-256', utf8(secured)).then((digest) => {
    const entries = {
      renvault_wallet_session: checked({
        providerType: 'leather', address: address.single, publicKey: '02' + 'ab'.repeat(32),
        metadata: { chainId: 'mainnet', network: 'stacks \\u00e9\\u0000', permissions: ['read', 'write'] },
        expiresAt: now + 7 * day, sessionId: `session_${now}_4fzzzxjyl`,
      }),
      renvault_wallet_sessions: JSON.stringify([[address.plural, { timestamp: now, lastActive: now, odd: '\\udfff' }]]),
      wallet_connection_session: '\\n ' + JSON.stringify({
        walletId: 'hiro', address: address.connection, publicKey: '', chainId: 'stacks:1',
        timestamp: now, expiresAt: now + day,
      }),
      connection_state: JSON.stringify({ ['ledger \\ud800']: { address: address.state, savedAt: now } }) + ' ',
      renvault_secure_session: JSON.stringify({ data: secured, timestamp: now, checksum: hex(digest), version: 1 }),
      'blockstack-session': JSON.stringify({
        version: '1.0.0', transitKey: secrets.transitKey, etags: {},
        userData: {
          appPrivateKey: secrets.appPrivateKey, authResponseToken: secrets.authResponseToken,
          profile: { stxAddress: { mainnet: address.single, testnet: address.secure } },
        },
      }),
      '@stacks/connect': hex(utf8(JSON.stringify({
        addresses: { stx: [{ address: address.connect }], btc: [] }, version: '0.0.1', updatedAt: now,
      }))),
      'renvault-recovered-mnemonic': mnemonic,
      renvault_recent_wallets: '["leather"]',
    };
    for (const [key, value] of Object.entries(entries)) localStorage.setItem(key, value);
    return units();
  });
  function units() {
    return Object.fromEntries(Object.keys(localStorage).sort().map((key) => [
      key, Array.from({ length: localStorage[key].length }, (_, i) => localStorage[key].charCodeAt(i)),
    ]));
  }
}"""

# All of localStorage that is not ours, in UTF-16 units: a lone surrogate does not come over the wire as itself.
UNITS = """() => Object.fromEntries(Object.keys(localStorage).sort()
  .filter((key) => !/^(rv|renvault_migration|renvault:status)/.test(key))
  .map((key) => [
    key, Array.from({ length: localStorage[key].length }, (_, i) => localStorage[key].charCodeAt(i)),
  ]))"""

OURS = {
    "renvault_wallet_session",
    "renvault_wallet_sessions",
    "wallet_connection_session",
    "connection_state",
    "renvault_secure_session",
}


def planted(journey: Journey) -> dict[str, list[int]]:
    """Leave what an older build left, before any page of ours is opened; return it."""
    page = journey.context.new_page()
    page.route(
        "**/planted", lambda route: route.fulfill(body="<!doctype html><title>old</title>", content_type="text/html")
    )
    page.goto(f"{journey.site.url}planted")
    left: dict[str, list[int]] = page.evaluate(PLANT, [ADDRESSES, SECRETS, MNEMONIC])
    page.close()
    return left


def migrated(page: Page, count: int = len(ADDRESSES)) -> None:
    """Wait until the dashboard shows that many accounts that need reconnect, each once."""
    expect(session(page)).to_have_count(count)
    rows = session(page).evaluate_all("(rows) => rows.map(({ dataset }) => [dataset.topic, dataset.status])")
    assert {status for _, status in rows} == {"needs_reconnect"}
    assert len({topic for topic, _ in rows}) == count
    page.wait_for_function("() => localStorage.getItem('renvault_migration_completed') !== null")


def accounts(page: Page) -> list[str]:
    found: list[str] = facade(
        page, "renvault.encryptedSessionStorage.retrieveAllSessions().flatMap(({ accounts }) => accounts)"
    )
    return sorted(found)


CAIP = sorted(f"stacks:{'2147483648' if address.startswith('ST') else '1'}:{address}" for address in ADDRESSES.values())


def test_old_sessions_become_accounts_that_need_reconnect_and_their_entries_go(journey: Journey) -> None:
    before = planted(journey)
    page = journey.open_dapp()

    migrated(page)

    assert accounts(page) == CAIP
    left = page.evaluate(UNITS)
    assert left == {key: units for key, units in before.items() if key not in OURS}
    backups = facade(page, "renvault.sessionMigrationService.listBackups()")
    assert [backup["key"] for backup in backups] == [f"rvb1.{backups[0]['timestamp']}"]
    summary = facade(page, "renvault.sessionMigrationService.generateMigrationSummary()")
    assert (summary["migrationStatus"], summary["newSessionsCount"]) == ("completed", len(ADDRESSES))
    assert any("renvault-recovered-mnemonic" in line for line in summary["recommendations"])
    assert facade(page, "renvault.sessionMigrationService.hasOldSessions()") is False


def test_what_was_brought_along_cannot_be_pinged_and_says_why(journey: Journey) -> None:
    planted(journey)
    page = journey.open_dapp()
    migrated(page)
    row = session(page).first
    topic = row.get_attribute("data-topic")
    expect(row.get_by_role("button", name="Ping")).to_have_attribute("aria-disabled", "true")
    for call in ("extendSession", "pingSession"):
        told = facade(
            page,
            f"await renvault.walletKitSessionIntegration.{call}('{topic}').catch((e) => [e.code, e.message])",
        )
        assert told[0] == "gone"
        assert "Connect the wallet again" in told[1]
    ended = f"renvault.walletKitSessionIntegration.isSessionExpired({{ topic: '{topic}', expiry: 1 }})"
    assert facade(page, ended) is False
    row.get_by_role("button", name="Disconnect").click()
    expect(session(page)).to_have_count(len(ADDRESSES) - 1)


def test_the_way_back_restores_the_exact_bytes_and_a_reload_leaves_them(journey: Journey) -> None:
    before = planted(journey)
    page = journey.open_dapp()
    migrated(page)

    assert facade(page, "await renvault.sessionMigrationService.rollBack()") == len(OURS)

    assert page.evaluate(UNITS) == before
    expect(session(page)).to_have_count(0)
    page.close()
    page = journey.open_dapp()
    page.wait_for_function("() => import('./renvault.js').then((r) => r.sessionManager.getHistory().length > 0)")
    assert page.evaluate(UNITS) == before
    assert facade(page, "renvault.sessionMigrationService.getMigrationStatus().hasMigrated") is False
    report = facade(page, "await renvault.sessionMigrationService.migrateFromOldStorage()")
    assert (report["success"], report["migratedCount"], report["failedCount"]) == (True, 7, 0)
    assert accounts(page) == CAIP


def test_a_dry_run_tells_it_all_and_writes_nothing(journey: Journey) -> None:
    before = planted(journey)
    page = journey.context.new_page()
    page.goto(f"{journey.site.url}wallet.html")  # a page of ours that manages no sessions by itself
    report = facade(page, "await renvault.sessionMigrationService.dryRun()")
    assert (report["success"], report["migratedCount"]) == (True, 7)
    left = page.evaluate(UNITS)
    assert {key: left[key] for key in before} == before
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('rvb1.'))") == []


def test_no_secret_and_no_account_of_other_libraries_is_copied(journey: Journey) -> None:
    logged: list[str] = []
    journey.context.on("console", lambda message: logged.append(message.text))
    planted(journey)
    page = journey.open_dapp()
    migrated(page)
    stored = json.loads(at_rest(page))
    for key in ("blockstack-session", "@stacks/connect", "renvault-recovered-mnemonic"):
        del stored["localStorage"][key]
    shown = page.locator("renvault-session-dashboard").evaluate("(element) => element.shadowRoot.textContent")
    exported = facade(page, "renvault.sessionManager.exportSessions()")
    diagnostics = facade(page, "await renvault.sessionManager.exportDiagnostics()")
    for text in (json.dumps(stored), decoded(json.dumps(stored)), shown, exported, str(diagnostics), *logged):
        assert [secret for secret in (*SECRETS.values(), "canary") if secret in text] == []
    for text in (json.dumps(stored), decoded(json.dumps(stored)), str(diagnostics), *logged):
        assert [address for address in ADDRESSES.values() if address in text] == []


@pytest.mark.parametrize("wait", ["as soon as it shows", "after a reload"])
def test_a_browser_killed_right_after_a_migration_loses_nothing(
    browser: Browser, site: Site, relay: RelayThread, tmp_path: Path, wait: str
) -> None:
    folder = tmp_path / "profile"
    with profile(browser, folder) as context:
        before = planted(Journey(context, site, relay))
    with profile(browser, folder) as context:
        page = Journey(context, site, relay).open_dapp()
        migrated(page)
        if wait == "after a reload":
            page.reload()
            migrated(page)
        kill(folder)
    with profile(browser, folder) as context:
        page = Journey(context, site, relay).open_dapp()
        migrated(page)
        assert accounts(page) == CAIP
        assert facade(page, "await renvault.sessionMigrationService.rollBack()") == len(OURS)
        assert page.evaluate(UNITS) == before
