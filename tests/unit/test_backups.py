"""MIG-3: what is backed up comes back unit for unit, and no clean-up takes what the way back needs."""

from __future__ import annotations

import pytest
from old_builds import single

from renvault_web.backups import BackupContent, Backups, backup_time, same_text
from renvault_web.errors import CorruptRecordError, MigrationError, StorageError, StorageFullError
from renvault_web.migration_report import Backup
from renvault_web.record import Purpose, pack
from renvault_web.sealing import seal
from renvault_web.testing import START, FakeCipher, ManualClock, MemoryStorage

NOW_MS = int(START * 1000)
ENTRIES = {"renvault_wallet_session": single(NOW_MS), "odd \ud800": "\udfff é \U0001f600 \x00"}


class Device:
    def __init__(self, disk: MemoryStorage | None = None) -> None:
        self.disk = disk or MemoryStorage()
        self.clock = ManualClock()
        self.cipher = FakeCipher()
        self.backups = Backups(storage=self.disk, cipher=self.cipher, clock=self.clock)


def name(after_ms: int = 0) -> str:
    return f"rvb1.{NOW_MS + after_ms}"


async def test_what_is_kept_comes_back_unit_for_unit_and_is_sealed() -> None:
    device = Device()
    key = await device.backups.keep(ENTRIES, made="migration", topics=["local-1"])
    assert key == name()
    text = device.disk.get(key)
    assert text is not None
    assert "renvault" not in text
    opened = await device.backups.opened([key, "rvb1.0000000000000"])
    assert opened == {key: BackupContent(ENTRIES, ("local-1",), "migration")}


async def test_each_has_a_name_of_its_own_and_the_newest_comes_first() -> None:
    device = Device()
    keys = [await device.backups.keep(ENTRIES, made="user") for _ in range(3)]
    device.disk.set(f"renvault_session_backup_{NOW_MS - 5}", "{}")
    device.disk.set("renvault_session_backups", "[]")
    device.disk.set("rvb1.123", "no backup")
    assert keys == [name(), name(1), name(2)]
    assert device.backups.listed() == [
        Backup(name(2), START + 0.002),
        Backup(name(1), START + 0.001),
        Backup(name(), START),
        Backup(f"renvault_session_backup_{NOW_MS - 5}", START - 0.005),
    ]


async def test_the_newest_by_name_is_the_one_made_last_whatever_the_clock_says() -> None:
    device = Device()
    ahead = await device.backups.keep({"a": "1"}, made="migration")
    device.disk.set("rvb1.9999999999999", "planted: nothing could come after it")
    device.clock.jump(-30 * 86_400)
    assert await device.backups.keep({"a": "2"}, made="migration") == name(-30 * 86_400_000)
    device.disk.remove("rvb1.9999999999999")
    second = await device.backups.keep({"a": "3"}, made="migration")
    assert (ahead, second) == (name(), name(1))
    assert await device.backups.newest_migration() == (second, BackupContent({"a": "3"}, (), "migration"))
    assert await device.backups.clean_up(1) == 2
    assert [backup.key for backup in device.backups.listed()] == [second]


async def test_a_name_may_be_given_that_is_free() -> None:
    device = Device()
    assert await device.backups.keep(ENTRIES, made="user", key=name(7)) == name(7)
    for key in (name(7), "rvb1.1", "renvault_session_backup_1700000000000", "rv1.x"):
        with pytest.raises(MigrationError):
            await device.backups.keep({}, made="user", key=key)
    assert len(device.backups.listed()) == 1


class Racing(FakeCipher):
    """Another page writes a backup under the same name while ours is being sealed."""

    def __init__(self, disk: MemoryStorage, key: str) -> None:
        super().__init__()
        self.race = (disk, key)

    async def seal(self, jobs: object, *, key_id: bytes) -> list[bytes]:
        disk, key = self.race
        if disk.get(key) is None:
            disk.set(key, "another page's")
        return await super().seal(jobs, key_id=key_id)  # type: ignore[arg-type] # as it came


async def test_a_name_that_another_page_takes_meanwhile_is_left_to_it() -> None:
    disk = MemoryStorage()
    backups = Backups(storage=disk, cipher=Racing(disk, name()), clock=ManualClock())
    assert await backups.keep(ENTRIES, made="migration") == name(1)
    assert disk.get(name()) == "another page's"
    assert (await backups.opened([name(1)]))[name(1)] == BackupContent(ENTRIES, (), "migration")


async def test_without_room_nothing_is_written() -> None:
    device = Device()
    with pytest.raises(StorageFullError):
        await device.backups.keep(ENTRIES, made="migration", room=100)
    full = Device(MemoryStorage(capacity=100))
    with pytest.raises(StorageFullError):
        await full.backups.keep(ENTRIES, made="migration")
    assert device.disk.keys() == full.disk.keys() == []


