"""The PassphraseFile port over ``web/src/age-file.ts``, which loads what it needs when it is first used.

Like the wallet's adapter it never rejects: each call answers ``{"value": base64}`` or ``{"error": code}`` as JSON.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

from ..errors import StorageError
from ..jsontext import parse_json
from .adapters import to_base64, told_as

if TYPE_CHECKING:
    from collections.abc import Awaitable

_MESSAGES = {
    "passphrase": "The passphrase does not fit.",
    "file": "This is no age passphrase file, or it was changed or cut short.",
    "work": "This file asks for more work than age itself does: a passphrase would hold up the page for too long.",
    "load": "The part that makes and opens passphrase files could not be loaded. Check the network and try again.",
}


class BrowserPassphraseFile:
    """Files as the ``age`` program makes and opens them."""

    def __init__(self, bridge: Any) -> None:
        self._files = bridge.passphraseFile

    async def encrypt(self, passphrase: str, plaintext: bytes) -> bytes:
        return await _value(self._files.encrypt(passphrase, to_base64(plaintext)))

    async def decrypt(self, passphrase: str, data: bytes) -> bytes:
        return await _value(self._files.decrypt(passphrase, to_base64(data)))


async def _value(answer: Awaitable[str]) -> bytes:
    with told_as(StorageError, "The browser could not make or open a passphrase file"):
        outcome = parse_json(await answer)
    code = outcome.get("error")
    if code is not None:
        raise StorageError(_MESSAGES.get(code, "The passphrase file could not be made or opened."), code=str(code))
    return b64decode(outcome["value"])
