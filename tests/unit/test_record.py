from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import zlib
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from renvault_web import record
from renvault_web.compression import deflate, pack_hex
from renvault_web.dictionary import NEWEST
from renvault_web.errors import CorruptRecordError, StorageError
from renvault_web.jsontext import write_json
from renvault_web.record import Purpose, Record

VECTORS = json.loads((Path(__file__).parent.parent / "fixtures" / "record-vectors.json").read_text())

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

EXAMPLE = Record(purpose=1, flags=0, key_id=b"\x01\x02\x03\x04\x05\x06\x07\x08", sealed=bytes(range(12 + 5 + 16)))


def text_of(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: vector["name"])
def test_vectors_shared_with_typescript(vector: dict[str, Any]) -> None:
    message = record.key_message(Purpose(vector["purpose"]), vector["identity"])
    tag = hmac.new(bytes.fromhex(VECTORS["indexKey"]), message, hashlib.sha256).digest()
    key = record.storage_key(tag)
    taken_apart = record.decode_record(vector["record"])
    assert message.hex() == vector["keyMessage"]
    assert key == vector["storageKey"]
    assert taken_apart == Record(
        purpose=vector["purpose"],
        flags=vector["flags"],
        key_id=bytes.fromhex(VECTORS["keyId"]),
        sealed=bytes.fromhex(vector["iv"] + vector["ciphertext"]),
    )
    assert record.aad(taken_apart.header, key).hex() == vector["aad"]
    assert record.encode_record(taken_apart) == vector["record"]
    body = bytes.fromhex(vector["body"])
    assert record.unpack(vector["flags"], body) == vector["data"]
    if vector["flags"] == record.COMPRESSED:
        packed = zlib.decompressobj(zdict=NEWEST).decompress(body)
        assert packed == pack_hex(write_json(vector["data"]).encode())


@pytest.mark.parametrize("vector", VECTORS["named"], ids=lambda vector: vector["name"])
def test_vectors_of_records_with_a_name_of_their_own(vector: dict[str, Any]) -> None:
    item = record.decode_record(vector["record"])
    assert item == Record(
        purpose=vector["purpose"],
        flags=vector["flags"],
        key_id=bytes.fromhex(VECTORS["keyId"]),
        sealed=bytes.fromhex(vector["iv"] + vector["ciphertext"]),
    )
    assert record.aad(item.header, vector["storageKey"]).hex() == vector["aad"]
    assert vector["storageKey"].startswith({4: record.BACKUP_PREFIX, 5: record.HISTORY_PREFIX}[item.purpose])
    assert record.unpack(item.flags, bytes.fromhex(vector["body"])) == vector["data"]


@pytest.mark.parametrize("vector", VECTORS["plain"], ids=lambda vector: vector["name"])
def test_vectors_of_records_that_are_not_sealed(vector: dict[str, Any]) -> None:
    item = record.decode_record(vector["record"])
    key, body = vector["storageKey"], bytes.fromhex(vector["body"])
    assert record.aad(item.header, key).hex() == vector["aad"]
    assert item.sealed == bytes.fromhex(vector["digest"]) + body
    assert record.plain_body(item, key) == body
    assert record.unpack(item.flags, body) == vector["data"]
    assert record.encode_plain(key, Purpose(vector["purpose"]), vector["flags"], body) == vector["record"]


@pytest.mark.parametrize("refused", VECTORS["refused"], ids=lambda refused: refused["name"])
def test_texts_that_no_reader_takes(refused: dict[str, str]) -> None:
    with pytest.raises(CorruptRecordError):
        record.decode_record(refused["record"])


def test_the_header_has_eleven_bytes_in_this_order() -> None:
    assert EXAMPLE.header.hex() == "0101000102030405060708"
    assert record.header(3, 1, b"\xff" * 8).hex() == "010301ffffffffffffffff"


