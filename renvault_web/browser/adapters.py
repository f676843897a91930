"""The browser behind five ports: clock, storage, cipher, network and tabs.

Each adapter is a thin face over one object of the bridge (``web/src/bridge.ts``). Only text, numbers and JSON cross.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from base64 import b64decode, b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pyodide.ffi import JsException, create_proxy

from ..errors import StorageError, StorageFullError
from ..jsontext import parse_json
from .answers import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..errors import RenvaultError
    from ..ports import Json, Unsubscribe

_log = logging.getLogger(__name__)


class BrowserClock:
    """The device's clocks."""

    def now(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.perf_counter()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class BrowserStorage:
    """``localStorage``, or the bridge's memory where the browser keeps that from us."""

    def __init__(self, bridge: Any) -> None:
        self._storage = bridge.storage

    @property
    def persistent(self) -> bool:
        return bool(self._storage.persistent)

    def get(self, key: str) -> str | None:
        with told_as(StorageError, "The browser could not read a record"):
            value = self._storage.get(key)
        return value if isinstance(value, str) else None  # JavaScript's null is not Python's None

    def set(self, key: str, value: str) -> None:
        outcome: str = self._storage.set(key, value)
        if outcome == "full":
            raise StorageFullError(
                "The browser has no more room for this site. Remove stored data you no longer need; "
                "what was stored is still there."
            )
        if outcome:
            raise StorageError(f"The browser could not store a record ({outcome}).")

    def remove(self, key: str) -> None:
        with told_as(StorageError, "The browser could not remove a record"):
            self._storage.remove(key)

    def keys(self) -> list[str]:
        with told_as(StorageError, "The browser could not list the records"):
            return list(self._storage.keys().to_py())


class BrowserCipher:
    """WebCrypto under keys that JavaScript cannot read either."""

    def __init__(self, bridge: Any) -> None:
        self._cipher = bridge.cipher

    @property
    def persistent(self) -> bool:
        return bool(self._cipher.persistent)

    @property
    def key_id(self) -> bytes:
        return b64decode(self._cipher.keyId)

    @property
    def key_created_at(self) -> float:
        return float(self._cipher.keyCreatedAt) / 1000

    def key_ids(self) -> list[bytes]:
        return [b64decode(key_id) for key_id in json.loads(self._cipher.keyIds())]

    async def tags(self, messages: Sequence[bytes]) -> list[bytes]:
        return [b64decode(tag) for tag in await self._call("tags", _text_list(messages))]

    async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
        return [b64decode(sealed) for sealed in await self._call("seal", to_base64(key_id), _texts(jobs))]

    async def open(self, jobs: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes | None]:
        opened = await self._call("open", _texts(jobs))
        return [None if plaintext is None else b64decode(plaintext) for plaintext in opened]

    async def rotate(self) -> None:
        with told_as(StorageError, "The browser could not make a new key"):
            await self._cipher.rotate()

    async def retire(self, key_ids: Sequence[bytes]) -> list[bytes]:
        return [b64decode(key_id) for key_id in await self._call("retire", _text_list(key_ids))]

    async def forget(self) -> None:
        with told_as(StorageError, "The browser could not delete the keys"):
            await self._cipher.forget()

    def close(self) -> None:
        self._cipher.close()

    async def _call(self, method: str, *args: str) -> list[Any]:
        with told_as(StorageError, "The browser could not encrypt or decrypt"):
            result: list[Any] = json.loads(await answer(self._cipher.ask, method, *args))
        return result


class BrowserNetwork:
    """``navigator.onLine``, its events, and a request to our own origin."""

    def __init__(self, bridge: Any) -> None:
        self._network = bridge.network

    def online(self) -> bool:
        return bool(self._network.online())

    async def check(self) -> bool:
        return bool(await self._network.check())

    def subscribe(self, listener: Callable[[bool], None]) -> Unsubscribe:
        return subscribe_through_proxy(self._network.subscribe, listener)


class BrowserTabs:
    """The other pages of this origin, over a BroadcastChannel."""

    def __init__(self, bridge: Any) -> None:
        self._tabs = bridge.tabs

    def post(self, message: Json) -> None:
        self._tabs.post(json.dumps(message))

    def subscribe(self, listener: Callable[[Json], None]) -> Unsubscribe:
        return subscribe_through_proxy(self._tabs.subscribe, json_listener(listener))


@contextmanager
def told_as(kind: type[RenvaultError], what: str) -> Iterator[None]:
    """Turn an exception of JavaScript into an error of ours. Its own text may quote anything and stays out."""
    try:
        yield
    except JsException as error:
        raise kind(f"{what} ({error.name}).") from error


def json_listener(listener: Callable[[Json], None]) -> Callable[[str], None]:
    """Wrap ``listener`` so that it takes JSON text; what is not a JSON object is dropped with a log line."""

    def receive(text: str) -> None:
        try:
            message = parse_json(text)
        except ValueError:
            message = None
        if isinstance(message, dict):
            listener(message)
        else:
            _log.warning("a message from outside was not a JSON object and was dropped")

    return receive


def subscribe_through_proxy(
    subscribe: Callable[[Any], Callable[[], None]], listener: Callable[..., None]
) -> Unsubscribe:
    """Subscribe in JavaScript; the unsubscribe ends it there and destroys the listener's proxy, once."""
    proxy = create_proxy(listener)
    ends: list[Callable[[], None]] = [subscribe(proxy)]

    def unsubscribe() -> None:
        if ends:
            ends.pop()()
            proxy.destroy()

    return unsubscribe


def to_base64(data: bytes) -> str:
    """Return bytes as they cross."""
    return b64encode(data).decode("ascii")


def _text_list(items: Sequence[bytes]) -> str:
    return json.dumps([to_base64(item) for item in items])


def _texts(jobs: Sequence[tuple[bytes, ...]]) -> str:
    return json.dumps([[to_base64(part) for part in job] for job in jobs])
