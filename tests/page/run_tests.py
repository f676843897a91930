"""Runs pytest inside Pyodide, see ``harness.ts``, and tells how it went as JSON."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
import renvault_bridge

from renvault_web.browser.loop import QuickTurns

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = "/project"
OPTIONS = ["-p", "no:cacheprovider", "-p", "no:faulthandler", "--color=no"]  # there is no descriptor to dump to


class Told:
    """Counts how the tests ended and keeps what the failed ones said."""

    def __init__(self) -> None:
        self.passed, self.skipped = 0, 0
        self.failures: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failures[report.nodeid] = report.longreprtext
        elif report.skipped:
            self.skipped += 1
        elif report.when == "call":
            self.passed += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures[report.nodeid] = report.longreprtext


def run(arguments: str) -> str:
    """Run the tests; ``arguments`` is a JSON list for pytest. A test of each kind counts once."""
    os.chdir(PROJECT)
    QuickTurns(renvault_bridge)  # the loop as the product has it
    told = Told()
    given: Sequence[str] = json.loads(arguments)
    code = pytest.main([*OPTIONS, *given, "tests/unit", "tests/contracts"], plugins=[told])
    failed = told.failures or ({"pytest": f"ended with exit code {int(code)}"} if code else {})
    return json.dumps({"passed": told.passed, "skipped": told.skipped, "failures": failed})
