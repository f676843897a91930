/** `sessionManager`: all services as one. */
import { fromBase64, toBase64 } from "./base64.ts";
import { bytesOf, earlyExport, plainExport, sealedExport } from "./export.ts";
import { walletKitSessionIntegration } from "./integration.ts";
import { pageFlags } from "./page-flags.ts";
import { automaticReconnectionService } from "./reconnection.ts";
import { derived, find, quiet, runtime, Service } from "./service.ts";
import { encryptedSessionStorage } from "./storage.ts";
import {
  type HistoryEntry,
  type ImportReport,
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

  /**
   * The sessions as JSON, at once: `{version, timestamp, sessions}` without any secret, so that what is imported from it
   * has to connect again. `{sealed: true}` gives the records as they lie encrypted in localStorage, for this browser
   * alone: right where the text stays in the page's reach. So it is before Python is up, when no record can be read.
   */
  exportSessions({ sealed = false } = {}): string {
    const { known, state } = runtime.view;
    if (sealed) return sealedExport();
    return known ? plainExport(state) : earlyExport(state);
  }

  /** Takes sessions from what `exportSessions` returned, in either form, and tells of each what became of it. */
  async importSessions(text: string | null): Promise<ImportReport> {
    if (typeof text !== "string") {
      const given = text === null ? "null" : typeof text;
      throw new RenvaultError("import", `There is nothing to import: importSessions takes a text, not ${given}.`);
    }
    return (await runtime.call("manager.importSessions", [text])) as ImportReport;
  }

  /**
   * A backup that brings live sessions back in another browser: an `age` file that only the passphrase opens (12
   * characters at least). It is nowhere kept here.
   */
  async exportBackup(passphrase: string): Promise<Uint8Array> {
    return fromBase64((await runtime.call("manager.exportBackup", [passphrase])) as string);
  }

  /** Takes what `exportBackup` made. With `needsReload` in the report, the sessions live after the next load. */
  async importBackup(file: Uint8Array | ArrayBuffer | Blob, passphrase: string): Promise<ImportReport> {
    const data = toBase64(await bytesOf(file));
    return (await runtime.call("manager.importBackup", [data, passphrase])) as ImportReport;
  }

  /** What happened here, the oldest first, also before this page: no secret, topic or account in it. */
  getHistory(): readonly HistoryEntry[] {
    return runtime.view.state.history;
  }

  /** One JSON text about the whole, to be sent with a question: without secrets, topics and accounts. */
  async exportDiagnostics(): Promise<string> {
    return (await runtime.call("manager.exportDiagnostics", [pageFlags()])) as string;
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
