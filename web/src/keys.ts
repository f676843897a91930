/**
 * The keys of this browser: AES-256-GCM to seal records, HMAC-SHA-256 to name them. They are made once, cannot be
 * exported, not by this page either, and lie in IndexedDB. Where that is not to be had they live as long as the page.
 *
 * Rotation adds a key, which every page seals with from the next look at IndexedDB on; the older ones go on opening
 * until nothing needs them. The index key stays, or no record would be found under its name.
 */
import { toHex } from "./base64.ts";
import { answered, type DurableStore, durableStore } from "./durable-store.ts";
import { hasLocks, KeyLocks, whileUnheld } from "./key-locks.ts";
import {
  appendKey,
  type Bytes,
  deleteAll,
  deleteKey,
  firstRing,
  idsIn,
  isSame,
  joinedRing,
  type KeyRing,
  KeysForgotten,
  KeysReplaced,
  makeKey,
  makeRing,
  sealing,
  withId,
} from "./key-store.ts";
import { type KeyUse, lending } from "./key-use.ts";
import { sweep } from "./litter.ts";

export type { Bytes } from "./key-store.ts";

export interface Keys {
  /** False where the keys die with the page: what they seal cannot be read by the next one. It may become false. */
  readonly persistent: boolean;
  /** Why they are not persistent, for people; null where they are. */
  readonly problem: string | null;
  /** The 8-byte id of the key that seals now. Another page's rotation may change it at any await. */
  readonly keyId: Bytes;
  /** When the key that seals now was made, epoch milliseconds. */
  readonly createdAt: number;
  /** The ids of all keys at hand, the one that seals last. */
  readonly ids: readonly Bytes[];
  readonly index: CryptoKey;
  /** Returns the key with that id to open with; one that another page made meanwhile is looked for in IndexedDB. */
  find(keyId: Bytes): Promise<CryptoKey | undefined>;
  /** Whether a key that `find` did not return is in IndexedDB no more; false where that could not be told. */
  isLost(keyId: Bytes): boolean;
  /** Returns the key with that id to seal with, once no other page can delete it; rejects where it is gone. */
  forSealing(keyId: Bytes): Promise<CryptoKey>;
  /** Resolves once it is known whether the keys lay in IndexedDB a moment ago, within a limit. Never rejects. */
  standing(): Promise<void>;
  /** Makes a new key, which is on disk before it seals. */
  rotate(): Promise<void>;
  /** Deletes those of the keys that no page seals with any more, never the one that seals; returns their ids. */
  retire(keyIds: readonly Bytes[]): Promise<Bytes[]>;
  /** Deletes every key, in every page. From then on this page has keys that die with it. */
  forget(): Promise<void>;
}

/** What the names of the product's own databases begin with. */
export const DATABASE = "renvault";

/** A rotation of another page that is not older than this serves as ours: both were asked for at once. */
const MOMENT_MS = 60_000;

/** How many ids that were looked for in vain are kept in mind; anyone can write more of them into a record. */
const MAX_MISSING = 1_000;

/** The keys of this page by their database: one for all users, for after they were cleared it would make others. */
const ofPage = new Map<string, () => Promise<KeyUse>>();

/** Opens the keys of `database` (by default the product's own) for one more user, making them on first use. */
export function openKeys({ database = DATABASE }: { database?: string } = {}): Promise<KeyUse> {
  const open = ofPage.get(database) ?? lending(() => loadKeys(database));
  ofPage.set(database, open);
  return open();
}

/** Loads the keys as a page does that opens: for `openKeys`, and for tests, which need several pages in one. */
export async function loadKeys(database: string): Promise<OpenKeys> {
  if (!globalThis.crypto?.subtle) {
    throw new Error("This page has no WebCrypto, so nothing can be encrypted. Serve it over https or from localhost.");
  }
  const name = `${database}-keys`;
  let keys: OpenKeys | undefined;
  // Cleared under a page that goes on sealing, the keys are put back at once: the page may end before it seals again.
  const store = durableStore(name, () => void keys?.standing());
  const clearAway = () => sweep(durableStore(`${database}-sdk`), () => idsIn(store));
  try {
    keys = new OpenKeys(await answered(firstRing(store, clearAway)), store, name, null);
  } catch (error) {
    keys = new OpenKeys(await makeRing(), store, name, noKeys(error));
  }
  return keys;
}

function noKeys(error: unknown): string {
  return `The browser keeps no keys for this page. ${error instanceof Error ? error.message : String(error)}`;
}

class OpenKeys implements Keys {
  #ring: KeyRing;
  #problem: string | null;
  readonly #store: DurableStore;
  readonly #locks = new KeyLocks();
  /** By key id: resolves when the key was seen in IndexedDB after its lock was ours. */
  readonly #held = new Map<string, Promise<void>>();
  readonly #missing = new Set<string>();
  readonly #others: BroadcastChannel | undefined;
  #looking: Promise<void> | undefined;
  #isDropped = false;

