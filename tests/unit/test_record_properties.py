"""What holds for every record. These tests need hypothesis and run on CPython alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import string
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renvault_web import record
from renvault_web.compression import inflate, pack_hex, unpack_hex
from renvault_web.dictionary import NEWEST
from renvault_web.errors import CorruptRecordError
from renvault_web.record import Purpose, Record
from renvault_web.sealing import open_records, seal, storage_keys
from renvault_web.testing import FakeCipher

key_ids = st.binary(min_size=8, max_size=8)
records = st.builds(
    Record,
    purpose=st.integers(0, 255),
    flags=st.sampled_from([0, record.DEFLATED, record.COMPRESSED]),
    key_id=key_ids,
    sealed=st.binary(min_size=28, max_size=200),
)
texts = st.text(max_size=40)  # without surrogates


def paired(text: str) -> str:
    """Make one character of each surrogate pair, as JSON does."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


odd_texts = (st.text(st.characters(), max_size=40) | st.text("\ud800\udbff\udc00\udfffa", max_size=4)).map(paired)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | odd_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(odd_texts, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(odd_texts, values, max_size=5)


@given(records)
def test_a_record_comes_back_from_its_text(given_record: Record) -> None:
    assert record.decode_record(record.encode_record(given_record)) == given_record


@given(st.text(string.ascii_letters + string.digits + "-_", max_size=120) | odd_texts)
def test_a_text_is_refused_or_is_the_one_text_of_its_record(text: str) -> None:
    with contextlib.suppress(CorruptRecordError):
        assert record.encode_record(record.decode_record(text)) == text


@given(objects, st.booleans())
def test_an_object_comes_back_from_its_body(data: dict[str, Any], compress: bool) -> None:
    assert record.unpack(*record.pack(data, compress=compress)) == data


@given(st.sampled_from([0, record.DEFLATED, record.COMPRESSED]), st.binary(max_size=200))
def test_any_body_gives_an_object_or_is_refused(flags: int, body: bytes) -> None:
    with contextlib.suppress(CorruptRecordError):
        assert isinstance(record.unpack(flags, body), dict)


hex_like = st.text('0123456789abcdefABCDEFx\\"u', max_size=600)


@given(hex_like | st.from_regex('([0-9a-f]{0,300}[A-Z\\\\u"]?)*', fullmatch=True))
def test_a_text_of_hex_comes_back_and_every_run_of_eight_is_packed(text: str) -> None:
    packed = pack_hex(text.encode("ascii"))
    assert unpack_hex(packed, record.MAX_BODY) == text.encode("ascii")
    assert len(packed) <= len(text)
    assert not re.search(rb"[0-9a-f]{8}", plain_parts(packed))


def plain_parts(packed: bytes) -> bytes:
    """Return what stands between the packed runs."""
    parts, place = [], 0
    while place < len(packed):
        if packed[place] < 0x80:
            parts.append(packed[place : place + 1])
            place += 1
        else:
            parts.append(b"|")
            place += 1 + packed[place] - 0x80
    return b"".join(parts)


@given(st.binary(max_size=300))
def test_any_bytes_unpack_or_are_refused(packed: bytes) -> None:
    with contextlib.suppress(CorruptRecordError):
        assert unpack_hex(packed, record.MAX_BODY).isascii()


@given(st.binary(max_size=300), st.sampled_from([b"", NEWEST, b"another dictionary"]))
def test_any_stream_inflates_or_is_refused(content: bytes, dictionary: bytes) -> None:
    writer = zlib.compressobj(zdict=dictionary) if dictionary else zlib.compressobj()
    stream = writer.compress(content) + writer.flush()
    with contextlib.suppress(CorruptRecordError):
        assert inflate(stream, 500).isascii()
        assert dictionary == NEWEST


@given(odd_texts, st.sampled_from(Purpose), st.binary(max_size=60), odd_texts)
def test_a_plain_record_comes_back_under_its_own_key_alone(
    key: str, purpose: Purpose, body: bytes, other_key: str
) -> None:
    item = record.decode_record(record.encode_plain(key, purpose, 0, body))
    assert record.plain_body(item, key) == body
    if other_key != key:
        with pytest.raises(CorruptRecordError):
            record.plain_body(item, other_key)


@given(st.lists(st.tuples(st.sampled_from(Purpose), odd_texts), unique=True, max_size=20))
def test_different_owners_have_different_storage_keys(owners: list[tuple[Purpose, str]]) -> None:
    keys = asyncio.run(storage_keys(FakeCipher(), owners))
    assert len(set(keys)) == len(owners)


def parse(purpose: int, data: dict[str, Any]) -> tuple[Purpose, str, dict[str, Any]]:
    return Purpose(purpose), data["identity"], data


async def sealed(cipher: FakeCipher, identity: str, data: dict[str, Any]) -> tuple[str, str]:
    [key] = await storage_keys(cipher, [(Purpose.SESSION, identity)])
    [text] = await seal(cipher, [(key, Purpose.SESSION, record.pack({**data, "identity": identity}))])
    return key, text


@given(texts, objects, st.data())
def test_a_record_with_one_character_changed_never_opens(
    identity: str, data: dict[str, Any], draw: st.DataObject
) -> None:
    async def run() -> None:
        cipher = FakeCipher()
        key, text = await sealed(cipher, identity, data)
        assert await open_records(cipher, {key: text}, parse) == {key: {**data, "identity": identity}}
        place = draw.draw(st.integers(0, len(text) - 1))
        others = sorted(set(string.ascii_letters + string.digits + "-_") - {text[place]})
        wrong = text[:place] + draw.draw(st.sampled_from(others)) + text[place + 1 :]
        [outcome] = (await open_records(cipher, {key: wrong}, parse)).values()
        assert isinstance(outcome, CorruptRecordError)

    asyncio.run(run())


@given(texts, objects, st.data())
def test_a_truncated_record_never_opens(identity: str, data: dict[str, Any], draw: st.DataObject) -> None:
    async def run() -> None:
        cipher = FakeCipher()
        key, text = await sealed(cipher, identity, data)
        cut = text[: draw.draw(st.integers(0, len(text) - 1))]
        [outcome] = (await open_records(cipher, {key: cut}, parse)).values()
        assert isinstance(outcome, CorruptRecordError)

    asyncio.run(run())


@given(texts, texts, objects)
def test_two_swapped_records_do_not_open(first: str, second: str, data: dict[str, Any]) -> None:
    async def run() -> None:
        cipher = FakeCipher()
        (key, text), (other_key, other_text) = [await sealed(cipher, identity, data) for identity in (first, second)]
        if key == other_key:
            return
        swapped = await open_records(cipher, {key: other_text, other_key: text}, parse)
        assert {type(outcome) for outcome in swapped.values()} == {CorruptRecordError}

    asyncio.run(run())


@given(objects)
def test_a_body_holds_no_more_than_its_json(data: dict[str, Any]) -> None:
    _, body = record.pack(data)
    assert len(body) <= len(json.dumps(data, separators=(",", ":")))
