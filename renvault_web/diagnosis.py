"""Why the connection is away, and what the user can do: one cause, one line of advice.

Pure: judged from what has been seen, not from guesses. The words are the views' own, so that a host reads what the
banner says. Also here: error texts made fit to be shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .views.copy import word

OFFLINE = "offline"
RELAY_UNREACHABLE = "relay_unreachable"
CONNECTION_LOST = "connection_lost"

_TEXT_LIMIT = 200  # characters of an error text that are kept
_READ_LIMIT = 2_000  # characters of one that are read: the patterns below take longer than the text is long


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause, one of this module's words, and one line for people: what it is and what can be done."""

    cause: str
    advice: str


def diagnose(*, online: bool, failed_attempts: int) -> Diagnosis:
    """Tell why there is no connection, given the network's word and how many attempts failed since the loss."""
    if not online:
        cause = OFFLINE
    elif failed_attempts:
        cause = RELAY_UNREACHABLE
    else:
        cause = CONNECTION_LOST
    return Diagnosis(cause, f"{word(f'cause.{cause}')} {word(f'advice.{cause}')}")


_SECRETS = (
    (re.compile(r"\bwc:[^\s\"'<>]*"), "wc:…"),  # a pairing URI holds the session's key
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE), r"\1"),  # a relay URL: a token
    (re.compile(r"\beyJ[\w-]+\.[\w.-]+"), "(token)"),  # a JWT
    (re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24,}\b", re.IGNORECASE), r"\1…"),  # a topic or a key
)


def presentable(text: str) -> str:
    """Return an error text without secrets, on one line, cut to 200 characters; of a topic it keeps 8."""
    text = text[:_READ_LIMIT]
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
