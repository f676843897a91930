"""From the SDK's own plain store, made by a real client, to the sealed one and back (STO-11): no session is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .sdk_clients import pings, topics

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .sdk_clients import Clients

PRELUDE = """
const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const everything = async (name, store) => {
  const database = await asked(indexedDB.open(name));
  const records = database.transaction(store).objectStore(store);
  const [keys, values] = await Promise.all([asked(records.getAllKeys()), asked(records.getAll())]);
  database.close();
  return keys.map((key, at) => [key, values[at]]);
};
const plain = async () => {
  const all = await everything('WALLET_CONNECT_V2_INDEXED_DB', 'keyvaluestorage');
  return all.filter(([key]) => key.startsWith('wc@2:'));
};
const sealed = (database = 'renvault') => everything(`${database}-sdk`, 'entries');
const putPlain = async (entries) => {
  const opening = indexedDB.open('WALLET_CONNECT_V2_INDEXED_DB');
  opening.onupgradeneeded = () => opening.result.createObjectStore('keyvaluestorage');
  const database = await asked(opening);
  const transaction = database.transaction('keyvaluestorage', 'readwrite');
  for (const [key, text] of entries) transaction.objectStore('keyvaluestorage').put(text, key);
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  database.close();
};
const SESSIONS = 'wc@2:client:0.3//session';
// The SDK's own store writes its keys with colons alone.
const PLAIN_KEYCHAIN = 'wc@2:core:0.3:keychain';
const keyOf = (plainKey) => plainKey.replace(/:(?=[^:]*$)/, '//');
const valuesOf = (entries) => Object.fromEntries(entries.map(([key, text]) => [keyOf(key), JSON.parse(text)]));
"""


def run(page: Page, script: str, argument: Any = None) -> Any:
    return page.evaluate(f"async (argument) => {{ {PRELUDE} {script} }}", argument)


def in_plain_store(clients: Clients, wallet: Page) -> tuple[Page, str]:
    """Return a page on which nothing runs, and the topic of the session that a plain client has made there."""
    page = clients.dapp(make="plainDapp")
    topic = clients.connect(page, wallet)
    clients.load(page)
    return page, topic


def test_a_live_session_is_taken_over_and_the_plain_store_is_emptied_at_the_next_start(clients: Clients) -> None:
    wallet = clients.wallet()
    page, topic = in_plain_store(clients, wallet)
    page.evaluate("localStorage.setItem('@appkit/recent_wallets', '[]')")
    before = run(page, "return plain();")
    secrets = run(page, "return Object.values(JSON.parse(new Map(await plain()).get(PLAIN_KEYCHAIN)));")

    clients.dapp(page, takeOver=True)
    assert topics(page) == [topic]
    assert pings(page, topic)
    assert run(page, "return plain();") == before
    page.evaluate("sdk.createSdkStorage({ takeOver: true }).getKeys()")  # no later start than this page's own
    assert run(page, "return plain();") == before
    at_rest = run(page, "return JSON.stringify(await sealed());")
    assert [secret for secret in secrets if secret in at_rest] == []

    clients.again(page, takeOver=True)
    assert run(page, "return plain();") == []
    assert topics(page) == [topic]
    assert pings(page, topic)
    assert run(page, "return (await sealed()).filter(([key]) => /^plain\\.\\d/.test(key)).length;") == 1
    assert page.evaluate("localStorage.getItem('@appkit/recent_wallets')") == "[]"
    assert page.evaluate("notices") == []


def test_a_session_in_the_older_plain_store_in_localstorage_is_taken_over(clients: Clients) -> None:
    wallet = clients.wallet()
    page, topic = in_plain_store(clients, wallet)
    run(
        page,
        """for (const [key, text] of await plain()) localStorage.setItem(keyOf(key), text);
        await asked(indexedDB.deleteDatabase('WALLET_CONNECT_V2_INDEXED_DB'));""",
    )
    clients.again(page, takeOver=True)
    assert topics(page) == [topic]
    assert pings(page, topic)
    clients.again(page, takeOver=True)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('wc@2:'))") == []
    names = "indexedDB.databases().then((all) => all.map(({ name }) => name))"
    assert "WALLET_CONNECT_V2_INDEXED_DB" not in page.evaluate(names)
    assert topics(page) == [topic]


def test_without_being_asked_to_it_takes_nothing_over(clients: Clients) -> None:
    wallet = clients.wallet()
    page, _ = in_plain_store(clients, wallet)
    before = run(page, "return plain();")
    for _ in range(2):
        clients.again(page)
        assert topics(page) == []
    assert run(page, "return plain();") == before


# Two clients of one origin, one of them with a prefix, and other things that lie in the same store.
MANY = [
    ["wc@2:core:0.3:keychain", '{"own":"1"}'],
    ["wc@2:client:0.3:session", '[{"topic":"own"}]'],
    ["wc@2:core:0.3:event-client", "{}"],
    ["wc@2:core:0.3:mywallet:keychain", '{"other":"2"}'],
    ["wc@2:client:0.3:mywallet:session", '[{"topic":"other"}]'],
    ["wc@2:core:0.3:my:wallet:keychain", '{"third":"3"}'],
    ["wc@2:core:0.3:session:keychain", '{"fourth":"4"}'],
    ["wc@2:universal_provider:namespaces", "{}"],
]


def sdk_key(place: str, prefix: str) -> str:
    """The SDK's own key of what lies in plain at ``place``."""
    scope, name = place.rsplit(":", 1)
    if scope == "wc@2:universal_provider":
        return f"{scope}:/{name}"
    return f"{':'.join(scope.split(':')[:3])}{prefix}//{name}"


