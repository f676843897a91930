from __future__ import annotations

from typing import Any

from renvault_web import record
from renvault_web.errors import CorruptRecordError
from renvault_web.record import Purpose, Record
from renvault_web.sealing import open_records, seal, storage_keys
from renvault_web.testing import FakeCipher


def parse(purpose: int, data: dict[str, Any]) -> tuple[Purpose, str, str]:
    if "topic" not in data:
        raise CorruptRecordError("no topic")
    return Purpose(purpose), data["topic"], f"value of {data['topic']}"


async def sealed(cipher: FakeCipher, *topics: str) -> dict[str, str]:
    keys = await storage_keys(cipher, [(Purpose.SESSION, topic) for topic in topics])
    items = [(key, Purpose.SESSION, record.pack({"topic": topic})) for key, topic in zip(keys, topics, strict=True)]
    return dict(zip(keys, await seal(cipher, items), strict=True))


def reason(outcome: str | CorruptRecordError) -> str:
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
    header = record.header(1, record.COMPRESSED, cipher.key_id)
    [body] = await cipher.seal([(record.aad(header, badly), b"no zlib stream")], key_id=cipher.key_id)
    texts[badly] = record.encode_record(Record(purpose=1, flags=record.COMPRESSED, key_id=cipher.key_id, sealed=body))
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
