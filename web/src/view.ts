/**
 * What Python last said, and on it what has been asked for but not answered: so that a read after a write agrees with
 * it at once, before Python is up too. A value stays the same object until it changes.
 */
import type { ExplainedEntry } from "./explanation.ts";
import type { MigrationAsked, MigrationState } from "./migration-state.ts";
import type {
  HistoryEntry,
  ReconnectionConfig,
  ReconnectionStatus,
  Session,
  SessionStats,
  StorableSession,
  StorageConfig,
  StorageStatistics,
} from "./types.ts";
import { unchanged } from "./unchanged.ts";

/** The sections of the state as Python publishes them (renvault_web/sections.py, late_gateway.py). */
export interface State {
  /** All that are known: those the client lists, and those stored. */
  readonly sessions: readonly Session[];
  /** The topics of those that are stored. */
  readonly stored: readonly string[];
  readonly primary: string | null;
  readonly stats: SessionStats;
  readonly storage: StorageStatistics;
  readonly storageConfig: StorageConfig;
  readonly reconnection: ReconnectionStatus;
  readonly reconnectionConfig: ReconnectionConfig;
  readonly online: boolean;
  /** Null until Python has looked at the old sessions, which it does after everything else. */
  readonly migration: MigrationState | null;
  readonly history: readonly HistoryEntry[];
  /** What in the history can be why a connection or session ended, the latest first. */
  readonly explanation: readonly ExplainedEntry[];
  /** What was asked of the migration and has not been done: never published, only expected. */
  readonly migrationAsked: MigrationAsked;
}

/** Before Python is up. The figures are the defaults of renvault_web; a test compares the two. */
const INITIAL_STATE: State = {
  sessions: [],
  stored: [],
  primary: null,
  stats: { totalSessions: 0, activeSessions: 0, expiringSoon: 0 },
  storage: {
    totalSessions: 0,
    totalSize: 0,
    maxSize: 10 * 1024 * 1024,
    usagePercent: 0,
    quarantined: 0,
    compressionRatio: 1,
    persistent: true,
  },
  storageConfig: { encryptionEnabled: true, compressionEnabled: true, maxStorageSize: 10 * 1024 * 1024 },
  reconnection: {
    isReconnecting: false,
    lastAttempt: null,
    attemptCount: 0,
    maxAttempts: 5,
    nextRetryTime: null,
    lastError: null,
    state: "idle",
    cause: null,
    advice: null,
    provedAt: null,
    supervised: false,
    restoredTopics: [],
  },
  reconnectionConfig: {
    enabled: true,
    maxAttempts: 5,
    initialDelayMs: 1_000,
    maxDelayMs: 30_000,
    backoffMultiplier: 1.5,
    onlineCheckInterval: 5_000,
    jitter: 0,
    attemptTimeoutMs: 10_000,
    livenessIntervalMs: 20_000,
    minUptimeMs: 5_000,
  },
  online: true,
  migration: null,
  history: Object.freeze([]),
  explanation: [],
  migrationAsked: { taken: [], dropped: [], status: null },
};

/** A change that has been asked for: the state without it → the state with it. */
export type Change = (state: State) => State;

export class View {
  #told: State = INITIAL_STATE;
  #known = false;
  #pending: Change[] = [];
  #shown: State = INITIAL_STATE;

  get state(): State {
    return this.#shown;
  }

  /** Whether Python has said anything yet: before, no stored session is known. */
  get known(): boolean {
    return this.#known;
  }

  /** Takes over the sections that Python published. */
  apply(sections: Partial<State>): void {
    // Frozen: what a host gets is the picture itself, not a copy.
    const sessions = sections.sessions && Object.freeze(keepIdentity(this.#told.sessions, sections.sessions));
    const migration = sections.migration && unchanged(this.#told.migration, sections.migration);
    this.#known = true;
    this.#told = { ...this.#told, ...sections, ...(sessions && { sessions }), ...(migration && { migration }) };
    this.#refresh();
  }

  /** Shows `change` from now on; the returned function takes it back, once Python has answered. */
  expect(change: Change): () => void {
    this.#pending.push(change);
    this.#refresh();
    return () => {
      this.#pending = this.#pending.filter((other) => other !== change);
      this.#refresh();
    };
  }

  #refresh(): void {
    this.#shown = this.#pending.reduce((state, change) => change(state), this.#told);
  }
}

/** The state once `given` is stored: what the host gave, with its expiry in milliseconds. */
export function withSession(topic: string, given: StorableSession): Change {
  const expiry = toMilliseconds(given.expiry);
  const status = isKnownAccount(topic) ? "needs_reconnect" : expiry <= Date.now() ? "expired" : "restoring";
  const session = { accounts: [], pairingTopic: "", ...given, topic, expiry, status } as unknown as Session;
  return (state) => {
    const sessions = [...state.sessions.filter((other) => other.topic !== topic), session];
    const stored = [...state.stored.filter((other) => other !== topic), topic];
    return { ...state, sessions: Object.freeze(sessions), stored };
  };
}

/** The state once the records that `leaves` says are removed: a session that the client lists lives on without one. */
export function withoutRecords(leaves: (topic: string) => boolean): Change {
  return (state) => ({
    ...state,
    sessions: state.sessions.filter(({ topic, status }) => status === "active" || !leaves(topic)),
    stored: state.stored.filter((topic) => !leaves(topic)),
  });
}

/** The state once every session is ended. */
export const withoutSessions: Change = (state) => ({ ...state, sessions: [], stored: [], primary: null });

/** Whether the topic is that of an account alone, brought along from an older build (renvault_web/session.py). */
export function isKnownAccount(topic: string | undefined): boolean {
  return topic?.startsWith("local-") === true && topic.length === 38;
}

/** A time of unknown unit, told by its size: above 1e11 it is milliseconds. */
export function toMilliseconds(time: number): number {
  return time > 1e11 ? time : time * 1000;
}

function keepIdentity(before: readonly Session[], now: readonly Session[]): readonly Session[] {
  const known = new Map(before.map((session) => [session.topic, session]));
  const kept = now.map((session) => {
    const same = known.get(session.topic);
    return same && JSON.stringify(same) === JSON.stringify(session) ? same : session;
  });
  const unchanged = kept.length === before.length && kept.every((session, index) => session === before[index]);
  return unchanged ? before : kept;
}
