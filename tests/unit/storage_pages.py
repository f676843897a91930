"""A page of one origin, for the tests of the session storage: what it stores lies in ``disk``, which outlives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from renvault_web.session import WalletSession, parse_session
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.testing import START, FakeCipher, FakeSdkStore, FakeTabs, ManualClock, MemoryStorage, fake_session

if TYPE_CHECKING:
    from renvault_web.stored import StorageConfig, StorageNotice

WEEK = 7 * 86_400.0


def session(topic: str, expiry: float = START + WEEK, **changes: object) -> WalletSession:
    return parse_session(fake_session(topic, expiry, **changes))


class Page:
    def __init__(
        self,
        disk: MemoryStorage | None = None,
        *,
        clock: ManualClock | None = None,
        cipher: FakeCipher | None = None,
        tabs: FakeTabs | None = None,
        config: StorageConfig | None = None,
        sdk: FakeSdkStore | None = None,
    ) -> None:
        self.disk = disk or MemoryStorage()
        self.clock = clock or ManualClock()
        self.cipher = cipher or FakeCipher(clock=self.clock)
        self.tabs = tabs or FakeTabs()
        self.storage = EncryptedSessionStorage(
            storage=self.disk, cipher=self.cipher, clock=self.clock, tabs=self.tabs, config=config, sdk=sdk
        )

    async def next_page(self, **options: Any) -> Page:
        """A further page, opened: beside this one, or after it was killed."""
        given = {"cipher": self.cipher.another(), "tabs": self.tabs.another(), **options}
        return await opened(self.disk.another(), clock=self.clock, **given)

    def topics(self) -> list[str]:
        return [found.topic for found in self.storage.retrieve_all_sessions()]

    def quarantined(self) -> int:
        return self.storage.get_statistics().quarantined

    def notices(self) -> tuple[StorageNotice, ...]:
        return self.storage.notices

    def seen(self) -> dict[str, str]:
        """Return the records as the view knows them."""
        view = self.storage._view
        assert view
        return view.texts

    def lost(self) -> list[str]:
        """Return the storage keys of the sessions whose key is gone."""
        view = self.storage._view
        assert view
        return view.lost_sessions()

    def texts(self, prefix: str = "rv1.") -> dict[str, str]:
        return {key: text for key, text in self.disk._entries.items() if key.startswith(prefix)}


async def opened(disk: MemoryStorage | None = None, **options: Any) -> Page:
    page = Page(disk, **options)
    await page.storage.open()
    return page