@pytest.mark.parametrize("key_id", [b"", b"\0" * 7, b"\0" * 9])
def test_a_key_id_of_another_length_is_refused(key_id: bytes) -> None:
    with pytest.raises(ValueError, match=f"8 bytes, not {len(key_id)}"):
        record.header(1, 0, key_id)


def test_the_storage_key_is_the_first_16_bytes_of_the_tag() -> None:
    assert record.storage_key(bytes(range(32))) == "rv1.AAECAwQFBgcICQoLDA0ODw"


def test_storage_keys_stay_clear_of_the_old_clean_up() -> None:
    assert not record.KEY_PREFIX.startswith("renvault_session_")


def test_purposes_and_identities_never_share_a_key_message() -> None:
    messages = {
        record.key_message(purpose, identity)
        for purpose in Purpose
        for identity in ("", "a", "\x01a", "\ud800", "\udc00", "\ufffd")
    }
    assert len(messages) == len(Purpose) * 6


def test_a_surrogate_pair_is_the_character_that_it_means() -> None:
    assert record.key_message(Purpose.SESSION, "\ud83d\ude00") == record.key_message(Purpose.SESSION, "\U0001f600")
    assert (
        record.key_message(Purpose.SESSION, "\ud800\ud83d\ude00\udc00")
        == b"\x01\xed\xa0\x80\xf0\x9f\x98\x80\xed\xb0\x80"
    )


def test_the_aad_is_header_and_storage_key() -> None:
    assert record.aad(b"header", "rv1.é") == b"headerrv1.\xc3\xa9"
    assert record.aad(b"header", "rv1.\ud800") == b"headerrv1.\xed\xa0\x80"


def test_every_change_of_one_character_gives_other_bytes_or_fails() -> None:
    text = record.encode_record(EXAMPLE)
    for place, right in enumerate(text):
        for wrong in ALPHABET + "+/= \n\0é\ud800":
            if wrong == right:
                continue
            with contextlib.suppress(CorruptRecordError):
                assert record.decode_record(text[:place] + wrong + text[place + 1 :]) != EXAMPLE


@pytest.mark.parametrize("length", [38, 39, 40, 41])
def test_every_length_of_bytes_has_exactly_one_text(length: int) -> None:
    text = text_of(b"\x01" + b"\0" * (length - 1))
    last = text[-1]
    readable = []
    for wrong in ALPHABET:
        try:
            record.decode_record(text[:-1] + wrong)
            readable.append(wrong)
        except CorruptRecordError:
            pass
    spare_bits = len(text) * 6 - length * 8
    assert len(readable) == (0 if length < 39 else 64 >> spare_bits)
    assert length < 39 or last in readable


@pytest.mark.parametrize("foreign", ["*", "+", "/", "=", " ", "\n", "é", "\ud800", "AA"])
def test_foreign_characters_and_impossible_lengths_are_refused(foreign: str) -> None:
    text = record.encode_record(EXAMPLE)
    with pytest.raises(CorruptRecordError, match="base64url"):
        record.decode_record(text + foreign)


def test_every_truncation_fails_or_gives_other_bytes() -> None:
    text = record.encode_record(EXAMPLE)
    shortest = len(text_of(bytes(39)))
    for length in range(len(text)):
        if length < shortest:
            with pytest.raises(CorruptRecordError):
                record.decode_record(text[:length])
        else:
            with contextlib.suppress(CorruptRecordError):
                assert record.decode_record(text[:length]) != EXAMPLE


def test_a_record_cut_short_says_so() -> None:
    with pytest.raises(CorruptRecordError, match="cut short: it has 38 bytes"):
        record.decode_record(text_of(b"\x01" + bytes(37)))
    with pytest.raises(CorruptRecordError, match="cut short: it has 0 bytes"):
        record.decode_record("")


@pytest.mark.parametrize("version", [0, 2, 255])
def test_an_unknown_version_says_so_however_short_it_is(version: int) -> None:
    for rest in (0, 100):
        with pytest.raises(CorruptRecordError, match=f"has version {version}, this page reads version 1"):
            record.decode_record(text_of(bytes([version]) + bytes(rest)))


