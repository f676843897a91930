"""Whatever a structure looks like: no secret field comes through, and the rest stays."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from renvault_web.debug import fits
from renvault_web.redaction import SECRET_NAMES, anonymous, anonymous_text, is_secret, secrets_removed, without_secrets

CANARY = "canary-in-a-coal-mine"

secret_names = st.sampled_from(SECRET_NAMES).flatmap(
    lambda name: st.sampled_from([name, name.upper(), f"my_{name}", f"{name}Hex", f"{name}-1"])
)
plain_names = st.text(alphabet="bcfghlmqrvxz", max_size=6)
leaves = st.none() | st.booleans() | st.integers() | st.text(alphabet="bcfghlmqrvxz {}[]", max_size=20)
plain = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_names, inner, max_size=4), max_leaves=10
)


@st.composite
def planted(draw: st.DrawFn) -> Any:
    """A structure with a secret somewhere inside."""
    inner: Any = {draw(secret_names): draw(st.sampled_from([CANARY, [CANARY], {"a": CANARY}, [[CANARY]]]))}
    for _ in range(draw(st.integers(0, 6))):
        beside = draw(plain)
        inner = draw(st.sampled_from([[inner, beside, 1], [beside, inner, 1], {"x": inner, "y": beside}]))
    return inner


@given(planted())
def test_no_secret_field_comes_through(value: Any) -> None:
    assert CANARY not in json.dumps(without_secrets(value))
    assert CANARY not in json.dumps(anonymous(value))
    assert CANARY not in secrets_removed(json.dumps(value))


@given(plain)
def test_what_is_no_secret_stays_as_it_is(value: Any) -> None:
    assert without_secrets(value) == value


@given(st.text())
def test_any_text_becomes_one_short_line_and_stays_so(text: str) -> None:
    once = anonymous_text(text)
    assert len(once) <= 200
    assert "\n" not in once
    assert anonymous_text(once) == once


@given(st.text())
def test_a_name_is_a_secret_in_any_case(name: str) -> None:
    if name.isascii():
        assert is_secret(name) == is_secret(name.upper()) == is_secret(f"_{name}-")


@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=8))
def test_stars_mean_what_a_regular_expression_would(pattern: str, name: str) -> None:
    expected = re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None
    assert fits(pattern, name) is expected
