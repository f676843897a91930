/** The shapes a host sees. Times are epoch milliseconds, durations milliseconds, sizes bytes as the browser counts them. */

export type SessionStatus = "restoring" | "unknown" | "active" | "needs_reconnect" | "expired";

export interface PeerMetadata {
  name: string;
  description: string;
  url: string;
  icons: string[];
}

/** A wallet session. Fields that a host stored and that are not listed here come back unchanged. */
export interface Session {
  topic: string;
  pairingTopic: string;
  peer: { publicKey: string; metadata: PeerMetadata };
  /** When the session ends. */
  expiry: number;
  /** CAIP-10: `stacks:1:SP…`. */
  accounts: string[];
  /** CAIP-2: `stacks:1`. */
  chainId?: string;
  namespaces?: Record<string, unknown>;
  permissions?: unknown;
  metadata?: unknown;
  /** What the session is good for now; derived, never stored. */
  readonly status: SessionStatus;
  [field: string]: unknown;
}

/** A session as a host gives it to be stored: `expiry` in seconds or milliseconds, told by its size. */
export type StorableSession = Omit<Partial<Session>, "status"> & { expiry: number };

export interface SessionStats {
  totalSessions: number;
  activeSessions: number;
  /** Sessions that end within 24 hours. */
  expiringSoon: number;
}

export interface StorageStatistics {
  totalSessions: number;
  totalSize: number;
  maxSize: number;
  usagePercent: number;
  /** Records that could not be trusted; they are kept aside. */
  quarantined: number;
  /** What compressed records take, as part of their plain JSON; 1 where there are none. */
  compressionRatio: number;
  /** False where what is stored dies with the page. */
  persistent: boolean;
}

/** How sessions are stored from the next write on. */
export interface StorageConfig {
  /** False: new records are written readable for everyone; such records are read only while it is false. */
  encryptionEnabled: boolean;
  compressionEnabled: boolean;
  /** Bytes that all our records together may take. */
  maxStorageSize: number;
}

/** What `verify` says of one record: where it lies and what it is, never what it holds. */
export interface RecordReport {
  /** Its key in localStorage. */
  key: string;
  /** What it says it holds. */
  kind: "session" | "notes" | "backup" | "history" | "unknown";
  size: number;
  /** `plain`: not sealed, while encryption is on; `aside`: could not be read, kept where it is in nobody's way. */
  state: "ok" | "unreadable" | "lost_key" | "newer_version" | "plain" | "aside";
  /** Why it cannot be read, one plain sentence. */
  reason?: string;
}

/** What became of one old session: `newTopic` where it is stored in the new format, else `error`. */
export interface MigrationDetail {
  oldSessionId?: string;
  newTopic?: string;
  error?: string;
}

export interface MigrationReport {
  /** Nothing failed. */
  success: boolean;
  migratedCount: number;
  failedCount: number;
  timestamp: number;
  details: MigrationDetail[];
}

export interface MigrationCompatibility {
  compatible: boolean;
  /** What stands against it, one sentence each. */
  issues: string[];
}

/** One backup of old session data, by its key in localStorage. */
export interface MigrationBackup {
  readonly key: string;
  readonly timestamp: number;
}

/** What an older build or another library left under one key of localStorage, told without its value. */
export interface OldEntry {
  readonly key: string;
  /** What it is, or why it cannot be brought along. */
  readonly what: string;
  /** How many sessions in it can be brought along. */
  readonly sessions: number;
  /** A migration leaves it where it is. */
  readonly stays: boolean;
}

export interface MigrationStatus {
  hasMigrated: boolean;
  /** When it was marked as completed. */
  timestamp?: number;
}

export interface MigrationSummary {
  /** Old sessions that could be brought along now. */
  oldSessionsFound: number;
  newSessionsCount: number;
  migrationStatus: "pending" | "completed";
  /** What to do next, one sentence each. */
  recommendations: string[];
}

/** What an import did, session by session. */
export interface ImportReport {
  /** Sessions that were not known before. */
  imported: number;
  /** Known sessions that last longer now. */
  updated: number;
  /** Sessions that stay as they are: expired, or known here at least as well. */
  skipped: number;
  failed: number;
  details: ImportDetail[];
  /** Live sessions came with it: they start with the next load of the page. */
  needsReload: boolean;
}

export interface ImportDetail {
  /** Absent where not even that could be read. */
  topic?: string;
  outcome: "imported" | "updated" | "skipped" | "failed";
  /** One plain sentence where it was not taken. */
  reason?: string;
}

/** One line of the event history: no secret, no account, no topic; a session stands there under a pseudonym. */
export interface HistoryEntry {
  timestamp: number;
  kind: string;
  facts: Record<string, string | number | boolean | null>;
}

export interface ReconnectionConfig {
  enabled: boolean;
  maxAttempts: number;
  initialDelayMs: number;
  maxDelayMs: number;
  backoffMultiplier: number;
  /** How often an offline page checks its own origin, ms. */
  onlineCheckInterval: number;
  /** A delay is the scheduled one plus a random part of up to `jitter` × it. */
  jitter: number;
  attemptTimeoutMs: number;
  livenessIntervalMs: number;
  minUptimeMs: number;
}

export type ConnectionState = "idle" | "connected" | "waiting" | "attempting" | "offline" | "failed" | "stopped";

export interface ReconnectionStatus {
  isReconnecting: boolean;
  lastAttempt: number | null;
  attemptCount: number;
  maxAttempts: number;
  nextRetryTime: number | null;
  lastError: string | null;
  state: ConnectionState;
  /** One word for why there is no connection, and one line of what to do. */
  cause: string | null;
  advice: string | null;
  /** When the relay last answered a round trip of ours. */
  provedAt: number | null;
  /** False where the SDK's own loop is in charge. */
  supervised: boolean;
  /** In the event `reconnected`: the sessions that live again. */
  restoredTopics: string[];
}

export interface ManagerConfig {
  autoReconnect: boolean;
  maxReconnectAttempts: number;
}

export type SessionEventName =
  | "session_created"
  | "session_updated"
  | "session_deleted"
  | "session_expired"
  | "session_error"
  | "session_event";

export interface SessionEvent {
  /** Null where an error concerns no session. */
  topic: string | null;
  params: Record<string, unknown>;
  timestamp: number;
}

export type ReconnectionEventName = "reconnecting" | "reconnected" | "failed" | "offline" | "online" | "status";

/** An error of ours: `code` is for programs, `message` says what failed and what to do. */
export class RenvaultError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "RenvaultError";
  }
}