@pytest.mark.parametrize("flags", [0x03, 0x04, 0x08, 0x10, 0x20, 0x40, 0x83, 0xC0, 0xFF])
def test_an_unknown_flag_is_refused(flags: int) -> None:
    text = record.encode_record(Record(purpose=1, flags=flags, key_id=bytes(8), sealed=bytes(30)))
    with pytest.raises(CorruptRecordError, match=f"flags {flags:#04x}"):
        record.decode_record(text)


def test_purposes_are_taken_as_they_are() -> None:
    for purpose in (0, 3, 200, 255):
        text = record.encode_record(Record(purpose=purpose, flags=1, key_id=bytes(8), sealed=bytes(28)))
        assert record.decode_record(text).purpose == purpose


def test_a_text_beyond_the_limit_is_not_even_decoded() -> None:
    largest = record.encode_record(Record(purpose=1, flags=0, key_id=bytes(8), sealed=bytes(12 + record.MAX_BODY + 16)))
    assert len(largest) <= record.MAX_TEXT
    assert len(record.decode_record(largest).sealed) == 12 + record.MAX_BODY + 16
    with pytest.raises(CorruptRecordError, match="is the most that is read"):
        record.decode_record("A" * (record.MAX_TEXT + 1))


PLACE = "rv1.AAECAwQFBgcICQoLDA0ODw"


def test_a_plain_record_is_header_sha_256_and_body() -> None:
    text = record.encode_plain(PLACE, Purpose.SESSION, record.COMPRESSED, b"body")
    head = bytes.fromhex("0101820000000000000000")
    assert text == text_of(head + hashlib.sha256(head + PLACE.encode() + b"body").digest() + b"body")
    item = record.decode_record(text)
    assert not item.is_sealed
    assert EXAMPLE.is_sealed
    assert (item.purpose, item.flags & ~record.PLAIN) == (1, record.COMPRESSED)
    assert record.plain_body(item, PLACE) == b"body"


def test_a_plain_record_under_another_key_or_changed_anywhere_is_refused() -> None:
    text = record.encode_plain(PLACE, Purpose.SESSION, 0, b"{}")
    with pytest.raises(CorruptRecordError, match="its SHA-256 does not fit"):
        record.plain_body(record.decode_record(text), PLACE[:-1])
    for place, right in enumerate(text):
        for wrong in ALPHABET.replace(right, ""):
            with pytest.raises(CorruptRecordError):
                record.plain_body(record.decode_record(text[:place] + wrong + text[place + 1 :]), PLACE)
    for length in range(len(text)):
        with pytest.raises(CorruptRecordError):
            record.plain_body(record.decode_record(text[:length]), PLACE)


def test_a_plain_record_that_names_a_key_or_is_too_short_for_its_sha_256_is_refused() -> None:
    shortest = record.HEADER_SIZE + 32
    assert not record.decode_record(text_of(b"\x01\x01\x80" + bytes(shortest - 3))).is_sealed
    for data in (b"\x01\x01\x80" + bytes(shortest - 4), b"\x01\x01\x80" + b"\x01" + bytes(shortest)):
        with pytest.raises(CorruptRecordError, match="names a key all the same or is cut short"):
            record.decode_record(text_of(data))


def test_the_claimed_purpose_is_that_of_the_header() -> None:
    assert record.claimed_purpose(record.encode_record(EXAMPLE)) == 1
    assert record.claimed_purpose("") is None
    assert record.claimed_purpose("{}") is None


def test_a_body_is_compact_ascii_json_when_not_compressed() -> None:
    assert record.pack({"b": "é\ud800", "a": [1, 2.5, None]}, compress=False) == (
        0,
        b'{"b":"\\u00e9\\ud800","a":[1,2.5,null]}',
    )


