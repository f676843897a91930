"""renvault_web.forgetting: all of ours goes, nothing else does, and what was cut short is completed."""

from __future__ import annotations

import contextlib
import json
import logging

import pytest

from renvault_web.errors import StorageError
from renvault_web.forgetting import forget
from renvault_web.testing import START, FakeCipher, FakeSdkStore, ManualClock, MemoryStorage

OURS = [
    "rv1.session",
    "rvb1.1700000000001",
    "rvh1.1700000000001-aaaaaaaa",
    "rvq1.1700000000001.session",
    "rv.probe",
    "renvault:status",
    "renvault_wallet_session",
    "renvault_wallet_sessions",
    "wallet_connection_session",
    "connection_state",
    "renvault_secure_session",
    "renvault_session_backup_1600000000000",
    "renvault_session_backups",
    "renvault_restore_history",
    "renvault_migration_rolled_back",
]
OTHERS = [
    "renvault_session_1",
    "renvault-wallet-backup",
    "renvault-recovered-mnemonic",
    "renvault_wallet_preferences",
    "renvault",
    "@stacks/connect",
    "blockstack-session",
    "STX_PROVIDER",
    "wc@2:core:0.3//keychain",
    "DEBUG",
    "rv2",
]


FLAG = "renvault_migration_completed"
LEFT = [*OTHERS, FLAG]


def filled() -> MemoryStorage:
    disk = MemoryStorage()
    for key in (*OURS, *OTHERS):
        disk.set(key, "text")
    return disk


async def test_all_of_ours_goes_and_nothing_else() -> None:
    disk, cipher = filled(), FakeCipher()
    sdk = FakeSdkStore(cipher, {"wc@2:client:0.3//session": []})
    old = cipher.key_id
    await forget(disk, sdk, cipher, ManualClock())
    assert disk.keys() == LEFT
    assert (await sdk.entries()).values == {}
    assert cipher.calls == ["forget"]
    assert old not in cipher.another().key_ids()


async def test_a_flag_keeps_other_libraries_accounts_away_and_is_there_before_the_keys_go() -> None:
    disk, seen = filled(), list[tuple[list[str], str | None]]()

    class Watched(FakeCipher):
        async def forget(self) -> None:
            seen.append((disk.keys(), disk.get(FLAG)))
            await super().forget()

    await forget(disk, None, Watched(), ManualClock())
    [(keys, flag)] = seen
    assert keys == LEFT, "everything else is gone by then"
    assert json.loads(flag or "") == {"timestamp": START * 1000, "version": "1.0.0"}
    assert disk.get(FLAG) == flag


async def test_without_an_sdk_store_of_ours_the_rest_goes() -> None:
    disk, cipher = filled(), FakeCipher()
    await forget(disk, None, cipher, ManualClock())
    assert disk.keys() == LEFT
    assert cipher.calls == ["forget"]


async def test_a_step_that_fails_keeps_no_other_from_being_done(caplog: pytest.LogCaptureFixture) -> None:
    disk, cipher, sdk = filled(), FakeCipher(), FakeSdkStore()
    sdk.fail_after(0)
    with caplog.at_level(logging.WARNING), pytest.raises(StorageError, match="Not everything could be deleted"):
        await forget(disk, sdk, cipher, ManualClock())
    assert disk.keys() == LEFT
    assert cipher.calls == ["forget"]
    assert "The SDK's store does not answer." in caplog.text


async def test_killed_at_any_point_the_next_call_completes_it() -> None:
    for operations in range(len(OURS) + 2):
        disk, cipher = filled(), FakeCipher()
        sdk, killed = FakeSdkStore(cipher, {"key": 1}), FakeSdkStore(cipher)
        killed.fail_after(0)
        page = disk.another()
        page.fail_after(operations)
        with contextlib.suppress(StorageError):
            await forget(page, killed, cipher, ManualClock())
        later = cipher.another()
        await forget(disk.another(), sdk, later, ManualClock())
        assert disk.keys() == LEFT
        assert (await sdk.entries()).values == {}
        assert later.calls == ["forget"]


async def test_what_another_page_stores_meanwhile_goes_too() -> None:
    disk, sdk = filled(), FakeSdkStore(entries={"wc@2:client:0.3//session": []})

    class Interrupted(FakeCipher):
        async def forget(self) -> None:
            disk.another().set("rvh1.1700000000002-bbbbbbbb", "of another page")
            await sdk.stage({"wc@2:client:0.3//session": []})
            await super().forget()

    await forget(disk, sdk, Interrupted(), ManualClock())
    assert sdk.staged == []
    assert sorted(disk.keys()) == sorted(LEFT)
