"""``dev check``: format, lint and types, of Python and TypeScript; every finding is shown, not the first alone."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from dev import setup
from dev.steps import ROOT, clean_environment, say

if TYPE_CHECKING:
    from pathlib import Path


def main() -> int:
    """Run every check; return 1 where one found something."""
    return 1 if failed() else 0


def failed() -> list[str]:
    """Run every check, show what it finds; return the names of those that found something."""
    python: list[str | Path] = [setup.PYTHON, "-m"]
    tsc = ROOT / "web" / "node_modules" / "typescript" / "bin" / "tsc"
    checks: dict[str, list[str | Path]] = {
        "ruff format": [*python, "ruff", "format", "--check", "--quiet", "."],
        "ruff check": [*python, "ruff", "check", "--quiet", "."],
        "mypy": [*python, "mypy", "--no-error-summary"],
        "tsc (web)": [setup.node(), tsc, "--noEmit", "-p", "web"],
        "tsc (tests)": [setup.node(), tsc, "--noEmit", "-p", "tests/page"],
    }
    say("checking format, lint and types")
    found = [
        name
        for name, command in checks.items()
        if subprocess.run(command, cwd=ROOT, env=clean_environment(), check=False).returncode != 0
    ]
    for name in found:
        say(f"{name} found something")
    return found
