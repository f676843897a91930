"""Runs ``async def test_…`` functions on CPython and inside Pyodide, each under a time limit, none leaving a task."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Coroutine

TEST_LIMIT = 10.0  # seconds of real time

IN_PAGE = sys.platform == "emscripten"

# In the page there is no source to walk (the package is compiled), no hypothesis, and only where the harness offers
# one a wallet client with relay and peer.
collect_ignore_glob = ["unit/test_layers.py", "*/test_*_properties.py"] if IN_PAGE else []
if IN_PAGE and importlib.util.find_spec("renvault_bridge_testing") is None:
    collect_ignore_glob.append("contracts/test_wallet_port.py")


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


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    test = _limited(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    if IN_PAGE:
        from pyodide.ffi import run_sync  # the page's event loop is running already

        run_sync(test)
    else:
        asyncio.run(test, debug=True)
    return True
