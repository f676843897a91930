"""Real SDK clients on pages of the product's origin, without Python: for the tests of the SDK's store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev import bundle

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page, Route

    from .conftest import Journey

NAME = "sdk_clients.js"
SOURCE = "../tests/page/sdk-clients.ts"

# The pages of the product alias the SDK's own store away; here it is what there is to be taken over.
OWN_STORE = "--alias:@walletconnect/keyvaluestorage=./node_modules/@walletconnect/keyvaluestorage/dist/index.es.js"


def built(folder: Path) -> str:
    """Bundle the clients into ``folder``; return the script."""
    bundle.bundle({"sdk_clients": SOURCE}, folder, "--format=esm", OWN_STORE)
    return (folder / NAME).read_text()


@dataclass
class Clients:
    """Pages on which ``sdk``, and by it ``client``, can be had."""

    journey: Journey
    script: str

    def open(self) -> Page:
        """Open a page on which nothing runs yet."""
        page = self.journey.context.new_page()
        page.route(f"**/{NAME}", self._answer)
        self.load(page)
        return page

    def load(self, page: Page) -> None:
        """Load the page anew, as the next start of the same tab."""
        page.goto(f"{self.journey.site.url}renvault.config.json")
        page.evaluate(f"import('./{NAME}')")

    def wallet(self) -> Page:
        """Open a wallet that approves whatever it is asked."""
        page = self.open()
        page.evaluate("async (relay) => { globalThis.kit = await sdk.wallet(relay); }", self.journey.relay.url)
        return page

    def dapp(self, page: Page | None = None, *, make: str = "dapp", **options: Any) -> Page:
        """Start a dapp's client on ``page``, by default on a new one; what it is told stands in ``notices``."""
        page = page or self.open()
        page.evaluate(
            """async ([make, relay, options]) => {
              globalThis.notices = [];
              globalThis.client = await sdk[make](relay, { ...options, onNotice: (text) => notices.push(text) });
            }""",
            [make, self.journey.relay.url, options],
        )
        return page

    def again(self, page: Page, **options: Any) -> None:
        """Load the page anew and start its client."""
        self.load(page)
        self.dapp(page, **options)

    def connect(self, page: Page, wallet: Page) -> str:
        """Make a session; return its topic."""
        uri = page.evaluate("async () => { globalThis.proposed = await sdk.propose(client); return proposed.uri; }")
        wallet.evaluate("(uri) => kit.pair({ uri })", uri)
        topic: str = page.evaluate("proposed.settled")
        wallet.wait_for_function("(topic) => kit.getActiveSessions()[topic]?.acknowledged", arg=topic)
        return topic

    def _answer(self, route: Route) -> None:
        route.fulfill(body=self.script, content_type="text/javascript")


def topics(page: Page) -> list[str]:
    """The sessions that the page's client lists."""
    found: list[str] = page.evaluate("client.session.keys")
    return sorted(found)


def pings(page: Page, topic: str) -> bool:
    """Whether the wallet answers the page on this session."""
    answered: bool = page.evaluate(
        """(topic) => Promise.race([
          client.ping({ topic }).then(() => true, () => false),
          new Promise((resolve) => setTimeout(resolve, 15_000, false)), // the SDK itself waits for five minutes
        ])""",
        topic,
    )
    return answered
