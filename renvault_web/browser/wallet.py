"""The Wallet port over one adopted client (``web/src/wallet.ts``).

The adapter never rejects: each call answers ``{"value": …}`` or ``{"error": {"code", "message"}}`` as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..error_text import presentable
from ..errors import WalletError
from ..jsontext import parse_json
from .adapters import json_listener, subscribe_through_proxy, told_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ports import Json, Unsubscribe


class BrowserWallet:
    """A WalletConnect client that the page made."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def sessions(self) -> list[Json]:
        with told_as(WalletError, "The wallet client could not list its sessions"):
            sessions: list[Json] = parse_json(self._adapter.sessions())
        return sessions

    def subscribe(self, listener: Callable[[Json], None]) -> Unsubscribe:
        with told_as(WalletError, "The wallet client could not be listened to"):
            return subscribe_through_proxy(self._adapter.subscribe, json_listener(listener))

    async def extend(self, topic: str, limit: float) -> float:
        return float(_value(await self._adapter.extend(topic, limit * 1000)))

    async def disconnect(self, topic: str, limit: float) -> None:
        _value(await self._adapter.disconnect(topic, limit * 1000))

    async def ping(self, topic: str, limit: float) -> None:
        _value(await self._adapter.ping(topic, limit * 1000))

    async def remove_stale_pairings(self) -> int:
        return int(_value(await self._adapter.removeStalePairings()))

    def keys_sealed(self) -> bool:
        with told_as(WalletError, "The wallet client could not tell where its keys are"):
            return bool(self._adapter.keysSealed())

    def connected(self) -> bool:
        with told_as(WalletError, "The wallet client could not tell whether it is connected"):
            return bool(self._adapter.connected())

    def hold(self) -> bool:
        with told_as(WalletError, "The wallet client could not be held"):
            return bool(self._adapter.hold())

    def release(self) -> None:
        with told_as(WalletError, "The wallet client could not be given back"):
            self._adapter.release()

    async def open(self, limit: float) -> None:
        _value(await self._adapter.open(limit * 1000))

    async def prove(self, limit: float) -> None:
        _value(await self._adapter.prove(limit * 1000))


def _value(answer: str) -> Any:
    outcome = parse_json(answer)
    error = outcome.get("error")
    if error is not None:
        raise WalletError(presentable(str(error.get("message"))), code=str(error.get("code")))
    return outcome.get("value")
