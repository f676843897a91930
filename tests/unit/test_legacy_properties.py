"""What holds for whatever older builds wrote, and whatever lies in its place. Hypothesis: on CPython alone."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from old_builds import (
    base64_reversed,
    checksum,
    connection,
    enveloped,
    plural,
    reversed_in_base64,
    secure,
    stacks_connect,
    stringify,
)

from renvault_web.known_account import KnownAccount
from renvault_web.legacy import checksum_of, read_entries
from renvault_web.legacy_keys import FOREIGN_KEYS, SESSION_KEYS
from renvault_web.session import parse_session, to_json
from renvault_web.testing import START

if TYPE_CHECKING:
    from collections.abc import Callable

E1 = "renvault_wallet_session"
C32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

units = st.characters(exclude_categories=())  # surrogates too
any_text = st.text(units, max_size=30)
latin = st.text(st.characters(max_codepoint=255), max_size=20)
addresses = st.builds("S{}{}".format, st.sampled_from("PMTN"), st.text(C32, min_size=38, max_size=39))
milliseconds = st.integers(1_600_000_000_000, 1_900_000_000_000)
chains = st.sampled_from(["mainnet", "testnet", "stacks:1", "stacks:2147483648"])
CAIP = {"mainnet": "stacks:1", "testnet": "stacks:2147483648"}
providers = st.sampled_from(["leather", "xverse", "hiro", "walletconnect", "ledger", "trezor", "multisig"]) | latin
base36 = st.text("0123456789abcdefghijklmnopqrstuvwxyz", max_size=9)
session_ids = st.builds(
    "session_{}_{}".format, milliseconds, base36 | st.text("0123456789abcdef", min_size=32, max_size=32)
)


@st.composite
def first_writer(draw: st.DrawFn) -> dict[str, Any]:
    """As of 2025-12-27: without ``connectedAt``."""
    at = draw(milliseconds)
    return {
        "providerType": draw(providers),
        "address": draw(addresses),
        "publicKey": draw(latin),
        "metadata": {"chainId": draw(chains), "network": "stacks", "permissions": ["read", "write"]},
        "expiresAt": at + 7 * 86_400_000,
        "sessionId": f"session_{at}_{draw(base36)}",
    }


@st.composite
def later_writer(draw: st.DrawFn) -> dict[str, Any]:
    at = draw(milliseconds)
    return {
        "providerType": draw(providers),
        "address": draw(addresses),
        "publicKey": draw(latin),
        "connectedAt": at,
        "metadata": {"chainId": draw(chains), "network": draw(latin), "permissions": draw(st.lists(latin, max_size=3))},
        "expiresAt": at + 7 * 86_400_000,
        "sessionId": draw(session_ids),
    }


def read(key: str, text: str) -> tuple[Any, ...]:
    [entry] = read_entries({key: text})
    assert entry.text == text
    return entry.found


@given(any_text)
def test_the_checksum_is_the_old_one(text: str) -> None:
    assert checksum_of(text) == checksum(text)


@given(first_writer() | later_writer())
def test_every_session_of_the_old_writers_is_read_exactly(session: dict[str, Any]) -> None:
    [found] = read(E1, enveloped(stringify(session)))
    at = session["expiresAt"] / 1000 - 7 * 86_400
    chain = session["metadata"]["chainId"]
    assert isinstance(found, KnownAccount)
    assert (found.address, found.chain) == (session["address"], CAIP.get(chain, chain))
    assert (found.provider, found.public_key) == (session["providerType"], session["publicKey"])
    assert (found.connected_at, found.expires_at) == (at, session["expiresAt"] / 1000)
    assert found.old_id == session["sessionId"]
    assert found.network == session["metadata"]["network"]
    assert list(found.permissions) == [one for one in session["metadata"]["permissions"] if one]
    converted = found.session(START)
    assert parse_session(json.loads(json.dumps(to_json(converted)))) == converted
    assert converted.is_caip


@given(first_writer() | later_writer(), st.data())
def test_a_session_that_lost_or_changed_a_character_is_never_another_one(
    session: dict[str, Any], data: st.DataObject
) -> None:
    text = enveloped(stringify(session))
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(["", *'AZaz09+/="{}-é']))
    [before] = read(E1, text)
    after = read(E1, text[:place] + other + text[place + 1 :])
    assert all(not isinstance(one, KnownAccount) or one == before for one in after)


@given(st.lists(st.tuples(addresses, milliseconds, chains), max_size=4))
def test_every_pair_of_the_plural_format_is_read(sessions: list[tuple[str, int, str]]) -> None:
    pairs = [
        (address, {"timestamp": at, "lastActive": at + 5, "metadata": {"chainId": chain}})
        for address, at, chain in sessions
    ]
    found = read("renvault_wallet_sessions", plural(*pairs))
    assert [(one.address, one.expires_at, one.chain) for one in found] == [
        (address, at / 1000 + 7 * 86_400, CAIP.get(chain, chain)) for address, at, chain in sessions
    ]


@given(addresses, milliseconds, providers)
def test_every_connection_is_read(address: str, at: int, wallet: str) -> None:
    [found] = read("wallet_connection_session", connection(at, address=address, walletId=wallet))
    assert (found.address, found.connected_at, found.provider) == (address, at / 1000, wallet)
    assert found.expires_at == (at + 86_400_000) / 1000


@given(addresses, milliseconds, any_text)
def test_every_secure_session_is_read(address: str, at: int, name: str) -> None:
    data = json.dumps({"address": address, "walletId": name, "connectedAt": at})
    [found] = read("renvault_secure_session", secure(at, data))
    assert (found.address, found.expires_at) == (address, at / 1000 + 86_400)


@given(addresses, milliseconds, latin, st.sampled_from([reversed_in_base64, base64_reversed]), st.booleans())
def test_every_secure_session_that_was_only_reversed_is_read(
    address: str, at: int, name: str, encrypt: Callable[[str], str], whole: bool
) -> None:
    data = stringify({"walletId": name, "address": address, "connectedAt": at})
    text = encrypt(secure(at, data)) if whole else secure(at, encrypt(data))
    [found] = read("renvault_secure_session", text)
    assert (found.address, found.provider, found.expires_at) == (address, name, at / 1000 + 86_400)


@given(st.lists(addresses, min_size=1, max_size=3))
def test_every_account_of_stacks_connect_is_read(given_addresses: list[str]) -> None:
    found = read("@stacks/connect", stacks_connect(*given_addresses))
    assert [one.address for one in found] == given_addresses


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["address", "timestamp", "metadata", "userData", "profile", "stxAddress", "addresses", "stx"]
            )
            | any_text,
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
KEYS = [*SESSION_KEYS, "renvault_secure_x", *FOREIGN_KEYS]


def written(value: object) -> list[str]:
    plain = json.dumps(value)
    return [
        plain,
        plain.encode().hex(),
        stringify({"data": base64.b64encode(plain.encode()).decode(), "checksum": checksum(plain)}),
        json.dumps({"data": plain, "timestamp": 1, "checksum": "x"}),
        secure(1_700_000_000_000, plain),
        reversed_in_base64(plain),
        secure(1_700_000_000_000, base64_reversed(plain)),
    ]


@given(anything, any_text, st.sampled_from(KEYS))
def test_whatever_lies_there_nothing_raises_and_no_refusal_quotes_it(value: object, text: str, key: str) -> None:
    for one in (*written(value), text):
        for entry in read_entries({key: one}, text):
            for found in entry.refused(START):
                assert found.reason.isascii()
                assert len(found.reason) < 120
            for account in entry.accounts(START):
                session = account.session(START)
                assert session.is_caip
                json.dumps(to_json(session), allow_nan=False)
