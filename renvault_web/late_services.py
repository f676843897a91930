"""What a page does not need for its first picture: migration, exchange, event history, diagnostics.

Imported when one of them is first used, or once the page has been drawn, so that none of it delays the boot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .diagnostics import diagnostics
from .exchange import SessionExchange
from .history import EventHistory
from .jsontext import write_json
from .legacy_keys import pending_session_keys
from .migration import SessionMigrationService
from .texts import texts_under

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .integration import WalletKitSessionIntegration
    from .ports import Cipher, Clock, Json, PassphraseFile, SdkStore, Storage
    from .reconnection import AutomaticReconnectionService
    from .storage import EncryptedSessionStorage


class LateServices:
    """The services that come late, each made once.

    Args:
        clock, storage, cipher, sdk, files: the outside (``ports``).
        sessions, integration, reconnection: the services that were there before.

    """

    def __init__(
        self,
        *,
        clock: Clock,
        storage: Storage,
        cipher: Cipher,
        sdk: SdkStore | None,
        files: PassphraseFile | None,
        sessions: EncryptedSessionStorage,
        integration: WalletKitSessionIntegration,
        reconnection: AutomaticReconnectionService,
    ) -> None:
        self._clock = clock
        self._storage = storage
        self._sdk = sdk
        self._sessions = sessions
        self._integration = integration
        self._reconnection = reconnection
        self.migration = SessionMigrationService(storage=storage, sessions=sessions, cipher=cipher, clock=clock)
        self.history = EventHistory(storage=storage, cipher=cipher, clock=clock, sessions=sessions)
        self.exchange = SessionExchange(
            clock=clock,
            sessions=sessions,
            integration=integration,
            storage=storage,
            cipher=cipher,
            sdk=sdk,
            files=files,
        )

    def old_texts(self) -> dict[str, str]:
        """Return what lies under the storage keys that count as old sessions now, by these."""
        return texts_under(self._storage, pending_session_keys(self._storage.keys()))

    def text(self, key: str) -> str | None:
        """Return what lies under a storage key, as it is; None where there is nothing."""
        return self._storage.get(key)

    async def export_diagnostics(self, problems: Mapping[str, str], page: Json | None) -> str:
        """Return how everything stands, as one redacted JSON text."""
        told = await diagnostics(
            clock=self._clock,
            storage=self._sessions,
            integration=self._integration,
            reconnection=self._reconnection,
            history=self.history,
            migration=self.migration,
            sdk=self._sdk,
            problems=problems,
            page=page,
        )
        return write_json(told)
