from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from renvault_web.diagnostics import LIMIT, RENVAULT_VERSION, diagnostics
from renvault_web.errors import StorageError
from renvault_web.history import EventHistory
from renvault_web.integration import WalletKitSessionIntegration
from renvault_web.jsontext import write_json
from renvault_web.migration import SessionMigrationService
from renvault_web.reconnection import AutomaticReconnectionService
from renvault_web.redaction import SECRET_ENDINGS, SECRET_NAMES, SECRET_WORDS
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.testing import (
    FakeCipher,
    FakeNetwork,
    FakeSdkStore,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)

DAY = 86_400.0
CANARY = "canary"
LIVE, STORED = "0123456789abcdef" * 4, "fedcba9876543210" * 4
ADDRESS = "SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7"
URI = f"wc:{LIVE}@2?relay-protocol=irn&symKey={'c' * 64}"
SECRETS = [*SECRET_NAMES, *SECRET_ENDINGS, *SECRET_WORDS]


class Page:
    """One page whose every corner can be given something to hide."""

    def __init__(self, clock: ManualClock, *, sdk: FakeSdkStore | None = None, **fields: object) -> None:
        self.storage = MemoryStorage()
        self.cipher = FakeCipher()
        self.sessions = EncryptedSessionStorage(storage=self.storage, cipher=self.cipher, clock=clock)
        self.integration = WalletKitSessionIntegration(clock=clock, storage=self.sessions)
        self.reconnection = AutomaticReconnectionService(clock=clock, network=FakeNetwork())
        self.history = EventHistory(storage=self.storage, cipher=self.cipher, clock=clock)
        self.wallet = FakeWallet(clock, [fake_session(LIVE, clock.now() + 7 * DAY, **fields)])
        self.parts: dict[str, Any] = {
            "clock": clock,
            "storage": self.sessions,
            "integration": self.integration,
            "reconnection": self.reconnection,
            "history": self.history,
            "migration": SessionMigrationService(
                storage=self.storage, sessions=self.sessions, cipher=self.cipher, clock=clock
            ),
            "sdk": sdk,
        }

    async def begin(self) -> Page:
        await self.sessions.open()
        await self.history.open()
        self.history.follow(self.integration, self.reconnection)
        await self.integration.initialize(self.wallet)
        await self.reconnection.initialize(self.wallet)
        await settle()
        return self

    async def end(self) -> None:
        await self.reconnection.destroy()
        await self.integration.destroy()
        self.history.close()

    async def told(self, **parts: Any) -> Any:
        """What is exported, once the page has ended: nothing of it may depend on the order."""
        try:
            return json.loads(write_json(await diagnostics(**self.parts, **parts)))
        finally:
            await self.end()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_old_entries_are_named_and_no_more(clock: ManualClock) -> None:
    page = Page(clock)
    page.storage.set("renvault_wallet_session", "canary")
    page.storage.set("renvault-recovered-mnemonic", "canary")
    page.storage.set("renvault_secure_session", "canary")
    page.storage.set(f"renvault_secure_{ADDRESS}", "canary")
    told = await (await page.begin()).told()
    assert told["oldEntries"] == [
        "renvault_wallet_session",
        "(removed)",
        "renvault_secure_session",
        "renvault-recovered-mnemonic",
    ]
    assert CANARY not in json.dumps(told)


async def test_it_says_how_things_stand(clock: ManualClock) -> None:
    sdk = FakeSdkStore(entries={"wc@2:core:0.3//keychain": {"client_ed25519_seed": "x", "topic": "key"}})
    page = await Page(clock, sdk=sdk).begin()
    told = await page.told(problems={"migration": "It failed."}, page={"visible": True})
    assert list(told) == [
        "timestamp",
        "versions",
        "page",
        "configuration",
        "problems",
        "connection",
        "sessions",
        "storage",
        "sdk",
        "oldEntries",
        "history",
        "explanation",
    ]
    assert told["timestamp"] == 1_700_000_000_000
    assert told["versions"]["renvault"] == RENVAULT_VERSION
    assert told["versions"]["record"] == 1
    assert told["page"] == {"visible": True}
    assert told["problems"] == {"migration": "It failed."}
    assert told["configuration"]["storage"] == {
        "maxStorageSize": 10 * 1024 * 1024,
        "encryptionEnabled": True,
        "compressionEnabled": True,
    }
    assert told["configuration"]["reconnection"]["maxAttempts"] == 5
    assert told["connection"]["state"] == "connected"
    assert told["connection"]["supervised"] is True
    assert told["sessions"] == [
        {
            "session": "session 1",
            "status": "active",
            "live": True,
            "expired": False,
            "secondsLeft": 604_800,
            "accounts": 1,
            "namespaces": 1,
            "caip": True,
        }
    ]
    assert told["storage"]["statistics"]["totalSessions"] == 1
    [record] = [one for one in told["storage"]["records"] if one["kind"] == "session"]
    assert (record["state"], record["records"], record["reasons"]) == ("ok", 1, {})
    assert record["bytes"] > 0
    assert told["sdk"] == {"used": True, "entries": {"keychain": len('{"topic":"key"}')}}
    assert [one["kind"] for one in told["history"]] == ["page_started", "session_created", "connection", "connection"]
    assert told["history"][1] == {"at": 1_700_000_000_000, "kind": "session_created", "session": "session 1"}


