/**
 * What Python last said, and on it what has been asked for but not answered: so that a read after a write agrees with
 * it at once, before Python is up too. A value stays the same object until it changes.
 */
import type { ExplainedEntry } from "./explanation.ts";
import type { MigrationAsked, MigrationState } from "./migration-state.ts";
import type {
  HistoryEntry,
  PeerMetadata,
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
const INITIAL_STATE: State = unchanged<State>(null, {
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
  history: [],
  explanation: [],
  migrationAsked: { taken: [], dropped: [], status: null },
});

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
    this.#known = true;
    this.#told = kept(this.#told, { ...this.#told, ...sections });
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
    const state = this.#pending.reduce((before, change) => change(before), this.#told);
    const shown = kept(this.#shown, state);
    // What was only expected and has come true is the same object as before; so what is told is it from now on.
    if (this.#pending.length === 0) this.#told = shown;
    this.#shown = shown;
  }
}

/** `now`, frozen, in which what `before` has too is the same object; a session is the same one by its topic. */
function kept(before: State, now: State): State {
  const { sessions: sessionsBefore, ...restBefore } = before;
  const { sessions: sessionsNow, ...restNow } = now;
  const rest = unchanged(restBefore, restNow);
  if (sessionsNow === sessionsBefore) return { ...rest, sessions: sessionsBefore };
  const byTopic = new Map(sessionsBefore.map((session) => [session.topic, session]));
  const sessions = sessionsNow.map((session) => unchanged(byTopic.get(session.topic), session));
  return { ...rest, sessions: sameList(sessionsBefore, sessions) };
}

/** `now`, frozen; `before` where the same objects are in it in the same order. */
export function sameList<Item>(before: readonly Item[], now: readonly Item[]): readonly Item[] {
  const same = now.length === before.length && now.every((item, index) => item === before[index]);
  return same ? before : Object.freeze(now);
}

/** The chain in an account of CAIP-10. */
const CHAIN = /^([-a-z0-9]{3,8}:[-\w]{1,32}):[-.%a-zA-Z0-9]{1,128}$/;

/** The state once `given` is stored: what the host gave, with its expiry in milliseconds. */
export function withSession(topic: string, given: StorableSession): Change {
  const expiry = toMilliseconds(given.expiry);
  const status = isKnownAccount(topic) ? "needs_reconnect" : expiry <= Date.now() ? "expired" : "restoring";
  const peer = wholePeer(given.peer);
  const chainId = given.chainId ?? CHAIN.exec(String((given.accounts as unknown[] | null | undefined)?.[0]))?.[1];
  const known = { ...given, peer, topic, expiry, status, ...(chainId !== undefined && { chainId }) };
  const session = { accounts: [], pairingTopic: "", ...known } as unknown as Session;
  return (state) => {
    const { sessions, stored } = state;
    const isKnown = sessions.some((other) => other.topic === topic);
    return {
      ...state,
      sessions: isKnown ? sessions.map((other) => (other.topic === topic ? session : other)) : [...sessions, session],
      stored: stored.includes(topic) ? stored : [...stored, topic],
    };
  };
}

/** A peer with all its fields, as the types promise them, whatever was stored of it (`_peer` in wire.py). */
function wholePeer(given: unknown): Session["peer"] {
  const peer = given as { publicKey?: unknown; metadata?: Partial<PeerMetadata> } | null | undefined;
  const metadata = peer?.metadata;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const icons = Array.isArray(metadata?.icons) ? metadata.icons.filter((icon) => typeof icon === "string") : [];
  const { name, description, url } = metadata ?? {};
  const whole = { ...metadata, name: text(name), description: text(description), url: text(url), icons };
  return { ...peer, publicKey: text(peer?.publicKey), metadata: whole };
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
  return typeof topic === "string" && topic.startsWith("local-") && topic.length === 38;
}

/** A time of unknown unit, told by its size: above 1e11 it is milliseconds. */
export function toMilliseconds(time: number): number {
  return time > 1e11 ? time : time * 1000;
}
