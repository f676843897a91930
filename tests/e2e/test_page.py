"""The page itself: what it shows before Python, the policy it lives under, what it leaves nowhere."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from playwright.sync_api import expect

from .conftest import banner, facade, session

if TYPE_CHECKING:
    from .conftest import Journey


def test_the_last_known_status_is_painted_before_python_is_up(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    kept: dict[str, Any] = json.loads(page.evaluate("localStorage.getItem('renvault:status')"))
    assert sorted(kept) == ["at", "sessions", "state"], "state, count and time, no account"

    facade(page, "await renvault.sessionManager.destroy()")
    assert json.loads(page.evaluate("localStorage.getItem('renvault:status')")) == kept, "stopping forgets nothing"

    page.route("**/runtime/*", lambda route: route.abort())
    page.reload()
    expect(page.locator("#status")).to_contain_text("1 session, connected")
    expect(page.locator("html[data-renvault=failed]")).to_be_attached()
    expect(page.locator("renvault-session-dashboard")).to_contain_text("Your sessions cannot be shown")
    assert page.evaluate("performance.getEntriesByName('renvault:status-painted').length") == 1


def test_without_python_a_host_is_told_the_cause_and_the_wallet_goes_on(journey: Journey) -> None:
    journey.context.route("**/runtime/stdlib.zip", lambda route: route.abort())
    page = journey.context.new_page()
    page.goto(journey.site.url)
    expect(page.locator("html[data-renvault=failed]")).to_be_attached()
    told = facade(page, "await renvault.sessionManager.ready().catch((error) => `${error.code}: ${error.message}`)")
    assert told.startswith("boot: Python could not start: ")
    page.get_by_role("button", name="Connect wallet").click()
    expect(page.get_by_role("link", name="Open demo wallet")).to_be_visible()
    assert set(journey.errors) <= {"Failed to fetch"}, "Pyodide leaves its own failed request unhandled"
    journey.errors.clear()


def test_the_policy_is_the_promised_one(journey: Journey) -> None:
    with urlopen(journey.site.url) as answer:
        header = answer.headers["Content-Security-Policy"]
    policy = {name: value.split() for name, _, value in (part.strip().partition(" ") for part in header.split(";"))}
    relay = journey.relay.url.removeprefix("ws://").rstrip("/")
    assert policy["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert policy["require-trusted-types-for"] == ["'script'"]
    assert policy["default-src"] == ["'none'"]
    assert policy["connect-src"] == ["'self'", f"ws://{relay}", f"http://{relay}"]


def test_a_break_of_the_policy_would_be_reported(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate("document.body.append(Object.assign(new Image(), { src: 'https://elsewhere.example/x.png' }))")
    journey.context.new_page().goto(journey.site.url)  # a second round to the server: the report was sent before
    for _ in range(100):
        if journey.site.reports:
            break
        page.evaluate("new Promise((resolve) => requestAnimationFrame(resolve))")
    assert [report["blocked-uri"] for report in journey.site.reports] == ["https://elsewhere.example/x.png"]
    journey.site.reports.clear()
    journey.foreign.clear()


def test_the_pairing_address_leaves_no_trace_in_page_log_or_address_bar(journey: Journey) -> None:
    page = journey.open_dapp()
    logged: list[str] = []
    journey.context.on("console", lambda message: logged.append(message.text))
    wallet = journey.offer(page)
    link = page.get_by_role("link", name="Open demo wallet")
    [key] = re.findall(r"symKey%3D([0-9a-f]{64})", link.get_attribute("href") or "")
    assert wallet.url == f"{journey.site.url}wallet.html"
    assert key not in page.url
    wallet.get_by_role("button", name="Approve").click()
    expect(session(page)).to_contain_text("Active")
    for shown in (page, wallet):
        assert key not in shown.content()
        assert key not in json.dumps(shown.evaluate("({ ...sessionStorage, state: history.state })"))
    assert [text for text in logged if key in text] == []


def test_nothing_private_is_logged_in_a_whole_session(journey: Journey) -> None:
    logged: list[str] = []
    journey.context.on("console", lambda message: logged.append(message.text))
    page = journey.open_dapp()
    journey.connect(page)
    [held] = facade(page, "renvault.sessionManager.getActiveSessions()")
    address = held["accounts"][0].rsplit(":", 1)[1]
    journey.relay.control("reset")
    expect(banner(page)).to_contain_text("attempt 1 of 5")
    journey.relay.control("up")
    expect(banner(page)).to_contain_text("Reconnected")
    session(page).get_by_role("button", name="Disconnect").click()
    expect(session(page)).to_have_count(0)
    assert [text for text in logged if held["topic"] in text or address in text] == []
