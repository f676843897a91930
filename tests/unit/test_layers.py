"""The arrows of the house point down. A new module gets its layer here."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import renvault_web

PACKAGE = Path(renvault_web.__file__).parent

LAYERS: list[set[str]] = [
    {"errors", "ports"},
    {
        "jsontext",
        "session",
        "record",
        "compression",
        "dictionary",
        "stored",
        "storage_view",
        "reconnect",
        "signals",
        "diagnosis",
        "error_text",
        "log_text",
        "session_changes",
        "legacy",
        "legacy_keys",
        "migration_report",
        "known_account",
        "redaction",
        "chronicle",
        "imports",
        "debug",
        "wire",
        "late_wire",
    },  # pure
    {"views", "supervision"},  # pure too, with the words that people read
    {
        "timing",
        "events",
        "parts",
        "callbacks",
        "sealing",
        "aside",
        "texts",
        "old_storage",
        "rotation",
        "room",
        "turns",
        "following",
        "record_store",
        "plain_records",
        "verification",
        "forgetting",
    },  # what the services share
    {
        "storage",
        "upkeep",
        "integration",
        "reconnection",
        "manager",
        "session_book",
        "session_ledger",
        "session_writer",
        "backups",
        "migration",
        "history",
        "exchange",
        "diagnostics",
        "late_services",
        "late",
    },
    {
        "late_gateway",
        "commands",
        "sections",
        "presenter",
        "gateway",
        "testing",
        "testing_sdk",
        "testing_stores",
        "testing_files",
    },
    {"browser"},
]
PURE = LAYERS[0] | LAYERS[1] | LAYERS[2]
UNPURE = {"time", "random", "asyncio", "datetime", "secrets", "threading", "js", "pyodide"}


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name within it."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


MODULES = modules()


def imports(name: str) -> set[str]:
    """What the module imports: ``.x`` of ours, ``x`` of others; imports for types alone count too."""
    is_package = (PACKAGE / Path(*name.split("."))).is_dir()
    here = name.split(".") if is_package else name.split(".")[:-1]
    found = set()
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1]
            if node.module:
                found.add("." + ".".join([*base, node.module]))
            else:
                found |= {"." + ".".join([*base, alias.name]) for alias in node.names}
    return found


def layer(name: str) -> int:
    top = name.split(".")[0]
    for number, members in enumerate(LAYERS):
        if top in members:
            return number
    raise AssertionError(f"The module {name} has no layer yet: add it to LAYERS.")


NAMES = sorted(name for name in MODULES if name)


@pytest.mark.parametrize("name", NAMES)
def test_a_module_imports_downward_or_beside_it(name: str) -> None:
    upward = {other for other in imports(name) if other.startswith(".") and layer(other[1:]) > layer(name)}
    assert upward == set()


@pytest.mark.parametrize("name", NAMES)
def test_only_the_browser_s_adapters_know_javascript(name: str) -> None:
    foreign = {other.split(".")[0] for other in imports(name)} & {"js", "pyodide", "renvault_bridge"}
    assert layer(name) == len(LAYERS) - 1 or foreign == set()


@pytest.mark.parametrize("name", [name for name in NAMES if name.split(".")[0] in PURE])
def test_a_pure_module_has_no_clock_no_chance_and_no_tasks(name: str) -> None:
    assert {other.split(".")[0] for other in imports(name)} & UNPURE == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_module_needs_the_standard_library_alone(name: str) -> None:
    others = {other.split(".")[0] for other in imports(name) if not other.startswith(".")}
    assert others - set(sys.stdlib_module_names) - {"js", "pyodide", "renvault_bridge"} == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_one_idea_with_a_docstring(name: str) -> None:
    assert ast.get_docstring(MODULES[name])
    path = PACKAGE.joinpath(*name.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(source.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_two_modules_need_each_other() -> None:
    needs = {name: {o[1:] for o in imports(name) if o.startswith(".") and o[1:] in MODULES} for name in NAMES}
    while free := {name for name, others in needs.items() if not others & needs.keys()}:
        for name in free:
            del needs[name]
    assert needs == {}
