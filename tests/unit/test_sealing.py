from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from renvault_web import record
from renvault_web.errors import CorruptRecordError, StorageError
from renvault_web.record import Purpose, Record
from renvault_web.sealing import open_named, open_records, reseal, seal, storage_keys
from renvault_web.testing import FakeCipher

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(purpose: int, data: dict[str, Any]) -> tuple[Purpose, str, str]:
    if "topic" not in data:
        raise CorruptRecordError("no topic")
    return Purpose(purpose), data["topic"], f"value of {data['topic']}"


async def sealed(cipher: FakeCipher, *topics: str) -> dict[str, str]:
    keys = await storage_keys(cipher, [(Purpose.SESSION, topic) for topic in topics])
    items = [(key, Purpose.SESSION, record.pack({"topic": topic})) for key, topic in zip(keys, topics, strict=True)]
    return dict(zip(keys, await seal(cipher, items), strict=True))


def reason(outcome: object) -> str:
    assert isinstance(outcome, CorruptRecordError)
    return str(outcome)


async def test_a_batch_comes_back_by_its_storage_keys() -> None:
    cipher = FakeCipher()
    texts = await sealed(cipher, "a", "b")
    found = await open_records(cipher, texts, parse)
    assert found == dict(zip(texts, ["value of a", "value of b"], strict=True))


async def test_nothing_to_do_needs_no_crossing() -> None:
    cipher = FakeCipher()
    assert await storage_keys(cipher, []) == []
    assert await open_records(cipher, {}, parse) == {}
    assert list(await open_records(cipher, {"rv1.x": "not a record"}, parse)) == ["rv1.x"]
    assert cipher.calls == []


async def test_each_record_fails_for_itself_and_says_why() -> None:
    cipher = FakeCipher()
    texts = await sealed(cipher, "good", "changed", "moved", "of another key", "without topic", "compressed badly")
    good, changed, moved, foreign, without, badly = texts
    texts[changed] = texts[changed][:-1] + ("A" if texts[changed][-1] != "A" else "B")
    texts[moved] = texts[good]
    texts[foreign] = (await sealed(FakeCipher(key_id=b"lost key"), "of another key"))[foreign]
    [texts[without]] = await seal(cipher, [(without, Purpose.SESSION, record.pack({}))])
    header = record.header(1, record.DEFLATED, cipher.key_id)
    [body] = await cipher.seal([(record.aad(header, badly), b"no zlib stream")], key_id=cipher.key_id)
    texts[badly] = record.encode_record(Record(purpose=1, flags=record.DEFLATED, key_id=cipher.key_id, sealed=body))
    found = await open_records(cipher, texts, parse)
    assert found[good] == "value of good"
    gone = "The record was changed, moved from another place, or sealed by a key that is gone."
    assert reason(found[moved]) == reason(found[foreign]) == gone
    assert reason(found[changed]) in (
        gone,
        "The record is not canonical base64url: at least one character was changed.",
    )
    assert reason(found[without]) == "no topic"
    assert reason(found[badly]) == "The record's body cannot be inflated."


async def test_an_error_that_nobody_foresaw_is_that_records_own() -> None:
    cipher = FakeCipher()
    texts = await sealed(cipher, "good", "odd")
    good, odd = texts

    def parse_but_one(purpose: int, data: dict[str, Any]) -> tuple[Purpose, str, str]:
        return parse(purpose, {**data, "topic": data["topic"] if data["topic"] == "good" else 1 / 0})

    found = await open_records(cipher, texts, parse_but_one)
    assert found[good] == "value of good"
    assert reason(found[odd]) == "The record cannot be read (ZeroDivisionError)."


async def test_a_record_whose_inside_belongs_elsewhere_is_refused() -> None:
    cipher = FakeCipher()
    [key] = await storage_keys(cipher, [(Purpose.SESSION, "a")])
    [text] = await seal(cipher, [(key, Purpose.SESSION, record.pack({"topic": "b"}))])
    found = await open_records(cipher, {key: text}, parse)
    assert reason(found[key]) == "The record belongs under another storage key."


