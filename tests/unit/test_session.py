from __future__ import annotations

import json
from typing import Any

import pytest

from renvault_web.errors import WalletError
from renvault_web.session import (
    SessionStatus,
    WalletSession,
    expires_soon,
    is_chain,
    is_expired,
    is_local,
    parse_session,
    seconds,
    status_of,
    to_json,
)

NOW = 1_700_000_000.0
ACCOUNT = "stacks:1:SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7"
FULL: dict[str, Any] = {
    "topic": "a" * 64,
    "pairingTopic": "b" * 64,
    "peer": {"publicKey": "c" * 64, "metadata": {"name": "Leather", "icons": []}},
    "expiry": NOW,
    "accounts": [ACCOUNT],
    "chainId": "stacks:1",
    "namespaces": {"stacks": {"accounts": [ACCOUNT]}},
}


def session(expiry: float = NOW, **changes: Any) -> WalletSession:
    return parse_session({"topic": "a", "expiry": expiry, **changes})


# Parsing


def test_every_field_has_its_place() -> None:
    assert parse_session(FULL) == WalletSession(
        topic="a" * 64,
        expiry=NOW,
        pairing_topic="b" * 64,
        peer=FULL["peer"],
        accounts=(ACCOUNT,),
        chain_id="stacks:1",
        namespaces=FULL["namespaces"],
    )


def test_topic_and_expiry_are_enough() -> None:
    assert parse_session({"topic": "a", "expiry": 5}) == WalletSession(topic="a", expiry=5.0)
    assert to_json(WalletSession(topic="a", expiry=5.0)) == {
        "topic": "a",
        "pairingTopic": "",
        "peer": {},
        "expiry": 5.0,
        "accounts": [],
    }


def test_what_is_written_is_read_back_unchanged() -> None:
    given = {**FULL, "permissions": ["sign"], "metadata": {"network": "mainnet"}, "odd name": None}
    assert to_json(parse_session(given)) == given
    assert parse_session(json.loads(json.dumps(to_json(parse_session(given))))) == parse_session(given)


def test_a_status_is_never_taken_over() -> None:
    assert parse_session({**FULL, "status": "active"}) == parse_session(FULL)


def test_none_counts_as_absent() -> None:
    absent = {"pairingTopic": None, "peer": None, "accounts": None, "chainId": None, "namespaces": None}
    assert parse_session({"topic": "a", "expiry": 5, **absent}) == WalletSession(topic="a", expiry=5.0)


def test_absent_accounts_are_those_of_the_namespaces() -> None:
    namespaces = {
        "stacks": {"accounts": [ACCOUNT]},
        "eip155": {},
        "cosmos": None,
        "bip122": {"accounts": ["bip122:x:y"]},
    }
    found = session(namespaces=namespaces)
    assert found.accounts == (ACCOUNT, "bip122:x:y")
    assert found.chain_id == "stacks:1"
    assert session(namespaces=namespaces, accounts=[]).accounts == ()


def test_an_absent_chain_is_that_of_the_first_account() -> None:
    assert session(accounts=[ACCOUNT]).chain_id == "stacks:1"
    assert session(accounts=[ACCOUNT], chainId="stacks:2147483648").chain_id == "stacks:2147483648"
    assert session(accounts=["SP123"]).chain_id is None
    assert session(accounts=[]).chain_id is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "must be an object, not NoneType"),
        ([], "must be an object, not list"),
        ("a", "must be an object, not str"),
        ({}, "needs a topic"),
        ({"topic": ""}, "needs a topic"),
        ({"topic": None}, "needs a topic"),
        ({"topic": 5}, "topic must be a text, not int"),
        ({"topic": "a" * 20}, "Session aaaaaaaa: expiry must be a time"),
        ({"topic": "a", "expiry": "5"}, "expiry must be a time"),
        ({"topic": "a", "expiry": True}, "expiry must be a time"),
        ({"topic": "a", "expiry": -1}, "expiry must be a time"),
        ({"topic": "a", "expiry": float("nan")}, "expiry must be a time"),
        ({"topic": "a", "expiry": float("inf")}, "expiry must be a time"),
        ({"topic": "a", "expiry": 10**400}, "expiry must be a time"),
        ({"topic": "a", "expiry": 5, "peer": []}, "peer must be an object"),
        ({"topic": "a", "expiry": 5, "peer": "x"}, "peer must be an object"),
        ({"topic": "a", "expiry": 5, "namespaces": []}, "namespaces must be an object"),
        ({"topic": "a", "expiry": 5, "pairingTopic": 5}, "pairingTopic must be a text, not int"),
        ({"topic": "a", "expiry": 5, "chainId": 1}, "chainId must be a text, not int"),
        ({"topic": "a", "expiry": 5, "accounts": "x"}, "accounts must be a list"),
        ({"topic": "a", "expiry": 5, "accounts": {}}, "accounts must be a list"),
        ({"topic": "a", "expiry": 5, "accounts": [5]}, "an account must be a text"),
        ({"topic": "a", "expiry": 5, "namespaces": {"x": {"accounts": "abc"}}}, "accounts must be a list"),
        ({"topic": "a", "expiry": 5, "namespaces": {"x": {"accounts": [None]}}}, "an account must be a text"),
    ],
)
def test_what_is_no_session_is_refused_by_its_field(data: object, reason: str) -> None:
    with pytest.raises(WalletError, match=reason):
        parse_session(data)