  constructor(ring: KeyRing, store: DurableStore, channel: string, problem: string | null) {
    this.#ring = ring;
    this.#store = store;
    this.#problem = problem;
    if (typeof BroadcastChannel === "function") {
      this.#others = new BroadcastChannel(channel);
      this.#others.onmessage = () => void this.#look(); // whatever was said: what lies in IndexedDB is what counts
    }
    this.#hold(this.keyId).catch(() => {}); // as in #adopt
  }

  get persistent(): boolean {
    return this.#problem === null;
  }

  get problem(): string | null {
    return this.#problem;
  }

  get keyId(): Bytes {
    return sealing(this.#ring).id;
  }

  get createdAt(): number {
    return sealing(this.#ring).createdAt;
  }

  get ids(): readonly Bytes[] {
    return this.#ring.encryption.map(({ id }) => id);
  }

  get index(): CryptoKey {
    return this.#ring.index;
  }

  async find(keyId: Bytes): Promise<CryptoKey | undefined> {
    const known = withId(this.#ring, keyId);
    if (known || !this.persistent || this.#missing.has(toHex(keyId))) return known?.key;
    try {
      await this.#looked();
    } catch {
      return undefined; // late: the next one looks again
    }
    const found = withId(this.#ring, keyId);
    if (!found) this.#noteMissing(toHex(keyId));
    return found?.key;
  }

  isLost(keyId: Bytes): boolean {
    return this.persistent && this.#missing.has(toHex(keyId));
  }

  async forSealing(keyId: Bytes): Promise<CryptoKey> {
    if (withId(this.#ring, keyId)) await this.#hold(keyId);
    const found = withId(this.#ring, keyId);
    if (!found) throw new Error("The key that was to seal is not at hand any more. Try again.");
    return found.key;
  }

  async standing(): Promise<void> {
    await this.#looked().catch(() => {}); // late: the next record asks again, and the search goes on
  }

  async rotate(): Promise<void> {
    const made = await makeKey();
    if (this.persistent) {
      this.#adopt(await answered(appendKey(this.#store, this.#ring, made, MOMENT_MS)));
      this.#others?.postMessage("rotated");
    } else this.#ring = { ...this.#ring, encryption: [...this.#ring.encryption, made] };
  }

  async retire(keyIds: readonly Bytes[]): Promise<Bytes[]> {
    const retired: Bytes[] = [];
    for (const keyId of this.persistent ? keyIds : []) {
      const isDeleted = await whileUnheld(keyId, async () => {
        const others = await answered(deleteKey(this.#store, keyId));
        if (others) this.#adopt(others);
        return others !== undefined;
      });
      if (isDeleted) retired.push(keyId);
    }
    return retired;
  }

  async forget(): Promise<void> {
    await answered(deleteAll(this.#store));
    await this.#drop();
  }

  /** Looks at IndexedDB, together with who else wants to; rejects where that takes too long. */
  #looked(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return answered(this.#looking);
  }

  /**
   * Takes over what lies there, and puts the keys back where there are none any more; gives them up where they were
   * forgotten, where others lie, or where the browser takes none.
   */
  async #look(): Promise<void> {
    if (!this.persistent) return;
    const joined = () => joinedRing(this.#store, this.#ring);
    try {
      this.#adopt(await joined().catch(joined)); // one fault of the disk is no loss
    } catch (error) {
      if (error instanceof KeysForgotten) await this.#drop();
      else this.#problem = error instanceof KeysReplaced ? error.message : noKeys(error);
    }
  }

  #adopt(ring: KeyRing): void {
    const { id } = sealing(ring);
    const isOvertaken = withId(this.#ring, id) && toHex(id) !== toHex(this.keyId); // by a later look
    if (isOvertaken || !this.persistent || isSame(ring, this.#ring)) return;
    this.#ring = ring;
    this.#hold(id).catch(() => {}); // told of when it is to seal
  }

  #hold(keyId: Bytes): Promise<void> {
    const name = toHex(keyId);
    let held = this.#held.get(name);
    if (!held) {
      held = this.#takeHold(keyId);
      this.#held.set(name, held);
      held.catch(() => this.#held.delete(name)); // the next one tries again
    }
    return held;
  }

  async #takeHold(keyId: Bytes): Promise<void> {
    if (!this.persistent || !hasLocks()) return;
    await this.#locks.hold(keyId);
    await answered(this.#look()); // before the lock was ours, another page may have deleted the key
  }

  /** Gives up the keys that were forgotten: nothing they sealed can be read from here either. */
  async #drop(): Promise<void> {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#problem = new KeysForgotten().message;
    this.#ring = await makeRing();
    this.#others?.postMessage("forgotten");
    this.end();
  }

  /** Lets go of the locks and hears the other pages no more, as the page's own end does. */
  end(): void {
    this.#locks.release();
    this.#others?.close();
  }

  /** The same, and the database: nothing of this is of use any more. */
  close(): void {
    this.end();
    this.#store.end();
  }

  #noteMissing(name: string): void {
    if (this.#missing.size >= MAX_MISSING) this.#missing.clear();
    this.#missing.add(name);
  }
}
