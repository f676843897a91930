/** RenVault's wallet sessions for a page: the services of the guide, the two elements, the encrypted SDK store. */
import { defineElements } from "./elements.ts";
import { Runtime } from "./runtime.ts";
import {
  type ManagerConfig,
  type ReconnectionConfig,
  type ReconnectionEventName,
  type ReconnectionStatus,
  RenvaultError,
  type Session,
  type SessionEvent,
  type SessionEventName,
  type SessionStats,
  type StorableSession,
  type StorageStatistics,
} from "./types.ts";
import { toMilliseconds, withoutRecords, withoutSessions, withSession } from "./view.ts";

export { createSdkStorage } from "./sdk-storage.ts";
export type * from "./types.ts";
export { RenvaultError };

const runtime = new Runtime(new URL("./", import.meta.url));

/** Settings of the page's one runtime; before the first use. */
export function configure(settings: { /** The folder with `runtime/`; by default beside this module. */ baseUrl?: string }): void {
  if (settings.baseUrl !== undefined) runtime.base = new URL(settings.baseUrl, document.baseURI);
}

/** A session that can be used: the client lists it, or has not been asked yet. */
const USABLE: ReadonlySet<string> = new Set(["active", "restoring"]);

/** The result of `derive`, computed anew only for a source not seen before: so that equal reads are `===`. */
function derived<Source extends object, Result>(derive: (source: Source) => Result): (source: Source) => Result {
  const results = new WeakMap<Source, Result>();
  return (source) => {
    if (!results.has(source)) results.set(source, derive(source));
    return results.get(source) as Result;
  };
}

const usableOf = derived((sessions: readonly Session[]) =>
  Object.freeze(sessions.filter(({ status }) => USABLE.has(status))),
);

const storedOf = derived((sessions: readonly Session[]) =>
  derived((stored: readonly string[]) => {
    const topics = new Set(stored);
    return Object.freeze(sessions.filter(({ topic }) => topics.has(topic)));
  }),
);

const managerConfigOf = derived(({ enabled, maxAttempts }: ReconnectionConfig): ManagerConfig => {
  return { autoReconnect: enabled, maxReconnectAttempts: maxAttempts };
});

function find(topic: string): Session | undefined {
  return runtime.view.state.sessions.find((session) => session.topic === topic);
}

/** What every service has. */
abstract class Service {
  /** Resolves when Python is up and commands are accepted; rejects with the cause. */
  ready(): Promise<void> {
    return runtime.start();
  }

  /** Resolves when every command given so far has ended. */
  flush(): Promise<void> {
    return runtime.flush();
  }
}

/** Session lifecycle on the host's own WalletConnect client. */
export class WalletKitSessionIntegration extends Service {
  static #instance: WalletKitSessionIntegration | undefined;

  static getInstance(): WalletKitSessionIntegration {
    return (this.#instance ??= new WalletKitSessionIntegration());
  }

  /** Adopts an AppKitService, AppKit, UniversalProvider, WalletKit or SignClient; never builds a second client. */
  async initialize(client: unknown): Promise<void> {
    await runtime.initialize("integration.initialize", client);
  }

  on(name: SessionEventName, listener: (event: SessionEvent) => void): () => void {
    return runtime.on("integration", name, listener);
  }

  off(name: SessionEventName, listener: (event: SessionEvent) => void): void {
    runtime.off("integration", name, listener);
  }

  getActiveSessions(): readonly Session[] {
    return usableOf(runtime.view.state.sessions);
  }

  getSession(topic: string): Session | undefined {
    return find(topic);
  }

  /** The session that the user chose, else the one used last; undefined without a usable one. */
  getPrimarySession(): Session | undefined {
    const { primary } = runtime.view.state;
    return (primary === null ? undefined : find(primary)) ?? this.getActiveSessions()[0];
  }

  hasSession(): boolean {
    return this.getActiveSessions().length > 0;
  }

  isSessionExpired(session: { expiry: number }): boolean {
    return toMilliseconds(session.expiry) <= Date.now();
  }

  getSessionStats(): SessionStats {
    return runtime.view.state.stats;
  }

  /**
   * Resolves true once the wallet has confirmed. Rejects with a `code`: refused (the wallet said no), unknown (no answer
   * in 15 s; a late one is told as session_updated), expired, gone (not known to the client), unreachable (there is no
   * relay connection, nothing was sent) or client (no client was handed over yet).
   */
  async extendSession(topic: string): Promise<boolean> {
    return (await runtime.call("integration.extendSession", [topic])) as boolean;
  }

  /** Tells the wallet (10 s at most) and deletes here in any case. */
  async disconnectSession(topic: string): Promise<void> {
    await runtime.call("integration.disconnectSession", [topic]);
  }

  /** The wallet's answer time, ms. */
  async pingSession(topic: string): Promise<number> {
    return (await runtime.call("integration.pingSession", [topic])) as number;
  }
}

/** Reconnection with a schedule that can be seen. */
export class AutomaticReconnectionService extends Service {
  static #instance: AutomaticReconnectionService | undefined;

