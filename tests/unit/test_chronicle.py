from __future__ import annotations

import json
from typing import Any

import pytest

from renvault_web.chronicle import (
    LINES,
    MAX_FACTS,
    HistoryEntry,
    entry,
    explain,
    explanations,
    from_body,
    pseudonym,
    session_names,
    to_body,
)
from renvault_web.errors import CorruptRecordError

NOW = 1_700_000_000.0
TOPIC = "0123456789abcdef" * 4
ACCOUNT = "stacks:1:SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7"


def test_a_session_stands_under_a_pseudonym_that_is_always_the_same() -> None:
    noted = entry(NOW, "session_deleted", {"topic": TOPIC, "by": "wallet"})
    assert noted == HistoryEntry(NOW, "session_deleted", {"session": "19e12987", "by": "wallet"})
    assert pseudonym(TOPIC) == "19e12987"
    assert pseudonym("\ud800") != pseudonym("\ud801")


def test_an_entry_keeps_plain_facts_without_anything_private() -> None:
    facts = {
        "topic": None,
        "symKey": "canary",
        "message": f"No answer of {ACCOUNT} for {TOPIC}, password: canary",
        "attempts": 3,
        "share": 0.5,
        "on": True,
        "none": None,
        "deep": {"symKey": "canary"},
    }
    noted = entry(NOW, f"kind {TOPIC}", facts)
    text = json.dumps(to_body([noted]))
    for private in ("canary", TOPIC[:24], ACCOUNT, "SP2J"):
        assert private not in text
    assert noted.facts["attempts"] == 3
    assert noted.facts["on"] is True
    assert noted.facts["none"] is None
    assert set(noted.facts) == {"message", "attempts", "share", "on", "none", "deep"}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e15, -(10**5000)], ids=["nan", "inf", "1e15", "long"])
def test_a_number_that_no_record_could_hold_is_left_out(number: float) -> None:
    assert entry(NOW, "kind", {"number": number}).facts == {"number": None}


def test_an_entry_has_a_bounded_size() -> None:
    facts = {f"fact {number}": "word " * 1000 for number in range(100)}
    noted = entry(NOW, "kind" * 1000, facts)
    assert len(noted.facts) == MAX_FACTS
    assert len(json.dumps(to_body([noted]))) < 4_000


def test_entries_come_back_from_a_record() -> None:
    entries = [
        entry(NOW, "page_started", {}),
        entry(NOW + 0.5, "connection", {"state": "waiting", "error": "The relay closed the connection (1006)."}),
        entry(NOW + 1, "session_deleted", {"topic": TOPIC, "by": "wallet"}),
    ]
    body = json.loads(json.dumps(to_body(entries)))
    assert from_body(body, 300) == entries
    assert from_body(body, 2) == entries[1:]


@pytest.mark.parametrize(
    "item", [None, [], [NOW], [NOW, "kind"], ["then", "kind", {}], [NOW, 5, {}], [NOW, "kind", []], [True, "kind", {}]]
)
def test_what_is_no_entry_is_passed_over(item: Any) -> None:
    assert from_body({"entries": [item, [NOW, "kind", {}]]}, 300) == [HistoryEntry(NOW, "kind", {})]


@pytest.mark.parametrize("body", [{}, {"entries": {}}, {"entries": "text"}])
def test_a_body_without_a_list_is_corrupt(body: Any) -> None:
    with pytest.raises(CorruptRecordError):
        from_body(body, 300)


def test_sessions_are_numbered_as_they_appear() -> None:
    entries = [entry(NOW, "session_created", {"topic": topic}) for topic in ("b", "a", "b")]
    assert session_names(entries) == {pseudonym("b"): "session 1", pseudonym("a"): "session 2"}


def line(kind: str, **facts: object) -> str:
    [told] = explain([entry(NOW, kind, facts)], NOW + 1)
    return told.removeprefix("1 second ago: ")


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        ("session_created", {"topic": TOPIC}, "Session 1 was connected."),
        ("session_deleted", {"topic": TOPIC, "by": "wallet"}, "The wallet ended session 1."),
        ("session_deleted", {"topic": TOPIC, "by": "user"}, "Session 1 was disconnected on this page."),
        ("session_deleted", {"topic": TOPIC, "by": "tab"}, "Session 1 was ended in another tab of this site."),
        (
            "session_deleted",
            {"topic": TOPIC, "by": "client"},
            "The wallet client no longer had session 1, and did not say why.",
        ),
        ("session_expired", {"topic": TOPIC}, "Session 1 reached its end and expired."),
        (
            "session_error",
            {"topic": None, "message": "Out of order."},
            "The wallet reported an error for a session: Out of order.",
        ),
        (
            "connection",
            {"state": "waiting", "error": "The relay closed the connection (1006)."},
            "The connection to the relay was lost. The relay closed the connection (1006).",
        ),
        ("connection", {"state": "connected"}, "The connection to the relay was there."),
        ("connection", {"state": "offline"}, "The browser had no network."),
        ("connection", {"state": "failed"}, "Attempts to bring the connection back were given up."),
        ("page_started", {}, "The page was opened or loaded again."),
        ("problem", {"part": "storage", "problem": "No room."}, "A part of RenVault did not work: No room."),
        ("migration", {"sessions": 2}, "Sessions of an older version were taken over."),
    ],
)
def test_each_thing_has_a_plain_line(kind: str, facts: dict[str, Any], expected: str) -> None:
    assert line(kind, **facts) == expected


def test_braces_in_a_message_are_only_text() -> None:
    assert line("session_error", message="{session.topic} {0}") == (
        "The wallet reported an error for a session: {session.topic} {0}"
    )


@pytest.mark.parametrize("kind", ["session_updated", "session_event", "page_shown", "unknown"])
def test_what_ends_nothing_has_no_line(kind: str) -> None:
    assert explain([entry(NOW, kind, {})], NOW) == ()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "Just now"),
        (0, "Just now"),
        (1, "1 second ago"),
        (59.9, "59 seconds ago"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (7200, "2 hours ago"),
        (86_400 * 3, "3 days ago"),
    ],
)
def test_each_line_says_how_long_ago_it_was(seconds: float, expected: str) -> None:
    assert explain([entry(NOW, "page_started", {})], NOW + seconds) == (
        f"{expected}: The page was opened or loaded again.",
    )


def test_each_line_can_be_had_with_its_time_for_itself() -> None:
    entries = [entry(NOW, "page_shown", {}), entry(NOW, "page_started", {})]
    assert explanations(entries) == [(NOW, "The page was opened or loaded again.")]


def test_the_latest_comes_first_and_the_lines_have_an_end() -> None:
    entries = [entry(NOW + number, "session_expired", {"topic": str(number)}) for number in range(LINES + 5)]
    told = explain(entries, NOW + LINES + 5)
    assert len(told) == LINES
    assert told[0] == "1 second ago: Session 25 reached its end and expired."
