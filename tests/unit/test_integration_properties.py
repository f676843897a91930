"""Whatever the client, its wallet, the clock, other pages and the user do, and in any order: each end is told once."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from renvault_web.errors import RenvaultError
from renvault_web.integration import SESSION_EVENTS, WalletKitSessionIntegration
from renvault_web.session import SessionStatus
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.testing import FakeCipher, FakeWallet, ManualClock, MemoryStorage, fake_session, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

TOPICS = A, B = "a" * 64, "b" * 64
ENDS = {"session_deleted", "session_expired"}


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.storage = EncryptedSessionStorage(storage=MemoryStorage(), cipher=FakeCipher(), clock=self.clock)
        self.wallet = FakeWallet(self.clock, [fake_session(A, self.clock.now() + 40)])
        self.service = WalletKitSessionIntegration(clock=self.clock, storage=self.storage)
        self.told: dict[str, list[str]] = {topic: [] for topic in TOPICS}
        self.settled = {A}
        self.calls: list[asyncio.Task[Any]] = []
        for name in SESSION_EVENTS:
            self.service.on(name, partial(self.hear, name))

    def hear(self, name: str, event: dict[str, Any]) -> None:
        if event["topic"] is not None:
            self.told[event["topic"]].append(name)

    def call(self, work: Coroutine[Any, Any, object]) -> None:
        async def quiet() -> None:
            with contextlib.suppress(RenvaultError):
                await work

        self.calls.append(asyncio.ensure_future(quiet()))

    def settle_session(self, topic: str) -> None:
        if topic not in self.settled:  # a topic is a hash of fresh keys: it never comes twice
            self.settled.add(topic)
            self.wallet.settle_session(fake_session(topic, self.clock.now() + 40))

    def update(self, topic: str) -> None:
        for session in self.wallet.sessions():
            if session["topic"] == topic:
                self.wallet.emit("session_update", topic=topic, id=7, session=session)

    def acknowledge(self, topic: str) -> None:
        if any(session["topic"] == topic for session in self.wallet.sessions()):
            self.wallet.acknowledge(topic)

    async def extend_elsewhere(self, topic: str) -> None:
        session = self.service.get_session(topic)
        if session is not None and topic in self.service.live_topics:
            await self.storage.store_session(session.with_expiry(session.expiry + 40))

    def lone_delete(self, topic: str) -> None:
        self.wallet.forget(topic)
        self.wallet.emit("session_delete", topic=topic, id=0)

    def stale_extend(self, topic: str) -> None:
        if topic in self.settled:
            self.wallet.emit("session_extend", topic=topic, session=fake_session(topic, self.clock.now() + 40))


def on_wallet(name: str) -> Callable[[World, str], object]:
    return lambda world, topic: getattr(world.wallet, name)(topic)


def on_service(name: str) -> Callable[[World, str], object]:
    return lambda world, topic: world.call(getattr(world.service, name)(topic))


ACTIONS: dict[str, Callable[[World, str], object]] = {
    "settle": World.settle_session,
    "update": World.update,
    "late acknowledgement": World.acknowledge,
    "another page extends it": lambda world, topic: world.call(world.extend_elsewhere(topic)),
    "lone delete": World.lone_delete,
    "stale extend": World.stale_extend,
    "delete from peer": on_wallet("delete_from_peer"),
    "expire": on_wallet("expire"),
    "forget": on_wallet("forget"),
    "extend": on_service("extend_session"),
    "ping": on_service("ping_session"),
    "disconnect": on_service("disconnect_session"),
    "reconcile": lambda world, _: world.call(world.service.reconcile()),
    "another page ends it": lambda world, topic: world.service.end_from_tab(topic),
    "the host removes the record": lambda world, topic: world.call(world.storage.remove_session(topic)),
    "silence": lambda world, _: world.wallet.script("extend", "silent", "silent"),
}

STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTIONS)), st.sampled_from(TOPICS), st.sampled_from([0, 0, 1, 3, 60, 0.2, 20])),
    min_size=5,
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
async def test_each_session_ends_once_and_book_client_and_storage_agree(
    steps: list[tuple[str, str, float]],
) -> None:
    world = World()
    await world.storage.open()
    await world.service.initialize(world.wallet)
    for action, topic, pause in steps:
        ACTIONS[action](world, topic)
        if pause >= 1:
            for _ in range(int(pause) % 7):
                await asyncio.sleep(0)
        if pause in (0.2, 20):
            await world.clock.advance(pause)
    await world.clock.advance(16)
    await asyncio.gather(*world.calls)
    await world.service.reconcile()
    await settle()

    for topic, told in world.told.items():
        ends = [name for name in told if name in ENDS]
        assert len(ends) <= 1
        assert told.count("session_created") <= 1
        if ends:
            assert told[-1] == ends[0], "nothing is told of a session after its end"
            assert topic not in world.service.live_topics
            assert not world.storage.has_session(topic)
        elif topic in world.settled and topic in {session["topic"] for session in world.wallet.sessions()}:
            assert world.service.session_status(topic) is SessionStatus.ACTIVE
    await world.service.destroy()
    world.storage.close()
