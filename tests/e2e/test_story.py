"""The whole story, with the real SDKs on both sides, over the real relay protocol, in one go."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from .conftest import banner, facade, session

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Journey

SCHEDULE = [1.0, 1.5, 2.25, 3.375]  # seconds from the loss, and from each failure, to the next attempt


def wallet_expiry(wallet: Page) -> str | None:
    return wallet.locator("#wallet-sessions time").get_attribute("datetime")


def test_a_session_lives_from_the_first_handshake_to_the_wallets_farewell(journey: Journey) -> None:
    page = journey.open_dapp()
    wallet = journey.connect(page)
    expect(session(page)).to_have_count(1)
    expect(session(page)).to_contain_text("Demo wallet")

    # Reload: the session is back before any wallet could answer, then proved by the wallet itself.
    page.reload()
    expect(session(page)).to_contain_text("Active")
    session(page).get_by_role("button", name="Ping").click()
    expect(session(page)).to_contain_text("Answered in")

    # Extend: the wallet's own record moves.
    before = wallet_expiry(wallet)
    session(page).get_by_role("button", name="Extend").click()
    expect(session(page)).to_contain_text("Extended")
    expect(wallet.locator("#wallet-sessions time")).not_to_have_attribute("datetime", before or "")

    outage(journey, page)

    # The network goes and comes, for real and by the browser's word alone: one attempt each, ours.
    journey.relay.control("clear")
    journey.context.set_offline(True)
    expect(banner(page)).to_contain_text("offline")
    journey.context.set_offline(False)
    expect(banner(page)).to_contain_text("Reconnected")
    assert len(journey.dapp_handshakes()) == 1
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(banner(page)).to_contain_text("offline")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(banner(page)).to_contain_text("Reconnected")
    assert len(journey.dapp_handshakes()) == 2
    expect(session(page)).to_contain_text("Active")

    # The wallet ends the session: gone here too, and in the records.
    wallet.get_by_role("button", name="End session").click()
    expect(session(page)).to_have_count(0)
    expect(wallet.locator("#wallet-sessions li")).to_have_count(0)
    assert facade(page, "renvault.encryptedSessionStorage.retrieveAllSessions()") == []
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('rv1.')).length") == 0


def outage(journey: Journey, page: Page) -> None:
    """The relay cuts everybody off: our attempts come on the schedule, and nobody else makes one."""
    facade(page, "renvault.automaticReconnectionService.updateConfig({ jitter: 0 })")
    journey.relay.control("clear")
    lost_at = time.time()
    journey.relay.control("reset")
    expect(banner(page)).to_contain_text("attempt 2 of 5")
    session(page).get_by_role("button", name="Ping").click()
    expect(session(page)).to_contain_text("No connection to the relay")
    expect(banner(page)).to_contain_text("attempt 3 of 5")
    journey.relay.control("up")
    expect(banner(page)).to_contain_text("Reconnected")
    expect(session(page)).to_contain_text("Active")

    moments = [lost_at, *journey.dapp_handshakes()]
    waits = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert len(waits) == len(SCHEDULE), "three cut off, one that went through, no other"
    for wait, planned in zip(waits, SCHEDULE, strict=True):
        assert planned - 0.05 <= wait <= planned + 1.0, "never early; a busy machine may be late"
    session(page).get_by_role("button", name="Ping").click()
    expect(session(page)).to_contain_text("Answered in")