# Times


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (1_700_000_000, 1_700_000_000.0),
        (1e11, 1e11),  # the year 5138 in seconds, 1973 in milliseconds
        (100_000_000_001, 100_000_000.001),
        (1_700_000_000_500, 1_700_000_000.5),
        (1e14, 1e11),
        (9e15, 1e11),
    ],
)
def test_a_time_above_1e11_is_milliseconds(value: float, expected: float) -> None:
    assert seconds(value) == expected
    assert seconds(expected) == expected


def test_a_session_ends_at_its_expiry() -> None:
    assert not is_expired(session(NOW), NOW - 0.001)
    assert is_expired(session(NOW), NOW)


def test_a_session_expires_soon_within_its_last_day() -> None:
    assert not expires_soon(session(NOW + 86_400.001), NOW)
    assert expires_soon(session(NOW + 86_400), NOW)
    assert expires_soon(session(NOW + 0.001), NOW)
    assert not expires_soon(session(NOW), NOW)


@pytest.mark.parametrize(
    ("expiry", "live", "opened_at", "expected"),
    [
        (NOW + 1, None, NOW, SessionStatus.RESTORING),
        (NOW + 1, None, NOW - 9.999, SessionStatus.RESTORING),
        (NOW + 1, None, NOW - 10, SessionStatus.UNKNOWN),
        (NOW + 1, True, NOW - 10, SessionStatus.ACTIVE),
        (NOW + 1, False, NOW, SessionStatus.NEEDS_RECONNECT),
        (NOW, True, NOW, SessionStatus.EXPIRED),
        (NOW, None, NOW, SessionStatus.EXPIRED),
    ],
)
def test_a_status_follows_from_facts(
    expiry: float, live: bool | None, opened_at: float, expected: SessionStatus
) -> None:
    assert status_of(session(expiry), NOW, live=live, opened_at=opened_at) is expected


def test_another_end_changes_nothing_else() -> None:
    assert parse_session(FULL).with_expiry(5.0) == parse_session({**FULL, "expiry": 5})


# Names


@pytest.mark.parametrize(
    ("accounts", "chain", "expected"),
    [
        ([ACCOUNT], "stacks:1", True),
        ([], None, True),
        ([ACCOUNT, "SP123"], "stacks:1", False),
        ([ACCOUNT], "mainnet", False),
        ([ACCOUNT + "\n"], "stacks:1", False),
        ([ACCOUNT], "stacks:1\n", False),
    ],
)
def test_caip_form_is_told(accounts: list[str], chain: str | None, expected: bool) -> None:
    assert session(accounts=accounts, chainId=chain).is_caip is expected


@pytest.mark.parametrize(
    ("peer", "name", "url"),
    [
        ({"metadata": {"name": "Leather", "url": "https://leather.io"}}, "Leather", "https://leather.io"),
        ({"metadata": {"name": 5, "url": ["x"]}}, "", ""),
        ({"metadata": {}}, "", ""),
        ({"metadata": "x"}, "", ""),
        ({}, "", ""),
    ],
)
def test_the_wallets_name_and_address_are_texts_or_empty(peer: dict[str, Any], name: str, url: str) -> None:
    assert (session(peer=peer).wallet_name, session(peer=peer).wallet_url) == (name, url)


@pytest.mark.parametrize(
    ("value", "fits"), [("stacks:1", True), ("stacks", False), ("stacks:1:SP1", False), ("", False), (1, False)]
)
def test_a_chain_is_a_caip_2_text(value: object, fits: bool) -> None:
    assert is_chain(value) is fits


# A known account alone


LOCAL = "local-" + "0f" * 16


@pytest.mark.parametrize("topic", ["a" * 64, "local-", "local-x", LOCAL + "0", "x" + LOCAL, ""])
def test_a_known_account_is_told_by_its_topic(topic: str) -> None:
    assert is_local(WalletSession(topic=LOCAL, expiry=NOW))
    assert not is_local(WalletSession(topic=topic, expiry=NOW))


@pytest.mark.parametrize("live", [None, True, False])
def test_a_known_account_needs_reconnect_and_does_not_end(live: bool | None) -> None:
    for expiry in (0.0, NOW, NOW + 5):
        known = WalletSession(topic=LOCAL, expiry=expiry)
        assert not is_expired(known, NOW)
        assert not expires_soon(known, NOW)
        assert status_of(known, NOW, live=live, opened_at=NOW) is SessionStatus.NEEDS_RECONNECT
