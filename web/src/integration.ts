/** `walletKitSessionIntegration`: the sessions of the host's own client. */
import { aFunction, aText, wrong } from "./arguments.ts";
import { derived, find, runtime, Service, steadyList } from "./service.ts";
import type { Session, SessionEvent, SessionEventName, SessionStats } from "./types.ts";
import { isKnownAccount, toMilliseconds } from "./view.ts";

/** A session that can be used: the client lists it, or has not been asked yet. */
const USABLE: ReadonlySet<string> = new Set(["active", "restoring"]);

const listed = steadyList<Session>();
const usableOf = derived((sessions: readonly Session[]) => sessions.filter(({ status }) => USABLE.has(status)));

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
    return runtime.on("integration", aText("name", name), aFunction("listener", listener));
  }

  off(name: SessionEventName, listener: (event: SessionEvent) => void): void {
    runtime.off("integration", name, listener);
  }

  getActiveSessions(): readonly Session[] {
    return listed(usableOf(runtime.view.state.sessions));
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

  /** An account known from an older build has no end: it needs reconnect, whatever its old session said. */
  isSessionExpired(session: { expiry: number; topic?: string }): boolean {
    if (typeof session !== "object" || session === null) throw wrong("session", "an object", session);
    if (typeof session.expiry !== "number") throw wrong("session.expiry", "a time", session.expiry);
    return toMilliseconds(session.expiry) <= Date.now() && !isKnownAccount(session.topic);
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
    return (await runtime.call("integration.extendSession", [aText("topic", topic)])) as boolean;
  }

  /** Tells the wallet (10 s at most) and deletes here in any case. */
  async disconnectSession(topic: string): Promise<void> {
    await runtime.call("integration.disconnectSession", [aText("topic", topic)]);
  }

  /** The wallet's answer time, ms. */
  async pingSession(topic: string): Promise<number> {
    return (await runtime.call("integration.pingSession", [aText("topic", topic)])) as number;
  }
}

export const walletKitSessionIntegration = WalletKitSessionIntegration.getInstance();
