"""What the page remembers of what happened, what it tells others of itself, and its debug lines: nobody is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from .conftest import banner, facade, session
from .test_at_rest import codings

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Journey

HISTORY = "renvault.sessionManager.getHistory()"


def diagnostics(page: Page) -> Any:
    return json.loads(facade(page, "await renvault.sessionManager.exportDiagnostics()"))


def test_why_was_i_disconnected_has_an_answer_after_a_reload(journey: Journey) -> None:
    page = journey.open_dapp()
    wallet = journey.connect(page)
    journey.relay.control("reset")
    expect(banner(page)).to_contain_text("attempt 2 of 5")
    journey.relay.control("up")
    expect(banner(page)).to_contain_text("Reconnected")
    wallet.get_by_role("button", name="End session").click()
    expect(session(page)).to_have_count(0)
    facade(page, "await renvault.sessionManager.destroy()")  # writes what is not written yet

    page.reload()
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()

    told = diagnostics(page)
    lines = [line.partition(": ")[2] for line in told["explanation"]]
    assert lines.index("The page was opened or loaded again.") == 0
    assert "The wallet ended session 1." in lines
    lost = next(line for line in lines if line.startswith("The connection to the relay was lost."))
    assert lines.index("The wallet ended session 1.") < lines.index(lost) < lines.index("Session 1 was connected.")
    kinds = [(one["kind"], one.get("state") or one.get("by")) for one in told["history"]]
    assert ("session_deleted", "wallet") in kinds
    assert ("connection", "waiting") in kinds
    assert [one["kind"] for one in told["history"]].count("page_started") == 2
    seen = [one["kind"] for one in facade(page, HISTORY)]  # the connection may come meanwhile
    assert seen[: len(told["history"])] == [one["kind"] for one in told["history"]]


def test_two_pages_at_once_keep_what_each_has_noted(journey: Journey) -> None:
    pages = [journey.open_dapp(), journey.open_dapp()]
    for page in pages:
        page.evaluate("dispatchEvent(new Event('offline'))")
        page.reload()
        expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    for page in pages:
        names = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('rvh1.'))")
        assert len(names) == len(set(names)) >= 2
        assert [one["kind"] for one in diagnostics(page)["history"]].count("page_started") >= 3


def test_diagnostics_of_a_live_session_name_nobody(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    [held] = facade(page, "renvault.sessionManager.getActiveSessions()")
    keychain = facade(page, "await renvault.createSdkStorage().getItem('wc@2:core:0.3//keychain')")
    assert held["topic"] in keychain, "the secrets themselves are needed, or this test looks for nothing"

    told = diagnostics(page)

    text = json.dumps(told)
    [one] = told["sessions"]
    assert (one["status"], one["live"], one["accounts"]) == ("active", True, len(held["accounts"]))
    assert told["storage"]["statistics"]["totalSessions"] == 1
    assert {record["state"] for record in told["storage"]["records"]} == {"ok"}
    assert told["sdk"]["entries"]["keychain"] > 0
    assert told["connection"]["supervised"] is True
    assert (told["page"]["visible"], told["page"]["indexedDb"]) == (True, True)
    metadata = held["peer"]["metadata"]
    private = [held["topic"], held["pairingTopic"], held["peer"]["publicKey"], metadata["name"], metadata["url"]]
    private += [*metadata["icons"], *(account.rpartition(":")[2] for account in held["accounts"])]
    private += [topic[:8] for topic in (held["topic"], held["pairingTopic"])]
    secrets = [coding for secret in keychain.values() for coding in codings(secret)]
    assert [secret for secret in (*private, *secrets) if secret and secret in text] == []
    assert [topic for topic in keychain if topic in text and topic != "client_ed25519_seed"] == []
    history = json.dumps(facade(page, HISTORY))
    assert [secret for secret in (*private, *secrets) if secret and secret in history] == []


def test_debug_lines_come_when_they_are_asked_for(journey: Journey) -> None:
    page = journey.open_dapp()
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text))
    page.evaluate("localStorage.setItem('DEBUG', 'walletkit:history')")
    page.reload()
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    journey.connect(page)
    [topic] = facade(page, "renvault.sessionManager.getActiveSessions().map(({ topic }) => topic)")
    ours = [line for line in lines if "walletkit:" in line]
    assert any("session_created" in line for line in ours)
    assert [line for line in ours if not line.startswith("walletkit:history ")] == []
    assert [line for line in lines if topic in line] == []

    page.evaluate("localStorage.removeItem('DEBUG')")
    lines.clear()
    page.reload()
    expect(session(page)).to_contain_text("Active")
    assert [line for line in lines if "walletkit:" in line] == []


def test_a_hostile_debug_setting_stops_nothing(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate("localStorage.setItem('DEBUG', '*a'.repeat(1e6))")
    page.reload()
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    assert page.evaluate("localStorage.getItem('DEBUG').length") == 2_000_000
