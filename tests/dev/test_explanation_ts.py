"""The answer to "why was I disconnected?": what a page makes of the lines reads as Python's own does."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from dev import setup
from dev.steps import ROOT
from renvault_web.chronicle import entry, explain, explanations
from renvault_web.late_wire import line_to_js

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000.0
AGES = (-5, 0, 0.5, 1, 59.5, 60, 119, 3_600, 7_200, 86_399, 86_400, 864_000)

SCRIPT = """
import { explain } from "%s";
const { entries, now } = JSON.parse(process.argv[1]);
console.log(JSON.stringify(explain(entries, now)));
"""


def test_the_lines_are_the_same_in_both_languages() -> None:
    noted = [entry(NOW - age, "session_deleted", {"topic": "t", "by": "wallet"}) for age in reversed(AGES)]
    given = json.dumps({"entries": [line_to_js(line) for line in explanations(noted)], "now": NOW * 1000})
    script = SCRIPT % (ROOT / "web" / "src" / "explanation.ts").as_uri()
    command: list[str | Path] = [setup.node(), "--input-type=module", "-e", script, given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert tuple(json.loads(done.stdout)) == explain(noted, NOW)
