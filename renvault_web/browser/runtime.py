"""The product in one page: every part made once, joined, and started.

``start`` is what ``web/src/boot.ts`` calls when Python is up.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pyodide.ffi import create_proxy

from ..errors import StorageError
from ..gateway import Gateway
from ..manager import SessionManager
from .adapters import BrowserCipher, BrowserClock, BrowserNetwork, BrowserStorage, BrowserTabs
from .loop import QuickTurns
from .passphrase import BrowserPassphraseFile
from .sdk_store import BrowserSdkStore
from .wallet import BrowserWallet

if TYPE_CHECKING:
    from ..ports import Wallet


_DEBUG = "DEBUG"  # where a user asks for debug lines, see ``debug``


class Wallets:
    """The adapters that the page made, each wrapped once: the same client again is the same wallet."""

    def __init__(self, bridge: Any) -> None:
        self._bridge = bridge
        self._known: dict[int, Wallet] = {}

    def __call__(self, key: int) -> Wallet:
        """Return the wallet of the adapter with this key, which is the bridge's when it is new."""
        if key not in self._known:
            self._known[key] = BrowserWallet(self._bridge.wallet)
        return self._known[key]


async def start(bridge: Any) -> Any:
    """Open the stored sessions; return the function that takes the page's messages."""
    QuickTurns(bridge)
    clock, storage = BrowserClock(), BrowserStorage(bridge)
    _listen(storage)
    manager = SessionManager(
        clock=clock,
        storage=storage,
        cipher=BrowserCipher(bridge),
        network=BrowserNetwork(bridge),
        tabs=BrowserTabs(bridge),
        sdk=BrowserSdkStore(bridge),
        files=BrowserPassphraseFile(bridge),
    )
    await manager.start()
    gateway = Gateway(manager=manager, clock=clock, wallet=Wallets(bridge), send=bridge.send)
    gateway.start()
    return create_proxy(gateway.receive)  # the page keeps it as long as it lives


def _listen(storage: BrowserStorage) -> None:
    """Let our loggers write what the user asks for; what that takes is imported by those alone who do."""
    with suppress(StorageError):
        if setting := storage.get(_DEBUG):
            from .debug import start_debug

            start_debug(setting)