BOTH = "return [...(await plain()), ...Object.entries(localStorage).filter(([key]) => key.startsWith('wc@2:'))];"


@pytest.mark.parametrize(
    ("option", "prefix", "own"),
    [
        (True, "", [0, 1, 2, 7]),
        ("mywallet", ":mywallet", [3, 4]),
        ("my/wallet", ":my/wallet", [5]),
        ("session", ":session", [6]),
        ("none", ":none", []),
        (False, "", []),
        ("", "", []),
    ],
)
def test_only_what_one_client_has_is_taken_deleted_and_given_back(
    clients: Clients, option: bool | str, prefix: str, own: list[int]
) -> None:
    page = clients.open()
    run(page, "await putPlain(argument);", MANY)
    # Of the older store, with the SDK's own keys, another client's entry too.
    page.evaluate("localStorage.setItem('wc@2:core:0.3:elsewhere//keychain', '{}')")
    before = run(page, BOTH)
    taken = {sdk_key(key, prefix): json.loads(text) for key, text in (MANY[at] for at in own)}
    for _ in range(2):
        clients.load(page)
        found = page.evaluate("(takeOver) => sdk.createSdkStorage({ takeOver }).getEntries()", option)
        assert dict(found) == taken
    left = [entry for entry in before if entry not in [MANY[at] for at in own]]
    assert run(page, BOTH) == left

    page.evaluate("sdk.createSdkStorage().setItem('wc@2:core:0.3:hers//keychain', { hers: '5' })")
    page.evaluate("localStorage.clear()")
    given = page.evaluate("(customStoragePrefix) => sdk.giveBackSdkStore({ customStoragePrefix })", prefix[1:])
    assert given == len(own)
    assert sorted(run(page, "return plain();")) == sorted(MANY)


def test_two_clients_on_one_page_are_both_taken_over_and_deleted(clients: Clients) -> None:
    page = clients.open()
    run(page, "await putPlain(argument);", MANY)
    for _ in range(3):
        clients.load(page)
        for option in (True, "mywallet"):
            page.evaluate("(takeOver) => sdk.createSdkStorage({ takeOver }).getKeys()", option)
    assert run(page, "return plain();") == sorted(MANY[5:7])
    found = dict(page.evaluate("sdk.createSdkStorage().getEntries()"))
    assert found["wc@2:core:0.3//keychain"] == {"own": "1"}
    assert found["wc@2:core:0.3:mywallet//keychain"] == {"other": "2"}


