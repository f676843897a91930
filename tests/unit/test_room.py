"""renvault_web.room: what goes when there is no more room, in which order, and what never does."""

from __future__ import annotations

import pytest

from renvault_web.errors import StorageError, StorageFullError
from renvault_web.room import Room, expendable
from renvault_web.stored import stored_size
from renvault_web.testing import MemoryStorage

IN_ORDER = [
    "rvh1.1700000000001-aaaaaaaa",
    "rvh1.1700000000002-bbbbbbbb",
    "rvb1.1700000000001",
    "rvb1.1700000000002",
    "rvq1.1700000000001.x",
    "rvq1.1700000000003.y",
]
STAYS = [
    "rvh1.1700000000003-cccccccc",
    "rvb1.1700000000003",
    "rv1.session",
    "renvault_session_backup_1600000000000",
    "renvault_session_1",
    "wc@2:core",
    "of the host",
]
SIZE = stored_size("rvb1.1700000000001", "x" * 100)


def filled() -> MemoryStorage:
    disk = MemoryStorage()
    for key in reversed([*STAYS, *IN_ORDER]):
        disk.set(key, "x" * 100)
    return disk


def room_in(disk: MemoryStorage) -> Room:
    return Room(disk, expendable(disk.keys(), None))


def used(disk: MemoryStorage) -> int:
    return sum(stored_size(key, text) for key, text in disk._entries.items())


def gone(disk: MemoryStorage) -> list[str]:
    assert disk._entries.keys() >= set(STAYS)
    return [key for key in IN_ORDER if key not in disk._entries]


@pytest.mark.parametrize("n", range(len(IN_ORDER)))
def test_what_matters_less_goes_first_and_no_more_than_is_needed(n: int) -> None:
    disk = filled()
    disk._capacity = used(disk)
    room = room_in(disk)
    freed = sum(stored_size(key, "x" * 100) for key in IN_ORDER[: n + 1])
    room.set("new", "x" * (freed // 2 - len("new")))
    assert gone(disk) == IN_ORDER[: n + 1]
    assert room.made


def test_without_leave_nothing_goes() -> None:
    disk = filled()
    disk._capacity = used(disk)
    with pytest.raises(StorageFullError):
        Room(disk).set("new", "text")
    assert gone(disk) == []


def test_the_newest_backup_of_a_migration_stays_though_others_are_newer() -> None:
    keys = [*STAYS, *IN_ORDER]
    assert expendable(keys, None) == IN_ORDER
    assert expendable(keys, "rvb1.1700000000001") == [key for key in IN_ORDER if key != "rvb1.1700000000001"]


def test_with_room_nothing_goes() -> None:
    disk = filled()
    room = room_in(disk)
    room.set("new", "text")
    assert gone(disk) == []
    assert not room.made


def test_where_all_of_it_is_not_enough_everything_is_put_back() -> None:
    disk = filled()
    disk._capacity = used(disk)
    before = dict(disk._entries)
    room = room_in(disk)
    with pytest.raises(StorageFullError):
        room.set("new", "x" * 10_000)
    assert gone(disk) == IN_ORDER
    room.put_back()
    assert disk._entries == before


def test_what_does_not_fit_back_is_told_and_what_matters_most_comes_first(caplog: pytest.LogCaptureFixture) -> None:
    disk = filled()
    disk._capacity = used(disk)
    room = room_in(disk)
    room.set("new", "x" * 100)  # takes the place of the first
    with pytest.raises(StorageFullError):
        room.set("another", "x" * 10_000)
    room.put_back()
    assert gone(disk) == IN_ORDER[:1]
    assert "1 records gave their room to others in vain." in caplog.text


def test_what_this_operation_has_put_aside_is_spared() -> None:
    disk = filled()
    disk._capacity = used(disk)
    room = room_in(disk)
    room.spare("rvq1.1700000000003.y")
    with pytest.raises(StorageFullError):
        room.set("new", "x" * 10_000)
    assert gone(disk) == IN_ORDER[:-1]


def test_names_that_tell_no_time_go_before_the_newest() -> None:
    disk = MemoryStorage()
    for key in ("rvb1.zzz", "rvb1.1700000000001", "rvb1.²²²²²²²²²²²²²"):
        disk.set(key, "x" * 100)
    disk._capacity = used(disk)
    with pytest.raises(StorageFullError):
        room_in(disk).set("new", "x" * 10_000)
    assert list(disk._entries) == ["rvb1.1700000000001"]


def test_a_limit_takes_what_it_needs_or_nothing_at_all() -> None:
    disk = filled()
    size = used(disk)
    room_in(disk).fit(1_000, size, size + 1_000)
    room_in(disk).fit(-5, size + 1, size)
    assert gone(disk) == []
    room_in(disk).fit(1_000, size, size + 999)
    assert gone(disk) == IN_ORDER[:1]

    size = used(disk)
    with pytest.raises(StorageFullError, match=f"10000 bytes more: {size} of {size} are used"):
        room_in(disk).fit(10_000, size, size)
    assert gone(disk) == IN_ORDER[:1]


def test_another_fault_of_the_store_lets_nothing_go() -> None:
    disk = filled()
    disk.fail_after(0)
    with pytest.raises(StorageError, match="killed"):
        room_in(disk).set("new", "text")
    assert gone(disk) == []
