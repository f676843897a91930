"""The JavaScript shapes of what the late services tell, as ``wire`` has those of the others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from .session import SessionStatus
from .wire import milliseconds, session_to_js

if TYPE_CHECKING:
    from .chronicle import HistoryEntry
    from .imports import ImportReport
    from .migration_report import Backup, Compatibility, MigrationReport, MigrationStatus, MigrationSummary, OldEntry
    from .ports import Json
    from .session import WalletSession
    from .stored import RecordReport


def migration_report_to_js(report: MigrationReport | None) -> Json | None:
    """Return a migration's report; None where nothing was to be done."""
    if report is None:
        return None
    return {
        "success": report.success,
        "migratedCount": report.migrated_count,
        "failedCount": report.failed_count,
        "timestamp": milliseconds(report.timestamp),
        "details": [
            _known(oldSessionId=detail.old_session_id, newTopic=detail.new_topic, error=detail.error)
            for detail in report.details
        ],
    }


def migration_compatibility_to_js(found: Compatibility) -> Json:
    """Return whether a migration can run."""
    return {"compatible": found.compatible, "issues": list(found.issues)}


def migration_status_to_js(status: MigrationStatus) -> Json:
    """Return whether the migration is completed."""
    return {"hasMigrated": status.has_migrated, **_known(timestamp=milliseconds(status.timestamp))}


def migration_summary_to_js(summary: MigrationSummary) -> Json:
    """Return where the migration stands."""
    return {
        "oldSessionsFound": summary.old_sessions_found,
        "newSessionsCount": summary.new_sessions_count,
        "migrationStatus": summary.migration_status,
        "recommendations": list(summary.recommendations),
    }


def old_session_to_js(session: WalletSession | None) -> Json | None:
    """Return what an old session converts to: a known account that has to connect again."""
    return None if session is None else session_to_js(session, SessionStatus.NEEDS_RECONNECT)


def old_entry_to_js(entry: OldEntry) -> Json:
    """Return what is told of an old entry, which is never its value."""
    return {"key": entry.key, "what": entry.what, "sessions": entry.sessions, "stays": entry.stays}


def backup_to_js(backup: Backup, seen: int | None, session: WalletSession | None) -> Json:
    """Return a backup: the session that it restores to, if it does, and the fingerprint of its text, if it was read."""
    shown = old_session_to_js(session)
    return {"key": backup.key, "timestamp": milliseconds(backup.timestamp), "session": shown, "seen": seen}


def fingerprint(text: str) -> int:
    """Return a short name for the text, to tell whether it is still the same; ``web/src/fingerprint.ts`` has it too."""
    # "utf-16" begins with a mark of its order, in a browser the one we want; "utf-16-le" would be a module more.
    return crc32(text.encode("utf-16", "surrogatepass")[2:])


def import_report_to_js(report: ImportReport) -> Json:
    """Return an import's report."""
    return {
        "imported": report.imported,
        "updated": report.updated,
        "skipped": report.skipped,
        "failed": report.failed,
        "details": [
            {"outcome": detail.outcome.value, **_known(topic=detail.topic, reason=detail.reason or None)}
            for detail in report.details
        ],
        "needsReload": report.needs_reload,
    }


def record_report_to_js(report: RecordReport) -> Json:
    """Return what ``verify`` says of one record."""
    return {
        "key": report.key,
        "kind": report.kind,
        "size": report.size,
        "state": report.state.value,
        **_known(reason=report.reason),
    }


def history_entry_to_js(entry: HistoryEntry) -> Json:
    """Return an entry of the event history."""
    return {"timestamp": milliseconds(entry.at), "kind": entry.kind, "facts": dict(entry.facts)}


def line_to_js(line: tuple[float, str]) -> Json:
    """Return a line that says why a connection or session ended, and when that was."""
    at, text = line
    return {"timestamp": milliseconds(at), "text": text}


def _known(**values: object) -> Json:
    return {name: value for name, value in values.items() if value is not None}
