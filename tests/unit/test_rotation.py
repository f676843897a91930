"""The rotation of the key: killed anywhere, disturbed by anyone, it loses nothing and comes to its end later."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any

import pytest

from renvault_web.errors import StorageError, StorageFullError
from renvault_web.record import BACKUP_PREFIX, HISTORY_PREFIX, Purpose, decode_record, pack
from renvault_web.rotation import DAY, MAX_AGE, SETTLED, KeyRotation
from renvault_web.sealing import open_records, seal, storage_keys
from renvault_web.testing import FakeCipher, FakeSdkStore, ManualClock, MemoryStorage, settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

OLD = b"fake key"
TOPICS = ("one", "two", "three")


def parse(purpose: int, data: dict[str, Any]) -> tuple[Purpose, str, str]:
    return Purpose(purpose), data["topic"], data["topic"]


class Page:
    """One page of a browser with sessions, a backup, a page of the history and a client of the SDK."""

    def __init__(self, disk: MemoryStorage, cipher: FakeCipher, sdk: FakeSdkStore) -> None:
        self.clock = ManualClock()
        self.disk, self.cipher, self.sdk = disk, cipher, sdk
        self.rotation = KeyRotation(storage=disk, cipher=cipher, clock=self.clock, sdk=sdk)

    def next(self) -> Page:
        """End this page, and open one that finds what it left."""
        self.cipher.end()
        cipher = self.cipher.another()
        return Page(self.disk.another(), cipher, self.sdk.another(cipher))

    def beside(self) -> Page:
        """Open one more page."""
        cipher = self.cipher.another()
        return Page(self.disk.another(), cipher, self.sdk.another(cipher))

    async def write(self, *topics: str) -> None:
        """Store sessions, each in one record."""
        keys = await storage_keys(self.cipher, [(Purpose.SESSION, topic) for topic in topics])
        items = [(key, Purpose.SESSION, pack({"topic": topic})) for key, topic in zip(keys, topics, strict=True)]
        for key, text in zip(keys, await seal(self.cipher, items), strict=True):
            self.disk.set(key, text)

    async def readable(self) -> list[str]:
        """Return the topics of all records that open."""
        texts = self.texts()
        opened = await open_records(self.cipher, {k: t for k, t in texts.items() if k.startswith("rv1.")}, parse)
        return sorted(topic for topic in opened.values() if isinstance(topic, str))

    def texts(self) -> dict[str, str]:
        disk = self.disk.another()
        return {key: disk.get(key) or "" for key in disk.keys()}  # noqa: SIM118 - a port, no dict

    def named(self) -> set[bytes]:
        """Return the ids of the keys that sealed what lies there."""
        return {decode_record(text).key_id for text in self.texts().values()}

    async def retire(self) -> list[bytes]:
        """Return what ``retire`` does, once the browser had its time."""
        retiring = asyncio.ensure_future(self.rotation.retire())
        await self.clock.advance(SETTLED)
        await settle()
        return await retiring


async def stored(
    topics: tuple[str, ...] = TOPICS, *, others: Mapping[str, str] | None = None, cipher: FakeCipher | None = None
) -> Page:
    cipher = cipher or FakeCipher()
    page = Page(MemoryStorage(), cipher, FakeSdkStore(cipher, {"wc@2:core:0.3//keychain": {"a": "b"}}))
    await page.write(*topics)
    named = [
        (f"{BACKUP_PREFIX}1700000000000", Purpose.BACKUP, pack({"topic": "backup"})),
        (f"{HISTORY_PREFIX}1700000000000-00000000", Purpose.HISTORY, pack({"topic": "history"})),
    ]
    for (key, *_), text in zip(named, await seal(cipher, named), strict=True):
        page.disk.set(key, text)
    for key, text in (others or {}).items():
        page.disk.set(key, text)
    return page


class Stubborn(MemoryStorage):
    """The same store, in which one record cannot be written over."""

    def __init__(self, disk: MemoryStorage, key: str) -> None:
        super().__init__()
        self._entries = disk.another()._entries
        self._key = key

    def set(self, key: str, value: str) -> None:
        if key == self._key:
            raise StorageFullError("There is no more room.")
        super().set(key, value)


class NoNewKeys(FakeCipher):
    """A browser that takes no new key."""

    async def rotate(self) -> None:
        raise StorageError("No.")


def bodies(page: Page) -> dict[str, tuple[int, int, int]]:
    records = {key: decode_record(text) for key, text in page.texts().items()}
    return {key: (record.purpose, record.flags, len(record.sealed)) for key, record in records.items()}


async def test_everything_is_sealed_again_and_stays_what_it_is() -> None:
    page = await stored()
    before = bodies(page)
    assert await page.rotation.rotate() == len(TOPICS) + 2 + 1, "sessions, backup, history, the SDK's entry"
    assert page.named() == {page.cipher.key_id}
    assert page.cipher.key_ids() == [OLD, page.cipher.key_id]
    assert await page.sdk.key_ids() == [page.cipher.key_id]
    assert bodies(page) == before
    assert await page.next().readable() == sorted(TOPICS)


async def test_the_old_key_goes_at_a_later_start_and_not_before() -> None:
    page = await stored()
    await page.rotation.rotate()
    assert await page.retire() == [], "this page has sealed with it"
    later = page.next()
    assert await later.rotation.resume() == 0
    retiring = asyncio.ensure_future(later.rotation.retire())
    await later.clock.advance(SETTLED - 1)
    assert later.cipher.key_ids() == [OLD, page.cipher.key_id], "the browser may not have written all of it yet"
    await later.clock.advance(1)
    assert await retiring == [OLD]
    last = later.next()
    assert last.cipher.key_ids() == [page.cipher.key_id]
    assert await last.readable() == sorted(TOPICS)
    assert await last.rotation.resume() == 0
    assert await last.retire() == []


async def test_a_start_that_has_to_seal_again_deletes_nothing() -> None:
    page = await stored()
    await page.cipher.rotate()  # killed here
    later = page.next()
    assert await later.rotation.resume() == len(TOPICS) + 3
    assert await later.retire() == []
    last = later.next()
    assert await last.rotation.resume() == 0
    assert await last.retire() == [OLD]
    assert await last.next().readable() == sorted(TOPICS)


async def test_nothing_is_read_or_written_where_there_is_one_key() -> None:
    page = await stored()
    operations = page.disk.operations
    assert await page.rotation.resume() == 0
    assert await page.retire() == []
    assert (page.disk.operations, page.clock.sleeping) == (operations, 0)


async def test_retire_alone_deletes_nothing() -> None:
    page = await stored()
    await page.rotation.rotate()
    assert await page.next().retire() == []


async def test_a_rotation_that_comes_between_keeps_the_keys() -> None:
    page = await stored()
    await page.rotation.rotate()
    later = page.next()
    await later.rotation.resume()
    retiring = asyncio.ensure_future(later.rotation.retire())
    await settle()
    await later.rotation.rotate()
    await later.clock.advance(SETTLED)
    assert await retiring == []


@pytest.mark.parametrize("step", range(25))
async def test_killed_anywhere_in_a_rotation_the_next_page_has_everything_and_ends_it(step: int) -> None:
    page = await stored()
    page.disk.fail_after(step)
    ended = True
    try:
        await page.rotation.rotate()
    except StorageError:
        ended = False
    assert ended == (step >= STEPS_OF_ROTATION)
    later = page.next()
    assert await later.readable() == sorted(TOPICS)
    assert (await later.rotation.resume() == 0) == (step >= STEPS_OF_ROTATION - 1), "the last step only reads back"
    assert later.named() == {later.cipher.key_id}
    last = later.next()
    assert await last.readable() == sorted(TOPICS)
    assert await last.rotation.resume() == 0
    assert await last.retire() == [OLD]
    assert await last.next().readable() == sorted(TOPICS)


STEPS_OF_ROTATION = 21
"""One list of keys, and for each of five records: read, look again, write, read back."""


@pytest.mark.parametrize("step", range(STEPS_OF_ROTATION))
@pytest.mark.parametrize("again", [0, 3, 9, 15, 30])
async def test_killed_while_it_resumes_it_resumes_again(step: int, again: int) -> None:
    page = await stored()
    page.disk.fail_after(step)
    with pytest.raises(StorageError):
        await page.rotation.rotate()
    later = page.next()
    later.disk.fail_after(again)
    try:
        await later.rotation.resume()
    except StorageError:
        assert await later.retire() == []
    last = later.next()
    assert await last.readable() == sorted(TOPICS)
    await last.rotation.resume()
    assert last.named() == {last.cipher.key_id}
    assert len(last.cipher.key_ids()) == 2, "killed again and again, it makes no more keys"
    end = last.next()
    assert await end.rotation.resume() == 0
    assert await end.retire() == [OLD]
    assert await end.next().readable() == sorted(TOPICS)


class Disturbed(FakeCipher):
    """A cipher under which something else happens before it answers."""

    disturb: Callable[[], Awaitable[None]] | None = None

    async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
        sealed = await super().seal(jobs, key_id=key_id)
        disturb, self.disturb = self.disturb, None
        if disturb:
            await disturb()
        return sealed


async def disturbed(disturb: Callable[[Page], Awaitable[None]]) -> Page:
    """Return a page under whose rotation ``disturb(another page)`` comes between reading and writing."""
    page = await stored(cipher=Disturbed())
    other = page.beside()
    assert isinstance(page.cipher, Disturbed)
    page.cipher.disturb = lambda: disturb(other)
    return page


async def test_what_another_page_writes_meanwhile_stays() -> None:
    written: dict[str, str] = {}

    async def write(other: Page) -> None:
        before = other.texts()
        await other.write("two", "four")
        written.update({key: text for key, text in other.texts().items() if before.get(key) != text})

    page = await disturbed(write)
    await page.rotation.rotate()
    assert len(written) == 2
    assert written.items() <= page.texts().items(), "the newer ones, which this page has not read"
    assert await page.next().readable() == sorted([*TOPICS, "four"])
    later = page.next()
    await later.rotation.resume()
    assert later.named() == {later.cipher.key_id}


async def test_what_another_page_removes_meanwhile_stays_away() -> None:
    async def remove(other: Page) -> None:
        for key in other.texts():
            other.disk.remove(key)

    page = await disturbed(remove)
    assert await page.rotation.rotate() == 1, "the SDK's entry"
    assert page.texts() == {}


async def test_another_page_that_seals_with_the_old_key_keeps_it() -> None:
    page = await stored()
    other = page.beside()
    await page.rotation.rotate()
    later = page.next()
    assert await later.rotation.resume() == 0
    assert await later.retire() == []
    other.cipher.end()
    assert await later.retire() == [OLD]


async def test_two_pages_that_rotate_at_once_end_with_all_records_readable() -> None:
    page = await stored()
    other = page.beside()
    await asyncio.gather(page.rotation.rotate(), other.rotation.rotate())
    other.cipher.end()
    later = page.next()
    assert await later.readable() == sorted(TOPICS)
    await later.rotation.resume()
    last = later.next()
    assert await last.rotation.resume() == 0
    *old, newest = last.cipher.key_ids()
    assert await last.retire() == old
    assert last.cipher.key_ids() == [newest]
    assert await last.next().readable() == sorted(TOPICS)


FOREIGN = {
    "of a lost key": b"\x01\x01\x00" + b"lost key" + bytes(28),
    "damaged": b"\x01\x01\x00" + OLD + bytes(28),
    "of a newer version": b"\x02" + bytes(38),
    "with a new flag": b"\x01\x01\x40" + OLD + bytes(28),
}


def as_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("key", "text", "keeps"),
    [
        ("rv1.x", as_text(FOREIGN["of a lost key"]), False),
        ("rv1.x", as_text(FOREIGN["damaged"]), True),
        ("rv1.x", as_text(FOREIGN["of a newer version"]), True),
        ("rv1.x", as_text(FOREIGN["with a new flag"]), True),
        ("rvb1.x", as_text(FOREIGN["damaged"]), True),
        ("rvh1.x", as_text(FOREIGN["damaged"]), True),
        ("rvq1.1700000000000.x", as_text(FOREIGN["damaged"]), True),
        ("rvq1.1700000000000.x", as_text(FOREIGN["of a lost key"]), False),
        ("rv1.x", "", False),
        ("rv1.x", "no record", False),
        ("rv1.x", "é" * 100, False),
        ("rv1.x", "\ud800" * 100, False),
        ("someone.else's", as_text(FOREIGN["damaged"]), False),
    ],
)
async def test_a_key_that_a_record_names_stays_and_the_record_too(key: str, text: str, keeps: bool) -> None:
    page = await stored(others={key: text})
    await page.rotation.rotate()
    later = page.next()
    assert await later.rotation.resume() == 0, "what cannot be opened is no work left"
    assert await later.retire() == ([] if keeps else [OLD])
    assert later.texts()[key] == text
    assert await later.next().readable() == sorted(TOPICS)


async def test_a_key_that_the_sdk_s_records_name_stays() -> None:
    page = await stored()
    await page.rotation.rotate()
    later = page.next()
    assert await later.rotation.resume() == 0
    later.sdk.another(FakeCipher()).write("wc@2:core:0.3//expirer", {})  # a page that has not heard of the new key
    assert await later.retire() == []


async def test_while_the_sdk_s_store_has_a_record_of_a_newer_version_no_key_goes() -> None:
    page = await stored()
    page.sdk.write("newer", 1)
    page.sdk.seal_by_newer("newer")
    await page.rotation.rotate()
    later = page.next()
    assert await later.rotation.resume() == 0
    with pytest.raises(StorageError, match="newer version"):
        await later.retire()
    assert len(later.cipher.key_ids()) == 2


async def test_without_the_sdk_s_store_no_key_is_deleted() -> None:
    page = await stored()
    await page.rotation.rotate()
    later = page.next()
    later.rotation = KeyRotation(storage=later.disk, cipher=later.cipher, clock=later.clock)
    assert await later.rotation.resume() == 0
    assert await later.retire() == []


async def test_what_cannot_be_written_stays_readable_and_the_rest_is_sealed_again() -> None:
    page = await stored()
    [stubborn] = await storage_keys(page.cipher, [(Purpose.SESSION, "two")])
    before = page.disk.get(stubborn)
    page.disk = Stubborn(page.disk, stubborn)
    page.rotation = KeyRotation(storage=page.disk, cipher=page.cipher, clock=page.clock, sdk=page.sdk)
    with pytest.raises(StorageFullError):
        await page.rotation.rotate()
    assert page.texts()[stubborn] == before
    assert page.named() == {OLD, page.cipher.key_id}
    assert await page.sdk.key_ids() == [page.cipher.key_id]
    later = page.next()
    assert await later.readable() == sorted(TOPICS)
    assert await later.rotation.resume() == 1


async def test_a_sdk_store_that_fails_is_told_and_gone_on_with_later() -> None:
    page = await stored()
    page.sdk.fail_after(0)
    with pytest.raises(StorageError):
        await page.rotation.rotate()
    assert page.named() == {page.cipher.key_id}
    later = page.next()
    assert await later.rotation.resume() == 1
    assert await later.retire() == []


async def test_a_key_that_cannot_be_made_changes_nothing() -> None:
    page = await stored(cipher=NoNewKeys())
    before = page.texts()
    with pytest.raises(StorageError):
        await page.rotation.rotate()
    assert page.texts() == before
    assert page.cipher.key_ids() == [OLD]


async def test_keys_that_are_forgotten_meanwhile_leave_what_is_stored_as_it_was() -> None:
    page = await disturbed(lambda other: other.cipher.forget())
    before = page.texts()
    with pytest.raises(StorageError):
        await page.rotation.rotate()
    assert page.texts() == before


async def test_many_records_go_to_the_cipher_in_batches() -> None:
    page = await stored(tuple(f"topic {number}" for number in range(120)))
    page.cipher.calls.clear()
    await page.rotation.rotate()
    assert page.cipher.calls == ["rotate", *["open", "seal"] * 3]
    assert len(await page.next().readable()) == 120


async def test_a_key_is_due_after_ninety_days_or_when_its_clock_was_wrong() -> None:
    clock = ManualClock()
    rotation = KeyRotation(storage=MemoryStorage(), cipher=FakeCipher(clock=clock), clock=clock)
    for jump, due in [(0, False), (MAX_AGE - 1, False), (1, True), (-MAX_AGE - 60, False), (-DAY, True)]:
        clock.jump(jump)
        assert rotation.due() is due
    memory = KeyRotation(storage=MemoryStorage(), cipher=FakeCipher(persistent=False), clock=ManualClock(now=5.0))
    assert memory.due() is False, "it dies with the page"
