"""A record's body made small: hex ids as bytes, then zlib with a preset dictionary. ``record.py`` specifies both. Pure.

A session is short, and most of it stands in every other session too: without the dictionary, zlib has nothing to refer
to. What is left is ids, and as hex each of them takes twice its bytes.
"""

from __future__ import annotations

import re
import zlib
from binascii import unhexlify
from functools import cache

from .dictionary import DICTIONARIES, NEWEST
from .errors import NEWER, CorruptRecordError

_ESCAPE = 0x80
_LEAST = 4  # bytes that one escape stands for; 127 is the most that its own byte can say

_HEX = re.compile(rb"[0-9a-f]{8,254}")  # 4 to 127 bytes, and the odd digit of a run that is at its end
_ESCAPED = re.compile(rb"[\x80-\xff]")

_HAS_DICTIONARY = 0x20  # FDICT, in the second byte of a zlib stream; the DICTID is the four bytes after it


def pack_hex(text: bytes) -> bytes:
    """Return ASCII ``text`` with its runs of hex digits as bytes."""
    return _HEX.sub(_as_bytes, text)


def unpack_hex(packed: bytes, limit: int) -> bytes:
    """Return the text that ``pack_hex`` made ``packed`` of; ``CorruptRecordError`` beyond ``limit`` bytes."""
    parts: list[bytes] = []
    size = end = 0
    while found := _ESCAPED.search(packed, end):
        place = found.start()
        length = packed[place] - _ESCAPE
        run = packed[place + 1 : place + 1 + length]
        if length < _LEAST or len(run) < length:
            raise CorruptRecordError("The record's body holds an id that is not packed as it should be.")
        parts += (packed[end:place], run.hex().encode("ascii"))
        size += place - end + 2 * length
        end = place + 1 + length
        if size > limit:
            break
    if size + len(packed) - end > limit:
        raise CorruptRecordError(f"The record's body unpacks beyond {limit} bytes.")
    return b"".join((*parts, packed[end:]))


def deflate(text: bytes) -> bytes:
    """Return ASCII ``text``, its ids packed, as a zlib stream with the newest dictionary."""
    stream = _fresh().copy()
    return stream.compress(pack_hex(text)) + stream.flush()


def inflate(stream: bytes, limit: int) -> bytes:
    """Return the text of ``deflate``'s stream, or of one with any dictionary shipped before."""
    if len(stream) < 6 or not stream[1] & _HAS_DICTIONARY:
        raise CorruptRecordError("The record's body names no dictionary.")
    name = int.from_bytes(stream[2:6], "big")
    dictionary = DICTIONARIES.get(name)
    if dictionary is None:
        raise CorruptRecordError(
            f"The record's body needs the dictionary {name:#010x}, which this page does not have. It is kept: "
            "a newer version of this page can read it.",
            code=NEWER,
        )
    return unpack_hex(_inflate(zlib.decompressobj(zdict=dictionary), stream, limit), limit)


def inflate_plain(stream: bytes, limit: int) -> bytes:
    """Return what a zlib stream without a dictionary holds, nothing packed in it."""
    return _inflate(zlib.decompressobj(), stream, limit)


def _inflate(reader: zlib._Decompress, stream: bytes, limit: int) -> bytes:
    try:
        text = reader.decompress(stream, limit + 1)
    except zlib.error as error:
        raise CorruptRecordError("The record's body cannot be inflated.") from error
    if not reader.eof or reader.unused_data or len(text) > limit:
        raise CorruptRecordError(f"The record's body is cut short, too long, or inflates beyond {limit} bytes.")
    return text


def _as_bytes(found: re.Match[bytes]) -> bytes:
    run = found[0]
    length = len(run) // 2
    return bytes((_ESCAPE + length,)) + unhexlify(run[: 2 * length]) + run[2 * length :]


@cache
def _fresh() -> zlib._Compress:
    # A copy of it has read the dictionary already, which takes longer than all the rest.
    return zlib.compressobj(9, zdict=NEWEST)
