from __future__ import annotations

import pytest

from renvault_web.diagnosis import diagnose
from renvault_web.views.copy import advice_on

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
    assert diagnose(online=online, failed_attempts=failed_attempts) == cause
    assert advice_on(cause) == advice
