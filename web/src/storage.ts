/** `encryptedSessionStorage`: the sessions at rest. */
import { derived, quiet, runtime, Service } from "./service.ts";
import {
  type RecordReport,
  RenvaultError,
  type Session,
  type StorableSession,
  type StorageConfig,
  type StorageStatistics,
} from "./types.ts";
import { type Change, withoutRecords, withSession } from "./view.ts";

const storedOf = derived((sessions: readonly Session[]) =>
  derived((stored: readonly string[]) => {
    const topics = new Set(stored);
    return Object.freeze(sessions.filter(({ topic }) => topics.has(topic)));
  }),
);

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

  getConfig(): StorageConfig {
    return runtime.view.state.storageConfig;
  }

  /** Takes effect on the next write. A value that does not fit rejects with its name, value and range. */
  updateConfig(config: Partial<StorageConfig>): Promise<void> {
    const change: Change = (state) => ({ ...state, storageConfig: { ...state.storageConfig, ...config } });
    return quiet(runtime.call("storage.updateConfig", [config], change));
  }

  /** Reads every record of ours and says of each whether it can be trusted. */
  async verify(): Promise<readonly RecordReport[]> {
    return (await runtime.call("storage.verify")) as RecordReport[];
  }

  /** Makes a new key and seals everything again by it. Cut short, the next start goes on. */
  async rotateKey(): Promise<void> {
    await runtime.call("storage.rotateKey");
  }

  /**
   * Removes everything of ours from this browser: sessions, backups, history, the SDK's entries, the keys. The user has
   * to have said so twice: without `{confirmed: true}` it rejects. Reload the page then.
   */
  async forgetEverything(options: { confirmed: true }): Promise<void> {
    if ((options as { confirmed?: unknown } | undefined)?.confirmed !== true) {
      const what = "Everything of RenVault in this browser would be gone for good.";
      throw new RenvaultError("config", `${what} Ask the user, then call forgetEverything({ confirmed: true }).`);
    }
    await runtime.call("storage.forgetEverything");
  }
}

export const encryptedSessionStorage = EncryptedSessionStorage.getInstance();
