"""renvault_web.callbacks: a host's own functions, called so that nothing of ours depends on them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from renvault_web.callbacks import Callbacks
from renvault_web.testing import settle

if TYPE_CHECKING:
    import pytest


async def test_plain_and_async_functions_are_called_with_their_arguments() -> None:
    called: list[object] = []

    async def later(value: object) -> None:
        called.append(value)

    callbacks = Callbacks()
    callbacks.call(called.append, 1)
    callbacks.call(later, 2)
    callbacks.call(None, 3)
    await settle()
    assert called == [1, 2]


async def test_what_a_host_s_function_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def breaks() -> None:
        raise KeyError("mine")

    with caplog.at_level(logging.ERROR):
        Callbacks().call(breaks)
        await settle()
    [record] = caplog.records
    assert record.message.startswith("A function of the host raised: KeyError in test_callbacks.py:")


async def test_cancelled_a_call_ends_but_for_the_one_that_asks() -> None:
    ended: list[str] = []
    callbacks = Callbacks()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async def asks() -> None:
        callbacks.cancel()
        await asyncio.sleep(0)
        ended.append("asks")

    callbacks.call(waits)
    await settle()
    callbacks.call(asks)
    await settle()
    assert sorted(ended) == ["asks", "waits"]
