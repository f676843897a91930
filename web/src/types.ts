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
  /** False where what is stored dies with the page. */
  persistent: boolean;
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
