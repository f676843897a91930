/**
 * The keys as they lie in IndexedDB, in one entry that is read and written in one transaction: the index key, and the
 * encryption keys in the order in which they were made. The last one seals, all of them open. Beside them may lie a
 * marker: there are none because someone wanted it so, and no page is to put back those that it still has.
 */
import { promisifyRequest, type UseStore } from "idb-keyval";
import { toHex } from "./base64.ts";

/** Bytes that WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

export interface EncryptionKey {
  /** 8 random bytes, which stand in the record */
  readonly id: Bytes;
  readonly key: CryptoKey;
  /** epoch milliseconds */
  readonly createdAt: number;
}

export interface KeyRing {
  readonly version: 1;
  readonly index: CryptoKey;
  /** never empty; the last one seals */
  readonly encryption: readonly EncryptionKey[];
}

/** There are no keys because they were forgotten; those of this page are not put back. */
export class KeysForgotten extends Error {
  override readonly message = "Everything stored on this device was forgotten, its keys too. Reload the page to begin anew.";
}

/** Others lie where the keys of this page lay. */
export class KeysReplaced extends Error {
  override readonly message = "This site's data was cleared while the page was open, and other keys lie there now.";
}

const ENTRY = "keys";
const FORGOTTEN = "forgotten";
const KEY_ID_SIZE = 8; // bytes

export async function makeRing(): Promise<KeyRing> {
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  const [key, index] = await Promise.all([makeKey(), crypto.subtle.generateKey(hmac, false, ["sign"])]);
  return { version: 1, index, encryption: [key] };
}

export async function makeKey(): Promise<EncryptionKey> {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  return { id: crypto.getRandomValues(new Uint8Array(KEY_ID_SIZE)), key, createdAt: Date.now() };
}

/** Returns the keys that lie there; where there are none, new ones are put there, after `begin` where all was forgotten. */
export async function firstRing(store: UseStore, begin: () => Promise<void>): Promise<KeyRing> {
  const { there, forgotten } = await read(store);
  if (there) return there;
  if (forgotten) await begin();
  const made = await makeRing();
  // One transaction reads and writes: of several pages that come here at once the first one's keys become everyone's.
  return change(store, (found) => found ?? made);
}

/** Returns the ids of the keys that lie there. */
export async function idsIn(store: UseStore): Promise<Bytes[]> {
  const { there } = await read(store);
  return there ? there.encryption.map(({ id }) => id) : [];
}

/** Returns the keys that lie there once those of `ours` are there too that belong there. */
export async function joinedRing(store: UseStore, ours: KeyRing): Promise<KeyRing> {
  const { there, forgotten } = await read(store);
  const joined = join(there, forgotten, ours);
  return joined === there ? joined : change(store, (found, marked) => join(found, marked, ours));
}

/**
 * Puts the key `made` behind the others, to seal from now on; returns them all. Where another page has put one there
 * after `ours` was read, less than `momentMs` ago, that one serves.
 */
export function appendKey(store: UseStore, ours: KeyRing, made: EncryptionKey, momentMs: number): Promise<KeyRing> {
  return change(store, (there, forgotten) => {
    const joined = join(there, forgotten, ours);
    const last = sealing(joined);
    const isAnswered = !withId(ours, last.id) && Math.abs(made.createdAt - last.createdAt) < momentMs;
    return isAnswered ? joined : { ...joined, encryption: [...joined.encryption, made] };
  });
}

/** Deletes the key with that id, unless it is the one that seals; returns the others, undefined where it did not. */
export async function deleteKey(store: UseStore, id: Bytes): Promise<KeyRing | undefined> {
  let others: KeyRing | undefined;
  await change(store, (there) => {
    const isOld = there && withId(there, id) && !same(sealing(there).id, id);
    others = isOld ? { ...there, encryption: there.encryption.filter((key) => !same(key.id, id)) } : undefined;
    return others ?? there;
  });
  return others;
}

