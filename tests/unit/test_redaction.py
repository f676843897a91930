from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from renvault_web.redaction import (
    GONE,
    SECRET_ENDINGS,
    SECRET_NAMES,
    SECRET_WORDS,
    anonymous,
    anonymous_text,
    is_secret,
    secrets_removed,
    without_secrets,
)

CANARY = "canary-in-a-coal-mine"
TOPIC = "0123456789abcdef" * 4
ACCOUNT = "stacks:1:SP2J6ZY48GV1EZ5V2V5RB9MP66SW86PYKKNRV9EJ7"
URI = f"wc:{TOPIC}@2?expiryTimestamp=1&relay-protocol=irn&symKey={'c' * 64}"

# As they are found in the SDK's store, in old sessions, in backups, and in what hosts add.
FOUND = [
    *SECRET_NAMES,
    *SECRET_ENDINGS,
    *SECRET_WORDS,
    "SYMKEY",
    "sym_key",
    "sym-key",
    "CLIENT_ED25519_SEED",
    "privateKeyHex",
    "private_key",
    "mnemonicPhrase",
    "accessToken",
    "coreSessionToken",
    "gaiaAssociationToken",
    "walletSeed",
    "clientSecret",
    "encryption_password",
    "Pass Phrase",
]

INNOCENT = ["topic", "accounts", "pairingTopic", "publicKey", "tokenSymbol", "tokens", "name", "pinned", "author", ""]


@pytest.mark.parametrize("name", FOUND)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", [*INNOCENT, None, 5])
def test_what_is_none_is_kept(name: object) -> None:
    assert not is_secret(name)


def wrapped(inner: Any, shape: str) -> Any:
    return {"object": {"inside": inner, "beside": 1}, "list": [1, inner], "pair of lists": [[inner], []]}[shape]


@pytest.mark.parametrize("clean", [without_secrets, anonymous])
@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_no_secret_field_comes_through_at_any_depth(name: str, depth: int, clean: Any) -> None:
    for shapes in itertools.product(["object", "list", "pair of lists"], repeat=depth):
        for value in (CANARY, [CANARY], {"deeper": CANARY}, 7_654_321):
            planted: Any = {name: value, "kept": True}
            for shape in shapes:
                planted = wrapped(planted, shape)
            text = json.dumps(clean(planted))
            assert CANARY not in text
            assert "7654321" not in text
            assert '"kept": true' in text


@pytest.mark.parametrize("name", FOUND)
def test_a_pair_of_a_secret_s_name_and_its_value_loses_the_value(name: str) -> None:
    assert without_secrets({"entries": [[name, CANARY], ["topic", "kept"]]}) == {
        "entries": [[name, GONE], ["topic", "kept"]]
    }


def test_a_copy_is_made_and_the_rest_stays_as_it_is() -> None:
    session = {
        "topic": TOPIC,
        "accounts": [ACCOUNT],
        "peer": {"metadata": {"name": "Wallet", "url": "https://w.example/?a=b", "redirect": {"native": "wc:"}}},
        "expiry": 1_700_000_000_000,
        "nothing": None,
        "flag": False,
        "share": 0.5,
    }
    before = json.dumps(session)
    assert without_secrets(session) == session
    without_secrets({**session, "symKey": CANARY})
    assert json.dumps(session) == before


@pytest.mark.parametrize(
    "text",
    [
        f"symKey={CANARY}",
        f"relay?auth=1&symKey={CANARY}&x=1",
        f'{{"client_ed25519_seed":"{CANARY}"}}',
        json.dumps(json.dumps({"a": {"privateKey": CANARY}})),
        f"password: {CANARY}",
        f"the passphrase = '{CANARY} with spaces'",
        f'mnemonic: "{CANARY} word word"',
        URI.replace("c" * 64, CANARY),
        f"AGE-SECRET-KEY-1{CANARY}",
        f"eyJhbGciOiJFZERTQSJ9.{CANARY}.x",
        f"token={CANARY}",
        f"my_auth_token: {CANARY}",
    ],
)
@pytest.mark.parametrize("clean", [secrets_removed, anonymous_text])
def test_what_looks_like_a_secret_in_a_text_is_replaced(text: str, clean: Any) -> None:
    assert CANARY not in clean(text)


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("clean", [secrets_removed, anonymous_text])
def test_no_secret_comes_through_in_a_text_of_json(name: str, clean: Any) -> None:
    for value in (CANARY, {"topic": CANARY}, [CANARY]):
        planted: Any = {"kept": "kept", "deep": {name: value}}
        for _ in range(3):
            text = clean(json.dumps(planted))
            assert CANARY not in text
            assert "kept" in text
            planted = json.dumps(planted)


def test_the_words_of_a_wallet_are_taken_out_and_prose_is_not() -> None:
    words = "abandon ability able about above absent absorb abstract absurd abuse access accident"
    assert secrets_removed(f"It is {words}.") == f"It is {GONE}."
    prose = "The wallet did not answer in time, so the page will try to reach it again when the relay is there."
    assert secrets_removed(prose) == prose


@pytest.mark.parametrize(
    "private",
    [
        TOPIC,
        TOPIC.upper(),
        ACCOUNT,
        ACCOUNT.rpartition(":")[2],
        "eip155:1:0x52908400098527886E0F7030069857D2E4169EE7",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
        "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",
        "https://wallet.example/icon.png?user=1",
        "wss://relay.example/?auth=x",
        URI,
    ],
)
def test_what_names_somebody_does_not_come_through(private: str) -> None:
    for text in (private, f"Before {private} after.", f'{{"a":"{private}"}}', f"x={private}"):
        assert private not in anonymous_text(text)
    assert private not in json.dumps(anonymous({private: 1, "list": [{"deep": private}]}))


def test_what_our_own_errors_keep_of_a_topic_goes_too() -> None:
    assert anonymous_text("Session 01234567: it failed (0123abcd…).") == f"Session {GONE}: it failed ({GONE})."
    assert anonymous_text("01234567") == "01234567"


def test_an_anonymous_text_is_one_short_line() -> None:
    assert anonymous_text("No answer\n in  time.") == "No answer in time."
    assert len(anonymous_text("word, " * 10_000)) == 200


@pytest.mark.parametrize(
    "hostile",
    [
        "symKey" * 20_000,
        "wc:" * 50_000,
        "a" * 200_000,
        "-eyJ" * 50_000,
        "abc   " * 30_000,
        "[[" * 50_000,
        "\\" * 100_000,
    ],
    ids=["names", "uris", "letters", "tokens", "short words", "brackets", "backslashes"],
)
def test_hostile_texts_are_read_in_no_time(hostile: str) -> None:
    assert len(anonymous_text(hostile)) <= 200
    secrets_removed(hostile)


EXAMPLES = json.loads((Path(__file__).parents[1] / "fixtures" / "secrets.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("given", "left"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_that_typescript_is_held_to(given: Any, left: Any) -> None:
    assert without_secrets(given) == left
    assert "canary" not in json.dumps(left).lower()
