"""Runs inside the bench's page (web/bench/storage.ts): the product's storage, stored to and loaded."""

import json
from dataclasses import replace

import renvault_bridge

from renvault_web.browser.adapters import BrowserCipher, BrowserClock, BrowserStorage, BrowserTabs
from renvault_web.session import WalletSession, parse_session
from renvault_web.storage import EncryptedSessionStorage

ten: list[WalletSession] = []


def product() -> EncryptedSessionStorage:
    """Return the storage as the product makes it."""
    return EncryptedSessionStorage(
        storage=BrowserStorage(renvault_bridge),
        cipher=BrowserCipher(renvault_bridge),
        clock=BrowserClock(),
        tabs=BrowserTabs(renvault_bridge),
    )


opened = product()


def take(text: str) -> None:
    """Take over the ten sessions, with the times of their records."""
    ten.extend(parse_session(body["session"]) for body in json.loads(text))


async def store(count: int) -> int:
    """Store ``count`` sessions one after the other: the ten over and over, each with a topic of its own."""
    await opened.open()
    for number in range(count):
        session = ten[number % len(ten)]
        await opened.store_session(replace(session, topic=f"{number:04x}{session.topic[4:]}"))
    return count


async def load(count: int) -> int:
    """Open a storage of its own; return how many sessions it has."""
    storage = product()
    await storage.open()
    found = len(storage.retrieve_all_sessions())
    storage.close()
    if found != count:
        raise RuntimeError(f"the product loaded {found} sessions, not {count}")
    return found


async def clear(_: int) -> int:
    """Remove all sessions."""
    await opened.open()
    await opened.clear_all_sessions()
    opened.close()
    return 0
