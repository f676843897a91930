"""What lies in a store, many at once: which keys begin so, and the texts under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .ports import Storage

_DIGITS = 13
_LAST = 10**_DIGITS - 1  # no name comes after it


def keys_under(storage: Storage, *prefixes: str) -> list[str]:
    """Return the keys that begin with one of the prefixes."""
    return [key for key in storage.keys() if key.startswith(prefixes)]  # noqa: SIM118 - a port, no dict


def next_time(storage: Storage, prefix: str, now: float) -> int:
    """Return the time for the name of what is made now, in epoch milliseconds: after those of all there is.

    What such names begin with is ``prefix`` and 13 digits. A clock that was ahead once has made names of times that
    have not come yet; the newest by name is to be the last one made all the same.
    """
    starts = {key[len(prefix) : len(prefix) + _DIGITS] for key in keys_under(storage, prefix)}
    taken = {int(start) for start in starts if len(start) == _DIGITS and start.isascii() and start.isdigit()}
    at = int(now * 1000)
    latest = max(taken, default=0)
    if at <= latest < _LAST:
        return latest + 1
    while at in taken:
        at += 1
    return at


def texts_under(storage: Storage, keys: Iterable[str]) -> dict[str, str]:
    """Return the text under each key; what is not there is left out."""
    return {key: text for key in keys if (text := storage.get(key)) is not None}
