"""When the late services (``late_services``) come: imported at their first use, begun once the page has been drawn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .errors import MigrationError
from .legacy_keys import PREFERENCES, pending_session_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from .integration import WalletKitSessionIntegration
    from .late_services import LateServices
    from .parts import Parts
    from .ports import Storage, Unsubscribe
    from .reconnection import AutomaticReconnectionService
    from .storage import EncryptedSessionStorage


class Late:
    """The late services of one manager, from their import to their end.

    Args:
        make: imports and makes them.
        parts: where what fails is a problem.
        changed: called after each change that a view could show.

    """

    def __init__(self, *, make: Callable[[], LateServices], parts: Parts, changed: Callable[[], None]) -> None:
        self._make = make
        self._parts = parts
        self._changed = changed
        self._made: LateServices | None = None
        self._begun = False
        self._honoured = False  # the old settings have been looked at
        self._ends: list[Unsubscribe] = []
        self._rotation: asyncio.Task[None] | None = None

    @property
    def services(self) -> LateServices:
        """The services, imported when this is first read."""
        if self._made is None:
            self._made = self._make()
        return self._made

    async def begin(
        self,
        sessions: EncryptedSessionStorage,
        integration: WalletKitSessionIntegration,
        reconnection: AutomaticReconnectionService,
    ) -> None:
        """Follow what happens from now on, and go on with a rotation of the key. A second call does nothing."""
        if self._begun:
            return
        self._begun = True
        history, migration = self.services.history, self.services.migration
        await self._parts.attempt("history", history.open())
        self._ends += [history.follow(integration, reconnection), migration.subscribe(self._changed)]

        def note(part: str, problem: str) -> None:
            history.note("problem", part=part, problem=problem)

        for known in self._parts.problems.items():
            note(*known)
        self._ends.append(self._parts.on_problem(note))
        self._rotation = asyncio.ensure_future(self._rotate(sessions))
        self._changed()

    async def _rotate(self, sessions: EncryptedSessionStorage) -> None:
        await self._parts.attempt("key rotation", sessions.resume_rotation())

    async def migrate(self, storage: Storage, reconnection: AutomaticReconnectionService) -> None:
        """Bring the sessions of older builds along, where the names of what is stored say that there are any.

        A user who chose in an older build not to be connected without being asked is not reconnected by itself, unless
        the host says or has said whether to.

        Raises ``MigrationError`` where it has to be tried again; single sessions that stay are no problem.
        """
        keys = storage.keys()
        if PREFERENCES in keys and not self._honoured:
            self._honoured = True
            if "enabled" not in reconnection.chosen and self.services.migration.auto_connect is False:
                reconnection.update_config(enabled=False)
        if not pending_session_keys(keys):
            return
        migration, history = self.services.migration, self.services.history
        report = await migration.run_startup_migration()
        if report is None:
            return
        if report.migrated_count:
            history.note("migration", sessions=report.migrated_count)
        if not migration.get_migration_status().has_migrated:
            errors = [detail.error for detail in report.details if detail.error]
            raise MigrationError(errors[0] if errors else "The migration did not come to its end.")

    async def end(self, *, write: bool = True) -> None:
        """Follow nothing more, having written what is not written yet, if it is to be; ``begin`` begins anew."""
        if not self._begun:
            return
        self._begun = False
        for end in self._ends:
            end()
        self._ends.clear()
        if self._rotation is not None:
            self._rotation.cancel()
        if write:
            await self.services.history.flush()
        self.services.history.close()

    def forget(self) -> None:
        """Know nothing more of what happened, once followed no more."""
        if self._made is not None:
            self._made.history.forget()
