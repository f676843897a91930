"""renvault_web.parts: one part's failure is told and stops nothing else."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest

from renvault_web.errors import StorageError
from renvault_web.parts import Parts
from renvault_web.testing import settle


class Told:
    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []
        self.parts = Parts()
        self.parts.on_problem(self._tell)

    def _tell(self, *problem: str) -> None:
        self.problems.append((problem[0], problem[1]))


async def works() -> int:
    return 5


async def fails(error: Exception) -> int:
    raise error


async def test_a_part_that_works_gives_its_result_and_ends_its_problem() -> None:
    told = Told()
    assert await told.parts.attempt("storage", fails(StorageError("No room."))) is None
    assert told.parts.problems == {"storage": "No room."}
    assert await told.parts.attempt("storage", works()) == 5
    assert told.parts.problems == {}


async def test_each_new_problem_is_told_once() -> None:
    told = Told()
    for text in ("No room.", "No room.", "No key."):
        await told.parts.attempt("storage", fails(StorageError(text)))
    await told.parts.attempt("storage", works())
    await told.parts.attempt("storage", fails(StorageError("No key.")))
    assert told.problems == [("storage", "No room."), ("storage", "No key."), ("storage", "No key.")]


async def test_what_nobody_foresaw_is_logged_with_its_place_and_without_what_is_private(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told()
    with caplog.at_level(logging.WARNING):
        await told.parts.attempt("storage", fails(StorageError("No room.")))
        await told.parts.attempt("migration", fails(KeyError()))
        await told.parts.attempt("history", fails(ValueError("wc:1@2?symKey=canary\nof stacks:1:SP2J6ZYCANARY")))
    lines = [re.sub(r"\d+", "7", record.getMessage()) for record in caplog.records]
    assert lines == [
        "The storage does not work: No room.",
        "The migration does not work: KeyError in test_parts.py:7: ",
        "The history does not work: ValueError in test_parts.py:7: (removed) of (removed)",
    ]
    assert "canary" not in caplog.text.lower()
    assert told.parts.problems["storage"] == "No room."
    assert told.parts.problems["migration"] == "KeyError"
    told.parts.clear()
    assert told.parts.problems == {}


async def test_cut_short_nothing_is_a_problem_and_every_part_has_ended() -> None:
    told = Told()
    both = [asyncio.ensure_future(told.parts.attempt(part, asyncio.Event().wait())) for part in ("one", "two")]
    await settle()
    told.parts.cut_short()
    assert await asyncio.gather(*both) == [None, None]
    assert told.parts.problems == {}


async def test_a_caller_that_is_cancelled_takes_the_part_with_it() -> None:
    told, ended = Told(), asyncio.Event()

    async def part() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    caller = asyncio.ensure_future(told.parts.attempt("one", part()))
    await settle()
    caller.cancel()
    await settle()
    assert ended.is_set()
    with pytest.raises(asyncio.CancelledError):
        await caller