class Forgetful(MemoryStorage):
    """A browser that takes writes and keeps something else."""

    def set(self, key: str, value: str) -> None:
        super().set(key, value[:-1] + ("A" if value[-1] != "A" else "B"))


async def test_one_that_does_not_read_back_is_an_error() -> None:
    with pytest.raises(StorageError, match="did not read back"):
        await Device(Forgetful()).backups.keep(ENTRIES, made="migration")


class Overwritten(MemoryStorage):
    """Another page's backup lands on ours in the same instant."""

    others = ""

    def set(self, key: str, value: str) -> None:
        super().set(key, self.others)


async def test_one_that_another_page_wrote_over_is_an_error() -> None:
    elsewhere = Device()
    key = await elsewhere.backups.keep({"a": "1"}, made="migration")
    device = Device(Overwritten())
    device.disk.others = elsewhere.disk.get(key)  # type: ignore[attr-defined] # it is an Overwritten
    with pytest.raises(StorageError, match="did not read back"):
        await device.backups.keep(ENTRIES, made="migration")


async def sealed(device: Device, key: str, data: dict[str, object], purpose: Purpose = Purpose.BACKUP) -> None:
    [text] = await seal(device.cipher, [(key, purpose, pack(data))])
    device.disk.set(key, text)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"entries": {}, "topics": [], "made": "user"},
        {"entries": [["a"]], "topics": [], "made": "user"},
        {"entries": [["a", 5]], "topics": [], "made": "user"},
        {"entries": ["ab"], "topics": [], "made": "user"},
        {"entries": [], "topics": 5, "made": "user"},
        {"entries": [], "topics": [], "made": ["user"]},
    ],
)
async def test_one_that_is_not_complete_is_told(data: dict[str, object]) -> None:
    device = Device()
    await sealed(device, name(), data)
    [found] = (await device.backups.opened([name()])).values()
    assert isinstance(found, CorruptRecordError)


async def test_a_record_of_another_purpose_is_no_backup() -> None:
    device = Device()
    await sealed(device, name(), {"entries": [], "topics": [], "made": "user"}, Purpose.HISTORY)
    [found] = (await device.backups.opened([name()])).values()
    assert isinstance(found, CorruptRecordError)


async def test_the_newest_of_a_migration_is_found_past_others() -> None:
    device = Device()
    assert await device.backups.newest_migration() is None
    await device.backups.keep({"a": "1"}, made="migration")
    second = await device.backups.keep({"a": "2"}, made="migration")
    await device.backups.keep({"a": "3"}, made="user")
    device.disk.set(name(50), "damaged")
    assert await device.backups.newest_migration() == (second, BackupContent({"a": "2"}, (), "migration"))


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (0, ["newest"]),
        (-3, ["newest"]),
        (1, ["newest"]),
        (2, ["migration", "newest"]),
        (3, ["migration", 3, "newest"]),
        (4, ["migration", 2, 3, "newest"]),
        (9, ["guide's", "migration", 2, 3, "newest"]),
    ],
)
async def test_cleaning_up_leaves_as_many_as_asked_and_the_migration_s_as_the_oldest(
    keep: int, left: list[object]
) -> None:
    device = Device()
    keys: dict[object, str] = {"guide's": f"renvault_session_backup_{NOW_MS - 5}"}
    device.disk.set(keys["guide's"], "{}")
    keys["migration"] = await device.backups.keep({}, made="migration")
    for number in (2, 3, "newest"):
        keys[number] = await device.backups.keep({}, made="user")
    assert await device.backups.clean_up(keep) == 5 - len(left)
    assert {backup.key for backup in device.backups.listed()} == {keys[one] for one in left}


async def test_without_a_migration_s_the_newest_ones_stay() -> None:
    device = Device()
    for age in range(5):
        device.disk.set(f"renvault_session_backup_{NOW_MS - age}", "{}")
    assert await device.backups.clean_up(3) == 2
    assert await device.backups.clean_up(0) == 2
    assert device.disk.keys() == [f"renvault_session_backup_{NOW_MS}"]
    assert await Device().backups.clean_up(3) == 0


@pytest.mark.parametrize("key", ["rvb1.", "rvb1.12345678901234", "rvb1.१२३४५६७८९०१२३", "rv1.1234567890123"])
def test_a_backup_s_name_has_13_digits(key: str) -> None:
    assert backup_time(key) is None
    assert backup_time("rvb1.1234567890123") == 1_234_567_890.123


def test_two_surrogates_that_make_a_pair_are_the_character() -> None:
    assert same_text("\ud83d\ude00", "\U0001f600")
    assert not same_text("\ude00\ud83d", "\U0001f600")
