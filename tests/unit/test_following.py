"""renvault_web.following: other pages are told, and theirs is read once for many messages."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from renvault_web.errors import StorageError
from renvault_web.following import Following
from renvault_web.testing import FakeTabs, settle

if TYPE_CHECKING:
    import pytest


class Reader:
    """Counts how often it was asked to read, and ends a reading when it is told to."""

    def __init__(self) -> None:
        self.readings = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self.error: StorageError | None = None

    async def __call__(self) -> None:
        self.readings += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error


async def test_messages_that_come_while_it_reads_are_one_further_reading() -> None:
    tabs, reader = FakeTabs(), Reader()
    following = Following(tabs=tabs, reload=reader)
    teller = Following(tabs=tabs.another(), reload=reader)
    following.start()
    following.start()
    for _ in range(3):
        teller.tell()
        await settle()
    assert reader.readings == 1
    reader.go.set()
    await settle()
    assert reader.readings == 2
    assert tabs.listeners == 1


async def test_messages_of_other_kinds_are_passed_over() -> None:
    tabs, reader = FakeTabs(), Reader()
    Following(tabs=tabs, reload=reader).start()
    for message in ({"kind": "status"}, {}, {"kind": ["records"]}):
        tabs.another().post(message)
    await settle()
    assert reader.readings == 0


async def test_a_reading_that_fails_is_logged_and_the_next_message_is_followed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tabs, reader = FakeTabs(), Reader()
    reader.error, other = StorageError("No store."), tabs.another()
    reader.go.set()
    Following(tabs=tabs, reload=reader).start()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            other.post({"kind": "records"})
            await settle()
    assert reader.readings == 2
    assert "could not be read: No store." in caplog.text


async def test_stopped_it_ends_its_reading_and_hears_no_more_until_it_starts_again() -> None:
    tabs, reader = FakeTabs(), Reader()
    following, other = Following(tabs=tabs, reload=reader), tabs.another()
    following.start()
    other.post({"kind": "records"})
    await settle()
    following.stop()
    following.stop()
    await settle()
    assert tabs.listeners == 0
    assert reader.cancelled == 1
    other.post({"kind": "records"})
    await settle()
    assert reader.readings == 1
    following.start()
    reader.go.set()
    other.post({"kind": "records"})
    await settle()
    assert reader.readings == 2


async def test_without_other_pages_there_is_nobody_to_tell() -> None:
    following = Following(tabs=None, reload=Reader())
    following.start()
    following.tell()
    following.stop()
