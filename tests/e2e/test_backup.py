"""Sessions out of one browser and into another: a live one in a passphrase file, and what a page saves in a hurry."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyrage
import pytest
from playwright.sync_api import expect

from .conftest import Journey, facade, session
from .test_facade import bare

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIXTURES = Path(__file__).parents[1] / "fixtures"

PASSPHRASE = "seven crows over a bätterie"

KEYCHAIN = "wc@2:core:0.3//keychain"

EXPORT = f"btoa(String.fromCharCode(...await renvault.sessionManager.exportBackup({json.dumps(PASSPHRASE)})))"

OUTCOME = """.then((report) => ({ report }), ({ code, message }) => ({ code, message }))"""


def export(page: Page) -> bytes:
    return base64.b64decode(facade(page, EXPORT))


def restore(page: Page, file: bytes, passphrase: str = PASSPHRASE) -> Any:
    """Import a backup; return ``{"report"}``, or ``{"code", "message"}`` of the error."""
    data = base64.b64encode(file).decode()
    given = f"Uint8Array.from(atob('{data}'), (one) => one.charCodeAt(0)), {json.dumps(passphrase)}"
    return facade(page, f"await renvault.sessionManager.importBackup({given}){OUTCOME}")


def listed(page: Page) -> list[str]:
    topics: list[str] = facade(page, "renvault.sessionManager.getActiveSessions().map(({ topic }) => topic)")
    return topics


def test_a_live_session_moves_to_another_browser(journey: Journey, browser: Browser) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    [topic] = listed(page)
    keychain = facade(page, f"await renvault.createSdkStorage().getItem('{KEYCHAIN}')")
    assert "client_ed25519_seed" in keychain, "the secret itself is needed, or this test looks for nothing"

    file = export(page)

    # What the age format says, and what another implementation of it finds inside.
    assert file.startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert file.splitlines()[1].endswith(b" 18")
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(file, PASSPHRASE.upper())
    text = pyrage.passphrase.decrypt(file, PASSPHRASE).decode()
    content = json.loads(text)
    assert sorted(content) == ["sdk", "sessions", "timestamp", "version"]
    assert [one["topic"] for one in content["sessions"]] == [topic]
    assert content["sdk"][KEYCHAIN][topic] == keychain[topic]
    assert "client_ed25519_seed" not in text
    assert keychain["client_ed25519_seed"] not in text
    assert {key.rpartition("//")[2] for key in content["sdk"]} <= {
        "keychain",
        "pairing",
        "subscription",
        "expirer",
        "session",
    }

    page.close()  # the first device is gone; the wallet lives on
    context = browser.new_context()
    try:
        other = Journey(context, journey.site, journey.relay)
        other.watch()
        fresh = other.open_dapp()
        assert listed(fresh) == []
        wrong = restore(fresh, file, "not the passphrase")
        assert wrong == {"code": "passphrase", "message": "The passphrase does not fit."}
        assert restore(fresh, b"no such file")["code"] == "file"

        outcome = restore(fresh, file)
        assert outcome["report"] == {
            "imported": 1,
            "updated": 0,
            "skipped": 0,
            "failed": 0,
            "details": [{"topic": topic, "outcome": "imported"}],
            "needsReload": True,
        }
        expect(session(fresh)).to_contain_text("Needs reconnect")

        fresh.reload()
        expect(session(fresh)).to_contain_text("Active")
        assert listed(fresh) == [topic]
        session(fresh).get_by_role("button", name="Ping").click()
        expect(session(fresh)).to_contain_text("Answered in")
        seed = facade(fresh, f"(await renvault.createSdkStorage().getItem('{KEYCHAIN}')).client_ed25519_seed")
        assert seed != keychain["client_ed25519_seed"], "two browsers must not share one name at the relay"
        assert (other.foreign, other.errors) == ([], [])
    finally:
        context.close()


def test_a_file_that_another_age_program_made_is_read(journey: Journey) -> None:
    page = journey.open_dapp()
    # Made once by rage, with one session: it fits the work to the machine, and may ask for more than we take.
    made_by_rage = (FIXTURES / "made-by-rage.age").read_bytes()

    outcome = restore(page, made_by_rage)

    assert (outcome["report"]["imported"], outcome["report"]["needsReload"]) == (1, False)
    assert facade(page, "renvault.encryptedSessionStorage.hasSession('a'.repeat(64))") is True


def test_what_makes_the_files_is_loaded_when_it_is_used(journey: Journey) -> None:
    page = bare(journey)  # the demo's own scripts come later, too
    facade(page, "await renvault.sessionManager.ready()")
    scripts: list[str] = []
    page.on("request", lambda request: scripts.append(request.url))
    refused = facade(
        page, "await renvault.sessionManager.exportBackup('short').catch(({ code, message }) => [code, message])"
    )
    assert refused == ["config", "The passphrase must have at least 12 characters; four or five words are good."]
    assert scripts == []

    file = export(page)

    assert len(scripts) == 1
    assert json.loads(pyrage.passphrase.decrypt(file, PASSPHRASE))["sessions"] == []


# The guide's emergency backup, with the form that holds no secret and needs no time.
SAVE_ON_UNLOAD = """async () => {
  const { sessionManager } = await import('./renvault.js');
  addEventListener('pagehide', () => {
    sessionStorage.setItem('emergency-backup', sessionManager.exportSessions({ sealed: true }));
    for (const key of Object.keys(localStorage)) if (key.startsWith('rv1.')) localStorage.removeItem(key);
  });
}"""


def test_what_is_saved_while_the_page_goes_comes_back_with_the_next(journey: Journey) -> None:
    page = journey.open_dapp()
    stored = "{ topic: 'b'.repeat(64), expiry: Date.now() + 86400000, accounts: ['stacks:1:SPCANARY'] }"
    facade(page, f"await renvault.encryptedSessionStorage.storeSession('b'.repeat(64), {stored})")
    page.evaluate(SAVE_ON_UNLOAD)

    page.reload()
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()

    assert facade(page, "renvault.encryptedSessionStorage.retrieveAllSessions()") == []
    saved = page.evaluate("sessionStorage.getItem('emergency-backup')")
    assert "SPCANARY" not in saved
    assert "bbbb" not in saved
    report = facade(page, f"await renvault.sessionManager.importSessions({json.dumps(saved)})")
    assert (report["imported"], report["failed"]) == (1, 0)
    [back] = facade(page, "renvault.encryptedSessionStorage.retrieveAllSessions()")
    assert (back["topic"], back["accounts"]) == ("b" * 64, ["stacks:1:SPCANARY"])
