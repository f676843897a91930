/**
 * What is known of old sessions and their backups without asking Python: their names in localStorage, the flag that
 * says whether they were migrated, and what was asked for meanwhile. Everything read there is from outside. The names
 * are those of renvault_web/legacy_keys.py and record.py; a test compares the two.
 */
import { fingerprint } from "./fingerprint.ts";
import type {
  MigrationBackup,
  MigrationCompatibility,
  MigrationStatus,
  MigrationSummary,
  OldEntry,
  Session,
} from "./types.ts";
import { type State, toMilliseconds } from "./view.ts";

/** The section `migration` as Python publishes it (renvault_web/late_gateway.py). */
export interface MigrationState {
  readonly hasOld: boolean;
  /** The names of old data that Python looked at to say so, with the fingerprints of what lay there. */
  readonly seen: Readonly<Record<string, number>>;
  readonly compatibility: MigrationCompatibility;
  readonly status: MigrationStatus;
  readonly summary: MigrationSummary;
  /** `session` is what the backup restores to, null where that is no session; `seen` is its text's fingerprint, null unread. */
  readonly backups: readonly (MigrationBackup & { readonly session: Session | null; readonly seen: number | null })[];
  /** The key of the newest backup that a migration made. */
  readonly keptBackup: string | null;
  readonly oldEntries: readonly OldEntry[];
  /** What the old session converts to, and so what a backup taken now will restore to. */
  readonly oldSession: Session | null;
}

/** What was asked for and is not done yet. */
export interface MigrationAsked {
  readonly taken: readonly string[];
  readonly dropped: readonly string[];
  readonly status: MigrationStatus | null;
}

const OLD_KEYS = ["renvault_wallet_session", "renvault_wallet_sessions", "wallet_connection_session", "connection_state"];
const OLD_PREFIX = "renvault_secure_";
/** Where other libraries keep an account; it stays there, so it counts only until the migration is completed. */
const FOREIGN_KEYS = ["@stacks/connect", "blockstack-session"];
const COMPLETED = "renvault_migration_completed";
const BACKUP_PREFIX = "rvb1.";
const BACKUP = /^(?:rvb1\.(\d{13})|renvault_session_backup_(\d{1,16}))$/;

const isOld = (name: string): boolean => OLD_KEYS.includes(name) || name.startsWith(OLD_PREFIX);

/** Whether there is data of old sessions, as far as the names tell, and as Python says where it looked at the same. */
export function hasOldSessions(state: State): boolean {
  const { migration } = state;
  const picture = oldPicture(state);
  if (picture === null) return migration?.hasOld ?? false;
  if (picture === "") return false;
  return migration && picture === seenPicture(migration) ? migration.hasOld : true;
}

/** What lies under the names of old sessions now, as a text to compare; null where Python does not look there. */
export function oldPicture({ storage }: State): string | null {
  const names = localNames();
  if (names === null || !storage.persistent) return null;
  const foreign = names.includes(COMPLETED) ? [] : names.filter((name) => FOREIGN_KEYS.includes(name));
  return pictureOf([...names.filter(isOld), ...foreign].map((name) => [name, fingerprint(localText(name) ?? "")]));
}

/** What lay there when Python looked. */
export function seenPicture({ seen }: MigrationState): string {
  return pictureOf(Object.entries(seen));
}

/** What lies under a backup's key now, to compare with its `seen`; null where Python does not look there. */
export function backupPicture({ storage }: State, key: string): string | null {
  const text = storage.persistent ? localText(key) : undefined;
  return text === undefined ? null : String(fingerprint(text ?? ""));
}

function pictureOf(prints: (readonly [name: string, print: number])[]): string {
  return prints
    .map(([name, print]) => `${name} ${print}`)
    .sort()
    .join("\n");
}

/** Whether a backup would find anything to keep: what other libraries have is never copied. */
export function hasOwnOldSessions(state: State): boolean {
  return hasOldSessions(state) && (localNames()?.some(isOld) ?? state.migration?.oldSession != null);
}

