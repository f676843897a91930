"""What the loop of the page does (``browser/loop.py``, on which ``run_tests.py`` runs), and how answers arrive."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

import pytest
import renvault_bridge
from pyodide.ffi import JsException

from renvault_web.browser import answers
from renvault_web.browser.answers import answer


def loop() -> Any:
    return asyncio.get_running_loop()


async def test_it_is_the_loop_that_the_product_has() -> None:
    assert loop().call_soon.__self__.__class__.__name__ == "QuickTurns"


async def test_callbacks_run_in_their_order_and_what_they_plan_in_the_next_turn() -> None:
    done: list[str] = []

    def first() -> None:
        done.append("first")
        loop().call_soon(done.append, "next turn")

    loop().call_soon(first)
    loop().call_soon(done.append, "second")
    assert done == []
    await asyncio.sleep(0)
    assert done == ["first", "second"]
    await asyncio.sleep(0)
    assert done == ["first", "second", "next turn"]


async def test_a_callback_that_was_cancelled_or_fails_does_not_stop_the_others() -> None:
    done: list[str] = []
    failures: list[dict[str, Any]] = []
    loop().set_exception_handler(lambda _, context: failures.append(context))
    try:
        loop().call_soon(done.append, "cancelled").cancel()
        loop().call_soon([].pop)
        loop().call_soon(done.append, "after it")
        await asyncio.sleep(0)
    finally:
        loop().set_exception_handler(None)
    assert done == ["after it"]
    assert [type(failure["exception"]) for failure in failures] == [IndexError]


async def test_timers_run_when_they_are_due_the_earliest_first() -> None:
    done: list[str] = []
    start = loop().time()
    loop().call_later(0.06, done.append, "third")
    loop().call_later(0.02, done.append, "first")
    loop().call_later(0.01, done.append, "cancelled").cancel()
    loop().call_later(0.04, done.append, "second")
    far = loop().call_later(1e9, done.append, "in 30 years")
    await asyncio.sleep(0.08)
    far.cancel()
    assert done == ["first", "second", "third"]
    assert 0.079 < loop().time() - start < 5


async def test_a_page_with_work_to_do_is_woken_all_the_same() -> None:
    sleep = asyncio.ensure_future(asyncio.sleep(0.05))
    turns = 0
    while not sleep.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 5


async def test_timers_that_were_cancelled_are_not_kept() -> None:
    quick = loop().call_soon.__self__
    before = len(quick._timers)
    for _ in range(100):
        loop().call_later(0.001, print).cancel()
    await asyncio.sleep(0.01)
    assert len(quick._timers) <= before


async def test_answers_arrive_each_where_it_was_asked_for() -> None:
    ask = renvault_bridge.cipher.ask
    texts = [json.dumps([b64encode(bytes([number])).decode()]) for number in range(20)]
    together = await asyncio.gather(*(answer(ask, "tags", text) for text in texts))
    assert together == [await answer(ask, "tags", text) for text in texts]
    assert len(set(together)) == len(texts)
    assert not answers._waiting


async def test_what_fails_in_the_page_is_its_error() -> None:
    with pytest.raises(JsException) as error:
        await answer(renvault_bridge.cipher.ask, "tags", "no JSON")
    assert error.value.name == "SyntaxError"
    assert not answers._waiting


async def test_an_answer_that_never_comes_is_given_up_when_the_limit_has_passed() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(answer(lambda *_: None), 0.01)
    assert not answers._waiting


async def test_a_task_that_was_cancelled_takes_no_answer_that_comes_then() -> None:
    asked: list[int] = []
    task = asyncio.ensure_future(answer(lambda number, _: asked.append(number)))
    await asyncio.sleep(0)
    task.cancel()
    answers._tell(asked[0], "late")
    with pytest.raises(asyncio.CancelledError):
        await task
    answers._tell(asked[0], "later")
