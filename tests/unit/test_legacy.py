"""MIG-1: every old format, with values that the old code itself computed."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from old_builds import (
    ADDRESS,
    LATIN_VECTOR,
    OTHER_ADDRESS,
    PUBLIC_KEY,
    SECRETS,
    TEST_ADDRESS,
    VECTOR,
    WEEK_MS,
    base64_reversed,
    blockstack,
    connection,
    enveloped,
    plural,
    reversed_in_base64,
    secure,
    single,
    stacks_connect,
    stringify,
)

from renvault_web.errors import MigrationError
from renvault_web.known_account import KnownAccount
from renvault_web.legacy import (
    ENCRYPTED,
    MAX_ENTRY,
    MAX_TEXT,
    OldEntryRead,
    Refused,
    checksum_of,
    read_entries,
    read_old_backup,
)
from renvault_web.session import WalletSession
from renvault_web.testing import START

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_MS = int(START * 1000)
DAY = 86_400.0
SECURE = "renvault_secure_session"


def read(key: str, text: str, provider: str | None = None) -> OldEntryRead:
    [entry] = read_entries({key: text}, provider)
    assert (entry.key, entry.text) == (key, text)
    return entry


def account(key: str, text: str, provider: str | None = None) -> KnownAccount:
    [found] = read(key, text, provider).found
    assert isinstance(found, KnownAccount), found
    return found


def reason(key: str, text: str) -> str:
    [found] = read(key, text).found
    assert isinstance(found, Refused)
    return found.reason


# renvault_wallet_session

E1 = "renvault_wallet_session"


def test_what_the_first_writer_wrote_is_read() -> None:
    assert account(E1, VECTOR) == KnownAccount(
        old_id="session_1766812666000_4fzzzxjyl",
        source=E1,
        chain="stacks:1",
        address=ADDRESS,
        provider="leather",
        public_key=PUBLIC_KEY,
        network="stacks",
        permissions=("read", "write"),
        connected_at=1_766_812_666.0,
        expires_at=1_767_417_466.0,
    )


def test_its_text_is_latin_1() -> None:
    found = account(E1, LATIN_VECTOR)
    assert found.network == "é"
    assert (found.address, found.public_key, found.connected_at) == ("A", "B", 1.0)
    assert found.old_id == "session_1767000000000_4fzzzxjyl"


@pytest.mark.parametrize(
    ("text", "expected"), [("", "0"), ("a", "2p"), ("é", "6h"), ("\U0001f600", "11zz7"), ("\ud800", "16o0")]
)
def test_the_checksum_counts_utf_16_units(text: str, expected: str) -> None:
    assert checksum_of(text) == expected


def test_the_sums_of_the_vectors_are_negative() -> None:
    for vector in (VECTOR, LATIN_VECTOR):
        envelope = json.loads(vector)
        assert checksum_of(base64.b64decode(envelope["data"]).decode("latin-1")) == envelope["checksum"]


def test_the_later_form_of_the_session_id_is_kept_too() -> None:
    session_id = f"session_{NOW_MS}_{'0f' * 16}"
    assert account(E1, single(NOW_MS)).old_id == session_id
    without = account(E1, single(NOW_MS, connectedAt=None))
    assert without.connected_at == START


@pytest.mark.parametrize(
    ("changes", "connected_at", "expires_at"),
    [
        ({}, START, START + 7 * DAY),
        ({"connectedAt": None, "sessionId": "odd"}, START, START + 7 * DAY),
        ({"expiresAt": None}, START, START + 7 * DAY),
        ({"expiresAt": START + 5}, START, START + 5),
        ({"expiresAt": True, "connectedAt": "soon"}, START, START + 7 * DAY),
        ({"connectedAt": 0, "expiresAt": 10**20}, START, START + 7 * DAY),
    ],
)
def test_its_times(changes: dict[str, object], connected_at: float, expires_at: float) -> None:
    found = account(E1, single(NOW_MS, **changes))
    assert (found.connected_at, found.expires_at) == (connected_at, expires_at)


def test_one_that_says_no_time_at_all_is_refused() -> None:
    text = single(NOW_MS, connectedAt=None, expiresAt=None, sessionId=None)
    assert reason(E1, text) == "It does not say when it ends."


@pytest.mark.parametrize(
    ("metadata", "address", "chain"),
    [
        ({"chainId": "mainnet", "network": "testnet"}, TEST_ADDRESS, "stacks:1"),
        ({"chainId": "testnet"}, ADDRESS, "stacks:2147483648"),
        ({"network": "testnet"}, ADDRESS, "stacks:2147483648"),
        ({"chainId": "stacks:2147483648"}, ADDRESS, "stacks:2147483648"),
        ({"network": "stacks"}, TEST_ADDRESS, "stacks:2147483648"),
        ({}, "A", "stacks:1"),
        (None, TEST_ADDRESS, "stacks:2147483648"),
        ("odd", ADDRESS, "stacks:1"),
    ],
)
def test_its_chain(metadata: object, address: str, chain: str) -> None:
    found = account(E1, single(NOW_MS, metadata=metadata, address=address))
    assert (found.chain, found.address) == (chain, address)


@pytest.mark.parametrize(
    ("metadata", "chain"),
    [
        ({}, "stacks:2147483648"),
        ({"network": "stacks"}, "stacks:2147483648"),
        ({"network": "mainnet"}, "stacks:1"),
        ({"chainId": "stacks:1"}, "stacks:1"),
    ],
)
def test_an_address_that_names_its_chain_is_asked_after_the_metadata(metadata: object, chain: str) -> None:
    found = account(E1, single(NOW_MS, address=f"stacks:2147483648:{ADDRESS}", metadata=metadata))
    assert found.account == f"{chain}:{ADDRESS}"


def test_no_chain_stands_beside_its_metadata() -> None:
    found = account(E1, single(NOW_MS, chainId="stacks:2147483648", metadata={"network": "mainnet"}))
    assert found.chain == "stacks:1"


def test_fields_of_another_kind_are_left_out_and_long_ones_cut() -> None:
    metadata = {"permissions": ["read", 7, "", *["x"] * 50], "network": {}}
    found = account(E1, single(NOW_MS, providerType="w" * 300, publicKey=5, sessionId=7, metadata=metadata))
    assert found.provider == "w" * MAX_TEXT
    assert found.public_key == ""
    assert found.old_id == E1
    assert found.network == ""
    assert found.permissions == ("read", *["x"] * 17)


def changed(**fields: object) -> str:
    return stringify({**json.loads(VECTOR), **fields})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "It is not JSON."),
        ("[" * 100_000, "It is not JSON."),
        ("1" * 5000, "It is not JSON."),
        ("null", "It is not a JSON object."),
        ("{}", "It has no data or no checksum."),
        (changed(checksum=5), "It has no data or no checksum."),
        (changed(checksum="-y6sje8"), "Its checksum does not fit: it was changed or cut short."),
        (changed(checksum="y6sje7"), "Its checksum does not fit: it was changed or cut short."),
        (changed(data="!"), "Its data is not base64: it was changed or cut short."),
        (changed(data="é"), "Its data is not base64: it was changed or cut short."),
        (enveloped("[]"), "It is not a JSON object."),
        (enveloped("no"), "It is not JSON."),
        (enveloped('{"address":7}'), "It holds no address."),
        (enveloped('{"address":"a b"}'), "It holds no address."),
        ("x" * (MAX_ENTRY + 1), f"It has {MAX_ENTRY + 1} characters; an old session has {MAX_ENTRY} at most."),
    ],
    ids=[
        "empty",
        "deep",
        "huge-number",
        "null",
        "bare",
        "checksum-kind",
        "checksum",
        "sign",
        "base64",
        "latin",
        "list",
        "text",
        "kind",
        "blank",
        "long",
    ],
)
def test_one_that_is_not_in_order_says_why(text: str, expected: str) -> None:
    assert reason(E1, text) == expected
    [found] = read(E1, text).found
    assert found.old_id == E1


def test_every_changed_character_of_its_data_is_found() -> None:
    envelope = json.loads(VECTOR)
    data = envelope["data"]
    for place in range(0, len(data) - 2, 7):
        other = "A" if data[place] != "A" else "B"
        assert isinstance(read(E1, changed(data=data[:place] + other + data[place + 1 :])).found[0], Refused)


# renvault_wallet_sessions

E2 = "renvault_wallet_sessions"


def test_several_sessions_by_address() -> None:
    text = plural(
        (ADDRESS, {"providerType": "leather", "timestamp": NOW_MS, "lastActive": NOW_MS + 5}),
        (TEST_ADDRESS, {"timestamp": NOW_MS - WEEK_MS, "sessionId": "session_5_abc"}),
        (OTHER_ADDRESS, {}),
    )
    first, second, third = read(E2, text).found
    assert isinstance(first, KnownAccount)
    assert (first.old_id, first.account) == (f"{E2} #1", f"stacks:1:{ADDRESS}")
    assert (first.connected_at, first.expires_at) == (START, START + 7 * DAY)
    assert isinstance(second, KnownAccount)
    assert (second.old_id, second.chain, second.expires_at) == ("session_5_abc", "stacks:2147483648", START)
    assert third == Refused(f"{E2} #3", "It does not say when it ends.")


def test_one_that_is_not_in_order_does_not_stop_the_others() -> None:
    text = stringify([None, [ADDRESS], [ADDRESS, {"timestamp": NOW_MS}], [7, {}], [ADDRESS, [], 1]])
    found = read(E2, text).found
    assert [type(one) for one in found] == [Refused, Refused, KnownAccount, Refused, Refused]
    assert {one.reason for one in found if isinstance(one, Refused)} == {"It is no pair of an address and a session."}


def test_what_is_no_list_is_refused() -> None:
    assert reason(E2, "{}") == "It is not a list."
    assert read(E2, "{}").refused(START) == [Refused(E2, "It is not a list.")]


# wallet_connection_session

E3 = "wallet_connection_session"


def test_a_connection_lives_a_day() -> None:
    found = account(E3, connection(NOW_MS))
    assert (found.old_id, found.provider, found.account) == (E3, "xverse", f"stacks:1:{OTHER_ADDRESS}")
    assert (found.connected_at, found.expires_at) == (START, START + DAY)
    assert account(E3, connection(NOW_MS, expiresAt=None)).expires_at == START + DAY


def test_its_chain_stands_beside_its_metadata() -> None:
    both = {"chainId": "stacks:1", "metadata": {"chainId": "stacks:2147483648", "network": "mainnet"}}
    assert account(E3, connection(NOW_MS, **both)).chain == "stacks:2147483648"
    beside = {"chainId": "stacks:2147483648", "metadata": {"network": "mainnet"}}
    assert account(E3, connection(NOW_MS, **beside)).chain == "stacks:2147483648"
    assert account(E3, connection(NOW_MS, chainId="stacks:2147483648")).chain == "stacks:2147483648"
    assert account(E3, connection(NOW_MS, chainId=None, metadata={"network": "testnet"})).chain == "stacks:2147483648"
    assert account(E3, connection(NOW_MS, chainId=None)).chain == "stacks:1"


# renvault_secure_<k>


def test_a_secure_session_is_read_where_its_digest_fits() -> None:
    data = {"providerType": "leather", "address": ADDRESS, "connectedAt": NOW_MS - 5000}
    found = account(SECURE, secure(NOW_MS, data))
    assert (found.source, found.account, found.provider) == (SECURE, f"stacks:1:{ADDRESS}", "leather")
    assert (found.connected_at, found.expires_at) == (START - 5, START + DAY)


def test_a_secure_session_ends_after_a_day_or_when_it_says_whichever_is_first() -> None:
    assert account(SECURE, secure(NOW_MS, {"address": ADDRESS, "expiresAt": NOW_MS + 5000})).expires_at == START + 5
    later = {"address": ADDRESS, "expiresAt": NOW_MS + WEEK_MS}
    assert account(SECURE, secure(NOW_MS, later)).expires_at == START + DAY


def test_a_lone_surrogate_counts_as_the_old_build_s_encoder_wrote_it() -> None:
    data = '{"address":"' + ADDRESS + '","n":"\ud800"}'
    digest = hashlib.sha256(data.replace("\ud800", "�").encode()).hexdigest()
    text = json.dumps({"data": data, "timestamp": NOW_MS, "checksum": digest})
    assert account(SECURE, text).address == ADDRESS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (secure(NOW_MS, {"address": ADDRESS}, checksum="0" * 64), "Its checksum does not fit"),
        (secure(NOW_MS, {"address": ADDRESS}, timestamp="now"), "It does not say when it was stored."),
        (secure(NOW_MS, {"address": "a b"}), "It holds no address."),
        (secure(NOW_MS, "not json at all"), "It is not JSON."),
        (stringify({"data": {}, "checksum": ""}), "It has no data or no checksum."),
        ("oops!", "It is not JSON."),
    ],
)
def test_a_secure_entry_that_is_not_in_order_says_why(text: str, expected: str) -> None:
    assert reason(SECURE, text).startswith(expected)


AES_GCM = base64.b64encode(b'{"ciphertext":"a0679d2b","iv":"6465","salt":"0001","tag":"","version":1}').decode()


def test_what_is_encrypted_with_a_password_is_kept() -> None:
    for value in (AES_GCM, secure(NOW_MS, AES_GCM), secure(NOW_MS, AES_GCM, checksum="of the plain text")):
        entry = read(SECURE, value)
        assert (entry.found, entry.kept) == ((), ENCRYPTED)


@pytest.mark.parametrize("encrypt", [reversed_in_base64, base64_reversed])
def test_what_needs_no_password_is_read(encrypt: Callable[[str], str]) -> None:
    plain = stringify({"address": ADDRESS, "providerType": "Wällét", "connectedAt": NOW_MS})
    of_the_plain = hashlib.sha256(plain.encode()).hexdigest()
    for text in (
        secure(NOW_MS, encrypt(plain)),
        secure(NOW_MS, encrypt(plain), checksum=of_the_plain),
        encrypt(secure(NOW_MS, plain)),
    ):
        found = account(SECURE, text)
        assert (found.address, found.provider, found.expires_at) == (ADDRESS, "Wällét", START + DAY)


@pytest.mark.parametrize("encrypt", [reversed_in_base64, base64_reversed])
def test_what_needs_no_password_is_held_to_its_digest_too(encrypt: Callable[[str], str]) -> None:
    text = secure(NOW_MS, encrypt(stringify({"address": ADDRESS})), checksum="0" * 64)
    assert reason(SECURE, text).startswith("Its checksum does not fit")
    assert read(SECURE, secure(NOW_MS, encrypt('{"theme":"dark"}'))).kept == "It holds no session."
    assert reason(SECURE, secure(NOW_MS, encrypt("{" * 300_000))).startswith("It has ")


@pytest.mark.parametrize("data", [{"theme": "dark"}, [1], "1234", {"address": 5}])
def test_what_holds_no_session_is_kept(data: object) -> None:
    entry = read(SECURE, secure(NOW_MS, data))
    assert (entry.found, entry.kept) == ((), "It holds no session.")


# connection_state


def test_a_state_by_provider_has_no_end() -> None:
    text = stringify({"leather": {"address": ADDRESS, "savedAt": NOW_MS}, "xverse": {"connected": False}, "odd": 7})
    first, second, third = read("connection_state", text).found
    assert isinstance(first, KnownAccount)
    assert (first.provider, first.connected_at, first.expires_at) == ("leather", START, None)
    assert first.old_id == "connection_state #1"
    assert second == Refused("connection_state #2", "It holds no address.")
    assert third == Refused("connection_state #3", "It is not an object.")


# Other libraries


def test_the_address_of_a_blockstack_session_is_all_that_is_taken() -> None:
    entry = read("blockstack-session", blockstack(), "LeatherProvider")
    [found] = entry.found
    assert isinstance(found, KnownAccount)
    assert found == KnownAccount(
        old_id="blockstack-session",
        source="blockstack-session",
        chain="stacks:1",
        address=ADDRESS,
        provider="LeatherProvider",
    )
    assert not entry.is_ours
    assert [
        secret for secret in SECRETS.values() if secret in repr(found) + json.dumps(found.session(START).extra)
    ] == []


def test_a_blockstack_session_of_the_test_network() -> None:
    assert account("blockstack-session", blockstack(mainnet=None)).chain == "stacks:2147483648"
    assert account("blockstack-session", blockstack(profile={"stxAddress": ADDRESS})).address == ADDRESS


def test_nobody_signed_in_is_no_session() -> None:
    entry = read("blockstack-session", stringify({"version": "1.0.0", "transitKey": "x", "etags": {}}))
    assert (entry.found, entry.kept) == ((), "Nobody is signed in there.")


@pytest.mark.parametrize("user", ["odd", {}, {"profile": 7}, {"profile": {"stxAddress": {}}}])
def test_a_blockstack_session_without_an_address_is_refused(user: object) -> None:
    text = stringify({"version": "1.0.0", "userData": user})
    assert reason("blockstack-session", text) == "It holds no Stacks address."


def test_every_account_of_stacks_connect_is_taken() -> None:
    first, second, third = read("@stacks/connect", stacks_connect(ADDRESS, TEST_ADDRESS, "bc1q")).found
    assert isinstance(first, KnownAccount)
    assert isinstance(second, KnownAccount)
    assert (first.account, second.chain) == (f"stacks:1:{ADDRESS}", "stacks:2147483648")
    assert third == Refused("@stacks/connect", "It holds no Stacks address.")
    as_text = stringify({"addresses": {"stx": [ADDRESS]}}).encode().hex()
    assert account("@stacks/connect", as_text).address == ADDRESS


@pytest.mark.parametrize("text", ["zz", "abc", "é", "ff", "7b 7d"])
def test_what_is_not_hex_of_utf_8_is_refused(text: str) -> None:
    assert reason("@stacks/connect", text) == "It is not hex of UTF-8."


@pytest.mark.parametrize("data", [{}, {"addresses": []}, {"addresses": {"stx": []}}, {"addresses": {"stx": 5}}])
def test_stacks_connect_without_an_account_is_no_session(data: object) -> None:
    entry = read("@stacks/connect", stringify(data).encode().hex())
    assert (entry.found, entry.kept) == ((), "It holds no Stacks account.")


# What becomes of them


def test_what_has_expired_is_refused_from_its_last_second_on() -> None:
    entry = read(E3, connection(NOW_MS))
    assert [one.address for one in entry.accounts(START + DAY - 0.001)] == [OTHER_ADDRESS]
    assert entry.refused(START + DAY - 0.001) == []
    assert entry.accounts(START + DAY) == []
    assert entry.refused(START + DAY) == [Refused(E3, "The old session had expired. It stays where it is.")]


def test_what_has_no_end_does_not_expire() -> None:
    entry = read("blockstack-session", blockstack())
    assert len(entry.accounts(START * 2)) == 1


# The guide's backups

BACKUP = f"renvault_session_backup_{NOW_MS}"


def backup_of(session: object) -> str:
    return stringify({"timestamp": NOW_MS, "session": session})


def test_a_backup_of_the_guide_s_holds_the_session_in_one_of_its_shapes() -> None:
    raw = single(NOW_MS)
    plain = json.loads(base64.b64decode(json.loads(raw)["data"]))
    for session in (raw, json.loads(raw), plain):
        found = read_old_backup(backup_of(session), BACKUP)
        assert isinstance(found, KnownAccount)
        assert (found.source, found.address, found.expires_at) == (BACKUP, ADDRESS, START + 7 * DAY)


def test_a_backup_in_the_guide_s_new_shape_is_the_session_itself() -> None:
    found = read_old_backup(backup_of({"topic": "t1", "expiry": NOW_MS, "accounts": [f"stacks:1:{ADDRESS}"]}), BACKUP)
    assert isinstance(found, WalletSession)
    assert (found.topic, found.expiry) == ("t1", START)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", backup_of(None), backup_of("no"), backup_of({}), backup_of({"checksum": "0", "data": ""})],
)
def test_a_backup_that_cannot_be_read_says_why(text: str) -> None:
    with pytest.raises(MigrationError):
        read_old_backup(text, BACKUP)
