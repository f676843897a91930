"""Whatever happens, and in any order: what a page is told is the state as it is, made anew as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from renvault_web.gateway import Gateway
from renvault_web.manager import SessionManager
from renvault_web.sections import Sections
from renvault_web.session import parse_session
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.testing import (
    FakeCipher,
    FakeNetwork,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TOPICS = A, B, C = "a" * 64, "b" * 64, "c" * 64


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.wallet = FakeWallet(self.clock, [fake_session(A, self.clock.now() + 90), fake_session(B, 4e9)])
        self.network = FakeNetwork()
        self.storage, self.cipher = MemoryStorage(), FakeCipher()
        self.manager = SessionManager(clock=self.clock, storage=self.storage, cipher=self.cipher, network=self.network)
        self.state: dict[str, Any] = {}
        self.kept = Sections(self.manager)
        self.gateway = Gateway(manager=self.manager, clock=self.clock, wallet=lambda _: self.wallet, send=self.take)
        self.numbers = 0

    async def start(self) -> None:
        """Start with a session that the client does not list: what it is good for changes, and nothing else of it."""
        earlier = EncryptedSessionStorage(storage=self.storage, cipher=self.cipher, clock=self.clock)
        await earlier.open()
        await earlier.store_session(parse_session(fake_session(C, 4e9)))
        earlier.close()
        await self.manager.start()
        self.gateway.start()

    def take(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "state":
            self.state |= message["sections"]

    def call(self, method: str, *args: object) -> None:
        self.numbers += 1
        message = {"type": "call", "id": self.numbers, "method": method, "args": json.dumps(args)}
        self.gateway.receive(json.dumps(message))

    def update(self, topic: str) -> None:
        for session in self.wallet.sessions():
            if session["topic"] == topic:
                self.numbers += 1
                changed = {**session, "accounts": [f"eip155:1:0x{self.numbers:040x}"], "namespaces": {}}
                self.wallet.emit("session_update", topic=topic, id=self.numbers, session=changed)

    def extend(self, topic: str) -> None:
        self.call("integration.extendSession", topic)
        if any(session["topic"] == topic for session in self.wallet.sessions()):
            self.wallet.acknowledge(topic)


Step = tuple[str, "Callable[[World, str], Awaitable[object] | None]"]

STEPS: list[Step] = [
    ("initialize", lambda world, _: world.call("manager.initialize", 1)),
    ("destroy", lambda world, _: world.call("manager.destroy")),
    ("settle", lambda world, topic: world.wallet.settle_session(fake_session(topic, world.clock.now() + 90))),
    ("update", lambda world, topic: world.update(topic)),
    ("extend", lambda world, topic: world.extend(topic)),
    ("disconnect", lambda world, topic: world.call("integration.disconnectSession", topic)),
    ("delete", lambda world, topic: world.wallet.emit("session_delete", topic=topic, id=9)),
    ("primary", lambda world, topic: world.call("integration.setPrimarySession", topic)),
    ("store", lambda world, topic: world.call("storage.storeSession", topic, {"expiry": world.clock.now() + 70})),
    ("remove", lambda world, topic: world.call("storage.removeSession", topic)),
    ("clear", lambda world, _: world.call("manager.clearAllSessions")),
    ("drop", lambda world, _: world.wallet.drop()),
    ("offline", lambda world, _: world.network.say(online=False)),
    ("online", lambda world, _: world.network.say(online=True)),
    ("wait", lambda world, _: world.clock.advance(1)),
    ("wait long", lambda world, _: world.clock.advance(45)),
]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(TOPICS)), max_size=12))
async def test_no_change_is_missed(steps: list[tuple[Step, str]]) -> None:
    world = World()
    await world.start()
    try:
        assert world.kept.texts() == Sections(world.manager).texts()
        for (_, step), topic in steps:
            waits = step(world, topic)
            if waits is not None:
                await waits
            assert world.kept.texts() == Sections(world.manager).texts()
            await settle()
            world.call("page.nothing")  # an error is an answer too, and the state comes before it
            await settle()
            assert world.kept.texts() == (now := Sections(world.manager).texts())
            assert {name: world.state[name] for name in now} == {name: json.loads(text) for name, text in now.items()}
    finally:
        world.gateway.close()
        await world.manager.destroy()
