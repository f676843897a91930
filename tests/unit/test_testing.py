"""The fakes' own controls; what they do as ports is in tests/contracts."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from renvault_web.errors import StorageError, WalletError
from renvault_web.session import parse_session
from renvault_web.testing import (
    START,
    FakeCipher,
    FakeNetwork,
    FakeSdkStore,
    FakeTabs,
    FakeWallet,
    ManualClock,
    fake_session,
    settle,
)
from renvault_web.timing import sleep_until

if TYPE_CHECKING:
    from renvault_web.ports import Json

A = "a" * 64


async def test_the_clock_wakes_sleepers_each_at_its_own_time() -> None:
    clock = ManualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *pauses: float) -> None:
        for pause in pauses:
            await clock.sleep(pause)
            woken.append((name, clock.now() - START))

    tasks = [asyncio.create_task(sleeper("a", 2, 2)), asyncio.create_task(sleeper("b", 1, 2))]
    await clock.advance(10)
    assert woken == [("b", 1), ("a", 2), ("b", 3), ("a", 4)]
    assert (clock.now(), clock.steady(), clock.sleeping) == (START + 10, 10, 0)
    await asyncio.gather(*tasks)


async def test_a_jump_moves_the_wall_clock_alone() -> None:
    clock = ManualClock(now=5.0)
    task = asyncio.create_task(clock.sleep(1))
    await settle()
    clock.jump(100)
    await settle()
    assert (clock.now(), clock.steady(), clock.sleeping, task.done()) == (105.0, 0.0, 1, False)
    await clock.advance(1)
    await task


async def test_fractions_below_the_microsecond_do_not_hold_a_loop_of_sleeps() -> None:
    clock = ManualClock()
    task = asyncio.create_task(sleep_until(clock, START + 0.123456789))
    await clock.advance(1)
    assert task.done()
    await task


async def test_a_network_s_word_and_truth_are_two() -> None:
    network = FakeNetwork(online=False, reachable=True)
    assert (network.online(), await network.check()) == (False, True)
    network.say(online=True)
    assert (network.online(), await network.check(), network.checks) == (True, True, 2)
    network.say(online=False)
    assert await network.check() is False
    stop = network.subscribe(lambda _: None)
    assert network.listeners == 1
    stop()


async def test_all_pages_but_the_sender_hear() -> None:
    first = FakeTabs()
    others = [first.another(), first.another()]
    heard: list[tuple[int, Json]] = []
    for number, tabs in enumerate([first, *others]):
        tabs.subscribe(partial(lambda number, message: heard.append((number, message)), number))
    others[0].post({"kind": "test"})
    await settle()
    assert heard == [(0, {"kind": "test"}), (2, {"kind": "test"})]
    assert first.listeners == 1


def test_a_fake_session_is_one() -> None:
    session = parse_session(fake_session(A, 2_000_000_000.0, label="mine"))
    assert (session.topic, session.expiry, session.is_caip) == (A, 2_000_000_000.0, True)
    assert (session.wallet_name, session.extra) == ("Fake Wallet", {"label": "mine"})


async def test_a_script_is_followed_and_then_over() -> None:
    clock = ManualClock()
    wallet = FakeWallet(clock, [fake_session(A, START + 100)])
    wallet.script("ping", "silent", WalletError("No.", code="refused"), "ok")
    silent = asyncio.create_task(wallet.ping(A, 3))
    await clock.advance(3)
    with pytest.raises(WalletError, match="No answer in time"):
        await silent
    with pytest.raises(WalletError, match=r"No\."):
        await wallet.ping(A, 3)
    await wallet.ping(A, 3)
    await wallet.ping(A, 3)
    assert wallet.calls == [("ping", A)] * 4


async def test_a_hanging_call_ends_only_when_it_is_cancelled() -> None:
    clock = ManualClock()
    wallet = FakeWallet(clock, connected=False)
    wallet.script("open", "hang")
    call = asyncio.create_task(wallet.open(1))
    await clock.advance(1000)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_sessions_are_copies() -> None:
    wallet = FakeWallet(ManualClock(), [fake_session(A, START)])
    wallet.sessions()[0]["peer"]["metadata"]["name"] = "changed"
    assert wallet.sessions()[0]["peer"]["metadata"]["name"] == "Fake Wallet"
    wallet.set_session(A, expiry=5.0)
    assert wallet.sessions()[0]["expiry"] == 5.0
    wallet.forget(A)
    assert wallet.sessions() == []


async def test_an_expiry_is_told_twice_as_the_sdk_does() -> None:
    wallet = FakeWallet(ManualClock(), [fake_session(A, START)])
    heard: list[tuple[str, object]] = []
    wallet.subscribe(lambda event: heard.append((event["event"], event.get("id"))))
    wallet.expire(A)
    assert heard == [("session_delete", 0), ("session_expire", None)]


async def test_a_dropped_connection_comes_back_unless_held() -> None:
    wallet = FakeWallet(ManualClock())
    wallet.drop()
    await settle()
    assert wallet.connected()
    wallet.hold()
    wallet.drop()
    wallet.drop()
    await settle()
    assert not wallet.connected()
    wallet.release()
    wallet.hold()
    await settle()
    assert not wallet.connected()


async def test_calls_without_a_relay_fail_at_once() -> None:
    wallet = FakeWallet(ManualClock(), [fake_session(A, START + 100)], connected=False)
    for call in (wallet.ping, wallet.extend):
        with pytest.raises(WalletError) as failed:
            await call(A, 3)
        assert failed.value.code == "unreachable"


async def test_a_cancelled_sleep_is_passed_over() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await settle()
    task.cancel()
    await clock.advance(2)
    assert (task.cancelled(), clock.sleeping) == (True, 0)


async def test_a_wallet_can_refuse_to_be_held() -> None:
    wallet = FakeWallet(ManualClock(), holdable=False)
    assert wallet.hold() is False
    assert wallet.held is False
    wallet.stale_pairings = 2
    assert await wallet.remove_stale_pairings() == 2
    assert await wallet.remove_stale_pairings() == 0


# FakeCipher


async def test_ciphers_of_the_same_key_open_each_other_s_records() -> None:
    one, other, stranger = FakeCipher(), FakeCipher(), FakeCipher(key_id=b"stranger")
    [sealed] = await one.seal([(b"aad", b"text")], key_id=one.key_id)
    job = (one.key_id, b"aad", sealed)
    assert [*await other.open([job]), *await stranger.open([job])] == [b"text", None]
    assert await one.tags([b"a"]) == await stranger.tags([b"a"])
    assert (one.calls, stranger.calls) == (["seal", "tags"], ["open", "tags"])


async def test_a_key_is_as_old_as_the_clock_says() -> None:
    clock = ManualClock()
    cipher = FakeCipher(clock=clock)
    clock.jump(100)
    assert cipher.key_created_at == START
    await cipher.rotate()
    assert cipher.key_created_at == START + 100
    without = FakeCipher()
    await without.rotate()
    assert without.key_created_at == START


async def test_a_held_key_is_not_retired_until_its_page_ends() -> None:
    cipher = FakeCipher()
    [old] = cipher.key_ids()
    await cipher.rotate()
    assert cipher.held == {old, cipher.key_id}
    later = cipher.another()
    later.held.add(old)
    cipher.end()
    assert cipher.held == set()
    assert await later.retire([old]) == [], "said by the test"
    later.held.remove(old)
    assert await later.retire([old]) == [old]
    assert later.key_ids() == [later.key_id]


async def test_a_page_keeps_its_list_of_keys_until_it_looks() -> None:
    first = FakeCipher()
    second = first.another()
    await first.rotate()
    assert (len(first.key_ids()), len(second.key_ids())) == (2, 1)
    await second.seal([], key_id=second.key_id)
    assert second.key_ids() == first.key_ids()


async def test_keys_that_die_with_the_page_are_others_in_the_next() -> None:
    page = FakeCipher(persistent=False)
    await page.rotate()
    later = page.another()
    assert later.persistent is False
    assert not set(later.key_ids()) & set(page.key_ids())
    assert await page.retire(page.key_ids()) == []


async def test_the_sdk_s_store_answers_no_more_after_so_many_calls() -> None:
    store = FakeSdkStore(entries={"a": [1]})
    store.fail_after(1)
    assert (await store.entries()).values == {"a": [1]}
    with pytest.raises(StorageError):
        await store.forget()
    with pytest.raises(StorageError):
        await store.entries()


async def test_what_is_staged_in_the_sdk_s_store_is_a_copy() -> None:
    store = FakeSdkStore()
    entries: Json = {"a": [1]}
    await store.stage(entries)
    entries["a"].append(2)
    assert store.staged == [{"a": [1]}]
    assert await store.key_ids() == [b"fake key"]
