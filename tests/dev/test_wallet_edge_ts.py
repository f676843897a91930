"""What a wallet sent, made safe where it leaves the SDK: web/src/wallet-json.ts and web/src/wallet-calls.ts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dev import setup

SCRIPT = Path(__file__).parents[1] / "fixtures" / "check_wallet_edge.mjs"
OPTIONS = ("--experimental-transform-types", "--disable-warning=ExperimentalWarning")


@pytest.fixture(scope="module")
def told() -> Any:
    command: list[str | Path] = [setup.node(), *OPTIONS, SCRIPT]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)


def test_a_session_brings_at_most_a_thousand_accounts(told: Any) -> None:
    assert told["accounts"] == [1000, "eip155:1:299", 700, 300]
    assert told["rest"] == [1000, "odd", 7]
    assert told["ordinary"] == {"stacks": {"accounts": ["x"], "methods": []}}


def test_texts_of_the_metadata_are_cut_and_addresses_that_are_too_long_left_out(told: Any) -> None:
    assert told["metadata"] == [2000, 2000, 0, [f"icon {number}" for number in range(8)]]


def test_an_event_brings_at_most_a_thousand_texts_in_a_list(told: Any) -> None:
    assert told["event"] == [1000, 5000, 65_536]


def test_whatever_is_thrown_becomes_an_error_of_ours(told: Any) -> None:
    assert told["errors"] == [
        *[["wallet", "Unknown error."]] * 4,
        ["wallet", "text"],
        ["wallet", 2000],
    ]
    assert told["known"] == [
        ["expired", "The wallet client has expired."],
        ["gone", "The wallet client is not known to the wallet client. Connect again."],
    ]


def test_only_our_own_storage_is_known_to_seal_the_keys(told: Any) -> None:
    assert told["sealed"] == [True, False, False, False, False]


def test_whatever_a_wallet_refuses_with_becomes_an_error_of_ours(told: Any) -> None:
    assert told["refusals"] == [
        ["refused", "The wallet refused: Unknown error."],
        ["refused", "The wallet refused: No."],
        ["refused", 2020],
    ]
