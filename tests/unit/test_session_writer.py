from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from renvault_web.session import WalletSession
from renvault_web.session_writer import SessionWriter
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.stored import StorageConfig
from renvault_web.testing import START, FakeCipher, ManualClock, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from renvault_web.errors import RenvaultError


def session(letter: str, expiry: float = START + 100) -> WalletSession:
    return WalletSession(topic=letter * 64, expiry=expiry)


class Bench:
    def __init__(self, *, cipher: FakeCipher | None = None, max_storage_size: int = 1_000_000) -> None:
        self.clock = ManualClock()
        self.memory = MemoryStorage()
        self.cipher = cipher or FakeCipher()
        self.storage = EncryptedSessionStorage(
            storage=self.memory,
            cipher=self.cipher,
            clock=self.clock,
            config=StorageConfig(max_storage_size=max_storage_size),
        )
        self.reports: list[tuple[str, str]] = []
        self.writer = SessionWriter(storage=self.storage, report=self.report)

    def report(self, topic: str, error: RenvaultError) -> None:
        self.reports.append((topic[0], error.code))

    def stored(self) -> list[str]:
        return sorted(session.topic[0] for session in self.storage.retrieve_all_sessions())


async def test_many_sessions_are_sealed_in_one_go() -> None:
    bench = Bench()
    await bench.storage.open()
    bench.cipher.calls.clear()
    for letter in "abc":
        bench.writer.store(session(letter))
    assert bench.writer.is_pending("a" * 64)
    await bench.writer.flush()
    assert bench.stored() == ["a", "b", "c"]
    assert bench.cipher.calls.count("seal") == 1
    assert bench.writer.idle
    assert not bench.writer.is_pending("a" * 64)


async def test_the_last_wish_for_a_topic_counts() -> None:
    bench = Bench()
    await bench.storage.open()
    bench.writer.store(session("a"))
    await asyncio.sleep(0)
    bench.writer.store(session("a", START + 200))
    bench.writer.store(session("b"))
    bench.writer.remove("b" * 64)
    assert bench.writer.is_removing("b" * 64)
    await bench.writer.flush()
    assert bench.stored() == ["a"]
    stored = bench.storage.retrieve_session("a" * 64)
    assert stored is not None
    assert stored.expiry == START + 200
    assert not bench.writer.is_removing("b" * 64)


async def test_a_removal_during_a_write_wins_and_a_later_wish_wins_over_it() -> None:
    bench = Bench()
    await bench.storage.open()
    bench.writer.store(session("a"))
    await asyncio.sleep(0)
    bench.writer.remove("a" * 64)
    await bench.writer.flush()
    assert bench.stored() == []
    bench.writer.remove("a" * 64)
    bench.writer.store(session("a"))
    assert not bench.writer.is_removing("a" * 64)
    await bench.writer.flush()
    assert bench.stored() == ["a"]


async def test_the_time_of_use_is_kept_by_a_later_wish() -> None:
    bench = Bench()
    await bench.storage.open()
    bench.writer.store(session("a"), used_at=START + 5)
    bench.writer.store(session("a", START + 300))
    await bench.writer.flush()
    record = bench.storage.stored_session("a" * 64)
    assert record is not None
    assert (record.used_at, record.session.expiry) == (START + 5, START + 300)


async def test_where_not_all_fit_each_is_tried_and_each_failure_reported(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(max_storage_size=400)
    await bench.storage.open()
    with caplog.at_level(logging.WARNING):
        for letter in "abc":
            bench.writer.store(session(letter))
        await bench.writer.flush()
    assert bench.stored() == ["a"]
    assert bench.reports == [("b", "full"), ("c", "full")]
    assert "b" * 9 not in caplog.text


async def test_a_removal_that_fails_is_reported_and_ends() -> None:
    bench = Bench()
    await bench.storage.open()
    bench.writer.store(session("a"))
    await bench.writer.flush()
    bench.memory.fail_after(0)
    bench.writer.remove("a" * 64)
    await bench.writer.flush()
    assert bench.reports == [("a", "storage")]
    assert not bench.writer.is_removing("a" * 64)


async def test_a_cipher_that_raises_what_it_should_not_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    class BrokenCipher(FakeCipher):
        async def seal(self, jobs: Sequence[tuple[bytes, bytes]], *, key_id: bytes) -> list[bytes]:
            raise OSError("broken wc:1@2?symKey=canary")

    bench = Bench(cipher=BrokenCipher())
    await bench.storage.open()
    with caplog.at_level(logging.ERROR):
        bench.writer.store(session("a"))
        bench.writer.store(session("b"))
        await bench.writer.flush()
    assert bench.reports == [("a", "storage"), ("b", "storage")]
    assert "A session could not be stored: OSError in test_session_writer.py" in caplog.text
    assert "canary" not in caplog.text


async def test_a_storage_that_is_not_open_is_no_error_of_each_session() -> None:
    bench = Bench()
    bench.writer.store(session("a"))
    await bench.writer.flush()
    assert bench.reports == []


async def test_what_is_not_written_yet_can_be_given_up() -> None:
    bench = Bench()
    await bench.storage.open()
    bench.writer.store(session("a"))
    bench.writer.remove("b" * 64)
    bench.writer.cancel()
    await bench.writer.flush()
    bench.writer.cancel()
    assert bench.writer.idle
    assert not bench.writer.is_removing("b" * 64)
    assert bench.stored() == []


@pytest.mark.parametrize("turns", range(60))
async def test_a_wish_in_any_turn_of_another_write_is_carried_out(turns: int) -> None:
    bench = Bench()
    await bench.storage.open()
    bench.writer.store(session("a"))
    for _ in range(turns):
        await asyncio.sleep(0)
    bench.writer.store(session("b"))
    await bench.writer.flush()
    assert bench.stored() == ["a", "b"]
    assert bench.writer.idle
