"""Runs ``async def test_…`` functions on CPython and inside Pyodide, each under a time limit, none leaving a task."""

from __future__ import annotations

import asyncio
import inspect
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Coroutine

TEST_LIMIT = 10.0  # seconds of real time

IN_PAGE = sys.platform == "emscripten"

# In the page there is no source to walk (the package is compiled) and no hypothesis; outside there is no browser.
NATIVE_ONLY = ["unit/test_layers.py", "*/test_*_properties.py"]
IN_PAGE_ONLY = ["*/test_*_in_page.py"]
collect_ignore_glob = NATIVE_ONLY if IN_PAGE else IN_PAGE_ONLY


async def _limited(test: Coroutine[Any, Any, None]) -> None:
    before = asyncio.all_tasks()
    async with asyncio.timeout(TEST_LIMIT):
        await test
    for _ in range(3):
        await asyncio.sleep(0)  # what was cancelled at the very end may end
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    for task in left:
        task.cancel()
    assert not left, f"The test left tasks running: {left}"


def _run(test: Coroutine[Any, Any, None]) -> None:
    if IN_PAGE:
        from pyodide.ffi import run_sync  # the page's event loop is running already

        run_sync(_limited(test))
    else:
        asyncio.run(_limited(test), debug=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    test = pyfuncitem.obj
    if hasattr(test, "hypothesis"):  # each example is a run of its own
        inner = test.hypothesis.inner_test
        if inspect.iscoroutinefunction(inner):
            test.hypothesis.inner_test = lambda **given: _run(inner(**given))
    if not inspect.iscoroutinefunction(test):
        return None
    _run(test(**{name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}))
    return True
