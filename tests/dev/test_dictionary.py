"""The dictionary of compressed records: made from synthetic sessions, the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

from dev import dictionary
from dev.steps import ROOT

TEN_SESSIONS = json.loads((Path(__file__).parents[1] / "fixtures" / "ten-sessions.json").read_text())


def test_the_dictionary_is_what_its_script_makes() -> None:
    made = dictionary.module(dictionary.make())
    assert made == (ROOT / "renvault_web" / "dictionary.py").read_text()


def test_the_dictionary_fits_a_window_and_holds_no_packed_byte() -> None:
    made = dictionary.make()
    assert 1024 < len(made) <= dictionary.SIZE <= 32 * 1024
    assert max(made) < 0x80


def test_nothing_of_a_measured_sessions_own_is_in_the_dictionary() -> None:
    made = dictionary.make().decode()
    for found in TEN_SESSIONS:
        session = found["session"]
        own = [session["topic"], session["pairingTopic"], session["peer"]["publicKey"], *session["accounts"]]
        assert not [text for text in own if text.rpartition(":")[2][4:12] in made]


def test_half_of_the_measured_peers_are_not_among_the_dictionarys() -> None:
    known = {name for name, *_ in dictionary.PEERS}
    peers = [found["session"]["peer"]["metadata"]["name"] for found in TEN_SESSIONS]
    assert [name for name in peers if name not in known] == [
        "Solflare & EVM",
        "OneKey",
        "Satoshi Savings Circle",
        "Jupiter",
        "Osmosis",
    ]