async def test_sessions_have_the_numbers_that_the_history_gives_them(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    await clock.advance(1)
    page.wallet.settle_session(fake_session(STORED, clock.now() + DAY))
    await clock.advance(1)
    page.wallet.delete_from_peer(LIVE)
    await clock.advance(1)
    told = await page.told()
    assert [(one["kind"], one["session"]) for one in told["history"] if "session" in one] == [
        ("session_created", "session 1"),
        ("session_created", "session 2"),
        ("session_deleted", "session 1"),
    ]
    assert [one["session"] for one in told["sessions"]] == ["session 2"]
    assert told["explanation"][0] == "1 second ago: The wallet ended session 1."


async def test_records_that_cannot_be_read_are_counted_with_the_reason(clock: ManualClock) -> None:
    page = Page(clock)
    page.storage.set("rv1.a", "!")
    page.storage.set("rv1.b", "nonsense!")
    await page.begin()
    told = await page.told()
    broken = [one for one in told["storage"]["records"] if one["state"] == "unreadable"]
    assert sum(one["records"] for one in broken) == 2
    assert sum(count for one in broken for count in one["reasons"].values()) == 2
    assert told["storage"]["statistics"]["quarantined"] == 2


async def test_nobody_can_be_found_in_it(clock: ManualClock) -> None:
    planted = dict.fromkeys(SECRETS, CANARY) | {"deep": [{name: [CANARY]} for name in SECRETS]}
    metadata = {"name": CANARY, "url": f"https://{CANARY}.example", "icons": [f"https://x.example/{CANARY}.png"]}
    sdk = FakeSdkStore(
        entries={
            "wc@2:core:0.3//keychain": {LIVE: CANARY},
            f"wc@2:core:0.3:{CANARY}//pairing": [URI],
            f"{CANARY}//{CANARY}": CANARY,
        }
    )
    page = await Page(
        clock, sdk=sdk, peer={"publicKey": CANARY, "metadata": metadata}, note=CANARY, uri=URI, **planted
    ).begin()
    private = f"{URI} {ADDRESS} stacks:1:{ADDRESS} https://icons.example/{CANARY}.png {STORED}"
    for name in SECRETS:
        page.history.note("secret", text=json.dumps({"deep": {name: CANARY}}), **{name: CANARY})
    page.history.note("session_error", topic=LIVE, message=private)
    page.wallet.emit("session_error", topic=LIVE, message=f"{private} symKey={CANARY}")
    page.wallet.kill_relay(f"closed 1006 wss://relay.example/?auth={CANARY} {private}")
    await clock.advance(0.5)
    page.storage.set(f"rv1.{CANARY}", CANARY)
    problems = {"storage": private, f"part {ADDRESS}": f"password={CANARY}"}

    told = await page.told(problems=problems, page={"url": f"https://host.example/{CANARY}", "seed": CANARY, "x": URI})

    text = json.dumps(told)
    assert told["connection"]["lastError"].startswith("closed 1006 "), (
        "the rest of a message is there, or this test looks at nothing"
    )
    assert told["sdk"]["entries"].keys() == {"keychain", "pairing", "others"}
    for secret in (CANARY, LIVE[:8], STORED[:8], ADDRESS[:6], "c" * 16, "example", "icons"):
        assert secret not in text


async def test_a_part_that_cannot_tell_says_so_and_the_others_are_there(clock: ManualClock) -> None:
    sdk = FakeSdkStore()
    sdk.fail_after(0)
    page = await Page(clock, sdk=sdk).begin()
    page.sessions.close()
    told = await page.told()
    assert told["sdk"] == {"error": "The SDK's store does not answer."}
    assert told["storage"]["error"].startswith("The session storage is not open")
    assert told["connection"]["state"] == "connected"


class Silent(FakeSdkStore):
    """A database that never answers."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    async def entries(self) -> Any:
        await self._clock.sleep(10_000)
        raise StorageError("Too late.")


async def test_a_part_that_does_not_answer_is_given_up(clock: ManualClock) -> None:
    page = await Page(clock, sdk=Silent(clock)).begin()
    task = asyncio.ensure_future(diagnostics(**page.parts))
    await clock.advance(LIMIT)
    told = await task
    await page.end()
    assert told["sdk"] == {"error": "The browser did not finish within 15 s. Nothing is lost; try again."}
    assert told["storage"]["statistics"]["totalSessions"] == 1


async def test_without_our_store_for_the_sdk_it_says_so(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    assert (await page.told())["sdk"] == {"used": False}


def test_the_version_is_the_package_s() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert re.findall(r'^version = "(.*)"$', project, re.MULTILINE) == [RENVAULT_VERSION]
