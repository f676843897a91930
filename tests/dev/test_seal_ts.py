"""TypeScript's half of the record format, held to the vectors that Python is held to (tests/unit/test_record.py)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from dev import setup

SCRIPT = Path(__file__).parents[1] / "fixtures" / "check_record_vectors.mjs"


def test_typescript_reads_and_writes_the_same_records() -> None:
    done = subprocess.run([setup.node(), SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == {"checked": 23, "wrong": []}
