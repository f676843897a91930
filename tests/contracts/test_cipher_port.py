"""What every Cipher does: the fake here, WebCrypto under the browser's keys in the page."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
import time
from typing import TYPE_CHECKING

import pytest

from renvault_web.errors import StorageError
from renvault_web.testing import FakeCipher

if TYPE_CHECKING:
    from collections.abc import Callable

    from renvault_web.ports import Cipher

AAD = b"header and storage key"
IV, TAG = 12, 16  # bytes

NUMBERS = itertools.count(time.time_ns())


class Browser:
    """A browser of its own: every page that is opened in it has the same keys."""

    def __init__(self) -> None:
        self._fakes: list[FakeCipher] = []
        self._ends: dict[int, Callable[[], None]] = {}
        self._name = f"test-{next(NUMBERS)}"

    async def open(self) -> Cipher:
        """Open a page."""
        if sys.platform == "emscripten":
            import renvault_bridge_testing

            from renvault_web.browser.adapters import BrowserCipher

            opened = await renvault_bridge_testing.openCipher(self._name)
            found: Cipher = BrowserCipher(opened)
            self._ends[id(found)] = opened.end
            return found
        self._fakes.append(self._fakes[0].another() if self._fakes else FakeCipher())
        self._ends[id(self._fakes[-1])] = self._fakes[-1].end
        return self._fakes[-1]

    def end(self, page: Cipher) -> None:
        """Close a page."""
        self._ends.pop(id(page))()


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def cipher(browser: Browser) -> Cipher:
    if sys.platform == "emscripten":
        from pyodide.ffi import run_sync

        opened: Cipher = run_sync(browser.open())
        return opened
    return asyncio.run(browser.open())


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
    assert await cipher.seal([], key_id=cipher.key_id) == []
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
    [sealed] = await cipher.seal([(AAD, plaintext)], key_id=cipher.key_id)
    assert len(sealed) == IV + len(plaintext) + TAG
    assert len(plaintext) < 8 or plaintext not in sealed
    assert await cipher.open([(cipher.key_id, AAD, sealed)]) == [plaintext]


async def test_a_batch_keeps_its_order(cipher: Cipher) -> None:
    jobs = [(b"aad %d" % n, b"text %d" % n) for n in range(100)]
    sealed = await cipher.seal(jobs, key_id=cipher.key_id)
    opened = await cipher.open(
        [(cipher.key_id, aad, text) for (aad, _), text in reversed(list(zip(jobs, sealed, strict=True)))]
    )
    assert opened == [plaintext for _, plaintext in reversed(jobs)]


async def test_no_two_sealings_are_alike(cipher: Cipher) -> None:
    batches = [await cipher.seal([(AAD, b"the same")] * 50, key_id=cipher.key_id) for _ in range(2)]
    sealed = [text for batch in batches for text in batch]
    assert len({text[:IV] for text in sealed}) == 100
    assert len({text[IV:] for text in sealed}) == 100


async def test_a_changed_byte_anywhere_does_not_open(cipher: Cipher) -> None:
    [sealed] = await cipher.seal([(AAD, b"plaintext")], key_id=cipher.key_id)
    jobs = [(cipher.key_id, AAD, flipped(sealed, place)) for place in range(len(sealed))]
    assert await cipher.open(jobs) == [None] * len(sealed)


async def test_other_additional_data_does_not_open(cipher: Cipher) -> None:
    [sealed] = await cipher.seal([(AAD, b"plaintext")], key_id=cipher.key_id)
    others = [flipped(AAD, place) for place in range(len(AAD))] + [b"", AAD[:-1], AAD + b"\0"]
    assert await cipher.open([(cipher.key_id, other, sealed) for other in others]) == [None] * len(others)


async def test_cut_or_lengthened_it_does_not_open(cipher: Cipher) -> None:
    [sealed] = await cipher.seal([(AAD, b"plaintext")], key_id=cipher.key_id)
    jobs = [(cipher.key_id, AAD, sealed[:length]) for length in range(len(sealed))]
    assert await cipher.open([*jobs, (cipher.key_id, AAD, sealed + b"\0")]) == [None] * (len(sealed) + 1)


async def test_an_unknown_key_opens_nothing_and_stops_nothing(cipher: Cipher) -> None:
    first, second = await cipher.seal([(AAD, b"first"), (AAD, b"second")], key_id=cipher.key_id)
    unknown = flipped(cipher.key_id, 0)
    assert await cipher.open([(cipher.key_id, AAD, first), (unknown, AAD, second), (cipher.key_id, AAD, second)]) == [
        b"first",
        None,
        b"second",
    ]


# Several keys


async def sealed(page: Cipher, plaintext: bytes) -> tuple[bytes, bytes, bytes]:
    """What ``open`` takes to give ``plaintext`` back."""
    key_id = page.key_id
    [text] = await page.seal([(AAD, plaintext)], key_id=key_id)
    return key_id, AAD, text


async def seal_on(page: Cipher, until: Callable[[], bool]) -> None:
    """Seal one record after the other, as a page does, until it has noticed what another page did."""
    for _ in range(5_000):
        if until():
            return
        with contextlib.suppress(StorageError):  # it may notice while it seals
            await sealed(page, b"and on")
    raise AssertionError("The page went on sealing and noticed nothing.")


async def test_there_is_one_key_at_first_and_it_says_when_it_was_made(cipher: Cipher) -> None:
    assert cipher.key_ids() == [cipher.key_id]
    assert isinstance(cipher.key_created_at, float)
    assert 1.6e9 < cipher.key_created_at < 4e9, "epoch seconds"


async def test_the_next_page_has_the_same_keys(browser: Browser) -> None:
    first, second = await browser.open(), await browser.open()
    assert second.key_ids() == first.key_ids()
    assert second.key_created_at == first.key_created_at
    assert await second.tags([b"a"]) == await first.tags([b"a"])
    assert await second.open([await sealed(first, b"of the first")]) == [b"of the first"]


async def test_after_a_rotation_a_new_key_seals_and_the_old_one_opens(cipher: Cipher) -> None:
    old_id, [tag] = cipher.key_id, await cipher.tags([b"a"])
    before = await sealed(cipher, b"before")
    await cipher.rotate()
    assert cipher.key_id != old_id
    assert cipher.key_ids() == [old_id, cipher.key_id]
    assert await cipher.open([before, await sealed(cipher, b"after")]) == [b"before", b"after"]
    assert await cipher.tags([b"a"]) == [tag], "the index key stays"


async def test_the_named_key_seals_and_only_that_key_opens(cipher: Cipher) -> None:
    old_id = cipher.key_id
    await cipher.rotate()
    [text] = await cipher.seal([(AAD, b"named")], key_id=old_id)
    assert await cipher.open([(old_id, AAD, text), (cipher.key_id, AAD, text)]) == [b"named", None]


async def test_a_key_that_is_not_at_hand_does_not_seal(cipher: Cipher) -> None:
    with pytest.raises(StorageError):
        await cipher.seal([(AAD, b"a")], key_id=b"\0" * 8)
    assert await cipher.open([await sealed(cipher, b"b")]) == [b"b"], "and stops nothing"


async def test_the_next_page_seals_with_the_newest_key(browser: Browser) -> None:
    first = await browser.open()
    await first.rotate()
    await first.rotate()
    assert (await browser.open()).key_ids() == first.key_ids()
    assert len(first.key_ids()) == 3


async def test_what_another_page_s_new_key_sealed_opens_here(browser: Browser) -> None:
    first, second = await browser.open(), await browser.open()
    await first.rotate()
    assert await second.open([await sealed(first, b"new"), (b"\0" * 8, AAD, b"\0" * 40)]) == [b"new", None]


async def test_a_page_that_seals_goes_over_to_another_page_s_new_key(browser: Browser) -> None:
    first, second = await browser.open(), await browser.open()
    await first.rotate()
    await seal_on(second, until=lambda: second.key_id == first.key_id)
    assert await second.open([await sealed(first, b"of the first")]) == [b"of the first"]


async def test_two_pages_that_rotate_at_once_end_with_one_list(browser: Browser) -> None:
    first, second = await browser.open(), await browser.open()
    records = [await sealed(first, b"0")]
    await asyncio.gather(first.rotate(), second.rotate())
    for page in (first, second):
        records += [await sealed(page, b"1"), await sealed(page, b"2")]
    third = await browser.open()
    assert third.key_ids() == first.key_ids() == second.key_ids()
    assert await third.open(records) == [b"0", b"1", b"2", b"1", b"2"]


async def test_a_key_that_a_page_may_seal_with_or_that_seals_is_not_retired(browser: Browser) -> None:
    first = await browser.open()
    old = await sealed(first, b"old")
    await first.rotate()
    page = await browser.open()
    for asking in (first, page):
        assert await asking.retire([old[0], asking.key_id, b"\0" * 8]) == []
    assert await asking.retire([]) == []
    assert page.key_ids() == first.key_ids() == [old[0], page.key_id]
    assert await page.open([old]) == [b"old"]


async def test_a_retired_key_opens_nothing_any_more(browser: Browser) -> None:
    first = await browser.open()
    old = await sealed(first, b"old")
    await first.rotate()
    browser.end(first)
    later = await browser.open()
    assert await later.retire([old[0], later.key_id]) == [old[0]]
    assert later.key_ids() == [later.key_id]
    assert await later.open([old, await sealed(later, b"new")]) == [None, b"new"]
    assert (await browser.open()).key_ids() == [later.key_id]
    with pytest.raises(StorageError):
        await later.seal([(AAD, b"a")], key_id=old[0])


# Forgetting


async def test_what_was_sealed_before_everything_was_forgotten_opens_in_no_page(browser: Browser) -> None:
    first, second = await browser.open(), await browser.open()
    await first.rotate()
    record, ids, [tag] = await sealed(first, b"forgotten"), first.key_ids(), await first.tags([b"a"])
    await first.forget()
    await seal_on(second, until=lambda: not second.persistent)
    later = await browser.open()
    for page in (first, second, later):
        assert await page.open([record]) == [None]
        assert not set(page.key_ids()) & set(ids)
        assert await page.tags([b"a"]) != [tag]
    assert (first.persistent, second.persistent, later.persistent) == (False, False, True)


async def test_a_page_goes_on_in_memory_after_everything_was_forgotten(browser: Browser) -> None:
    page = await browser.open()
    await page.forget()
    assert await page.open([await sealed(page, b"here")]) == [b"here"]
    later = await browser.open()
    assert await later.open([await sealed(page, b"here")]) == [None]
    await page.rotate()
    assert page.key_id not in (await browser.open()).key_ids()
    assert await page.retire(page.key_ids()[:1]) == []
    assert (await browser.open()).key_ids() == later.key_ids()


# Closing


async def test_closed_it_opens_its_keys_anew_with_the_next_call(cipher: Cipher) -> None:
    record, [tag] = await sealed(cipher, b"before"), await cipher.tags([b"a"])
    cipher.close()
    cipher.close()
    assert await cipher.open([record]) == [b"before"]
    cipher.close()
    assert await cipher.tags([b"a"]) == [tag]
    cipher.close()
    assert await cipher.open([await sealed(cipher, b"after"), record]) == [b"after", b"before"]


async def test_closed_it_says_what_was_last_known_of_its_keys(browser: Browser) -> None:
    page = await browser.open()
    await page.rotate()
    ids, made_at = page.key_ids(), page.key_created_at
    page.close()
    assert (page.persistent, page.key_id, page.key_ids(), page.key_created_at) == (True, ids[-1], ids, made_at)
    other = await browser.open()
    await other.rotate()
    assert page.key_ids() == ids
    await page.tags([])
    assert page.key_ids() == other.key_ids()
    assert len(page.key_ids()) == 3


async def test_a_closed_page_keeps_no_key_from_being_retired(browser: Browser) -> None:
    first = await browser.open()
    old = await sealed(first, b"old")
    await first.rotate()
    later = await browser.open()
    first.close()
    assert await _retired(later, old[0]) == [old[0]]
    with pytest.raises(StorageError):
        await first.seal([(AAD, b"a")], key_id=old[0])
    assert await first.open([old, await sealed(later, b"new")]) == [None, b"new"]


async def _retired(page: Cipher, key_id: bytes) -> list[bytes]:
    """Ask until another page has let go of its lock, which takes the browser a moment."""
    for _ in range(1_000):
        if retired := await page.retire([key_id]):
            return retired
    raise AssertionError("The closed page still holds the key.")


async def test_a_call_under_way_ends_though_the_cipher_is_closed(cipher: Cipher) -> None:
    calls = asyncio.gather(sealed(cipher, b"one"), sealed(cipher, b"two"))
    await asyncio.sleep(0)
    cipher.close()
    assert await cipher.open(await calls) == [b"one", b"two"]
    for count in (2, 3):  # of a cipher that has its keys, and of one that opens them for this
        rotation = asyncio.ensure_future(cipher.rotate())
        await asyncio.sleep(0)
        cipher.close()
        await rotation
        assert len(cipher.key_ids()) == count


async def test_keys_that_die_with_the_page_are_not_let_go(cipher: Cipher) -> None:
    await cipher.forget()
    record = await sealed(cipher, b"here")
    cipher.close()
    assert await cipher.open([record]) == [b"here"]
    assert cipher.persistent is False


async def test_a_closed_page_forgets_everything_all_the_same(browser: Browser) -> None:
    first = await browser.open()
    record = await sealed(first, b"forgotten")
    first.close()
    await first.forget()
    later = await browser.open()
    assert await later.open([record]) == await first.open([record]) == [None]


async def test_a_page_that_was_closed_when_all_was_forgotten_begins_anew(browser: Browser) -> None:
    first, second = await browser.open(), await browser.open()
    record = await sealed(first, b"forgotten")
    second.close()
    await first.forget()
    assert await second.open([record]) == [None]
    assert second.persistent is True
    assert await (await browser.open()).open([await sealed(second, b"new")]) == [b"new"]
