"""What every Wallet does: the fake here; in the page a real client, with its relay and its peer in other hands.

There the harness offers them as the JavaScript module ``renvault_bridge_testing``: ``wallet()`` gives an adapter
(``web/src/wallet.ts``), ``peer()`` the hands, an object of async functions named and meant as those of ``Hands``.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

from renvault_web.errors import WalletError
from renvault_web.session import SESSION_PERIOD, parse_session
from renvault_web.testing import FakeWallet, ManualClock, fake_session, settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from renvault_web.ports import Json, Wallet

T = TypeVar("T")

LIMIT = 3.0  # s, for calls that are to succeed
SHORT = 0.5  # s, for calls that are to fail by their limit


class Hands(Protocol):
    """What happens outside of the client."""

    async def connect(self) -> str:
        """Let the peer approve a new session; return its topic."""
        ...

    async def ignoreExtends(self) -> None:  # noqa: N802 - JavaScript's name
        """Let the peer keep silent on extends."""
        ...

    async def answerExtends(self) -> None:  # noqa: N802
        """Let the peer answer extends again, those that wait too."""
        ...

    async def refuseExtends(self) -> None:  # noqa: N802
        """Let the peer say no to the next extend."""
        ...

    async def remove(self, topic: str) -> None:
        """Let the peer end a session."""
        ...

    async def killRelay(self) -> None:  # noqa: N802
        """Close every connection of the relay, and let none in."""
        ...

    async def relayUp(self) -> None:  # noqa: N802
        """Let connections in again."""
        ...

    async def attempts(self) -> int:
        """Return how many connection attempts the client has made."""
        ...


class FakeHands:
    """The hands of a FakeWallet."""

    def __init__(self, wallet: FakeWallet, clock: ManualClock) -> None:
        self._wallet = wallet
        self._clock = clock
        self._count = 0

    async def connect(self) -> str:
        self._count += 1
        topic = f"{self._count:064x}"
        self._wallet.settle_session(fake_session(topic, self._clock.now() + SESSION_PERIOD))
        return topic

    async def ignoreExtends(self) -> None:  # noqa: N802
        self._wallet.approves_extend = False

    async def answerExtends(self) -> None:  # noqa: N802
        self._wallet.approves_extend = True
        for session in self._wallet.sessions():
            self._wallet.acknowledge(session["topic"])

    async def refuseExtends(self) -> None:  # noqa: N802
        self._wallet.script("extend", WalletError("The wallet refused.", code="refused"))

    async def remove(self, topic: str) -> None:
        self._wallet.delete_from_peer(topic)

    async def killRelay(self) -> None:  # noqa: N802
        self._wallet.kill_relay()

    async def relayUp(self) -> None:  # noqa: N802
        self._wallet.relay_up()

    async def attempts(self) -> int:
        return self._wallet.opens


class Bench:
    """A wallet, the hands, and the events so far."""

    def __init__(self, wallet: Wallet, hands: Hands, clock: ManualClock | None) -> None:
        self.wallet = wallet
        self.hands = hands
        self._clock = clock
        self.events: list[Json] = []
        self.stop = wallet.subscribe(self.events.append)

    async def now(self, call: Awaitable[T]) -> T:
        """Await a call, letting time pass where it does not by itself."""
        task = asyncio.ensure_future(call)
        while self._clock is not None and not task.done():
            await self._clock.advance(0.1)
        return await task

    async def passes(self, seconds: float) -> None:
        if self._clock is not None:
            await self._clock.advance(seconds)
        else:
            await asyncio.sleep(seconds)

    async def until(self, name: str) -> Json:
        """Wait for an event; return and forget it and those before it."""
        for _ in range(60):
            for number, event in enumerate(self.events):
                if event["event"] == name:
                    del self.events[: number + 1]
                    return event
            await self.passes(0.05)
        raise AssertionError(f"no {name} came, but {[event['event'] for event in self.events]}")

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    def topics(self) -> list[str]:
        return [session["topic"] for session in self.wallet.sessions()]

    async def fails(self, call: Awaitable[object]) -> str:
        """Return the code a call fails with."""
        with pytest.raises(WalletError) as failed:
            await self.now(call)
        return failed.value.code


@asynccontextmanager
async def connected() -> AsyncIterator[Bench]:
    """A client that is connected and has no session."""
    if sys.platform == "emscripten":
        import renvault_bridge_testing

        from renvault_web.browser.wallet import BrowserWallet

        adapter = await renvault_bridge_testing.wallet()
        hands: Any = await renvault_bridge_testing.peer()
        bench = Bench(BrowserWallet(adapter), hands, None)
    else:
        clock = ManualClock()
        wallet = FakeWallet(clock)
        bench = Bench(wallet, FakeHands(wallet, clock), clock)
    try:
        yield bench
    finally:
        bench.stop()
        bench.wallet.release()
        await bench.hands.relayUp()
        await settle()
        if sys.platform == "emscripten":
            await hands.close()


# Sessions


async def test_a_settled_session_is_listed_and_told() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        told = await bench.until("session_connect")
        assert told["topic"] == topic
        listed = bench.wallet.sessions()
        assert [session["topic"] for session in listed] == [topic]
        assert told["session"] == listed[0]
        session = parse_session(listed[0])
        assert session.accounts
        assert session.is_caip
        assert session.wallet_name
        assert 1e9 < listed[0]["expiry"] < 1e11, "an expiry is epoch seconds"


async def test_an_acknowledged_extend_gives_the_expiry_that_the_client_holds() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        before = bench.wallet.sessions()[0]["expiry"]
        await bench.passes(1.1)
        expiry = await bench.now(bench.wallet.extend(topic, LIMIT))
        assert expiry == bench.wallet.sessions()[0]["expiry"]
        assert 1 <= expiry - before < 60
        assert "session_extend" not in bench.names(), "what was asked for here is not told"


async def test_an_extend_without_an_answer_changes_nothing_until_it_comes() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        before = bench.wallet.sessions()[0]["expiry"]
        await bench.passes(1.1)
        await bench.hands.ignoreExtends()
        assert await bench.fails(bench.wallet.extend(topic, SHORT)) == "unknown"
        assert bench.wallet.sessions()[0]["expiry"] == before
        await bench.hands.answerExtends()
        told = await bench.until("session_extend")
        assert told["topic"] == topic
        assert told["session"]["expiry"] == bench.wallet.sessions()[0]["expiry"] > before


async def test_an_extend_that_the_peer_refuses_changes_nothing() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        before = bench.wallet.sessions()[0]["expiry"]
        await bench.passes(1.1)
        await bench.hands.refuseExtends()
        assert await bench.fails(bench.wallet.extend(topic, LIMIT)) == "refused"
        assert bench.wallet.sessions()[0]["expiry"] == before


async def test_a_ping_is_answered() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        await bench.now(bench.wallet.ping(topic, LIMIT))


async def test_calls_for_an_unknown_session_say_that_it_is_gone() -> None:
    async with connected() as bench:
        assert await bench.fails(bench.wallet.ping("0" * 64, LIMIT)) == "gone"
        assert await bench.fails(bench.wallet.extend("0" * 64, LIMIT)) == "gone"


async def test_a_disconnect_deletes_the_session_and_again_is_success() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        await bench.now(bench.wallet.disconnect(topic, LIMIT))
        assert bench.topics() == []
        await bench.now(bench.wallet.disconnect(topic, LIMIT))


async def test_a_disconnect_without_a_relay_deletes_here_within_its_limit() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        bench.wallet.hold()
        await bench.hands.killRelay()
        await bench.until("relay_disconnect")
        await bench.now(bench.wallet.disconnect(topic, SHORT))
        assert bench.topics() == []


async def test_a_session_that_the_peer_ends_is_told_with_an_id_and_gone() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        await bench.hands.remove(topic)
        told = await bench.until("session_delete")
        assert told["topic"] == topic
        assert told["id"]
        assert bench.topics() == []


async def test_stale_pairings_are_counted() -> None:
    async with connected() as bench:
        assert await bench.now(bench.wallet.remove_stale_pairings()) >= 0


# The transport


async def test_a_living_relay_proves_itself() -> None:
    async with connected() as bench:
        await bench.hands.connect()
        assert bench.wallet.connected() is True
        await bench.now(bench.wallet.prove(LIMIT))


async def test_a_lost_relay_is_told_once_while_held() -> None:
    async with connected() as bench:
        await bench.hands.connect()
        assert bench.wallet.hold() is True
        await bench.hands.killRelay()
        told = await bench.until("relay_disconnect")
        assert isinstance(told["message"], str)
        await bench.passes(0.3)
        assert "relay_disconnect" not in bench.names()
        assert bench.wallet.connected() is False
        assert await bench.fails(bench.wallet.prove(SHORT)) == "unreachable"


async def test_held_only_our_attempts_are_made_one_each() -> None:
    async with connected() as bench:
        topic = await bench.hands.connect()
        bench.wallet.hold()
        before = await bench.hands.attempts()
        await bench.hands.killRelay()
        await bench.until("relay_disconnect")
        assert await bench.fails(bench.wallet.open(LIMIT)) == "unreachable"
        assert await bench.fails(bench.wallet.ping(topic, SHORT)) in {"unreachable", "unknown"}
        await bench.passes(1.5)
        assert await bench.hands.attempts() == before + 1
        await bench.hands.relayUp()
        await bench.passes(1.5)
        assert (bench.wallet.connected(), await bench.hands.attempts()) == (False, before + 1)
        await bench.now(bench.wallet.open(LIMIT))
        await bench.until("relay_connect")
        assert (bench.wallet.connected(), await bench.hands.attempts()) == (True, before + 2)
        await bench.now(bench.wallet.prove(LIMIT))
        await bench.now(bench.wallet.ping(topic, LIMIT))


async def test_an_open_connection_needs_no_attempt() -> None:
    async with connected() as bench:
        await bench.hands.connect()
        bench.wallet.hold()
        before = await bench.hands.attempts()
        await bench.now(bench.wallet.open(LIMIT))
        assert (bench.wallet.connected(), await bench.hands.attempts()) == (True, before)


async def test_not_held_the_client_comes_back_by_itself() -> None:
    async with connected() as bench:
        await bench.hands.connect()
        await bench.hands.killRelay()
        await bench.until("relay_disconnect")
        await bench.hands.relayUp()
        await bench.until("relay_connect")
        assert bench.wallet.connected() is True


async def test_given_back_the_client_comes_back_by_itself() -> None:
    async with connected() as bench:
        await bench.hands.connect()
        bench.wallet.hold()
        await bench.hands.killRelay()
        await bench.until("relay_disconnect")
        await bench.hands.relayUp()
        bench.wallet.release()
        await bench.until("relay_connect")
        assert bench.wallet.connected() is True


async def test_after_the_unsubscribe_nothing_is_heard() -> None:
    async with connected() as bench:
        bench.stop()
        bench.stop()
        await bench.hands.connect()
        assert bench.events == []
