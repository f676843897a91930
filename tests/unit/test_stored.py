from __future__ import annotations

from typing import Any

import pytest

from renvault_web.errors import NEWER, CorruptRecordError
from renvault_web.jsontext import write_json
from renvault_web.record import Record, encode_plain, encode_record, unpack
from renvault_web.session import parse_session
from renvault_web.stored import (
    RecordState,
    StoredSession,
    body_of,
    pack_stored,
    parse_body,
    renewed,
    state_of,
    stored_size,
)
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


def text_of(**changes: Any) -> str:
    fields = {"purpose": 1, "flags": 0, "key_id": b"our key.", "sealed": bytes(28)}
    return encode_record(Record(**{**fields, **changes}))


@pytest.mark.parametrize(
    ("text", "code", "encrypted", "state"),
    [
        (text_of(), None, True, RecordState.UNREADABLE),
        (text_of(key_id=b"another."), None, True, RecordState.LOST_KEY),
        (text_of(), NEWER, True, RecordState.NEWER),
        (text_of(key_id=b"another."), NEWER, True, RecordState.NEWER),
        (encode_plain("rv1.x", 1, 0, b"{}"), None, True, RecordState.PLAIN),
        (encode_plain("rv1.x", 1, 0, b"{}"), None, False, RecordState.UNREADABLE),
        ("?", None, True, RecordState.UNREADABLE),
    ],
)
def test_what_keeps_a_record_from_being_read_has_a_name(
    text: str, code: str | None, encrypted: bool, state: RecordState
) -> None:
    error = CorruptRecordError("It cannot be read.", code=code)
    assert state_of(text, error, [b"our key."], encrypted=encrypted) is state


def test_what_is_packed_is_measured() -> None:
    told: list[tuple[int, int]] = []
    flags, body = pack_stored(STORED, compress=True, measure=lambda *sizes: told.append(sizes))
    plain = len(write_json(body_of(STORED)))
    assert told == [(len(body), plain)]
    unpack(flags, body, measure=lambda *sizes: told.append(sizes))
    _, notes = pack_stored({"primary": "a"}, compress=False, measure=lambda *sizes: told.append(sizes))
    assert told[1:] == [(len(body), plain), (len(notes), len('{"notes":{"primary":"a"}}'))]
