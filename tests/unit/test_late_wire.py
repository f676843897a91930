"""renvault_web.late_wire: what the late services tell, in JavaScript's names and units; absent stays absent."""

from __future__ import annotations

from renvault_web import late_wire
from renvault_web.chronicle import HistoryEntry
from renvault_web.imports import ImportDetail, ImportReport, Outcome
from renvault_web.migration_report import (
    Backup,
    Compatibility,
    MigrationDetail,
    MigrationReport,
    MigrationStatus,
    MigrationSummary,
    OldEntry,
)
from renvault_web.session import parse_session
from renvault_web.stored import RecordReport, RecordState


def test_a_migration_s_report() -> None:
    details = (MigrationDetail("old", new_topic="new"), MigrationDetail(error="Broken."))
    assert late_wire.migration_report_to_js(
        MigrationReport(success=False, migrated_count=1, failed_count=1, timestamp=2.5, details=details)
    ) == {
        "success": False,
        "migratedCount": 1,
        "failedCount": 1,
        "timestamp": 2500,
        "details": [{"oldSessionId": "old", "newTopic": "new"}, {"error": "Broken."}],
    }
    assert late_wire.migration_report_to_js(None) is None


def test_where_the_migration_stands() -> None:
    assert late_wire.migration_compatibility_to_js(Compatibility(compatible=False, issues=("No room.",))) == {
        "compatible": False,
        "issues": ["No room."],
    }
    assert late_wire.migration_status_to_js(MigrationStatus(has_migrated=False)) == {"hasMigrated": False}
    assert late_wire.migration_status_to_js(MigrationStatus(has_migrated=True, timestamp=1.5)) == {
        "hasMigrated": True,
        "timestamp": 1500,
    }
    assert late_wire.migration_summary_to_js(MigrationSummary(1, 2, "pending", ("Do it.",))) == {
        "oldSessionsFound": 1,
        "newSessionsCount": 2,
        "migrationStatus": "pending",
        "recommendations": ["Do it."],
    }


def test_a_backup_with_and_without_a_session() -> None:
    session = parse_session({"topic": "t", "expiry": 5, "accounts": ["stacks:1:SP1"]})
    shown = late_wire.backup_to_js(Backup("rvb1.1", 1.25), 7, session)
    assert (shown["key"], shown["timestamp"], shown["seen"]) == ("rvb1.1", 1250, 7)
    assert (shown["session"]["expiry"], shown["session"]["status"]) == (5000, "needs_reconnect")
    assert late_wire.backup_to_js(Backup("rvb1.1", 1.25), None, None)["session"] is None


def test_a_text_has_a_fingerprint_that_javascript_computes_too() -> None:
    assert [late_wire.fingerprint(text) for text in ("", "a", "ä\ud800\U0001f600")] == [0, 1027557401, 999127885]


def test_an_old_entry_without_its_value() -> None:
    assert late_wire.old_entry_to_js(OldEntry("renvault_wallet_session", "sessions of an older build", 1, 90)) == {
        "key": "renvault_wallet_session",
        "what": "sessions of an older build",
        "sessions": 1,
        "stays": True,
    }


def test_a_line_of_the_explanation() -> None:
    assert late_wire.line_to_js((1.5, "The wallet ended session 1.")) == {
        "timestamp": 1500,
        "text": "The wallet ended session 1.",
    }


def test_an_import_s_report() -> None:
    report = ImportReport.of([ImportDetail("t", Outcome.IMPORTED), ImportDetail(None, Outcome.FAILED, "Broken.")])
    assert late_wire.import_report_to_js(report) == {
        "imported": 1,
        "updated": 0,
        "skipped": 0,
        "failed": 1,
        "details": [{"outcome": "imported", "topic": "t"}, {"outcome": "failed", "reason": "Broken."}],
        "needsReload": False,
    }


def test_a_record_s_report_and_an_entry_of_the_history() -> None:
    assert late_wire.record_report_to_js(RecordReport("rv1.x", "session", 10, RecordState.OK)) == {
        "key": "rv1.x",
        "kind": "session",
        "size": 10,
        "state": "ok",
    }
    lost = RecordReport("rv1.y", "notes", 10, RecordState.LOST_KEY, "Its key is gone.")
    assert late_wire.record_report_to_js(lost)["reason"] == "Its key is gone."
    assert late_wire.history_entry_to_js(HistoryEntry(1.5, "problem", {"part": "storage"})) == {
        "timestamp": 1500,
        "kind": "problem",
        "facts": {"part": "storage"},
    }
