/**
 * Records sealed and opened in batches, and their layout: byte for byte that of renvault_web/record.py, whose
 * docstring describes it. Both are held to tests/fixtures/record-vectors.json.
 */
import { fromBase64Url, toBase64Url } from "./base64.ts";
import type { Bytes, Keys } from "./keys.ts";

export type { Bytes } from "./keys.ts";

const VERSION = 1;
/** Every storage key of ours begins with it. */
export const KEY_PREFIX = "rv1.";
const KEY_ID_SIZE = 8; // bytes
const HEADER_SIZE = 3 + KEY_ID_SIZE;
const IV_SIZE = 12;
const TAG_SIZE = 16;
const STORAGE_KEY_TAG = 16; // bytes of the HMAC that the storage key shows
const KNOWN_FLAGS = [0, 0x01, 0x02]; // bodies that only Python inflates
const PLAIN = 0x80; // not sealed: only Python reads it
const DIGEST_SIZE = 32; // bytes of SHA-256, in a record that is not sealed

/** What a record is for. */
export const Purpose = { session: 1, sdkEntry: 2, notes: 3 } as const;

export interface SealJob {
  readonly aad: Bytes;
  readonly plaintext: Bytes;
}

export interface OpenJob {
  readonly keyId: Bytes;
  readonly aad: Bytes;
  /** IV, ciphertext and tag */
  readonly sealed: Bytes;
}

/** A record taken apart. Nothing in it is authentic until `sealed` has been opened with `aad`. */
export interface SealedRecord extends OpenJob {
  readonly purpose: number;
  readonly flags: number;
}

/** What another version of this page, or one with other keys, may be able to read: it has to be left alone. */
export class Foreign extends Error {}

/** AES-256-GCM and HMAC-SHA-256 under the keys of this browser. */
export class Sealer {
  readonly #keys: Keys;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  get persistent(): boolean {
    return this.#keys.persistent;
  }

  /** Why what is sealed cannot be read by the next page, for people; null where it can. */
  get problem(): string | null {
    return this.#keys.problem;
  }

  /** The id of the key that seals now. Another page may change it at any await. */
  get keyId(): Bytes {
    return this.#keys.keyId;
  }

  /** Whether records sealed by the key of that id can be opened. */
  async knows(keyId: Bytes): Promise<boolean> {
    return (await this.#keys.find(keyId)) !== undefined;
  }

  /** Whether a key that is not known will never be: what it sealed cannot be read again. */
  isLost(keyId: Bytes): boolean {
    return this.#keys.isLost(keyId);
  }

  /** Returns the 32-byte HMAC of each message under the index key. */
  tags(messages: readonly Bytes[]): Promise<Bytes[]> {
    return Promise.all(
      messages.map(async (message) => new Uint8Array(await crypto.subtle.sign("HMAC", this.#keys.index, message))),
    );
  }

  /**
   * Seals each job by the key of that id, with a fresh IV; returns IV, ciphertext and tag joined. `persistent` is up to
   * date then. Rejects where the key is not at hand any more: another one seals now.
   */
  async seal(keyId: Bytes, jobs: readonly SealJob[]): Promise<Bytes[]> {
    const key = await this.#keys.forSealing(keyId);
    const sealed = Promise.all(
      jobs.map(async ({ aad, plaintext }) => {
        // Random IVs repeat with a chance below 2^-32 as long as a key seals fewer than 2^32 records.
        const iv = crypto.getRandomValues(new Uint8Array(IV_SIZE));
        const parameters = { name: "AES-GCM", iv, additionalData: aad };
        return join(iv, new Uint8Array(await crypto.subtle.encrypt(parameters, key, plaintext)));
      }),
    );
    await Promise.all([sealed, this.#keys.standing()]);
    await this.#keys.forSealing(keyId); // forgotten meanwhile, it has sealed what nobody will read
    return sealed;
  }

  /** Opens each job; null where the key is unknown or the tag does not fit. */
  open(jobs: readonly OpenJob[]): Promise<(Bytes | null)[]> {
    return Promise.all(
      jobs.map(async ({ keyId, aad, sealed }) => {
        const key = await this.#keys.find(keyId);
        if (!key || sealed.length < IV_SIZE + TAG_SIZE) return null;
        const parameters = { name: "AES-GCM", iv: sealed.subarray(0, IV_SIZE), additionalData: aad };
        try {
          return new Uint8Array(await crypto.subtle.decrypt(parameters, key, sealed.subarray(IV_SIZE)));
        } catch {
          return null; // WebCrypto says no more than that it does not fit
        }
      }),
    );
  }
}

/** Returns what the index key is to sign, so that the signature gives the storage key of `identity`. */
export function keyMessage(purpose: number, identity: string): Bytes {
  return join(Uint8Array.of(purpose), utf8(identity));
}

/** Returns the storage key that follows from the index key's signature of a `keyMessage`. */
export function storageKey(tag: Bytes): string {
  return KEY_PREFIX + toBase64Url(tag.subarray(0, STORAGE_KEY_TAG));
}

/** Returns the additional authenticated data of a record with this header under the storage key `key`. */
export function recordAad(purpose: number, flags: number, keyId: Bytes, key: string): Bytes {
  return join(header(purpose, flags, keyId), utf8(key));
}

/** Returns the record as text. */
export function encodeRecord({ purpose, flags, keyId, sealed }: Omit<SealedRecord, "aad">): string {
  return toBase64Url(join(header(purpose, flags, keyId), sealed));
}

/** Takes the text of the record under `key` apart; throws an Error that says what is wrong with it, or `Foreign`. */
export function decodeRecord(text: string, key: string): SealedRecord {
  const data = bytesOf(text);
  const [, purpose = 0, flags = 0] = data;
  if (flags & PLAIN) throw new Foreign("The record is not sealed.");
  const keyId = data.slice(3, HEADER_SIZE);
  return { purpose, flags, keyId, aad: recordAad(purpose, flags, keyId, key), sealed: data.slice(HEADER_SIZE) };
}

/** Returns the purpose that a record's header claims, sealed or not; undefined where it is no record of ours. */
export function claimedPurpose(text: string): number | undefined {
  try {
    const data = bytesOf(text);
    const [, purpose, flags = 0] = data;
    const isWhole = !(flags & PLAIN) || (data.length >= HEADER_SIZE + DIGEST_SIZE && isZero(data.subarray(3, HEADER_SIZE)));
    return isWhole ? purpose : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the bytes of a record's text once their header is of a form that is known. */
function bytesOf(text: string): Bytes {
  const data = fromBase64Url(text);
  const [version, , flags = 0] = data;
  if (version !== undefined && version !== VERSION) {
    throw new Foreign(`The record has version ${version}, this page reads version ${VERSION}.`);
  }
  if (data.length < HEADER_SIZE + IV_SIZE + TAG_SIZE) {
    throw new Error(`The record is cut short: it has ${data.length} bytes.`);
  }
  if (!KNOWN_FLAGS.includes(flags & ~PLAIN)) {
    throw new Foreign(`The record has flags ${flags}, which this page does not know.`);
  }
  return data;
}

function isZero(data: Bytes): boolean {
  return data.every((byte) => byte === 0);
}

function header(purpose: number, flags: number, keyId: Bytes): Bytes {
  if (keyId.length !== KEY_ID_SIZE) throw new Error(`A key id has ${KEY_ID_SIZE} bytes, not ${keyId.length}.`);
  return join(Uint8Array.of(VERSION, purpose, flags), keyId);
}

function join(first: Bytes, second: Bytes): Bytes {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}
