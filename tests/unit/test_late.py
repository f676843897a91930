"""renvault_web.late: the late services of a manager come once, follow what happens, and end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from old_builds import single

from renvault_web.errors import ConfigError, MigrationError, StorageError
from renvault_web.late import Late
from renvault_web.legacy_keys import PREFERENCES, SESSION
from renvault_web.manager import SessionManager
from renvault_web.parts import Parts
from renvault_web.reconnect import ReconnectionConfig
from renvault_web.testing import (
    START,
    FakeCipher,
    FakeNetwork,
    FakeSdkStore,
    FakeWallet,
    ManualClock,
    MemoryStorage,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from renvault_web.late_services import LateServices


class Here:
    def __init__(self, storage: MemoryStorage | None = None) -> None:
        self.clock = ManualClock()
        self.memory = storage or MemoryStorage()
        self.cipher = FakeCipher(clock=self.clock)
        self.manager = SessionManager(
            clock=self.clock, storage=self.memory, cipher=self.cipher, network=FakeNetwork(), sdk=FakeSdkStore()
        )
        self.made = 0
        self.changes = 0
        self.parts = Parts()
        self.late = Late(make=self._make, parts=self.parts, changed=self._count)

    async def begin(self) -> None:
        await self.manager.storage.open()
        await self.late.begin(self.manager.storage, self.manager.integration, self.manager.reconnection)

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.late.services.history.entries()]

    def _make(self) -> LateServices:
        self.made += 1
        return self.manager.late_services

    def _count(self) -> None:
        self.changes += 1


async def test_the_services_are_made_once_when_they_are_needed() -> None:
    here = Here()
    assert here.made == 0
    await here.late.migrate(here.memory, here.manager.reconnection)
    assert here.made == 0, "no old names, nothing to import"
    assert here.late.services is here.late.services
    assert here.made == 1


async def test_begun_they_are_told_of_what_happened_before() -> None:
    here = Here()
    await here.parts.attempt("storage", _fails())
    await here.begin()
    await here.begin()
    assert here.kinds() == ["page_started", "problem"]
    await here.late.end()


async def test_begun_they_are_told_of_parts_that_fail_later_until_their_end() -> None:
    here = Here()
    await here.begin()
    await here.parts.attempt("migration", _fails())
    noted = here.late.services.history.entries()[-1]
    assert (noted.kind, dict(noted.facts)) == ("problem", {"part": "migration", "problem": "No room."})
    await here.late.end()
    await here.parts.attempt("integration", _fails())
    assert here.kinds() == ["page_started", "problem"]


async def test_ended_what_happened_is_written_and_nothing_is_followed() -> None:
    here = Here()
    await here.begin()
    await here.late.end()
    assert [key[:5] for key in here.memory.keys()] == ["rvh1."]  # noqa: SIM118 - a port
    here.changes = 0
    here.late.services.migration.mark_migration_completed()
    assert here.changes == 0
    await settle()
    assert here.clock.sleeping == 0


async def test_ended_without_writing_nothing_is_left() -> None:
    here = Here()
    await here.begin()
    await here.late.end(write=False)
    assert here.memory.keys() == []


async def test_old_sessions_are_brought_along_and_the_history_says_so() -> None:
    here = Here()
    here.memory.set(SESSION, single(round(START * 1000)))
    await here.begin()
    await here.late.migrate(here.memory, here.manager.reconnection)
    assert len(here.manager.storage.retrieve_all_sessions()) == 1
    assert here.kinds() == ["page_started", "migration"]
    await here.late.migrate(here.memory, here.manager.reconnection)
    assert here.kinds() == ["page_started", "migration"]
    await here.late.end()


async def test_an_old_session_that_cannot_be_read_stays_and_is_no_problem() -> None:
    here = Here()
    here.memory.set(SESSION, "nonsense")
    await here.begin()
    await here.late.migrate(here.memory, here.manager.reconnection)
    assert here.kinds() == ["page_started"]
    assert here.memory.get(SESSION) == "nonsense"
    await here.late.end()


async def test_a_migration_that_has_to_be_tried_again_is_an_error() -> None:
    here = Here()
    here.memory.set(SESSION, single(round(START * 1000)))
    with pytest.raises(MigrationError, match="not open"):
        await here.late.migrate(here.memory, here.manager.reconnection)


async def _fails() -> None:
    raise StorageError("No room.")


async def test_begun_a_key_that_is_too_old_is_followed_by_another() -> None:
    here = Here()
    old = here.cipher.key_id
    await here.clock.advance(91 * 86_400)
    await here.begin()
    await here.clock.advance(60)
    assert here.cipher.key_id != old
    assert here.parts.problems == {}
    await here.late.end()


async def test_ended_a_rotation_that_runs_is_given_up() -> None:
    here = Here()
    await here.clock.advance(91 * 86_400)
    await here.begin()
    await here.late.end()
    await settle()
    assert here.clock.sleeping == 0
    assert here.parts.problems == {}


@pytest.mark.parametrize(("chosen", "enabled"), [("false", False), ("true", True), ('"no"', True)])
async def test_who_chose_not_to_be_connected_without_being_asked_is_not(chosen: str, enabled: bool) -> None:
    here = Here()
    here.memory.set(PREFERENCES, f'{{"autoConnect":{chosen}}}')
    await here.late.migrate(here.memory, here.manager.reconnection)
    assert here.manager.get_config().auto_reconnect is enabled
    here.manager.update_config(auto_reconnect=True)
    await here.late.migrate(here.memory, here.manager.reconnection)
    assert here.manager.get_config().auto_reconnect, "once is enough: the host has the last word"


async def by_the_manager(here: Here) -> None:
    here.manager.update_config(auto_reconnect=True)


async def by_a_setting(here: Here) -> None:
    await here.manager.reconnection.initialize(FakeWallet(here.clock), enabled=True)


async def by_a_configuration(here: Here) -> None:
    await here.manager.reconnection.initialize(FakeWallet(here.clock), ReconnectionConfig())


async def by_nothing(here: Here) -> None:
    here.manager.update_config(max_reconnect_attempts=3)
    await here.manager.reconnection.initialize(FakeWallet(here.clock), max_delay=5)
    with pytest.raises(ConfigError):
        here.manager.update_config(auto_reconnect=True, max_reconnect_attempts=0)


@pytest.mark.parametrize(
    ("says", "enabled"), [(by_the_manager, True), (by_a_setting, True), (by_a_configuration, True), (by_nothing, False)]
)
async def test_what_the_host_says_before_goes_before_the_old_choice(
    says: Callable[[Here], Awaitable[None]], enabled: bool
) -> None:
    here = Here()
    here.memory.set(PREFERENCES, '{"autoConnect":false}')
    await says(here)
    await here.late.migrate(here.memory, here.manager.reconnection)
    assert here.manager.get_config().auto_reconnect is enabled
    await here.manager.reconnection.destroy()