def test_what_an_older_page_goes_on_writing_in_plain_comes_along_too(clients: Clients) -> None:
    wallet = clients.wallet()
    page, first = in_plain_store(clients, wallet)
    old = clients.dapp(make="plainDapp")
    clients.dapp(page, takeOver=True)
    own = clients.connect(page, wallet)
    second = clients.connect(old, wallet)
    old.close()
    clients.again(page, takeOver=True)
    assert topics(page) == sorted([first, second, own])
    page.evaluate("(topic) => client.disconnect({ topic, reason: { code: 6000, message: 'Ended.' } })", first)
    clients.again(page, takeOver=True)
    assert topics(page) == sorted([second, own])
    assert run(page, "return plain();") == []
    assert [pings(page, topic) for topic in (second, own)] == [True, True]


# Every write transaction of the page from the `argument.after`th on fails, as if the page had been killed there.
KILLED = """
const { transaction } = IDBDatabase.prototype;
let left = argument.after;
IDBDatabase.prototype.transaction = function (names, mode, ...rest) {
  if (mode === 'readwrite' && (left -= 1) < 0) throw new DOMException('killed', 'UnknownError');
  return transaction.call(this, names, mode, ...rest);
};
const storage = sdk.createSdkStorage({ database: argument.database, takeOver: true });
await storage.getItem(SESSIONS);
return left >= 0;
"""

STARTED = """
const storage = sdk.createSdkStorage({ database: argument.database, takeOver: true });
const found = Object.fromEntries(await storage.getEntries());
const backups = (await sealed(argument.database)).filter(([key]) => /^plain\\.\\d/.test(key));
const left = (await plain()).length + Object.keys(localStorage).filter((key) => key.startsWith('wc@2:')).length;
return [found, backups.length, left];
"""


def test_killed_at_any_step_the_next_start_completes_it(clients: Clients) -> None:
    wallet = clients.wallet()
    page, topic = in_plain_store(clients, wallet)
    entries = run(page, "return plain();")
    expected = run(page, "return valuesOf(await plain());")
    assert [session["topic"] for session in expected["wc@2:client:0.3//session"]] == [topic]
    for step in range(100):
        at = {"after": step, "database": f"killed-{step}"}
        clients.load(page)
        run(page, "await putPlain(argument);", entries)
        ran_through = run(page, KILLED, at)
        clients.load(page)
        assert run(page, STARTED, at) == [expected, 1, 0 if ran_through else len(entries)]
        clients.load(page)
        assert run(page, STARTED, at) == [expected, 1, 0]
        if ran_through:
            break
    assert step > 5  # back-up, entries and note


def test_killed_while_the_plain_entries_go_the_next_start_completes_it(clients: Clients) -> None:
    wallet = clients.wallet()
    page, _ = in_plain_store(clients, wallet)
    run(page, "for (const [key, text] of (await plain()).slice(0, 2)) localStorage.setItem(keyOf(key), text);")
    expected = run(page, "return valuesOf(await plain());")
    at = {"after": 0, "database": "renvault"}
    run(page, STARTED, at)
    clients.load(page)
    assert run(page, KILLED, at) is False
    clients.load(page)
    assert run(page, STARTED, at) == [expected, 1, 0]


def test_what_cannot_be_read_here_again_is_never_deleted_there(clients: Clients) -> None:
    wallet = clients.wallet()
    page, topic = in_plain_store(clients, wallet)
    before = run(page, "return plain();")
    clients.dapp(page, takeOver=True)
    run(
        page,
        """const database = await asked(indexedDB.open('renvault-sdk'));
        const records = database.transaction('entries', 'readwrite').objectStore('entries');
        for (const key of await asked(records.getAllKeys())) if (key.startsWith('rv1.')) records.delete(key);
        database.close();""",
    )
    clients.again(page, takeOver=True)
    assert run(page, "return plain();") == before
    assert topics(page) == [topic]
    clients.again(page, takeOver=True)
    assert run(page, "return plain();") == []
    assert pings(page, topic)


