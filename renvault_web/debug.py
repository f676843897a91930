"""Which loggers ``localStorage.DEBUG`` turns on: the patterns of the npm package ``debug``.

Pure. Patterns are separated by commas or spaces; ``*`` stands for any text, a leading ``-`` excludes. The logger
``renvault_web.browser.adapters`` has the name ``walletkit:browser:adapters``, and so has every one of ours:
``walletkit*`` turns all of them on, ``walletkit:*,-walletkit:storage`` all but one.
"""

from __future__ import annotations

import re

ROOT = "renvault_web"

PREFIX = "walletkit"

MAX_TEXT = 4_096
"""Characters of the setting that are read; what follows is not."""

MAX_PATTERNS = 64

_SEPARATORS = re.compile(r"[\s,]+")


class Patterns:
    """The patterns of one setting, whatever it holds."""

    def __init__(self, text: str) -> None:
        found = [pattern for pattern in _SEPARATORS.split(text[:MAX_TEXT]) if pattern][:MAX_PATTERNS]
        self._on = [pattern for pattern in found if not pattern.startswith("-")]
        self._off = [pattern[1:] for pattern in found if pattern.startswith("-")]

    def __bool__(self) -> bool:
        """Whether anything can be on."""
        return bool(self._on)

    def enable(self, name: str) -> bool:
        """Return whether the patterns turn ``name`` on; what is excluded stays off."""
        return not any(fits(pattern, name) for pattern in self._off) and any(fits(p, name) for p in self._on)


def debug_name(logger: str) -> str:
    """Return the name that patterns know a logger by."""
    return PREFIX + logger.removeprefix(ROOT).replace(".", ":")


def fits(pattern: str, name: str) -> bool:
    """Return whether ``pattern`` is ``name``, each ``*`` in it standing for any text.

    The time it takes grows with the length of both, whatever the pattern: no regular expression is made of it.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    *middle, last = rest
    if not name.startswith(first) or len(name) < len(first) + len(last):
        return False
    place, end = len(first), len(name) - len(last)
    for part in middle:
        place = name.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return name.endswith(last)
