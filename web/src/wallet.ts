/**
 * One adopted WalletConnect client behind the Wallet port (renvault_web/ports.py): sessions, calls, events and the relay
 * transport. SDK types and their oddities end here; JSON texts leave, with times in epoch seconds and limits in ms.
 */
import { isSealed } from "./sdk-mark.ts";
import { Transport } from "./transport.ts";
import { walletError, WalletCalls } from "./wallet-calls.ts";
import { cleaned, plainSession } from "./wallet-json.ts";
import { findSignClient, type SignClient } from "./wallet-sdk.ts";

/** The SDK's events of one session. */
const SESSION_EVENTS = ["session_update", "session_extend", "session_delete", "session_expire", "session_event"];

/** Events that bring the session along as it is now. */
const WITH_SESSION = new Set(["session_connect", "session_update", "session_extend"]);

/** What the SDK says of a session: trusted only field by field. */
interface SdkEvent {
  topic?: unknown;
  id?: unknown;
  params?: unknown;
}

export class WalletAdapter {
  static #known = new WeakMap<SignClient, WalletAdapter>();
  static #made = 0;

  /** Tells adapters apart where only numbers cross. */
  readonly key = ++WalletAdapter.#made;
  #client: SignClient;
  #calls: WalletCalls;
  #transport: Transport;
  #listeners = new Set<(json: string) => void>();
  #unlisten: (() => void) | undefined;

  /** Adopts the client in what the host gave (wallet-sdk.ts), once; a `client` error where there is none. */
  static async adopt(source: unknown): Promise<WalletAdapter> {
    const client = await findSignClient(source);
    const adapter = WalletAdapter.#known.get(client) ?? new WalletAdapter(client);
    WalletAdapter.#known.set(client, adapter);
    return adapter;
  }

  private constructor(client: SignClient) {
    this.#client = client;
    this.#calls = new WalletCalls(client, (topic) => this.#tell("session_extend", { topic }));
    this.#transport = new Transport(client.core.relayer, () => client.session.length > 0);
  }

  /** The sessions the client lists now, a JSON list. */
  sessions(): string {
    return JSON.stringify(this.#client.session.getAll().map(plainSession));
  }

  /** Calls `listener` with each event as JSON; the returned function ends it. */
  subscribe(listener: (json: string) => void): () => void {
    this.#listeners.add(listener);
    this.#unlisten ??= this.#listen();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stopListening();
    };
  }

  /** Asks the peer to extend; answers the new expiry, seconds, once the peer has acknowledged. */
  extend(topic: string, limitMs: number): Promise<string> {
    return answer(() => this.#calls.extend(topic, limitMs), topic);
  }

  /** Tells the peer, if it can be told within the limit, and deletes the session here in any case. */
  disconnect(topic: string, limitMs: number): Promise<string> {
    return answer(() => this.#calls.disconnect(topic, limitMs), topic);
  }

  /** Answers as soon as the peer has answered. */
  ping(topic: string, limitMs: number): Promise<string> {
    return answer(() => this.#calls.ping(topic, limitMs), topic);
  }

  /** Removes pairings whose life is over; answers how many. */
  removeStalePairings(): Promise<string> {
    return answer(() => this.#calls.removeStalePairings());
  }

  /** Whether the client keeps its keys in the storage of sdk-storage.ts. */
  keysSealed(): boolean {
    return isSealed(this.#client.core.storage);
  }

  connected(): boolean {
    return this.#transport.connected;
  }

  /** Takes the transport; false where the SDK's fields are not as known: then its own loop stays in charge. */
  hold(): boolean {
    return this.#transport.hold();
  }

  release(): void {
    this.#transport.release();
  }

  /** Makes exactly one attempt, or none where a connection stands that has not failed a proof. */
  open(limitMs: number): Promise<string> {
    return answer(() => this.#transport.open(limitMs));
  }

  prove(limitMs: number): Promise<string> {
    return answer(() => this.#transport.prove(limitMs));
  }

  #listen(): () => void {
    const own: Record<string, (event: never) => void> = {
      session_connect: ({ session }: { session?: SdkEvent }) => this.#tell("session_connect", { topic: session?.topic }),
    };
    for (const name of SESSION_EVENTS) own[name] = (event: SdkEvent) => this.#tell(name, event);
    for (const [name, listener] of Object.entries(own)) this.#client.on(name, listener);
    const unwatch = this.#transport.watch((event) => this.#emit(event));
    return () => {
      for (const [name, listener] of Object.entries(own)) this.#client.off(name, listener);
      unwatch();
    };
  }

  #stopListening(): void {
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  #tell(event: string, { topic, id, params }: SdkEvent): void {
    if (typeof topic !== "string") return;
    const store = this.#client.session;
    const told = WITH_SESSION.has(event) && store.keys.includes(topic);
    const session = told ? plainSession(store.get(topic)) : undefined;
    this.#emit({ event, topic, id, session, params: event === "session_event" ? params : undefined });
  }

  #emit(event: object): void {
    const json = JSON.stringify(cleaned(event));
    for (const listener of [...this.#listeners]) {
      try {
        listener(json);
      } catch (error) {
        reportError(error); // the next listener goes on
      }
    }
  }
}

/** Runs one call of the port: `{"value": …}` or `{"error": {code, message}}`, never a rejection. */
async function answer(call: () => Promise<unknown>, topic = ""): Promise<string> {
  try {
    return JSON.stringify({ value: (await call()) ?? null });
  } catch (error) {
    const { code, message } = walletError(error, topic);
    return JSON.stringify({ error: { code, message } });
  }
}
