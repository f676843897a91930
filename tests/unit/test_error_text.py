"""renvault_web.error_text: no secret in what is shown, and no time lost on hostile texts."""

from __future__ import annotations

import pytest

from renvault_web.error_text import presentable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("two\n  lines\t", "two lines"),
        (
            "WebSocket connection failed for host: wss://relay.example/?auth=eyJhbGciOi.J9.x&projectId=1",
            "WebSocket connection failed for host: wss://relay.example/",
        ),
        ("pair WSS://Relay.example:1/p#key=1 'wc:ab@2?symKey=cd' end", "pair WSS://Relay.example:1/p 'wc:…' end"),
        ("token eyJhbGciOiJFZERTQSJ9.eyJp-c3Mi.sig_nature was refused", "token (token) was refused"),
        (f"session topic doesn't exist: {'0123456789ABCDEF' * 4}", "session topic doesn't exist: 01234567…"),
        ("is it?yes", "is it?yes"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
    ],
)
def test_an_error_text_is_shown_without_secrets(text: str, shown: str) -> None:
    assert presentable(text) == shown


def test_a_giant_text_is_cut_before_it_is_searched() -> None:
    # Searched whole, each of these takes minutes: the patterns look ahead from every place.
    assert presentable("a." * 1_000_000) == ("a." * 100)[:199] + "…"
    assert len(presentable("eyJ-" * 1_000_000)) == 200
