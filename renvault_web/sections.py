"""The state of the services as a page sees it: one JSON-ready section for each thing that changes on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import wire
from .errors import NotStartedError

if TYPE_CHECKING:
    from .manager import SessionManager
    from .ports import Json


def sections_of(manager: SessionManager) -> Json:
    """Return the sections as they are now."""
    integration, reconnection = manager.integration, manager.reconnection
    primary = integration.get_primary_session()
    return {
        "sessions": [
            wire.session_to_js(session, integration.session_status(session.topic))
            for session in integration.get_all_sessions()
        ],
        "stored": _stored_topics(manager),
        "primary": None if primary is None else primary.topic,
        "stats": wire.session_stats_to_js(integration.get_session_stats()),
        "storage": wire.storage_statistics_to_js(manager.get_storage_stats()),
        "storageConfig": wire.storage_config_to_js(manager.storage.config),
        "reconnection": wire.reconnection_status_to_js(reconnection.get_status()),
        "reconnectionConfig": wire.reconnection_config_to_js(reconnection.get_config()),
        "online": reconnection.is_online_now(),
    }


def _stored_topics(manager: SessionManager) -> list[str]:
    try:
        return [session.topic for session in manager.storage.retrieve_all_sessions()]
    except NotStartedError:
        return []
