"""``dev test``: checks, build, then three runs of tests, and one line with their sums.

The first needs no browser and is measured by coverage; the second is the same unit tests and the contracts inside
Pyodide; the third drives the page. Playwright keeps an event loop of its own, so the first and the third are two
processes. Named tests run alone, without the checks: for the loop of writing one; ``tests/page`` names the second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from dev import build, check, inpage, setup
from dev.chromium import find_chromium
from dev.steps import CACHE, ROOT, clean_environment, say

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN = ("tests/unit", "tests/contracts", "tests/dev")
IN_PAGE = "tests/page"
BROWSER = "tests/e2e"
LONG = "long"  # the marker of what only --all runs

LIMIT, LIMIT_OF_ALL = 25 * 60.0, 90 * 60.0  # s
NO_TESTS = 5  # pytest's exit code


@dataclass(frozen=True, slots=True)
class Count:
    """How a pytest process ended."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def main(arguments: Sequence[str], *, everything: bool) -> int:
    """Run what was asked for; return 1 where anything failed."""
    deadline = time.monotonic() + (LIMIT_OF_ALL if everything else LIMIT)
    named, options = split(arguments)
    found = [] if arguments else check.failed()
    wanted = named or [*PLAIN, IN_PAGE, BROWSER]
    plain = [name for name in wanted if not name.startswith((IN_PAGE, BROWSER))]
    browser = [name for name in wanted if name.startswith(BROWSER)]
    if not everything:
        options = ["-m", f"not {LONG}", *options]
    if len(plain) < len(wanted):
        build.build()
        find_chromium()  # now, where its installation shows
    total = Count()
    if plain:
        total += _run("unit, contracts, dev", plain, options, deadline, coverage=not arguments)
    if IN_PAGE in wanted:
        total += _run_in_page(options)
    if browser:
        total += _run("end to end", browser, options, deadline)
    for name in found:
        say(f"{name} found something, see above")
    print(f"\n{total}", flush=True)
    return 1 if found or total.failed else 0


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the tests that were named, relative to the root, and the options."""
    named = [argument for argument in arguments if (ROOT / argument.partition("::")[0]).exists()]
    options = [argument for argument in arguments if argument not in named]
    return [name.rstrip("/") for name in named], options


def _run(title: str, targets: list[str], options: list[str], deadline: float, *, coverage: bool = False) -> Count:
    report = CACHE / "results" / f"{title.partition(',')[0].replace(' ', '-')}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    environment = {**clean_environment(), "COVERAGE_FILE": str(CACHE / "coverage")}
    measured = ["-m", "coverage", "run"] if coverage else []
    targets = [target for target in targets if (ROOT / target.partition("::")[0]).exists()]
    if not targets:
        say(f"there are no tests: {title}")
        return Count()
    say(f"\ntests: {title}")
    code = _until_end(
        [str(setup.PYTHON), *measured, "-m", "pytest", f"--junitxml={report}", *options, *targets],
        environment,
        deadline,
    )
    if coverage:
        _until_end([str(setup.PYTHON), "-m", "coverage", "report", "--skip-covered"], environment, deadline)
    if code == NO_TESTS:
        say(f"there are no tests in {', '.join(targets)}")
        return Count()
    return count(report.read_bytes() if report.exists() else b"", code)


def _run_in_page(options: list[str]) -> Count:
    say("\ntests: unit and contracts, in the page")
    told = inpage.run(options)
    failures = told.get("failures", {}) or ({"the page": told["error"]} if "error" in told else {})
    for test, text in failures.items():
        print(f"FAILED in the page: {test}\n{text}\n", flush=True)
    return Count(told.get("passed", 0), len(failures), told.get("skipped", 0))


def _until_end(command: list[str], environment: dict[str, str], deadline: float) -> int:
    """Run a program that prints for itself; return its exit code, and end it with all it started at the deadline."""
    with subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True) as program:
        try:
            return program.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            say("the time for all tests is over: stopped")
            return 1
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)


def count(junit: bytes, code: int) -> Count:
    """Return the sums of a JUnit report; a process that failed counts as one failure at least."""
    total = Count()
    if junit:
        for suite in ElementTree.fromstring(junit).iter("testsuite"):  # noqa: S314 - pytest wrote it just now
            tests, failures, errors, skipped = (
                int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
            )
            bad = failures + errors
            total += Count(tests - bad - skipped, bad, skipped)
    return total if not code or total.failed else total + Count(failed=1)
