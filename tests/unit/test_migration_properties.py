"""What holds for every set of old entries. Hypothesis: on CPython alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from old_builds import ADDRESS, OTHER_ADDRESS, TEST_ADDRESS, WEEK_MS, connection, plural, secure, single, stringify

from renvault_web.migration import SessionMigrationService
from renvault_web.old_storage import OldStorage
from renvault_web.storage import EncryptedSessionStorage
from renvault_web.testing import START, FakeCipher, ManualClock, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_MS = int(START * 1000)

units = st.characters(exclude_categories=())
odd = st.text(units, max_size=12).map(
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # as JavaScript has it
)
addresses = st.sampled_from([ADDRESS, OTHER_ADDRESS, TEST_ADDRESS])
ages = st.sampled_from([0, 5, WEEK_MS, 86_400_000])


@st.composite
def old_entries(draw: st.DrawFn) -> dict[str, str]:
    """Some of each format, in order, expired or not at all what they should be; padded with odd characters."""

    def age() -> int:
        return NOW_MS - draw(ages)

    def padded(text: str) -> str:
        # Blanks around JSON are JSON; a lone surrogate in a text of it stays one.
        return draw(st.sampled_from(["", " ", "\n\t"])) + text + draw(st.sampled_from(["", " "]))

    def state() -> str:
        return stringify(
            {draw(odd): {"address": draw(addresses), "note": draw(odd)}, "b": {"address": draw(addresses)}}
        )

    makers: dict[str, Callable[[], str]] = {
        "renvault_wallet_session": lambda: padded(single(age(), address=draw(addresses))),
        "renvault_wallet_sessions": lambda: padded(
            plural((draw(addresses), {"timestamp": age(), "note": draw(odd)}), (draw(addresses), {"timestamp": age()}))
        ),
        "wallet_connection_session": lambda: padded(connection(age(), address=draw(addresses), note=draw(odd))),
        "connection_state": state,
        f"renvault_secure_{draw(odd)}": lambda: secure(age(), stringify({"address": draw(addresses)})),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(makers))))
    damaged = draw(st.sets(st.sampled_from(sorted(makers)), max_size=1))
    return {key: draw(odd) if key in damaged else makers[key]() for key in sorted(chosen)}


def entries_of(disk: MemoryStorage) -> dict[str, str | None]:
    return {key: disk.get(key) for key in disk.keys()}  # noqa: SIM118 - a port


@settings(max_examples=60, deadline=None)
@given(old_entries())
async def test_there_and_back_again_every_unit_is_as_it_was_and_no_account_is_lost(entries: dict[str, str]) -> None:
    disk, clock, cipher = MemoryStorage(), ManualClock(), FakeCipher()
    for key, text in entries.items():
        disk.set(key, text)
    sessions = EncryptedSessionStorage(storage=disk, cipher=cipher, clock=clock)
    await sessions.open()
    migration = SessionMigrationService(storage=disk, sessions=sessions, cipher=cipher, clock=clock)
    accounts = {one.account for entry in OldStorage(storage=disk, clock=clock).read() for one in entry.accounts(START)}

    dry = await migration.dry_run()
    report = await migration.migrate_from_old_storage()

    assert set(dry.details) == set(report.details)
    stored = [account for session in sessions.retrieve_all_sessions() for account in session.accounts]
    assert sorted(stored) == sorted(accounts)
    assert all(disk.get(key) in (None, text) for key, text in entries.items())
    again = await migration.migrate_from_old_storage()
    assert again.migrated_count <= report.migrated_count
    assert len(sessions.retrieve_all_sessions()) == len(accounts)

    await migration.roll_back()

    left = entries_of(disk)
    assert {key: left.get(key) for key in entries} == entries
    assert sessions.retrieve_all_sessions() == []
