"""TypeScript's redaction, held to the examples that Python's is held to (tests/unit/test_redaction.py)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from dev import setup

FIXTURES = Path(__file__).parents[1] / "fixtures"


def test_typescript_takes_out_the_same() -> None:
    command = [setup.node(), FIXTURES / "check_without_secrets.mjs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    examples = json.loads((FIXTURES / "secrets.json").read_text())
    assert json.loads(done.stdout) == {"checked": len(examples), "wrong": []}
