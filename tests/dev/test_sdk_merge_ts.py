"""The SDK's maps that two pages write, merged entry by entry (STO-11): web/src/sdk-merge.ts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dev import setup

SCRIPT = Path(__file__).parents[1] / "fixtures" / "check_sdk_merge.mjs"
OPTIONS = ("--experimental-transform-types", "--disable-warning=ExperimentalWarning")

NOW = 1_700_000_000_000
DAY = 86_400_000


@pytest.fixture(scope="module")
def told() -> Any:
    command: list[str | Path] = [setup.node(), *OPTIONS, SCRIPT]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout)


def test_the_maps_of_the_sdk_are_known_by_their_keys_of_any_version_and_prefix(told: Any) -> None:
    assert told["shapes"] == [
        *["keychain", "expirer", "pairing", "subscription", "session", "proposal", "request"],
        *["keychain", "session"],
        *[None] * 7,
    ]


def test_a_map_is_put_together_as_it_was_and_another_form_is_told(told: Any) -> None:
    assert told["forms"] == [
        *["[]", "[]", '[{"topic":"a","expiry":1},{"topic":"b"}]'],
        *[None] * 4,
        '[{"id":7}]',
        '{"a":"1","__proto__":"2"}',
        *[None] * 2,
    ]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("both add", [{"a": "1", "b": "2", "c": "3"}, {}]),
        ("unchanged is the disk's", [{"a": "5"}, {}]),
        ("changed is ours", [{"a": "2"}, {}]),
        ("both changed", [{"a": "2"}, {}]),
        ("both changed their fields", [{"a": '{"x":2,"y":3}'}, {}]),
        ("removed here", [{"b": "2", "c": "3"}, {"a": NOW}]),
        ("removed here and there", [{}, {"a": NOW}]),
        ("removed there, unchanged here", [{}, {"a": NOW - DAY}]),
        ("removed there, changed here", [{}, {"a": NOW - DAY}]),
        ("removed there, added here", [{"a": "2"}, {}]),
        ("removed here, changed there", [{}, {"a": NOW}]),
        ("cleared under us", [{"a": "1", "b": "3"}, {}]),
        ("never read", [{"a": "1", "b": "2"}, {}]),
    ],
)
def test_what_a_page_means_is_applied_to_what_lies_there(told: Any, case: str, expected: Any) -> None:
    assert told["cases"][case] == expected


def test_no_clock_ends_a_tombstone_and_of_too_many_the_oldest_go(told: Any) -> None:
    assert told["tombstones"]["of any age"] == {"old": NOW - 400 * DAY, "a": NOW, "ahead": NOW + 400 * DAY}
    assert sorted(told["tombstones"]["too many"]) == list(range(500))


def test_what_is_brought_in_replaces_nothing_and_revives_only_what_was_asked_for(told: Any) -> None:
    assert told["adopted"] == {
        "what is there stays": [{"a": "1", "b": "2"}, {}],
        "new, not asked for": [{"a": "2"}, {}],
        "removed, not asked for": [{}, {"a": NOW}],
        "removed, then asked for": [{"a": "2"}, {}],
        "asked for, then removed": [{}, {"a": NOW}],
    }


def test_over_two_thousand_random_runs_nothing_is_lost_nothing_comes_back_and_no_change_is_undone(told: Any) -> None:
    assert told["random"] == [0, 0, 0]
    lost, back, stale = told["unmerged"]
    assert lost > 1000
    assert back > 1000
    assert stale > 1000
