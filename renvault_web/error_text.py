"""Texts of errors, made fit to be shown and logged: without secrets, on one line, not too long. Pure."""

from __future__ import annotations

import re

PAIRING_URI = re.compile(r"\bwc:[^\s\"'<>]*")
"""It may hold the session's key."""

TOKEN = re.compile(r"(?<![\w.-])eyJ[\w-]{8,}\.[\w.-]+")
"""A JWT. The search takes a time that grows with the text alone."""

_TEXT_LIMIT = 200  # characters of an error text that are kept
_READ_LIMIT = 2_000  # characters of one that are read: some of the patterns take longer than the text is long

_SECRETS = (
    (PAIRING_URI, "wc:…"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE), r"\1"),  # a relay URL: a token
    (TOKEN, "(token)"),
    (re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24,}\b", re.IGNORECASE), r"\1…"),  # a topic or a key
)


def presentable(text: str) -> str:
    """Return an error text without secrets, on one line, cut to 200 characters; of a topic it keeps 8."""
    text = text[:_READ_LIMIT]
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    text = " ".join(text.split())
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