  static getInstance(): AutomaticReconnectionService {
    return (this.#instance ??= new AutomaticReconnectionService());
  }

  async initialize(client: unknown, config: Partial<ReconnectionConfig> = {}): Promise<void> {
    await runtime.initialize("reconnection.initialize", client, config);
  }

  on(name: ReconnectionEventName, listener: (status: ReconnectionStatus) => void): () => void {
    return runtime.on("reconnection", name, listener);
  }

  off(name: ReconnectionEventName, listener: (status: ReconnectionStatus) => void): void {
    runtime.off("reconnection", name, listener);
  }

  /** Starts a new round at once; resolves with whether it connected. */
  async reconnect(): Promise<boolean> {
    return (await runtime.call("reconnection.reconnect")) as boolean;
  }

  isOnlineNow(): boolean {
    return runtime.view.state.online;
  }

  getStatus(): ReconnectionStatus {
    return runtime.view.state.reconnection;
  }

  getConfig(): ReconnectionConfig {
    return runtime.view.state.reconnectionConfig;
  }

  /** Takes effect on the next delay. A value outside its range rejects with its name, value and range. */
  updateConfig(config: Partial<ReconnectionConfig>): Promise<void> {
    return quiet(
      runtime.call("reconnection.updateConfig", [config], (state) => ({
        ...state,
        reconnectionConfig: { ...state.reconnectionConfig, ...config },
      })),
    );
  }

  destroy(): Promise<void> {
    return quiet(runtime.destroy("reconnection.destroy"));
  }
}

/** Encrypted session records in localStorage. Reads are plain values; a write's promise tells when it is safe. */
export class EncryptedSessionStorage extends Service {
  static #instance: EncryptedSessionStorage | undefined;

  static getInstance(): EncryptedSessionStorage {
    return (this.#instance ??= new EncryptedSessionStorage());
  }

  storeSession(topic: string, session: StorableSession): Promise<void> {
    return quiet(runtime.call("storage.storeSession", [topic, session], withSession(topic, session)));
  }

  storeSessions(list: (StorableSession & { topic: string })[]): Promise<void> {
    const changes = list.map((session) => withSession(session.topic, session));
    return quiet(
      runtime.call("storage.storeSessions", [list], (state) => changes.reduce((before, change) => change(before), state)),
    );
  }

  retrieveSession(topic: string): Session | undefined {
    return this.retrieveAllSessions().find((session) => session.topic === topic);
  }

  retrieveAllSessions(): readonly Session[] {
    const { sessions, stored } = runtime.view.state;
    return storedOf(sessions)(stored);
  }

  hasSession(topic: string): boolean {
    return runtime.view.state.stored.includes(topic);
  }

  /** Removes the record; a session that the client lists goes on without one. */
  removeSession(topic: string): Promise<void> {
    return quiet(runtime.call("storage.removeSession", [topic], withoutRecords((other) => other === topic)));
  }

  /** Removes our records of sessions; not the SDK's. */
  clearAllSessions(): Promise<void> {
    return quiet(runtime.call("storage.clearAllSessions", [], withoutRecords(() => true)));
  }

  getStatistics(): StorageStatistics {
    return runtime.view.state.storage;
  }
}

/** The one to use: storage, lifecycle and reconnection together. */
export class SessionManager extends Service {
  static #instance: SessionManager | undefined;
  #endRestored = (): void => {};
  #endExpired = (): void => {};