def test_the_way_back_logs_nobody_out(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    topic = clients.connect(page, wallet)
    clients.load(page)
    page.evaluate("sdk.createSdkStorage().setItem('WALLETCONNECT_DEEPLINK_CHOICE', { name: 'Wallet' })")
    given = page.evaluate("sdk.giveBackSdkStore()")
    names = run(page, "return (await everything('WALLET_CONNECT_V2_INDEXED_DB', 'keyvaluestorage')).map(([k]) => k);")
    assert sorted(names)[:1] == ["WALLETCONNECT_DEEPLINK_CHOICE"]
    assert given == len(names) - 1  # all but the store's own mark
    clients.again(page, make="plainDapp")
    assert topics(page) == [topic]
    assert pings(page, topic)

    clients.again(page)  # ours stays until it is forgotten
    assert topics(page) == [topic]
    clients.load(page)
    page.evaluate("store.sdkForget()")
    assert run(page, "return sealed();") == []
    clients.again(page, make="plainDapp")
    assert pings(page, topic)


def test_who_comes_back_finds_what_happened_in_the_plain_store_meanwhile(clients: Clients) -> None:
    wallet = clients.wallet()
    page = clients.dapp()
    ended, kept = clients.connect(page, wallet), clients.connect(page, wallet)
    clients.load(page)
    page.evaluate("sdk.giveBackSdkStore()")
    clients.again(page, make="plainDapp")
    page.evaluate("(topic) => client.disconnect({ topic, reason: { code: 6000, message: 'Ended.' } })", ended)
    page.evaluate("(topic) => client.extend({ topic }).then(({ acknowledged }) => acknowledged())", kept)
    made = clients.connect(page, wallet)
    expiry = page.evaluate("(topic) => client.session.get(topic).expiry", kept)
    for _ in range(2):
        clients.again(page, takeOver=True)
        assert topics(page) == sorted([kept, made])
        assert page.evaluate("(topic) => client.session.get(topic).expiry", kept) == expiry
        assert [pings(page, topic) for topic in (kept, made)] == [True, True]
    assert run(page, "return plain();") == []


def test_of_many_back_ups_the_latest_three_are_kept(clients: Clients) -> None:
    page = clients.open()
    for n in range(5):
        session = [{"topic": f"topic {n}", "expiry": 1}]
        run(page, "await putPlain([['wc@2:client:0.3:session', JSON.stringify(argument)]]);", session)
        found, backups, left = run(page, STARTED, {"database": "renvault"})
        assert len(found["wc@2:client:0.3//session"]) == n + 1
        assert (backups, left) == (min(n + 1, 3), 1)


CASES = """
const found = [];
await storage.setItem('yolo', { name: 'john doe' });
found.push(await storage.getItem('yolo'), await storage.getEntries(), await storage.getKeys());
await storage.removeItem('yolo');
found.push(typeof (await storage.getItem('yolo')), await storage.getKeys(), typeof (await storage.getItem('never')));
const values = { number: 5, zero: 0, text: 'text', 'a b': { c: [1, null, { d: 'e' }] }, list: [], no: false, é: '😀' };
for (const [key, value] of Object.entries(values)) await storage.setItem(key, value);
await storage.setItem('text', 'second');
await storage.removeItem('never');
for (const key of Object.keys(values)) found.push(await storage.getItem(key));
found.push((await storage.getKeys()).sort(), Object.fromEntries(await storage.getEntries()));
await storage.setItem('null', null);
found.push(typeof (await storage.getItem('null')));
return found;
"""


def test_it_does_what_the_sdks_own_storage_does(clients: Clients) -> None:
    page = clients.open()
    ours = run(page, f"const storage = sdk.createSdkStorage(); {CASES}")
    theirs = run(
        page,
        f"""const own = new sdk.KeyValueStorage({{}});
        await own.getKeys();
        await own.removeItem('wc_storage_version'); // its own mark stands among the entries
        const storage = own;
        {CASES}""",
    )
    assert ours == theirs
