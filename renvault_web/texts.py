"""What lies in a store, many at once: which keys begin so, and the texts under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .ports import Storage


def keys_under(storage: Storage, *prefixes: str) -> list[str]:
    """Return the keys that begin with one of the prefixes."""
    return [key for key in storage.keys() if key.startswith(prefixes)]  # noqa: SIM118 - a port, no dict


def texts_under(storage: Storage, keys: Iterable[str]) -> dict[str, str]:
    """Return the text under each key; what is not there is left out."""
    return {key: text for key in keys if (text := storage.get(key)) is not None}
