"""The SDK's encrypted store in a real browser: like the SDK's own, also when the disk fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from .conftest import Journey

NOT_STORED = "The wallet connection could not be stored and may end with this page. "

PRELUDE = """
const { createSdkStorage } = await import('./renvault.js');
const notices = [];
const create = () => createSdkStorage({ database: 'test', onNotice: (notice) => notices.push(notice) });
const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const records = async () => {
  const database = await asked(indexedDB.open('test-sdk'));
  return database.transaction('entries', 'readwrite').objectStore('entries');
};
"""


def run(page: Page, script: str) -> Any:
    """Run ``script`` beside ``create()``, ``notices`` and ``records()``, the store as it lies on the disk."""
    return page.evaluate(f"async () => {{ {PRELUDE} {script} }}")


@pytest.fixture
def page(journey: Journey) -> Iterator[Page]:
    """A page of the product's origin on which nothing else runs."""
    page = journey.context.new_page()
    page.goto(f"{journey.site.url}renvault.config.json")
    yield page
    page.close()


def test_the_cases_of_the_sdks_own_suite(page: Page) -> None:
    assert run(
        page,
        """const [storage, value] = [create(), { name: 'john doe' }];
        await storage.setItem('yolo', value);
        const found = [await storage.getItem('yolo'), await storage.getEntries(), await storage.getKeys()];
        await storage.removeItem('yolo');
        return [...found, typeof (await storage.getItem('yolo')), await storage.getKeys(), storage.persistent];""",
    ) == [{"name": "john doe"}, [["yolo", {"name": "john doe"}]], ["yolo"], "undefined", [], True]


def test_values_come_back_as_they_were(page: Page) -> None:
    values: dict[str, Any] = {
        "number": 5,
        "zero": 0,
        "text": "text",
        "digits": "5",
        "like a bigint": "123n",
        "quoted": '"a"',
        "empty": "",
        "false": False,
        "list": [1, "2", None],
        "object": {"a": {"b": []}},
        "é \U0001f600": "é \U0001f600",
    }
    entries = json.dumps(values)
    run(page, f"const storage = create(); for (const [k, v] of Object.entries({entries})) await storage.setItem(k, v);")
    page.reload()
    assert run(page, "return Object.fromEntries(await create().getEntries());") == values
    assert run(page, "return create().getKeys();") == sorted(values)


def test_what_json_has_not_becomes_what_the_sdk_expects(page: Page) -> None:
    assert run(
        page,
        """const storage = create();
        await storage.setItem('null', null);
        await storage.setItem('bigint', { id: 12345678901234567890n, gone: undefined });
        await storage.setItem('undefined', 1);
        await storage.setItem('undefined', undefined);
        return [typeof (await storage.getItem('null')), await storage.getItem('bigint'), await storage.getKeys()];""",
    ) == ["undefined", {"id": "12345678901234567890n"}, ["bigint", "null"]]


def test_each_reader_gets_a_value_of_its_own(page: Page) -> None:
    assert run(
        page,
        """const storage = create();
        const written = storage.setItem('a', { list: [] });
        for (const read of [await storage.getItem('a'), (await written, await storage.getItem('a'))]) read.list.push(1);
        return storage.getItem('a');""",
    ) == {"list": []}


def test_a_read_sees_every_write_before_it_and_the_last_write_stays(page: Page) -> None:
    assert run(
        page,
        """const storage = create();
        const writes = [];
        for (let n = 0; n < 50; n += 1) writes.push(storage.setItem('a', n));
        writes.push(storage.setItem('b', 1), storage.removeItem('b'));
        const atOnce = [await storage.getItem('a'), await storage.getKeys()];
        await Promise.all(writes);
        return [...atOnce, await create().getEntries()];""",
    ) == [49, ["a"], [["a", 49]]]


def test_two_stores_of_one_page_share_what_they_hold(page: Page) -> None:
    assert run(
        page,
        """const stores = [create(), create(), create()];
        await Promise.all(stores.map((storage, n) => storage.setItem('a', n)));
        return Promise.all(stores.map((storage) => storage.getItem('a')));""",
    ) == [2, 2, 2]