/** Which backups go when the `keep` newest stay, at least one: as renvault_web/backups.py has it. */
export function backupsBeyond(state: State, keep: number): string[] {
  const keys = listBackups(state).map(({ key }) => key);
  const kept = state.migration?.keptBackup;
  const staying = keys.slice(0, Math.max(keep, 1));
  if (kept && keys.includes(kept) && staying.length > 1 && !staying.includes(kept)) staying.splice(-1, 1, kept);
  return keys.filter((key) => !staying.includes(key));
}

let backups: readonly MigrationBackup[] = Object.freeze([]);

/** The backups there are, the newest first; the same list until one comes or goes. */
export function listBackups({ migration, migrationAsked, storage }: State): readonly MigrationBackup[] {
  const { taken, dropped } = migrationAsked;
  const names = new Set([...(migration?.backups.map(({ key }) => key) ?? []), ...taken]);
  const local = localNames();
  if (local !== null && storage.persistent) {
    for (const name of names) if (!taken.includes(name) && !local.includes(name)) names.delete(name);
    for (const name of local) names.add(name);
  }
  for (const name of dropped) names.delete(name);
  const found = [...names].flatMap((key) => {
    const [, ours, guides] = BACKUP.exec(key) ?? [];
    return ours || guides ? [Object.freeze({ key, timestamp: Number(ours ?? guides) })] : [];
  });
  found.sort((one, other) => other.timestamp - one.timestamp || (one.key < other.key ? 1 : -1));
  const unchanged = found.length === backups.length && found.every(({ key }, index) => key === backups[index]?.key);
  if (!unchanged) backups = Object.freeze(found);
  return backups;
}

/** A name for a backup taken now: after all there are, also where a clock that was ahead has named one. */
export function newBackupKey(state: State): string {
  const known = [...listBackups(state).map(({ key }) => key), ...state.migrationAsked.dropped];
  const times = known.map((key) => Number(BACKUP.exec(key)?.[1] ?? 0)).filter((time) => time < LAST_NAME);
  return BACKUP_PREFIX + Math.max(Date.now(), ...times.map((time) => time + 1));
}

/** No name of 13 digits comes after it. */
const LAST_NAME = 9_999_999_999_999;

/** A time beyond it is none, epoch ms. */
const LATEST = 1e16;

const NOT_MIGRATED: MigrationStatus = Object.freeze({ hasMigrated: false });

let flag: string | null = null;
let status: MigrationStatus = NOT_MIGRATED;

/** What the flag says that the guide's own code writes too; a flag that cannot be read still is one. */
export function migrationStatus({ migration, migrationAsked, storage }: State): MigrationStatus {
  if (migrationAsked.status) return migrationAsked.status;
  const text = storage.persistent ? localText(COMPLETED) : undefined;
  if (text === undefined) return migration?.status ?? NOT_MIGRATED;
  if (text !== flag) {
    flag = text;
    status = text === null ? NOT_MIGRATED : parsedFlag(text);
  }
  return status;
}

function parsedFlag(text: string): MigrationStatus {
  try {
    const { timestamp } = JSON.parse(text) as { timestamp?: unknown };
    if (typeof timestamp === "number" && timestamp >= 0 && timestamp < LATEST) {
      return Object.freeze({ hasMigrated: true, timestamp: Math.round(toMilliseconds(timestamp)) });
    }
  } catch {
    // see above
  }
  return Object.freeze({ hasMigrated: true });
}

/** Every name in localStorage; null where it is blocked. Where nothing lasts, Python writes to a memory of its own. */
function localNames(): string[] | null {
  try {
    return Object.keys(localStorage);
  } catch {
    return null;
  }
}

function localText(name: string): string | null | undefined {
  try {
    return localStorage.getItem(name);
  } catch {
    return undefined;
  }
}
