from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from renvault_web.errors import ConfigError, NotStartedError, StorageError
from renvault_web.exchange import CIPHER_LIMIT, FILE_LIMIT, MIN_PASSPHRASE, SDK_LIMIT, SessionExchange
from renvault_web.imports import MAX_BYTES, ImportReport
from renvault_web.integration import WalletKitSessionIntegration
from renvault_web.known_account import KnownAccount
from renvault_web.session import SessionStatus, WalletSession, parse_session, to_json
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.stored import StorageConfig
from renvault_web.testing import (
    FakeCipher,
    FakePassphraseFile,
    FakeSdkStore,
    FakeTabs,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    fake_session,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSPHRASE = "four words are good"
DAY = 86_400.0
LIVE, STORED, OLD, NEW = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)
SDK = {
    "wc@2:core:0.3//keychain": {"client_ed25519_seed": "the seed", LIVE: "the key of a session"},
    "wc@2:core:0.3//history": [{"request": "of yesterday"}],
    "wc@2:core:0.3//messages": {LIVE: {"hash": "a message"}},
    "wc@2:client:0.3//session": [{"topic": LIVE}],
}


class Page:
    """One page with its exchange."""

    def __init__(self, clock: ManualClock, storage: MemoryStorage | None = None, **changes: Any) -> None:
        self.clock = clock
        self.storage = storage or MemoryStorage()
        self.cipher = changes.pop("cipher", None) or FakeCipher()
        self.sessions = EncryptedSessionStorage(
            storage=self.storage,
            cipher=self.cipher,
            clock=clock,
            tabs=changes.pop("tabs", None),
            config=changes.pop("config", None),
        )
        self.integration = WalletKitSessionIntegration(clock=clock, storage=self.sessions)
        self.wallet = FakeWallet(clock, [fake_session(LIVE, clock.now() + 7 * DAY)])
        self.sdk = FakeSdkStore(entries=SDK)
        settings = {"sdk": self.sdk, "files": FakePassphraseFile(), **changes}
        self.exchange = SessionExchange(
            clock=clock,
            sessions=self.sessions,
            integration=self.integration,
            storage=self.storage,
            cipher=self.cipher,
            **settings,
        )

    async def begin(self, *, client: bool = True) -> Page:
        await self.sessions.open()
        self.integration.start()
        if client:
            await self.integration.initialize(self.wallet)
        await settle()
        return self

    async def store(self, topic: str, days: float, **changes: object) -> None:
        await self.sessions.store_session(session(self.clock, topic, days, **changes))

    def stored(self) -> dict[str, WalletSession]:
        return {session.topic: session for session in self.sessions.retrieve_all_sessions()}

    def everything(self) -> dict[str, str | None]:
        return {key: self.storage.get(key) for key in self.storage.keys()}  # noqa: SIM118 - a port, no dict


def session(clock: ManualClock, topic: str, days: float, **changes: object) -> WalletSession:
    return parse_session(fake_session(topic, clock.now() + days * DAY, **changes))


def text_of(clock: ManualClock, *sessions: object, **changes: object) -> str:
    return json.dumps({"version": "1.0.0", "timestamp": clock.now() * 1000, "sessions": sessions, **changes})


def told(report: ImportReport) -> dict[str | None, tuple[str, str]]:
    return {detail.topic: (detail.outcome.value, detail.reason) for detail in report.details}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


# Plain


