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
    has_old_session_keys,
    old_backup_time,
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
    assert has_old_session_keys(["rv1.abc", key])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], False),
        (["rv1.abc", "renvault_session_backups", "renvault_session_backup_1", *KEPT, *KEPT_PREFIXES], False),
        ([COMPLETED, *FOREIGN_KEYS], False),
        ([COMPLETED, *SESSION_KEYS], True),
    ],
)
def test_other_libraries_count_until_it_is_completed_and_the_rest_never(keys: list[str], expected: bool) -> None:
    assert has_old_session_keys(keys) is expected


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
