"""What only the browser's own keys do: their locks, and pages that rotate at the same moment."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from renvault_web.ports import Cipher

NUMBERS = itertools.count(time.time_ns())


async def opened(name: str) -> Cipher:
    import renvault_bridge_testing

    from renvault_web.browser.adapters import BrowserCipher

    return BrowserCipher(await renvault_bridge_testing.openCipher(name))


async def held() -> list[str]:
    """The names of all locks that pages share now."""
    import js

    found: Any = json.loads(js.JSON.stringify(await js.navigator.locks.query()))
    return [lock["name"] for lock in found["held"] if lock["mode"] == "shared"]


def lock_of(key_id: bytes) -> str:
    return f"renvault:key:{key_id.hex()}"


@contextlib.contextmanager
def without_locks() -> Iterator[None]:
    import js
    from pyodide.ffi import to_js

    hidden = to_js({"value": None, "configurable": True}, dict_converter=js.Object.fromEntries)
    js.Object.defineProperty(js.navigator, "locks", hidden)
    try:
        yield
    finally:
        js.Reflect.deleteProperty(js.navigator, "locks")


async def test_two_pages_that_rotate_at_once_make_one_key() -> None:
    name = f"keys-{next(NUMBERS)}"
    first, second = await opened(name), await opened(name)
    await asyncio.gather(first.rotate(), second.rotate())
    assert len(first.key_ids()) == 2
    assert second.key_ids() == first.key_ids()


async def test_each_rotation_that_is_asked_for_makes_a_key() -> None:
    name = f"keys-{next(NUMBERS)}"
    first = await opened(name)
    await first.rotate()
    await first.rotate()
    second = await opened(name)
    await second.rotate()
    assert len(second.key_ids()) == 4


async def test_a_page_holds_the_lock_of_each_key_that_was_its_own_to_seal_with() -> None:
    page = await opened(f"keys-{next(NUMBERS)}")
    await page.rotate()
    await page.seal([(b"a", b"b")], key_id=page.key_id)
    locks = {lock_of(key_id) for key_id in page.key_ids()}
    assert len(locks) == 2
    assert locks <= set(await held())
    await page.forget()
    assert not locks & set(await held())


async def test_without_web_locks_keys_seal_and_none_is_ever_retired() -> None:
    with without_locks():
        page = await opened(f"keys-{next(NUMBERS)}")
        [old] = page.key_ids()
        await page.rotate()
        assert await page.retire([old]) == []
        [sealed] = await page.seal([(b"a", b"b")], key_id=old)
        assert await page.open([(old, b"a", sealed)]) == [b"b"]


async def held_soon(name: str) -> bool:
    """Whether that lock is held still after the browser had its time to let go of it."""
    for _ in range(1_000):
        if name not in await held():
            return False
    return True


async def test_a_closed_page_holds_no_lock_and_opens_old_records_with_its_next_call() -> None:
    page = await opened(f"keys-{next(NUMBERS)}")
    [old] = page.key_ids()
    [sealed] = await page.seal([(b"a", b"b")], key_id=old)
    assert lock_of(old) in await held()
    page.close()
    assert not await held_soon(lock_of(old))
    assert page.key_ids() == [old]
    assert not await held_soon(lock_of(old)), "what is known of them takes no hold of the keys"
    assert await page.open([(old, b"a", sealed)]) == [b"b"]
    assert await page.seal([(b"a", b"b")], key_id=old)
    assert lock_of(old) in await held()


async def test_closed_in_the_midst_of_a_call_a_page_holds_its_lock_until_that_has_ended() -> None:
    page = await opened(f"keys-{next(NUMBERS)}")
    [old] = page.key_ids()
    page.close()
    for _ in range(2):  # the first opens the keys anew, the second has them
        call = asyncio.ensure_future(page.seal([(b"a", b"b")] * 200, key_id=old))
        await asyncio.sleep(0)
        page.close()
        [*_, sealed] = await call
        assert not await held_soon(lock_of(old))
        assert await page.open([(old, b"a", sealed)]) == [b"b"]
