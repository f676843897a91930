"""Sessions out of this browser and in again: as JSON to read, sealed for this browser alone, or in a backup file.

Three forms, each with ``version`` and ``timestamp`` (epoch milliseconds)::

    {"version", "timestamp", "sessions": [session, …]}              export_sessions(): no secret, so no live session
    {"version", "timestamp", "sealed": {storage key: record, …}}    export_sessions(sealed=True): as it lies at rest
    {"version", "timestamp", "sessions": […], "sdk": {key: value}}  export_backup(): inside an ``age`` passphrase file

The second is for a moment in which the page may be about to lose its storage: made at once, without a key or a secret,
and read again by the same browser only. An export made before Python is up has both ``sealed`` and ``sessions``.

The third has the SDK's entries that bring live sessions back elsewhere: keys of sessions, pairings, subscriptions and
ends; not the client seed, which is this browser's own name at the relay, and neither history nor messages.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import ConfigError, CorruptRecordError, RenvaultError, StorageError
from .imports import (
    MAX_BYTES,
    VERSION,
    ImportDetail,
    ImportReport,
    Outcome,
    parse_file,
    parse_sealed,
    parse_sessions,
    sdk_entries,
)
from .jsontext import write_json
from .known_account import is_genuine
from .record import KEY_PREFIX, Purpose, claimed_purpose
from .redaction import without_secrets
from .sealing import open_records
from .session import SESSION_PERIOD, WalletSession, is_expired, is_local
from .stored import StoredSession, parse_body
from .texts import keys_under, texts_under
from .timing import answered_within
from .wire import milliseconds, session_to_js

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .integration import WalletKitSessionIntegration
    from .ports import Cipher, Clock, Json, PassphraseFile, SdkStore, Storage
    from .storage import EncryptedSessionStorage

MIN_PASSPHRASE = 12
"""Characters. Whoever has the file can try passphrases for ever; scrypt makes each try take a second."""

FILE_LIMIT = 60.0
"""Seconds that a passphrase file may take: on a slow phone, scrypt alone needs several."""

CIPHER_LIMIT = 30.0
"""Seconds that opening the records of a sealed export may take: there may be a thousand of them."""

SDK_LIMIT = 15.0
"""Seconds that reading or writing the SDK's entries may take."""

_log = logging.getLogger(__name__)


