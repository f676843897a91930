"""JSON with a bound on how deep it nests: for all that comes from outside, and so for what is stored of it.

In the browser, text of some 6,000 brackets overflows the JavaScript stack inside Python's parser, which ends Python
altogether: a wallet could do that with one field of its metadata. On CPython the same text is a RecursionError.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 100
"""Levels of lists and objects; a WalletConnect session has about seven."""

# All that is neither a bracket nor could hide one. A string that never ends runs to the end of the text.
_BETWEEN = re.compile(r'(?:"(?:[^"\\]++|\\.)*+"?|[^][{}"]++)++', re.DOTALL)


def parse_json(text: str) -> Any:
    """Return what ``text`` says; ``ValueError`` where it is not JSON or nests deeper than ``MAX_DEPTH``."""
    _check_depth(text)
    return json.loads(text)


def write_json(value: object) -> str:
    """Return compact ASCII JSON that ``parse_json`` reads back; ``ValueError`` or ``TypeError`` for what has none."""
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except RecursionError as error:
        raise _too_deep() from error
    _check_depth(text)
    return text


def _check_depth(text: str) -> None:
    # Counting is quick and settles nearly every text.
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(text):
        raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"The JSON nests deeper than {MAX_DEPTH} levels.")


def _is_too_deep(text: str) -> bool:
    depth = 0
    for bracket in _BETWEEN.sub("", text):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False
