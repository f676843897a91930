"""What must not leave this browser, taken out of what does: by the names of fields, and by what secrets look like.

Pure. ``without_secrets`` is for what a user keeps and reads back (sessions: topics and accounts stay);
``anonymous`` is for what a user shows to others (diagnostics, history, logs: these go, too).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .error_text import PAIRING_URI, TOKEN, presentable

if TYPE_CHECKING:
    from collections.abc import Iterable

GONE = "(removed)"
"""What stands in a text where something was taken out."""

SECRET_NAMES = (
    "symKey",
    "privateKey",
    "privKey",
    "appPrivateKey",
    "secretKey",
    "client_ed25519_seed",
    "mnemonic",
    "password",
    "encryptionPassword",
    "passPhrase",
    "transitKey",
    "keychain",
    "authResponseToken",
    "recoveryPhrase",
)
"""Names of secrets, in any case and with any separators; a longer name that holds one is one, too."""

SECRET_ENDINGS = ("seed", "secret", "token")
"""What the name of a secret may end with: ``token`` is one, ``tokenSymbol`` is none."""

SECRET_WORDS = ("seedWords", "secretWords", "pairingUri", "auth", "authorization", "jwt", "pin")
"""Names that are secrets as they stand alone."""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_HOLDING = tuple(map(_plain, SECRET_NAMES))
_ALONE = frozenset(map(_plain, SECRET_WORDS))


def is_secret(name: object) -> bool:
    """Return whether a field of this name holds a secret."""
    if not isinstance(name, str):
        return False
    plain = _plain(name)
    return plain in _ALONE or plain.endswith(SECRET_ENDINGS) or any(secret in plain for secret in _HOLDING)


def _any(names: Iterable[str]) -> str:
    """Return a pattern for the names, their words apart or not."""
    return "|".join(re.sub(r"(?<=[a-z])(?=[A-Z])", "[-_ ]?", name) for name in names)


# All of these take a time that grows with the text alone, whatever it holds: an import is a hostile text.
# A secret's name before its value, in JSON (inside a text perhaps, where each quote has a backslash), a query or prose.
_NAMED = re.compile(
    rf"(?P<name>(?:{_any(SECRET_NAMES)}|{_any(SECRET_ENDINGS)}|(?<![a-z])(?:{_any(SECRET_WORDS)}))[\w-]{{0,16}}"
    r"\\*[\"']?\s*[:=]\s*)(?!\(removed\))"
    r"(?:\\*\"[^\"]*\"?|'[^']*'?|\{[^}]*\}?|\[[^\]]*\]?|[^\s&\"',;})\]]+)",
    re.IGNORECASE,
)
_AGE_KEY = re.compile(r"\bAGE-SECRET-KEY-[\w-]+", re.IGNORECASE)
_WORDS = re.compile(r"\b(?:[a-z]{3,8}\s+){11,}[a-z]{3,8}\b")  # BIP-39: 12 to 24 words of 3 to 8 letters

_SECRET_TEXTS = (_AGE_KEY, TOKEN, _WORDS)

_PERSONAL = (
    re.compile(r"\b[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}:[-.%a-zA-Z0-9]{8,128}"),  # CAIP-10
    re.compile(r"\bS[A-Z][0-9A-HJKMNP-TV-Z]{20,}\b"),  # a Stacks address
    re.compile(r"\b0x[0-9a-fA-F]{16,}\b"),  # an Ethereum address, a key
    re.compile(r"\b(?:bc|tb)1[0-9a-z]{20,}\b"),  # a Bitcoin address
    re.compile(r"\b[0-9a-fA-F]{24,}\b"),  # a topic, a key
    re.compile(r"\b[0-9a-fA-F]{8}…"),  # what our own errors keep of a topic
    re.compile(r"(?<=\b[Ss]ession )[0-9a-fA-F]{8}\b"),  # the same
    re.compile(r"[-\w+/=]{32,}"),  # base64 and base58 of what is long enough to be a key or an address
    re.compile(r"\b(?:https?|wss?|wc)://?[^\s\"'<>]*", re.IGNORECASE),
)


def without_secrets(value: Any) -> Any:
    """Return a copy of the JSON-like value without the fields that hold secrets, at any depth.

    In texts, what looks like a secret is replaced. A pair whose first is a secret's name, as a map is often written
    in JSON, loses its second.
    """
    return _walked(value, secrets_removed)


def secrets_removed(text: str) -> str:
    """Return the text with what looks like a secret replaced; topics, accounts and addresses stay."""
    text = PAIRING_URI.sub(_without_key, text)
    for pattern in _SECRET_TEXTS:
        text = pattern.sub(GONE, text)
    return _NAMED.sub(rf"\g<name>{GONE}", text)


def _without_key(uri: re.Match[str]) -> str:
    return GONE if "symkey" in uri[0].lower() else uri[0]


def anonymous(value: Any) -> Any:
    """Return a copy without secrets, and without topics, accounts and addresses in its texts, each on one line."""
    return _walked(value, anonymous_text)


def anonymous_text(text: str) -> str:
    """Return the text on one line, cut, without secrets, topics, accounts and addresses."""
    # Secrets first and whole: cutting a text could leave half a key without its name. Then again, for the cut may leave
    # what looks like something private, and what was read back from the history has to stay as it was.
    return presentable(_removed(presentable(_removed(text[:_READ_LIMIT]))))


def _removed(text: str) -> str:
    text = secrets_removed(text)
    for pattern in _PERSONAL:
        text = pattern.sub(GONE, text)
    return text


_READ_LIMIT = 2_000  # characters of a text that are read; presentable keeps fewer


def _walked(value: Any, clean: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): _walked(inner, clean) for name, inner in value.items() if not is_secret(name)}
    if isinstance(value, list | tuple):
        if len(value) == 2 and is_secret(value[0]):
            return [value[0], GONE]
        return [_walked(inner, clean) for inner in value]
    return value
