"""The names of old data, on their own."""

from __future__ import annotations

import pytest

from renvault_web.legacy_keys import (
    COMPLETED,
    FOREIGN_KEYS,
    KEPT,
    KEPT_PREFIXES,
    ROLLED_BACK,
    SESSION_KEYS,
    is_session_data,
    old_backup_time,
    pending_session_keys,
    session_keys,
)


def test_what_the_old_builds_wrote_sessions_under() -> None:
    assert SESSION_KEYS == (
        "renvault_wallet_session",
        "renvault_wallet_sessions",
        "wallet_connection_session",
        "connection_state",
    )
    assert FOREIGN_KEYS == ("@stacks/connect", "blockstack-session")


@pytest.mark.parametrize("key", [*SESSION_KEYS, "renvault_secure_session", *FOREIGN_KEYS])
def test_each_name_tells_of_old_sessions(key: str) -> None:
    assert pending_session_keys(["rv1.abc", key]) == [key]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], []),
        (["rv1.abc", "renvault_session_backups", "renvault_session_backup_1", *KEPT, *KEPT_PREFIXES], []),
        ([COMPLETED, *FOREIGN_KEYS], []),
        ([COMPLETED, *FOREIGN_KEYS, *SESSION_KEYS], [*SESSION_KEYS]),
    ],
)
def test_other_libraries_count_until_it_is_completed_and_the_rest_never(keys: list[str], expected: list[str]) -> None:
    assert pending_session_keys(keys) == expected


def test_keys_are_read_the_richest_format_first() -> None:
    keys = ["blockstack-session", "connection_state", "rv1.x", "renvault_secure_b", "renvault_secure_a"]
    assert session_keys([*keys, *reversed(SESSION_KEYS), COMPLETED]) == [
        *SESSION_KEYS,
        "renvault_secure_a",
        "renvault_secure_b",
        "blockstack-session",
    ]


def test_session_data_of_ours_is_told_from_what_is_none_or_not_ours() -> None:
    data = [*SESSION_KEYS, "renvault_secure_x", "renvault_session_backup_1", "renvault_session_backups"]
    others = [*FOREIGN_KEYS, *KEPT_PREFIXES, "renvault-wallet-backup", "renvault-recovered-mnemonic", "STX_PROVIDER"]
    assert all(is_session_data(key) for key in [*data, "renvault_restore_history", ROLLED_BACK])
    assert not any(is_session_data(key) for key in [*others, "renvault_wallet_preferences", COMPLETED, "rv1.abc"])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("renvault_session_backup_1700000000123", 1_700_000_000.123),
        ("renvault_session_backups", None),
        ("renvault_session_backup_", None),
        ("renvault_session_backup_17x", None),
        ("renvault_session_backup_१२", None),
        ("rvb1.1700000000123", None),
    ],
)
def test_a_backup_of_the_guide_s_is_told_by_its_name(key: str, expected: float | None) -> None:
    assert old_backup_time(key) == expected


def test_no_name_of_ours_begins_as_those_that_an_old_clean_up_deletes() -> None:
    assert not any(key.startswith("renvault_session_") for key in (COMPLETED, ROLLED_BACK))