async def test_a_purpose_changed_in_the_header_does_not_open() -> None:
    cipher = FakeCipher()
    [(key, text)] = (await sealed(cipher, "a")).items()
    taken = record.decode_record(text)
    notes = Record(purpose=Purpose.NOTES, flags=taken.flags, key_id=taken.key_id, sealed=taken.sealed)
    found = await open_records(cipher, {key: record.encode_record(notes)}, parse)
    assert reason(found[key]).startswith("The record was changed")


UNSEALED = "The record is not sealed. It is read only while encryption is off."


async def test_with_encryption_off_records_are_written_and_read_without_the_cipher() -> None:
    cipher = FakeCipher()
    [key] = await storage_keys(cipher, [(Purpose.SESSION, "a")])
    cipher.calls.clear()
    [text] = await seal(cipher, [(key, Purpose.SESSION, record.pack({"topic": "a"}))], encrypted=False)
    assert cipher.calls == []
    assert not record.decode_record(text).is_sealed
    assert await open_records(cipher, {key: text}, parse, encrypted=False) == {key: "value of a"}
    assert cipher.calls == ["tags"]


async def test_with_encryption_off_sealed_records_are_read_too() -> None:
    cipher = FakeCipher()
    texts = await sealed(cipher, "a", "b")
    keys = list(texts)
    [texts[keys[0]]] = await seal(cipher, [(keys[0], Purpose.SESSION, record.pack({"topic": "a"}))], encrypted=False)
    found = await open_records(cipher, texts, parse, encrypted=False)
    assert found == dict(zip(keys, ["value of a", "value of b"], strict=True))


async def test_a_planted_record_that_is_not_sealed_is_refused_while_encryption_is_on() -> None:
    cipher = FakeCipher()
    texts = await sealed(cipher, "planted", "good")
    planted, good = texts
    texts[planted] = record.encode_plain(planted, Purpose.SESSION, *record.pack({"topic": "planted"}))
    found = await open_records(cipher, texts, parse)
    assert reason(found[planted]) == UNSEALED
    assert found[good] == "value of good"
    assert reason((await open_named(cipher, {"rvb1.1": texts[planted]}, Purpose.BACKUP))["rvb1.1"]) == UNSEALED


async def test_a_plain_record_that_was_moved_or_belongs_elsewhere_is_refused() -> None:
    cipher = FakeCipher()
    first, second = await storage_keys(cipher, [(Purpose.SESSION, topic) for topic in ("a", "b")])
    text = record.encode_plain(first, Purpose.SESSION, 0, b'{"topic":"a"}')
    wrong = record.encode_plain(second, Purpose.SESSION, 0, b'{"topic":"a"}')
    moved = await open_records(cipher, {second: text}, parse, encrypted=False)
    assert reason(moved[second]) == "The record was changed or moved from another place: its SHA-256 does not fit."
    elsewhere = await open_records(cipher, {second: wrong}, parse, encrypted=False)
    assert reason(elsewhere[second]) == "The record belongs under another storage key."


BACKUP = "rvb1.1700000000000"


async def test_a_record_with_a_name_of_its_own_comes_back_and_needs_no_tag() -> None:
    cipher = FakeCipher()
    [text] = await seal(cipher, [(BACKUP, Purpose.BACKUP, record.pack({"old": "bytes"}))])
    assert await open_named(cipher, {BACKUP: text}, Purpose.BACKUP) == {BACKUP: {"old": "bytes"}}
    assert "tags" not in cipher.calls


async def test_a_named_record_elsewhere_or_of_another_purpose_is_refused_alone() -> None:
    cipher = FakeCipher()
    page = "rvh1.1700000000000-00000000"
    items = [(BACKUP, Purpose.BACKUP, record.pack({"a": 1})), (page, Purpose.HISTORY, record.pack({"b": 1}))]
    backup, history = await seal(cipher, items)
    found = await open_named(
        cipher, {BACKUP: backup, page: history, "rvb1.1": backup, "rvb1.2": "{}", "rvb1.3": ""}, Purpose.BACKUP
    )
    assert found.pop(BACKUP) == {"a": 1}
    assert {key: reason(outcome) for key, outcome in found.items()} == {
        page: "The record has purpose 5; 4 belongs here.",
        "rvb1.1": "The record was changed, moved from another place, or sealed by a key that is gone.",
        "rvb1.2": "The record is not canonical base64url: at least one character was changed.",
        "rvb1.3": "The record is cut short: it has 0 bytes.",
    }


