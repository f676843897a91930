"""axe-core finds nothing in what a user meets, light and dark, narrow and wide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .conftest import banner, session

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Journey

AXE = (Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js").read_text("utf-8")


def findings(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("async () => JSON.stringify((await axe.run()).violations)")
    return [f"{one['id']}: {node['html']}" for one in json.loads(found) for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_axe_finds_nothing(journey: Journey, scheme: str, width: int) -> None:
    page = journey.open_dapp()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of the two
    page.set_viewport_size({"width": width, "height": 900})
    assert findings(page) == [], "empty"
    wallet = journey.offer(page)
    assert findings(page) == [], "pairing"
    assert findings(wallet) == [], "the wallet's proposal"
    wallet.get_by_role("button", name="Approve").click()
    expect(session(page)).to_contain_text("Active")
    assert findings(page) == [], "one session"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no horizontal scroll"
    journey.relay.control("reset")
    expect(banner(page)).to_contain_text("attempt 1 of 5")
    assert findings(page) == [], "reconnecting"
    journey.context.set_offline(True)
    expect(banner(page)).to_contain_text("offline")
    assert findings(page) == [], "offline"
    journey.relay.control("up")
    journey.context.set_offline(False)
    expect(banner(page)).to_contain_text("Reconnected")
    assert findings(page) == [], "reconnected"


def test_the_banner_works_by_keyboard_and_never_takes_the_focus(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    ping = session(page).get_by_role("button", name="Ping")
    ping.focus()
    journey.relay.control("kill")
    expect(banner(page)).to_contain_text("attempt 1 of 5")
    expect(ping).to_be_focused()
    dismiss = banner(page).get_by_role("button", name="Dismiss")
    dismiss.focus()
    page.keyboard.press("Enter")
    expect(dismiss).to_have_count(0)
    expect(banner(page)).to_contain_text("Trying")
    journey.relay.control("up")
    expect(session(page)).to_contain_text("Active")


def test_by_keyboard_the_focus_goes_back_to_where_it_was_when_the_banners_button_goes(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    disconnect, details = session(page).get_by_role("button", name="Disconnect"), session(page).locator("summary")
    journey.relay.control("kill")
    expect(banner(page).get_by_role("alert")).to_contain_text("Couldn't reconnect", timeout=40_000)
    dismiss, retry = (banner(page).get_by_role("button", name=name) for name in ("Dismiss", "Retry now"))
    disconnect.focus()
    for reached in (details, dismiss, retry):
        page.keyboard.press("Tab")
        expect(reached).to_be_focused()
    journey.relay.control("up")
    page.keyboard.press("Enter")
    expect(banner(page)).to_contain_text("Reconnected")
    expect(retry).to_have_count(0)
    expect(details).to_be_focused()


def test_by_keyboard_the_focus_goes_to_the_heading_when_the_only_session_goes(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    session(page).get_by_role("button", name="Disconnect").focus()
    page.keyboard.press("Enter")
    expect(session(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="Wallet sessions")).to_be_focused()


def test_after_the_last_attempt_the_banner_says_so_and_retry_now_works(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    journey.relay.control("kill")
    expect(banner(page).get_by_role("alert")).to_contain_text("Couldn't reconnect", timeout=40_000)
    assert findings(page) == [], "failed"
    journey.relay.control("up")
    banner(page).get_by_role("button", name="Retry now").click()
    expect(banner(page)).to_contain_text("Reconnected")
    session(page).get_by_role("button", name="Ping").click()
    expect(session(page)).to_contain_text("Answered in")
