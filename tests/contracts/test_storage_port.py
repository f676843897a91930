"""What every Storage does: the fake here, ``localStorage`` in the page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from renvault_web.errors import StorageFullError
from renvault_web.testing import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from renvault_web.ports import Storage

PREFIX = "contract."
ROOM = 10 * 1024 * 1024  # bytes; browsers give about that much, 2 for a UTF-16 unit


@pytest.fixture
def storage() -> Iterator[Storage]:
    if sys.platform == "emscripten":
        import renvault_bridge

        from renvault_web.browser.adapters import BrowserStorage

        found: Storage = BrowserStorage(renvault_bridge)
    else:
        found = MemoryStorage(capacity=ROOM)
    yield found
    for key in own_keys(found):
        found.remove(key)


def own_keys(storage: Storage) -> list[str]:
    return sorted(key for key in storage.keys() if key.startswith(PREFIX))  # noqa: SIM118 - a port, no dict


def test_it_says_whether_it_lasts(storage: Storage) -> None:
    assert storage.persistent is True


def test_what_is_absent_is_none(storage: Storage) -> None:
    assert storage.get(PREFIX + "absent") is None


@pytest.mark.parametrize("text", ["", "a", "null", "é \U0001f600", "\0\n\u2028", "x" * 100_000])
def test_text_comes_back_as_it_was(storage: Storage, text: str) -> None:
    storage.set(PREFIX + "a", text)
    assert storage.get(PREFIX + "a") == text


def test_a_key_may_be_any_text(storage: Storage) -> None:
    storage.set(PREFIX + "é \U0001f600", "1")
    assert own_keys(storage) == [PREFIX + "é \U0001f600"]
    assert storage.get(PREFIX + "é \U0001f600") == "1"


def test_a_second_set_replaces_the_first(storage: Storage) -> None:
    storage.set(PREFIX + "a", "1")
    storage.set(PREFIX + "a", "2")
    assert storage.get(PREFIX + "a") == "2"
    assert own_keys(storage) == [PREFIX + "a"]


def test_a_removed_key_is_gone(storage: Storage) -> None:
    storage.set(PREFIX + "a", "1")
    storage.set(PREFIX + "b", "2")
    storage.remove(PREFIX + "a")
    storage.remove(PREFIX + "a")
    assert storage.get(PREFIX + "a") is None
    assert own_keys(storage) == [PREFIX + "b"]


def test_without_room_it_says_so_and_keeps_what_was_there(storage: Storage) -> None:
    storage.set(PREFIX + "a", "old")
    with pytest.raises(StorageFullError):
        storage.set(PREFIX + "a", "x" * ROOM)
    with pytest.raises(StorageFullError):
        storage.set(PREFIX + "b", "x" * ROOM)
    assert storage.get(PREFIX + "a") == "old"
    assert own_keys(storage) == [PREFIX + "a"]
    storage.set(PREFIX + "a", "new")
    assert storage.get(PREFIX + "a") == "new"
