"""A new key in a real browser: under a live client, beside other tabs, the browser killed, and no place for keys."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import expect

from dev.chromium import find_chromium, launch_arguments
from renvault_web.rotation import SETTLED

from .conftest import Journey, facade
from .test_at_rest import clear_indexed_db

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from dev.relay import RelayThread
    from dev.serve import Site

PRELUDE = """
const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
// Undefined while there is no such database: it is not for the test to make one.
const opened = (name) => {
  const request = indexedDB.open(name);
  request.onupgradeneeded = () => request.transaction.abort();
  return asked(request).catch(() => undefined);
};
const read = async (name, method, ...args) => {
  let database = await opened(name);
  for (let turn = 0; turn < 50 && !database; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100)); // until the page has put back what was cleared
    database = await opened(name);
  }
  try {
    return await asked(database.transaction('entries').objectStore('entries')[method](...args));
  } finally {
    database.close();
  }
};
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const keyIdOf = (text) => {
  const bytes = atob(text.slice(0, 16).replaceAll('-', '+').replaceAll('_', '/'));
  return hex([...bytes].slice(3, 11).map((character) => character.charCodeAt(0)));
};
const isSealed = ([key]) => /^rv[bh]?1\\./.test(key);
const sealedHere = () => Object.entries(localStorage).filter(isSealed).map(([, text]) => text);
const sealedSdk = async () => (await read('renvault-sdk', 'getAll')).filter((value) => typeof value === 'string');
"""


def run(page: Page, script: str) -> Any:
    """Run ``script`` beside the facade's exports and what reads the stores as they lie on the disk."""
    return page.evaluate(f"async () => {{ const renvault = await import('./renvault.js'); {PRELUDE} {script} }}")


def keys(page: Page) -> list[str]:
    """The ids of the stored keys, the one that seals last."""
    found: list[str] = run(
        page, "return (await read('renvault-keys', 'get', 'keys')).encryption.map(({ id }) => hex(id));"
    )
    return found


def named(page: Page) -> dict[str, list[str]]:
    """The ids of the keys that sealed what lies in our records and in the SDK's."""
    found: dict[str, list[str]] = run(
        page,
        """const ids = (texts) => [...new Set(texts.map(keyIdOf))].sort();
        return { records: ids(sealedHere()), sdk: ids(await sealedSdk()) };""",
    )
    return found


def store(page: Page, *topics: str) -> None:
    for topic in topics:
        facade(page, f"await renvault.encryptedSessionStorage.storeSession('{topic}', {{ expiry: Date.now() + 1e8 }})")


def topics(page: Page) -> list[str]:
    found: list[str] = facade(page, "renvault.encryptedSessionStorage.retrieveAllSessions().map(({ topic }) => topic)")
    return sorted(found)


def rotate(page: Page) -> None:
    facade(page, "await renvault.encryptedSessionStorage.rotateKey()")


def until_ready(page: Page) -> None:
    expect(page.locator("html[data-renvault=ready]")).to_be_attached()


