"""What lies on the disk, read as bytes: nothing of a live session stands there as text."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from .conftest import facade, session

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Journey

# All of localStorage and of every IndexedDB, keys and values, as text. Binary values are told as base64.
READ_ALL = """async () => {
  const plain = (value) => {
    if (value instanceof CryptoKey) return `[key ${value.type} extractable=${value.extractable}]`;
    if (ArrayBuffer.isView(value)) return btoa(String.fromCharCode(...new Uint8Array(value.buffer)));
    if (value instanceof ArrayBuffer) return btoa(String.fromCharCode(...new Uint8Array(value)));
    if (value && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
    return value;
  };
  const asked = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const found = { localStorage: { ...localStorage }, databases: {} };
  for (const { name } of await indexedDB.databases()) {
    const database = await asked(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([asked(objects.getAllKeys()), asked(objects.getAll())]);
      found.databases[`${name}/${store}`] = keys.map((key, index) => [plain(key), plain(values[index])]);
    }
    database.close();
  }
  return JSON.stringify(found);
}"""

KNOWN_NAMES = ("client_ed25519_seed", "symKey", "wc@2:", "keychain", "Demo wallet", "namespaces", "pairingTopic")


def at_rest(page: Page) -> str:
    stored: str = page.evaluate(READ_ALL)
    return stored


def test_no_account_topic_key_or_seed_lies_in_the_open(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    [held] = facade(page, "renvault.sessionManager.getActiveSessions()")
    address = held["accounts"][0].rsplit(":", 1)[1]
    private = [held["topic"], held["pairingTopic"], held["peer"]["publicKey"], address, *KNOWN_NAMES]
    keychain = facade(page, "await renvault.createSdkStorage().getItem('wc@2:core:0.3//keychain')")
    assert "client_ed25519_seed" in keychain, "the secrets themselves are needed, or this test looks for nothing"
    assert held["topic"] in keychain
    secrets = [coding for secret in keychain.values() for coding in codings(secret)]

    stored = at_rest(page)

    assert "rv1." in stored, "the records must be there, or this test looks at nothing"
    for text in (stored, decoded(stored)):
        assert [secret for secret in private if secret.lower() in text.lower()] == []
        assert [secret for secret in secrets if secret in text] == []
    assert re.findall(r"[0-9a-f]{64}", decoded(stored)) == [], "64 hex digits are a key or a topic"


def test_the_keys_cannot_be_exported(journey: Journey) -> None:
    page = journey.open_dapp()

    stored = at_rest(page)

    assert "[key secret extractable=false]" in stored
    assert "extractable=true" not in stored


def test_the_records_are_of_the_documented_form(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page)

    records = {k: v for k, v in json.loads(at_rest(page))["localStorage"].items() if k.startswith("rv1.")}

    assert len(records) >= 1
    for key, text in records.items():
        assert re.fullmatch(r"rv1\.[-_A-Za-z0-9]{22}", key)
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        assert data[0] == 1, "version"


def test_no_text_under_a_key_of_ours_hides_the_sessions(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate(
        r"""async () => {
        const { encryptedSessionStorage: storage } = await import('./renvault.js');
        for (const topic of ['one', '\ud800', 'a pair \ud83d\ude00'])
          await storage.storeSession(topic, { expiry: Date.now() + 1e8, accounts: [] });
        localStorage.setItem('rv1.zz', '\u00e9');
        localStorage.setItem('rv1.\ud800', '\ud83d\ude00\udc00');
        }"""
    )
    page.reload()
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()

    expression = "renvault.encryptedSessionStorage.retrieveAllSessions().map(({ topic }) => escape(topic))"
    assert sorted(facade(page, expression)) == ["%uD800", "a%20pair%20%uD83D%uDE00", "one"]
    assert facade(page, "renvault.encryptedSessionStorage.getStatistics().quarantined") == 2


# Reads and writes the record of the SDK's keychain as it lies on the disk.
KEYCHAIN = r"""async (text) => {
  const asked = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const entries = async (name) => {
    const database = await asked(indexedDB.open(name));
    return database.transaction('entries', 'readwrite').objectStore('entries');
  };
  const { index } = await asked((await entries('renvault-keys')).get('keys'));
  const tag = await crypto.subtle.sign('HMAC', index, new TextEncoder().encode('\x02wc@2:core:0.3//keychain'));
  const name = btoa(String.fromCharCode(...new Uint8Array(tag).subarray(0, 16)));
  const place = `rv1.${name.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
  if (text) await asked((await entries('renvault-sdk')).put(text, place));
  return asked((await entries('renvault-sdk')).get(place));
}"""


def test_a_keychain_of_a_newer_version_costs_no_session(journey: Journey) -> None:
    page = journey.open_dapp()
    journey.connect(page).close()
    blank = f"{journey.site.url}renvault.config.json"
    page.goto(blank)
    right = page.evaluate(KEYCHAIN)
    newer = f"Ag{right.removeprefix('AQ')}"
    page.evaluate(KEYCHAIN, newer)

    page.goto(journey.site.url)
    expect(page.locator("#notice")).to_contain_text("version 2")
    expect(session(page)).to_contain_text("Needs reconnect")
    page.goto(blank)
    assert page.evaluate(KEYCHAIN) == newer
    page.evaluate(KEYCHAIN, right)

    page.goto(journey.site.url)
    expect(session(page)).to_contain_text("Active")


def clear_indexed_db(page: Page) -> None:
    """What the browser does with IndexedDB when the site's data is cleared, also under an open page."""
    origin = page.evaluate("location.origin")
    session = page.context.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "indexeddb"})
    session.detach()


def until_keys_are_back(page: Page) -> None:
    page.evaluate(
        """async () => {
        const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        const areThere = () => new Promise((resolve) => {
          const request = indexedDB.open('renvault-keys');
          request.onupgradeneeded = () => request.transaction.abort(); // it is not there, and not ours to make
          request.onerror = () => resolve(false);
          request.onsuccess = () => {
            const entries = request.result.transaction('entries').objectStore('entries');
            entries.count().onsuccess = ({ target }) => resolve(target.result > 0);
            request.result.close(); // once that is answered
          };
          setTimeout(resolve, 500, false); // while it clears, the browser may not answer
        });
        for (let turn = 0; turn < 50 && !(await areThere()); turn += 1) await pause(100);
        }"""
    )


def test_a_session_made_after_the_keys_were_cleared_away_survives_the_page(journey: Journey) -> None:
    page = journey.open_dapp()
    clear_indexed_db(page)
    journey.connect(page)
    assert facade(page, "renvault.encryptedSessionStorage.getStatistics().persistent") is True
    page.reload()
    expect(session(page)).to_contain_text("Active")
    expect(page.locator("#notice")).to_have_text("")


def test_keys_that_were_cleared_away_are_put_back_for_the_records_that_need_them(journey: Journey) -> None:
    page = journey.open_dapp()
    facade(page, "await renvault.encryptedSessionStorage.storeSession('one', { expiry: Date.now() + 1e8 })")
    for _ in range(2):
        clear_indexed_db(page)
        until_keys_are_back(page)
    page.reload()
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    assert facade(page, "renvault.encryptedSessionStorage.hasSession('one')") is True
    assert facade(page, "renvault.encryptedSessionStorage.getStatistics().quarantined") == 0


def test_a_database_of_keys_that_is_deleted_comes_back_with_the_same_ones(journey: Journey) -> None:
    page = journey.open_dapp()
    facade(page, "await renvault.encryptedSessionStorage.storeSession('one', { expiry: Date.now() + 1e8 })")
    page.evaluate(
        """() => new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase('renvault-keys');
        request.onsuccess = resolve;
        request.onerror = reject;
        })"""
    )
    until_keys_are_back(page)
    page.reload()
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    assert facade(page, "renvault.encryptedSessionStorage.hasSession('one')") is True


OTHER_KEYS = """async () => {
  const made = (...args) => crypto.subtle.generateKey(...args);
  const key = await made({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const index = await made({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign']);
  const encryption = [{ id: crypto.getRandomValues(new Uint8Array(8)), key, createdAt: Date.now() }];
  const asked = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await asked(indexedDB.open('renvault-keys'));
  const entries = database.transaction('entries', 'readwrite').objectStore('entries');
  await asked(entries.put({ version: 1, index, encryption }, 'keys'));
}"""


def test_where_other_keys_have_taken_their_place_all_stays_in_memory_and_it_says_so(journey: Journey) -> None:
    page = journey.open_dapp()
    store = "await renvault.encryptedSessionStorage.storeSession"
    facade(page, f"{store}('one', {{ expiry: Date.now() + 1e8 }})")
    page.evaluate(OTHER_KEYS)
    records = "Object.entries(localStorage).filter(([key]) => key.startsWith('rv1.'))"
    before = page.evaluate(records)
    facade(page, f"{store}('two', {{ expiry: Date.now() + 1e8 }})")
    assert facade(page, "renvault.encryptedSessionStorage.getStatistics().persistent") is False
    topics = "renvault.encryptedSessionStorage.retrieveAllSessions().map(({ topic }) => topic)"
    assert facade(page, topics) == ["one", "two"]
    assert page.evaluate(records) == before
    expect(page.locator("renvault-session-dashboard")).to_contain_text("end with this page")
    facade(page, "await renvault.encryptedSessionStorage.removeSession('two')")
    facade(page, "await renvault.encryptedSessionStorage.removeSession('one')")
    assert facade(page, topics) == []

    told = page.evaluate(
        """async () => {
        const notices = [];
        const { createSdkStorage } = await import('./renvault.js');
        const storage = createSdkStorage({ onNotice: (notice) => notices.push(notice) });
        await storage.setItem('a', 1);
        return [await storage.getItem('a'), storage.persistent, notices.length, notices[0].includes('other keys')];
        }"""
    )
    assert told == [1, False, 1, True]


def test_two_tabs_that_start_at_once_make_one_key(journey: Journey) -> None:
    first, second = journey.context.new_page(), journey.context.new_page()
    for page in (first, second):
        page.goto(journey.site.url, wait_until="commit")
    for page in (first, second):
        expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    journey.connect(first)
    second.reload()
    expect(session(second)).to_have_count(1)
    expect(session(second)).to_contain_text("Active")


def decoded(text: str) -> str:
    """The text with every base64 run decoded, as far as it decodes: no encoding may hide a plain text."""
    runs = re.findall(r"[A-Za-z0-9+/_-]{24,}", text)
    return "\n".join(
        base64.urlsafe_b64decode(run.replace("+", "-").replace("/", "_") + "=" * (-len(run) % 4)).decode("latin-1")
        for run in runs
        if len(run) % 4 != 1
    )


def codings(secret: str) -> list[str]:
    """The ways in which a key of hex digits could lie about: as it is, as its bytes, as base64 of either."""
    raw = bytes.fromhex(secret)
    encoded = [base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(secret.encode())]
    return [secret, secret.upper(), raw.decode("latin-1"), *(one.decode().rstrip("=") for one in encoded)]
