"""Every word that people read, in one table.

Pure. ``say`` gives a text as children of a node, so that a time or a number can stand where the language wants it;
``word`` gives plain text. A further language is a further table with the same keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .node import Node

LANGUAGE = "en"
DIRECTION = "ltr"

ENGLISH: dict[str, str] = {
    # banner
    "banner.label": "Wallet connection",
    "banner.reconnecting": "Reconnecting to your wallet…",
    "banner.waiting": "{cause} Trying again in {time}.",
    "banner.attempting": "{cause} Trying now…",
    "banner.attempt": "attempt {n} of {max}",
    "banner.safe": "Your session is saved. Your funds are safe.",
    "banner.offline": "You're offline.",
    "banner.offline_more": "Your session is saved; we'll reconnect automatically.",
    "banner.failed": "Couldn't reconnect to your wallet.",
    "banner.reconnected": "Reconnected",
    "banner.retry": "Retry now",
    "banner.dismiss": "Dismiss",
    # the pill, which a dismissed banner becomes
    "pill.waiting": "Trying again in {time}",
    "pill.attempting": "Trying now…",
    "pill.offline": "Offline",
    "pill.failed": "Not connected",
    "pill.reconnected": "Reconnected",
    "pill.full": "Storage full",
    "pill.lost_key": "Key lost",
    "pill.memory": "Not stored",
    # why there is no connection, and what to do: the causes of renvault_web.diagnosis
    "cause.connection_lost": "Not connected to the relay.",
    "cause.relay_unreachable": "Couldn't reach the relay.",
    "cause.offline": "Your network does not answer.",
    "advice.connection_lost": "We'll reconnect automatically.",
    "advice.relay_unreachable": "It may be down, or your network may block it. Check your connection, then try again.",
    "advice.offline": "Check your internet connection.",
    # dashboard
    "dashboard.title": "Wallet sessions",
    "dashboard.empty": "No wallet session yet. Once a wallet approves one, it stays here, across reloads.",
    "dashboard.active": "Active",
    "dashboard.expiring": "Expiring soon",
    "dashboard.total": "In total",
    "light.network": "Network",
    "light.network.online": "online",
    "light.network.offline": "offline",
    "light.relay": "Relay",
    "light.relay.idle": "not needed now",
    "light.relay.connected": "connected",
    "light.relay.proved": "proved {time} ago",
    "light.relay.waiting": "next try in {time}",
    "light.relay.attempting": "attempt {n} of {max}",
    "light.relay.offline": "paused",
    "light.relay.failed": "not reached",
    "light.relay.stopped": "stopped",
    "session.unnamed": "Unnamed wallet",
    "session.no_account": "No account",
    "session.more_accounts": "+{n}",
    "session.primary": "Primary",
    "session.expires": "{time} left",
    "session.expired": "ended {time} ago",
    "session.local": "from an older version",
    "status.active": "Active",
    "status.restoring": "Restoring",
    "status.unknown": "Not confirmed",
    "status.needs_reconnect": "Needs reconnect",
    "status.expired": "Expired",
    "note.restoring": "Checking with your wallet…",
    "note.unknown": "Stored here; your wallet has not confirmed it yet.",
    "note.needs_reconnect": "The account is known, its keys are not. Pair it with your wallet once more.",
    "note.expired": "This session has ended. Pair with your wallet once more.",
    "chain.unknown": "Unknown chain",
    "chain.stacks:1": "Stacks",
    "chain.stacks:2147483648": "Stacks testnet",
    # actions of a session
    "extend": "Extend",
    "extend.pending": "Waiting for your wallet…",
    "extend.done": "Extended",
    "extend.unknown": "Not confirmed: your wallet has not answered yet.",
    "ping": "Ping",
    "ping.pending": "Waiting for an answer…",
    "ping.done": "Answered in {time}",
    "ping.unknown": "No answer. Open your wallet, then try again.",
    "disconnect": "Disconnect",
    "disconnect.pending": "Ending the session…",
    "disconnect.done": "Ended",
    "disconnect.unknown": "Not ended: your wallet has not answered.",
    "failed.refused": "Your wallet refused.",
    "failed.expired": "The session has ended.",
    "failed.gone": "Your wallet no longer knows this session.",
    "failed.unreachable": "No connection to the relay.",
    "failed.client": "No wallet connection is running on this page.",
    "failed.not_started": "Your wallet connection is still starting.",
    "failed.other": "That did not work. Try again.",
    # details
    "details": "Details",
    "details.accounts": "Accounts",
    "details.more": "and {n} more",
    "details.chain": "Chain",
    "details.topic": "Topic",
    "details.wallet": "Wallet page",
    # storage
    "storage.title": "Storage",
    "storage.used": "{used} of {max}",
    "storage.encrypted": "encrypted on this device",
    "storage.keys_in_clear": "The wallet client of this site keeps its keys unencrypted. Remedy: createSdkStorage().",
    "notice.memory": "This browser blocks storage: sessions are kept in memory and end with this page.",
    "notice.full": "Storage is full. Nothing stored is lost. Disconnect sessions that you no longer need.",
    "notice.lost_key.one": "The key of {n} stored session is gone. Reconnect your wallet.",
    "notice.lost_key.other": "The key of {n} stored sessions is gone. Reconnect your wallet.",
    "storage.quarantined.one": "{n} record could not be trusted and is kept aside.",
    "storage.quarantined.other": "{n} records could not be trusted and are kept aside.",
}

_PLACE = re.compile(r"\{(\w+)\}")


def known(key: str) -> bool:
    """Return whether the table has ``key``."""
    return key in ENGLISH


def say(key: str, **parts: Node | str | int) -> list[Node | str]:
    """Return the text of ``key`` as children, with ``parts`` in their places."""
    children: list[Node | str] = []
    text = ""
    for index, piece in enumerate(_PLACE.split(ENGLISH[key])):
        part = parts[piece] if index % 2 else piece
        if isinstance(part, list):
            children += [text, part] if text else [part]
            text = ""
        else:
            text += str(part)
    return [*children, text] if text else children


def word(key: str, **parts: str | int) -> str:
    """Return the text of ``key`` as plain text."""
    return _PLACE.sub(lambda match: str(parts[match[1]]), ENGLISH[key])


def advice_on(cause: str) -> str:
    """Return what a lost connection's cause is, and what can be done, in one line."""
    return f"{word(f'cause.{cause}')} {word(f'advice.{cause}')}"


def notice(kind: str, n: int) -> str:
    """Return what to tell of the storage: ``notice.kind``, about ``n`` records where they are counted."""
    key = f"notice.{kind}"
    return word(key) if known(key) else word(plural(key, n), n=n)


def plural(key: str, n: int) -> str:
    """Return the key for ``n`` things: the languages of the table have one and other."""
    return f"{key}.one" if n == 1 else f"{key}.other"
