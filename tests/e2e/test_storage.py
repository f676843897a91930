"""The session storage in a real browser: localStorage really full, two pages at once, pages that end in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from .conftest import banner, facade

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import Journey

STORE = "renvault.encryptedSessionStorage"

# Stores sessions; a topic's `note` says which write was the last.
STORE_MANY = """async ([topics, note]) => {
  const { encryptedSessionStorage: storage } = await import('./renvault.js');
  const expiry = Date.now() + 86_400_000;
  await Promise.all(topics.map((topic) => storage.storeSession(topic, { expiry, accounts: [], note })));
}"""

# Fills localStorage until not one more character fits, as a host may that stores much of its own.
FILL = """() => {
  for (let size = 1 << 20, n = localStorage.length; size >= 1; ) {
    try {
      localStorage.setItem(`junk.${n}`, 'x'.repeat(size));
      n += 1;
    } catch {
      size = size >> 1;
    }
  }
}"""

RECORDS = "() => Object.fromEntries(Object.entries(localStorage).filter(([key]) => key.startsWith('rv1.')))"


def topics(page: Page) -> list[str]:
    found: list[str] = facade(page, f"{STORE}.retrieveAllSessions().map(({{ topic }}) => topic).sort()")
    return found


def notes(page: Page) -> dict[str, int]:
    found: dict[str, int] = facade(
        page, f"Object.fromEntries({STORE}.retrieveAllSessions().map(({{ topic, note }}) => [topic, note]))"
    )
    return found


def reload(page: Page) -> None:
    page.reload()
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()


def dashboard(page: Page) -> Any:
    return expect(page.locator("renvault-session-dashboard"))


def test_in_a_full_browser_old_backups_go_first_and_every_session_stays(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate(STORE_MANY, [["a", "b", "c"], 1])
    old, newest, guide = "rvb1.1600000000000", "rvb1.1600000000001", "renvault_session_backup_1500000000000"
    page.evaluate(
        "(keys) => { for (const key of keys) localStorage.setItem(key, 'x'.repeat(1000)); }", [old, newest, guide]
    )
    page.evaluate(FILL)

    page.evaluate(STORE_MANY, [["d"], 1])
    left = page.evaluate("(keys) => keys.map((key) => localStorage.getItem(key) !== null)", [old, newest, guide])
    assert left == [False, True, True]
    dashboard(page).not_to_contain_text("Storage is full.")

    page.evaluate(FILL)
    refused = facade(
        page,
        f"await {STORE}.storeSession('e', {{ expiry: Date.now() + 1e8 }}).then(() => 'stored', ({{ code }}) => code)",
    )
    assert refused == "full"
    dashboard(page).to_contain_text(
        "Storage is full. Nothing stored is lost. Disconnect sessions that you no longer need."
    )
    expect(banner(page)).to_contain_text("Storage is full.")
    banner(page).get_by_role("button", name="Dismiss").click()
    expect(banner(page).get_by_role("button", name="Storage full")).to_be_visible()
    assert topics(page) == ["a", "b", "c", "d"]

    reload(page)
    assert topics(page) == ["a", "b", "c", "d"]
    assert page.evaluate("(key) => localStorage.getItem(key)?.length", newest) == 1000
    page.evaluate("() => localStorage.removeItem('junk.8')")
    page.evaluate(STORE_MANY, [["e"], 1])
    assert topics(page) == ["a", "b", "c", "d", "e"]


def test_the_limit_of_the_configuration_is_refused_in_the_same_way(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate(STORE_MANY, [["a"], 1])
    code = facade(
        page,
        f"""await (async () => {{
          const used = {STORE}.getStatistics().totalSize;
          await {STORE}.updateConfig({{ maxStorageSize: used + 10 }});
          return {STORE}.storeSession('b', {{ expiry: Date.now() + 1e8 }}).catch(({{ code }}) => code);
        }})()""",
    )
    assert code == "full"
    assert topics(page) == ["a"]
    dashboard(page).to_contain_text("Storage is full.")
    facade(page, f"await {STORE}.removeSession('a')")
    dashboard(page).not_to_contain_text("Storage is full.")


COUNT = """async (count) => {
  const { encryptedSessionStorage: storage } = await import('./renvault.js');
  for (let turn = 0; turn < 3000 && storage.retrieveAllSessions().length !== count; turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return storage.retrieveAllSessions().length;
}"""


def test_two_pages_that_store_200_sessions_each_at_once_lose_none(journey: Journey) -> None:
    pages = [journey.open_dapp(), journey.open_dapp()]
    for n, page in enumerate(pages):
        own = [f"{n}-{number:03d}" for number in range(200)]
        page.evaluate(f"(given) => {{ globalThis.storing = ({STORE_MANY})(given); }}", [own, n])  # and does not wait
    for page in pages:
        page.evaluate("() => globalThis.storing")
    expected = sorted(f"{n}-{number:03d}" for n in range(2) for number in range(200))
    for page in pages:
        assert page.evaluate(COUNT, 400) == 400
        assert topics(page) == expected
    reload(pages[0])
    assert topics(pages[0]) == expected
    assert facade(pages[0], f"{STORE}.getStatistics().quarantined") == 0


GONE_AT = """async (topic) => {
  const { encryptedSessionStorage: storage } = await import('./renvault.js');
  while (storage.hasSession(topic)) await new Promise((resolve) => setTimeout(resolve, 5));
  return Date.now();
}"""


def test_a_write_and_a_removal_in_one_page_show_in_the_other_within_a_second(journey: Journey) -> None:
    page, other = journey.open_dapp(), journey.open_dapp()
    page.evaluate(STORE_MANY, [["a", "b"], 1])
    assert other.evaluate(COUNT, 2) == 2
    other.evaluate(f"() => {{ globalThis.gone = ({GONE_AT})('a'); }}")
    removed = facade(page, f"await {STORE}.removeSession('a').then(() => Date.now())")
    assert other.evaluate("() => globalThis.gone") - removed < 1000
    assert topics(other) == ["b"]


def test_what_a_page_that_is_not_ours_clears_is_gone_in_ours(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate(STORE_MANY, [["a", "b"], 1])
    stranger = journey.context.new_page()
    stranger.goto(f"{journey.site.url}renvault.config.json")
    stranger.evaluate("() => localStorage.clear()")
    assert page.evaluate(COUNT, 0) == 0


@pytest.mark.parametrize("wait_ms", [0, 10, 40, 120])
def test_a_page_closed_while_it_stores_leaves_each_session_old_or_new(journey: Journey, wait_ms: int) -> None:
    names = [f"t{number:02d}" for number in range(40)]
    page = journey.open_dapp()
    page.evaluate(STORE_MANY, [names, 1])
    page.evaluate(f"(given) => {{ void ({STORE_MANY})(given); }}", [[*names, "new"], 2])
    page.evaluate("(ms) => new Promise((resolve) => setTimeout(resolve, ms))", wait_ms)
    page.close()

    found = notes(journey_page := journey.open_dapp())
    new = found.pop("new", 2)
    assert (sorted(found), set(found.values()) | {new}) == (names, set(found.values()) | {2})
    assert set(found.values()) <= {1, 2}
    assert facade(journey_page, f"{STORE}.getStatistics().quarantined") == 0


def test_without_encryption_records_can_be_read_and_with_it_again_they_cannot(journey: Journey) -> None:
    page = journey.open_dapp()
    topic = "in plain sight"
    facade(page, f"await {STORE}.updateConfig({{ encryptionEnabled: false, compressionEnabled: false }})")
    page.evaluate(STORE_MANY, [[topic], 1])
    readable = """(topic) => Object.entries(localStorage).some(([key, text]) => key.startsWith('rv1.')
      && atob(text.replaceAll('-', '+').replaceAll('_', '/')).includes(topic))"""
    assert page.evaluate(readable, topic) is True

    facade(page, f"await {STORE}.updateConfig({{ encryptionEnabled: true }})")
    assert page.evaluate(readable, topic) is False
    reload(page)
    assert topics(page) == [topic]

    facade(page, f"await {STORE}.updateConfig({{ encryptionEnabled: false }})")
    page.evaluate(STORE_MANY, [["orphan"], 1])
    reload(page)  # where encryption is on, as in every page that does not turn it off
    assert topics(page) == [topic]
    dashboard(page).to_contain_text("1 record could not be trusted and is kept aside.")
    facade(page, f"await {STORE}.updateConfig({{ encryptionEnabled: false }})")
    assert topics(page) == sorted([topic, "orphan"])


def test_records_that_were_tampered_with_are_counted_named_and_stop_no_other(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate(STORE_MANY, [["a", "b", "c", "d", "e", "f", "sound"], 1])
    states = page.evaluate(
        """async () => {
        const { encryptedSessionStorage: storage } = await import('./renvault.js');
        const sound = new Map();
        for (const [key, text] of Object.entries(localStorage)) if (key.startsWith('rv1.')) sound.set(text, key);
        const [changed, cut, one, other, newer, plain] = [...sound].map(([text, key]) => [key, text]);
        const put = ([key], text) => localStorage.setItem(key, text);
        put(changed, changed[1].slice(0, 50) + (changed[1][50] === 'A' ? 'B' : 'A') + changed[1].slice(51));
        put(cut, cut[1].slice(0, -8));
        put(one, other[1]);
        put(other, one[1]);
        put(newer, `Ag${newer[1].slice(2)}`);
        put(plain, btoa(`\\x01\\x01\\x80${'\\0'.repeat(8)}${'h'.repeat(32)}{}`).replaceAll('=', ''));
        const left = new Set([changed, cut, one, other, newer, plain].map(([key]) => key));
        const reports = (await storage.verify()).filter(({ key }) => left.has(key));
        return reports.map(({ state }) => state).sort();
        }"""
    )
    assert states == ["newer_version", "plain", "unreadable", "unreadable", "unreadable", "unreadable"]
    before = page.evaluate(RECORDS)

    reload(page)
    assert len(topics(page)) + 6 == len(before)
    dashboard(page).to_contain_text("6 records could not be trusted and are kept aside.")
    assert page.evaluate(RECORDS) == before, "they are left where they are"


def test_where_the_key_is_gone_the_user_is_told_to_reconnect(journey: Journey) -> None:
    page = journey.open_dapp()
    page.evaluate(STORE_MANY, [["a", "b"], 1])
    blank = f"{journey.site.url}renvault.config.json"
    page.goto(blank)
    page.evaluate(
        """() => new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase('renvault-keys');
        request.onsuccess = resolve;
        request.onerror = reject;
        })"""
    )
    page.goto(journey.site.url)
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    told = "The key of 2 stored sessions is gone. Reconnect your wallet."
    dashboard(page).to_contain_text(told)
    expect(banner(page)).to_contain_text(told)
    page.evaluate(STORE_MANY, [["new"], 1])
    dashboard(page).not_to_contain_text(told)
    assert facade(page, f"{STORE}.getStatistics().quarantined") == 2


def test_that_data_be_kept_is_asked_once_there_is_a_session_and_once_a_page(journey: Journey) -> None:
    page = journey.context.new_page()
    page.add_init_script(
        """globalThis.asked = 0;
        navigator.storage.persisted = async () => false;
        navigator.storage.persist = async () => { asked += 1; throw new Error('no'); };"""
    )
    page.goto(journey.site.url)
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()
    assert page.evaluate("() => asked") == 0
    page.evaluate(STORE_MANY, [["a", "b"], 1])
    page.evaluate(STORE_MANY, [["c"], 1])
    assert page.evaluate("() => asked") == 1
