"""Things that go wrong on real devices: each ends in a clear message, and the page goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .conftest import facade, session

if TYPE_CHECKING:
    from .conftest import Journey

NO_INDEXED_DB = """Object.defineProperty(window, 'indexedDB', {
  configurable: true, get() { throw new DOMException('blocked', 'SecurityError') },
})"""
NO_LOCAL_STORAGE = NO_INDEXED_DB.replace("indexedDB", "localStorage")


@pytest.mark.parametrize("blocked", [NO_INDEXED_DB, NO_LOCAL_STORAGE], ids=["IndexedDB", "localStorage"])
def test_without_a_store_sessions_live_as_long_as_the_page_and_it_says_so(journey: Journey, blocked: str) -> None:
    journey.context.add_init_script(blocked)
    page = journey.open_dapp()
    expect(page.locator("renvault-session-dashboard")).to_contain_text("end with this page")
    journey.connect(page)
    assert facade(page, "renvault.encryptedSessionStorage.getStatistics().persistent") is False


def test_a_config_that_is_not_json_is_named_and_the_page_goes_on(journey: Journey) -> None:
    journey.context.route("**/renvault.config.json", lambda route: route.fulfill(body="{relayUrl: oops"))
    page = journey.open_dapp()
    expect(page.locator("#notice")).to_contain_text("renvault.config.json")
    expect(page.get_by_role("button", name="Connect wallet")).to_be_enabled()


def test_a_relay_that_cannot_be_reached_is_named(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.relay.control("kill")
    page.get_by_role("button", name="Connect wallet").click()
    expect(page.locator("#notice")).to_contain_text("relay", timeout=30_000)
    journey.relay.control("up")
    journey.connect(page)


def test_a_wallet_that_rejects_is_told_and_leaves_nothing(journey: Journey) -> None:
    page = journey.open_dapp()
    wallet = journey.offer(page)
    wallet.get_by_role("button", name="Reject").click()
    expect(page.locator("#pairing-status, #notice").filter(has_text=re.compile("declined"))).to_be_visible()
    expect(session(page)).to_have_count(0)
    journey.connect(page)


def test_a_pairing_code_that_has_expired_is_told_on_both_sides(journey: Journey) -> None:
    page = journey.context.new_page()
    page.clock.install()
    page.goto(journey.site.url)
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    page.get_by_role("button", name="Connect wallet").click()
    link = page.get_by_role("link", name="Open demo wallet")
    expect(link).to_be_visible()
    address = link.get_attribute("href") or ""
    page.clock.fast_forward(301_000)
    expect(page.get_by_text("expired")).to_be_visible()

    wallet = journey.context.new_page()
    old = re.sub(r"expiryTimestamp%3D\d+", "expiryTimestamp%3D1700000000", address)
    wallet.goto(f"{journey.site.url}{old.removeprefix('./')}")
    expect(wallet.locator("#wallet-status")).to_contain_text("expired")


def test_a_damaged_record_is_left_alone_and_the_others_load(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    page.evaluate("localStorage.setItem('rv1.AAAAAAAAAAAAAAAAAAAAAA', 'AQEB not a record')")
    page.reload()
    expect(session(page)).to_contain_text("Active")
    assert facade(page, "renvault.encryptedSessionStorage.getStatistics().quarantined") == 1
    assert page.evaluate("localStorage.getItem('rv1.AAAAAAAAAAAAAAAAAAAAAA')") == "AQEB not a record"


def test_a_pairing_that_was_cancelled_and_then_approved_leaves_no_session(journey: Journey) -> None:
    page = journey.open_dapp()
    wallet = journey.offer(page)
    page.get_by_role("button", name="Cancel").click()
    wallet.get_by_role("button", name="Approve").click()
    expect(wallet.locator("#wallet-status")).to_contain_text("The page has ended the session.")
    expect(wallet.locator("#wallet-sessions li")).to_have_count(0)
    expect(session(page)).to_have_count(0)
    assert facade(page, "renvault.sessionManager.getActiveSessions()") == []
