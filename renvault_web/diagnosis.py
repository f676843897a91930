"""Why the connection is away: one cause, a word for programs. Pure: judged from what was seen, not from guesses."""

from __future__ import annotations

OFFLINE = "offline"
RELAY_UNREACHABLE = "relay_unreachable"
CONNECTION_LOST = "connection_lost"


def diagnose(*, online: bool, failed_attempts: int) -> str:
    """Tell why there is no connection, given the network's word and how many attempts failed since the loss."""
    if not online:
        return OFFLINE
    return RELAY_UNREACHABLE if failed_attempts else CONNECTION_LOST