async def test_an_export_has_its_time_its_version_and_every_known_session(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    await page.store(STORED, 5)
    exported = json.loads(page.exchange.export_sessions())
    await page.integration.destroy()
    assert list(exported) == ["version", "timestamp", "sessions"]
    assert exported["version"] == "1.0.0"
    assert exported["timestamp"] == 1_700_000_000_000
    assert {one["topic"]: (one["status"], one["expiry"]) for one in exported["sessions"]} == {
        LIVE: ("active", 1_700_000_000_000 + 7 * 86_400_000),
        STORED: ("needs_reconnect", 1_700_000_000_000 + 5 * 86_400_000),
    }


async def test_an_export_holds_no_secret(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    uri = f"wc:{LIVE}@2?relay-protocol=irn&symKey=canary"
    await page.store(STORED, 5, symKey="canary", mine={"deep": [{"Mnemonic": "canary"}]}, note=f"See {uri}", kept=1)
    text = page.exchange.export_sessions()
    await page.integration.destroy()
    assert "canary" not in text
    assert '"kept":1' in text
    assert "the key of a session" not in text


async def test_a_session_that_json_cannot_hold_spoils_no_other(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    deep: Any = 1
    for _ in range(98):  # with what a record has around it, as deep as JSON may nest
        deep = [deep]
    await page.store(STORED, 5, mine=deep)
    page.wallet.settle_session(fake_session(NEW, clock.now() + DAY, mine=float("nan")))
    await settle()
    exported = json.loads(page.exchange.export_sessions())
    await page.integration.destroy()
    assert [one["topic"] for one in exported["sessions"]] == [LIVE]


async def test_a_session_of_the_sdk_that_no_import_could_read_makes_no_backup(clock: ManualClock) -> None:
    deep: Any = {}
    for _ in range(98):
        deep = [deep]
    sessions = [{"topic": LIVE}, {"topic": NEW, "mine": deep}]
    page = Page(clock, sdk=FakeSdkStore(entries={**SDK, "wc@2:client:0.3//session": sessions}))
    with pytest.raises(StorageError, match="nest too deep: 1"):
        await page.exchange.export_backup(PASSPHRASE)


async def test_where_the_client_keeps_its_keys_elsewhere_a_backup_says_that_live_sessions_are_not_in_it(
    clock: ManualClock,
) -> None:
    page = Page(clock)
    page.wallet.keeps_keys_sealed = False
    await page.begin()
    with pytest.raises(StorageError, match="would lack your live sessions"):
        await page.exchange.export_backup(PASSPHRASE)
    await page.integration.disconnect_session(LIVE)
    assert await page.exchange.export_backup(PASSPHRASE)
    await page.integration.destroy()


@pytest.mark.parametrize("name", ["core:0.3//keychain", "client:0.3//session", "core:0.3//pairing"])
async def test_where_a_record_that_live_sessions_need_cannot_be_read_there_is_no_backup(
    clock: ManualClock, name: str
) -> None:
    sdk = FakeSdkStore(entries=SDK)
    sdk.write("wc@2:core:0.3//pairing", [])
    sdk.damage("wc@2:core:0.3//history")
    page = await Page(clock, sdk=sdk).begin()
    assert "wc@2:core:0.3//keychain" in (await opened(await page.exchange.export_backup(PASSPHRASE)))["sdk"]
    sdk.damage(f"wc@2:{name}")
    with pytest.raises(StorageError, match="cannot be read: 1"):
        await page.exchange.export_backup(PASSPHRASE)
    await page.integration.destroy()


async def test_what_was_exported_comes_back_on_another_device(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    await page.store(STORED, 5, mine={"kept": True})
    text = page.exchange.export_sessions()
    await page.integration.destroy()

    other = await Page(clock, cipher=FakeCipher(key_id=b"another!")).begin(client=False)
    report = await other.exchange.import_sessions(text)
    assert report.counts == (2, 0, 0, 0)
    assert not report.needs_reload
    assert other.stored() == page.stored()
    before = other.everything()
    assert (await other.exchange.import_sessions(text)).counts == (0, 0, 2, 0)
    assert other.everything() == before
    await other.integration.destroy()


async def test_an_imported_session_needs_reconnect_until_the_client_lists_it(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    await page.exchange.import_sessions(text_of(clock, fake_session(NEW, clock.now() + DAY)))
    status = page.integration.session_status(NEW)
    await page.integration.destroy()
    assert status is not None
    assert status.value == "needs_reconnect"


async def test_sessions_are_merged_by_topic_and_what_is_known_here_stays(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    for topic in (STORED, OLD):
        await page.store(topic, 5)
    before = page.stored()
    report = await page.exchange.import_sessions(
        text_of(
            clock,
            fake_session(LIVE, clock.now() + 30 * DAY),
            fake_session(STORED, clock.now() + 6 * DAY, accounts=["stacks:1:SPATTACKER"]),
            fake_session(OLD, clock.now() + 4 * DAY, accounts=[]),
            fake_session(NEW, clock.now() + DAY),
            fake_session("5" * 64, clock.now()),
            {"topic": "6" * 64},
        )
    )
    after = page.stored()
    await page.integration.destroy()
    assert told(report) == {
        LIVE: ("skipped", "The wallet client has it; what the client says counts."),
        STORED: ("skipped", "It is known here, and stays as it is."),
        OLD: ("skipped", "It is known here, and stays as it is."),
        NEW: ("imported", ""),
        "5" * 64: ("skipped", "It has expired."),
        "6" * 64: (
            "failed",
            "Session 6 of the import: Session 66666666: expiry must be a time in seconds or milliseconds.",
        ),
    }
    assert report.counts == (1, 0, 4, 1)
    assert after == {**before, NEW: session(clock, NEW, 1)}


async def test_a_newer_import_takes_the_place_of_an_older_one_until_a_client_lists_it(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    for days in (1, 3, 2):
        report = await page.exchange.import_sessions(text_of(clock, fake_session(LIVE, clock.now() + days * DAY)))
        assert report.counts == {1: (1, 0, 0, 0), 3: (0, 1, 0, 0), 2: (0, 0, 1, 0)}[days]
    assert page.stored()[LIVE].expiry == clock.now() + 3 * DAY
    await page.integration.initialize(page.wallet)
    await page.integration.destroy()  # whoever comes later has a session of the client's before it
    again = await page.exchange.import_sessions(text_of(clock, fake_session(LIVE, clock.now() + 7 * DAY, a=1)))
    assert again.counts == (0, 0, 1, 0)
    assert page.stored()[LIVE] == session(clock, LIVE, 7)


async def test_before_a_client_lists_it_an_import_is_neither_usable_nor_primary(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.exchange.import_sessions(text_of(clock, fake_session(NEW, clock.now() + DAY)))
    page.sessions.close()
    later = await Page(clock, page.storage, cipher=page.cipher.another()).begin(client=False)
    assert later.integration.session_status(NEW) is SessionStatus.NEEDS_RECONNECT
    assert later.integration.get_primary_session() is None
    assert not later.integration.has_session()
    await later.store(STORED, 5)
    assert later.integration.get_primary_session() == session(clock, STORED, 5)
    await page.integration.destroy()
    await later.integration.destroy()


async def test_an_import_that_the_client_lists_is_live_but_was_never_used(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.store(LIVE, 7)
    clock.jump(60)
    await page.exchange.import_sessions(text_of(clock, fake_session(NEW, clock.now() + DAY)))
    page.wallet = FakeWallet(clock, [fake_session(LIVE, clock.now() + 7 * DAY), fake_session(NEW, clock.now() + DAY)])
    await page.integration.initialize(page.wallet)
    assert page.integration.session_status(NEW) is SessionStatus.ACTIVE
    primary = page.integration.get_primary_session()
    assert primary
    assert primary.topic == LIVE
    await page.integration.destroy()
    later = await Page(clock, page.storage, cipher=page.cipher.another()).begin(client=False)
    assert later.integration.session_status(NEW) is SessionStatus.RESTORING  # it is one of the client's by now
    await later.integration.destroy()


async def test_an_import_brings_no_account_into_a_live_session(clock: ManualClock) -> None:
    spaces = {"stacks": {"accounts": ["stacks:1:SP1"]}}
    page = Page(clock)
    page.wallet = FakeWallet(
        clock, [fake_session(LIVE, clock.now() + DAY, namespaces=spaces, accounts=["stacks:1:SP1"])]
    )
    await page.begin(client=False)
    planted = fake_session(
        LIVE, clock.now() + 2 * DAY, namespaces=spaces, accounts=["stacks:1:SPATTACKER"], chainId="stacks:66"
    )
    assert (await page.exchange.import_sessions(text_of(clock, planted))).imported == 1
    await page.integration.initialize(page.wallet)
    live = page.integration.get_session(LIVE)
    await page.integration.destroy()
    assert live
    assert (live.accounts, live.chain_id) == (("stacks:1:SP1",), "stacks:1")
    assert page.stored()[LIVE] == live


async def test_an_import_in_another_page_gives_a_live_session_no_more_time(clock: ManualClock) -> None:
    tabs = FakeTabs()
    page = await Page(clock, tabs=tabs).begin()
    await page.sessions.remove_session(LIVE)
    other = await Page(clock, page.storage, cipher=page.cipher.another(), tabs=tabs.another()).begin(client=False)
    clock.jump(DAY)
    report = await other.exchange.import_sessions(text_of(clock, fake_session(LIVE, clock.now() + 7 * DAY)))
    await settle()
    live = page.integration.get_session(LIVE)
    await page.integration.destroy()
    await other.integration.destroy()
    assert report.imported == 1
    assert live
    assert live.expiry == page.wallet.sessions()[0]["expiry"]


async def test_an_imported_session_lives_no_longer_than_the_protocol_has_it(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.exchange.import_sessions(text_of(clock, fake_session(NEW, 9e15)))
    await page.integration.destroy()
    assert page.stored()[NEW].expiry == clock.now() + 7 * DAY


@pytest.mark.parametrize(
    ("accounts", "chain"),
    [
        (["stacks:1:SPEVIL"], "stacks:1"),
        (["stacks:1:SP1", "stacks:1:SPEVIL"], "stacks:1"),
        (["stacks:1:SP1"], "stacks:2"),
        (["stacks:1:Ä"], "stacks:1"),
        ([], None),
    ],
)
async def test_a_known_account_whose_id_does_not_follow_from_it_is_refused(
    clock: ManualClock, accounts: list[str], chain: str | None
) -> None:
    known = KnownAccount("id", "source", "stacks:1", "SP1")
    page = await Page(clock).begin(client=False)
    hostile = fake_session(known.topic, clock.now() + DAY, accounts=accounts, chainId=chain)
    report = await page.exchange.import_sessions(text_of(clock, hostile))
    await page.integration.destroy()
    assert told(report) == {known.topic: ("failed", "Its id is not that of its account.")}
    assert page.stored() == {}


async def test_a_known_account_is_imported_as_it_was(clock: ManualClock) -> None:
    known = KnownAccount("id", "source", "stacks:1", "SP1", expires_at=clock.now() - DAY).session(clock.now())
    page = await Page(clock).begin(client=False)
    report = await page.exchange.import_sessions(text_of(clock, to_json(known)))
    await page.integration.destroy()
    assert report.counts == (1, 0, 0, 0)
    assert page.stored() == {known.topic: known}


async def test_of_two_with_one_topic_the_later_end_counts(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    ends = [clock.now() + days * DAY for days in (1, 3, 2)]
    report = await page.exchange.import_sessions(text_of(clock, *(fake_session(NEW, end) for end in ends)))
    await page.integration.destroy()
    assert report.counts == (1, 0, 0, 0)
    assert page.stored()[NEW].expiry == ends[1]


async def test_one_that_cannot_be_stored_stops_no_other(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    sessions = [
        fake_session("a", clock.now() + DAY),
        fake_session("b", clock.now() + DAY, large="x" * 300_000),
        fake_session("c", clock.now() + DAY),
    ]
    report = await page.exchange.import_sessions(text_of(clock, *sessions))
    await page.integration.destroy()
    assert report.counts == (2, 0, 0, 1)
    assert sorted(page.stored()) == ["a", "c"]
    assert told(report)["b"][1].startswith("Session b has 300")


async def test_what_is_there_stays_when_there_is_no_room(clock: ManualClock) -> None:
    page = await Page(clock, config=StorageConfig(max_storage_size=4_000)).begin(client=False)
    await page.store(STORED, 5)
    many = [fake_session(f"{number:064d}", clock.now() + DAY) for number in range(20)]
    report = await page.exchange.import_sessions(text_of(clock, *many))
    await page.integration.destroy()
    assert report.imported > 0
    assert report.failed > 0
    assert report.imported + report.failed == 20
    assert len(page.stored()) == 1 + report.imported
    assert STORED in page.stored()


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", '{"version":"2.0.0","sessions":[]}', '{"version":"1.0.0"}', "[" * 50_000],
    ids=range(6),
)
async def test_what_is_no_export_changes_nothing(clock: ManualClock, text: str) -> None:
    page = await Page(clock).begin()
    before = page.everything()
    with pytest.raises(StorageError) as raised:
        await page.exchange.import_sessions(text)
    await page.integration.destroy()
    assert raised.value.code == "import"
    assert page.everything() == before


async def test_before_the_storage_is_open_nothing_is_imported(clock: ManualClock) -> None:
    page = Page(clock)
    with pytest.raises(NotStartedError):
        await page.exchange.import_sessions(text_of(clock, fake_session(NEW, clock.now() + DAY)))


# Sealed


async def test_sealed_sessions_are_the_records_as_they_lie(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.store(STORED, 5)
    await page.sessions.store_notes({"primary": STORED})
    page.storage.set("rv1.nonsense", "nonsense")
    exported = json.loads(page.exchange.export_sessions(sealed=True))
    await page.integration.destroy()
    assert list(exported) == ["version", "timestamp", "sealed"]
    [(key, text)] = exported["sealed"].items()
    assert page.storage.get(key) == text
    assert STORED not in str(exported)


async def test_sealed_sessions_come_back_in_the_browser_that_has_the_key(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.store(STORED, 5)
    text = page.exchange.export_sessions(sealed=True)
    await page.sessions.clear_all_sessions()
    report = await page.exchange.import_sessions(text)
    await page.integration.destroy()
    assert report.counts == (1, 0, 0, 0)
    assert page.stored() == {STORED: session(clock, STORED, 5)}


async def test_sealed_and_plain_sessions_come_together(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.store(STORED, 5)
    sealed = json.loads(page.exchange.export_sessions(sealed=True))["sealed"]
    await page.sessions.clear_all_sessions()
    report = await page.exchange.import_sessions(
        text_of(clock, fake_session(NEW, clock.now() + DAY), {}, sealed={**sealed, "rv1.a": "!"})
    )
    await page.integration.destroy()
    assert report.counts == (2, 0, 0, 2)
    assert sorted(page.stored()) == [STORED, NEW]


async def test_sealed_sessions_say_nothing_to_another_browser(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.store(STORED, 5)
    text = page.exchange.export_sessions(sealed=True)
    await page.integration.destroy()
    other = await Page(clock, cipher=FakeCipher(key_id=b"another!")).begin(client=False)
    report = await other.exchange.import_sessions(text)
    await other.integration.destroy()
    assert report.counts == (0, 0, 0, 1)
    assert report.details[0].reason.endswith("Sealed exports open in their own browser.")
    assert other.stored() == {}


async def test_a_sealed_record_under_another_name_is_not_taken(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.store(STORED, 5)
    await page.store(OLD, 5)
    exported = json.loads(page.exchange.export_sessions(sealed=True))
    (one, first), (other, second) = exported["sealed"].items()
    await page.sessions.clear_all_sessions()
    exported["sealed"] = {one: second, other: first, "rv1.more": 5}
    report = await page.exchange.import_sessions(json.dumps(exported))
    await page.integration.destroy()
    assert report.counts == (0, 0, 0, 3)
    assert page.stored() == {}


# Backup files


async def opened(file: bytes, passphrase: str = PASSPHRASE) -> Any:
    return json.loads(await FakePassphraseFile().decrypt(passphrase, file))


async def test_a_backup_holds_the_sessions_and_what_brings_them_alive(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    await page.store(STORED, 5)
    content = await opened(await page.exchange.export_backup(PASSPHRASE))
    await page.integration.destroy()
    assert list(content) == ["version", "timestamp", "sessions", "sdk"]
    assert sorted(one["topic"] for one in content["sessions"]) == [LIVE, STORED]
    assert content["sdk"] == {
        "wc@2:core:0.3//keychain": {LIVE: "the key of a session"},
        "wc@2:client:0.3//session": [{"topic": LIVE}],
    }


@pytest.mark.parametrize(
    ("passphrase", "message"),
    [
        ("", f"at least {MIN_PASSPHRASE} characters"),
        ("x" * (MIN_PASSPHRASE - 1), f"at least {MIN_PASSPHRASE} characters"),
        (" " * 30, f"at least {MIN_PASSPHRASE} characters"),
        (None, f"at least {MIN_PASSPHRASE} characters"),
        ("a line\nand another", "cannot be typed"),
        ("a lone surrogate \ud800", "cannot be typed"),
    ],
    ids=range(6),
)
async def test_a_weak_passphrase_is_refused_and_never_quoted(
    clock: ManualClock, passphrase: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    page = Page(clock)
    with pytest.raises(ConfigError, match=message) as raised:
        await page.exchange.export_backup(passphrase)
    assert "surrogate" not in str(raised.value)
    assert caplog.text == ""


async def test_a_backup_restored_elsewhere_waits_for_the_next_start(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    page = await Page(clock).begin()
    file = await page.exchange.export_backup(PASSPHRASE)
    await page.integration.destroy()
    other = await Page(clock, cipher=FakeCipher(key_id=b"another!")).begin(client=False)
    report = await other.exchange.import_backup(file, PASSPHRASE)
    await other.integration.destroy()
    assert report.counts == (1, 0, 0, 0)
    assert report.needs_reload
    assert list(other.stored()) == [LIVE]
    assert other.sdk.staged == [
        {
            "wc@2:core:0.3//keychain": {LIVE: "the key of a session"},
            "wc@2:client:0.3//session": [{"topic": LIVE}],
        }
    ]
    assert PASSPHRASE not in caplog.text
    assert "the key of a session" not in caplog.text


async def test_a_backup_never_brings_another_client_s_seed(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    content = text_of(clock, sdk={"wc@2:core:0.3//keychain": {"client_ed25519_seed": "theirs", "t": "k"}})
    file = await FakePassphraseFile().encrypt(PASSPHRASE, content.encode())
    await page.exchange.import_backup(file, PASSPHRASE)
    await page.integration.destroy()
    assert page.sdk.staged == [{"wc@2:core:0.3//keychain": {"t": "k"}}]


async def test_without_the_sdk_s_store_a_backup_holds_the_accounts(clock: ManualClock) -> None:
    page = await Page(clock, sdk=None).begin()
    file = await page.exchange.export_backup(PASSPHRASE)
    await page.integration.destroy()
    assert (await opened(file))["sdk"] == {}
    other = await Page(clock, sdk=None).begin(client=False)
    report = await other.exchange.import_backup(file, PASSPHRASE)
    await other.integration.destroy()
    assert report.counts == (1, 0, 0, 0)
    assert not report.needs_reload


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe", "import"),
        (b"nonsense", "import"),
        (b'{"version":"2.0.0","sessions":[],"sdk":{}}', "import"),
        (b'{"version":"1.0.0","sdk":{"wc@2:core:0.3//keychain":{}}}', "import"),
    ],
    ids=range(4),
)
async def test_a_file_of_something_else_changes_nothing(clock: ManualClock, content: bytes, code: str) -> None:
    page = await Page(clock).begin()
    before = page.everything()
    file = await FakePassphraseFile().encrypt(PASSPHRASE, content)
    with pytest.raises(StorageError) as raised:
        await page.exchange.import_backup(file, PASSPHRASE)
    await page.integration.destroy()
    assert raised.value.code == code
    assert (page.everything(), page.sdk.staged) == (before, [])


async def test_a_wrong_passphrase_and_what_is_no_file_change_nothing(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    file = await page.exchange.export_backup(PASSPHRASE)
    before = page.everything()
    for data, passphrase, kind, message in (
        (file, "another passphrase", StorageError, "passphrase does not fit"),
        (file, "", ConfigError, "passphrase is missing"),
        (b"", PASSPHRASE, StorageError, "no age file"),
        (b"\0" * (MAX_BYTES + 1), PASSPHRASE, StorageError, "a backup has"),
    ):
        with pytest.raises(kind, match=message):
            await page.exchange.import_backup(data, passphrase)
    await page.integration.destroy()
    assert (page.everything(), page.sdk.staged) == (before, [])


async def test_where_the_sdk_s_entries_cannot_wait_no_session_is_stored(clock: ManualClock) -> None:
    page = await Page(clock).begin()
    file = await page.exchange.export_backup(PASSPHRASE)
    await page.integration.destroy()
    other = await Page(clock).begin(client=False)
    other.sdk.fail_after(0)
    with pytest.raises(StorageError):
        await other.exchange.import_backup(file, PASSPHRASE)
    await other.integration.destroy()
    assert other.stored() == {}


class Silent(FakePassphraseFile):
    """Files that are never done."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    async def encrypt(self, passphrase: str, plaintext: bytes) -> bytes:
        await self._clock.sleep(10_000)
        return await super().encrypt(passphrase, plaintext)

    async def decrypt(self, passphrase: str, data: bytes) -> bytes:
        await self._clock.sleep(10_000)
        return await super().decrypt(passphrase, data)


async def test_files_that_take_too_long_are_given_up(clock: ManualClock) -> None:
    page = Page(clock, files=Silent(clock))
    for work in (page.exchange.export_backup(PASSPHRASE), page.exchange.import_backup(b"", PASSPHRASE)):
        task = asyncio.ensure_future(work)
        await clock.advance(FILE_LIMIT - 1)
        assert not task.done()
        await clock.advance(1)
        with pytest.raises(StorageError, match="did not finish within 60 s"):
            await task


class SilentCipher(FakeCipher):
    """A browser that opens nothing."""

    async def open(self, jobs: Sequence[tuple[bytes, bytes, bytes]]) -> list[bytes | None]:
        await asyncio.Event().wait()
        return []


async def test_a_sealed_export_that_is_never_opened_is_given_up(clock: ManualClock) -> None:
    page = await Page(clock).begin(client=False)
    await page.store(STORED, 5)
    text = page.exchange.export_sessions(sealed=True)
    other = await Page(clock, cipher=SilentCipher()).begin(client=False)
    task = asyncio.ensure_future(other.exchange.import_sessions(text))
    await clock.advance(CIPHER_LIMIT)
    with pytest.raises(StorageError, match="did not finish within 30 s"):
        await task
    await page.integration.destroy()
    await other.integration.destroy()


class SilentSdk(FakeSdkStore):
    """A database that never answers."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    async def entries(self) -> Any:
        await self._clock.sleep(10_000)


async def test_an_sdk_store_that_does_not_answer_is_given_up(clock: ManualClock) -> None:
    page = Page(clock, sdk=SilentSdk(clock))
    task = asyncio.ensure_future(page.exchange.export_backup(PASSPHRASE))
    await clock.advance(SDK_LIMIT)
    with pytest.raises(StorageError, match="did not finish within 15 s"):
        await task


async def test_without_a_maker_of_files_there_are_none(clock: ManualClock) -> None:
    page = Page(clock, files=None)
    with pytest.raises(ConfigError, match="nothing here"):
        await page.exchange.export_backup(PASSPHRASE)
    with pytest.raises(ConfigError, match="nothing here"):
        await page.exchange.import_backup(b"", PASSPHRASE)
