"""MIG-4: what an old session becomes."""

from __future__ import annotations

import pytest

from renvault_web.known_account import MAINNET, TESTNET, KnownAccount, chain_of, named_chain, split_address
from renvault_web.session import is_local
from renvault_web.testing import START

ADDRESS = "SP3ESR2PWP83R1YM3S4QJRWPDD886KJ4YFS3FKHPY"


def account(**changes: object) -> KnownAccount:
    given: dict[str, object] = {
        "old_id": "session_1_x",
        "source": "renvault_wallet_session",
        "chain": MAINNET,
        "address": ADDRESS,
        **changes,
    }
    return KnownAccount(**given)  # type: ignore[arg-type] # fields by name


def test_the_topic_follows_from_the_account_alone_and_does_not_tell_it() -> None:
    one = account(old_id="a", source="x", provider="leather")
    assert one.topic == account(old_id="b", source="y", provider="xverse").topic
    assert one.topic == "local-ebde11fb6e8120a079633bed4ff6f818"
    assert account(chain=TESTNET).topic != one.topic
    assert is_local(one.session(START))


def test_what_an_account_becomes() -> None:
    session = account(
        provider="leather",
        public_key="02ab",
        network="mainnet",
        permissions=("read",),
        connected_at=START - 10,
        expires_at=START + 10,
    ).session(START)
    assert session.accounts == (f"stacks:1:{ADDRESS}",)
    assert session.chain_id == "stacks:1"
    assert session.is_caip
    assert session.expiry == START + 10
    assert session.wallet_name == "Leather"
    assert session.extra == {
        "metadata": {
            "migratedFrom": "renvault_wallet_session",
            "oldSessionId": "session_1_x",
            "provider": "leather",
            "publicKey": "02ab",
            "network": "mainnet",
            "connectedAt": int(START - 10) * 1000,
        },
        "permissions": ["read"],
    }


def test_what_is_not_known_is_left_out() -> None:
    session = account(provider="Some Wallet").session(START)
    assert session.wallet_name == "Some Wallet"
    assert session.expiry == START + 7 * 86_400
    assert session.extra == {
        "metadata": {
            "migratedFrom": "renvault_wallet_session",
            "oldSessionId": "session_1_x",
            "provider": "Some Wallet",
        }
    }
    assert account().session(START).wallet_name == ""


@pytest.mark.parametrize(
    ("said", "chain"),
    [
        ("mainnet", MAINNET),
        ("Testnet", TESTNET),
        ("stacks:testnet", TESTNET),
        (1, MAINNET),
        (2147483648, TESTNET),
        ("0x80000000", TESTNET),
        ("stacks:1", MAINNET),
        ("bip122:000000000019d6689c085ae165831e93", "bip122:000000000019d6689c085ae165831e93"),
        ("stacks", None),
        ("", None),
        (True, None),
        (None, None),
        ({}, None),
    ],
)
def test_a_chain_is_named_in_several_ways(said: object, chain: str | None) -> None:
    assert named_chain(said) == chain


@pytest.mark.parametrize(
    ("address", "said", "chain"),
    [
        ("SP1", (None, "testnet"), TESTNET),
        ("ST1", ("stacks:1", "testnet"), MAINNET),
        ("SP1", ("stacks",), MAINNET),
        ("SM1", (), MAINNET),
        ("ST1", (), TESTNET),
        ("SN1", (), TESTNET),
        ("other", (), MAINNET),
    ],
)
def test_the_chain_is_what_was_said_else_what_the_address_begins_with(
    address: str, said: tuple[object, ...], chain: str
) -> None:
    assert chain_of(address, *said) == chain


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (ADDRESS, (None, ADDRESS)),
        (f"stacks:1:{ADDRESS}", (MAINNET, ADDRESS)),
        (f"stacks:mainnet:{ADDRESS}", (MAINNET, ADDRESS)),
        ("A", (None, "A")),
        ("", None),
        ("a b", None),
        ("x:y", None),
        ("SP1\n", None),
        ("é", None),
    ],
)
def test_an_address_may_come_with_its_chain(address: str, expected: tuple[str | None, str] | None) -> None:
    assert split_address(address) == expected
