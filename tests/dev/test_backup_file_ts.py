"""A backup file that somebody else made: neither its size nor what its passphrase would cost stops the page."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dev import setup

SCRIPT = Path(__file__).parents[1] / "fixtures" / "check_backup_file.mjs"
OPTIONS = ("--experimental-transform-types", "--disable-warning=ExperimentalWarning")


@pytest.fixture(scope="module")
def told() -> Any:
    command: list[str | Path] = [setup.node(), *OPTIONS, SCRIPT]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout)


def test_a_passphrase_that_would_cost_more_than_ages_own_is_not_tried(told: Any) -> None:
    assert told["opening"] == {
        "1": "passphrase",
        **dict.fromkeys(("19", "20", "99", "odd salt"), "work"),
    }


def test_a_file_that_is_too_large_is_not_read(told: Any) -> None:
    large = "import: The file has 16777217 bytes; a backup has 16777216 at most."
    assert told["sized"] == {
        "a blob": 2,
        "a large blob": large,
        "bytes": 2,
        "many bytes": large,
        "a large buffer": large,
        "text": "import: A backup file is a Uint8Array, an ArrayBuffer or a Blob.",
    }
    assert told["reads"] == 1
