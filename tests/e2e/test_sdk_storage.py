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

ADVICE = "Reload the page; if that does not help, clear this site's data and connect your wallet again."

UNTIL_STORED = """async () => {
  for (let turn = 0; turn < 1000 && !storage.persistent; turn += 1) await storage.getKeys();
}"""

PRELUDE = r"""
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
const everything = async () => {
  const [keys, values] = await Promise.all([asked((await records()).getAllKeys()), asked((await records()).getAll())]);
  return keys.map((key, index) => [key, values[index]]);
};
const placeOf = async (key) => {
  const database = await asked(indexedDB.open('test-keys'));
  const { index } = await asked(database.transaction('entries').objectStore('entries').get('keys'));
  const tag = await crypto.subtle.sign('HMAC', index, new TextEncoder().encode(`\x02${key}`));
  const text = btoa(String.fromCharCode(...new Uint8Array(tag).subarray(0, 16)));
  return `rv1.${text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
};
const textOf = async (key) => placeOf(key).then(async (place) => asked((await records()).get(place)));
const putAt = async (key, value) => placeOf(key).then(async (place) => asked((await records()).put(value, place)));
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


# One entry made by another version of this page, for something else, or sealed by a key that is lost.
FOREIGN = """const [text, foreign] = [await textOf('a'), {
    version: (text) => `Ag${text.slice(2)}`,
    purpose: (text) => `AQE${text.slice(3)}`,
    flags: (text) => `AQIB${text.slice(4)}`,
    key: (text) => `${text.slice(0, 8)}${text[8] === 'A' ? 'B' : 'A'}${text.slice(9)}`,
    form: () => new Uint8Array(5),
  }];"""


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("version", "The record has version 2, this page reads version 1."),
        ("purpose", "The record is for something else (purpose 1, flags 0)."),
        ("flags", "The record is for something else (purpose 2, flags 1)."),
        ("form", "The record is not a text."),
    ],
)
@pytest.mark.parametrize("first", ["getItem('a')", "setItem('a', 'second')", "removeItem('a')"])
def test_what_another_version_may_read_keeps_the_disk_from_being_touched(
    page: Page, kind: str, reason: str, first: str
) -> None:
    assert run(
        page,
        f"""await create().setItem('a', 'first');
        await create().setItem('b', 'first');
        {FOREIGN}
        await putAt('a', foreign.{kind}(text));
        const before = await everything();
        const storage = create();
        const found = typeof (await storage.{first});
        await Promise.all([storage.getItem('b'), storage.getEntries()]);
        await storage.setItem('a', 'second');
        await storage.setItem('b', 'second');
        const same = JSON.stringify(await everything()) === JSON.stringify(before);
        return [found, await storage.getItem('a'), await storage.getItem('b'), storage.persistent, same, notices];""",
    ) == ["undefined", "second", "second", False, True, [f"{NOT_STORED}{reason} {ADVICE}"]]


def test_all_entries_are_read_without_those_of_another_version_or_key(page: Page) -> None:
    assert run(
        page,
        f"""await create().setItem('a', 'first');
        await create().setItem('b', 'second');
        {FOREIGN}
        await putAt('a', foreign.key(text));
        const storage = create();
        const found = [await storage.getKeys(), await storage.getEntries()];
        await storage.setItem('b', 'third');
        const left = (await textOf('a')) === foreign.key(text);
        return [...found, storage.persistent, await create().getItem('b'), left, notices];""",
    ) == [
        ["b"],
        [["b", "second"]],
        True,
        "third",
        True,
        ["Stored entries of the wallet connection that cannot be read: 1."],
    ]


LOST = "An entry of the wallet connection is kept aside: the key that sealed it is lost. Reconnect your wallet."


@pytest.mark.parametrize("first", ["getItem('a')", "setItem('a', 'second')", "removeItem('a')"])
def test_an_entry_whose_key_is_lost_is_kept_aside_and_the_store_goes_on(page: Page, first: str) -> None:
    assert run(
        page,
        f"""await create().setItem('a', 'first');
        {FOREIGN}
        await putAt('a', foreign.key(text));
        const storage = create();
        const found = typeof (await storage.{first});
        await storage.setItem('a', 'second');
        const aside = (await everything()).filter(([key]) => key.startsWith('bad.')).map(([, text]) => text);
        const kept = aside.length === 1 && aside[0] === foreign.key(text);
        return [found, storage.persistent, await create().getItem('a'), kept, notices];""",
    ) == ["undefined", True, "second", True, [LOST]]


def test_a_key_that_could_not_be_looked_for_is_not_taken_for_lost(page: Page) -> None:
    assert run(
        page,
        f"""await create().setItem('a', 'first');
        {FOREIGN}
        await putAt('a', foreign.key(text));
        const {{ transaction }} = IDBDatabase.prototype;
        IDBDatabase.prototype.transaction = function (...args) {{
          if (this.name === 'test-keys') throw new DOMException('broken', 'UnknownError');
          return transaction.apply(this, args);
        }};
        const storage = create();
        await storage.setItem('a', 'second');
        IDBDatabase.prototype.transaction = transaction;
        return [storage.persistent, (await textOf('a')) === foreign.key(text)];""",
    ) == [False, True]


@pytest.mark.parametrize("first", ["getItem('a')", "setItem('a', 'second')", "removeItem('a')"])
def test_a_damaged_entry_is_kept_aside_before_its_place_is_written_to(page: Page, first: str) -> None:
    assert run(
        page,
        f"""await create().setItem('a', 'first');
        await create().setItem('b', 'first');
        const [text, other] = [await textOf('a'), await textOf('b')];
        const changed = `${{text.slice(0, 60)}}${{text[60] === 'A' ? 'B' : 'A'}}${{text.slice(61)}}`;
        const outcomes = [];
        for (const wrong of [changed, text.slice(0, -4), '?', other]) {{
          await putAt('a', wrong);
          const storage = create();
          await storage.{first};
          await storage.getItem('a');
          await storage.setItem('a', 'second');
          const aside = (await everything()).filter(([key]) => key.startsWith('bad.'));
          const kept = [aside.length, aside.at(-1)[1] === wrong, storage.persistent];
          outcomes.push([...kept, await storage.getKeys(), await create().getItem('a')]);
        }}
        return [outcomes, [...new Set(notices)]];""",
    ) == [
        [[n, True, True, ["a", "b"], "second"] for n in (1, 2, 3, 4)],
        ["An entry of the wallet connection was damaged and is kept aside. You may have to connect your wallet again."],
    ]


def test_of_damaged_entries_the_oldest_go_first(page: Page) -> None:
    assert run(
        page,
        """const storage = create();
        await storage.setItem('a', 'first');
        const damage = async (text) => {
          await putAt('a', text);
          await create().setItem('a', 'second');
        };
        const isAside = ([key]) => key.startsWith('bad.');
        const aside = async () => (await everything()).filter(isAside).map(([, text]) => text);
        for (let n = 0; n < 22; n += 1) await damage(`?${n}`);
        const many = await aside();
        await damage(`?${'x'.repeat(900_000)}`);
        const large = (await aside()).length;
        await damage(`?${'y'.repeat(900_000)}`);
        await damage(`?${'z'.repeat(2_000_000)}`);
        return [many.length, many[0], many.at(-1), large, (await aside()).map((text) => text.length)];""",
    ) == [20, "?2", "?21", 20, [2_000_001]]


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


def test_what_was_refused_once_is_stored_with_the_next_write(page: Page) -> None:
    run(
        page,
        """const storage = create();
        await storage.setItem('keychain', 'old');
        const { put } = IDBObjectStore.prototype;
        let refused = 0;
        IDBObjectStore.prototype.put = function (...args) {
          refused += 1;
          if (refused <= 2) throw new DOMException('not now', 'UnknownError');
          return put.apply(this, args);
        };
        await storage.setItem('keychain', 'new');
        await storage.removeItem('never there');
        await storage.setItem('pairing', 'new');
        Object.assign(globalThis, { storage, before: storage.persistent });
        await storage.setItem('session', 'new');""",
    )
    page.evaluate(UNTIL_STORED)
    assert page.evaluate("before") is False
    assert run(page, "return create().getEntries();") == [["keychain", "new"], ["pairing", "new"], ["session", "new"]]


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
    page.evaluate(UNTIL_STORED)
    assert run(page, "return create().getEntries();") == [["a", 3], ["b", 1]]


TOPICS = """const [SESSIONS, KEYCHAIN] = ['wc@2:client:0.3//session', 'wc@2:core:0.3//keychain'];
const list = (...topics) => topics.map((topic) => ({ topic }));
const topics = async (storage) => (await storage.getItem(SESSIONS)).map(({ topic }) => topic).sort();"""


def test_of_two_clients_none_takes_a_session_from_the_other(page: Page) -> None:
    assert run(
        page,
        f"""{TOPICS}
        await create().setItem(SESSIONS, list('a'));
        const [one, other] = [create(), create()];
        await Promise.all([one.getItem(SESSIONS), other.getItem(SESSIONS)]);
        await Promise.all([one.setItem(SESSIONS, list('a', 'b')), other.setItem(SESSIONS, list('a', 'c'))]);
        const added = [await topics(one), await topics(other), await topics(create())];
        await one.setItem(SESSIONS, list('b')); // 'a' ends
        await other.setItem(SESSIONS, [{{ topic: 'a', expiry: 1 }}, {{ topic: 'c' }}]); // which this one has not heard
        return [...added, await topics(create()), notices];""",
    ) == [["a", "b", "c"], ["a", "b", "c"], ["a", "b", "c"], ["b", "c"], []]


def test_of_many_clients_that_write_at_once_every_session_and_key_stays(page: Page) -> None:
    assert run(
        page,
        f"""{TOPICS}
        const clients = Array.from({{ length: 8 }}, create);
        await Promise.all(clients.map((client) => Promise.all([client.getItem(KEYCHAIN), client.getItem(SESSIONS)])));
        const write = async (client, n) => {{
          const known = {{}};
          for (let turn = 0; turn < 10; turn += 1) {{
            known[`${{n}}-${{turn}}`] = 'key';
            await client.setItem(KEYCHAIN, known);
            await client.setItem(SESSIONS, list(...Object.keys(known)));
          }}
        }};
        await Promise.all(clients.map(write));
        return [Object.keys(await create().getItem(KEYCHAIN)).length, (await topics(create())).length];""",
    ) == [80, 80]


def test_without_web_locks_and_with_one_that_is_never_let_go_the_same_holds(page: Page) -> None:
    race = f"""{TOPICS}
    await create().getKeys();
    await asked((await records()).clear());
    const [one, other] = [create(), create()];
    await Promise.all([one.getItem(SESSIONS), other.getItem(SESSIONS)]);
    const writes = [];
    for (const n of [1, 2, 3, 4, 5]) {{
      const upTo = (name) => list(...Array.from({{ length: n }}, (_, at) => `${{name}}${{at}}`));
      writes.push(one.setItem(SESSIONS, upTo('a')), other.setItem(SESSIONS, upTo('b')));
    }}
    await Promise.all(writes);
    return (await topics(create())).length;"""
    page.evaluate("void navigator.locks.request('test-sdk', () => new Promise(() => {}))")
    assert run(page, race) == 10
    page.evaluate("Object.defineProperty(navigator, 'locks', { value: undefined })")
    assert run(page, race) == 10


def test_maps_that_are_cleared_under_a_client_come_back_whole(page: Page) -> None:
    assert run(
        page,
        f"""{TOPICS}
        const storage = create();
        await storage.setItem(SESSIONS, list('a', 'b'));
        await asked((await records()).clear());
        await storage.setItem(SESSIONS, list('a', 'b', 'c'));
        return topics(create());""",
    ) == ["a", "b", "c"]


def test_a_client_that_starts_sees_all_maps_of_one_moment(page: Page) -> None:
    assert run(
        page,
        f"""{TOPICS}
        const one = create();
        await one.setItem(KEYCHAIN, {{ a: 'key' }});
        await one.setItem(SESSIONS, list('a'));
        const other = create();
        const keychain = await other.getItem(KEYCHAIN);
        await one.setItem(KEYCHAIN, {{ a: 'key', b: 'key' }});
        await one.setItem(SESSIONS, list('a', 'b'));
        const first = await topics(other); // else it would delete the session whose key it has not seen
        await other.setItem(SESSIONS, list('a'));
        return [Object.keys(keychain), first, await topics(other)];""",
    ) == [["a"], ["a"], ["a", "b"]]


def test_what_is_read_again_is_removed_only_by_a_client_that_shows_that_it_knows_it(page: Page) -> None:
    assert run(
        page,
        f"""{TOPICS}
        const [one, other] = [create(), create()];
        await one.setItem(SESSIONS, list('a'));
        await other.setItem(SESSIONS, list('b'));
        const again = await topics(one);
        await one.setItem(SESSIONS, list('a', 'c')); // the client did not look again
        const kept = await topics(create());
        await topics(one);
        await one.setItem(SESSIONS, list('a', 'b', 'c', 'd')); // now it did
        await one.setItem(SESSIONS, list('a', 'c', 'd'));
        return [again, kept, await topics(create())];""",
    ) == [["a", "b"], ["a", "b", "c"], ["a", "c", "d"]]


def test_a_session_that_nobody_listens_to_is_among_the_subscriptions_of_the_next_start(page: Page) -> None:
    assert run(
        page,
        f"""{TOPICS}
        const key = 'wc@2:core:0.3//subscription';
        const relay = {{ protocol: 'irn' }};
        await create().setItem(SESSIONS, [
          {{ topic: 'a', relay }}, {{ topic: 'b', relay }}, {{ topic: 'linked', relay, transportType: 'link_mode' }},
        ]);
        const none = await create().getItem(key);
        await create().setItem(key, [{{ topic: 'a', id: '1' }}]);
        return [none, await create().getItem(key)];""",
    ) == [
        [
            {"topic": "a", "relay": {"protocol": "irn"}, "id": "a"},
            {"topic": "b", "relay": {"protocol": "irn"}, "id": "b"},
        ],
        [{"topic": "a", "id": "1"}, {"topic": "b", "relay": {"protocol": "irn"}, "id": "b"}],
    ]


def test_a_client_s_subscriptions_are_its_own_until_the_next_start(page: Page) -> None:
    assert run(
        page,
        """const key = 'wc@2:core:0.3//subscription';
        const list = (...topics) => topics.map((topic) => ({ topic, id: topic }));
        const [one, other] = [create(), create()];
        await Promise.all([one.getItem(key), other.getItem(key)]);
        await one.setItem(key, list('a'));
        await other.setItem(key, list('b'));
        return [await one.getItem(key), (await create().getItem(key)).length];""",
    ) == [[{"topic": "a", "id": "a"}], 2]


def test_a_map_of_a_form_that_is_not_known_is_kept_aside_before_it_is_lost(page: Page) -> None:
    assert run(
        page,
        f"""{TOPICS}
        const storage = create();
        await storage.setItem(SESSIONS, 'odd');
        const odd = await create().getItem(SESSIONS);
        const text = await textOf(SESSIONS);
        await create().setItem(SESSIONS, list('a'));
        const aside = (await everything()).filter(([key]) => key.startsWith('bad.')).map(([, text]) => text);
        return [odd, await topics(create()), aside.length === 1 && aside[0] === text, notices];""",
    ) == [
        "odd",
        ["a"],
        True,
        ["A map of the wallet connection had a form that is not known; what was there is kept aside."],
    ]


def test_a_map_that_could_not_be_stored_is_merged_when_it_can(page: Page) -> None:
    assert run(
        page,
        f"""{TOPICS}
        await create().setItem(SESSIONS, list('a'));
        const [one, other] = [create(), create()];
        await Promise.all([one.getItem(SESSIONS), other.getItem(SESSIONS)]);
        const {{ put }} = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = () => {{ throw new DOMException('no room', 'QuotaExceededError'); }};
        await one.setItem(SESSIONS, list('a', 'b'));
        const own = [await topics(one), one.persistent];
        IDBObjectStore.prototype.put = put;
        await other.setItem(SESSIONS, list('a', 'c'));
        await one.setItem('x', 1);
        for (let turn = 0; turn < 1000 && !one.persistent; turn += 1) await one.getKeys();
        return [...own, await topics(create()), one.persistent];""",
    ) == [["a", "b"], False, ["a", "b", "c"], True]
