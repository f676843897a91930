"""Whatever an import holds: it is taken, or refused with our own error, and never anything else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from renvault_web.chronicle import entry, from_body, to_body
from renvault_web.errors import StorageError
from renvault_web.imports import parse_file, parse_sealed, parse_sessions, sdk_entries
from renvault_web.session import parse_session
from renvault_web.wire import session_to_js

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(["topic", "expiry", "accounts", "peer", "namespaces", "chainId", "pairingTopic", "mine"])
almost = st.dictionaries(fields, anything, max_size=8)
texts = st.text(max_size=20)
times = st.integers(10**9, 10**13)  # as seconds or milliseconds, from 1973 on
sessions = st.fixed_dictionaries(
    {"topic": st.text(min_size=1, max_size=20), "expiry": times, "accounts": st.lists(texts, max_size=3)},
    optional={"chainId": texts, "pairingTopic": texts, "mine": st.booleans()},
)


@given(st.text() | anything.map(json.dumps))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(StorageError):
        assert parse_file(text)["version"].startswith("1")


@given(st.lists(almost | sessions | anything, max_size=8))
def test_each_session_is_found_or_told_of(listed: list[Any]) -> None:
    found, failed = parse_sessions({"sessions": listed})
    assert len(found) + len(failed) == len(listed)
    assert all(detail.reason for detail in failed)


@given(sessions)
def test_what_goes_out_comes_in_again(given_session: Any) -> None:
    session = parse_session(given_session)
    text = json.dumps({"version": "1.0.0", "sessions": [session_to_js(session, None)]})
    [back], failed = parse_sessions(parse_file(text))
    assert failed == []
    assert back.topic == session.topic
    assert round(back.expiry * 1000) == round(session.expiry * 1000)


@given(st.dictionaries(st.text(), anything))
def test_any_records_and_entries_are_taken_or_left(data: Any) -> None:
    assert all(isinstance(text, str) for text in parse_sealed({"sealed": data}).values())
    assert set(sdk_entries(data)) <= set(data)


@given(anything, st.text(), st.dictionaries(st.text(), anything))
def test_any_history_is_read_back_as_it_was_noted(other: Any, kind: str, facts: dict[str, Any]) -> None:
    noted = entry(1_700_000_000.0, kind, facts)
    body = json.loads(json.dumps(to_body([noted])))
    body["entries"].insert(0, other if not isinstance(other, list) else None)
    assert from_body(body, 300) == [noted]
