from __future__ import annotations

import pytest

from renvault_web.aside import MAX_RECORDS, MAX_SIZE, AsideRecords
from renvault_web.errors import StorageError, StorageFullError
from renvault_web.testing import START, MemoryStorage


def test_a_record_is_kept_under_a_key_that_tells_when_and_from_where() -> None:
    disk = MemoryStorage()
    AsideRecords(disk).keep("rv1.place", "text", START)
    assert disk._entries == {"rvq1.1700000000000.place": "text"}


def test_what_is_kept_already_is_not_kept_twice() -> None:
    disk = MemoryStorage()
    for now in (START, START + 1):
        AsideRecords(disk).keep("rv1.place", "text", now)
    AsideRecords(disk).keep("rv1.another place", "text", START)
    assert list(disk._entries) == ["rvq1.1700000000000.place", "rvq1.1700000000000.another place"]


def test_two_of_one_place_and_time_are_both_kept() -> None:
    disk = MemoryStorage()
    for text in ("one", "two", "three"):
        AsideRecords(disk).keep("rv1.place", text, START)
    assert list(disk._entries.values()) == ["one", "two", "three"]
    assert AsideRecords(disk).keys()[-1] == "rvq1.1700000000002.place"


def test_beyond_their_number_the_oldest_go_first() -> None:
    disk = MemoryStorage()
    for n in range(MAX_RECORDS + 2):
        AsideRecords(disk).keep("rv1.place", str(n), START + n)
    assert list(disk._entries.values()) == [str(n) for n in range(2, MAX_RECORDS + 2)]


def test_beyond_their_size_the_oldest_go_first_and_the_latest_stays() -> None:
    disk = MemoryStorage()
    half = "x" * (MAX_SIZE // 4)
    AsideRecords(disk).keep("rv1.a", half[:-20], START)
    AsideRecords(disk).keep("rv1.b", half[:-20], START + 1)
    assert len(disk._entries) == 2
    AsideRecords(disk).keep("rv1.c", half, START + 2)
    assert list(disk._entries) == ["rvq1.1700000002000.c"]
    AsideRecords(disk).keep("rv1.d", half * 3, START + 3)
    assert list(disk._entries) == ["rvq1.1700000003000.d"]


def test_the_latest_stays_also_when_the_clock_went_back() -> None:
    disk = MemoryStorage()
    for n in range(MAX_RECORDS + 1):
        AsideRecords(disk).keep("rv1.place", str(n), START - n)
    assert disk.get(f"rvq1.{1_700_000_000_000 - MAX_RECORDS * 1000}.place") == str(MAX_RECORDS)
    assert len(disk._entries) == MAX_RECORDS


def test_without_room_it_says_so_and_keeps_what_it_has() -> None:
    disk = MemoryStorage(capacity=100)
    AsideRecords(disk).keep("rv1.a", "text", START)
    with pytest.raises(StorageFullError):
        AsideRecords(disk).keep("rv1.b", "text" * 10, START + 1)
    assert list(disk._entries) == ["rvq1.1700000000000.a"]


def test_a_store_that_does_not_keep_it_is_an_error() -> None:
    class Forgetful(MemoryStorage):
        def set(self, key: str, value: str) -> None:
            pass

    with pytest.raises(StorageError, match="nothing was written over it"):
        AsideRecords(Forgetful()).keep("rv1.a", "text", START)
