"""What holds for whatever comes in. These tests need hypothesis and run on CPython alone."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from renvault_web.errors import WalletError
from renvault_web.session import parse_session, to_json

texts = st.text(max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
accounts = st.lists(texts | st.just("stacks:1:SP000"), max_size=3)
sessions = st.fixed_dictionaries(
    {"topic": st.text(min_size=1, max_size=8), "expiry": st.floats(0, 1e16, exclude_max=True) | st.integers(0, 10**15)},
    optional={
        "pairingTopic": texts,
        "peer": st.dictionaries(texts, texts, max_size=2),
        "accounts": accounts,
        "chainId": texts,
        "namespaces": st.dictionaries(texts, st.fixed_dictionaries({"accounts": accounts}), max_size=2),
        "permissions": st.lists(texts, max_size=2),
        "status": texts,
    },
)


@given(sessions)
def test_a_session_survives_any_number_of_writings(data: dict[str, Any]) -> None:
    once = parse_session(data)
    assert parse_session(json.loads(json.dumps(to_json(once)))) == once


@given(
    anything | st.dictionaries(st.sampled_from(["topic", "expiry", "peer", "accounts", "namespaces", "x"]), anything)
)
def test_whatever_comes_in_is_a_session_or_a_wallet_error(data: object) -> None:
    with contextlib.suppress(WalletError):
        parse_session(data)
