/**
 * What we use of the WalletConnect SDK, public and private, as narrow interfaces, and how its client is found in what a
 * host gives us. The private fields are those of @walletconnect/core and sign-client 2.25; `missing` looks for them
 * before anything relies on them.
 */
import { pause, within } from "./limit.ts";
import { RenvaultError } from "./types.ts";

/** How long a client that AppKit makes only when the user connects is waited for, ms. */
const ADOPTION_LIMIT_MS = 10_000;
const ADOPTION_POLL_MS = 100;

export interface Emitter {
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

/** The WebSocket of a provider: private to the SDK until it is open. */
export interface Connection {
  readonly url: string;
  readonly socket?: WebSocket;
  readonly events: Emitter & { prependListener(event: string, listener: (...args: never[]) => void): unknown };
  /** The only way to a new socket: `open` and `send` both come here. */
  register(url?: string): Promise<WebSocket>;
  onOpen(socket: WebSocket): void;
}

export interface Provider {
  readonly connection: Connection;
  readonly events: Emitter & { emit(event: string): unknown; removeAllListeners(event: string): unknown };
  connect(): Promise<void>;
  request(request: { id: string; method: string; params: unknown }): Promise<unknown>;
}

export interface Relayer extends Emitter {
  readonly connected: boolean;
  /** Empty (`{}`) until the client first connects. */
  readonly provider: Provider | Partial<Provider>;
  readonly subscriber: {
    readonly hasAnyTopics: boolean;
    start(): Promise<void>;
    stop(): Promise<void>;
    unsubscribe(topic: string): Promise<void>;
  };
  readonly connectionAttemptInProgress: boolean;
  transportExplicitlyClosed: boolean;
  confirmOnlineStateOrThrow(): Promise<void>;
  connect(relayUrl?: string): Promise<void>;
  createProvider(): Promise<void>;
  restartTransport(relayUrl?: string): Promise<void>;
  transportOpen(relayUrl?: string): Promise<void>;
}

export interface HistoryRecord {
  id: number;
  topic: string;
  request: { method: string };
  response?: { error?: { message?: unknown } };
}

/** A record of the SDK's session store. What the peer put into it (metadata, namespaces) may be anything. */
export interface SessionRecord {
  topic: string;
  pairingTopic?: unknown;
  expiry: number;
  namespaces?: unknown;
  self: { publicKey: string };
  peer?: unknown;
}

interface Reason {
  code: number;
  message: string;
}

export interface SignClient extends Emitter {
  readonly session: {
    readonly length: number;
    readonly keys: string[];
    get(topic: string): SessionRecord;
    getAll(): SessionRecord[];
    delete(topic: string, reason: Reason): Promise<void>;
  };
  readonly proposal: { getAll(): { pairingTopic?: string; expiryTimestamp: number }[] };
  readonly engine: { setExpiry(topic: string, expiry: number): Promise<void> };
  readonly core: {
    readonly relayer: Relayer;
    readonly storage?: unknown;
    readonly history: Emitter;
    readonly expirer: { del(topic: string): void };
    readonly crypto: {
      readonly keychain: { has(tag: string): boolean };
      deleteKeyPair(publicKey: string): Promise<void>;
      deleteSymKey(topic: string): Promise<void>;
    };
    readonly pairing: {
      readonly pairings: {
        getAll(): { topic: string; expiry: number }[];
        delete(topic: string, reason: Reason): Promise<void>;
      };
    };
  };
  extend(params: { topic: string }): Promise<{ acknowledged(): Promise<void> }>;
  disconnect(params: { topic: string; reason: Reason }): Promise<void>;
  ping(params: { topic: string }): Promise<void>;
}

type Kind = "function" | "object" | "boolean" | "number" | "string";

const SIGN_CLIENT: Record<string, Kind> = {
  "on": "function",
  "off": "function",
  "extend": "function",
  "disconnect": "function",
  "ping": "function",
  "session.length": "number",
  "session.keys": "object",
  "session.get": "function",
  "session.getAll": "function",
  "session.delete": "function",
  "proposal.getAll": "function",
  "engine.setExpiry": "function",
  "core.relayer.on": "function",
  "core.relayer.off": "function",
  "core.relayer.connected": "boolean",
  "core.relayer.provider": "object",
  "core.relayer.subscriber.unsubscribe": "function",
  "core.history.on": "function",
  "core.history.off": "function",
  "core.expirer.del": "function",
  "core.crypto.keychain.has": "function",
  "core.crypto.deleteKeyPair": "function",
  "core.crypto.deleteSymKey": "function",
  "core.pairing.pairings.getAll": "function",
  "core.pairing.pairings.delete": "function",
};

/** What holding the transport needs of a relayer, beyond what every adopted client has. */
export const HOLDABLE_RELAYER: Record<string, Kind> = {
  "subscriber.hasAnyTopics": "boolean",
  "subscriber.start": "function",
  "subscriber.stop": "function",
  "connectionAttemptInProgress": "boolean",
  "transportExplicitlyClosed": "boolean",
  "confirmOnlineStateOrThrow": "function",
  "connect": "function",
  "createProvider": "function",
  "restartTransport": "function",
  "transportOpen": "function",
};

/** What one attempt needs of the provider that `createProvider` has made. */
export const HOLDABLE_PROVIDER: Record<string, Kind> = {
  "connect": "function",
  "events.on": "function",
  "events.off": "function",
  "events.emit": "function",
  "connection.url": "string",
  "connection.register": "function",
  "connection.onOpen": "function",
  "connection.events.prependListener": "function",
};

/** The fields that `target` lacks, or has in another type. */
export function missing(target: unknown, fields: Record<string, Kind>): string[] {
  return Object.keys(fields).filter((path) => {
    const value = path.split(".").reduce<unknown>(at, target);
    return typeof value !== fields[path] || value === null;
  });
}

/**
 * Finds the SignClient in an AppKitService, AppKit, UniversalProvider, WalletKit or SignClient. AppKit's may come to be
 * only when the user connects: it is waited for. Rejects with `client` and a message that names what was expected and
 * what came.
 */
export async function findSignClient(source: unknown): Promise<SignClient> {
  const end = Date.now() + ADOPTION_LIMIT_MS;
  for (;;) {
    const found = await within(Math.max(end - Date.now(), 0), look(source), notYet).catch(unreadable);
    if (found === "none") {
      const expected = "an object with getAppKit(), an AppKit, a UniversalProvider, a WalletKit or a SignClient";
      throw new RenvaultError("client", `Expected ${expected}; got ${described(source)}.`);
    }
    if (found !== "later") return found;
    if (Date.now() + ADOPTION_POLL_MS > end) throw notYet();
    await pause(ADOPTION_POLL_MS);
  }
}

async function look(source: unknown): Promise<SignClient | "later" | "none"> {
  let value = source;
  if (typeof at(value, "getAppKit") === "function") {
    value = await (value as { getAppKit(): unknown }).getAppKit();
    if (value === undefined || value === null) return "later";
  }
  if (typeof at(value, "getUniversalProvider") === "function") {
    value = await (value as { getUniversalProvider(): unknown }).getUniversalProvider();
    if (value === undefined || value === null) return "later";
  }
  for (const candidate of [value, at(at(value, "engine"), "signClient"), at(value, "client")]) {
    if (missing(candidate, SIGN_CLIENT).length === 0) return candidate as SignClient;
  }
  // A UniversalProvider has its client only once it is initialised.
  const empty = typeof value === "object" && value !== null && "client" in value && !value.client;
  return empty && typeof at(value, "connect") === "function" ? "later" : "none";
}

function unreadable(error: unknown): never {
  if (error instanceof RenvaultError) throw error;
  const reason = error instanceof Error ? error.message : String(error);
  throw new RenvaultError("client", `The WalletConnect client could not be reached: ${reason}`, { cause: error });
}

function notYet(): RenvaultError {
  const seconds = ADOPTION_LIMIT_MS / 1000;
  return new RenvaultError("client", `Expected a WalletConnect client; got none within ${seconds} s. Connect first.`);
}

function at(value: unknown, name: string): unknown {
  return (value as Record<string, unknown> | null | undefined)?.[name];
}

/** Names a value by its kind and the names of its fields, never by its content. */
function described(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  if (typeof at(value, "then") === "function") return "a Promise: await it first";
  const names = Object.keys(value).slice(0, 8).join(", ");
  return names ? `an object with ${names}` : "an object without fields";
}
