"""What Python asks of the SDK's store, beside live clients: a staged import, and sealing again under a new key."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error as BrowserError

from .sdk_clients import Clients, pings, topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


KEYCHAIN = "wc@2:core:0.3//keychain"
SUBSCRIPTION = "wc@2:core:0.3//subscription"
PAIRING = "wc@2:core:0.3//pairing"
EXPIRER = "wc@2:core:0.3//expirer"
SESSION = "wc@2:client:0.3//session"

DAY = 86_400

STAGED = """async () => {
  const asked = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const database = await asked(indexedDB.open('renvault-sdk'));
  const keys = await asked(database.transaction('entries').objectStore('entries').getAllKeys());
  database.close();
  return keys.filter((key) => key.startsWith('staged.')).length;
}"""


@contextmanager
def another_browser(clients: Clients, browser: Browser) -> Iterator[Clients]:
    """A profile that shares nothing with the first."""
    context = browser.new_context()
    yield Clients(replace(clients.journey, context=context), clients.script)
    context.close()


def exported(page: Page) -> dict[str, Any]:
    entries: dict[str, Any] = page.evaluate("store.sdkEntries().then(({ values }) => values)")
    return entries


def stage(page: Page, entries: dict[str, Any]) -> None:
    page.evaluate("(entries) => store.sdkStage(entries)", entries)


def client_id(page: Page) -> str:
    found: str = page.evaluate("client.core.crypto.getClientId()")
    return found


@pytest.mark.parametrize(
    "left_out", [[], [SUBSCRIPTION, EXPIRER, PAIRING]], ids=["everything", "what can be made again"]
)
def test_sessions_of_a_backup_live_in_another_browser_under_its_own_client(
    clients: Clients, browser: Browser, left_out: list[str]
) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    entries = exported(page)
    first_id = client_id(page)
    page.close()
    with another_browser(clients, browser) as elsewhere:
        other = elsewhere.open()
        stage(other, {key: value for key, value in entries.items() if key not in left_out})
        assert other.evaluate(STAGED) == 1
        elsewhere.dapp(other)
        assert topics(other) == [topic]
        assert other.evaluate("(topic) => client.core.expirer.has(topic)", topic)
        assert pings(other, topic)
        assert client_id(other) != first_id
        assert other.evaluate(STAGED) == 0
        elsewhere.again(other)
        assert topics(other) == [topic]
        assert pings(other, topic)
        assert other.evaluate("notices") == []


def test_what_is_there_is_not_replaced_and_no_seed_comes_in(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    own_id, expiry = client_id(page), page.evaluate("(topic) => client.session.get(topic).expiry", topic)
    entries = exported(page)
    assert "client_ed25519_seed" not in entries[KEYCHAIN]
    entries[KEYCHAIN] = dict.fromkeys([*entries[KEYCHAIN], "client_ed25519_seed"], "0" * 64)
    entries[SESSION][0]["expiry"] += 1000
    clients.load(page)
    stage(page, entries)
    clients.dapp(page)
    assert (topics(page), client_id(page)) == ([topic], own_id)
    assert page.evaluate("(topic) => client.session.get(topic).expiry", topic) == expiry
    assert pings(page, topic)


def test_a_running_client_is_not_disturbed_and_takes_nothing_away(clients: Clients, browser: Browser) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    brought = clients.connect(page, wallet)
    entries = exported(page)
    page.close()
    with another_browser(clients, browser) as elsewhere:
        elsewhere.journey.context.set_default_timeout(15_000)
        running = elsewhere.dapp()
        stage(running, entries)
        second = elsewhere.dapp()
        own = elsewhere.connect(running, wallet)
        assert (topics(running), topics(second)) == ([own], [brought])
        for tab in (running, second):
            elsewhere.again(tab)
        for tab in (running, second):
            assert topics(tab) == sorted([brought, own])
            assert [pings(tab, topic) for topic in (brought, own)] == [True, True]


def test_entries_that_no_client_could_hold_are_passed_over(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    entries = exported(page)
    page.evaluate("store.sdkForget()")
    clients.load(page)
    good, keys = entries[SESSION][0], entries[KEYCHAIN]
    odd: dict[str, dict[str, Any]] = {
        "no key": {},
        "odd key": {},
        "expired": {"expiry": 1},
        "no end": {"expiry": "soon"},
        "no relay": {"relay": None},
        "no protocol": {"relay": {}},
        "other protocol": {"relay": {"protocol": "waku"}},
        "no self": {"self": None},
        "no peer": {"peer": {}},
        "list": {"namespaces": []},
    }
    named = {name: name.encode().hex().ljust(64, "0") for name in odd}
    odd["odd topic"], named["odd topic"] = {}, "odd"
    entries[SESSION] += [{**good, "topic": named[name], **changes} for name, changes in odd.items()]
    entries[KEYCHAIN] = {**dict.fromkeys(named.values(), keys[topic]), **keys, named["odd key"]: 7}
    del entries[KEYCHAIN][named["no key"]]
    stage(page, {SESSION: "odd", KEYCHAIN: [], "other": 1, PAIRING: [None]})
    stage(page, entries)
    clients.dapp(page)
    assert topics(page) == [topic]
    assert pings(page, topic)
    assert page.evaluate("notices") == []
    assert page.evaluate(STAGED) == 0


def test_what_the_client_asks_of_the_relay_and_how_long_is_not_for_a_backup_to_say(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    entries = exported(page)
    page.evaluate("store.sdkForget()")
    clients.load(page)
    entries[SESSION][0] |= {"expiry": 4e12, "transportType": "else"}
    entries[PAIRING][0]["expiry"] = 4e12
    entries[SUBSCRIPTION] = [{"topic": one["topic"], "relay": {}, "id": 7} for one in entries[SUBSCRIPTION]]
    entries[EXPIRER] = [{**one, "expiry": 4e12} for one in entries[EXPIRER]]
    stage(page, entries)
    clients.dapp(page)
    assert topics(page) == [topic]
    assert pings(page, topic)
    now = page.evaluate("Date.now() / 1000")
    found = exported(page)
    assert {str(one["relay"]) for one in found[SUBSCRIPTION]} == {"{'protocol': 'irn'}"}
    assert now + 7 * DAY < found[SESSION][0]["expiry"] <= now + 8 * DAY
    assert now + 30 * DAY < found[PAIRING][0]["expiry"] <= now + 31 * DAY
    assert max(one["expiry"] for one in found[EXPIRER]) <= now + 31 * DAY
    assert page.evaluate("notices") == []


def test_a_session_that_was_ended_since_the_import_stays_ended(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    before, since = clients.connect(page, wallet), clients.connect(page, wallet)
    entries = exported(page)
    end = "(topic) => client.disconnect({ topic, reason: { code: 6000, message: 'Ended.' } })"
    page.evaluate(end, before)
    stage(page, entries)
    page.evaluate(end, since)
    clients.again(page)
    assert topics(page) == [before], "what an import asks for comes back, and nothing else"
    found = exported(page)
    assert [since in str(found[key]) for key in (SESSION, KEYCHAIN, SUBSCRIPTION, EXPIRER)] == [False] * 4
    assert page.evaluate(STAGED) == 0
    assert page.evaluate("notices") == []


# Every write transaction of the page from the `after`th on fails, as if the page had been killed there.
KILLED = """async ({ after, database, entries }) => {
  await store.sdkStage(entries, database);
  const { transaction } = IDBDatabase.prototype;
  let left = after;
  IDBDatabase.prototype.transaction = function (names, mode, ...rest) {
    if (mode === 'readwrite' && (left -= 1) < 0) throw new DOMException('killed', 'UnknownError');
    return transaction.call(this, names, mode, ...rest);
  };
  const found = await sdk.createSdkStorage({ database }).getEntries();
  IDBDatabase.prototype.transaction = transaction;
  return [left >= 0, Object.fromEntries(found)];
}"""


def test_killed_while_it_is_brought_in_no_session_stands_without_its_key_and_the_next_start_completes_it(
    clients: Clients,
) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    entries = exported(page)
    clients.load(page)
    whole: dict[str, Any] | None = None
    for after in range(30):
        database = f"killed-{after}"
        ran_through, found = page.evaluate(KILLED, {"after": after, "database": database, "entries": entries})
        sessions = [session["topic"] for session in found.get(SESSION, [])]
        assert [one for one in sessions if one not in found[KEYCHAIN]] == []
        completed = page.evaluate(
            "async (database) => Object.fromEntries(await sdk.createSdkStorage({ database }).getEntries())", database
        )
        assert [session["topic"] for session in completed[SESSION]] == [topic]
        assert whole is None or completed == whole
        whole = completed
        if ran_through:
            break
    assert after == 6  # five maps, and the staged record's end


def test_everything_is_sealed_again_while_a_client_goes_on_writing(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    stage(page, {})
    page.evaluate(
        """async () => {
          const keys = await store.openKeys();
          const writes = [];
          for (let n = 0; n < 100; n += 1) {
            writes.push(client.core.crypto.keychain.set(`key ${n}`, 'value'));
            if (n === 30) writes.push(keys.rotate().then(() => store.sdkReseal()));
          }
          await Promise.all(writes);
          await store.sdkReseal();
        }"""
    )
    [key_id] = page.evaluate("store.sdkKeyIds().then((ids) => ids.map((id) => id.join()))")
    assert key_id == page.evaluate("store.openKeys().then((keys) => keys.keyId.join())")
    assert page.evaluate("store.openKeys().then((keys) => keys.ids.length)") == 2
    clients.again(page)
    assert (
        page.evaluate("[...client.core.crypto.keychain.keychain.keys()].filter((k) => /^key /.test(k)).length") == 100
    )
    assert topics(page) == [topic]
    assert pings(page, topic)
    assert page.evaluate("notices") == []


def test_what_cannot_be_opened_stays_as_it_is_when_all_is_sealed_again(clients: Clients) -> None:
    page = clients.open()
    told = page.evaluate(
        """async () => {
          const storage = sdk.createSdkStorage();
          await storage.setItem('a', 1);
          await storage.setItem('b', 2);
          const database = await new Promise((resolve) => {
            indexedDB.open('renvault-sdk').onsuccess = ({ target }) => resolve(target.result);
          });
          const records = () => database.transaction('entries', 'readwrite').objectStore('entries');
          const asked = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
          const [place, other] = await asked(records().getAllKeys());
          const text = await asked(records().get(place));
          const before = await asked(records().get(other));
          const damaged = `${text.slice(0, -8)}AAAAAAAA`;
          await asked(records().put(damaged, place));
          const keys = await store.openKeys();
          await keys.rotate();
          const count = await store.sdkReseal();
          const after = [await asked(records().get(place)), await asked(records().get(other))];
          return [count, after[0] === damaged, after[1] === before, (await store.sdkKeyIds()).length];
        }"""
    )
    assert told == [1, True, False, 2]


# Puts `text` in the place of the record of an entry of the SDK, found by what is gone once that is removed.
REPLACED = """async ([key, text, database]) => {
  const asked = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const storage = sdk.createSdkStorage({ database });
  const value = await storage.getItem(key);
  const opened = await asked(indexedDB.open(`${database}-sdk`));
  const records = () => opened.transaction('entries', 'readwrite').objectStore('entries');
  const before = new Map();
  for (const place of await asked(records().getAllKeys())) before.set(place, await asked(records().get(place)));
  await storage.setItem(key, value);
  for (const [place, old] of before) {
    if ((await asked(records().get(place))) !== old) await asked(records().put(text, place));
  }
  opened.close();
}"""


def test_entries_tell_which_of_what_sessions_need_cannot_be_read(clients: Clients) -> None:
    page = clients.open()
    counts = {}
    needed = [KEYCHAIN, PAIRING, SESSION, "wc@2:core:0.3:mine//keychain"]
    for number, key in enumerate([*needed, SUBSCRIPTION, "wc@2:core:0.3//history", "other"]):
        database = f"damaged-{number}"
        page.evaluate(
            """async ([key, database]) => {
              const storage = sdk.createSdkStorage({ database });
              await storage.setItem('wc@2:client:0.3:mine//proposal', []);
              await storage.setItem(key, /keychain|other/.test(key) ? { a: 'b' } : [{ topic: 'a' }]);
            }""",
            [key, database],
        )
        page.evaluate(REPLACED, [key, "damaged", database])
        counts[key] = page.evaluate("(database) => store.sdkEntries(database)", database)
    assert {key: found["unreadable"] for key, found in counts.items()} == {key: int(key in needed) for key in counts}
    assert {str(found["values"]) for found in counts.values()} == {"{'wc@2:client:0.3:mine//proposal': []}"}


def test_while_a_record_of_a_newer_version_is_there_no_key_is_told_to_be_needed_no_more(clients: Clients) -> None:
    page = clients.open()
    page.evaluate("sdk.createSdkStorage().setItem('a', 1)")
    assert page.evaluate("store.sdkKeyIds().then((ids) => ids.length)") == 1
    flags, purpose = "AQIE" + "A" * 60, "AQcA" + "A" * 60
    for place in ("rv1.AAAAAAAAAAAAAAAAAAAAAA", "staged.0000000000000-00000000", "plain.state"):
        for newer in ("AgICAgIC", flags, purpose):
            page.evaluate(RECORD, [place, newer])
            with pytest.raises(BrowserError, match="The record"):
                page.evaluate("store.sdkKeyIds()")
            assert page.evaluate("store.sdkReseal()") == 0
        page.evaluate(RECORD, [place, None])
    assert page.evaluate("store.sdkKeyIds().then((ids) => ids.length)") == 1


RECORD = """async ([place, text]) => {
  const asked = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const database = await asked(indexedDB.open('renvault-sdk'));
  const records = database.transaction('entries', 'readwrite').objectStore('entries');
  await asked(text === null ? records.delete(place) : records.put(text, place));
  database.close();
}"""


def test_what_lies_there_under_forgotten_keys_is_gone_at_the_next_start_without_a_word(clients: Clients) -> None:
    page = clients.open()
    page.evaluate(
        """async () => {
          const storage = sdk.createSdkStorage();
          await storage.setItem('wc@2:client:0.3//session', [{ topic: 'a' }]);
          await storage.setItem('other', 1);
          await store.sdkStage({});
          await (await store.openKeys()).forget();
        }"""
    )
    page.evaluate(RECORD, ["rv1.AAAAAAAAAAAAAAAAAAAAAA", "AgICAgIC"])  # of a newer version: not for this one to judge
    clients.load(page)
    told = page.evaluate(
        """async () => {
          const notices = [];
          const storage = sdk.createSdkStorage({ onNotice: (notice) => notices.push(notice) });
          const found = [await storage.getItem('other'), await storage.getItem('wc@2:client:0.3//session')];
          await storage.setItem('other', 2);
          return [found, storage.persistent, notices];
        }"""
    )
    assert told == [[None, None], True, []]
    clients.load(page)
    assert page.evaluate("sdk.createSdkStorage().getItem('other')") == 2
    assert page.evaluate("store.openKeys().then(({ ids }) => ids.length)") == 1
    assert page.evaluate(STAGED) == 0


def test_a_database_that_somebody_left_without_our_store_gets_it(clients: Clients) -> None:
    page = clients.open()
    page.evaluate(
        """async () => {
          const asked = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
          for (const name of ['renvault-keys', 'renvault-sdk']) (await asked(indexedDB.open(name))).close();
        }"""
    )
    told = page.evaluate(
        """async () => {
          const storage = sdk.createSdkStorage();
          await storage.setItem('a', 1);
          return storage.persistent;
        }"""
    )
    assert told is True
    clients.load(page)
    assert page.evaluate("sdk.createSdkStorage().getItem('a')") == 1


def test_forgotten_nothing_comes_back_from_a_client_that_goes_on(clients: Clients) -> None:
    page = clients.open()
    told = page.evaluate(
        """async () => {
          const notices = [];
          const storage = sdk.createSdkStorage({ onNotice: (notice) => notices.push(notice) });
          await storage.setItem('wc@2:client:0.3//session', [{ topic: 'a' }]);
          await store.sdkForget();
          await storage.setItem('wc@2:client:0.3//session', [{ topic: 'a' }, { topic: 'b' }]);
          await storage.setItem('other', 1);
          return [(await store.sdkEntries()).values, await storage.getItem('other'), storage.persistent, notices];
        }"""
    )
    notice = "The wallet connection could not be stored and may end with this page. It was forgotten on this device."
    assert told == [{}, 1, False, [notice]]


def test_a_staged_record_that_another_version_may_read_stays_and_stops_no_other(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    entries = exported(page)
    clients.load(page)
    page.evaluate("store.sdkForget()")
    stage(page, entries)
    page.evaluate(
        """async () => {
          const asked = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
          const database = await asked(indexedDB.open('renvault-sdk'));
          const records = database.transaction('entries', 'readwrite').objectStore('entries');
          await asked(records.put('AgICAgIC', 'staged.0000000000000-00000000'));
          await asked(records.put('damaged', 'staged.0000000000001-00000000'));
          database.close();
        }"""
    )
    clients.dapp(page)
    assert topics(page) == [topic]
    assert pings(page, topic)
    assert page.evaluate(STAGED) == 1
    [notice] = page.evaluate("notices")
    assert notice == (
        "The imported wallet connections could not be brought in; the next start tries again. "
        "The record has version 2, this page reads version 1."
    )