  static getInstance(): SessionManager {
    return (this.#instance ??= new SessionManager());
  }

  /**
   * Takes over the host's client. A second call with the same client joins; another one replaces it. Each callback
   * stays until a new one takes its place or `destroy` ends both.
   */
  async initialize(
    client: unknown,
    onSessionRestored?: (session: Session) => void,
    onSessionExpired?: () => void,
  ): Promise<void> {
    if (onSessionRestored) {
      this.#endRestored();
      this.#endRestored = runtime.on("manager", "session_restored", onSessionRestored);
    }
    if (onSessionExpired) {
      this.#endExpired();
      this.#endExpired = runtime.on("manager", "session_expired", () => onSessionExpired());
    }
    await runtime.initialize("manager.initialize", client);
  }

  getActiveSessions(): readonly Session[] {
    return walletKitSessionIntegration.getActiveSessions();
  }

  getSession(topic: string): Session | undefined {
    return find(topic);
  }

  getPrimarySession(): Session | undefined {
    return walletKitSessionIntegration.getPrimarySession();
  }

  hasSession(): boolean {
    return walletKitSessionIntegration.hasSession();
  }

  extendSession(topic: string): Promise<boolean> {
    return walletKitSessionIntegration.extendSession(topic);
  }

  disconnectSession(topic: string): Promise<void> {
    return walletKitSessionIntegration.disconnectSession(topic);
  }

  reconnect(): Promise<boolean> {
    return automaticReconnectionService.reconnect();
  }

  getReconnectionStatus(): ReconnectionStatus {
    return automaticReconnectionService.getStatus();
  }

  getStorageStats(): StorageStatistics {
    return encryptedSessionStorage.getStatistics();
  }

  getConfig(): ManagerConfig {
    return managerConfigOf(automaticReconnectionService.getConfig());
  }

  /** Two settings of the reconnection under the guide's names. */
  updateConfig(config: Partial<ManagerConfig>): Promise<void> {
    const { autoReconnect, maxReconnectAttempts, ...unknown } = config;
    const [name] = Object.keys(unknown);
    if (name !== undefined) {
      const known = "autoReconnect, maxReconnectAttempts";
      return quiet(Promise.reject(new RenvaultError("config", `There is no setting '${name}'; there are ${known}.`)));
    }
    return automaticReconnectionService.updateConfig({
      ...(autoReconnect !== undefined && { enabled: autoReconnect }),
      ...(maxReconnectAttempts !== undefined && { maxAttempts: maxReconnectAttempts }),
    });
  }

  /** Disconnects every session, then removes the records. */
  clearAllSessions(): Promise<void> {
    return quiet(runtime.call("manager.clearAllSessions", [], withoutSessions));
  }

  /** Stops everything and deletes nothing; `initialize` starts again. */
  destroy(): Promise<void> {
    this.#endRestored();
    this.#endExpired();
    return quiet(runtime.destroy("manager.destroy"));
  }
}

/** A host that does not await a command must not get an unhandled rejection for it; one that does gets the error. */
function quiet(running: Promise<unknown>): Promise<void> {
  const done = running.then(() => undefined);
  done.catch(() => {});
  return done;
}

export { SessionManager as RefactoredSessionManager };

export const walletKitSessionIntegration = WalletKitSessionIntegration.getInstance();
export const automaticReconnectionService = AutomaticReconnectionService.getInstance();
export const encryptedSessionStorage = EncryptedSessionStorage.getInstance();
export const sessionManager = SessionManager.getInstance();

defineElements(runtime);
