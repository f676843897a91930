/** `sessionManager`: all services as one. */
import { aFunction, anObject, aText, wrong } from "./arguments.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { explain } from "./explanation.ts";
import { bytesOf, exported } from "./export.ts";
import { walletKitSessionIntegration } from "./integration.ts";
import { pageFlags } from "./page-flags.ts";
import { automaticReconnectionService } from "./reconnection.ts";
import { derived, find, runtime, Service, steady } from "./service.ts";
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
  return Object.freeze({ autoReconnect: enabled, maxReconnectAttempts: maxAttempts });
});

const lines = steady<readonly string[]>();

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
    for (const [name, callback] of Object.entries({ onSessionRestored, onSessionExpired })) {
      if (callback !== undefined && callback !== null) aFunction(name, callback);
    }
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
  async updateConfig(config: Partial<ManagerConfig>): Promise<void> {
    const { autoReconnect, maxReconnectAttempts, ...unknown } = anObject("config", config);
    const [name] = Object.keys(unknown);
    if (name !== undefined) {
      const known = "autoReconnect, maxReconnectAttempts";
      throw new RenvaultError("config", `There is no setting '${name.slice(0, 40)}'; there are ${known}.`);
    }
    await automaticReconnectionService.updateConfig({
      ...(autoReconnect !== undefined && { enabled: autoReconnect }),
      ...(maxReconnectAttempts !== undefined && { maxAttempts: maxReconnectAttempts }),
    });
  }

  /**
   * The sessions as JSON, at once: `{version, timestamp, sessions}` without any secret, so that what is imported from it
   * has to connect again. `{sealed: true}` gives instead of `sessions` the records as they lie encrypted in
   * localStorage, for this browser alone: right where the text stays in the page's reach. So it is by itself while the
   * page is being left; `{sealed: false}` forbids it. Where no record can be read (before Python is up, after
   * `destroy`), the sealed ones are in the text too, so that no good backup is replaced by an empty one.
   */
  exportSessions(options: { sealed?: boolean } = {}): string {
    const { sealed } = anObject("options", options ?? {});
    if (sealed !== undefined && typeof sealed !== "boolean") throw wrong("options.sealed", "true or false", sealed);
    return exported(runtime.view, sealed ?? null);
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
    return fromBase64((await runtime.call("manager.exportBackup", [aText("passphrase", passphrase)])) as string);
  }

  /** Takes what `exportBackup` made. With `needsReload` in the report, the sessions live after the next load. */
  async importBackup(file: Uint8Array | ArrayBuffer | Blob, passphrase: string): Promise<ImportReport> {
    const given = aText("passphrase", passphrase);
    const data = toBase64(await bytesOf(file));
    return (await runtime.call("manager.importBackup", [data, given])) as ImportReport;
  }

  /** What happened here, the oldest first, also before this page: no secret, topic or account in it. */
  getHistory(): readonly HistoryEntry[] {
    return runtime.view.state.history;
  }

  /**
   * Answers "why was I disconnected?" in plain lines, the latest first, each with how long ago it was. Empty before
   * Python is up.
   */
  whyDisconnected(): readonly string[] {
    return lines(explain(runtime.view.state.explanation, Date.now()));
  }

  /** One JSON text about the whole, to be sent with a question: without secrets, topics and accounts. */
  async exportDiagnostics(): Promise<string> {
    return (await runtime.call("manager.exportDiagnostics", [pageFlags()])) as string;
  }

  /** Disconnects every session, then removes the records. */
  async clearAllSessions(): Promise<void> {
    await runtime.call("manager.clearAllSessions", [], withoutSessions);
  }

  /** Stops everything and deletes nothing; `initialize` starts again. */
  async destroy(): Promise<void> {
    this.#endRestored();
    this.#endExpired();
    await runtime.destroy("manager.destroy");
  }
}

export const sessionManager = SessionManager.getInstance();
