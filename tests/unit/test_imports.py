from __future__ import annotations

import json
from typing import Any

import pytest

from renvault_web.errors import StorageError
from renvault_web.imports import (
    MAX_BYTES,
    MAX_SESSIONS,
    ImportDetail,
    ImportReport,
    Outcome,
    parse_file,
    parse_sealed,
    parse_sessions,
    sdk_entries,
)

SESSION = {"topic": "a", "expiry": 1_700_000_000_000, "accounts": []}


def test_what_an_export_holds_is_read() -> None:
    assert parse_file('{"version":"1.0.0","sessions":[]}') == {"version": "1.0.0", "sessions": []}
    assert parse_file('{"version":"1.7.3"}') == {"version": "1.7.3"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "a text, not NoneType"),
        (b"{}", "a text, not bytes"),
        ("", "not JSON"),
        ("nonsense", "not JSON"),
        ("[" * 100_000, "nests too deep"),
        ("[]", "must be a JSON object, not list"),
        ("null", "must be a JSON object, not NoneType"),
        ("{}", "version None; this page reads version 1.0.0"),
        ('{"version":1}', "version 1; this page"),
        ('{"version":"2.0.0"}', "version '2.0.0'; this page"),
        ('{"version":"' + "9" * 1000 + '"}', "version '9999999999999999999; this"),
        (" " * (MAX_BYTES + 1), f"has {MAX_BYTES + 1} characters"),
    ],
    ids=range(12),
)
def test_what_is_no_export_is_refused_with_the_reason(text: Any, message: str) -> None:
    with pytest.raises(StorageError, match=message) as raised:
        parse_file(text)
    assert raised.value.code == "import"


def test_a_session_that_is_none_is_told_and_the_others_are_read() -> None:
    listed = [SESSION, None, 5, {}, {"topic": "b"}, {"topic": 7, "expiry": 1}, {**SESSION, "topic": "c"}]
    found, failed = parse_sessions({"sessions": listed})
    assert [session.topic for session in found] == ["a", "c"]
    assert [(detail.topic, detail.outcome) for detail in failed] == [
        (None, Outcome.FAILED),
        (None, Outcome.FAILED),
        (None, Outcome.FAILED),
        ("b", Outcome.FAILED),
        (None, Outcome.FAILED),
    ]
    assert failed[3].reason == "Session 5 of the import: Session b: expiry must be a time in seconds or milliseconds."


def test_secrets_in_an_import_are_not_taken() -> None:
    planted = {**SESSION, "symKey": "canary", "peer": {"metadata": {"seed": "canary", "name": "Wallet"}}}
    [session], _ = parse_sessions({"sessions": [planted]})
    assert session.extra == {}
    assert session.peer == {"metadata": {"name": "Wallet"}}


@pytest.mark.parametrize("sessions", [None, {}, "text"])
def test_an_import_without_a_list_of_sessions_is_refused(sessions: Any) -> None:
    with pytest.raises(StorageError, match="no list of sessions"):
        parse_sessions({"sessions": sessions})


def test_an_import_has_a_bounded_number_of_sessions() -> None:
    assert len(parse_sessions({"sessions": [SESSION] * MAX_SESSIONS})[0]) == MAX_SESSIONS
    with pytest.raises(StorageError, match="1001 sessions; 1000"):
        parse_sessions({"sessions": [SESSION] * (MAX_SESSIONS + 1)})
    with pytest.raises(StorageError, match="1001 sessions; 1000"):
        parse_sealed({"sealed": {f"rv1.{number}": "" for number in range(MAX_SESSIONS + 1)}})


def test_of_sealed_records_those_of_sessions_are_read() -> None:
    sealed = {"rv1.a": "text", "rv1.b": None, "rvb1.c": "text", "wc@2:core": "text"}
    assert parse_sealed({"sealed": sealed}) == {"rv1.a": "text", "rv1.b": ""}
    with pytest.raises(StorageError, match="not an object"):
        parse_sealed({"sealed": []})


def test_of_the_sdk_s_entries_those_are_taken_that_a_live_session_needs() -> None:
    names = ["keychain", "pairing", "subscription", "expirer", "history", "messages", "messages_withoutClientAck"]
    entries = {
        **{f"wc@2:core:0.3//{name}": {"a": 1} for name in names},
        **{f"wc@2:client:0.3//{name}": [1] for name in ("session", "proposal", "request")},
        "wc@2:core:0.3:mine//keychain": {"b": 2},
        "wc@2:core:0.1//event-client": {},
        "keychain": {"a": 1},
        "other//keychain": {"a": 1},
    }
    assert sdk_entries(entries) == {
        "wc@2:core:0.3//keychain": {"a": 1},
        "wc@2:core:0.3//pairing": {"a": 1},
        "wc@2:core:0.3//subscription": {"a": 1},
        "wc@2:core:0.3//expirer": {"a": 1},
        "wc@2:client:0.3//session": [1],
        "wc@2:core:0.3:mine//keychain": {"b": 2},
    }


def test_the_client_seed_is_neither_given_nor_taken() -> None:
    keychain = {"client_ed25519_seed": "canary", "topic": "key"}
    assert sdk_entries({"wc@2:core:0.3//keychain": keychain}) == {"wc@2:core:0.3//keychain": {"topic": "key"}}
    assert keychain["client_ed25519_seed"] == "canary"


@pytest.mark.parametrize("data", [None, [], "text", {"wc@2:core:0.3//keychain": "text"}, {"": {}}])
def test_what_is_no_entry_is_not_taken(data: Any) -> None:
    assert sdk_entries(data) == {}


def test_a_report_counts_its_details() -> None:
    outcomes = [Outcome.IMPORTED] * 4 + [Outcome.UPDATED] * 3 + [Outcome.SKIPPED] * 2 + [Outcome.FAILED]
    report = ImportReport.of(ImportDetail(None, outcome) for outcome in outcomes)
    assert (report.imported, report.updated, report.skipped, report.failed) == report.counts == (4, 3, 2, 1)
    assert len(report.details) == 10
    assert not report.needs_reload
    assert json.dumps(report.counts) == "[4, 3, 2, 1]"
