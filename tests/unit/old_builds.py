"""What older builds of the frontend wrote, written again as they did it: independent of how we read it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

ADDRESS = "SP3ESR2PWP83R1YM3S4QJRWPDD886KJ4YFS3FKHPY"
OTHER_ADDRESS = "SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7"
TEST_ADDRESS = "ST2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKQVX8X0G"
PUBLIC_KEY = "02" + "ab" * 32
WEEK_MS = 7 * 86_400_000
DAY_MS = 86_400_000

# Computed by the old code itself.
VECTOR = (
    '{"data":"eyJwcm92aWRlclR5cGUiOiJsZWF0aGVyIiwiYWRkcmVzcyI6IlNQM0VTUjJQV1A4M1IxWU0zUzRRSlJXUEREODg2S0o0WUZTM0ZLSFBZIiwi'
    "cHVibGljS2V5IjoiMDJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiIiwibWV0YWRh"
    "dGEiOnsiY2hhaW5JZCI6Im1haW5uZXQiLCJuZXR3b3JrIjoic3RhY2tzIiwicGVybWlzc2lvbnMiOlsicmVhZCIsIndyaXRlIl19LCJleHBpcmVzQXQi"
    'OjE3Njc0MTc0NjYwMDAsInNlc3Npb25JZCI6InNlc3Npb25fMTc2NjgxMjY2NjAwMF80Znp6enhqeWwifQ==","checksum":"-y6sje7"}'
)
LATIN_VECTOR = (
    '{"data":"eyJwcm92aWRlclR5cGUiOiJsZWF0aGVyIiwiYWRkcmVzcyI6IkEiLCJwdWJsaWNLZXkiOiJCIiwiY29ubmVjdGVkQXQiOjEsIm1ldGFkYXRh'
    "Ijp7Im5ldHdvcmsiOiLpIn0sImV4cGlyZXNBdCI6MTc2NzYwNDgwMDAwMCwic2Vzc2lvbklkIjoic2Vzc2lvbl8xNzY3MDAwMDAwMDAwXzRmenp6eGp5"
    'bCJ9","checksum":"-uymoy9"}'
)


def stringify(value: object) -> str:
    """``JSON.stringify``: compact, nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def checksum(text: str) -> str:
    """``h = (h << 5) - h + c; h = h & h`` over ``charCodeAt``, then ``h.toString(36)``."""
    units = text.encode("utf-16-be", "surrogatepass")
    number = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        shifted = (number << 5) & 0xFFFFFFFF
        number = (shifted - number + (high * 256 + low)) & 0xFFFFFFFF
    signed = number - 2**32 if number >= 2**31 else number
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    rest, out = abs(signed), ""
    while rest:
        out, rest = digits[rest % 36] + out, rest // 36
    return ("-" if signed < 0 else "") + (out or "0")


def enveloped(plain: str) -> str:
    """``{data: btoa(plain), checksum}``; ``btoa`` knows no character above U+00FF."""
    return stringify({"data": base64.b64encode(plain.encode("latin-1")).decode(), "checksum": checksum(plain)})


def single(now_ms: int, **changes: Any) -> str:
    """``renvault_wallet_session``; a field that is changed to None is absent."""
    session = {
        "providerType": "leather",
        "address": ADDRESS,
        "publicKey": PUBLIC_KEY,
        "connectedAt": now_ms,
        "metadata": {"chainId": "stacks:1", "network": "mainnet", "permissions": ["read", "write"]},
        "expiresAt": now_ms + WEEK_MS,
        "sessionId": f"session_{now_ms}_{'0f' * 16}",
    }
    session |= changes
    return enveloped(stringify({name: value for name, value in session.items() if value is not None}))


def plural(*pairs: tuple[object, object]) -> str:
    """``renvault_wallet_sessions``."""
    return stringify([list(pair) for pair in pairs])


def connection(now_ms: int, **changes: Any) -> str:
    """``wallet_connection_session``."""
    session = {
        "walletId": "xverse",
        "address": OTHER_ADDRESS,
        "publicKey": PUBLIC_KEY,
        "chainId": "stacks:1",
        "timestamp": now_ms,
        "expiresAt": now_ms + DAY_MS,
    }
    session |= changes
    return stringify({name: value for name, value in session.items() if value is not None})


def secure(now_ms: int, data: object, **changes: Any) -> str:
    """``renvault_secure_<k>``."""
    text = data if isinstance(data, str) else stringify(data)
    entry = {
        "data": text,
        "timestamp": now_ms,
        "checksum": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
        "version": 1,
    }
    return stringify(entry | changes)


def reversed_in_base64(plain: str) -> str:
    """``btoa(reverse(plain))``: what passed for encryption at first."""
    return base64.b64encode(plain[::-1].encode("latin-1")).decode()


def base64_reversed(plain: str) -> str:
    """``reverse(btoa(plain))``: what passed for encryption later."""
    return base64.b64encode(plain.encode("latin-1")).decode()[::-1]


def blockstack(mainnet: str | None = ADDRESS, testnet: str | None = TEST_ADDRESS, **user: Any) -> str:
    """``blockstack-session``, with the secrets that lie beside the address."""
    addresses = {"mainnet": mainnet, "testnet": testnet}
    data = {
        "appPrivateKey": SECRETS["appPrivateKey"],
        "authResponseToken": SECRETS["authResponseToken"],
        "profile": {"stxAddress": {name: value for name, value in addresses.items() if value is not None}},
        **user,
    }
    return stringify({"version": "1.0.0", "userData": data, "transitKey": SECRETS["transitKey"], "etags": {}})


def stacks_connect(*addresses: object) -> str:
    """``@stacks/connect``."""
    data = {
        "addresses": {"stx": [{"address": one} for one in addresses], "btc": [{"address": "bc1qcanary"}]},
        "version": "0.0.1",
        "updatedAt": 1_700_000_000_000,
    }
    return stringify(data).encode().hex()


SECRETS = {
    "appPrivateKey": "canary-app-private-key",
    "authResponseToken": "canary-auth-response-token",
    "transitKey": "canary-transit-key",
    "encryptionPassword": "canary-encryption-password",
    "mnemonic": "canary word word word word word word word word word word word",
    "walletBackup": "canary-wallet-backup",
    "secureBlob": "canary-secure-blob",
}
"""What must stay where it is."""


def session_backups() -> str:
    """``renvault_session_backups``, with a password in clear."""
    options = {"compress": False, "encrypt": True, "encryptionPassword": SECRETS["encryptionPassword"]}
    metadata = {"id": "backup_0_x", "timestamp": 1, "size": 2, "options": options, "checksum": "0", "version": "1.0.0"}
    return stringify([{"metadata": metadata, "data": "e30="}])
