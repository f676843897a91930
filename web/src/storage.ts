/** `encryptedSessionStorage`: the sessions at rest. */
import { anObject, aText, objects } from "./arguments.ts";
import { derived, runtime, Service, steadyList } from "./service.ts";
import {
  type RecordReport,
  RenvaultError,
  type Session,
  type StorableSession,
  type StorageConfig,
  type StorageStatistics,
} from "./types.ts";
import { type Change, withoutRecords, withSession } from "./view.ts";

const listed = steadyList<Session>();
const storedOf = derived((sessions: readonly Session[]) =>
  derived((stored: readonly string[]) => {
    const topics = new Set(stored);
    return sessions.filter(({ topic }) => topics.has(topic));
  }),
);

/** Encrypted session records in localStorage. Reads are plain values; a write's promise tells when it is safe. */
export class EncryptedSessionStorage extends Service {
  static #instance: EncryptedSessionStorage | undefined;

  static getInstance(): EncryptedSessionStorage {
    return (this.#instance ??= new EncryptedSessionStorage());
  }

  /**
   * Stores the session. It is read back at once by `retrieveSession`; the promise tells when it is safe, or rejects. Where
   * nobody handles that, the browser reports it as it does for every promise: what was not stored does not pass unseen.
   */
  async storeSession(topic: string, session: StorableSession): Promise<void> {
    const [key, given] = [aText("topic", topic), anObject("session", session)];
    await runtime.call("storage.storeSession", [key, given], withSession(key, given));
  }

  async storeSessions(list: (StorableSession & { topic: string })[]): Promise<void> {
    const given = objects("sessions", list);
    const changes = given.map((one, index) => withSession(aText(`sessions[${index}].topic`, one.topic), one));
    await runtime.call("storage.storeSessions", [given], (state) =>
      changes.reduce((before, change) => change(before), state),
    );
  }

  retrieveSession(topic: string): Session | undefined {
    return this.retrieveAllSessions().find((session) => session.topic === topic);
  }

  retrieveAllSessions(): readonly Session[] {
    const { sessions, stored } = runtime.view.state;
    return listed(storedOf(sessions)(stored));
  }

  hasSession(topic: string): boolean {
    return runtime.view.state.stored.includes(topic);
  }

  /** Removes the record; a session that the client lists goes on without one. */
  async removeSession(topic: string): Promise<void> {
    const key = aText("topic", topic);
    await runtime.call("storage.removeSession", [key], withoutRecords((other) => other === key));
  }

  /** Removes our records of sessions; not the SDK's. */
  async clearAllSessions(): Promise<void> {
    await runtime.call("storage.clearAllSessions", [], withoutRecords(() => true));
  }

  getStatistics(): StorageStatistics {
    return runtime.view.state.storage;
  }

  getConfig(): StorageConfig {
    return runtime.view.state.storageConfig;
  }

  /** Takes effect on the next write. A value that does not fit rejects with its name, value and range. */
  async updateConfig(config: Partial<StorageConfig>): Promise<void> {
    const given = anObject("config", config);
    const change: Change = (state) => ({ ...state, storageConfig: { ...state.storageConfig, ...given } });
    await runtime.call("storage.updateConfig", [given], change);
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
