"""Diagnostics: one JSON that a user can show to others; it says how things stand and names nobody.

Sessions have numbers, the same as in the history beside them. There is no topic, account, address, key, URI, nor
anything that a wallet says about itself; of the SDK's entries there are known names and sizes, never a value. Texts go
through ``redaction``. A part that cannot tell says so, and the others are there all the same.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from . import wire
from .chronicle import pseudonym, session_names
from .errors import RenvaultError
from .jsontext import write_json
from .record import VERSION as RECORD_VERSION
from .redaction import anonymous, anonymous_text
from .session import is_expired
from .timing import answered_within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .history import EventHistory
    from .integration import WalletKitSessionIntegration
    from .migration import SessionMigrationService
    from .ports import Clock, Json, SdkStore
    from .reconnection import AutomaticReconnectionService
    from .storage import EncryptedSessionStorage

RENVAULT_VERSION = "0.1.0"

LIMIT = 15.0
"""Seconds that one part may take to tell how it stands."""

MOST_OLD_ENTRIES = 100
"""Keys of older builds and other libraries that are named."""

NAMED_SDK_ENTRIES = frozenset(
    {
        "keychain",
        "expirer",
        "history",
        "messages",
        "messages_withoutClientAck",
        "pairing",
        "subscription",
        "session",
        "proposal",
        "request",
        "event-client",
    }
)
"""What the SDK calls its entries; others are counted together."""


async def diagnostics(
    *,
    clock: Clock,
    storage: EncryptedSessionStorage,
    integration: WalletKitSessionIntegration,
    reconnection: AutomaticReconnectionService,
    history: EventHistory,
    migration: SessionMigrationService,
    sdk: SdkStore | None = None,
    problems: Mapping[str, str] | None = None,
    page: Json | None = None,
) -> Json:
    """Return how everything stands, JSON-ready and redacted.

    ``problems``: the parts that do not work, each with a line. ``page``: plain flags of the page, by name.
    """
    await history.read()
    noted = history.entries()
    names = session_names(noted)
    for session in integration.get_all_sessions():
        names.setdefault(pseudonym(session.topic), f"session {len(names) + 1}")
    parts: dict[str, Callable[[], Awaitable[Any]]] = {
        "storage": lambda: _storage(storage),
        "sdk": lambda: _sdk(sdk),
        "oldEntries": lambda: _old_entries(migration),
    }
    told = {name: await _told(clock, part) for name, part in parts.items()}
    return {
        "timestamp": wire.milliseconds(clock.now()),
        "versions": {
            "renvault": RENVAULT_VERSION,
            "python": ".".join(map(str, sys.version_info[:3])),
            "platform": sys.platform,
            "record": RECORD_VERSION,
        },
        "page": anonymous(page or {}),
        "configuration": {
            "reconnection": wire.reconnection_config_to_js(reconnection.get_config()),
            "storage": wire.storage_config_to_js(storage.get_config()),
        },
        "problems": anonymous(problems or {}),
        "connection": _connection(reconnection),
        "sessions": _sessions(clock, integration, names),
        **told,
        "history": [{"at": wire.milliseconds(one.at), "kind": one.kind, **_named(one.facts, names)} for one in noted],
        "explanation": list(history.explain()),
    }


async def _told(clock: Clock, part: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await answered_within(clock, LIMIT, part())
    except RenvaultError as error:
        return {"error": anonymous_text(str(error))}


def _connection(reconnection: AutomaticReconnectionService) -> Json:
    status = wire.reconnection_status_to_js(reconnection.get_status())
    restored = len(status.pop("restoredTopics"))
    error = status["lastError"]
    return {
        **status,
        "lastError": None if error is None else anonymous_text(error),
        "restored": restored,
        "online": reconnection.is_online_now(),
    }


def _sessions(clock: Clock, integration: WalletKitSessionIntegration, names: Mapping[str, str]) -> list[Json]:
    now, live, listed = clock.now(), integration.live_topics, []
    for session in integration.get_all_sessions():
        status = integration.session_status(session.topic)
        listed.append(
            {
                "session": names[pseudonym(session.topic)],
                "status": None if status is None else status.value,
                "live": session.topic in live,
                "expired": is_expired(session, now),
                "secondsLeft": round(session.expiry - now),
                "accounts": len(session.accounts),
                "namespaces": len(session.namespaces or {}),
                "caip": session.is_caip,
            }
        )
    return listed


async def _storage(storage: EncryptedSessionStorage) -> Json:
    reports = await storage.verify()
    kinds: dict[tuple[str, str], Json] = {}
    for report in reports:
        found = kinds.setdefault(
            (report.kind, report.state.value),
            {"kind": report.kind, "state": report.state.value, "records": 0, "bytes": 0, "reasons": Counter[str]()},
        )
        found["records"] += 1
        found["bytes"] += report.size
        if report.reason:
            found["reasons"][anonymous_text(report.reason)] += 1
    return {
        "statistics": wire.storage_statistics_to_js(storage.get_statistics()),
        "records": [{**found, "reasons": dict(found["reasons"].most_common(5))} for _, found in sorted(kinds.items())],
    }


async def _sdk(sdk: SdkStore | None) -> Json:
    if sdk is None:
        return {"used": False}
    sizes = Counter[str]()
    for key, value in (await sdk.entries()).values.items():
        name = key.rpartition("//")[2]
        sizes[name if name in NAMED_SDK_ENTRIES else "others"] += len(write_json(value))
    return {"used": True, "entries": dict(sizes)}


async def _old_entries(migration: SessionMigrationService) -> list[str]:
    """Return the names alone: even what an entry is good for says something of its value."""
    return [anonymous_text(entry.key) for entry in migration.old_entries()[:MOST_OLD_ENTRIES]]


def _named(facts: Mapping[str, Any], names: Mapping[str, str]) -> Json:
    return {name: names.get(str(fact), "a session") if name == "session" else fact for name, fact in facts.items()}
