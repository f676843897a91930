"""The documented meaning of the npm package ``debug``'s patterns, and what hostile ones cost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from renvault_web.browser.debug import start_debug
from renvault_web.debug import MAX_PATTERNS, MAX_TEXT, Patterns, debug_name, fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.mark.parametrize(
    ("logger", "name"),
    [
        ("renvault_web", "walletkit"),
        ("renvault_web.storage", "walletkit:storage"),
        ("renvault_web.session_writer", "walletkit:session_writer"),
        ("renvault_web.browser.adapters", "walletkit:browser:adapters"),
    ],
)
def test_a_logger_has_a_name_that_patterns_know(logger: str, name: str) -> None:
    assert debug_name(logger) == name


@pytest.mark.parametrize(
    ("setting", "on", "off"),
    [
        ("walletkit*", ["walletkit", "walletkit:storage", "walletkit:browser:adapters"], ["other", "my:walletkit"]),
        ("walletkit:*", ["walletkit:storage"], ["walletkit"]),
        ("*", ["walletkit", "anything"], []),
        ("walletkit:storage", ["walletkit:storage"], ["walletkit:storages", "walletkit"]),
        ("walletkit:storage,walletkit:history", ["walletkit:storage", "walletkit:history"], ["walletkit:manager"]),
        ("walletkit:storage walletkit:history", ["walletkit:storage", "walletkit:history"], ["walletkit:manager"]),
        (" ,, walletkit:a\t\nwalletkit:b , ", ["walletkit:a", "walletkit:b"], ["walletkit:c", ""]),
        ("*,-walletkit:storage", ["walletkit:history"], ["walletkit:storage"]),
        ("-walletkit:storage,*", ["walletkit:history"], ["walletkit:storage"]),
        ("*,-walletkit:browser:*", ["walletkit:browser"], ["walletkit:browser:adapters"]),
        ("walletkit:*,-*", [], ["walletkit:storage"]),
        ("-walletkit:storage", [], ["walletkit:history", "walletkit:storage"]),
        ("", [], ["walletkit", ""]),
        ("walletkit:*:adapters", ["walletkit:browser:adapters"], ["walletkit:adapters", "walletkit:browser"]),
        ("*:storage", ["walletkit:storage"], ["walletkit:history"]),
        ("w*k*t:s*e", ["walletkit:storage"], ["walletkit:storages"]),
        ("walletkit.storage", [], ["walletkit:storage"]),
        ("walletkit:s?orage walletkit:[a-z]*", [], ["walletkit:storage"]),
        ("WALLETKIT*", [], ["walletkit:storage"]),
    ],
)
def test_patterns_mean_what_the_package_s_documentation_says(setting: str, on: list[str], off: list[str]) -> None:
    patterns = Patterns(setting)
    assert [name for name in on if not patterns.enable(name)] == []
    assert [name for name in off if patterns.enable(name)] == []


@pytest.mark.parametrize(
    ("setting", "any_on"), [("", False), (" , ", False), ("-a", False), ("a", True), ("-a,b", True)]
)
def test_patterns_tell_whether_anything_can_be_on(setting: str, any_on: bool) -> None:
    assert bool(Patterns(setting)) is any_on


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("", "", True),
        ("*", "", True),
        ("**", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*ba", "aba", False),
        ("a*b*c", "abc", True),
        ("a*bc*c", "abc", False),
        ("*a*", "bab", True),
        ("*ab*ab", "ab", False),
        ("*ab*ab", "abab", True),
        ("*ab*ba*", "aba", False),
        ("*ab*ba*", "abba", True),
    ],
)
def test_stars_stand_for_any_text_and_never_share_it(pattern: str, name: str, expected: bool) -> None:
    assert fits(pattern, name) is expected


def test_a_hostile_setting_is_cut_and_stays_quick() -> None:
    stars = Patterns("*a" * 5_000_000)
    assert not stars.enable("a" * 1_000 + "b")
    assert not Patterns("a," * MAX_PATTERNS + "walletkit*").enable("walletkit:storage")
    assert not Patterns("a" * MAX_TEXT + " walletkit*").enable("walletkit:storage")
    assert Patterns("walletkit* " + "x" * 10_000_000).enable("walletkit:storage")


LOG = logging.getLogger("renvault_web.storage")
OTHER = logging.getLogger("renvault_web.history")


@pytest.fixture
def debugging(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], Callable[[], list[str]]]]:
    """Start with a setting; what that returns reads the lines so far."""
    ends = []

    def start(setting: str) -> Callable[[], list[str]]:
        ends.append(start_debug(setting))
        return lambda: capsys.readouterr().err.splitlines()

    yield start
    for end in ends:
        end()


def test_what_is_turned_on_writes_lines_with_its_name(debugging: Any) -> None:
    lines = debugging("walletkit:storage")
    LOG.debug("%d records", 3)
    LOG.info("opened")
    OTHER.debug("not asked for")
    assert lines() == ["walletkit:storage 3 records", "walletkit:storage opened"]


def test_warnings_come_in_any_case(debugging: Any) -> None:
    lines = debugging("walletkit*,-walletkit:history")
    OTHER.info("left out")
    OTHER.warning("told")
    assert lines() == ["walletkit:history told"]


@pytest.mark.parametrize("setting", ["", "-walletkit*", " , "])
def test_without_the_setting_nothing_changes(debugging: Any, setting: str) -> None:
    root = logging.getLogger("renvault_web")
    before = root.level, list(root.handlers)
    lines = debugging(setting)
    LOG.info("nobody asked")
    assert lines() == []
    assert (root.level, list(root.handlers)) == before


def test_lines_hold_no_secret_no_topic_and_no_text_of_many_lines(debugging: Any) -> None:
    lines = debugging("*")
    topic = "0123456789abcdef" * 4
    LOG.debug("session %s\nsymKey=%s", topic, "canary")
    LOG.error("A listener raised.", exc_info=ValueError(f"password: canary in {topic}"))
    told = lines()
    assert [line.partition(" ")[0] for line in told] == ["walletkit:storage"] * 2
    assert "canary" not in str(told)
    assert topic[:32] not in str(told)
    assert "ValueError" in told[1]


def test_it_ends() -> None:
    root = logging.getLogger("renvault_web")
    before = root.level, list(root.handlers)
    start_debug("*")()
    assert (root.level, list(root.handlers)) == before