def test_a_body_is_compressed_where_that_makes_it_smaller() -> None:
    flags, body = record.pack({"a": "x" * 100})
    assert flags == record.COMPRESSED
    assert record.unpack(flags, body) == {"a": "x" * 100}
    assert record.pack({"a": "x"}) == (0, b'{"a":"x"}')


def test_who_measures_is_told_what_a_body_takes_packed_and_as_json() -> None:
    told: list[tuple[int, int]] = []
    flags, body = record.pack({"a": "x" * 100}, measure=lambda packed, plain: told.append((packed, plain)))
    record.unpack(flags, body, measure=lambda packed, plain: told.append((packed, plain)))
    record.pack({"a": "x"}, measure=lambda packed, plain: told.append((packed, plain)))
    with pytest.raises(CorruptRecordError):
        record.unpack(0, b"[]", measure=lambda packed, plain: told.append((packed, plain)))
    assert told == [(len(body), 108), (len(body), 108), (9, 9)]


def test_a_body_compressed_without_a_dictionary_is_read() -> None:
    assert record.unpack(record.DEFLATED, zlib.compress(b'{"a":"x"}')) == {"a": "x"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}, object()])
def test_what_json_cannot_express_is_refused(value: object) -> None:
    with pytest.raises(StorageError, match="cannot be written as JSON"):
        record.pack({"a": value})


def test_an_object_within_itself_is_refused() -> None:
    data: dict[str, Any] = {}
    data["again"] = data
    with pytest.raises(StorageError, match="cannot be written as JSON"):
        record.pack(data)


def test_what_could_not_be_read_again_for_its_depth_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(98):
        deep = [deep]
    assert record.unpack(*record.pack({"a": deep})) == {"a": deep}
    with pytest.raises(StorageError, match="nests too deep"):
        record.pack({"a": [deep]})


def test_a_body_holds_four_mebibytes_and_no_more() -> None:
    room = record.MAX_BODY - len(b'{"a":""}')
    for compress in (True, False):
        flags, body = record.pack({"a": "x" * room}, compress=compress)
        assert len(record.unpack(flags, body)["a"]) == room
    with pytest.raises(StorageError, match=f"{record.MAX_BODY + 1} bytes"):
        record.pack({"a": "x" * (room + 1)})
    with pytest.raises(StorageError, match=r"^Session abc has 13 bytes; a record holds 10 at most\.$"):
        record.pack({"a": "12345"}, name="Session abc", limit=10)


@pytest.mark.parametrize("size", [record.MAX_BODY + 1, record.MAX_BODY * 8])
def test_a_body_that_inflates_beyond_the_limit_is_refused(size: int) -> None:
    with pytest.raises(CorruptRecordError, match="inflates beyond"):
        record.unpack(record.DEFLATED, zlib.compress(b" " * size))
    with pytest.raises(CorruptRecordError, match="inflates beyond"):
        record.unpack(record.COMPRESSED, deflate(b" " * size))


def test_a_stream_that_is_damaged_cut_or_followed_by_more_is_refused() -> None:
    _, body = record.pack({"a": "x" * 100})
    for flags, stream in (record.COMPRESSED, body), (record.DEFLATED, zlib.compress(b'{"a":"x"}')):
        for damaged in (b"", stream[:-1], stream + b"\0", stream[:-1] + bytes([stream[-1] ^ 1]), b"\0" + stream):
            with pytest.raises(CorruptRecordError):
                record.unpack(flags, damaged)


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":\xff}', "{}".encode("utf-16"), b"[" * 200_000])
def test_a_body_that_is_not_json_in_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises(CorruptRecordError, match="not JSON"):
        record.unpack(0, body)


@pytest.mark.parametrize(("body", "kind"), [(b"[]", "list"), (b'"a"', "str"), (b"null", "NoneType"), (b"1", "int")])
def test_a_body_that_is_not_an_object_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(CorruptRecordError, match=f"must be a JSON object, not {kind}"):
        record.unpack(0, body)