def test_a_record_that_was_changed_or_moved_is_never_returned(page: Page) -> None:
    assert run(
        page,
        """const storage = create();
        await storage.setItem('a', 'first');
        await storage.setItem('b', 'second');
        const [one, other] = await asked((await records()).getAllKeys());
        const [text, otherText] = await asked((await records()).getAll());
        const outcomes = [];
        for (const wrong of [otherText, text.slice(0, -4), `${text.slice(0, 40)}A${text.slice(41)}B`, '', 'nonsense']) {
          await asked((await records()).put(wrong, one));
          outcomes.push((await create().getEntries()).length);
        }
        await asked((await records()).put(text, one));
        return [outcomes, await create().getEntries(), [...new Set(notices)]];""",
    ) == [
        [1, 1, 1, 1, 1],
        [["a", "first"], ["b", "second"]],
        ["Stored entries of the wallet connection that cannot be read: 1."],
    ]


def test_a_record_of_an_unknown_key_is_not_written_over(page: Page) -> None:
    assert run(
        page,
        """await create().setItem('a', 'first');
        const [place] = await asked((await records()).getAllKeys());
        const [text] = await asked((await records()).getAll());
        const foreign = `${text.slice(0, 8)}${text[8] === 'A' ? 'B' : 'A'}${text.slice(9)}`; // within the key id
        await asked((await records()).put(foreign, place));
        const storage = create();
        const found = typeof (await storage.getItem('a'));
        await storage.setItem('a', 'second');
        const [left] = await asked((await records()).getAll());
        return [found, await storage.getItem('a'), storage.persistent, left === foreign, notices];""",
    ) == ["undefined", "second", False, True, [f"{NOT_STORED}An entry is sealed by a key that is not at hand."]]


def test_without_indexeddb_it_works_in_memory_and_says_so(journey: Journey, page: Page) -> None:
    page.evaluate("() => Object.defineProperty(globalThis, 'indexedDB', { get() { throw new Error('denied'); } })")
    assert run(
        page,
        """const storage = create();
        await storage.setItem('a', { b: 1 });
        await storage.removeItem('c');
        return [await storage.getItem('a'), await storage.getEntries(), storage.persistent, notices];""",
    ) == [{"b": 1}, [["a", {"b": 1}]], False, [f"{NOT_STORED}The browser keeps no keys for this page. denied"]]


def test_a_write_that_the_browser_refuses_stays_in_memory_until_one_is_taken(page: Page) -> None:
    assert run(
        page,
        """const storage = create();
        await storage.setItem('a', 1);
        const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = () => { throw new DOMException('no room', 'QuotaExceededError'); };
        await storage.setItem('a', 2);
        const refused = [await storage.getItem('a'), await create().getItem('a'), storage.persistent, [...notices]];
        IDBObjectStore.prototype.put = put;
        await storage.setItem('a', 3);
        return [...refused, await create().getItem('a'), storage.persistent];""",
    ) == [2, 1, False, [f"{NOT_STORED}no room"], 3, True]


def test_a_disk_that_answers_late_gets_the_newest_values_in_the_end(journey: Journey) -> None:
    page = journey.context.new_page()
    page.clock.install()
    page.goto(f"{journey.site.url}renvault.config.json")
    run(
        page,
        """const storage = create();
        await storage.setItem('a', 1);
        const held = await records(); // this transaction keeps all others waiting for as long as it is used
        const hold = () => { if (!globalThis.released) held.get('a').onsuccess = hold; };
        hold();
        Object.assign(globalThis, { storage, notices, late: storage.setItem('a', 2) });""",
    )
    page.clock.run_for(5_000)
    page.evaluate("late")
    waiting = "Promise.all([storage.setItem('a', 3), storage.setItem('b', 1)]).then(() => storage.getItem('a'))"
    assert page.evaluate(waiting) == 3
    assert page.evaluate("[storage.persistent, notices]") == [
        False,
        [f"{NOT_STORED}IndexedDB did not answer within 5 s."],
    ]
    page.evaluate("released = true")
    page.wait_for_function("storage.persistent")
    assert run(page, "return create().getEntries();") == [["a", 3], ["b", 1]]
