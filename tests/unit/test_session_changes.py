from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from renvault_web.session import WalletSession
from renvault_web.session_changes import Redeliveries, after_wallet_event, changes_between, merged

SPACES = {"stacks": {"accounts": ["stacks:1:SP1"]}}
SESSION = WalletSession(
    topic="a" * 64, expiry=2000.0, accounts=("stacks:1:SP1",), chain_id="stacks:1", namespaces=SPACES
)


def params(name: str, data: object, chain: object = "stacks:1") -> dict[str, Any]:
    return {"event": {"name": name, "data": data}, "chainId": chain}


def test_an_event_with_the_same_id_is_a_redelivery() -> None:
    events = Redeliveries()
    event = {"event": "session_update", "topic": "a", "id": 17}
    assert not events.is_one(event)
    assert events.is_one(dict(event))
    assert not events.is_one({**event, "id": 18})
    assert not events.is_one({**event, "topic": "b"})
    assert not events.is_one({**event, "event": "session_extend"})


@pytest.mark.parametrize("number", [None, 0, "", [1], {}])
def test_an_event_without_a_real_id_is_never_a_redelivery(number: object) -> None:
    events = Redeliveries()
    event = {"event": "session_delete", "topic": "a", "id": number}
    assert not events.is_one(event)
    assert not events.is_one(event)


def test_only_the_last_thousand_events_are_remembered() -> None:
    events = Redeliveries()
    for number in range(1, 1002):
        assert not events.is_one({"event": "session_update", "topic": "a", "id": number})
    assert not events.is_one({"event": "session_update", "topic": "a", "id": 1})
    assert events.is_one({"event": "session_update", "topic": "a", "id": 1001})


def test_the_client_leads_and_what_only_we_know_is_kept() -> None:
    spaces = {
        "stacks": {"accounts": ["stacks:1:SP1", "stacks:1:SP2"]},
        "eip155": {"accounts": ["eip155:1:0x1"], "chains": ["eip155:1", "eip155:137"]},
    }
    listed = replace(SESSION, namespaces=spaces)
    known = replace(listed, accounts=("stacks:1:SP2",), chain_id="eip155:137", extra={"label": "mine", "n": 1})
    client = replace(listed, expiry=3000.0, extra={"n": 2})
    assert merged(client, known) == replace(known, expiry=3000.0, extra={"label": "mine", "n": 2})
    assert merged(client, None) == client


@pytest.mark.parametrize("spaces", [SPACES, {"stacks": {"accounts": "stacks:1:SP2"}}, {"stacks": 1}, None])
def test_accounts_and_chains_that_the_client_does_not_name_are_not_kept(spaces: Any) -> None:
    client = replace(SESSION, namespaces=spaces)
    assert merged(client, replace(client, accounts=("stacks:1:SP1", "stacks:1:SP2"))) == client
    assert merged(client, replace(client, chain_id="stacks:2147483648")) == client
    assert merged(client, replace(client, chain_id=None)) == client


def test_what_the_wallet_itself_has_told_this_page_is_kept_also_where_the_namespaces_do_not_name_it() -> None:
    known = replace(SESSION, accounts=("stacks:1:SP2",), chain_id="stacks:2147483648")
    assert merged(SESSION, known, told=True) == known


def test_new_namespaces_replace_the_accounts() -> None:
    known = replace(SESSION, accounts=("stacks:1:SP2",))
    client = replace(SESSION, namespaces={"stacks": {"accounts": ["stacks:1:SP3"]}}, accounts=("stacks:1:SP3",))
    assert merged(client, known) == client


def test_changes_are_named() -> None:
    assert changes_between(SESSION, SESSION) == []
    assert changes_between(SESSION, replace(SESSION, expiry=1.0, extra={"a": 1})) == ["expiry", "extra"]


@pytest.mark.parametrize(
    ("data", "accounts"),
    [
        (["SP2"], ("stacks:1:SP2", "stacks:2:ST1")),
        (["stacks:1:SP2", "SP3"], ("stacks:1:SP2", "stacks:1:SP3", "stacks:2:ST1")),
        ([], ("stacks:2:ST1",)),
        (["stacks:2:ST1"], ("stacks:2:ST1",)),
        ("SP2", ("stacks:1:SP1", "stacks:2:ST1")),
        ([1], ("stacks:1:SP1", "stacks:2:ST1")),
        ([""], ("stacks:1:SP1", "stacks:2:ST1")),
        (None, ("stacks:1:SP1", "stacks:2:ST1")),
    ],
)
def test_accounts_changed_replaces_those_of_its_chain(data: object, accounts: tuple[str, ...]) -> None:
    session = replace(SESSION, accounts=("stacks:1:SP1", "stacks:2:ST1"))
    assert after_wallet_event(session, params("accountsChanged", data)).accounts == accounts


def test_many_accounts_are_not_compared_each_with_each() -> None:
    compared = 0

    class Account(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    session = replace(SESSION, accounts=tuple(f"stacks:2:ST{number}" for number in range(1000)))
    new = [Account(f"stacks:1:SP{number}") for number in range(1000)]
    after = after_wallet_event(session, params("accountsChanged", new))
    assert (compared, after.accounts) == (0, (*new, *session.accounts))


@pytest.mark.parametrize(
    ("data", "chain"),
    [
        ("stacks:2147483648", "stacks:2147483648"),
        (2147483648, "stacks:2147483648"),
        ("5", "stacks:5"),
        ("0x80000000", "stacks:2147483648"),
        (None, "stacks:1"),
        ("test", "stacks:1"),
        (float("nan"), "stacks:1"),
        (float("inf"), "stacks:1"),
        (1e308, "stacks:1"),
        ("0x" + "f" * 5000, "stacks:1"),
        ("9" * 5000, "stacks:1"),
        ("9" * 33, "stacks:1"),
    ],
)
def test_chain_changed_moves_the_chain(data: object, chain: str) -> None:
    assert after_wallet_event(SESSION, params("chainChanged", data)).chain_id == chain


@pytest.mark.parametrize(
    "given",
    [
        None,
        "accountsChanged",
        {},
        {"event": "accountsChanged", "chainId": "stacks:1"},
        params("accountsChanged", ["SP2"], None),
        params("accountsChanged", ["SP2"], "nonsense"),
        params("disconnect", []),
    ],
)
def test_anything_else_changes_nothing(given: object) -> None:
    assert after_wallet_event(SESSION, given) is SESSION
