/** `encryptedSessionStorage`: the sessions at rest. */
import { derived, quiet, runtime, Service } from "./service.ts";
import type { Session, StorableSession, StorageStatistics } from "./types.ts";
import { withoutRecords, withSession } from "./view.ts";

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
}

export const encryptedSessionStorage = EncryptedSessionStorage.getInstance();