async def test_a_named_record_whose_body_is_no_object_is_refused() -> None:
    cipher = FakeCipher()
    [text] = await seal(cipher, [(BACKUP, Purpose.BACKUP, (0, b"[]"))])
    found = await open_named(cipher, {BACKUP: text}, Purpose.BACKUP)
    assert reason(found[BACKUP]) == "The record's body must be a JSON object, not list."


async def test_sealed_again_a_record_has_the_new_key_and_the_same_body() -> None:
    cipher = FakeCipher()
    texts = await sealed(cipher, "a", "b")
    [texts[BACKUP]] = await seal(cipher, [(BACKUP, Purpose.BACKUP, (record.DEFLATED, b"any body at all"))])
    await cipher.rotate()
    [(new, text)] = (await sealed(cipher, "new")).items()
    found = await reseal(cipher, {**texts, new: text})
    assert list(found) == list(texts)
    for key, again in found.items():
        assert isinstance(again, str)
        before, after = record.decode_record(texts[key]), record.decode_record(again)
        assert (after.purpose, after.flags, after.key_id) == (before.purpose, before.flags, cipher.key_id)
        jobs = [(item.key_id, record.aad(item.header, key), item.sealed) for item in (before, after)]
        old_body, new_body = await cipher.open(jobs)
        assert old_body == new_body
        assert old_body is not None
    assert await reseal(cipher, {key: str(again) for key, again in found.items()}) == {}


async def test_what_cannot_be_sealed_again_says_why_and_plain_records_stay() -> None:
    cipher = FakeCipher()
    texts = await sealed(cipher, "good", "moved", "of another key", "plain", "no record")
    good, moved, foreign, plain, none = texts
    texts[moved] = texts[good]
    texts[foreign] = (await sealed(FakeCipher(key_id=b"lost key"), "of another key"))[foreign]
    texts[plain] = record.encode_plain(plain, Purpose.SESSION, 0, b"{}")
    texts[none] = "{}"
    await cipher.rotate()
    found = await reseal(cipher, texts)
    assert set(found) == {good, moved, foreign, none}
    assert isinstance(found[good], str)
    gone = "The record was changed, moved from another place, or sealed by a key that is gone."
    assert [reason(found[key]) for key in (moved, foreign)] == [gone, gone]
    assert reason(found[none]) == "The record is not canonical base64url: at least one character was changed."


async def test_with_nothing_to_seal_again_the_cipher_is_not_asked() -> None:
    cipher = FakeCipher()
    texts = await sealed(cipher, "a")
    cipher.calls.clear()
    assert await reseal(cipher, texts) == {}
    assert await reseal(cipher, {}) == {}
    assert await seal(cipher, []) == []
    assert cipher.calls == []


async def test_a_batch_is_sealed_by_one_key_though_another_page_rotates_meanwhile() -> None:
    class Rotating(FakeCipher):
        async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
            await self.rotate()
            return await super().seal(jobs, key_id=key_id)

    cipher = Rotating()
    before = cipher.key_id
    texts = await sealed(cipher, "a", "b")
    assert cipher.key_id != before
    assert {record.decode_record(text).key_id for text in texts.values()} == {before}
    assert list((await open_records(cipher, texts, parse)).values()) == ["value of a", "value of b"]


class Losing(FakeCipher):
    """A cipher whose key is deleted by another page as it is about to seal."""

    async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
        if self.persistent:
            await self.another().forget()
        return await super().seal(jobs, key_id=key_id)


async def test_a_record_whose_key_was_deleted_just_then_is_sealed_by_the_next() -> None:
    cipher = Losing()
    [text] = await seal(cipher, [("rv1.a", Purpose.SESSION, record.pack({}))])
    assert record.decode_record(text).key_id == cipher.key_id
    assert cipher.calls == ["seal", "seal"]


async def test_a_cipher_that_fails_is_not_asked_again() -> None:
    class Failing(FakeCipher):
        async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
            self.calls.append("seal")
            raise StorageError("No.")

    cipher = Failing()
    with pytest.raises(StorageError):
        await seal(cipher, [("rv1.a", Purpose.SESSION, record.pack({}))])
    assert cipher.calls == ["seal"]
