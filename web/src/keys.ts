/**
 * The keys of this browser: AES-256-GCM to seal records, HMAC-SHA-256 to name them. They are made once, cannot be
 * exported, not by this page either, and lie in IndexedDB. Where that is not to be had they live as long as the page.
 */
import { get, type UseStore, update } from "idb-keyval";
import { answered, durableStore } from "./durable-store.ts";

/** Bytes that WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

export interface Keys {
  /** False where the keys die with the page: what they seal cannot be read by the next one. It may become false. */
  readonly persistent: boolean;
  /** Why they are not persistent, for people; null where they are. */
  readonly problem: string | null;
  /** The 8-byte id of the key that seals now. */
  readonly keyId: Bytes;
  readonly encryption: CryptoKey;
  readonly index: CryptoKey;
  /** Returns the key with that id, which may be one that seals no more. */
  find(keyId: Uint8Array): CryptoKey | undefined;
  /** Resolves once it is known whether the keys still lie in IndexedDB, within a limit. Never rejects. */
  standing(): Promise<void>;
}

/** What lies in IndexedDB. The last of `encryption` seals; all of them open. */
interface StoredKeys {
  readonly version: 1;
  readonly index: CryptoKey;
  readonly encryption: readonly { readonly id: Bytes; readonly key: CryptoKey; readonly createdAt: number }[];
}

const ENTRY = "keys";
const KEY_ID_SIZE = 8; // bytes

/** The keys of this page by their database: opened once, for after they were cleared it would make others. */
const ofPage = new Map<string, Promise<Keys>>();

/** Opens the keys of `database` (by default the product's own), making them on first use. */
export function openKeys({ database = "renvault" }: { database?: string } = {}): Promise<Keys> {
  const keys = ofPage.get(database) ?? open(database);
  ofPage.set(database, keys);
  return keys;
}

async function open(database: string): Promise<Keys> {
  if (!globalThis.crypto?.subtle) {
    throw new Error("This page has no WebCrypto, so nothing can be encrypted. Serve it over https or from localhost.");
  }
  let keys: OpenKeys | undefined;
  // Cleared under a page that goes on sealing, the keys are put back at once: the page may end before it seals again.
  const store = durableStore(`${database}-keys`, () => void keys?.standing());
  try {
    keys = new OpenKeys(await answered(stored(store, makeKeys)), store, null);
  } catch (error) {
    keys = new OpenKeys(await makeKeys(), store, noKeys(error));
  }
  return keys;
}

/** Returns the keys that lie in IndexedDB; where there are none, those of `make` are put there. */
async function stored(store: UseStore, make: () => Promise<StoredKeys>): Promise<StoredKeys> {
  const known: unknown = await get(ENTRY, store);
  if (known !== undefined) return parse(known);
  const made = await make();
  // One transaction reads and writes: of several pages that come here at once the first one's keys become everyone's.
  let kept: unknown;
  await update<unknown>(ENTRY, (before) => (kept = before ?? made), store);
  return parse(kept);
}

async function makeKeys(): Promise<StoredKeys> {
  const [key, index] = await Promise.all([
    crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]),
    crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign"]),
  ]);
  const id = crypto.getRandomValues(new Uint8Array(KEY_ID_SIZE));
  return { version: 1, index, encryption: [{ id, key, createdAt: Date.now() }] };
}

/** Keys that a newer version of this page wrote are refused, never replaced: the records need them. */
function parse(data: unknown): StoredKeys {
  const { version, index, encryption } = data as StoredKeys;
  const fits =
    version === 1 &&
    isKey(index, "HMAC", "sign") &&
    Array.isArray(encryption) &&
    encryption.length > 0 &&
    encryption.every(({ id, key }) => id?.length === KEY_ID_SIZE && isKey(key, "AES-GCM", "decrypt"));
  if (!fits) throw new Error("The stored keys are of a form that this version of the page does not know.");
  return { version, index, encryption };
}

function isKey(value: unknown, algorithm: string, usage: KeyUsage): boolean {
  const isOurs = value instanceof CryptoKey && value.algorithm.name === algorithm;
  return isOurs && !value.extractable && value.usages.includes(usage);
}

function noKeys(error: unknown): string {
  return `The browser keeps no keys for this page. ${error instanceof Error ? error.message : String(error)}`;
}

const REPLACED = "This site's data was cleared while the page was open, and other keys lie there now.";

class OpenKeys implements Keys {
  readonly keyId: Bytes;
  readonly encryption: CryptoKey;
  readonly index: CryptoKey;
  readonly #all: StoredKeys;
  readonly #store: UseStore;
  #problem: string | null;
  #looking: Promise<void> | undefined;

  constructor(all: StoredKeys, store: UseStore, problem: string | null) {
    const current = all.encryption.at(-1)!; // parse() saw at least one
    this.keyId = current.id;
    this.encryption = current.key;
    this.index = all.index;
    this.#all = all;
    this.#store = store;
    this.#problem = problem;
  }

  get persistent(): boolean {
    return this.#problem === null;
  }

  get problem(): string | null {
    return this.#problem;
  }

  find(keyId: Uint8Array): CryptoKey | undefined {
    return withId(this.#all, keyId)?.key;
  }

  standing(): Promise<void> {
    if (!this.persistent) return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return answered(this.#looking).catch(() => {}); // late: the next record asks again, and the search goes on
  }

  /** Puts the keys back where there are none any more; gives them up where others lie, or the browser takes none. */
  async #look(): Promise<void> {
    const ours = () => stored(this.#store, async () => this.#all);
    try {
      const there = await ours().catch(ours); // one fault of the disk is no loss
      if (!withId(there, this.keyId)) this.#problem = REPLACED;
    } catch (error) {
      this.#problem = noKeys(error);
    }
  }
}

function withId({ encryption }: StoredKeys, keyId: Uint8Array): StoredKeys["encryption"][number] | undefined {
  return encryption.find(({ id }) => id.join() === keyId.join());
}
