/**
 * One connection attempt, exactly one: the two steps of the SDK's `connect()` (handshake, then resubscription) without
 * its loop of five and without the second it waits before it says that it failed.
 */
import { RenvaultError } from "./types.ts";
import { HOLDABLE_PROVIDER, missing, type Connection, type Provider, type Relayer } from "./wallet-sdk.ts";

export class Attempt {
  /** Resolves when the relay is connected and knows our topics; rejects at the moment that fails. */
  readonly done: Promise<void>;
  #relayer: Relayer;
  #fail!: (error: Error) => void;
  #over = false;
  #socket: WebSocket | undefined;
  #closing = "";

  constructor(relayer: Relayer, limitMs: number) {
    this.#relayer = relayer;
    const failed = new Promise<never>((_, reject) => (this.#fail = reject));
    const timer = setTimeout(() => this.giveUp(`The relay did not answer within ${limitMs / 1000} s.`), limitMs);
    this.done = Promise.race([this.#run(), failed])
      .catch((error: unknown) => this.#abandon(error))
      .finally(() => clearTimeout(timer));
  }

  /** Ends the attempt; its socket is closed and nothing of it comes later. */
  giveUp(message: string): void {
    this.#fail(new RenvaultError("unreachable", message));
  }

  async #run(): Promise<void> {
    const relayer = this.#relayer;
    const before = relayer.provider;
    before.connection?.socket?.close(); // else createProvider would wait for a dead socket to say goodbye
    await relayer.createProvider();
    endStep(before);
    await relayer.subscriber.stop();
    if (this.#over) return;
    const lacking = missing(relayer.provider, HOLDABLE_PROVIDER);
    if (lacking.length > 0) throw new RenvaultError("client", `The SDK's provider lacks ${lacking.join(", ")}.`);
    const provider = relayer.provider as Provider;
    provider.connection.register = () => this.#handshake(provider.connection);
    onClose(provider.connection, (reason) => (this.#closing = reason));
    const lost = (): void => this.giveUp(`The relay closed the connection at once${this.#closing}.`);
    provider.events.on("disconnect", lost);
    try {
      await provider.connect();
      if (!this.#over) await relayer.subscriber.start();
    } finally {
      provider.events.off("disconnect", lost);
    }
    if (!relayer.connected) lost();
  }

  #handshake(connection: Connection): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      if (this.#over || this.#socket) throw new Error("This connection is over.");
      const socket = new WebSocket(connection.url);
      this.#socket = socket;
      const refused = (): void => reject(new RenvaultError("unreachable", "The relay cannot be reached."));
      socket.onerror = refused;
      socket.onclose = refused;
      socket.onopen = () => {
        connection.onOpen(socket);
        resolve(socket);
      };
    });
  }

  async #abandon(error: unknown): Promise<never> {
    this.#over = true;
    this.#socket?.close();
    await this.#relayer.subscriber.stop();
    throw error instanceof RenvaultError ? error : new RenvaultError("unreachable", String(error));
  }
}

/** Tells how the connection's socket closed (` (1006)`), before the provider passes the loss on without it. */
export function onClose(connection: Connection, tell: (reason: string) => void): void {
  connection.events.prependListener("close", (event?: CloseEvent) => {
    tell(event ? ` (${[event.code, event.reason].filter(Boolean).join(" ")})` : "");
  });
}

/** Ends a step of the SDK's own loop that was under way when we took over, and closes its socket should it still open. */
function endStep(provider: Partial<Provider>): void {
  if (!provider.connection || provider.connection.socket) return;
  provider.connection.onOpen = (socket) => socket.close();
  provider.events?.emit("disconnect");
}
