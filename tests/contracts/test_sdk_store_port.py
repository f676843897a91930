"""What every SdkStore does: the fake here, the sealed database of the SDK's entries in the page."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from renvault_web.jsontext import write_json
from renvault_web.ports import SdkEntries
from renvault_web.testing import FakeCipher, FakeSdkStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from renvault_web.ports import Cipher, SdkStore

    Write = Callable[[str, object], Awaitable[None]]

KEYCHAIN = "wc@2:core:0.3//keychain"
SESSION = "wc@2:client:0.3//session"


@pytest.fixture
def cipher() -> Cipher:
    if sys.platform == "emscripten":
        import renvault_bridge

        from renvault_web.browser.adapters import BrowserCipher

        found: Cipher = BrowserCipher(renvault_bridge)
        return found
    return FakeCipher()


@pytest.fixture
def store(cipher: Cipher) -> SdkStore:
    if sys.platform == "emscripten":
        import renvault_bridge

        from renvault_web.browser.sdk_store import BrowserSdkStore

        found: SdkStore = BrowserSdkStore(renvault_bridge)
        return found
    return FakeSdkStore(cipher)


@pytest.fixture
def write(store: SdkStore) -> Write:
    """What the SDK's client does."""

    async def write(key: str, value: Any) -> None:
        if isinstance(store, FakeSdkStore):
            store.write(key, value)
        else:
            import renvault_bridge_testing

            await renvault_bridge_testing.sdkWrite(key, json.dumps(value))

    return write


async def test_without_a_client_it_is_empty(store: SdkStore) -> None:
    await store.forget()
    assert (await store.entries()).values == {}
    assert await store.key_ids() == []
    assert await store.reseal() == 0


async def test_entries_come_as_the_sdk_wrote_them(store: SdkStore, write: Write) -> None:
    await store.forget()
    session = [{"topic": "a" * 64, "expiry": 1, "peer": {"metadata": {"name": "é \U0001f600"}}}]
    await write(SESSION, session)
    await write("wc@2:core:0.1//event-client", {"empty": {}, "list": [None, 1.5, "123n"]})
    assert (await store.entries()).values == {
        SESSION: session,
        "wc@2:core:0.1//event-client": {"empty": {}, "list": [None, 1.5, "123n"]},
    }


async def test_the_client_seed_stays_inside(store: SdkStore, write: Write) -> None:
    await store.forget()
    await write(KEYCHAIN, {"client_ed25519_seed": "secret", "a" * 64: "b" * 64})
    assert (await store.entries()).values == {KEYCHAIN: {"a" * 64: "b" * 64}}


async def test_what_is_staged_is_no_entry_before_the_sdk_starts(store: SdkStore, cipher: Cipher) -> None:
    await store.forget()
    await store.stage({SESSION: [{"topic": "a" * 64}]})
    assert (await store.entries()).values == {}
    assert await store.key_ids() == [cipher.key_id]


async def test_it_names_the_key_of_its_records(store: SdkStore, write: Write, cipher: Cipher) -> None:
    await store.forget()
    await write(SESSION, [])
    await write(KEYCHAIN, {})
    assert await store.key_ids() == [cipher.key_id]


async def test_forgotten_nothing_is_left(store: SdkStore, write: Write) -> None:
    await store.forget()
    await write(SESSION, [{"topic": "a" * 64}])
    await store.stage({SESSION: [{"topic": "b" * 64}]})
    await store.forget()
    assert (await store.entries()).values == {}
    assert await store.key_ids() == []


async def test_reseal_leaves_the_entries_as_they_are_under_the_new_key(
    store: SdkStore, write: Write, cipher: Cipher
) -> None:
    await store.forget()
    await write(SESSION, [{"topic": "a" * 64}])
    await store.stage({SESSION: [{"topic": "b" * 64}]})
    old = cipher.key_id
    await cipher.rotate()
    assert await store.key_ids() == [old]
    assert await store.reseal() == 2
    assert await store.key_ids() == [cipher.key_id]
    assert cipher.key_id != old
    assert await store.reseal() == 0
    assert (await store.entries()).values == {SESSION: [{"topic": "a" * 64}]}


async def test_what_nests_too_deep_is_left_out_and_counted_not_its_map(store: SdkStore, write: Write) -> None:
    await store.forget()
    good, topic = {"topic": "a" * 64, "mine": nested(85)}, "b" * 64
    await write(SESSION, [good, {"topic": topic, "mine": nested(90)}, {"topic": "c" * 64, "mine": nested(150)}])
    await write(KEYCHAIN, {topic: "key", "odd": nested(150)})
    found = await store.entries()
    assert found == SdkEntries({SESSION: [good], KEYCHAIN: {topic: "key"}}, unreadable=0, left_out=2)
    write_json({"version": "", "sdk": found.values})
    await store.stage(found.values)


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 1


@pytest.mark.skipif(sys.platform != "emscripten", reason="a dict has no JSON to read")
async def test_a_value_that_is_no_map_is_left_out_as_a_whole(store: SdkStore, write: Write) -> None:
    await store.forget()
    await write("deep", nested(150))
    await write("other", 1)
    assert await store.entries() == SdkEntries({"other": 1})
