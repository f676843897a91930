/** What is asked of a session's peer, with limits and without the SDK's surprises. Errors are the Wallet port's. */
import { within } from "./limit.ts";
import { replace } from "./replace.ts";
import { RenvaultError } from "./types.ts";
import { errorText, short } from "./wallet-json.ts";
import type { HistoryRecord, SignClient } from "./wallet-sdk.ts";

/** The SDK's USER_DISCONNECTED. */
const ENDED_BY_USER = { code: 6000, message: "User disconnected." };

/** An extend under way: the SDK's new expiry waits here for the peer. */
interface Extension {
  topic: string;
  expiry?: number;
}

export class WalletCalls {
  #client: SignClient;
  #onLateExtend: (topic: string) => void;
  #extensions = new Set<Extension>();
  #unkeep = (): void => {};

  /** `onLateExtend` is called when a peer acknowledges an extend after its limit. */
  constructor(client: SignClient, onLateExtend: (topic: string) => void) {
    this.#client = client;
    this.#onLateExtend = onLateExtend;
  }

  /** Resolves with the new expiry, seconds, once the peer has acknowledged it; until then the record keeps the old. */
  async extend(topic: string, limitMs: number): Promise<number> {
    let late = false;
    const { session, engine } = this.#client;
    const moved = this.#requestExtend(topic).then(async (expiry) => {
      if (expiry > session.get(topic).expiry) await engine.setExpiry(topic, expiry);
      if (late) this.#onLateExtend(topic);
      return session.get(topic).expiry;
    });
    moved.catch(() => {}); // after the limit nobody waits for it
    return within(limitMs, moved, () => {
      late = true;
      return noAnswer(topic, limitMs, " It may still come.");
    });
  }

  /** Tells the peer within the limit, if it can be told; then the session is gone here in any case. */
  async disconnect(topic: string, limitMs: number): Promise<void> {
    if (!this.#knows(topic)) return;
    const told = this.#client.disconnect({ topic, reason: ENDED_BY_USER });
    await within(limitMs, told, () => noAnswer(topic, limitMs)).catch(() => {});
    await this.#forgetSession(topic);
  }

  /** Resolves when the peer has answered: the SDK itself tells it 500 ms later, its history at once. */
  async ping(topic: string, limitMs: number): Promise<void> {
    const { history } = this.#client.core;
    const sent = new Set<number>();
    let onCreated!: (record: HistoryRecord) => void;
    let onUpdated!: (record: HistoryRecord) => void;
    const answered = new Promise<void>((resolve, reject) => {
      onCreated = (record) => {
        if (record.topic === topic && record.request.method === "wc_sessionPing") sent.add(record.id);
      };
      onUpdated = (record) => {
        if (!sent.has(record.id)) return;
        if (record.response?.error) reject(record.response.error);
        else resolve();
      };
    });
    history.on("history_created", onCreated);
    history.on("history_updated", onUpdated);
    try {
      const ping = this.#client.ping({ topic });
      await within(limitMs, Promise.race([ping, answered]), () => noAnswer(topic, limitMs));
    } finally {
      history.off("history_created", onCreated);
      history.off("history_updated", onUpdated);
    }
  }

  /** Removes pairings whose life is over, but those with an open proposal; resolves with how many. */
  async removeStalePairings(): Promise<number> {
    const { core, proposal } = this.#client;
    const now = Date.now() / 1000;
    const open = proposal.getAll().filter(({ expiryTimestamp }) => expiryTimestamp > now);
    const topics = new Set(open.map(({ pairingTopic }) => pairingTopic));
    const stale = core.pairing.pairings.getAll().filter(({ topic, expiry }) => expiry <= now && !topics.has(topic));
    for (const { topic } of stale) {
      this.#unsubscribe(topic);
      await core.pairing.pairings.delete(topic, ENDED_BY_USER);
      await this.#forgetKeys(topic);
    }
    return stale.length;
  }

  #knows(topic: string): boolean {
    return this.#client.session.keys.includes(topic);
  }

  /** Resolves with the expiry that the SDK wants once the peer has acknowledged it. */
  async #requestExtend(topic: string): Promise<number> {
    const extension: Extension = { topic };
    let acknowledged: Promise<void>;
    this.#keepExpiry(extension);
    try {
      // Called at once: an acknowledgement that comes before `acknowledged()` is lost to the SDK.
      acknowledged = (await this.#client.extend({ topic })).acknowledged();
    } finally {
      this.#extensions.delete(extension);
      if (this.#extensions.size === 0) this.#unkeep();
    }
    await acknowledged.catch(refused);
    if (extension.expiry === undefined) throw new RenvaultError("wallet", "The SDK did not name the new expiry.");
    return extension.expiry;
  }

  /** The SDK moves a session's expiry before it asks the peer, and never back: that one move is caught here. */
  #keepExpiry(extension: Extension): void {
    this.#extensions.add(extension);
    if (this.#extensions.size > 1) return;
    const { engine } = this.#client;
    const setExpiry = engine.setExpiry;
    const value = async (topic: string, expiry: number): Promise<void> => {
      const asked = [...this.#extensions].find((other) => other.topic === topic && other.expiry === undefined);
      if (asked) asked.expiry = expiry;
      else await setExpiry.call(engine, topic, expiry);
    };
    this.#unkeep = replace(engine, "setExpiry", { value, writable: true });
  }

  /** Deletes what the SDK's own deleteSession would, which waits for ever where the relay does not answer. */
  async #forgetSession(topic: string): Promise<void> {
    if (!this.#knows(topic)) return;
    const { session, core } = this.#client;
    const { publicKey } = session.get(topic).self;
    this.#unsubscribe(topic);
    await session.delete(topic, ENDED_BY_USER);
    if (core.crypto.keychain.has(publicKey)) await core.crypto.deleteKeyPair(publicKey);
    await this.#forgetKeys(topic);
  }

  async #forgetKeys(topic: string): Promise<void> {
    const { crypto, expirer } = this.#client.core;
    if (crypto.keychain.has(topic)) await crypto.deleteSymKey(topic);
    expirer.del(topic);
  }

  /** The subscription itself goes at once; telling the relay may take as long as it likes. */
  #unsubscribe(topic: string): void {
    this.#client.core.relayer.subscriber.unsubscribe(topic).catch(() => {});
  }
}

/** Reads what any call has thrown into an error of the Wallet port. */
export function walletError(error: unknown, topic: string): RenvaultError {
  if (error instanceof RenvaultError) return error;
  const message = errorText(error);
  const name = topic ? `Session ${short(topic)}` : "The wallet client";
  if (/^Expired\b/.test(message)) return new RenvaultError("expired", `${name} has expired.`);
  if (/No matching key|recently deleted|does not exist in keychain/i.test(message)) {
    return new RenvaultError("gone", `${name} is not known to the wallet client. Connect again.`);
  }
  if (/No internet connection|restored by RenVault|[Ff]ailed to publish|establish socket/.test(message)) {
    return new RenvaultError("unreachable", `${name}: there is no relay connection.`);
  }
  return new RenvaultError("wallet", message);
}

/** The peer's own answer is a plain object, the SDK's failures are Errors. */
function refused(error: unknown): never {
  if (error instanceof Error) throw error;
  throw new RenvaultError("refused", `The wallet refused: ${errorText(error)}`);
}

function noAnswer(topic: string, limitMs: number, more = ""): RenvaultError {
  return new RenvaultError("unknown", `Session ${short(topic)}: no answer within ${limitMs / 1000} s.${more}`);
}
