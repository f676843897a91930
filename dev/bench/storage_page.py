"""Runs inside the bench's page (web/bench/storage.ts): the product's storage, stored to and loaded."""

import json

import renvault_bridge

from renvault_web.browser.adapters import BrowserCipher, BrowserClock, BrowserStorage, BrowserTabs
from renvault_web.browser.loop import QuickTurns
from renvault_web.session import WalletSession, parse_session
from renvault_web.storage import EncryptedSessionStorage

QuickTurns(renvault_bridge)  # the loop as the product has it

many: list[WalletSession] = []


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
    """Take over the sessions to store; new times are made for their records."""
    many.extend(parse_session(body["session"]) for body in json.loads(text))


async def store(start: int, count: int) -> int:
    """Store ``count`` sessions from number ``start`` on, one after the other."""
    if start == 0:
        await opened.open()
    for session in many[start : start + count]:
        await opened.store_session(session)
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


async def clear() -> int:
    """Remove all sessions."""
    await opened.open()
    await opened.clear_all_sessions()
    opened.close()
    return 0