def test_everything_is_sealed_by_a_new_key_under_a_live_client_and_the_old_one_goes_at_a_later_start(
    journey: Journey,
) -> None:
    page = journey.open_dapp()
    journey.connect(page)
    store(page, "one", "two")
    before = topics(page)
    [old] = keys(page)
    assert named(page) == {"records": [old], "sdk": [old]}

    written = run(
        page,
        """const storage = renvault.createSdkStorage();
        const [{ topic }] = renvault.sessionManager.getActiveSessions().filter(({ accounts }) => accounts.length > 0);
        let going = true;
        let writes = 0;
        const write = async () => {
          for (; going; writes += 1) await storage.setItem('test', { writes });
        };
        const ping = async () => {
          while (going) await renvault.walletKitSessionIntegration.pingSession(topic);
        };
        const [writing, pinging] = [write(), ping()];
        await renvault.encryptedSessionStorage.rotateKey();
        going = false;
        await Promise.all([writing, pinging]);
        return writes;""",
    )

    assert written > 0, "it has to write meanwhile, or this test shows nothing"
    [_, new] = keys(page)
    assert named(page) == {"records": [new], "sdk": [new]}

    page.clock.install()
    page.reload()
    until_ready(page)
    live = page.locator("renvault-session-dashboard [data-topic]", has_text="Demo wallet")
    expect(live).to_contain_text("Active")
    assert topics(page) == before
    assert facade(page, "await renvault.createSdkStorage().getItem('test')") == {"writes": written - 1}
    live.get_by_role("button", name="Ping").click()
    expect(live).to_contain_text("ms")
    assert keys(page) == [old, new]
    page.clock.fast_forward(int(SETTLED * 1000))
    expect_keys(page, [new])

    page.reload()
    until_ready(page)
    expect(live).to_contain_text("Active")
    assert topics(page) == before


def expect_keys(page: Page, wanted: list[str]) -> None:
    """Wait until just these keys are stored."""
    for _ in range(100):
        if keys(page) == wanted:
            return
        page.wait_for_function("() => new Promise((resolve) => navigator.locks.query().then(() => resolve(true)))")
    assert keys(page) == wanted


def test_nothing_is_lost_where_one_page_rotates_while_the_other_writes(journey: Journey) -> None:
    writer, other = journey.open_dapp(), journey.open_dapp()
    store(writer, "before")
    [old] = keys(writer)
    writer.evaluate(
        """async () => {
        const { encryptedSessionStorage: storage } = await import('./renvault.js');
        window.going = true;
        window.writing = (async () => {
          let number = 0;
          for (; window.going; number += 1) await storage.storeSession(`topic ${number}`, { expiry: Date.now() + 1e8 });
          return number;
        })();
        }"""
    )
    writer.wait_for_function("() => Object.keys(localStorage).filter((key) => key.startsWith('rv1.')).length > 5")
    rotate(other)
    rotate(other)
    newest = keys(other)[-1]
    writer.evaluate("async () => { window.going = false; await window.writing; }")
    number = writer.evaluate("window.writing")
    wanted = sorted(["before", *(f"topic {index}" for index in range(number))])
    assert number > 5
    assert topics(writer) == wanted
    store(writer, "after")
    assert newest in named(writer)["records"], "the other page has gone over to the newest key too"
    assert keys(writer)[0] == old
    for page in (writer, other):
        page.close()

    later = journey.open_dapp()
    assert topics(later) == sorted([*wanted, "after"])
    assert facade(later, "renvault.encryptedSessionStorage.getStatistics().quarantined") == 0
    run_until_named(later, [newest])


def run_until_named(page: Page, ids: list[str]) -> None:
    """Wait until the rotation that goes on at the start of a page has left no record of another key."""
    for _ in range(100):
        if named(page)["records"] == ids:
            return
        page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 50))")
    assert named(page)["records"] == ids


def test_two_pages_that_rotate_at_once_make_one_key(journey: Journey) -> None:
    first, second = journey.open_dapp(), journey.open_dapp()
    store(first, "one")
    begin = "import('./renvault.js').then((renvault) => renvault.encryptedSessionStorage.rotateKey())"
    for page in (first, second):
        page.evaluate(f"() => {{ window.rotated = {begin}; }}")
    for page in (first, second):
        page.evaluate("() => window.rotated")
    assert 2 <= len(keys(first)) <= 3, "one page may have been done before the other began"
    store(second, "two")
    assert topics(second) == ["one", "two"]


