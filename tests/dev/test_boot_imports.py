"""What a page imports before its first picture: what can wait is not among it, and what cannot is."""

import subprocess
import sys

from dev.steps import ROOT

BOOT = """
import sys, renvault_web.gateway, renvault_web.manager
print(*(name.removeprefix("renvault_web.") for name in sys.modules if name.startswith("renvault_web.")))
"""

LATE = {
    "backups",
    "chronicle",
    "debug",
    "diagnostics",
    "exchange",
    "forgetting",
    "history",
    "imports",
    "known_account",
    "late_gateway",
    "late_services",
    "late_wire",
    "legacy",
    "migration",
    "migration_report",
    "old_storage",
    "redaction",
    "rotation",
    "upkeep",
    "verification",
}


def test_the_boot_imports_none_of_what_comes_late() -> None:
    ended = subprocess.run([sys.executable, "-c", BOOT], cwd=ROOT, check=True, capture_output=True, text=True)
    imported = set(ended.stdout.split())
    assert {"storage", "integration", "reconnection", "presenter", "late", "legacy_keys"} <= imported
    assert imported & LATE == set()


def test_everything_that_comes_late_is_a_module_of_ours() -> None:
    assert {name for name in LATE if not (ROOT / "renvault_web" / f"{name}.py").is_file()} == set()
