"""A real browser on the built page, a real relay: one of each for the run, a fresh profile for each test."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from dev.chromium import find_chromium, launch_arguments
from dev.relay import RelayThread
from dev.serve import Site

from .sdk_clients import Clients, built

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request

ROOT = Path(__file__).parents[2]

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def relay_thread() -> Iterator[RelayThread]:
    with RelayThread() as relay:
        yield relay


@pytest.fixture
def relay(relay_thread: RelayThread) -> Iterator[RelayThread]:
    """The relay, in good health before and after each test."""
    relay_thread.control("up")
    relay_thread.control("clear")
    yield relay_thread
    relay_thread.control("up")


@pytest.fixture(scope="session")
def site(relay_thread: RelayThread) -> Iterator[Site]:
    with Site(ROOT / "dist", relay_url=relay_thread.url) as site:
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=launch_arguments())
        yield browser
        browser.close()


@dataclass
class Journey:
    """One user on one device: the dapp's page, the wallet's page, and what went wrong unasked."""

    context: BrowserContext
    site: Site
    relay: RelayThread
    dapp_id: str = ""
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note every request to a foreign host and every error in the console that no test asked for."""
        self.context.on("request", self._on_request)
        self.context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def open_dapp(self) -> Page:
        """Open the page and wait until it accepts commands."""
        page = self.context.new_page()
        page.goto(self.site.url)
        expect(page.locator("html[data-renvault=ready]")).to_be_attached()
        return page

    def connect(self, page: Page) -> Page:
        """Connect the demo wallet and approve; return the wallet's page."""
        wallet = self.offer(page)
        wallet.get_by_role("button", name="Approve").click()
        expect(session(page)).to_contain_text("Active")
        return wallet

    def offer(self, page: Page) -> Page:
        """Bring the proposal before the demo wallet's user; return the wallet's page."""
        page.get_by_role("button", name="Connect wallet").click()
        expect(page.get_by_role("link", name="Open demo wallet")).to_be_visible()
        self.dapp_id = self.relay.control("log")["handshakes"][-1]["clientId"]
        with self.context.expect_page() as opened:
            page.get_by_role("link", name="Open demo wallet").click()
        wallet = opened.value
        expect(wallet.get_by_role("button", name="Approve")).to_be_visible()
        return wallet

    def dapp_handshakes(self) -> list[float]:
        """When the dapp's client knocked at the relay since the log was cleared, epoch seconds."""
        log = self.relay.control("log")["handshakes"]
        return [handshake["at"] for handshake in log if handshake["clientId"] == self.dapp_id]

    def _on_request(self, request: Request) -> None:
        own = (self.site.url, self.relay.url, "data:", "blob:")
        if not request.url.startswith(own):
            self.foreign.append(request.url)


def session(page: Page) -> Locator:
    """The one session in the dashboard."""
    return page.locator("renvault-session-dashboard [data-topic]")


def banner(page: Page) -> Locator:
    return page.locator("renvault-reconnect-banner")


def facade(page: Page, expression: str) -> Any:
    """Evaluate ``expression`` on the facade's exports, as a host's script would."""
    return page.evaluate(f"async () => {{ const renvault = await import('./renvault.js'); return {expression}; }}")


@pytest.fixture
def journey(browser: Browser, site: Site, relay: RelayThread) -> Iterator[Journey]:
    context = browser.new_context()
    journey = Journey(context, site, relay)
    journey.watch()
    site.reports.clear()
    yield journey
    context.close()
    assert journey.foreign == [], "the page asked a foreign host"
    assert list(site.reports) == [], "the page broke its own policy"
    assert journey.errors == [], "an error reached the top of a page"


@pytest.fixture(scope="session")
def sdk_clients_script(tmp_path_factory: pytest.TempPathFactory) -> str:
    return built(tmp_path_factory.mktemp("sdk_clients"))


@pytest.fixture
def clients(journey: Journey, sdk_clients_script: str) -> Clients:
    """Pages with real SDK clients, without Python."""
    return Clients(journey, sdk_clients_script)