def test_forgotten_keys_are_put_back_by_no_other_page(journey: Journey) -> None:
    page, other = journey.open_dapp(), journey.open_dapp()
    store(other, "one")
    forgotten = keys(page)
    facade(page, "await renvault.encryptedSessionStorage.forgetEverything({ confirmed: true })")
    store(other, "two")
    for one in (page, other):
        assert facade(one, "renvault.encryptedSessionStorage.getStatistics().persistent") is False
    assert run(page, "return (await read('renvault-keys', 'get', 'keys')) === undefined;")
    assert set(named(page)["records"]) <= set(forgotten), "what the other page wrote at that moment nobody can read"
    other.close()
    page.reload()
    until_ready(page)
    assert topics(page) == []
    [new] = keys(page)
    assert new not in forgotten
    store(page, "three")
    page.reload()
    until_ready(page)
    assert topics(page) == ["three"]


def test_keys_that_were_cleared_away_after_a_rotation_are_all_put_back(journey: Journey) -> None:
    stale, page = journey.open_dapp(), journey.open_dapp()
    store(page, "one")
    [old] = keys(page)
    rotate(page)
    both = keys(page)
    clear_indexed_db(page)
    store(stale, "two")
    store(page, "three")
    assert keys(page) == both == [old, both[1]]
    for one in (stale, page):
        one.close()
    later = journey.open_dapp()
    assert topics(later) == ["one", "three", "two"]
    assert facade(later, "renvault.encryptedSessionStorage.getStatistics().quarantined") == 0


def test_without_a_key_store_all_stays_in_memory_and_it_says_so(journey: Journey) -> None:
    for broken in ("() => new EventTarget()", "() => { throw new DOMException('No.', 'SecurityError'); }"):
        page = journey.context.new_page()
        page.add_init_script(f"IDBFactory.prototype.open = {broken};")
        page.goto(journey.site.url)
        until_ready(page)
        store(page, "one")
        assert topics(page) == ["one"]
        assert facade(page, "renvault.encryptedSessionStorage.getStatistics().persistent") is False
        expect(page.locator("renvault-session-dashboard")).to_contain_text("end with this page")
        with pytest.raises(BrowserError, match="store of the wallet connection"):
            rotate(page)
        assert topics(page) == ["one"]
        assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('rv1.'))") == []
        page.close()


@contextlib.contextmanager
def profile(browser: Browser, folder: Path) -> Iterator[BrowserContext]:
    """A browser of its own on a profile that stays."""
    context = browser.browser_type.launch_persistent_context(
        folder, executable_path=find_chromium(), args=launch_arguments()
    )
    try:
        yield context
    finally:
        with contextlib.suppress(BrowserError):
            context.close()


def kill(folder: Path) -> None:
    """Kill the browser of that profile and all its processes, as a power switch would."""
    own = f"--user-data-dir={folder}".encode()
    browsers = [path.parent for path in Path("/proc").glob("[0-9]*/cmdline") if own in arguments(path)]
    (leader,) = {os.getpgid(int(path.name)) for path in browsers}
    assert leader != os.getpgid(0)
    os.killpg(leader, signal.SIGKILL)


def arguments(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:  # it has ended
        return []


def test_a_browser_killed_right_after_a_rotation_loses_nothing(
    browser: Browser, site: Site, relay: RelayThread, tmp_path: Path
) -> None:
    folder = tmp_path / "profile"
    before = sorted(f"topic {number}" for number in range(20))
    # On a busy machine a browser that is closed may lose its last writes, too: what is there now is what counts.
    for _ in range(3):
        with profile(browser, folder) as context:
            page = Journey(context, site, relay).open_dapp()
            if topics(page) == before:
                break
            store(page, *before)
    with profile(browser, folder) as context:
        page = Journey(context, site, relay).open_dapp()
        assert topics(page) == before
        [old] = keys(page)
        rotate(page)
        new = keys(page)[-1]
        page.reload()
        until_ready(page)
        facade(page, "await renvault.encryptedSessionStorage.verify()")  # the page has had time to do what it does next
        kill(folder)
    with profile(browser, folder) as context:
        page = Journey(context, site, relay).open_dapp()
        assert topics(page) == before
        assert keys(page) == [old, new]
        run_until_named(page, [new])
