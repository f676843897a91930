/** `sessionMigrationService`: sessions of older builds, brought along with a backup of what was there. */
import { aText, wrong } from "./arguments.ts";
import {
  backupPicture,
  backupsBeyond,
  hasOldSessions,
  hasOwnOldSessions,
  listBackups,
  type MigrationAsked,
  type MigrationState,
  migrationStatus,
  newBackupKey,
  oldPicture,
  seenPicture,
} from "./migration-state.ts";
import { runtime, Service, steady } from "./service.ts";
import type {
  MigrationBackup,
  MigrationCompatibility,
  MigrationReport,
  MigrationStatus,
  MigrationSummary,
  OldEntry,
  Session,
} from "./types.ts";
import type { Change } from "./view.ts";

const COMPATIBLE: MigrationCompatibility = Object.freeze({ compatible: true, issues: [] });

const NOTHING_OLD: readonly OldEntry[] = Object.freeze([]);

const summary = steady<MigrationSummary>();

const asking =
  (asked: (before: MigrationAsked) => Partial<MigrationAsked>): Change =>
  (state) => ({ ...state, migrationAsked: { ...state.migrationAsked, ...asked(state.migrationAsked) } });

/**
 * Old sessions become known accounts that need to connect again: they have no keys that a wallet would know. What is
 * read here without waiting comes from names in localStorage, and from what Python has said once it has looked.
 */
export class SessionMigrationService extends Service {
  static #instance: SessionMigrationService | undefined;

  static getInstance(): SessionMigrationService {
    return (this.#instance ??= new SessionMigrationService());
  }

  /** Whether there is data of old sessions. Before Python is up the names alone tell. */
  hasOldSessions(): boolean {
    return hasOldSessions(runtime.view.state);
  }

  /**
   * Everything that older builds and other libraries left here, also what no migration touches: by name, never with its
   * value. Empty before Python is up.
   */
  getOldEntries(): readonly OldEntry[] {
    return runtime.view.state.migration?.oldEntries ?? NOTHING_OLD;
  }

  /** Brings along all that can be: backed up, written, read back; only then the old data goes. */
  async migrateFromOldStorage(): Promise<MigrationReport> {
    return (await runtime.call("migration.migrateFromOldStorage")) as MigrationReport;
  }

  /** What `migrateFromOldStorage` would do; nothing is written. */
  async dryRun(): Promise<MigrationReport> {
    return (await runtime.call("migration.dryRun")) as MigrationReport;
  }

  /** What `sessionManager.initialize` does by itself: migrates what is there and was not brought along; else null. */
  async runStartupMigration(): Promise<MigrationReport | null> {
    return (await runtime.call("migration.runStartupMigration")) as MigrationReport | null;
  }

  /** Writes back, byte for byte, what lay under the old keys; resolves with how many. */
  async rollBack(): Promise<number> {
    return (await runtime.call("migration.rollBack")) as number;
  }

  /** Whether a migration can run here. Until Python has looked at what lies there now, nothing is known against it. */
  validateMigrationCompatibility(): MigrationCompatibility {
    return looked()?.compatibility ?? COMPATIBLE;
  }

  /**
   * Takes a backup of all old session data and returns its key at once; null where there is none. `flush()` resolves
   * when it is written; where that fails, the error is reported to the page and the backup is listed no more.
   */
  backupOldSession(): string | null {
    if (!hasOwnOldSessions(runtime.view.state)) return null;
    const key = newBackupKey(runtime.view.state);
    heard(runtime.call("migration.backupOldSession", [key], asking(({ taken }) => ({ taken: [...taken, key] }))));
    return key;
  }

  /** The backups, the newest first. */
  listBackups(): readonly MigrationBackup[] {
    return listBackups(runtime.view.state);
  }

  /**
   * The session in a backup; nothing is written. Null where there is no such backup or no session in it, and as long as
   * Python, which alone can read it, has not: before it is up, after `destroy`, and for a moment where another page has
   * just written it. A backup taken a moment ago gives what the old session converts to.
   */
  restoreFromBackup(key: string | null): Session | null {
    if (key === null || key === undefined) return null;
    const { state } = runtime.view;
    const { migration, migrationAsked } = state;
    if (!migration || !listBackups(state).some((backup) => backup.key === aText("key", key))) return null;
    const known = migration.backups.find((backup) => backup.key === key);
    if (!known && migrationAsked.taken.includes(key)) return looked()?.oldSession ?? null;
    const picture = backupPicture(state, key);
    if (known && (picture === null || picture === String(known.seen))) return known.session;
    lookAgain(`${key} ${picture}`);
    return null;
  }

  getMigrationStatus(): MigrationStatus {
    return migrationStatus(runtime.view.state);
  }

  async markMigrationCompleted(): Promise<void> {
    const status = Object.freeze({ hasMigrated: true, timestamp: Date.now() });
    await runtime.call("migration.markMigrationCompleted", [], asking(() => ({ status })));
  }

  /** From now on the next start migrates again. */
  async resetMigrationStatus(): Promise<void> {
    const status = Object.freeze({ hasMigrated: false });
    await runtime.call("migration.resetMigrationStatus", [], asking(() => ({ status })));
  }

  /**
   * Where things stand. Until Python has looked at what lies there now, `oldSessionsFound` is 1 where there is any old
   * data, and nothing is recommended.
   */
  generateMigrationSummary(): MigrationSummary {
    const { stored } = runtime.view.state;
    const migration = looked();
    return summary({
      oldSessionsFound: this.hasOldSessions() ? (migration?.summary.oldSessionsFound ?? 1) : 0,
      newSessionsCount: stored.length,
      migrationStatus: this.getMigrationStatus().hasMigrated ? "completed" : "pending",
      recommendations: migration?.summary.recommendations ?? [],
    });
  }

  /**
   * Deletes all backups but the newest `keep`, at least one; returns at once how many go. Where two or more stay, the
   * newest that a migration made is one of them, in the place of the oldest. `flush()` resolves when they are gone;
   * where that fails, the error is reported to the page.
   */
  cleanupOldBackups(keep = 3): number {
    if (!Number.isInteger(keep) || keep < 0) throw wrong("keep", "a whole number, at least 0", keep);
    const keys = backupsBeyond(runtime.view.state, keep);
    const change = asking(({ dropped }) => ({ dropped: [...dropped, ...keys] }));
    if (keys.length > 0) heard(runtime.call("migration.cleanupOldBackups", [keep], change));
    return keys.length;
  }
}

/** What Python has said of what lies there now; null where it has not, and is then asked to look again. */
function looked(): MigrationState | null {
  const { state } = runtime.view;
  const picture = oldPicture(state);
  if (state.migration === null || picture === null || picture === seenPicture(state.migration)) return state.migration;
  lookAgain(picture);
  return null;
}

let lookedAgainAt = "";

/** Has Python look again, once for each picture of what lies there: a read asks often, and may be asked for ever. */
function lookAgain(picture: string): void {
  if (picture === lookedAgainAt) return;
  lookedAgainAt = picture;
  runtime.call("migration.refresh").catch(() => {}); // what is known stays as it was
}

/** What a host that got a plain value cannot await: its failure is told where the host looks. */
function heard(running: Promise<unknown>): void {
  running.catch((error: unknown) => reportError(error));
}

export const sessionMigrationService = SessionMigrationService.getInstance();
