"""docs/promises.md is honest: no number is missing, and every test it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAST_NUMBER = {
    "INT": 9, "REC": 12, "STO": 12, "MIG": 5, "MGR": 5, "BAN": 3, "DSH": 6, "EMB": 7, "PAGE": 3, "SEC": 4, "PRF": 5,
}  # fmt: skip

STATES = {"kept", "partly", "not yet"}

ROW = re.compile(r"^\| ([A-Z]+-\d+) \| ([^|]+?) \| ([^|]+?) \| ([^|]*?) \|$", re.MULTILINE)

ROWS = {
    number: (promise, state, tests)
    for number, promise, state, tests in ROW.findall((ROOT / "docs/promises.md").read_text("utf-8"))
}


def named_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_promise_has_its_line() -> None:
    assert list(ROWS) == [f"{area}-{n}" for area, last in LAST_NUMBER.items() for n in range(1, last + 1)]


@pytest.mark.parametrize("number", ROWS)
def test_the_state_fits_what_stands_beside_it(number: str) -> None:
    promise, state, tests = ROWS[number]
    assert promise
    assert state in STATES
    assert bool(named_in(tests)) == (state != "not yet"), "a promise is kept where a test shows it"


@pytest.mark.parametrize("name", sorted({name for _, _, tests in ROWS.values() for name in named_in(tests)}))
def test_the_test_named_exists(name: str) -> None:
    path, _, function = name.partition("::")
    assert (ROOT / "tests" / path).is_file()
    assert function in functions_of(ROOT / "tests" / path)