/** Deletes every key, whichever page made it, and leaves the marker. */
export async function deleteAll(store: UseStore): Promise<void> {
  await store("readwrite", (entries) => {
    entries.delete(ENTRY);
    entries.put(true, FORGOTTEN);
    return promisifyRequest(entries.transaction);
  });
}

export function sealing({ encryption }: KeyRing): EncryptionKey {
  return encryption.at(-1)!;
}

export function withId({ encryption }: KeyRing, keyId: Uint8Array): EncryptionKey | undefined {
  return encryption.find(({ id }) => same(id, keyId));
}

/** Whether both hold keys of the same ids in the same order. */
export function isSame(one: KeyRing, other: KeyRing): boolean {
  return String(one.encryption.map(({ id }) => toHex(id))) === String(other.encryption.map(({ id }) => toHex(id)));
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return toHex(one) === toHex(other);
}

/**
 * Returns the keys that should lie where `there` does: `there` itself in most cases. The site's data may have been
 * cleared, and keys put back by a page that does not know of a rotation yet: then the newer ones of `ours` follow them.
 */
function join(there: KeyRing | undefined, forgotten: boolean, ours: KeyRing): KeyRing {
  if (!there && forgotten) throw new KeysForgotten();
  if (!there) return ours;
  if (!there.encryption.some(({ id }) => withId(ours, id))) throw new KeysReplaced();
  const last = ours.encryption.findIndex(({ id }) => same(id, sealing(there).id));
  const newer = last < 0 ? [] : ours.encryption.slice(last + 1);
  return newer.length > 0 ? { ...there, encryption: [...there.encryption, ...newer] } : there;
}

async function read(store: UseStore): Promise<{ there: KeyRing | undefined; forgotten: boolean }> {
  const [ring, marker] = await store("readonly", (entries) =>
    Promise.all([promisifyRequest<unknown>(entries.get(ENTRY)), promisifyRequest<unknown>(entries.get(FORGOTTEN))]),
  );
  return { there: parse(ring), forgotten: marker !== undefined };
}

/** Writes what `decide` makes of what lies there, if it is another; returns it once it is on disk. */
function change<Ring extends KeyRing | undefined>(
  store: UseStore,
  decide: (there: KeyRing | undefined, forgotten: boolean) => Ring,
): Promise<Ring> {
  return store("readwrite", (entries) => {
    const done = promisifyRequest(entries.transaction);
    const ring = entries.get(ENTRY);
    const marker = entries.get(FORGOTTEN);
    return new Promise<Ring>((resolve, reject) => {
      // Requests are answered in their order. Nothing but these callbacks keeps the transaction open.
      marker.onsuccess = () => {
        try {
          const there = parse(ring.result);
          const wanted = decide(there, marker.result !== undefined);
          if (wanted && wanted !== there) {
            entries.put(wanted, ENTRY);
            entries.delete(FORGOTTEN);
          }
          done.then(() => resolve(wanted), reject);
        } catch (error) {
          reject(error);
        }
      };
      done.catch(reject);
    });
  });
}

/** Keys that a newer version of this page wrote are refused, never replaced: the records need them. */
function parse(data: unknown): KeyRing | undefined {
  if (data === undefined) return undefined;
  const { version, index, encryption } = data as KeyRing;
  const fits =
    version === 1 &&
    isKey(index, "HMAC", "sign") &&
    Array.isArray(encryption) &&
    encryption.length > 0 &&
    encryption.every(isEncryptionKey);
  if (!fits) throw new Error("The stored keys are of a form that this version of the page does not know.");
  return { version, index, encryption };
}

function isEncryptionKey({ id, key, createdAt }: EncryptionKey): boolean {
  return id?.length === KEY_ID_SIZE && isKey(key, "AES-GCM", "decrypt") && Number.isFinite(createdAt);
}

function isKey(value: unknown, algorithm: string, usage: KeyUsage): boolean {
  const isOurs = value instanceof CryptoKey && value.algorithm.name === algorithm;
  return isOurs && !value.extractable && value.usages.includes(usage);
}