class SessionExchange:
    """Exports and imports of one page.

    Args:
        clock: what says what has expired, and when a limit has passed.
        sessions: where imported sessions are stored.
        integration: the sessions as they are known, and which of them the client lists.
        storage: the records as they lie at rest.
        cipher: what opens them.
        sdk: the SDK's own storage, where the host uses ours; without it a backup holds accounts, but no live session.
        files: what makes and opens passphrase files.

    """

    def __init__(
        self,
        *,
        clock: Clock,
        sessions: EncryptedSessionStorage,
        integration: WalletKitSessionIntegration,
        storage: Storage,
        cipher: Cipher,
        sdk: SdkStore | None = None,
        files: PassphraseFile | None = None,
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._integration = integration
        self._storage = storage
        self._cipher = cipher
        self._sdk = sdk
        self._files = files

    # Out

    def export_sessions(self, *, sealed: bool = False) -> str:
        """Return the known sessions as JSON, in the JavaScript shape and without a secret; or sealed, see above."""
        if sealed:
            return self._written({"sealed": self._sealed()})
        return self._written({"sessions": self._exported()})

    async def export_backup(self, passphrase: str) -> bytes:
        """Return an ``age`` passphrase file that brings the sessions back in another browser.

        Raises ``ConfigError`` for a passphrase that is too short, ``StorageError`` where the browser does not do it in
        time. The passphrase is used here and nowhere else.
        """
        files = self._passphrase_files()
        _check_passphrase(passphrase)
        entries = await self._live_entries()
        text = self._written({"sessions": self._exported(), "sdk": entries})
        return await answered_within(self._clock, FILE_LIMIT, files.encrypt(passphrase, text.encode("ascii")))

    # In

    async def import_sessions(self, text: str) -> ImportReport:
        """Take sessions from what ``export_sessions`` returned, in either form or both, and report on each.

        Anyone may have written it. What is known here stays as it is, but for an older import that no client has
        listed; the rest is stored, ends a session's period from now at the latest, and needs reconnect until the
        client lists it. Expired ones are passed over. One that cannot be read or stored stops no other. Raises
        ``StorageError`` where the text as a whole is none of ours: then nothing has changed.
        """
        data = parse_file(text)
        found, failed = parse_sessions(data) if "sessions" in data or "sealed" not in data else ([], [])
        more, unreadable = await self._opened(parse_sealed(data)) if "sealed" in data else ([], [])
        return await self._merge([*more, *found], [*unreadable, *failed])

    async def import_backup(self, data: bytes, passphrase: str) -> ImportReport:
        """Take sessions and the SDK's entries from a backup file; a reload brings them alive (``needs_reload``).

        The SDK's entries wait, sealed, until the SDK next starts: after a reload the sessions are live. A backup is
        trusted as far as its passphrase: who made both brings sessions with a wallet of theirs. Raises ``StorageError``
        where the passphrase does not fit or the file is none of ours: then nothing has changed.
        """
        files = self._passphrase_files()
        if not passphrase:
            raise ConfigError("The backup's passphrase is missing.")
        if len(data) > MAX_BYTES:
            raise StorageError(f"The file has {len(data)} bytes; a backup has {MAX_BYTES} at most.", code="import")
        plaintext = await answered_within(self._clock, FILE_LIMIT, files.decrypt(passphrase, data))
        try:
            text = plaintext.decode()
        except UnicodeDecodeError as error:
            raise StorageError("The file opened, but it holds no backup of ours.", code="import") from error
        content = parse_file(text)
        found, failed = parse_sessions(content)
        entries = sdk_entries(content.get("sdk"))
        if entries and self._sdk is not None:
            # First what can fail as a whole, then the sessions one by one.
            await answered_within(self._clock, SDK_LIMIT, self._sdk.stage(entries))
        report = await self._merge(found, failed)
        return replace(report, needs_reload=bool(entries) and self._sdk is not None)

    # Within

    async def _live_entries(self) -> Json:
        """Return what live sessions need elsewhere; a backup that would lack one is none."""
        if self._integration.keys_in_clear and self._integration.live_topics:
            raise StorageError(
                "The wallet client of this site keeps its keys outside of the encrypted storage. A backup would lack "
                "your live sessions. Export the sessions as JSON, and reconnect your wallet where you import them."
            )
        if self._sdk is None:
            return {}
        found = await answered_within(self._clock, SDK_LIMIT, self._sdk.entries())
        if found.unreadable:
            raise StorageError(
                f"Entries of the wallet connection that cannot be read: {found.unreadable}. A backup would not bring "
                "your sessions back. Reload the page and try again; if that does not help, reconnect your wallet."
            )
        if found.left_out:
            raise StorageError(
                f"Live sessions that cannot be written as JSON because they nest too deep: {found.left_out}. A backup "
                "would lack them. Disconnect them and try again."
            )
        return sdk_entries(found.values)

    def _exported(self) -> list[Json]:
        known = self._integration.get_all_sessions()
        shown = [session_to_js(one, self._integration.session_status(one.topic)) for one in known]
        return [clean for session in shown if _can_be_written(clean := without_secrets(session))]

    def _sealed(self) -> dict[str, str]:
        texts = texts_under(self._storage, keys_under(self._storage, KEY_PREFIX))
        return {key: text for key, text in texts.items() if claimed_purpose(text) == Purpose.SESSION}

    def _written(self, content: Json) -> str:
        now = milliseconds(self._clock.now())
        try:
            return write_json({"version": VERSION, "timestamp": now, **content})
        except (TypeError, ValueError) as error:
            raise StorageError("What is to be exported cannot be written as JSON.") from error

    async def _opened(self, texts: dict[str, str]) -> tuple[list[WalletSession], list[ImportDetail]]:
        found: list[WalletSession] = []
        failed: list[ImportDetail] = []
        encrypted = self._sessions.get_config().encryption_enabled
        opening = open_records(self._cipher, texts, parse_body, encrypted=encrypted)
        for value in (await answered_within(self._clock, CIPHER_LIMIT, opening)).values():
            if isinstance(value, StoredSession):
                found.append(value.session)
            elif isinstance(value, CorruptRecordError):
                failed.append(ImportDetail(None, Outcome.FAILED, f"{value} Sealed exports open in their own browser."))
        return found, failed

    async def _merge(self, found: Iterable[WalletSession], failed: list[ImportDetail]) -> ImportReport:
        latest: dict[str, WalletSession] = {}
        for session in found:
            known = latest.get(session.topic)
            if known is None or session.expiry > known.expiry:
                latest[session.topic] = session
        end = self._clock.now() + SESSION_PERIOD
        for topic, session in latest.items():
            if session.expiry > end and not is_local(session):
                latest[topic] = session.with_expiry(end)
        judged = {session.topic: self._judge(session) for session in latest.values()}
        wanted = [latest[topic] for topic, one in judged.items() if one.outcome in (Outcome.IMPORTED, Outcome.UPDATED)]
        for topic, reason in (await self._stored(wanted)).items():
            judged[topic] = ImportDetail(topic, Outcome.FAILED, reason)
        report = ImportReport.of([*judged.values(), *failed])
        _log.info("Import: %d new, %d newer, %d passed over, %d failed.", *report.counts)
        return report

    def _judge(self, session: WalletSession) -> ImportDetail:
        topic = session.topic
        if is_expired(session, self._clock.now()):
            return ImportDetail(topic, Outcome.SKIPPED, "It has expired.")
        if topic in self._integration.live_topics:
            return ImportDetail(topic, Outcome.SKIPPED, "The wallet client has it; what the client says counts.")
        if is_local(session) and not is_genuine(session):  # it would take the place of another account
            return ImportDetail(topic, Outcome.FAILED, "Its id is not that of its account.")
        stored = self._sessions.stored_session(topic)
        if stored is None:
            return ImportDetail(topic, Outcome.IMPORTED)
        if not stored.imported:
            return ImportDetail(topic, Outcome.SKIPPED, "It is known here, and stays as it is.")
        if stored.session.expiry >= session.expiry:
            return ImportDetail(topic, Outcome.SKIPPED, "An import as new as this is stored here.")
        return ImportDetail(topic, Outcome.UPDATED)

    async def _stored(self, sessions: list[WalletSession]) -> dict[str, str]:
        """Store the sessions; return, by topic, why one could not be."""
        if not sessions:
            return {}
        try:
            await self._sessions.import_sessions(sessions)
        except RenvaultError:
            return await self._stored_one_by_one(sessions)
        return {}

    async def _stored_one_by_one(self, sessions: list[WalletSession]) -> dict[str, str]:
        failed = {}
        for session in sessions:
            try:
                await self._sessions.import_sessions([session])
            except RenvaultError as error:
                failed[session.topic] = str(error)
        return failed

    def _passphrase_files(self) -> PassphraseFile:
        if self._files is None:
            raise ConfigError("There is nothing here that makes or opens passphrase files.")
        return self._files


def _can_be_written(session: Json) -> bool:
    """Return whether JSON can hold the session where an export has it: one that a wallet spoils spoils no other."""
    try:
        write_json([[session]])
    except (TypeError, ValueError):
        _log.warning("A session cannot be written as JSON, or nests too deep; it is not exported.")
        return False
    return True


def _check_passphrase(passphrase: object) -> None:
    if not isinstance(passphrase, str) or len(passphrase.strip()) < MIN_PASSPHRASE:
        raise ConfigError(
            f"The passphrase must have at least {MIN_PASSPHRASE} characters; four or five words are good."
        )
    if not passphrase.isprintable():
        raise ConfigError("The passphrase holds characters that cannot be typed.")
