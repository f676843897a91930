"""MIG-1, MIG-2: what is listed and never read, and the guide's flag."""

from __future__ import annotations

import json

import pytest
from old_builds import ADDRESS, SECRETS, blockstack, connection, secure, session_backups, single, stacks_connect

from renvault_web.migration_report import MigrationStatus, OldEntry
from renvault_web.old_storage import OldStorage
from renvault_web.stored import stored_size
from renvault_web.testing import START, ManualClock, MemoryStorage

NOW_MS = int(START * 1000)
MNEMONIC = "renvault-recovered-mnemonic"


class Watched(MemoryStorage):
    """Remembers whose values were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, key: str) -> str | None:
        self.asked.add(key)
        return super().get(key)


def storage(**entries: str) -> tuple[OldStorage, Watched]:
    disk = Watched()
    for key, text in entries.items():
        disk.set(key, text)
    return OldStorage(storage=disk, clock=ManualClock()), disk


def test_everything_old_is_listed_with_a_word_and_what_is_kept_is_not_read() -> None:
    texts = {
        "renvault_wallet_session": single(NOW_MS),
        "wallet_connection_session": connection(NOW_MS - 2 * 86_400_000),
        "renvault_secure_theme": secure(NOW_MS, {"theme": "dark"}),
        "connection_state": "{}",
        "blockstack-session": blockstack(),
    }
    kept = {
        "renvault_session_backups": session_backups(),
        "renvault_restore_history": "[]",
        "renvault_recent_wallets": "[]",
        "renvault_wallet_preferences": "{}",
        "renvault-wallet-backup": SECRETS["walletBackup"],
        MNEMONIC: SECRETS["mnemonic"],
        "STX_PROVIDER": "LeatherProvider",
        f"renvault_session_backup_{NOW_MS}": "{}",
        "wc@2:client:0.3//session": "[]",
        "@appkit/connection_status": "connected",
    }
    old, disk = storage(**texts, **kept, **{"rv1.abc": "ours", "host": "a host's"})

    listed = old.entries()

    def size(key: str) -> int:
        return stored_size(key, texts[key])

    assert listed[:5] == [
        OldEntry(
            "renvault_wallet_session", "sessions of an older build", 1, size("renvault_wallet_session"), stays=False
        ),
        OldEntry(
            "wallet_connection_session",
            "The old session had expired. It stays where it is.",
            0,
            size("wallet_connection_session"),
        ),
        OldEntry("connection_state", "no sessions", 0, size("connection_state")),
        OldEntry("renvault_secure_theme", "It holds no session.", 0, size("renvault_secure_theme")),
        OldEntry("blockstack-session", "an account that another library keeps", 1, size("blockstack-session")),
    ]
    assert [entry.key for entry in listed[5:]] == sorted(kept)
    assert all(entry.what and entry.size == 0 for entry in listed[5:])
    assert disk.asked == {*texts, "STX_PROVIDER"}


def test_there_are_old_sessions_also_where_they_cannot_be_read() -> None:
    assert storage(renvault_wallet_session="damaged")[0].has_sessions()
    assert storage(renvault_secure_session=secure(NOW_MS, {"address": ADDRESS}))[0].has_sessions()
    assert not storage(renvault_secure_theme=secure(NOW_MS, {"theme": 1}))[0].has_sessions()
    assert not storage(connection_state="{}")[0].has_sessions()
    assert not storage(host="x")[0].has_sessions()


def test_other_libraries_accounts_count_until_it_is_completed() -> None:
    old, _ = storage(**{"@stacks/connect": stacks_connect(ADDRESS)})
    assert old.has_sessions()
    old.mark_completed()
    assert not old.has_sessions()
    old.reset()
    assert old.has_sessions()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"autoConnect":false}', False),
        ('{"autoConnect":true,"x":1}', True),
        ('{"autoConnect":"false"}', None),
        ("{}", None),
        ("[]", None),
        ("", None),
        ("[" * 9999, None),
    ],
    ids=["off", "on", "kind", "absent", "list", "empty", "deep"],
)
def test_what_the_user_chose_in_the_old_settings(text: str, expected: bool | None) -> None:
    assert storage(renvault_wallet_preferences=text)[0].auto_connect is expected


def test_no_settings_are_no_choice() -> None:
    assert storage()[0].auto_connect is None


def test_a_recovery_phrase_is_told_by_its_name_and_never_read() -> None:
    old, disk = storage(**{MNEMONIC: SECRETS["mnemonic"]})
    assert old.has_mnemonic
    old.entries()
    assert MNEMONIC not in disk.asked
    assert not storage()[0].has_mnemonic


def test_the_flag_is_the_guide_s() -> None:
    old, disk = storage()
    assert old.status() == MigrationStatus(has_migrated=False)
    old.mark_completed()
    text = disk.get("renvault_migration_completed")
    assert text is not None
    assert json.loads(text) == {"timestamp": NOW_MS, "version": "1.0.0"}
    assert old.status() == MigrationStatus(has_migrated=True, timestamp=START)


@pytest.mark.parametrize("text", ["true", "", '{"timestamp":"then"}', '{"timestamp":true}', '{"timestamp":1e99}'])
def test_a_flag_of_another_shape_counts(text: str) -> None:
    assert storage(renvault_migration_completed=text)[0].status() == MigrationStatus(has_migrated=True)


def test_rolled_back_and_completed_are_told_apart() -> None:
    old, disk = storage()
    old.mark_completed()
    old.begin_roll_back()
    assert (old.status().has_migrated, old.is_rolled_back) == (True, True)
    old.end_roll_back()
    assert (old.status().has_migrated, old.is_rolled_back) == (False, True)
    old.begin_roll_back()
    assert old.status().has_migrated, "one that was killed on the way must show"
    old.mark_completed()
    assert (old.status().has_migrated, old.is_rolled_back) == (True, False)
    old.begin_roll_back()
    old.reset()
    assert disk.keys() == []
