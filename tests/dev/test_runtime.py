"""The trimmed standard library has what the product's sources ask for by name only when they run."""

from __future__ import annotations

import ast
import encodings
from typing import TYPE_CHECKING

from dev.runtime import ENCODINGS, product_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

CODING = {"encode", "decode"}


def encodings_named(tree: ast.AST) -> Iterator[str]:
    """The encodings of all ``x.encode(…)``, ``x.decode(…)``, ``str(x, …)`` and ``bytes(x, …)``."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        if isinstance(call.func, ast.Attribute) and call.func.attr in CODING:
            place = 0
        elif isinstance(call.func, ast.Name) and call.func.id in ("str", "bytes", "bytearray"):
            place = 1
        else:
            continue
        given = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "encoding")]
        yield from (name.value for name in given if isinstance(name, ast.Constant) and isinstance(name.value, str))


def test_every_encoding_that_the_product_names_is_in_the_page() -> None:
    named = {name for source in product_sources() for name in encodings_named(ast.parse(source.read_text()))}
    assert named, "the product names encodings, or this test looks at nothing"
    built_in = {"utf_16"}  # encoded by `str.encode` itself, without a module
    assert {encodings.normalize_encoding(name) for name in named} <= {*ENCODINGS, *built_in}


def test_encodings_are_found_however_they_are_given() -> None:
    tree = ast.parse("a.encode('one', 'strict'); str(b, 'two'); bytes(c, encoding='three'); d.decode(); int(e, 'no')")
    assert set(encodings_named(tree)) == {"one", "two", "three"}
