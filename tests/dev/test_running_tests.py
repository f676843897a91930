import pytest

from dev.chromium import find_chromium, launch_arguments
from dev.steps import DevError
from dev.tests import Count, count, split

JUNIT = b"""<?xml version="1.0"?><testsuites name="pytest tests">
<testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1.0"></testsuite></testsuites>"""


def test_what_names_a_test_is_told_from_an_option() -> None:
    given = ["tests/dev/", "-k", "expiry", "tests/dev/test_irn.py::test_x", "--no-such"]
    assert split(given) == (["tests/dev", "tests/dev/test_irn.py::test_x"], ["-k", "expiry", "--no-such"])


@pytest.mark.parametrize(
    ("junit", "code", "counted"),
    [
        (JUNIT, 1, Count(4, 3, 3)),
        (JUNIT.replace(b'errors="1" failures="2"', b'errors="0" failures="0"'), 0, Count(7, 0, 3)),
        (JUNIT.replace(b'errors="1" failures="2"', b'errors="0" failures="0"'), 3, Count(7, 1, 3)),
        (b"", 4, Count(0, 1, 0)),
    ],
)
def test_a_report_is_summed_and_a_process_that_failed_is_a_failure(junit: bytes, code: int, counted: Count) -> None:
    assert count(junit, code) == counted


def test_the_last_line_is_plain() -> None:
    assert str(Count(12, 1) + Count(3, 0)) == "15 passed, 1 failed"
    assert str(Count(12, 0, 2)) == "12 passed, 0 failed, 2 skipped"


def test_a_chromium_that_is_named_and_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENVAULT_CHROMIUM", "/no/such/chromium")
    with pytest.raises(DevError, match=r"^RENVAULT_CHROMIUM names /no/such/chromium, which is no program\.$"):
        find_chromium()


def test_chromium_starts_quietly() -> None:
    assert {"--disable-background-networking", "--no-first-run"} <= set(launch_arguments())
