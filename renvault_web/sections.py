"""The state of the services as a page sees it: one JSON text for each thing that changes on its own.

All of it is asked for anew each time, so that no change is missed, whoever made it. Only the text of a session, which
is most of the work, is kept for as long as its session is the very same object with the same status: sessions are
never changed, only replaced.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import wire
from .errors import NotStartedError

if TYPE_CHECKING:
    from .manager import SessionManager
    from .ports import Json
    from .session import SessionStatus, WalletSession


class Sections:
    """The sections of one page."""

    def __init__(self, manager: SessionManager) -> None:
        self._manager = manager
        self._sessions: dict[str, tuple[WalletSession, SessionStatus | None, str]] = {}

    def texts(self) -> dict[str, str]:
        """Return each section as it is now, as JSON."""
        others = {name: json.dumps(section) for name, section in self._others().items()}
        return {"sessions": self._all_sessions(), **others}

    def _all_sessions(self) -> str:
        before, self._sessions = self._sessions, {}
        for session in self._manager.get_all_sessions():
            topic = session.topic
            status = self._manager.session_status(topic)
            made = before.get(topic)
            if made is None or made[0] is not session or made[1] is not status:
                made = session, status, json.dumps(wire.session_to_js(session, status))
            self._sessions[topic] = made
        return f"[{', '.join(text for _, _, text in self._sessions.values())}]"

    def _others(self) -> Json:
        manager = self._manager
        reconnection = manager.reconnection
        primary = manager.get_primary_session()
        return {
            "stored": self._stored_topics(),
            "primary": None if primary is None else primary.topic,
            "stats": wire.session_stats_to_js(manager.integration.get_session_stats()),
            "storage": wire.storage_statistics_to_js(manager.get_storage_stats()),
            "storageConfig": wire.storage_config_to_js(manager.storage.get_config()),
            "reconnection": wire.reconnection_status_to_js(reconnection.get_status()),
            "reconnectionConfig": wire.reconnection_config_to_js(reconnection.get_config()),
            "online": reconnection.is_online_now(),
        }

    def _stored_topics(self) -> list[str]:
        try:
            return [session.topic for session in self._manager.storage.retrieve_all_sessions()]
        except NotStartedError:
            return []
