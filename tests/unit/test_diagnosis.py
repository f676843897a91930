from __future__ import annotations

import pytest

from renvault_web.diagnosis import Diagnosis, diagnose, presentable

UNREACHABLE = (
    "Couldn't reach the relay. It may be down, or your network may block it. Check your connection, then try again."
)


@pytest.mark.parametrize(
    ("online", "failed_attempts", "cause", "advice"),
    [
        (False, 0, "offline", "Your network does not answer. Check your internet connection."),
        (False, 3, "offline", "Your network does not answer. Check your internet connection."),
        (True, 0, "connection_lost", "Not connected to the relay. We'll reconnect automatically."),
        (True, 1, "relay_unreachable", UNREACHABLE),
    ],
)
def test_the_cause_follows_from_what_was_seen(online: bool, failed_attempts: int, cause: str, advice: str) -> None:
    assert diagnose(online=online, failed_attempts=failed_attempts) == Diagnosis(cause, advice)


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
