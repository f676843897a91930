/**
 * The relay transport under our supervision.
 *
 * Held, and as long as the client has a session, the SDK makes no attempt of its own: each way to one (`connect`,
 * `transportOpen`, `restartTransport`, requests, pairings, heartbeat, online events) passes one of three methods, which
 * do nothing while the socket is open and throw while it is not. Its loops and timers look at
 * `transportExplicitlyClosed`, which says true meanwhile. Attempts are ours alone (attempt.ts). Without a session there
 * is nothing to restore, and a first pairing has to connect: then the SDK is on its own.
 */
import { Attempt, onClose } from "./attempt.ts";
import { toHex } from "./base64.ts";
import { within } from "./limit.ts";
import { replace } from "./replace.ts";
import { RenvaultError } from "./types.ts";
import { HOLDABLE_PROVIDER, HOLDABLE_RELAYER, missing, type Connection, type Provider, type Relayer } from "./wallet-sdk.ts";

/** What a call meets that would open a connection of its own. */
class HeldError extends Error {
  constructor() {
    super("The connection is being restored by RenVault. Try again when it is back.");
  }
}

/** Relayers that some adapter holds: two gates on one relayer would undo each other's. */
const heldRelayers = new WeakSet<Relayer>();

type Gate = "confirmOnlineStateOrThrow" | "connect" | "restartTransport";
const GATES: readonly Gate[] = ["confirmOnlineStateOrThrow", "connect", "restartTransport"];

export type RelayEvent =
  | { event: "relay_connect" }
  | { event: "relay_disconnect"; message: string }
  | { event: "session_error"; message: string };

export class Transport {
  #relayer: Relayer;
  #hasSessions: () => boolean;
  #undo: (() => void)[] = [];
  #held = false;
  #attempt: Attempt | undefined;
  #tell: (event: RelayEvent) => void = () => {};
  #told = false; // whether listeners last heard that we are connected
  #silent: unknown; // the provider that did not answer a proof
  #connection: Connection | undefined;
  #closing = ""; // what the socket last said when it closed
  #probe = toHex(crypto.getRandomValues(new Uint8Array(32)));

  constructor(relayer: Relayer, hasSessions: () => boolean) {
    this.#relayer = relayer;
    this.#hasSessions = hasSessions;
  }

  get connected(): boolean {
    return this.#relayer.connected;
  }

