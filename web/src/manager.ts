/** `sessionManager`: all services as one. */
import { walletKitSessionIntegration } from "./integration.ts";
import { automaticReconnectionService } from "./reconnection.ts";
import { derived, find, quiet, runtime, Service } from "./service.ts";
import { encryptedSessionStorage } from "./storage.ts";
import {
  type ManagerConfig,
  type ReconnectionConfig,
  type ReconnectionStatus,
  RenvaultError,
  type Session,
  type StorageStatistics,
} from "./types.ts";
import { withoutSessions } from "./view.ts";

const managerConfigOf = derived(({ enabled, maxAttempts }: ReconnectionConfig): ManagerConfig => {
  return { autoReconnect: enabled, maxReconnectAttempts: maxAttempts };
});

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

export const sessionManager = SessionManager.getInstance();
