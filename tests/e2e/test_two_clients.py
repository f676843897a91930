"""Two tabs of one profile, each with a real SDK client on the one store: no session is lost (STO-9, STO-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .sdk_clients import pings, topics

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .sdk_clients import Clients

# What tells a map that is merged from any other value (web/src/sdk-merge.ts), as it stands in every bundle.
MERGED_KEYS = r"/^wc@2:(core|client):.*\/\/(\w+)$/s"


def pair_in_both(clients: Clients) -> tuple[Page, Page, list[str], str]:
    """Pair a second session in one tab, while the other extends the first and starts a third pairing; reload both."""
    wallet = clients.wallet()
    one = clients.dapp()
    first = clients.connect(one, wallet)
    other = clients.dapp()
    assert topics(other) == [first]
    second = clients.connect(one, wallet)
    pairing: str = other.evaluate(
        """async (topic) => {
          const { acknowledged } = await client.extend({ topic });
          await acknowledged();
          const { uri } = await sdk.propose(client);
          return uri.slice('wc:'.length, uri.indexOf('@'));
        }""",
        first,
    )
    for page in (one, other):
        clients.again(page)
    return one, other, [first, second], pairing


def test_a_session_paired_in_one_tab_while_the_other_writes_is_there_in_both_and_pings(clients: Clients) -> None:
    one, other, sessions, pairing = pair_in_both(clients)
    for page in (one, other):
        assert topics(page) == sorted(sessions)
        assert page.evaluate("client.core.pairing.pairings.keys").count(pairing) == 1
        assert page.evaluate("(topic) => client.core.crypto.keychain.has(topic)", pairing)
    for page in (one, other):
        assert [pings(page, topic) for topic in sessions] == [True, True]
    assert [page.evaluate("notices") for page in (one, other)] == [[], []]


def test_without_merging_the_session_would_be_lost(clients: Clients) -> None:
    assert clients.script.count(MERGED_KEYS) == 1
    clients.script = clients.script.replace(MERGED_KEYS, "/^never$/")
    one, _, (first, second), _ = pair_in_both(clients)
    assert topics(one) == [first]
    assert not one.evaluate("(topic) => client.core.crypto.keychain.has(topic)", second)


def test_a_session_that_one_tab_ended_does_not_come_back_by_the_other(clients: Clients) -> None:
    wallet = clients.wallet()
    one = clients.dapp()
    ended, kept = clients.connect(one, wallet), clients.connect(one, wallet)
    other = clients.dapp()
    one.evaluate("(topic) => client.disconnect({ topic, reason: { code: 6000, message: 'Ended.' } })", ended)
    other.evaluate("(topic) => client.extend({ topic }).then(({ acknowledged }) => acknowledged())", kept)
    other.evaluate("(topic) => client.session.update(topic, { expiry: 2_000_000_000 })", kept)
    for page in (one, other):
        clients.again(page)
        assert topics(page) == [kept]
        assert not page.evaluate("(topic) => client.core.crypto.keychain.has(topic)", ended)
        assert pings(page, kept)


def test_a_session_whose_subscription_another_tab_has_ended_is_heard_after_the_next_start(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    page.evaluate("(topic) => client.core.relayer.subscriber.unsubscribe(topic)", topic)
    clients.again(page)
    assert topics(page) == [topic]
    assert pings(page, topic)
