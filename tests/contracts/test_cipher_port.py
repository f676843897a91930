"""What every Cipher does: the fake here, WebCrypto under the browser's keys in the page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from renvault_web.testing import FakeCipher

if TYPE_CHECKING:
    from renvault_web.ports import Cipher

AAD = b"header and storage key"
IV, TAG = 12, 16  # bytes


@pytest.fixture
def cipher() -> Cipher:
    if sys.platform == "emscripten":
        import renvault_bridge

        from renvault_web.browser.adapters import BrowserCipher

        found: Cipher = BrowserCipher(renvault_bridge)
        return found
    return FakeCipher()


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def test_it_says_whether_its_keys_last_and_which_one_seals(cipher: Cipher) -> None:
    assert cipher.persistent is True
    assert isinstance(cipher.key_id, bytes)
    assert len(cipher.key_id) == 8


async def test_empty_batches_are_empty(cipher: Cipher) -> None:
    assert await cipher.tags([]) == []
    assert await cipher.seal([]) == []
    assert await cipher.open([]) == []


async def test_tags_are_32_bytes_the_same_for_the_same_message(cipher: Cipher) -> None:
    messages = [b"", b"a", b"\x01topic", b"a", b"x" * 10_000]
    tags = await cipher.tags(messages)
    assert [len(tag) for tag in tags] == [32] * 5
    assert tags[1] == tags[3]
    assert len(set(tags)) == 4
    assert await cipher.tags(messages[2:3]) == tags[2:3]


@pytest.mark.parametrize("plaintext", [b"", b"a", bytes(range(256)), b"x" * 20_000])
async def test_what_was_sealed_opens(cipher: Cipher, plaintext: bytes) -> None:
    [sealed] = await cipher.seal([(AAD, plaintext)])
    assert len(sealed) == IV + len(plaintext) + TAG
    assert len(plaintext) < 8 or plaintext not in sealed
    assert await cipher.open([(cipher.key_id, AAD, sealed)]) == [plaintext]


async def test_a_batch_keeps_its_order(cipher: Cipher) -> None:
    jobs = [(b"aad %d" % n, b"text %d" % n) for n in range(100)]
    sealed = await cipher.seal(jobs)
    opened = await cipher.open(
        [(cipher.key_id, aad, text) for (aad, _), text in reversed(list(zip(jobs, sealed, strict=True)))]
    )
    assert opened == [plaintext for _, plaintext in reversed(jobs)]


async def test_no_two_sealings_are_alike(cipher: Cipher) -> None:
    sealed = [*await cipher.seal([(AAD, b"the same")] * 50), *await cipher.seal([(AAD, b"the same")] * 50)]
    assert len({text[:IV] for text in sealed}) == 100
    assert len({text[IV:] for text in sealed}) == 100


async def test_a_changed_byte_anywhere_does_not_open(cipher: Cipher) -> None:
    [sealed] = await cipher.seal([(AAD, b"plaintext")])
    jobs = [(cipher.key_id, AAD, flipped(sealed, place)) for place in range(len(sealed))]
    assert await cipher.open(jobs) == [None] * len(sealed)


async def test_other_additional_data_does_not_open(cipher: Cipher) -> None:
    [sealed] = await cipher.seal([(AAD, b"plaintext")])
    others = [flipped(AAD, place) for place in range(len(AAD))] + [b"", AAD[:-1], AAD + b"\0"]
    assert await cipher.open([(cipher.key_id, other, sealed) for other in others]) == [None] * len(others)


async def test_cut_or_lengthened_it_does_not_open(cipher: Cipher) -> None:
    [sealed] = await cipher.seal([(AAD, b"plaintext")])
    jobs = [(cipher.key_id, AAD, sealed[:length]) for length in range(len(sealed))]
    assert await cipher.open([*jobs, (cipher.key_id, AAD, sealed + b"\0")]) == [None] * (len(sealed) + 1)


async def test_an_unknown_key_opens_nothing_and_stops_nothing(cipher: Cipher) -> None:
    first, second = await cipher.seal([(AAD, b"first"), (AAD, b"second")])
    unknown = flipped(cipher.key_id, 0)
    assert await cipher.open([(cipher.key_id, AAD, first), (unknown, AAD, second), (cipher.key_id, AAD, second)]) == [
        b"first",
        None,
        b"second",
    ]
