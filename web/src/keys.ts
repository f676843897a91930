/**
 * The keys of this browser: AES-256-GCM to seal records, HMAC-SHA-256 to name them. They are made once, cannot be
 * exported, not by this page either, and lie in IndexedDB. Where that is not to be had they live as long as the page.
 */
import { get, update } from "idb-keyval";
import { answered, durableStore } from "./durable-store.ts";

/** Bytes that WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

export interface Keys {
  /** False where the keys die with the page: what they seal cannot be read by the next one. */
  readonly persistent: boolean;
  /** Why they are not persistent, for people; null where they are. */
  readonly problem: string | null;
  /** The 8-byte id of the key that seals now. */
  readonly keyId: Bytes;
  readonly encryption: CryptoKey;
  readonly index: CryptoKey;
  /** Returns the key with that id, which may be one that seals no more. */
  find(keyId: Uint8Array): CryptoKey | undefined;
}

/** What lies in IndexedDB. The last of `encryption` seals; all of them open. */
interface StoredKeys {
  readonly version: 1;
  readonly index: CryptoKey;
  readonly encryption: readonly { readonly id: Bytes; readonly key: CryptoKey; readonly createdAt: number }[];
}

const ENTRY = "keys";
const KEY_ID_SIZE = 8; // bytes

/** Opens the keys of `database` (by default the product's own), making them on first use. */
export async function openKeys(options: { database?: string } = {}): Promise<Keys> {
  if (!globalThis.crypto?.subtle) {
    throw new Error("This page has no WebCrypto, so nothing can be encrypted. Serve it over https or from localhost.");
  }
  try {
    return usable(await answered(storedKeys(options.database ?? "renvault")), null);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return usable(await makeKeys(), `The browser keeps no keys for this page. ${reason}`);
  }
}

async function storedKeys(database: string): Promise<StoredKeys> {
  const store = durableStore(`${database}-keys`);
  const known: unknown = await get(ENTRY, store);
  if (known !== undefined) return parse(known);
  const made = await makeKeys();
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

function usable({ index, encryption }: StoredKeys, problem: string | null): Keys {
  const current = encryption.at(-1)!; // parse() saw at least one
  const byId = new Map(encryption.map(({ id, key }) => [id.join(), key]));
  return {
    persistent: problem === null,
    problem,
    keyId: current.id,
    encryption: current.key,
    index,
    find: (keyId) => byId.get(keyId.join()),
  };
}
