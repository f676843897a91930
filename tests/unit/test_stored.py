from __future__ import annotations

from typing import Any

import pytest

from renvault_web.errors import CorruptRecordError
from renvault_web.session import parse_session
from renvault_web.stored import StoredSession, body_of, parse_body, renewed, stored_size
from renvault_web.testing import START, fake_session

SESSION = parse_session(fake_session("a", START))
STORED = StoredSession(SESSION, created_at=START, used_at=START + 1)


def test_a_body_comes_back_with_purpose_and_identity() -> None:
    assert parse_body(1, body_of(STORED)) == (1, "a", STORED)
    assert parse_body(3, {"notes": {"primary": "a"}}) == (3, "notes", {"primary": "a"})


@pytest.mark.parametrize(
    ("purpose", "data", "reason"),
    [
        (1, {}, "session is not complete"),
        (1, {"session": {"topic": ""}}, "session is not complete"),
        (1, {**body_of(STORED), "created": None}, "'created' is not a number"),
        (1, {**body_of(STORED), "used": True}, "'used' is not a number"),
        (3, {}, "notes are not an object"),
        (3, {"notes": []}, "notes are not an object"),
        (2, {}, "purpose 2, which this page does not know"),
        (0, {}, "purpose 0, which this page does not know"),
    ],
)
def test_a_body_that_is_not_ours_is_refused(purpose: int, data: dict[str, Any], reason: str) -> None:
    with pytest.raises(CorruptRecordError, match=reason):
        parse_body(purpose, data)


def test_a_session_keeps_its_first_time_and_its_last_use() -> None:
    assert renewed(SESSION, None, None, 5.0) == StoredSession(SESSION, 5.0, 5.0)
    assert renewed(SESSION, None, 4.0, 5.0) == StoredSession(SESSION, 5.0, 4.0)
    assert renewed(SESSION, StoredSession(SESSION, 1.0, 2.0), None, 5.0) == StoredSession(SESSION, 1.0, 2.0)
    assert renewed(SESSION, StoredSession(SESSION, 1.0, 2.0), 0.0, 5.0) == StoredSession(SESSION, 1.0, 0.0)


@pytest.mark.parametrize(
    ("key", "text", "size"),
    [("", "", 0), ("ab", "cde", 10), ("é", "a", 4), ("a", "\U0001f600", 6), ("a", "\ud800", 4), ("a", None, 0)],
)
def test_sizes_are_two_bytes_a_utf_16_unit(key: str, text: str | None, size: int) -> None:
    assert stored_size(key, text) == size
