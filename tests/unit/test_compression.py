from __future__ import annotations

import json
import zlib
from pathlib import Path
from statistics import median

import pytest

from renvault_web.compression import deflate, inflate, inflate_plain, pack_hex, unpack_hex
from renvault_web.dictionary import DICTIONARIES, DICTIONARY_1, NEWEST
from renvault_web.errors import CorruptRecordError
from renvault_web.session import parse_session
from renvault_web.stored import StoredSession, body_of, pack_stored

TEN_SESSIONS = json.loads((Path(__file__).parent.parent / "fixtures" / "ten-sessions.json").read_text())

LIMIT = 1000


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        (b"", b""),
        (b"topic", b"topic"),
        (b'"topic":"00ff10ab9"', b'"topic":"\x84\x00\xff\x10\xab9"'),  # the example of record.py
        (b"0123456", b"0123456"),
        (b"01234567", b"\x84\x01\x23\x45\x67"),
        (b"012345678", b"\x84\x01\x23\x45\x678"),
        (b"ABCDEF0123456789", b"ABCDEF\x85\x01\x23\x45\x67\x89"),
        (b"ABCDEFAB", b"ABCDEFAB"),
        (b"abcdefgh01234567", b"abcdefgh\x84\x01\x23\x45\x67"),
        (b"abcdef01g", b"\x84\xab\xcd\xef\x01g"),
        (rb"\u00e9abcd12", rb"\u" + b"\x85\x00\xe9\xab\xcd\x12"),
        (rb"\ud83d\ude00", rb"\ud83d\ude00"),
        (b"0x" + b"ab" * 20, b"0x\x94" + b"\xab" * 20),
        (b"7f" * 32, b"\xa0" + b"\x7f" * 32),
        (b"1e" * 127, b"\xff" + b"\x1e" * 127),
        (b"1e" * 128, b"\xff" + b"\x1e" * 127 + b"1e"),
        (b"1e" * 131, b"\xff" + b"\x1e" * 127 + b"\x84" + b"\x1e" * 4),
        (b"a" * 255, b"\xff" + b"\xaa" * 127 + b"a"),
        (b"00000000", b"\x84\0\0\0\0"),
    ],
)
def test_runs_of_hex_digits_are_packed_exactly_so(text: bytes, packed: bytes) -> None:
    assert pack_hex(text) == packed
    assert unpack_hex(packed, LIMIT) == text


@pytest.mark.parametrize("packed", [b"\x80", b"\x81a", b"\x83abc", b"a\x84abc", b"\xff" + b"a" * 126, b"\x84abcd\x84"])
def test_a_run_that_is_too_short_or_cut_is_refused(packed: bytes) -> None:
    with pytest.raises(CorruptRecordError, match="not packed as it should be"):
        unpack_hex(packed, LIMIT)


def test_what_unpacks_beyond_the_limit_is_refused_before_it_is_made() -> None:
    most = b"\xff" + b"a" * 127
    assert len(unpack_hex(most, 254)) == 254
    assert unpack_hex(b"12" + most, 256).startswith(b"126161")
    for packed, limit in ((most, 253), (most + b"1", 254), (b"1" + most, 254), (most * 1000, 254), (b"123", 2)):
        with pytest.raises(CorruptRecordError, match=f"unpacks beyond {limit} bytes"):
            unpack_hex(packed, limit)


def test_a_stream_names_the_dictionary_it_was_made_with() -> None:
    stream = deflate(b'{"topic":"' + b"7f" * 32 + b'"}')
    assert stream[:1] == b"\x78"
    assert stream[1] & 0x20
    assert int.from_bytes(stream[2:6], "big") == zlib.adler32(NEWEST)
    reader = zlib.decompressobj(zdict=NEWEST)
    assert reader.decompress(stream) == b'{"topic":"\xa0' + b"\x7f" * 32 + b'"}'
    assert inflate(stream, LIMIT) == b'{"topic":"' + b"7f" * 32 + b'"}'


def test_one_stream_says_nothing_about_the_next() -> None:
    first = deflate(b'"first text of its own"')
    deflate(b'"second text of its own"')
    assert deflate(b'"first text of its own"') == first


def test_every_dictionary_ever_shipped_is_kept_under_its_name() -> None:
    assert list(DICTIONARIES.items()) == [(0xA12BDFE1, DICTIONARY_1)]
    assert all(name == zlib.adler32(dictionary) for name, dictionary in DICTIONARIES.items())
    assert NEWEST in DICTIONARIES.values()


def test_another_dictionary_is_told_by_its_name() -> None:
    writer = zlib.compressobj(zdict=b"another dictionary")
    stream = writer.compress(b"another") + writer.flush()
    with pytest.raises(CorruptRecordError, match=f"the dictionary {zlib.adler32(b'another dictionary'):#010x}, which"):
        inflate(stream, LIMIT)


def test_a_stream_with_another_dictionarys_name_does_not_inflate() -> None:
    writer = zlib.compressobj(zdict=b"another dictionary")
    stream = writer.compress(b"another dictionary") + writer.flush()
    claimed = stream[:2] + zlib.adler32(NEWEST).to_bytes(4, "big") + stream[6:]
    with pytest.raises(CorruptRecordError, match="cannot be inflated"):
        inflate(claimed, LIMIT)


@pytest.mark.parametrize("stream", [b"", b"\x78", deflate(b"{}")[:5], zlib.compress(b"{}")])
def test_a_stream_without_a_dictionary_is_refused(stream: bytes) -> None:
    with pytest.raises(CorruptRecordError, match="names no dictionary"):
        inflate(stream, LIMIT)


def test_without_packing_a_stream_is_taken_as_it_is() -> None:
    assert inflate_plain(zlib.compress(b"\x84abcd"), LIMIT) == b"\x84abcd"
    with pytest.raises(CorruptRecordError, match="cannot be inflated"):
        inflate_plain(deflate(b"{}"), LIMIT)


@pytest.mark.parametrize("text", [b" " * (LIMIT + 1), b"00" * (LIMIT // 2) + b"!", b" " * LIMIT * 100])
def test_no_stream_inflates_or_unpacks_beyond_the_limit(text: bytes) -> None:
    with pytest.raises(CorruptRecordError, match=f"beyond {LIMIT} bytes"):
        inflate(deflate(text), LIMIT)
    assert inflate(deflate(text), len(text)) == text


def test_ten_sessions_lose_three_quarters_of_their_size() -> None:
    plain, small = [], []
    for found in TEN_SESSIONS:
        stored = StoredSession(parse_session(found["session"]), found["created"], found["used"])
        plain.append(len(json.dumps(body_of(stored), separators=(",", ":"))))
        small.append(len(pack_stored(stored, compress=True)[1]))
    assert len(plain) == 10
    assert sum(small) <= 0.25 * sum(plain)
    assert median(now / before for now, before in zip(small, plain, strict=True)) <= 0.25
