"""The session storage in any order of things, on two pages: each view is what the disk holds, nothing is lost."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from storage_pages import Page, opened, session

from renvault_web.errors import StorageFullError
from renvault_web.stored import StorageConfig, stored_size
from renvault_web.testing import START, settle

TOPICS = st.sampled_from("abcdef")
EXPIRIES = st.integers(1_000, 1_000_000)

STEPS = st.one_of(
    st.tuples(st.just("store"), TOPICS, EXPIRIES),
    st.tuples(st.just("store many"), st.dictionaries(TOPICS, EXPIRIES)),
    st.tuples(st.just("remove"), TOPICS),
    st.tuples(st.just("note"), st.dictionaries(TOPICS, EXPIRIES)),
    st.tuples(st.just("open again")),
    st.tuples(st.just("close and open")),
    st.tuples(st.just("rotate")),
    st.tuples(st.just("configure"), st.booleans(), st.booleans()),
    st.tuples(st.just("clear")),
)


async def take(page: Page, step: tuple[Any, ...], model: dict[str, float], notes: dict[str, Any]) -> None:
    """Do the step on the page and on the model."""
    storage = page.storage
    match step:
        case ("store", topic, after):
            await storage.store_session(session(topic, START + after))
            model[topic] = START + after
        case ("store many", many):
            await storage.store_sessions([session(topic, START + after) for topic, after in many.items()])
            model.update({topic: START + after for topic, after in many.items()})
        case ("remove", topic):
            await storage.remove_session(topic)
            model.pop(topic, None)
        case ("note", facts):
            await storage.store_notes(facts)
            notes.clear()
            notes.update(facts)
        case ("open again",):
            await storage.open()
        case ("close and open",):
            storage.close()
            await storage.open()
        case ("rotate",):
            await storage.rotate_key()
        case ("configure", compression, limit):
            size = StorageConfig().max_storage_size if limit else 10**9
            await storage.update_config(max_storage_size=size, compression_enabled=compression)
        case ("clear",):
            await storage.clear_all_sessions()
            model.clear()


def expiries(page: Page) -> dict[str, float]:
    return {found.topic: found.expiry for found in page.storage.retrieve_all_sessions()}


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), STEPS), max_size=12))
def test_two_pages_that_take_turns_see_the_same_as_the_model(steps: list[tuple[bool, tuple[Any, ...]]]) -> None:
    async def run() -> None:
        page = await opened()
        other = await page.next_page()
        model: dict[str, float] = {}
        notes: dict[str, Any] = {}
        for on_other, step in steps:
            await take(other if on_other else page, step, model, notes)
            await settle()
        for at in (page, other, await page.next_page()):
            assert expiries(at) == model
            assert at.storage.notes == notes
            assert at.quarantined() == 0
            size = sum(stored_size(key, text) for key, text in at.disk._entries.items())
            assert at.storage.get_statistics().total_size == size

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), STEPS), max_size=12))
def test_two_pages_at_the_same_time_leave_whole_records_and_see_the_same(
    steps: list[tuple[bool, tuple[Any, ...]]],
) -> None:
    async def run() -> None:
        page = await opened()
        other = await page.next_page()
        work = [take(other if on_other else page, step, {}, {}) for on_other, step in steps]
        # A page that is closed meanwhile refuses what was asked of it: that is another test's matter.
        await asyncio.gather(*work, return_exceptions=True)
        await settle()
        later = await page.next_page()
        for at in (page, other, later):
            assert at.quarantined() == 0
            assert expiries(at) == expiries(later)
            assert at.storage.notes == later.storage.notes
        stored = {(topic, START + after) for _, (kind, *rest) in steps if kind == "store" for topic, after in [rest]}
        stored |= {
            (topic, START + after)
            for _, (kind, *rest) in steps
            if kind == "store many"
            for topic, after in rest[0].items()
        }
        assert set(expiries(later).items()) <= stored

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(
    room=st.integers(0, 3_000),
    steps=st.lists(st.tuples(st.booleans(), TOPICS, EXPIRIES), max_size=10),
    junk=st.lists(st.sampled_from(["rvb1.1600000000000", "rvb1.1600000000001", "rvh1.1600000000000-aaaaaaaa", "host"])),
)
def test_whatever_room_there_is_nothing_that_was_stored_is_lost(
    room: int, steps: list[tuple[bool, str, int]], junk: list[str]
) -> None:
    async def run() -> None:
        page = await opened()
        other = await page.next_page()
        for key in junk:
            page.disk.set(key, "x" * 100)
        used = sum(stored_size(key, text) for key, text in page.disk._entries.items())
        page.disk._capacity = other.disk._capacity = used + room
        model: dict[str, float] = {}
        for on_other, topic, after in steps:
            at = other if on_other else page
            try:
                await at.storage.store_session(session(topic, START + after))
                model[topic] = START + after
            except StorageFullError:
                assert at.notices()[0].kind == "full"
            await settle()
        later = await page.next_page()
        assert expiries(later) == expiries(page) == expiries(other) == model
        backups = sorted({key for key in junk if key.startswith("rvb1.")})
        assert backups[-1:] == sorted(page.texts("rvb1."))[-1:]
        assert ("host" in junk) == ("host" in page.disk._entries)

    asyncio.run(run())