  /** Takes the transport; false, and nothing changed, where the SDK's fields are not as known or another holds it. */
  hold(): boolean {
    const relayer = this.#relayer;
    if (this.#held) return true;
    const { provider } = relayer;
    const unknown = missing(relayer, HOLDABLE_RELAYER).concat(
      provider.connection ? missing(provider, HOLDABLE_PROVIDER) : [],
    );
    if (unknown.length > 0 || heldRelayers.has(relayer)) return false;
    heldRelayers.add(relayer);
    this.#held = true;
    this.#undo = [...GATES.map((name) => this.#gate(name)), this.#closeFlag(), quietenQueue()];
    return true;
  }

  /** Gives the transport back to the SDK's own loop. */
  release(): void {
    if (!this.#held) return;
    const relayer = this.#relayer;
    this.#attempt?.giveUp("The transport was given back.");
    for (const undo of this.#undo) undo();
    this.#undo = [];
    this.#held = false;
    heldRelayers.delete(relayer);
    if (!relayer.connected && relayer.subscriber.hasAnyTopics) void relayer.transportOpen().catch(() => {});
  }

  /** Makes one attempt; where the connection stands and has not failed a proof, there is nothing to do. */
  async open(limitMs: number): Promise<void> {
    const relayer = this.#relayer;
    if (!this.#held) throw new RenvaultError("client", "The transport is not held.");
    if (relayer.connected && relayer.provider !== this.#silent) return;
    if (this.#attempt) return this.#attempt.done;
    this.#told = false;
    this.#attempt = new Attempt(relayer, limitMs);
    try {
      await this.#attempt.done;
    } catch (error) {
      if ((error as RenvaultError).code === "client") this.release(); // not the fields we know: the SDK goes on alone
      throw error;
    } finally {
      this.#attempt = undefined;
    }
    this.#silent = undefined;
    relayer.transportExplicitlyClosed = false;
    this.#connected();
  }

  /** Asks the relay to subscribe a topic of our own, past the SDK's stores: an answer proves a living connection. */
  async prove(limitMs: number): Promise<void> {
    const provider = this.#relayer.provider as Provider;
    if (!this.#relayer.connected) throw new RenvaultError("unreachable", "There is no relay connection.");
    const id = `${Date.now()}${String(crypto.getRandomValues(new Uint32Array(1))[0]).slice(-6).padStart(6, "0")}`;
    let lost!: () => void;
    const loss = new Promise<never>((_, reject) => {
      lost = () => reject(new RenvaultError("unreachable", "The relay connection was lost."));
    });
    provider.events.on("disconnect", lost);
    try {
      // An error is an answer too: the relay lives.
      const answer = provider.request({ id, method: "irn_subscribe", params: { topic: this.#probe } }).catch(() => {});
      await within(limitMs, Promise.race([answer, loss]), () => {
        this.#silent = provider;
        return new RenvaultError("unreachable", `The relay did not answer within ${limitMs / 1000} s.`);
      });
    } finally {
      provider.events.off("disconnect", lost);
      provider.events.removeAllListeners(id); // the SDK's provider keeps one a request, for ever
    }
  }

  /** Tells `listener` of each gain and each loss of the connection, once; the returned function ends it. */
  watch(listener: (event: RelayEvent) => void): () => void {
    const relayer = this.#relayer;
    const onConnect = (): void => {
      if (!this.#attempt) this.#connected();
    };
    const onDisconnect = (): void => {
      if (this.#attempt || relayer.connected || !this.#told) return;
      this.#told = false;
      this.#tell({ event: "relay_disconnect", message: `The relay connection was lost${this.#closing}.` });
    };
    const onError = (error: Error): void => {
      if (!this.#attempt) this.#tell({ event: "session_error", message: error.message }); // an attempt tells it itself
    };
    relayer.on("relayer_connect", onConnect);
    relayer.on("relayer_disconnect", onDisconnect);
    relayer.on("relayer_error", onError);
    if (relayer.connected) this.#connected(); // no news to the listener: it has asked already
    this.#tell = listener;
    return () => {
      this.#tell = () => {};
      this.#told = false;
      relayer.off("relayer_connect", onConnect);
      relayer.off("relayer_disconnect", onDisconnect);
      relayer.off("relayer_error", onError);
    };
  }

  #connected(): void {
    if (this.#told) return;
    this.#told = true;
    this.#closing = "";
    const { connection } = this.#relayer.provider as Provider;
    if (connection !== this.#connection) onClose(connection, (reason) => (this.#closing = reason));
    this.#connection = connection;
    this.#tell({ event: "relay_connect" });
  }

  #supervises(): boolean {
    return this.#held && this.#hasSessions();
  }

  #gate(name: Gate): () => void {
    const relayer = this.#relayer;
    const original = relayer[name];
    return replace(relayer, name, {
      writable: true,
      value: async (...args: [string?]) => {
        if (!this.#supervises()) return original.apply(relayer, args);
        if (!relayer.connected) throw new HeldError();
      },
    });
  }

  /** The flag that ends the SDK's loops and timers: true whenever it is not connected, or a loop from before goes on. */
  #closeFlag(): () => void {
    const relayer = this.#relayer;
    let flag = relayer.transportExplicitlyClosed;
    const undo = replace(relayer, "transportExplicitlyClosed", {
      get: () => flag || (this.#supervises() && (!relayer.connected || relayer.connectionAttemptInProgress)),
      set: (value: boolean) => (flag = value),
    });
    return () => {
      undo();
      relayer.transportExplicitlyClosed = flag;
    };
  }
}

/** The SDK's publisher tries its queue on each heartbeat and leaves the refusal unhandled: here that is no news. */
function quietenQueue(): () => void {
  const quiet = (event: PromiseRejectionEvent): void => {
    if (event.reason instanceof HeldError) event.preventDefault();
  };
  addEventListener("unhandledrejection", quiet);
  return () => removeEventListener("unhandledrejection", quiet);
}
