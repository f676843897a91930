"""A stand-in for passphrase files; ``renvault_web.testing`` offers it with the other fakes."""

from __future__ import annotations

import hashlib
import hmac
import itertools

from .errors import StorageError

_HEADER = b"age-encryption.org/v1\n-> fake\n"
_SIZE = 32  # bytes of a tag


class FakePassphraseFile:
    """A PassphraseFile that authenticates, but protects nothing and takes no time.

    No ``age`` program opens its files.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    async def encrypt(self, passphrase: str, plaintext: bytes) -> bytes:
        """Return the file: header, number, tag and the masked content."""
        number = next(self._numbers).to_bytes(8, "big")
        body = _masked(passphrase, number, plaintext)
        return _HEADER + number + _tag(passphrase, number + body) + body

    async def decrypt(self, passphrase: str, data: bytes) -> bytes:
        """Return what is inside."""
        if not data.startswith(_HEADER):
            raise StorageError("This is no age file.", code="file")
        rest = data.removeprefix(_HEADER)
        number, tag, body = rest[:8], rest[8 : 8 + _SIZE], rest[8 + _SIZE :]
        if not hmac.compare_digest(tag, _tag(passphrase, number + body)):
            raise StorageError("The passphrase does not fit, or the file was changed.", code="passphrase")
        return _masked(passphrase, number, body)


def _tag(passphrase: str, data: bytes) -> bytes:
    return hmac.new(passphrase.encode(), data, hashlib.sha256).digest()


def _masked(passphrase: str, number: bytes, data: bytes) -> bytes:
    blocks = (_tag(passphrase, b"mask" + number + block.to_bytes(4, "big")) for block in itertools.count())
    stream = itertools.chain.from_iterable(blocks)
    return bytes(byte ^ mask for byte, mask in zip(data, stream, strict=False))
